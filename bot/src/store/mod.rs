//! What happened and what is due, in one SQLite file.
//!
//! The store is the only memory of the bot: stages write to it, the dashboard and `status` read nothing else. Each method is
//! one transaction, so that a kill between any two of them leaves a state that the next start understands. A run that was
//! begun and never finished belongs to a process that died; [`Store::open`] marks it so, unless another living process
//! of this program is at work on the same file (`status` must not declare the bot's own run dead).

mod codec;
mod cycles;
mod error;
mod feed;
mod figures;
mod forge_records;
mod intents;
mod jobs;
mod open;
mod packages;
mod pages;
mod pull_requests;
mod runs;
mod runs_read;
mod status;
#[cfg(test)]
mod tests;
mod text_enum;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::OnceCell;

use crate::model::Clock;

pub use crate::model::Failure;
pub use cycles::Cycle;
pub use error::StoreError;
pub use feed::{FeedEvent, FeedOf};
pub use figures::Figures;
pub use intents::{Intent, IntentId};
pub use jobs::{Job, JobEnd, JobKind, JobReason, JobState, Lease};
pub use packages::{ConfiguredPackage, Event, EventKind, Package, PackageState, ReasonCode, State};
pub use pages::{
    AdvisoryOf, AdvisoryRecord, DayOfBuilds, DayOfFreshness, Dependency, DependencyUse, FailedPackage, GraphEdge,
    GraphNode, Hold, HostRecord, ListedPackage, Listing, LiveLine, LogSize, MaintainerCount, Order, PackageQuery,
    QueuedJob, ReleaseGraph, ReleaseRecord, RequestQuery, RunQuery, StageTime, UsualTime,
};
pub use pull_requests::{OtherPullRequest, PrState, PullRequest, PullRequestDraft};
pub use runs::{DerivationRecord, DerivationState, NewRun, RunId, RunOutcome, RunResult, StageRecord, SystemResult};
pub use runs_read::{LogText, Run, Stage};
pub use status::StatusRow;

/// An open store. Cloning is cheap and gives another handle to the same file.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
    clock: Clock,
    path: PathBuf,
    /// Held, shared, from the first run on: tells other processes that runs are not orphans.
    worker: Arc<OnceCell<File>>,
}

impl Store {
    /// Opens the database at `path`, creating the file and its folder where absent, brings its schema up to date, and marks
    /// the runs of a process that died as failed.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let pool = open::connect(path).await?;
        let store = Self { pool, clock, path: path.to_owned(), worker: Arc::default() };
        store.recover().await?;
        Ok(store)
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything to the one file and lets go of it; without it that happens some time after the last handle is gone.
    pub async fn close(self) {
        self.pool.close().await;
    }
}
