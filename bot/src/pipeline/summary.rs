//! What a cycle did, for a person at a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{AttrPath, Clock};

/// What came of one package in a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// `main` has the newest acceptable release.
    UpToDate,
    /// There is something newer that is not ready, or a pull request that waits for a person.
    Waiting,
    /// A pull request was opened or updated, and waits.
    Opened,
    /// A pull request was opened or updated, and merged.
    Merged,
    /// Something failed; it is recorded.
    Failed,
    /// It would be updated, were this not a dry run.
    WouldUpdate,
}

/// One package in a cycle.
#[derive(Debug, Clone)]
pub struct PackageSummary {
    /// The package.
    pub attr: AttrPath,
    /// What came of it.
    pub result: Result,
    /// The version this is about, if one is known.
    pub version: Option<String>,
    /// Why, or what, in words.
    pub detail: String,
    /// Time of the build, if there was one.
    pub build: Option<Duration>,
}

/// A whole cycle.
#[derive(Debug, Clone, Default)]
pub struct CycleSummary {
    /// Each configured package.
    pub packages: Vec<PackageSummary>,
    /// Time of each stage, over all packages.
    pub stages: BTreeMap<&'static str, Duration>,
    /// What happened to the files that all packages share.
    pub common: Option<String>,
    /// Whether that failed.
    pub common_failed: bool,
    /// Commits that were made on any branch.
    pub commits: u32,
    /// Whether `stable` was moved.
    pub stable_moved: bool,
}

impl CycleSummary {
    /// Whether anything failed.
    pub fn has_failures(&self) -> bool {
        self.common_failed || self.packages.iter().any(|package| package.result == Result::Failed)
    }
}

/// A stage's time, while it runs.
pub(super) struct Timer {
    clock: Clock,
    pub(super) started: Timestamp,
}

impl Timer {
    /// Starts measuring.
    pub(super) fn start(clock: &Clock) -> Self {
        Self { clock: clock.clone(), started: clock.now() }
    }

    /// Adds the time since the start to a stage.
    pub(super) fn stop(&self, summary: &mut CycleSummary, stage: &'static str) -> Duration {
        let elapsed = self.clock.now().duration_since(self.started);
        let elapsed = Duration::try_from(elapsed).unwrap_or_default();
        *summary.stages.entry(stage).or_default() += elapsed;
        elapsed
    }
}
