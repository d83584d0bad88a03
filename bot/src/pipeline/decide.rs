//! What to do about a package, from what is known: a pure function.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::stages::watch::{Candidate, Waiting, Watched, compare};
use crate::store::{OtherPullRequest, PackageState, PrState, PullRequest, ReasonCode, State};

/// What is known of a package when the upstream was asked.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not exclude one another")]
pub(super) struct Known<'a> {
    /// The version that `main` has.
    pub(super) current: Option<&'a str>,
    /// Its recorded state.
    pub(super) state: Option<&'a PackageState>,
    /// The pull request of its branch, if there ever was one.
    pub(super) request: Option<&'a PullRequest>,
    /// Whether the last run of that pull request's version got through.
    pub(super) built: bool,
    /// Whether what it was built with has changed in `main` since.
    pub(super) stale: bool,
    /// People's own open pull requests that touch the package.
    pub(super) others: &'a [OtherPullRequest],
    /// Why the configuration holds it.
    pub(super) hold: Option<&'a str>,
    /// Until when nothing is published.
    pub(super) quiet_until: Option<Timestamp>,
    /// Whether as many pull requests are open as may be.
    pub(super) limit_reached: bool,
    /// Whether the configuration says which version it has to be, so that a step back is meant.
    pub(super) pinned: bool,
    /// Whether the files of the release that `main` has are known to differ from what they would be now.
    pub(super) differs: bool,
    /// The time.
    pub(super) now: Timestamp,
}

/// Why a release is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// `main` has it; its files may differ all the same.
    Same,
    /// It is new.
    New,
    /// What `main` has was withdrawn by its upstream.
    Withdrawn,
    /// What the open pull request was built with has changed.
    Stale,
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    /// The release that this is about.
    pub(super) version: Option<String>,
    /// Why, for programs.
    pub(super) code: ReasonCode,
    /// Why, for a person.
    pub(super) reason: String,
    /// When that changes by itself.
    pub(super) until: Option<Timestamp>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// See whether the files for this release differ from what `main` has, and if so, update.
    Consider(Box<Candidate>, Why),
    /// `main` has the newest release, and its files are as they would be written now.
    UpToDate(Box<Candidate>),
    /// The pull request is green; it is merged if the policy allows that, else it waits for a person.
    Green(Box<Candidate>),
    /// Nothing, and why.
    Wait(Wait),
    /// The last attempt at this release failed, and the next one is not due.
    StillFailed { version: String, reason: String, until: Option<Timestamp> },
    /// The release of the open pull request was withdrawn, and `main` has the newest that is left.
    Close { number: i64, reason: String },
    /// There is no release that could be packaged.
    Nothing { reason: String },
}

/// Decides.
pub(super) fn decide(watched: &Watched, known: &Known<'_>) -> Decision {
    if let Some(reason) = known.hold {
        let version = known.current.map(str::to_owned);
        return wait(version, ReasonCode::Held, format!("held: {reason}"), None);
    }
    if let Some(close) = close_withdrawn(watched, known) {
        return close;
    }
    let Some(release) = &watched.choice.release else {
        return match &watched.choice.waiting {
            Some(waiting) => not_ready(waiting),
            None => Decision::Nothing { reason: watched.why_nothing.clone() },
        };
    };
    let version = release.version.as_str();
    let is_back = known.current.is_some_and(|current| watched.withdrawn.contains(current));
    let is_same = known.current == Some(version);
    if is_same && !known.differs {
        return match &watched.choice.waiting {
            Some(waiting) => not_ready(waiting),
            None => Decision::Consider(Box::new(release.clone()), Why::Same),
        };
    }
    if let Some(current) = known.current
        && !is_back
        && !known.pinned
        && compare(current, version) == Some(Ordering::Greater)
    {
        let reason = format!("the overlay has {current}, and {version} is the newest that is acceptable now");
        return wait(Some(current.to_owned()), ReasonCode::Newer, reason, None);
    }
    if let Some(state) = known.state
        && state.state == State::Failed
        && state.version.as_deref() == Some(version)
        && state.next_attempt.is_some_and(|next| next > known.now)
    {
        let (version, reason) = (version.to_owned(), state.reason.clone());
        return Decision::StillFailed { version, reason, until: state.next_attempt };
    }
    if let Some(persons) = left_to_persons(version, known) {
        return persons;
    }
    let quiet = known.quiet_until.filter(|_| !is_back);
    if let Some(until) = quiet {
        let reason = format!("nothing is published at this hour; {version} waits until it is over");
        return wait(Some(version.to_owned()), ReasonCode::QuietHours, reason, Some(until));
    }
    let open = known.request.filter(|request| request.state == PrState::Open);
    if open.is_none() && known.limit_reached && !is_back {
        let reason = format!("as many pull requests are open as may be; {version} comes when one is merged or closed");
        return wait(Some(version.to_owned()), ReasonCode::LimitReached, reason, None);
    }
    let candidate = Box::new(release.clone());
    match open {
        Some(request) if request.version == version && !request.failed && !request.draft && known.built => {
            if known.stale { Decision::Consider(candidate, Why::Stale) } else { Decision::Green(candidate) }
        }
        _ if is_same => Decision::Consider(candidate, Why::Same),
        _ if is_back => Decision::Consider(candidate, Why::Withdrawn),
        _ => Decision::Consider(candidate, Why::New),
    }
}

