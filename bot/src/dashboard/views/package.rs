//! A package's page: why is it not updated?

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    AdvisoryDoc, Alike, PullRequestRow, QueueRow, RunRow, Source, Step, state_label,
    steps::{beside, steps, timeline},
};
use crate::dashboard::Site;
use crate::dashboard::api::{self, Feed};
use crate::dashboard::badges::BadgeKind;
use crate::model::{AttrPath, CommitSha, Strategy};
use crate::store::{
    Event, EventKind, Package, PrState, PullRequest, ReasonCode, RequestQuery, RunQuery, State, StoreError,
};

/// How much of a package's history its page goes back.
const EVENTS: u32 = 200;

/// How many runs and pull requests it shows.
const RECENT: u32 = 20;

/// What a package's page shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PackageDoc {
    pub(crate) attr: AttrPath,
    pub(crate) purl: String,
    pub(crate) ecosystem: String,
    pub(crate) configured: bool,
    pub(crate) state: State,
    #[serde(skip)]
    pub(crate) label: &'static str,
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
    pub(crate) reason_code: Option<ReasonCode>,
    /// What happens next, in a sentence.
    pub(crate) next: String,
    pub(crate) next_attempt: Option<Timestamp>,
    /// What else fails for the same reason.
    pub(crate) alike: Option<Alike>,
    /// Its jobs that wait or are under way.
    pub(crate) jobs: Vec<QueueRow>,
    /// How many updates come before its own, if that one is due.
    pub(crate) jobs_before: Option<u32>,
    /// How long its runs usually take.
    pub(crate) usual_ms: Option<u64>,
    /// Why a person holds it on the pages.
    pub(crate) hold: Option<String>,
    /// The release that the state is about.
    pub(crate) version: Option<String>,
    pub(crate) published: Option<Timestamp>,
    /// What `main` has.
    pub(crate) current: Option<Current>,
    pub(crate) maintainers: Vec<String>,
    /// What upstream says of it, if a release's graph is known.
    pub(crate) about: Option<AboutRelease>,
    /// Known to be wrong with what it is made of.
    pub(crate) advisories: Vec<AdvisoryDoc>,
    /// The way of `version`, at a glance.
    pub(crate) steps: Vec<Step>,
    /// The same with all that happened beside: by time, then what is to come.
    pub(crate) timeline: Vec<Step>,
    /// What earlier attempts at `version` did, newest first.
    pub(crate) earlier_attempts: Vec<EventDoc>,
    /// Other releases, newest first, each with what happened.
    pub(crate) history: Vec<ReleaseHistory>,
    pub(crate) runs: Vec<RunRow>,
    pub(crate) runs_total: u32,
    pub(crate) pull_requests: Vec<PullRequestRow>,
    pub(crate) how_to: HowTo,
    pub(crate) files: Files,
}

/// What there is of a package for programs, below the root of the pages.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Files {
    pub(crate) feed: String,
    /// Version, build and freshness.
    pub(crate) badges: Vec<String>,
    /// Of the release in `about`.
    pub(crate) sbom: Option<String>,
}

impl Files {
    fn of(attr: &AttrPath, about: Option<&AboutRelease>) -> Self {
        Self {
            feed: Feed::Package(attr.clone()).path(),
            badges: BadgeKind::ALL.iter().map(|kind| api::badge_path(attr, *kind)).collect(),
            sbom: about.map(|about| api::sbom_path(attr, &about.version)),
        }
    }
}

/// What upstream says of a package.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct AboutRelease {
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) license: Option<String>,
    /// How many packages are in its graph, itself included.
    pub(crate) components: usize,
    /// Whose code runs while it is built or installed: `name version` and what runs.
    pub(crate) runs_code: Vec<(String, String)>,
}

/// What `main` has of a package.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Current {
    pub(crate) version: String,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) since: Option<Timestamp>,
    /// The commit of `main` that brought it, if the bot merged it.
    pub(crate) commit: Option<CommitSha>,
}

/// What happened to one release.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ReleaseHistory {
    pub(crate) version: Option<String>,
    /// What it came to: the last thing that happened.
    pub(crate) last: EventKind,
    pub(crate) at: Timestamp,
    /// Newest first.
    pub(crate) events: Vec<EventDoc>,
}

/// A point of the timeline.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct EventDoc {
    pub(crate) at: Timestamp,
    pub(crate) kind: EventKind,
    pub(crate) message: String,
}

