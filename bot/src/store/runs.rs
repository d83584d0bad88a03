//! Runs: attempts at a release, written down while they happen.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use nixwright_resolver::plan::diff::GraphDiff;
use serde::{Deserialize, Serialize};

use crate::model::{AttrPath, CommitSha, Failure, Strategy, System};
use crate::store::text_enum::text_enum;
use crate::store::{Store, StoreError, codec};

/// The number of a run; greater is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

text_enum!(
    /// How a run ended.
    RunOutcome, "an outcome of a run", {
        /// Everything asked for was built.
        Succeeded = "succeeded",
        /// A stage failed.
        Failed = "failed",
    }
);

text_enum!(
    /// What became of a derivation in a run.
    DerivationState, "an outcome of a derivation", {
        /// It was there already.
        Reused = "reused",
        /// It was built.
        Built = "built",
        /// Its own builder failed.
        Failed = "failed",
        /// Something it needs failed.
        DependencyFailed = "dependency_failed",
        /// It took too long, or was silent for too long.
        TimedOut = "timed_out",
        /// Its result does not have the promised hash.
        HashMismatch = "hash_mismatch",
        /// Its builder is at work.
        Building = "building",
        /// Its builder has ended; how well is known when all have.
        Ended = "ended",
    }
);

/// A run that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The package.
    pub attr: AttrPath,
    /// The release that is attempted.
    pub version: String,
    /// What `main` has, if it has the package.
    pub from_version: Option<String>,
}

/// A stage that a run went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRecord {
    /// `watch`, `resolve`, `write`, `evaluate`, `build`, `publish`.
    pub stage: &'static str,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// What it did, for a person.
    pub detail: String,
}

/// A derivation that a run needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivationRecord {
    /// The store path of the `.drv`.
    pub drv: String,
    /// The derivation's name.
    pub name: String,
    /// What became of it.
    pub outcome: DerivationState,
    /// How long its builder ran, where it ran.
    pub elapsed: Option<Duration>,
}

/// What was built and tried on one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SystemResult {
    /// The system.
    pub system: System,
    /// Whether the package was built and its programs started.
    pub succeeded: bool,
    /// Time from the first builder's start to the end.
    #[serde(rename = "elapsed_ms", with = "elapsed_ms")]
    #[schemars(with = "u64")]
    pub elapsed: Duration,
    /// The programs that the smoke test started.
    pub programs: Vec<String>,
}

/// How a run ended, and what it found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// Whether it got through.
    pub outcome: RunOutcome,
    /// Why not.
    pub failure: Option<Failure>,
    /// How the package was built in the end; `None` if the run did not get so far.
    pub strategy: Option<Strategy>,
    /// The commit that was built.
    pub commit: Option<CommitSha>,
    /// Units that were there already.
    pub reused: u32,
    /// Units that were built.
    pub built: u32,
    /// Why the `shared` strategy was given up, if it was.
    pub fallback_reason: Option<String>,
    /// What changed in the graph against `from_version`.
    pub diff: GraphDiff,
    /// Packages (`name-version`) that run code while building, sorted.
    pub build_scripts: Vec<String>,
    /// The result on each system.
    pub systems: Vec<SystemResult>,
}

impl Store {
    /// Begins a run. From here on this process counts as at work, until it ends.
    pub async fn begin_run(&self, run: &NewRun) -> Result<RunId, StoreError> {
        self.hold_worker_lock().await?;
        let done = sqlx::query(
            "INSERT INTO runs (attr, version, from_version, started) \
             SELECT attr, ?2, ?3, ?4 FROM packages WHERE attr = ?1",
        )
        .bind(run.attr.as_str())
        .bind(&run.version)
        .bind(&run.from_version)
        .bind(codec::time(self.clock.now()))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("begin a run"))?;
        if done.rows_affected() == 0 {
            return Err(StoreError::UnknownPackage(run.attr.clone()));
        }
        Ok(RunId(done.last_insert_rowid()))
    }

    /// Adds a stage that is over to a run that is under way.
    pub async fn record_stage(&self, run: RunId, record: &StageRecord) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO stages (run, stage, started, elapsed_ms, detail) \
             SELECT id, ?2, ?3, ?4, ?5 FROM runs WHERE id = ?1",
        )
        .bind(run.0)
        .bind(record.stage)
        .bind(codec::time(record.started))
        .bind(codec::millis(record.elapsed))
        .bind(&record.detail)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("record a stage"))?;
        exists(run, done.rows_affected())
    }

    /// Adds derivations to a run; one that is there already is replaced.
    pub async fn record_derivations(&self, run: RunId, records: &[DerivationRecord]) -> Result<(), StoreError> {
        self.write_derivations(run, records).await.map_err(StoreError::query("record derivations"))
    }

    async fn write_derivations(&self, run: RunId, records: &[DerivationRecord]) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for record in records {
            sqlx::query(
                "INSERT INTO derivations (run, drv, name, outcome, elapsed_ms) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT (run, drv) DO UPDATE SET \
                 name = excluded.name, outcome = excluded.outcome, elapsed_ms = excluded.elapsed_ms",
            )
            .bind(run.0)
            .bind(&record.drv)
            .bind(&record.name)
            .bind(record.outcome.as_str())
            .bind(record.elapsed.map(codec::millis))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// Adds to the end of a derivation's log, exactly as given but for NUL, which becomes `U+FFFD`.
    pub async fn append_log(&self, run: RunId, derivation: &str, text: &str) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT INTO logs (run, name, text) SELECT id, ?2, ?3 FROM runs WHERE id = ?1 \
             ON CONFLICT (run, name) DO UPDATE SET text = text || excluded.text",
        )
        .bind(run.0)
        .bind(derivation)
        .bind(text.replace('\0', "\u{fffd}"))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("keep a log"))?;
        exists(run, done.rows_affected())
    }

    /// Ends a run. A run ends once.
    pub async fn finish_run(&self, run: RunId, result: &RunResult) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE runs SET finished = ?, outcome = ?, failure_class = ?, failure_message = ?, strategy = ?, \
             commit_sha = ?, reused = ?, built = ?, fallback_reason = ?, diff = ?, build_scripts = ?, systems = ? \
             WHERE id = ? AND finished IS NULL",
        )
        .bind(codec::time(self.clock.now()))
        .bind(result.outcome.as_str())
        .bind(result.failure.as_ref().map(|failure| failure.class.as_str()))
        .bind(result.failure.as_ref().map(|failure| failure.message.as_str()))
        .bind(result.strategy.map(Strategy::as_str))
        .bind(result.commit.as_ref().map(CommitSha::as_str))
        .bind(result.reused)
        .bind(result.built)
        .bind(&result.fallback_reason)
        .bind(codec::json("graph difference", &result.diff)?)
        .bind(codec::json("list of build scripts", &result.build_scripts)?)
        .bind(codec::json("list of systems", &result.systems)?)
        .bind(run.0)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("end a run"))?;
        exists(run, done.rows_affected())?;
        self.explain_failure(run).await?;
        self.drop_live_lines(run).await
    }
}

fn exists(run: RunId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotRunning(run)) } else { Ok(()) }
}

mod elapsed_ms {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
