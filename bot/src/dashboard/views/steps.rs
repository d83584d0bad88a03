//! The way of one release, from seen to merged: what is done, what failed, and what comes next.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::FailureClass;
use crate::store::{Event, EventKind, Package, Run, State};

/// How far a release is with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::dashboard) enum StepState {
    /// It happened.
    Done,
    /// It was tried and failed.
    Failed,
    /// It is being done.
    Now,
    /// It is what has to happen next.
    Next,
    /// It comes after that.
    Later,
}

impl StepState {
    pub(in crate::dashboard) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Now => "now",
            Self::Next => "next",
            Self::Later => "later",
        }
    }
}

/// A step on the way.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct Step {
    pub(in crate::dashboard) kind: EventKind,
    #[serde(skip)]
    pub(in crate::dashboard) label: &'static str,
    pub(in crate::dashboard) state: StepState,
    /// When it happened.
    pub(in crate::dashboard) at: Option<Timestamp>,
    /// What was said of it.
    pub(in crate::dashboard) message: Option<String>,
}

const WAY: [(EventKind, &str); 7] = [
    (EventKind::Seen, "Seen"),
    (EventKind::Resolved, "Resolved"),
    (EventKind::Written, "Written"),
    (EventKind::Evaluated, "Evaluated"),
    (EventKind::Built, "Built"),
    (EventKind::PullRequest, "Pull request"),
    (EventKind::Merged, "Merged"),
];

/// The way of the release that the package's state is about. `events` are all of the package, oldest first.
pub(super) fn steps(package: &Package, events: &[Event], last_run: Option<&Run>) -> Vec<Step> {
    let version = package.state.version.as_ref();
    let of_release: Vec<&Event> = events.iter().filter(|event| event.version.as_ref() == version).collect();
    let last = |kind: EventKind| of_release.iter().rev().find(|event| event.kind == kind).copied();
    let mut steps: Vec<Step> = WAY
        .iter()
        .map(|&(kind, label)| {
            let event = version.and_then(|_| last(kind));
            Step {
                kind,
                label,
                state: if event.is_some() { StepState::Done } else { StepState::Later },
                at: event.map(|event| event.at),
                message: event.map(|event| event.message.clone()).filter(|message| !message.is_empty()),
            }
        })
        .collect();
    match package.state.state {
        State::Failed => {
            let at = failed_step(&steps, last_run);
            if let Some(step) = steps.get_mut(at) {
                step.state = StepState::Failed;
                let failure = last(EventKind::Failed);
                step.at = failure.map(|event| event.at);
                step.message = failure.map(|event| event.message.clone());
            }
            // What an earlier attempt got done behind the failure says nothing of this one, but a pull request that tells of the
            // failure does.
            for step in steps.iter_mut().skip(at + 1).filter(|step| step.kind != EventKind::PullRequest) {
                step.state = StepState::Later;
                step.at = None;
                step.message = None;
            }
        }
        State::Updating => mark_first_open(&mut steps, StepState::Now),
        State::New | State::Waiting | State::Open | State::Held => mark_first_open(&mut steps, StepState::Next),
        // Nothing is to come. Steps that were never recorded, for a release that was there before the bot was, stay open.
        State::UpToDate => {}
    }
    steps
}

/// Which step a failed release failed at: what its class says, else the first that is not done.
fn failed_step(steps: &[Step], last_run: Option<&Run>) -> usize {
    let class = last_run.and_then(|run| run.failure.as_ref()).map(|failure| failure.class);
    let kind = match class {
        Some(FailureClass::Upstream | FailureClass::Resolve) => Some(EventKind::Resolved),
        Some(FailureClass::Evaluate) => Some(EventKind::Evaluated),
        Some(FailureClass::Build | FailureClass::Dependency | FailureClass::Timeout | FailureClass::Hash) => {
            Some(EventKind::Built)
        }
        Some(FailureClass::Infrastructure) | None => None,
    };
    let by_class = kind.and_then(|kind| steps.iter().position(|step| step.kind == kind));
    by_class.or_else(|| steps.iter().position(|step| step.state != StepState::Done)).unwrap_or(steps.len())
}

fn mark_first_open(steps: &mut [Step], state: StepState) {
    let first_open = steps.iter().rposition(|step| step.state == StepState::Done).map_or(0, |done| done + 1);
    if let Some(step) = steps.get_mut(first_open) {
        step.state = state;
    }
}
