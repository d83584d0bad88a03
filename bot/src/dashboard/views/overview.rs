//! The first page: is all well, and if not, where.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{PackageRow, PullRequestRow, Queue, QueueRow, RunRow, Source, URGENCY, state_label};
use crate::store::{
    Cycle, DayOfBuilds, DayOfFreshness, JobKind, PackageQuery, PrState, RequestQuery, RunQuery, StageTime, State,
    StoreError,
};

/// How many packages the overview shows.
const PACKAGES: u32 = 20;

/// How many runs, pull requests and jobs it shows.
const RECENT: u32 = 8;

/// How many days its charts go back.
pub(super) const DAYS: i64 = 30;

/// What the overview shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Overview {
    pub(crate) last_cycle: Option<CycleDoc>,
    /// How many packages are configured.
    pub(crate) total: u32,
    /// How many packages are in each state that some package is in, the urgent first.
    pub(crate) counts: Vec<StateCount>,
    /// The share of packages that are up to date, in thousandths.
    pub(crate) fresh_per_mille: u64,
    /// The most urgent packages, failures first, then by name.
    pub(crate) packages: Vec<PackageRow>,
    /// Names of packages that were configured once; some of them.
    pub(crate) no_longer_configured: Vec<String>,
    pub(crate) running: Vec<RunRow>,
    /// The next updates and looks.
    pub(crate) next: Vec<QueueRow>,
    pub(crate) open_pull_requests: Vec<PullRequestRow>,
    pub(crate) open_pull_requests_total: u32,
    /// The newest runs.
    pub(crate) runs: Vec<RunRow>,
    pub(crate) charts: Charts,
}

/// The course of time.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(crate) struct Charts {
    pub(crate) builds: Vec<BuildsOfDay>,
    pub(crate) freshness: Vec<FreshnessOfDay>,
    pub(crate) stages: Vec<TimeOfStage>,
}

/// The runs of a day.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct BuildsOfDay {
    pub(crate) day: String,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
}

/// The packages at the end of a day.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FreshnessOfDay {
    pub(crate) day: String,
    pub(crate) packages: u32,
    pub(crate) up_to_date: u32,
    pub(crate) failed: u32,
}

/// A stage in the newest runs together.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct TimeOfStage {
    pub(crate) stage: String,
    pub(crate) runs: u32,
    pub(crate) elapsed_ms: u64,
}

/// The last look at all packages.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct CycleDoc {
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) elapsed_ms: u64,
    pub(crate) checked: u32,
    pub(crate) updated: u32,
    pub(crate) failed: u32,
}

impl From<Cycle> for CycleDoc {
    fn from(cycle: Cycle) -> Self {
        Self {
            started: cycle.started,
            finished: cycle.finished,
            elapsed_ms: super::span_ms(cycle.started, cycle.finished),
            checked: cycle.checked,
            updated: cycle.updated,
            failed: cycle.failed,
        }
    }
}

/// How many packages are in a state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct StateCount {
    pub(crate) state: State,
    #[serde(skip)]
    pub(crate) label: &'static str,
    pub(crate) packages: u32,
}

/// The states that some package is in, the urgent first.
pub(super) fn counted(counts: &[(State, u32)]) -> Vec<StateCount> {
    let of = |state: State| counts.iter().find(|(other, _)| *other == state).map(|(_, packages)| *packages);
    URGENCY
        .iter()
        .filter_map(|&state| Some(StateCount { state, label: state_label(state), packages: of(state)? }))
        .collect()
}

impl Charts {
    pub(super) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        let since = source.now.saturating_sub(SignedDuration::from_hours(24 * (DAYS - 1))).unwrap_or(source.now);
        let since: Timestamp = format!("{}T00:00:00Z", since.strftime("%Y-%m-%d")).parse().unwrap_or(since);
        let builds = source.store.builds_by_day(since).await?;
        let freshness = source.store.freshness_by_day(since).await?;
        let stages = source.store.time_by_stage().await?;
        let build = |DayOfBuilds { day, succeeded, failed }| BuildsOfDay { day, succeeded, failed };
        let fresh =
            |DayOfFreshness { day, packages, up_to_date, failed }| FreshnessOfDay { day, packages, up_to_date, failed };
        let stage = |StageTime { stage, runs, elapsed }| TimeOfStage { stage, runs, elapsed_ms: super::ms(elapsed) };
        Ok(Self {
            builds: builds.into_iter().map(build).collect(),
            freshness: freshness.into_iter().map(fresh).collect(),
            stages: stages.into_iter().map(stage).collect(),
        })
    }
}

impl Charts {
    pub(crate) fn builds_picture(&self, now: &Timestamp) -> String {
        crate::dashboard::charts::builds(self, *now)
    }

    pub(crate) fn freshness_picture(&self, now: &Timestamp) -> String {
        crate::dashboard::charts::freshness(self, *now)
    }

    /// A stage's time in thousandths of the longest.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    pub(crate) fn width(&self, elapsed_ms: &u64) -> u64 {
        let longest = self.stages.iter().map(|stage| stage.elapsed_ms).max().unwrap_or(0);
        super::per_mille(*elapsed_ms, longest).max(6)
    }
}

impl Overview {
    pub(crate) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        let store = source.store;
        let counts = counted(&store.state_counts().await?);
        let total: u32 = counts.iter().map(|count| count.packages).sum();
        let fresh = counts.iter().find(|count| count.state == State::UpToDate).map_or(0, |count| count.packages);
        let packages = store.list_packages(&PackageQuery::default(), 1, PACKAGES).await?;
        let open = RequestQuery { state: Some(PrState::Open), ..RequestQuery::default() };
        let open = store.list_pull_requests(&open, 1, RECENT).await?;
        let runs = store.list_runs(&RunQuery::default(), 1, RECENT).await?;
        let mut next = Vec::new();
        for kind in [JobKind::Update, JobKind::Check] {
            next.extend(Queue::rows(source, Some(kind), 1, RECENT / 2).await?.1);
        }
        Ok(Self {
            last_cycle: store.last_cycle().await?.map(CycleDoc::from),
            total,
            fresh_per_mille: super::per_mille(fresh.into(), total.into()),
            counts,
            packages: packages.rows.into_iter().map(PackageRow::from).collect(),
            no_longer_configured: store.no_longer_configured(PACKAGES).await?.iter().map(ToString::to_string).collect(),
            running: store.running().await?.iter().map(RunRow::from).collect(),
            next,
            open_pull_requests: open.rows.iter().map(PullRequestRow::from).collect(),
            open_pull_requests_total: open.total,
            runs: runs.rows.iter().map(RunRow::from).collect(),
            charts: Charts::load(source).await?,
        })
    }

    pub(crate) fn count(&self, state: State) -> u32 {
        self.counts.iter().find(|count| count.state == state).map_or(0, |count| count.packages)
    }

    /// The page in a sentence.
    pub(crate) fn headline(&self) -> String {
        let (all, failed, good) = (self.total, self.count(State::Failed), self.count(State::UpToDate));
        match (all, failed) {
            (0, _) => "No packages yet".to_owned(),
            (1, 0) if good == 1 => "The package is up to date".to_owned(),
            (_, 0) if good == all => format!("All {all} packages are up to date"),
            (_, 0) => format!("{good} of {all} packages up to date"),
            _ => format!("{failed} of {all} packages failed"),
        }
    }

    /// How many packages are not on this page.
    pub(crate) fn more(&self) -> u32 {
        self.total.saturating_sub(u32::try_from(self.packages.len()).unwrap_or(u32::MAX))
    }
}
