//! Cycles of the whole bot: when it last looked, and what came of it.

use jiff::Timestamp;

use crate::store::{Store, StoreError, codec};

/// One look at all packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How many packages were looked at.
    pub checked: u32,
    /// How many got a new commit or pull request.
    pub updated: u32,
    /// How many failed in this cycle.
    pub failed: u32,
}

impl Store {
    /// Remembers a cycle that came to its end.
    pub async fn record_cycle(&self, cycle: &Cycle) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO cycles (started, finished, checked, updated, failed) VALUES (?, ?, ?, ?, ?)")
            .bind(codec::time(cycle.started))
            .bind(codec::time(cycle.finished))
            .bind(cycle.checked)
            .bind(cycle.updated)
            .bind(cycle.failed)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("remember a cycle"))?;
        self.record_freshness().await
    }

    /// The newest cycle, if there ever was one.
    pub async fn last_cycle(&self) -> Result<Option<Cycle>, StoreError> {
        self.newest_cycle("SELECT started, finished, checked, updated, failed FROM cycles ORDER BY id DESC LIMIT 1")
            .await
    }

    /// The newest cycle in which not everything failed.
    pub async fn last_good_cycle(&self) -> Result<Option<Cycle>, StoreError> {
        self.newest_cycle(
            "SELECT started, finished, checked, updated, failed FROM cycles WHERE failed < checked OR checked = 0 \
             ORDER BY id DESC LIMIT 1",
        )
        .await
    }

    async fn newest_cycle(&self, question: &'static str) -> Result<Option<Cycle>, StoreError> {
        let row: Option<(String, String, i64, i64, i64)> = sqlx::query_as(question)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read the last cycle"))?;
        row.map(|(started, finished, checked, updated, failed)| {
            Ok(Cycle {
                started: codec::read_time("start of a cycle", &started)?,
                finished: codec::read_time("end of a cycle", &finished)?,
                checked: codec::read_count("count of a cycle", checked)?,
                updated: codec::read_count("count of a cycle", updated)?,
                failed: codec::read_count("count of a cycle", failed)?,
            })
        })
        .transpose()
    }
}
