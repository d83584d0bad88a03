//! The queue as a person sees it, and how long things usually take.

use std::time::Duration;

use jiff::Timestamp;

use super::{Listing, offset, total};
use crate::store::{JobKind, JobReason, JobState, Store, StoreError, codec};

/// A job that waits or is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    /// What it does.
    pub kind: JobKind,
    /// With what: a package, or a group.
    pub subject: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it was queued.
    pub reason: JobReason,
    /// Since when it waits.
    pub queued: Timestamp,
    /// When it is due at the earliest.
    pub due: Timestamp,
    /// When it was last taken up.
    pub started: Option<Timestamp>,
    /// How often it was taken up since it last succeeded.
    pub attempts: u32,
    /// Who works on it.
    pub worker: Option<String>,
    /// What was said of it last.
    pub message: Option<String>,
}

/// How long the runs of something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsualTime {
    /// The middle one.
    pub median: Duration,
    /// Of how many.
    pub runs: u32,
}

type Row = (String, String, String, String, String, String, Option<String>, i64, Option<String>, Option<String>);

fn job(row: Row) -> Result<QueuedJob, StoreError> {
    let (kind, subject, state, reason, queued, due, started, attempts, worker, message) = row;
    Ok(QueuedJob {
        kind: codec::read_text("kind of a job", &kind)?,
        subject,
        state: codec::read_text("state of a job", &state)?,
        reason: codec::read_text("reason of a job", &reason)?,
        queued: codec::read_time("time of a job", &queued)?,
        due: codec::read_time("time of a job", &due)?,
        started: codec::read_optional_time("time of a job", started)?,
        attempts: codec::read_count("count of attempts", attempts)?,
        worker,
        message,
    })
}

impl Store {
    /// One page of the queue, in the order in which jobs are taken up: those under way, then those due, then the others
    /// by their time.
    pub async fn list_jobs(
        &self,
        kind: Option<JobKind>,
        page: u32,
        size: u32,
    ) -> Result<Listing<QueuedJob>, StoreError> {
        let failed = || StoreError::query("list the queue");
        let kind = kind.map(JobKind::as_str);
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state <> 'done' AND (?1 IS NULL OR kind = ?1)")
                .bind(kind)
                .fetch_one(&self.pool)
                .await
                .map_err(failed())?;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT kind, subject, state, reason, queued, due, started, attempts, worker, message FROM jobs \
             WHERE state <> 'done' AND (?2 IS NULL OR kind = ?2) ORDER BY state = 'queued', due > ?1, \
             CASE WHEN due > ?1 THEN due END, \
             priority + CAST((julianday(?1) - julianday(queued)) * 24 AS INTEGER) DESC, started NULLS FIRST, subject \
             LIMIT ?3 OFFSET ?4",
        )
        .bind(codec::time(self.clock.now()))
        .bind(kind)
        .bind(size)
        .bind(offset(page, size))
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let rows = rows.into_iter().map(job).collect::<Result<_, _>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// The jobs of one package that wait or are under way.
    pub async fn jobs_of(&self, subject: &str) -> Result<Vec<QueuedJob>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT kind, subject, state, reason, queued, due, started, attempts, worker, message FROM jobs \
             WHERE kind IN ('check', 'update') AND subject = ? AND state <> 'done' ORDER BY kind DESC",
        )
        .bind(subject)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("read a package's jobs"))?;
        rows.into_iter().map(job).collect()
    }

    /// How many updates are taken up before this one, those under way included; nothing if it is not due.
    pub async fn jobs_before(&self, subject: &str) -> Result<Option<u32>, StoreError> {
        let before: Option<i64> = sqlx::query_scalar(
            "WITH waiting AS (SELECT subject, row_number() OVER (ORDER BY state = 'queued', \
             priority + CAST((julianday(?1) - julianday(queued)) * 24 AS INTEGER) DESC, started NULLS FIRST, subject) AS place \
             FROM jobs WHERE kind = 'update' AND state <> 'done' AND (state = 'running' OR due <= ?1)) \
             SELECT place - 1 FROM waiting WHERE subject = ?2",
        )
        .bind(codec::time(self.clock.now()))
        .bind(subject)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("find a place in the queue"))?;
        before.map(total).transpose()
    }

    /// How long the last runs of a package took that got through, or of all packages.
    pub async fn usual_time(&self, attr: Option<&str>) -> Result<Option<UsualTime>, StoreError> {
        const OF_ONE: &str = "SELECT started, finished FROM runs WHERE attr = ?1 AND +outcome = 'succeeded' \
                              ORDER BY id DESC LIMIT 10";
        const OF_ALL: &str = "SELECT started, finished FROM runs WHERE ?1 IS NULL AND outcome = 'succeeded' \
                              ORDER BY id DESC LIMIT 50";
        let rows: Vec<(String, String)> = sqlx::query_as(if attr.is_some() { OF_ONE } else { OF_ALL })
            .bind(attr)
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("look how long runs take"))?;
        let mut times = Vec::new();
        for (started, finished) in rows {
            let started = codec::read_time("start of a run", &started)?;
            let finished = codec::read_time("end of a run", &finished)?;
            times.push(Duration::try_from(finished.duration_since(started)).unwrap_or_default());
        }
        times.sort();
        let runs = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Ok(times.get(times.len() / 2).map(|&median| UsualTime { median, runs }))
    }
}
