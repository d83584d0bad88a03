//! The first page: is all well, and if not, where.

use jiff::Timestamp;
use serde::Serialize;

use super::{PullRequestRow, RunRow, state_label, urgency};
use crate::dashboard::snapshot::Snapshot;
use crate::store::{PrState, ReasonCode, RunId, State, StatusRow};

/// How many runs the overview shows.
const RECENT: usize = 12;

/// What the overview shows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct Overview {
    pub(in crate::dashboard) last_cycle: Option<CycleDoc>,
    /// How many packages are in each state that some package is in, the urgent first.
    pub(in crate::dashboard) counts: Vec<StateCount>,
    /// The configured packages, the urgent first, then by name.
    pub(in crate::dashboard) packages: Vec<PackageRow>,
    /// Names of packages that were configured once.
    pub(in crate::dashboard) no_longer_configured: Vec<String>,
    pub(in crate::dashboard) open_pull_requests: Vec<PullRequestRow>,
    /// The newest runs.
    pub(in crate::dashboard) runs: Vec<RunRow>,
}

/// The last look at all packages.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct CycleDoc {
    pub(in crate::dashboard) started: Timestamp,
    pub(in crate::dashboard) finished: Timestamp,
    pub(in crate::dashboard) elapsed_ms: u64,
    pub(in crate::dashboard) checked: u32,
    pub(in crate::dashboard) updated: u32,
    pub(in crate::dashboard) failed: u32,
}

/// How many packages are in a state.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct StateCount {
    pub(in crate::dashboard) state: State,
    #[serde(skip)]
    pub(in crate::dashboard) label: &'static str,
    pub(in crate::dashboard) packages: usize,
}

/// A package in the table: what `status --json` says, and a little more.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct PackageRow {
    #[serde(flatten)]
    pub(in crate::dashboard) status: StatusRow,
    /// The reason as a code.
    pub(in crate::dashboard) reason_code: Option<ReasonCode>,
    #[serde(skip)]
    pub(in crate::dashboard) label: &'static str,
    /// What `main` has.
    pub(in crate::dashboard) current_version: Option<String>,
    /// Since when it is in this state.
    pub(in crate::dashboard) since: Option<Timestamp>,
    /// The newest run of any version.
    pub(in crate::dashboard) last_run: Option<RunId>,
}

impl PackageRow {
    /// The release that is on its way, where that is not what `main` has.
    pub(in crate::dashboard) fn candidate(&self) -> Option<&str> {
        self.status.version.as_deref().filter(|version| self.current_version.as_deref() != Some(*version))
    }
}

impl Overview {
    /// The page in a sentence.
    pub(in crate::dashboard) fn headline(&self) -> String {
        let of = |state: State| self.counts.iter().find(|count| count.state == state).map_or(0, |count| count.packages);
        let (all, failed, good) = (self.packages.len(), of(State::Failed), of(State::UpToDate));
        match (all, failed) {
            (0, _) => "No packages yet".to_owned(),
            (1, 0) if good == 1 => "The package is up to date".to_owned(),
            (_, 0) if good == all => format!("All {all} packages are up to date"),
            (_, 0) => format!("{good} of {all} packages up to date"),
            _ => format!("{failed} of {all} packages failed"),
        }
    }

    pub(in crate::dashboard) fn new(snapshot: &Snapshot) -> Self {
        let mut packages: Vec<PackageRow> =
            snapshot.status.iter().map(|status| package_row(snapshot, status)).collect();
        packages.sort_by_key(|row| urgency(row.status.state));
        let mut counts: Vec<StateCount> = State::ALL
            .iter()
            .map(|&state| StateCount {
                state,
                label: state_label(state),
                packages: packages.iter().filter(|row| row.status.state == state).count(),
            })
            .filter(|count| count.packages > 0)
            .collect();
        counts.sort_by_key(|count| urgency(count.state));
        Self {
            last_cycle: snapshot.last_cycle.map(|cycle| CycleDoc {
                started: cycle.started,
                finished: cycle.finished,
                elapsed_ms: super::span_ms(cycle.started, cycle.finished),
                checked: cycle.checked,
                updated: cycle.updated,
                failed: cycle.failed,
            }),
            counts,
            packages,
            no_longer_configured: snapshot
                .packages
                .iter()
                .filter(|package| !package.configured)
                .map(|package| package.attr.to_string())
                .collect(),
            open_pull_requests: snapshot
                .pull_requests
                .iter()
                .filter(|request| request.state == PrState::Open)
                .map(PullRequestRow::from)
                .collect(),
            runs: snapshot.runs.iter().take(RECENT).map(RunRow::from).collect(),
        }
    }
}

fn package_row(snapshot: &Snapshot, status: &StatusRow) -> PackageRow {
    let package = snapshot.packages.iter().find(|package| package.attr == status.attr);
    PackageRow {
        reason_code: status.code,
        label: state_label(status.state),
        current_version: package.and_then(|package| package.current_version.clone()),
        since: package.map(|package| package.since),
        last_run: snapshot.runs_of(&status.attr).next().map(|run| run.id),
        status: status.clone(),
    }
}
