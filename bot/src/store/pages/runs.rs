//! Lists of runs, and the logs of one.

use sqlx::QueryBuilder;

use super::{Listing, offset, total};
use crate::model::AttrPath;
use crate::store::runs_read::RunRow;
use crate::store::{Event, LogText, Run, RunId, RunOutcome, Store, StoreError, codec};

/// Which runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Of this package.
    pub attr: Option<AttrPath>,
    /// That ended so.
    pub outcome: Option<RunOutcome>,
}

/// A log without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSize {
    /// The derivation.
    pub name: String,
    /// In characters.
    pub length: u64,
}

impl Store {
    /// One page of runs, newest first.
    pub async fn list_runs(&self, query: &RunQuery, page: u32, size: u32) -> Result<Listing<Run>, StoreError> {
        let failed = || StoreError::query("list runs");
        let narrow = |builder: &mut QueryBuilder<sqlx::Sqlite>| {
            builder.push(" WHERE true");
            if let Some(attr) = &query.attr {
                builder.push(" AND attr = ").push_bind(attr.to_string());
            }
            if let Some(outcome) = query.outcome {
                builder.push(" AND outcome = ").push_bind(outcome.as_str());
            }
        };
        let mut counting = QueryBuilder::new("SELECT count(*) FROM runs");
        narrow(&mut counting);
        let count: i64 = counting.build_query_scalar().fetch_one(&self.pool).await.map_err(failed())?;
        // Ids from an index first: a late page then skips numbers, not rows with all that is in them.
        let mut listing = QueryBuilder::new("SELECT * FROM runs WHERE id IN (SELECT id FROM runs");
        narrow(&mut listing);
        listing.push(" ORDER BY id DESC LIMIT ").push_bind(size).push(" OFFSET ").push_bind(offset(page, size));
        listing.push(") ORDER BY id DESC");
        let rows: Vec<RunRow> = listing.build_query_as().fetch_all(&self.pool).await.map_err(failed())?;
        let rows = rows.into_iter().map(Run::try_from).collect::<Result<_, _>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// The runs that are under way, oldest first.
    pub async fn running(&self) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as("SELECT * FROM runs WHERE finished IS NULL ORDER BY id LIMIT 100")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list the runs under way"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    /// The newest points of a package's timeline, newest first.
    pub async fn newest_events(&self, attr: &AttrPath, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<(Option<String>, String, String, String)> =
            sqlx::query_as("SELECT version, kind, message, at FROM events WHERE attr = ? ORDER BY id DESC LIMIT ?")
                .bind(attr.as_str())
                .bind(limit)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("read a package's timeline"))?;
        rows.into_iter()
            .map(|(version, kind, message, at)| {
                Ok(Event {
                    version,
                    kind: codec::read_text("kind of event", &kind)?,
                    message,
                    at: codec::read_time("time of an event", &at)?,
                })
            })
            .collect()
    }

    /// Which logs a run has, in the order in which the derivations first printed something.
    pub async fn log_sizes(&self, run: RunId) -> Result<Vec<LogSize>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, length(text) FROM logs WHERE run = ? ORDER BY rowid")
                .bind(run.0)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("list a run's logs"))?;
        Ok(rows.into_iter().map(|(name, length)| LogSize { name, length: length.unsigned_abs() }).collect())
    }

    /// The log of one derivation of a run.
    pub async fn log(&self, run: RunId, name: &str) -> Result<Option<LogText>, StoreError> {
        let text: Option<String> = sqlx::query_scalar("SELECT text FROM logs WHERE run = ? AND name = ?")
            .bind(run.0)
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a log"))?;
        Ok(text.map(|text| LogText { name: name.to_owned(), text }))
    }
}
