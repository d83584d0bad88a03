//! The queue: what is due, who works on it, and when it is tried again.
//!
//! There is one row for each thing that can be done, so nothing is queued twice. Who takes a job up gets a lease with a
//! time and a fence, a number that grows with every taking: a worker that was asleep past its lease finds a greater fence
//! in the row, and nothing that it still writes counts. Order: priority, raised by each whole hour of waiting so that nothing
//! starves; among equals what was served longest ago; then by name, so that the same work is done in the same order anywhere.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::{Sqlite, Transaction};

use crate::store::text_enum::text_enum;
use crate::store::{Store, StoreError, codec};

text_enum!(
    /// What a job does.
    JobKind, "a kind of job", {
        /// Asks an upstream what there is.
        Check = "check",
        /// Brings a release into the overlay; takes the machine.
        Update = "update",
    }
);

text_enum!(
    /// Where a job stands.
    JobState, "a job's state", {
        /// Waits for its time or its turn.
        Queued = "queued",
        /// Somebody works on it.
        Running = "running",
        /// Nothing is to be done.
        Done = "done",
    }
);

text_enum!(
    /// Why a job is queued; the words order by urgency.
    JobReason, "a reason of a job", {
        /// A person asked for it.
        Asked = "asked",
        /// What `main` has was withdrawn by its upstream.
        Withdrawn = "withdrawn",
        /// There is a newer release.
        NewRelease = "new_release",
        /// The schedule says so.
        Scheduled = "scheduled",
        /// The schedule said so while the bot was away.
        CatchUp = "catch_up",
        /// What its evidence was built with has changed.
        StaleEvidence = "stale_evidence",
        /// It failed, and its next attempt has come.
        Retry = "retry",
        /// It was under way when its worker died.
        Interrupted = "interrupted",
    }
);

impl JobReason {
    /// Greater goes first. An hour of waiting counts as one.
    fn priority(self) -> i64 {
        match self {
            Self::Asked => 100,
            Self::Withdrawn => 80,
            Self::Interrupted => 60,
            Self::NewRelease | Self::Scheduled => 50,
            Self::CatchUp => 40,
            Self::StaleEvidence => 20,
            Self::Retry => 10,
        }
    }
}

/// The right to work on a job, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What to do.
    pub kind: JobKind,
    /// With what: a package, or a group of them.
    pub subject: String,
    /// Why it was queued.
    pub reason: JobReason,
    /// How often it was taken up since it last succeeded, this time included.
    pub attempts: u32,
    /// Tells this taking from every other.
    pub fence: i64,
}

/// How work on a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Nothing more is to be done until it is queued again.
    Done,
    /// It is to be tried again, not before this time.
    Again {
        /// When.
        at: Timestamp,
        /// Why, as a code.
        reason: JobReason,
        /// Why, for a person.
        message: String,
    },
}

/// A job as the queue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What it does.
    pub kind: JobKind,
    /// With what.
    pub subject: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it was queued.
    pub reason: JobReason,
    /// When it is due at the earliest.
    pub due: Timestamp,
    /// How often it was taken up since it last succeeded.
    pub attempts: u32,
    /// Who works on it.
    pub worker: Option<String>,
    /// What was said of it last.
    pub message: Option<String>,
}