/// What people copy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct HowTo {
    pub(crate) run: String,
    pub(crate) subscribe: String,
    pub(crate) pin: Option<String>,
    /// The commits of `main` that brought earlier versions, newest first: version and what to write.
    pub(crate) roll_back: Vec<(String, String)>,
}

impl From<&Event> for EventDoc {
    fn from(event: &Event) -> Self {
        Self { at: event.at, kind: event.kind, message: event.message.clone() }
    }
}

impl PackageDoc {
    /// Nothing if it was never configured.
    pub(crate) async fn load(source: Source<'_>, attr: &AttrPath) -> Result<Option<Self>, StoreError> {
        let store = source.store;
        let Some(package) = store.package(attr).await? else { return Ok(None) };
        let mut events = store.newest_events(attr, EVENTS).await?;
        events.reverse();
        let query = RunQuery { attr: Some(attr.clone()), outcome: None };
        let runs = store.list_runs(&query, 1, RECENT).await?;
        let last_run = runs.rows.iter().find(|run| Some(&run.version) == package.state.version.as_ref());
        let requests = RequestQuery { attr: Some(attr.clone()), state: None };
        let requests = store.list_pull_requests(&requests, 1, RECENT).await?.rows;
        let jobs = store.jobs_of(attr.as_str()).await?;
        let wanted = package.state.version.as_deref();
        let release = match store.release(attr, wanted).await? {
            None if wanted.is_some() => store.release(attr, None).await?,
            found => found,
        };
        let advisories = store.advisories_of_package(attr).await?;
        let usual = store.usual_time(Some(attr.as_str())).await?;
        let current = current(&requests, &package);
        let way = steps(&package, &events, last_run);
        let alike = match last_run.filter(|_| package.state.state == State::Failed) {
            Some(run) => Alike::load(source, run.id).await?,
            None => None,
        };
        let about = release.map(AboutRelease::from);
        let (notes, earlier) = beside(&way, &events, wanted);
        Ok(Some(Self {
            ecosystem: ecosystem(&package.purl).to_owned(),
            label: state_label(package.state.state),
            next: next(&requests, &package),
            timeline: timeline(&way, notes),
            earlier_attempts: earlier.into_iter().rev().map(EventDoc::from).collect(),
            steps: way,
            history: history(&events, wanted),
            how_to: how_to(&requests, &package, current.as_ref(), source.site),
            jobs: jobs.into_iter().map(QueueRow::from).collect(),
            jobs_before: store.jobs_before(attr.as_str()).await?,
            usual_ms: usual.map(|usual| super::ms(usual.median)),
            hold: store.held(attr).await?.map(|hold| hold.reason),
            maintainers: store.maintainers_of(attr).await?,
            files: Files::of(attr, about.as_ref()),
            about,
            alike,
            advisories: advisories.into_iter().map(|(name, found)| AdvisoryDoc::of(&name, found)).collect(),
            runs: runs.rows.iter().map(RunRow::from).collect(),
            runs_total: runs.total,
            pull_requests: requests.iter().map(PullRequestRow::from).collect(),
            current,
            attr: package.attr,
            purl: package.purl,
            configured: package.configured,
            state: package.state.state,
            since: package.since,
            reason: package.state.reason,
            reason_code: package.state.code,
            next_attempt: package.state.next_attempt,
            version: package.state.version,
            published: package.state.published,
        }))
    }

    /// Whether the state is about a release that `main` does not have.
    pub(crate) fn has_candidate(&self) -> bool {
        self.version.is_some() && self.version.as_ref() != self.current.as_ref().map(|current| &current.version)
    }
}

impl From<crate::store::ReleaseRecord> for AboutRelease {
    fn from(release: crate::store::ReleaseRecord) -> Self {
        let page = |url: Option<String>| url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        Self {
            version: release.version,
            description: release.description,
            homepage: page(release.homepage),
            repository: page(release.repository),
            license: release.license,
            components: release.graph.nodes.len(),
            runs_code: release
                .graph
                .nodes
                .iter()
                .filter(|node| !node.runs.is_empty())
                .map(|node| (format!("{} {}", node.name, node.version), node.runs.join(", ")))
                .collect(),
        }
    }
}

/// The type of a package URL.
pub(super) fn ecosystem(purl: &str) -> &str {
    purl.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')).map_or("", |(kind, _)| kind)
}

