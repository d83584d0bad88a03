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
    /// What happened to the overlay lock.
    pub lock: Option<String>,
    /// Whether one of these failed.
    pub common_failed: bool,
    /// Commits that were made on any branch.
    pub commits: u32,
    /// Whether `stable` was moved.
    pub stable_moved: bool,
}

impl CycleSummary {
    /// Puts down what came of packages, in place of what was put down before: an update that was left over from an earlier
    /// process may follow on a look at the same package.
    pub(super) fn put(&mut self, results: impl IntoIterator<Item = PackageSummary>) {
        for result in results {
            match self.packages.iter_mut().find(|known| known.attr == result.attr) {
                Some(known) => *known = result,
                None => self.packages.push(result),
            }
        }
    }

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

#[cfg(test)]
mod tests {
    use super::{CycleSummary, PackageSummary, Result};

    #[test]
    fn each_package_is_there_once_with_what_came_of_it_last() {
        let came = |attr: &str, result| PackageSummary {
            attr: attr.parse().unwrap(),
            result,
            version: None,
            detail: String::new(),
            build: None,
        };
        let mut summary = CycleSummary::default();
        summary.put([came("a", Result::UpToDate), came("b", Result::UpToDate)]);
        summary.put([came("a", Result::Merged), came("c", Result::Failed)]);
        let all: Vec<(&str, Result)> = summary.packages.iter().map(|one| (one.attr.as_str(), one.result)).collect();
        assert_eq!(all, [("a", Result::Merged), ("b", Result::UpToDate), ("c", Result::Failed)]);
    }
}
