//! The course of time, for charts.

use std::time::Duration;

use jiff::Timestamp;

use super::total;
use crate::store::{Store, StoreError, codec};

/// How many of the newest runs the times of stages are taken from.
const STAGE_RUNS: i64 = 500;

/// The runs that began on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOfBuilds {
    /// `2026-03-01`, in UTC.
    pub day: String,
    /// How many got through.
    pub succeeded: u32,
    /// How many failed.
    pub failed: u32,
}

/// How fresh the overlay was at the end of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOfFreshness {
    /// `2026-03-01`, in UTC.
    pub day: String,
    /// Configured packages.
    pub packages: u32,
    /// Of these, up to date.
    pub up_to_date: u32,
    /// Of these, failed.
    pub failed: u32,
}

/// How long a stage took in the newest runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageTime {
    /// Its name.
    pub stage: String,
    /// In how many runs it is counted.
    pub runs: u32,
    /// In all of them together.
    pub elapsed: Duration,
}

impl Store {
    /// The days since `since` on which a run began that has ended, oldest first.
    pub async fn builds_by_day(&self, since: Timestamp) -> Result<Vec<DayOfBuilds>, StoreError> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("SELECT day, succeeded, failed FROM days WHERE day >= ? ORDER BY day")
                .bind(since.strftime("%Y-%m-%d").to_string())
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("count runs by day"))?;
        rows.into_iter()
            .map(|(day, succeeded, failed)| {
                Ok(DayOfBuilds { day, succeeded: total(succeeded)?, failed: total(failed)? })
            })
            .collect()
    }

    /// The days since `since` at whose end somebody looked, oldest first.
    pub async fn freshness_by_day(&self, since: Timestamp) -> Result<Vec<DayOfFreshness>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> =
            sqlx::query_as("SELECT day, packages, up_to_date, failed FROM freshness WHERE day >= ? ORDER BY day")
                .bind(since.strftime("%Y-%m-%d").to_string())
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("read how fresh it was"))?;
        rows.into_iter()
            .map(|(day, packages, up_to_date, failed)| {
                Ok(DayOfFreshness {
                    day,
                    packages: total(packages)?,
                    up_to_date: total(up_to_date)?,
                    failed: total(failed)?,
                })
            })
            .collect()
    }

    /// How long each stage took in the newest runs, the longest first.
    pub async fn time_by_stage(&self) -> Result<Vec<StageTime>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT stage, count(*), sum(elapsed_ms) FROM stages \
             WHERE run > (SELECT coalesce(max(id), 0) FROM runs) - ? GROUP BY stage ORDER BY sum(elapsed_ms) DESC, stage",
        )
        .bind(STAGE_RUNS)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("add up the times of stages"))?;
        rows.into_iter()
            .map(|(stage, runs, elapsed)| {
                Ok(StageTime { stage, runs: total(runs)?, elapsed: codec::read_millis("time of a stage", elapsed)? })
            })
            .collect()
    }

    /// Writes down how fresh the overlay is today.
    pub(in crate::store) async fn record_freshness(&self) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO freshness (day, packages, up_to_date, failed) \
             SELECT ?, count(*), coalesce(sum(state = 'up_to_date'), 0), coalesce(sum(state = 'failed'), 0) \
             FROM packages WHERE configured",
        )
        .bind(self.clock.now().strftime("%Y-%m-%d").to_string())
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("write down how fresh it is"))?;
        Ok(())
    }
}
