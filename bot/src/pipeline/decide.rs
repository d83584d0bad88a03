//! What to do about a package, from what is known: a pure function.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::stages::watch::{Candidate, Choice, Waiting, compare};
use crate::store::{PackageState, PrState, PullRequest, State};

/// What is known of a package when the upstream was asked.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The version that `main` has.
    pub(super) current: Option<&'a str>,
    /// Its recorded state.
    pub(super) state: Option<&'a PackageState>,
    /// The pull request of its branch, if there ever was one.
    pub(super) request: Option<&'a PullRequest>,
    /// Whether green pull requests are merged.
    pub(super) automerge: bool,
    /// The time.
    pub(super) now: Timestamp,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// See whether the files for this release differ from what `main` has, and if so, update.
    Consider(Box<Candidate>),
    /// Nothing, and why; `until` is when that changes by itself.
    Wait { version: Option<String>, reason: String, until: Option<Timestamp> },
    /// The last attempt at this release failed, and the next one is not due.
    StillFailed { version: String, reason: String, until: Option<Timestamp> },
    /// There is no release that could be packaged.
    Nothing { reason: String },
}

/// Decides.
pub(super) fn decide(choice: &Choice, why_nothing: &str, known: &Known<'_>) -> Decision {
    let Some(release) = &choice.release else {
        return match &choice.waiting {
            Some(waiting) => wait(waiting),
            None => Decision::Nothing { reason: why_nothing.to_owned() },
        };
    };
    let version = release.version.clone();
    if known.current == Some(version.as_str()) {
        return match &choice.waiting {
            Some(waiting) => wait(waiting),
            None => Decision::Consider(Box::new(release.clone())),
        };
    }
    if let Some(current) = known.current
        && compare(current, &version) == Some(Ordering::Greater)
    {
        return Decision::Wait {
            version: Some(current.to_owned()),
            reason: format!("the overlay has {current}, and {version} is the newest that is acceptable now"),
            until: None,
        };
    }
    if let Some(state) = known.state
        && state.state == State::Failed
        && state.version.as_deref() == Some(version.as_str())
        && state.next_attempt.is_some_and(|next| next > known.now)
    {
        return Decision::StillFailed { version, reason: state.reason.clone(), until: state.next_attempt };
    }
    match known.request {
        Some(request) if request.version == version && request.state == PrState::Closed => Decision::Wait {
            reason: format!("pull request {} was closed, which means: not this version", request.number),
            version: Some(version),
            until: None,
        },
        Some(request)
            if request.version == version && request.state == PrState::Open && !request.failed && !known.automerge =>
        {
            Decision::Wait {
                reason: format!("pull request {} is open and waits for a person", request.number),
                version: Some(version),
                until: None,
            }
        }
        _ => Decision::Consider(Box::new(release.clone())),
    }
}

fn wait(waiting: &Waiting) -> Decision {
    match waiting {
        Waiting::TooYoung { version, ready_at } => Decision::Wait {
            version: Some(version.clone()),
            reason: format!("{version} is younger than min_age allows"),
            until: Some(*ready_at),
        },
        Waiting::NoTime { version } => Decision::Wait {
            version: Some(version.clone()),
            reason: format!("the registry does not say when {version} was published, so its age is not known"),
            until: None,
        },
    }
}

/// When to try a failed release again: the distance doubles with each attempt, from an hour to a week.
pub(super) fn next_attempt(now: Timestamp, failed_attempts: u32) -> Timestamp {
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
    let hours = 1_u64.checked_shl(failed_attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    let distance = Duration::from_secs(hours.saturating_mul(3600)).min(LONGEST);
    now.saturating_add(SignedDuration::try_from(distance).unwrap_or(SignedDuration::MAX)).unwrap_or(now)
}

#[cfg(test)]
mod tests;
