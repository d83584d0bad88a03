//! A package's page: why is it not updated?

use jiff::Timestamp;
use serde::Serialize;

use super::{PullRequestRow, RunRow, Step, state_label, steps::steps};
use crate::dashboard::Site;
use crate::dashboard::snapshot::Snapshot;
use crate::model::{AttrPath, CommitSha, Strategy};
use crate::store::{EventKind, Package, PrState, State};

/// What a package's page shows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct PackageDoc {
    pub(in crate::dashboard) attr: AttrPath,
    pub(in crate::dashboard) purl: String,
    pub(in crate::dashboard) configured: bool,
    pub(in crate::dashboard) state: State,
    #[serde(skip)]
    pub(in crate::dashboard) label: &'static str,
    pub(in crate::dashboard) since: Timestamp,
    pub(in crate::dashboard) reason: String,
    /// What happens next, in a sentence.
    pub(in crate::dashboard) next: String,
    pub(in crate::dashboard) next_attempt: Option<Timestamp>,
    /// The release that the state is about.
    pub(in crate::dashboard) version: Option<String>,
    pub(in crate::dashboard) published: Option<Timestamp>,
    /// What `main` has.
    pub(in crate::dashboard) current: Option<Current>,
    /// The way of `version`.
    pub(in crate::dashboard) steps: Vec<Step>,
    /// Newest first.
    pub(in crate::dashboard) events: Vec<EventDoc>,
    pub(in crate::dashboard) runs: Vec<RunRow>,
    pub(in crate::dashboard) pull_requests: Vec<PullRequestRow>,
    pub(in crate::dashboard) how_to: HowTo,
}

/// What `main` has of a package.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct Current {
    pub(in crate::dashboard) version: String,
    pub(in crate::dashboard) strategy: Option<Strategy>,
    pub(in crate::dashboard) since: Option<Timestamp>,
    /// The commit of `main` that brought it, if the bot merged it.
    pub(in crate::dashboard) commit: Option<CommitSha>,
}

/// A point of the timeline.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct EventDoc {
    pub(in crate::dashboard) at: Timestamp,
    pub(in crate::dashboard) kind: EventKind,
    pub(in crate::dashboard) version: Option<String>,
    pub(in crate::dashboard) message: String,
}

/// What people copy.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct HowTo {
    pub(in crate::dashboard) run: String,
    pub(in crate::dashboard) subscribe: String,
    pub(in crate::dashboard) pin: Option<String>,
}

impl PackageDoc {
    pub(in crate::dashboard) fn new(snapshot: &Snapshot, package: &Package, site: &Site) -> Self {
        let events = snapshot.events.get(&package.attr).map(Vec::as_slice).unwrap_or_default();
        let of_version = |run: &&crate::store::Run| Some(&run.version) == package.state.version.as_ref();
        let last_run = snapshot.runs_of(&package.attr).find(of_version);
        let current = current(snapshot, package);
        Self {
            attr: package.attr.clone(),
            purl: package.purl.clone(),
            configured: package.configured,
            state: package.state.state,
            label: state_label(package.state.state),
            since: package.since,
            reason: package.state.reason.clone(),
            next: next(snapshot, package),
            next_attempt: package.state.next_attempt,
            version: package.state.version.clone(),
            published: package.state.published,
            steps: steps(package, events, last_run),
            events: events
                .iter()
                .rev()
                .map(|event| EventDoc {
                    at: event.at,
                    kind: event.kind,
                    version: event.version.clone(),
                    message: event.message.clone(),
                })
                .collect(),
            runs: snapshot.runs_of(&package.attr).map(RunRow::from).collect(),
            pull_requests: snapshot.pull_requests_of(&package.attr).map(PullRequestRow::from).collect(),
            how_to: how_to(package, current.as_ref(), site),
            current,
        }
    }

    /// Whether the state is about a release that `main` does not have.
    pub(in crate::dashboard) fn has_candidate(&self) -> bool {
        self.version.is_some() && self.version.as_ref() != self.current.as_ref().map(|current| &current.version)
    }
}

fn current(snapshot: &Snapshot, package: &Package) -> Option<Current> {
    let version = package.current_version.clone()?;
    let commit = snapshot
        .pull_requests_of(&package.attr)
        .find(|request| request.state == PrState::Merged && request.version == version)
        .and_then(|request| request.merge_commit.clone());
    Some(Current { version, strategy: package.current_strategy, since: package.current_since, commit })
}

fn next(snapshot: &Snapshot, package: &Package) -> String {
    if !package.configured {
        return "Nothing: the configuration no longer has this package. Name it there again to go on.".to_owned();
    }
    let open = snapshot.pull_requests_of(&package.attr).find(|request| request.state == PrState::Open);
    match package.state.state {
        State::New => "The next cycle looks at it.".to_owned(),
        State::UpToDate => "The next cycle looks for a newer release.".to_owned(),
        State::Waiting => "When the release is old enough, the bot brings it in.".to_owned(),
        State::Updating => "The run under way ends in a pull request.".to_owned(),
        State::Open => match open {
            Some(request) => format!("Somebody merges or closes pull request #{}.", request.number),
            None => "Somebody merges or closes the pull request.".to_owned(),
        },
        State::Failed if package.state.next_attempt.is_some() => {
            "The bot tries again, or takes a newer release if there is one.".to_owned()
        }
        State::Failed => "The bot tries again when there is a newer release, or its configuration changes.".to_owned(),
        State::Held => "Somebody lifts the hold in the configuration.".to_owned(),
    }
}

fn how_to(package: &Package, current: Option<&Current>, site: &Site) -> HowTo {
    let (overlay, attr) = (&site.overlay, &package.attr);
    let input = |reference: &str| format!("inputs.nixwright.url = {};", nix_string(&format!("{overlay}?{reference}")));
    HowTo {
        run: format!("nix run {}", shell_word(&format!("{overlay}?ref=stable#{attr}"))),
        subscribe: format!(
            "{}\n\n# where nixpkgs is configured; the program is then pkgs.nixwright.{attr}\nnixpkgs.overlays = [ inputs.nixwright.overlays.default ];",
            input("ref=stable")
        ),
        pin: current.and_then(|current| current.commit.as_ref()).map(|commit| input(&format!("ref=main&rev={commit}"))),
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
