//! Runs: what was written down, for the pipeline's decisions and for pages.

use std::time::Duration;

use jiff::Timestamp;
use nixwright_resolver::plan::diff::GraphDiff;

use crate::model::{AttrPath, CommitSha, FailureClass, Strategy};
use crate::store::{DerivationRecord, Failure, RunId, RunOutcome, Store, StoreError, SystemResult, codec};

/// An attempt at a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The package.
    pub attr: AttrPath,
    /// The release.
    pub version: String,
    /// What `main` had.
    pub from_version: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None` while it is under way.
    pub finished: Option<Timestamp>,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<RunOutcome>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How the package was built; `None` before that is known.
    pub strategy: Option<Strategy>,
    /// What was built.
    pub commit: Option<CommitSha>,
    /// Units that were there already.
    pub reused: u32,
    /// Units that were built.
    pub built: u32,
    /// Why the `shared` strategy was given up.
    pub fallback_reason: Option<String>,
    /// What changed in the graph.
    pub diff: GraphDiff,
    /// Packages that run code while building.
    pub build_scripts: Vec<String>,
    /// The result on each system.
    pub systems: Vec<SystemResult>,
}

/// A stage that a run went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub stage: String,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// What it did.
    pub detail: String,
}

/// What a derivation's builder printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogText {
    /// The derivation, as [`Store::append_log`] was told.
    pub name: String,
    /// The text: control characters and all.
    pub text: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct RunRow {
    id: i64,
    attr: String,
    version: String,
    from_version: Option<String>,
    started: String,
    finished: Option<String>,
    outcome: Option<String>,
    failure_class: Option<String>,
    failure_message: Option<String>,
    strategy: Option<String>,
    commit_sha: Option<String>,
    reused: i64,
    built: i64,
    fallback_reason: Option<String>,
    diff: String,
    build_scripts: String,
    systems: String,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let class: Option<FailureClass> = codec::read_optional_text("failure class", row.failure_class)?;
        Ok(Self {
            id: RunId(row.id),
            attr: codec::read_text("package name", &row.attr)?,
            version: row.version,
            from_version: row.from_version,
            started: codec::read_time("start of a run", &row.started)?,
            finished: codec::read_optional_time("end of a run", row.finished)?,
            outcome: codec::read_optional_text("outcome of a run", row.outcome)?,
            failure: class.zip(row.failure_message).map(|(class, message)| Failure { class, message }),
            strategy: codec::read_optional_text("strategy", row.strategy)?,
            commit: codec::read_optional_text("commit id", row.commit_sha)?,
            reused: codec::read_count("count of units", row.reused)?,
            built: codec::read_count("count of units", row.built)?,
            fallback_reason: row.fallback_reason,
            diff: codec::read_json("graph difference", &row.diff)?,
            build_scripts: codec::read_json("list of build scripts", &row.build_scripts)?,
            systems: codec::read_json("list of systems", &row.systems)?,
        })
    }
}

impl Store {
    /// A run by its number.
    pub async fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = sqlx::query_as("SELECT * FROM runs WHERE id = ?")
            .bind(run.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a run"))?;
        row.map(Run::try_from).transpose()
    }

    /// The newest attempt at a release, finished or not.
    pub async fn last_run(&self, attr: &AttrPath, version: &str) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> =
            sqlx::query_as("SELECT * FROM runs WHERE attr = ? AND version = ? ORDER BY id DESC LIMIT 1")
                .bind(attr.as_str())
                .bind(version)
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::query("read the last run"))?;
        row.map(Run::try_from).transpose()
    }

    /// The attempts at a package's releases, newest first.
    pub async fn runs(&self, attr: &AttrPath) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as("SELECT * FROM runs WHERE attr = ? ORDER BY id DESC")
            .bind(attr.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list runs"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    /// Every run, newest first.
    pub async fn all_runs(&self) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as("SELECT * FROM runs ORDER BY id DESC")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list all runs"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    /// How often a release failed for a reason of its own, for the growing distance between attempts. What this machine is
    /// to blame for, an interruption for one, does not count.
    pub async fn failed_attempts(&self, attr: &AttrPath, version: &str) -> Result<u32, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM runs WHERE attr = ? AND version = ? AND failure_class <> ?")
                .bind(attr.as_str())
                .bind(version)
                .bind(FailureClass::Infrastructure.as_str())
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::query("count failed runs"))?;
        codec::read_count("count of runs", count)
    }

    /// The stages of a run, in the order in which they were recorded.
    pub async fn stages(&self, run: RunId) -> Result<Vec<Stage>, StoreError> {
        let rows: Vec<(String, String, i64, String)> =
            sqlx::query_as("SELECT stage, started, elapsed_ms, detail FROM stages WHERE run = ? ORDER BY id")
                .bind(run.0)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("read a run's stages"))?;
        rows.into_iter()
            .map(|(stage, started, elapsed, detail)| {
                Ok(Stage {
                    stage,
                    started: codec::read_time("start of a stage", &started)?,
                    elapsed: codec::read_millis("time of a stage", elapsed)?,
                    detail,
                })
            })
            .collect()
    }

    /// The derivations of a run, the longest first, then by name.
    pub async fn derivations(&self, run: RunId) -> Result<Vec<DerivationRecord>, StoreError> {
        let rows: Vec<(String, String, String, Option<i64>)> = sqlx::query_as(
            "SELECT drv, name, outcome, elapsed_ms FROM derivations WHERE run = ? \
             ORDER BY coalesce(elapsed_ms, -1) DESC, name, drv",
        )
        .bind(run.0)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read a run's derivations"))?;
        rows.into_iter()
            .map(|(drv, name, outcome, elapsed)| {
                Ok(DerivationRecord {
                    drv,
                    name,
                    outcome: codec::read_text("outcome of a derivation", &outcome)?,
                    elapsed: elapsed.map(|value| codec::read_millis("time of a derivation", value)).transpose()?,
                })
            })
            .collect()
    }

    /// The logs of a run, in the order in which the derivations first printed something.
    pub async fn logs(&self, run: RunId) -> Result<Vec<LogText>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT name, text FROM logs WHERE run = ? ORDER BY rowid")
            .bind(run.0)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("read a run's logs"))?;
        Ok(rows.into_iter().map(|(name, text)| LogText { name, text }).collect())
    }
}