/// A pull request whose release was withdrawn, with nothing to put in its place.
fn close_withdrawn(watched: &Watched, known: &Known<'_>) -> Option<Decision> {
    let request = known.request.filter(|request| request.state == PrState::Open && request.persons.is_empty())?;
    let release = watched.choice.release.as_ref().map(|release| release.version.as_str());
    let is_replaced = release.is_some() && release != known.current;
    if !watched.withdrawn.contains(&request.version) || is_replaced {
        return None;
    }
    let reason = format!("{} was withdrawn by its upstream, and there is no newer release", request.version);
    Some(Decision::Close { number: request.number, reason })
}

/// What people have decided, or are about to.
fn left_to_persons(version: &str, known: &Known<'_>) -> Option<Decision> {
    let about = || Some(version.to_owned());
    if let Some(request) = known.request {
        let number = request.number;
        if request.state == PrState::Open && !request.persons.is_empty() {
            let reason = format!(
                "pull request {number} has commits of {} on {}, so it is left to them; merge or close it to go on",
                request.persons.join(", "),
                request.branch
            );
            return Some(wait(about(), ReasonCode::PersonsCommits, reason, None));
        }
        if request.state == PrState::Closed && request.version == version {
            let reason = format!("pull request {number} was closed, which means: not this version");
            return Some(wait(about(), ReasonCode::ClosedByPerson, reason, None));
        }
    }
    if let Some(request) = known.request
        && request.state == PrState::Merged
        && request.version == version
        && known.current.is_some_and(|current| current != version)
    {
        let number = request.number;
        let reason = format!("pull request {number} was merged and taken back, which means: not this version");
        return Some(wait(about(), ReasonCode::ClosedByPerson, reason, None));
    }
    let same = |other: &&OtherPullRequest| {
        other
            .version
            .as_deref()
            .is_none_or(|theirs| compare(theirs, version).map_or(theirs == version, |order| order != Ordering::Less))
    };
    let other = known.others.iter().find(same)?;
    let reason = format!("pull request {} of {} brings it already", other.number, other.author);
    Some(wait(about(), ReasonCode::PersonsRequest, reason, None))
}

fn not_ready(waiting: &Waiting) -> Decision {
    match waiting {
        Waiting::TooYoung { version, ready_at } => {
            let reason = format!("{version} is younger than min_age allows");
            wait(Some(version.clone()), ReasonCode::TooYoung, reason, Some(*ready_at))
        }
        Waiting::NoTime { version } => {
            let reason = format!("the registry does not say when {version} was published, so its age is not known");
            wait(Some(version.clone()), ReasonCode::NoTime, reason, None)
        }
    }
}

fn wait(version: Option<String>, code: ReasonCode, reason: String, until: Option<Timestamp>) -> Decision {
    Decision::Wait(Wait { version, code, reason, until })
}

/// When to try a failed release again: the distance doubles with each attempt, from an hour to a week, and each name has its
/// own part of a tenth more, so that what failed together is not tried together.
pub(super) fn next_attempt(name: &str, now: Timestamp, failed_attempts: u32) -> Timestamp {
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
    let hours = 1_u64.checked_shl(failed_attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    let distance = Duration::from_secs(hours.saturating_mul(3600)).min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (name, failed_attempts).hash(&mut hasher);
    let distance = distance + distance.mul_f64(fastrand::Rng::with_seed(hasher.finish()).f64() / 10.0);
    now.saturating_add(SignedDuration::try_from(distance).unwrap_or(SignedDuration::MAX)).unwrap_or(now)
}

/// The versions of a group's pull request, one for each package: `fd-find@10.4.2 ripgrep@15.2.0`.
pub(super) fn group_version<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let versions: BTreeSet<String> = members.map(|(attr, version)| format!("{attr}@{version}")).collect();
    versions.into_iter().collect::<Vec<_>>().join(" ")
}

/// A package's part of [`group_version`].
pub(super) fn member_version<'v>(versions: &'v str, attr: &str) -> Option<&'v str> {
    versions.split(' ').find_map(|member| member.strip_prefix(attr)?.strip_prefix('@'))
}

#[cfg(test)]
mod tests;
