//! The documents: what each page shows, as data. Each is loaded from the store for itself, with as much as its page shows and no
//! more. Their fields are the JSON beside the page; times are RFC 3339 in UTC, durations milliseconds.

mod about;
mod dependencies;
mod failures;
mod graph;
mod hosts;
mod listing;
mod maintainers;
mod overview;
mod package;
mod packages;
mod pull_requests;
mod queue;
mod run;
mod runs;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Site;
use crate::model::{AttrPath, CommitSha, FailureClass, Strategy};
use crate::store::{PrState, PullRequest, Run, RunId, RunOutcome, State, Store};

pub(crate) use about::About;
pub(crate) use dependencies::{
    AdvisoryDoc, Dependencies, DependenciesQuery, DependencyDoc, DependencyQuery, dependency_path,
};
pub(crate) use failures::{Alike, Failures};
pub(crate) use graph::{GraphDoc, GraphQuery, NodeState};
pub(crate) use hosts::Hosts;
pub(crate) use listing::Pages;
pub(crate) use maintainers::{MaintainerDoc, MaintainerQuery, Maintainers, maintainer_path};
pub(crate) use overview::{Charts, Overview};
pub(crate) use package::PackageDoc;
pub(crate) use packages::{PackageRow, Packages, PackagesQuery};
pub(crate) use pull_requests::{PullRequestDoc, PullRequests, PullRequestsQuery};
pub(crate) use queue::{Queue, QueueQuery, QueueRow};
pub(crate) use run::{RunDoc, RunQuery};
pub(crate) use runs::{Runs, RunsQuery};
pub(crate) use steps::Step;

/// What documents are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// What happened.
    pub(crate) store: &'a Store,
    /// What the store does not know.
    pub(crate) site: &'a Site,
    /// What "now" means: the time of the question, or of the newest change for files that are to stay the same.
    pub(crate) now: Timestamp,
}

/// A run in a table.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RunRow {
    pub(crate) id: RunId,
    pub(crate) attr: AttrPath,
    pub(crate) version: String,
    pub(crate) from_version: Option<String>,
    /// `None` while it is under way.
    pub(crate) outcome: Option<RunOutcome>,
    pub(crate) failure_class: Option<FailureClass>,
    pub(crate) started: Timestamp,
    pub(crate) finished: Option<Timestamp>,
    pub(crate) elapsed_ms: Option<u64>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) reused: u32,
    pub(crate) built: u32,
}

impl From<&Run> for RunRow {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id,
            attr: run.attr.clone(),
            version: run.version.clone(),
            from_version: run.from_version.clone(),
            outcome: run.outcome,
            failure_class: run.failure.as_ref().map(|failure| failure.class),
            started: run.started,
            finished: run.finished,
            elapsed_ms: run.finished.map(|finished| span_ms(run.started, finished)),
            strategy: run.strategy,
            reused: run.reused,
            built: run.built,
        }
    }
}

/// A pull request in a table.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PullRequestRow {
    pub(crate) number: i64,
    pub(crate) attr: Option<AttrPath>,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) state: PrState,
    pub(crate) failed: bool,
    pub(crate) draft: bool,
    pub(crate) branch: String,
    pub(crate) head: CommitSha,
    pub(crate) merge_commit: Option<CommitSha>,
    pub(crate) opened: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) closed: Option<Timestamp>,
}

impl From<&PullRequest> for PullRequestRow {
    fn from(request: &PullRequest) -> Self {
        Self {
            number: request.number,
            attr: request.attr.clone(),
            title: request.title.clone(),
            version: request.version.clone(),
            state: request.state,
            failed: request.failed,
            draft: request.draft,
            branch: request.branch.to_string(),
            head: request.head.clone(),
            merge_commit: request.merge_commit.clone(),
            opened: request.opened,
            updated: request.updated,
            closed: request.closed,
        }
    }
}

/// What a person calls a state, as a sentence's beginning.
pub(crate) fn state_label(state: State) -> &'static str {
    match state {
        State::New => "New",
        State::UpToDate => "Up to date",
        State::Waiting => "Waiting",
        State::Updating => "Updating",
        State::Open => "Open",
        State::Failed => "Failed",
        State::Held => "Held",
    }
}

/// Order on pages: what wants a person first.
const URGENCY: [State; 7] =
    [State::Failed, State::Updating, State::Open, State::Waiting, State::Held, State::New, State::UpToDate];

/// What a person calls an ecosystem.
pub(crate) fn ecosystem_label(ecosystem: &str) -> &str {
    match ecosystem {
        "cargo" => "Rust",
        "npm" => "npm",
        "golang" => "Go",
        other => other,
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// From one time to another, and zero if the clock was set back in between.
fn span_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

/// `part` of `whole` in thousandths, at most 1000: the width of a bar.
fn per_mille(part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(part) * 1000 / u128::from(whole)).min(1000).try_into().unwrap_or(1000) }
}

/// A name from outside as one piece of a path: of a file, or of an address. What could mean something to either is `~` and two
/// hexadecimal digits for each byte.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && place > 0) {
            slug.push(char::from(byte));
        } else {
            slug.push('~');
            slug.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    slug
}

/// What [`slug`] made a piece of; nothing if it did not make it.
pub(crate) fn from_slug(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('~');
    bytes.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.extend(data_encoding::HEXUPPER.decode(code.as_bytes()).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let name = String::from_utf8(bytes).ok()?;
    (slug(&name) == text).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{from_slug, slug};

    #[test]
    fn any_name_is_a_piece_of_a_path_and_can_be_read_back() {
        for name in ["serde", "@scope/name", "github.com/x/y", "..", ".hidden", "a~b", "ä %2F?#<\"", "a.b"] {
            let piece = slug(name);
            assert!(piece.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "{piece}");
            assert!(!piece.starts_with('.'), "{piece}");
            assert_eq!(from_slug(&piece).as_deref(), Some(name));
        }
        for other in ["a/b", "~2f", "~2", "~61", "a b", ".x"] {
            assert_eq!(from_slug(other), None, "{other}");
        }
    }
}