/// Everything that is not about the release which the page's head tells of, by release, newest first.
fn history(events: &[Event], shown: Option<&str>) -> Vec<ReleaseHistory> {
    let mut releases: Vec<ReleaseHistory> = Vec::new();
    for event in events.iter().rev().filter(|event| shown.is_none() || event.version.as_deref() != shown) {
        let doc = EventDoc::from(event);
        match releases.iter_mut().find(|release| release.version == event.version) {
            Some(release) => release.events.push(doc),
            None => releases.push(ReleaseHistory {
                version: event.version.clone(),
                last: event.kind,
                at: event.at,
                events: vec![doc],
            }),
        }
    }
    releases
}

fn current(requests: &[PullRequest], package: &Package) -> Option<Current> {
    let version = package.current_version.clone()?;
    let commit = requests
        .iter()
        .find(|request| request.state == PrState::Merged && brings(request, &package.attr).as_ref() == Some(&version))
        .and_then(|request| request.merge_commit.clone());
    Some(Current { version, strategy: package.current_strategy, since: package.current_since, commit })
}

/// Which version of a package a pull request brings, alone or in a group.
fn brings(request: &PullRequest, attr: &AttrPath) -> Option<String> {
    if request.attr.is_some() {
        return Some(request.version.clone());
    }
    let mut members = request.version.split(' ').filter_map(|member| member.split_once('@'));
    members.find(|(name, _)| *name == attr.as_str()).map(|(_, version)| version.to_owned())
}

fn next(requests: &[PullRequest], package: &Package) -> String {
    if !package.configured {
        return "Nothing: the configuration no longer has this package. Name it there again to go on.".to_owned();
    }
    let open = requests.iter().find(|request| request.state == PrState::Open);
    match package.state.state {
        State::New => "The next cycle looks at it.".to_owned(),
        State::UpToDate => "The next cycle looks for a newer release.".to_owned(),
        State::Waiting => match package.state.code {
            Some(ReasonCode::LimitReached) => {
                "When another pull request is merged or closed, this one comes.".to_owned()
            }
            Some(ReasonCode::QuietHours) => "When the quiet hours are over, the bot brings it in.".to_owned(),
            Some(ReasonCode::ClosedByPerson) => {
                "The bot waits for a newer release: this one was turned down.".to_owned()
            }
            Some(ReasonCode::PersonsRequest) => "Somebody merges or closes their own pull request.".to_owned(),
            _ => "When the release is old enough, the bot brings it in.".to_owned(),
        },
        State::Updating => "The run under way ends in a pull request.".to_owned(),
        State::Open => match open {
            Some(request) => format!("Somebody merges or closes pull request #{}.", request.number),
            None => "Somebody merges or closes the pull request.".to_owned(),
        },
        State::Failed if package.state.next_attempt.is_some() => {
            "The bot tries again, or takes a newer release if there is one.".to_owned()
        }
        State::Failed => "The bot tries again when there is a newer release, or its configuration changes.".to_owned(),
        State::Held => "Somebody lifts the hold.".to_owned(),
    }
}

/// The overlay as an input of a flake.
pub(super) fn input(overlay: &str, reference: &str) -> String {
    format!("inputs.nixwright.url = {};", nix_string(&format!("{overlay}?{reference}")))
}

fn how_to(requests: &[PullRequest], package: &Package, current: Option<&Current>, site: &Site) -> HowTo {
    let (overlay, attr) = (&site.overlay, &package.attr);
    let at = |commit: &CommitSha| input(overlay, &format!("ref=main&rev={commit}"));
    let now = current.and_then(|current| current.commit.as_ref());
    let earlier = requests.iter().filter(|request| request.state == PrState::Merged).filter_map(|request| {
        let commit = request.merge_commit.as_ref().filter(|commit| Some(*commit) != now)?;
        Some((brings(request, attr)?, at(commit)))
    });
    HowTo {
        run: format!("nix run {}", shell_word(&format!("{overlay}?ref=stable#{attr}"))),
        subscribe: format!(
            "{}\n\n# where nixpkgs is configured; the program is then pkgs.nixwright.{attr}\nnixpkgs.overlays = [ inputs.nixwright.overlays.default ];",
            input(overlay, "ref=stable")
        ),
        pin: now.map(at),
        roll_back: earlier.take(5).collect(),
    }
}

/// A Nix string: the same four characters are escaped as everywhere (design.md, "Text from upstream is hostile").
fn nix_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '\\' | '"' | '$') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A word of a POSIX shell.
pub(super) fn shell_word(text: &str) -> String {
    format!("'{}'", crate::message::text::one_line(text).replace('\'', r"'\''"))
}
