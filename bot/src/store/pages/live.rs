//! What a build that is under way prints: lines with numbers that only grow, so that a reader says from where on.

use crate::store::{RunId, Store, StoreError};

/// Some lines of one derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveLine {
    /// Greater is later.
    pub seq: i64,
    /// The derivation.
    pub name: String,
    /// One or several lines, without the last line's end.
    pub text: String,
}

impl Store {
    /// Keeps lines of a run that is under way.
    pub async fn add_live_lines(&self, run: RunId, lines: &[(String, String)]) -> Result<(), StoreError> {
        let failed = || StoreError::query("keep what a build prints");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        for (name, text) in lines {
            sqlx::query("INSERT INTO live_lines (run, name, text) SELECT id, ?2, ?3 FROM runs WHERE id = ?1")
                .bind(run.0)
                .bind(name)
                .bind(text.replace('\0', "\u{fffd}"))
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }

    /// What a run printed after `seq`, oldest first, at most `limit` rows.
    pub async fn live_lines(&self, run: RunId, after: i64, limit: u32) -> Result<Vec<LiveLine>, StoreError> {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT seq, name, text FROM live_lines WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?")
                .bind(run.0)
                .bind(after)
                .bind(limit)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("read what a build prints"))?;
        Ok(rows.into_iter().map(|(seq, name, text)| LiveLine { seq, name, text }).collect())
    }

    /// The number before the last `limit` rows that a run printed: from there on a reader sees the end.
    pub async fn live_end(&self, run: RunId, limit: u32) -> Result<i64, StoreError> {
        let seq: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM live_lines WHERE run = ? ORDER BY seq DESC LIMIT 1 OFFSET ?")
                .bind(run.0)
                .bind(limit)
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::query("read what a build prints"))?;
        Ok(seq.unwrap_or(0))
    }

    /// Forgets the lines of a run whose logs are kept.
    pub async fn drop_live_lines(&self, run: RunId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM live_lines WHERE run = ?")
            .bind(run.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("forget what a build printed"))?;
        Ok(())
    }
}
