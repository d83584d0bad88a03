//! The documents: what each page shows, as data. Their fields are the JSON beside the page; times are RFC 3339 in UTC, durations
//! milliseconds.

mod overview;
mod package;
mod pull_request;
mod run;
mod steps;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{AttrPath, CommitSha, FailureClass, Strategy};
use crate::store::{PrState, PullRequest, Run, RunId, RunOutcome, State};

pub(super) use overview::Overview;
pub(super) use package::PackageDoc;
pub(super) use pull_request::PullRequestDoc;
pub(super) use run::RunDoc;
pub(super) use steps::Step;

/// A run in a table.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunRow {
    pub(super) id: RunId,
    pub(super) attr: AttrPath,
    pub(super) version: String,
    pub(super) from_version: Option<String>,
    /// `None` while it is under way.
    pub(super) outcome: Option<RunOutcome>,
    pub(super) failure_class: Option<FailureClass>,
    pub(super) started: Timestamp,
    pub(super) finished: Option<Timestamp>,
    pub(super) elapsed_ms: Option<u64>,
    pub(super) strategy: Option<Strategy>,
    pub(super) reused: u32,
    pub(super) built: u32,
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
#[derive(Debug, Clone, Serialize)]
pub(super) struct PullRequestRow {
    pub(super) number: i64,
    pub(super) attr: Option<AttrPath>,
    pub(super) title: String,
    pub(super) version: String,
    pub(super) state: PrState,
    pub(super) failed: bool,
    pub(super) branch: String,
    pub(super) head: CommitSha,
    pub(super) merge_commit: Option<CommitSha>,
    pub(super) opened: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) closed: Option<Timestamp>,
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
pub(super) fn state_label(state: State) -> &'static str {
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
fn urgency(state: State) -> usize {
    const ORDER: [State; 7] =
        [State::Failed, State::Updating, State::Open, State::Waiting, State::Held, State::New, State::UpToDate];
    ORDER.iter().position(|other| *other == state).unwrap_or(ORDER.len())
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
