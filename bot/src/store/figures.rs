//! Counts of everything, for monitoring.

use jiff::Timestamp;

use crate::store::{Store, StoreError, codec};

/// How much there is of what, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// State, ecosystem, number of configured packages.
    pub packages: Vec<(String, String, u64)>,
    /// Outcome, number of runs that have ended.
    pub runs: Vec<(String, u64)>,
    /// Runs under way.
    pub running: u64,
    /// Kind, state, number of jobs.
    pub jobs: Vec<(String, String, u64)>,
    /// How long the oldest job that is due waits, in seconds; nothing if none is due.
    pub oldest_due_seconds: Option<f64>,
    /// State, number of pull requests.
    pub pull_requests: Vec<(String, u64)>,
    /// When a cycle last ended.
    pub last_cycle: Option<Timestamp>,
    /// When one last ended in which not everything failed.
    pub last_good_cycle: Option<Timestamp>,
    /// The size of the store.
    pub bytes: u64,
}

impl Store {
    /// Counts everything. Each count is answered from an index.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let failed = || StoreError::query("count everything");
        let packages: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT state, substr(purl, 5, instr(purl, '/') - 5), count(*) FROM packages WHERE configured \
             GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let runs: Vec<(String, i64)> = sqlx::query_as(
            "SELECT outcome, count(*) FROM runs WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY outcome",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let running: i64 = sqlx::query_scalar("SELECT count(*) FROM runs WHERE finished IS NULL")
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let jobs: Vec<(String, String, i64)> =
            sqlx::query_as("SELECT kind, state, count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1, 2")
                .fetch_all(&self.pool)
                .await
                .map_err(failed())?;
        let now = self.clock.now();
        let due: Option<String> = sqlx::query_scalar("SELECT min(due) FROM jobs WHERE state = 'queued' AND due <= ?")
            .bind(codec::time(now))
            .fetch_one(&self.pool)
            .await
            .map_err(failed())?;
        let due = codec::read_optional_time("time of a job", due)?;
        let pull_requests: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM pull_requests GROUP BY state ORDER BY state")
                .fetch_all(&self.pool)
                .await
                .map_err(failed())?;
        let bytes: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
                .fetch_one(&self.pool)
                .await
                .map_err(failed())?;
        Ok(Figures {
            packages: packages.into_iter().map(|(state, kind, count)| (state, kind, count.unsigned_abs())).collect(),
            runs: runs.into_iter().map(|(outcome, count)| (outcome, count.unsigned_abs())).collect(),
            running: running.unsigned_abs(),
            jobs: jobs.into_iter().map(|(kind, state, count)| (kind, state, count.unsigned_abs())).collect(),
            oldest_due_seconds: due.map(|due| now.duration_since(due).as_secs_f64()),
            pull_requests: pull_requests.into_iter().map(|(state, count)| (state, count.unsigned_abs())).collect(),
            last_cycle: self.last_cycle().await?.map(|cycle| cycle.finished),
            last_good_cycle: self.last_good_cycle().await?.map(|cycle| cycle.finished),
            bytes: bytes.unsigned_abs(),
        })
    }
}
