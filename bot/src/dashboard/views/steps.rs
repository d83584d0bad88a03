//! The way of one release, from seen to merged: what is done, what failed, and what comes next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::FailureClass;
use crate::store::{Event, EventKind, Package, Run, State};

/// How far a release is with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepState {
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
    /// It is no step, but happened on the way.
    Note,
}

impl StepState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Now => "now",
            Self::Next => "next",
            Self::Later => "later",
            Self::Note => "note",
        }
    }
}

/// A step on the way.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Step {
    pub(crate) kind: EventKind,
    #[serde(skip)]
    pub(crate) label: &'static str,
    pub(crate) state: StepState,
    /// When it happened.
    pub(crate) at: Option<Timestamp>,
    /// What was said of it.
    pub(crate) message: Option<String>,
    /// How long after what happened before it.
    pub(crate) after_ms: Option<u64>,
    /// What has to happen, for the step that is next or under way.
    pub(crate) awaits: Option<&'static str>,
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

/// What happened on the way of a release beside its steps, and what earlier attempts at it did, oldest first.
pub(super) fn beside<'a>(steps: &[Step], events: &'a [Event], version: Option<&str>) -> (Vec<Step>, Vec<&'a Event>) {
    const NOTES: [(EventKind, &str); 4] = [
        (EventKind::Waiting, "Waits"),
        (EventKind::FellBack, "Fell back"),
        (EventKind::Held, "Held"),
        (EventKind::Stable, "Stable"),
    ];
    let (mut notes, mut earlier) = (Vec::new(), Vec::new());
    for event in events.iter().filter(|event| event.version.as_deref() == version) {
        if let Some((kind, label)) = NOTES.iter().find(|(kind, _)| *kind == event.kind) {
            let message = Some(event.message.clone()).filter(|message| !message.is_empty());
            let (state, at) = (StepState::Note, Some(event.at));
            notes.push(Step { kind: *kind, label, state, at, message, after_ms: None, awaits: None });
        } else if !steps
            .iter()
            .any(|step| step.at == Some(event.at) && (step.kind == event.kind || event.kind == EventKind::Failed))
        {
            earlier.push(event);
        }
    }
    (notes, earlier)
}

/// Steps and notes in one row: what has a time by its time, then what is to come.
pub(super) fn timeline(steps: &[Step], notes: Vec<Step>) -> Vec<Step> {
    let (mut happened, to_come): (Vec<Step>, Vec<Step>) =
        steps.iter().cloned().chain(notes).partition(|step| step.at.is_some());
    happened.sort_by_key(|step| step.at);
    let mut before: Option<Timestamp> = None;
    for step in &mut happened {
        step.after_ms = before.zip(step.at).map(|(before, at)| super::span_ms(before, at));
        before = step.at;
    }
    happened.into_iter().chain(to_come).collect()
}

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
                after_ms: None,
                awaits: None,
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
    for step in &mut steps {
        if matches!(step.state, StepState::Now | StepState::Next) {
            step.awaits = Some(awaits(step.kind, package.state.state));
        }
    }
    steps
}

/// What has to happen for a step.
fn awaits(kind: EventKind, state: State) -> &'static str {
    match (kind, state) {
        (_, State::Held) => "Somebody lifts the hold.",
        (EventKind::Resolved, State::Waiting) => "The release becomes old enough, or its turn comes.",
        (EventKind::Seen, _) => "The next look at the upstream finds a release.",
        (EventKind::Resolved, _) => "The dependency graph is resolved.",
        (EventKind::Written, _) => "The Nix expressions are committed to the package's branch.",
        (EventKind::Evaluated, _) => "Nix evaluates them.",
        (EventKind::Built, _) => "The sandbox builds what is not there yet, and starts its programs.",
        (EventKind::PullRequest, _) => "A pull request with the evidence is opened.",
        (EventKind::Merged, State::Open) => "Somebody, or the policy, merges the pull request.",
        _ => "The bot goes on by itself.",
    }
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