impl Store {
    /// Queues a job. One that waits already becomes due at the earlier of both times; one that is under way is done again
    /// after its end.
    pub async fn enqueue(
        &self,
        kind: JobKind,
        subject: &str,
        reason: JobReason,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO jobs (kind, subject, state, reason, priority, queued, due) \
             VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6) ON CONFLICT (kind, subject) DO UPDATE SET \
             again = CASE WHEN state = 'running' THEN excluded.due END, \
             reason = CASE WHEN state = 'running' OR (state = 'queued' AND priority >= excluded.priority) \
                      THEN reason ELSE excluded.reason END, \
             priority = CASE WHEN state = 'running' THEN priority WHEN state = 'queued' \
                        THEN max(priority, excluded.priority) ELSE excluded.priority END, \
             due = CASE state WHEN 'running' THEN due WHEN 'queued' THEN min(due, excluded.due) ELSE excluded.due END, \
             queued = CASE state WHEN 'done' THEN excluded.queued ELSE queued END, \
             state = CASE state WHEN 'running' THEN 'running' ELSE 'queued' END",
        )
        .bind(kind.as_str())
        .bind(subject)
        .bind(reason.as_str())
        .bind(reason.priority())
        .bind(codec::time(self.clock.now()))
        .bind(codec::time(due))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("queue a job"))?;
        Ok(())
    }

    /// Takes up the job whose turn it is, for `length`; nothing if none is due. A lease that ran out is nobody's. From here
    /// on this process counts as at work, until it ends.
    pub async fn claim(&self, kind: JobKind, worker: &str, length: Duration) -> Result<Option<Lease>, StoreError> {
        self.hold_worker_lock().await?;
        let now = self.clock.now();
        let row: Option<(String, String, i64, i64)> = sqlx::query_as(
            "UPDATE jobs SET state = 'running', worker = ?2, leased_until = ?4, started = ?3, fence = fence + 1, \
             attempts = attempts + 1 WHERE kind = ?1 AND subject = (SELECT subject FROM jobs WHERE kind = ?1 \
             AND ((state = 'queued' AND due <= ?3) OR (state = 'running' AND leased_until < ?3)) \
             ORDER BY priority + CAST((julianday(?3) - julianday(queued)) * 24 AS INTEGER) DESC, started NULLS FIRST, subject LIMIT 1) \
             RETURNING subject, reason, attempts, fence",
        )
        .bind(kind.as_str())
        .bind(worker)
        .bind(codec::time(now))
        .bind(codec::time(later(now, length)))
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("take up a job"))?;
        row.map(|(subject, reason, attempts, fence)| {
            Ok(Lease {
                kind,
                subject,
                reason: codec::read_text("reason of a job", &reason)?,
                attempts: codec::read_count("count of attempts", attempts)?,
                fence,
            })
        })
        .transpose()
    }

    /// Makes a lease longer, from now on.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if somebody else has the job by now: stop working on it.
    pub async fn heartbeat(&self, lease: &Lease, length: Duration) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE jobs SET leased_until = ? WHERE kind = ? AND subject = ? AND fence = ? AND state = 'running'",
        )
        .bind(codec::time(later(self.clock.now(), length)))
        .bind(lease.kind.as_str())
        .bind(&lease.subject)
        .bind(lease.fence)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("keep a lease"))?;
        held(lease, done.rows_affected())
    }

    /// Ends the work on a job. One that was queued meanwhile is due again.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if somebody else has the job by now: then this end does not count.
    pub async fn finish(&self, lease: &Lease, end: &JobEnd) -> Result<(), StoreError> {
        let now = codec::time(self.clock.now());
        let (state, due, reason, message) = match end {
            JobEnd::Done => ("done", None, None, None),
            JobEnd::Again { at, reason, message } => ("queued", Some(codec::time(*at)), Some(*reason), Some(message)),
        };
        let done = sqlx::query(
            "UPDATE jobs SET state = CASE WHEN again IS NULL THEN ?4 ELSE 'queued' END, \
             due = min(coalesce(again, ?5, due), coalesce(?5, again, due)), reason = coalesce(?6, reason), \
             priority = coalesce(?7, priority), message = ?8, finished = ?9, queued = ?9, again = NULL, worker = NULL, \
             leased_until = NULL, attempts = CASE ?4 WHEN 'done' THEN 0 ELSE attempts END \
             WHERE kind = ?1 AND subject = ?2 AND fence = ?3 AND state = 'running'",
        )
        .bind(lease.kind.as_str())
        .bind(&lease.subject)
        .bind(lease.fence)
        .bind(state)
        .bind(due)
        .bind(reason.map(JobReason::as_str))
        .bind(reason.map(JobReason::priority))
        .bind(message)
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("end a job"))?;
        held(lease, done.rows_affected())
    }

    /// When the next job of a kind is due, if one waits.
    pub async fn next_due(&self, kind: JobKind) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<String> = sqlx::query_scalar("SELECT min(due) FROM jobs WHERE kind = ? AND state = 'queued'")
            .bind(kind.as_str())
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::query("look for the next job"))?;
        codec::read_optional_time("time of a job", due)
    }

    /// Takes jobs out of the queue whose subject is not in `subjects`: they are no longer configured.
    pub async fn drop_jobs_except(&self, kind: JobKind, subjects: &[String]) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM jobs WHERE kind = ? AND state <> 'running' AND subject NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(kind.as_str())
        .bind(codec::json("list of names", &subjects)?)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("take jobs out of the queue"))?;
        Ok(())
    }

    /// Every job that waits or is under way, in the order in which they are taken up.
    pub async fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        type Row = (String, String, String, String, String, i64, Option<String>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT kind, subject, state, reason, due, attempts, worker, message FROM jobs WHERE state <> 'done' \
             ORDER BY state = 'queued', due > ?1, \
             priority + CAST((julianday(?1) - julianday(queued)) * 24 AS INTEGER) DESC, started NULLS FIRST, subject",
        )
        .bind(codec::time(self.clock.now()))
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list the queue"))?;
        rows.into_iter()
            .map(|(kind, subject, state, reason, due, attempts, worker, message)| {
                Ok(Job {
                    kind: codec::read_text("kind of a job", &kind)?,
                    subject,
                    state: codec::read_text("state of a job", &state)?,
                    reason: codec::read_text("reason of a job", &reason)?,
                    due: codec::read_time("time of a job", &due)?,
                    attempts: codec::read_count("count of attempts", attempts)?,
                    worker,
                    message,
                })
            })
            .collect()
    }
}

/// Gives the jobs of workers that are dead back to the queue, due at once.
pub(super) async fn release_orphans(
    transaction: &mut Transaction<'static, Sqlite>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE jobs SET state = 'queued', worker = NULL, leased_until = NULL, again = NULL, reason = ?2, priority = ?3, \
         queued = ?1, message = 'its worker ended before it did', due = ?1 WHERE state = 'running'",
    )
    .bind(codec::time(now))
    .bind(JobReason::Interrupted.as_str())
    .bind(JobReason::Interrupted.priority())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Whether a lease still counts, within a transaction that depends on it.
pub(super) async fn require(transaction: &mut Transaction<'static, Sqlite>, lease: &Lease) -> Result<(), StoreError> {
    let found: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM jobs WHERE kind = ? AND subject = ? AND fence = ? AND state = 'running'",
    )
    .bind(lease.kind.as_str())
    .bind(&lease.subject)
    .bind(lease.fence)
    .fetch_one(&mut **transaction)
    .await
    .map_err(StoreError::query("check a lease"))?;
    held(lease, found.unsigned_abs())
}

fn held(lease: &Lease, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::LeaseLost { subject: lease.subject.clone() }) } else { Ok(()) }
}

fn later(now: Timestamp, length: Duration) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    now.saturating_add(length).unwrap_or(Timestamp::MAX)
}
