//! What pages ask of the store. Each question is answered from an index and gives one page's worth: nothing here reads a
//! whole history.

mod charts;
mod dependencies;
mod failures;
mod hosts;
mod live;
mod packages;
mod queue;
mod releases;
mod requests;
mod runs;

pub use charts::{DayOfBuilds, DayOfFreshness, StageTime};
pub use dependencies::{AdvisoryOf, AdvisoryRecord, Dependency, DependencyUse};
pub use failures::FailedPackage;
pub use hosts::HostRecord;
pub use live::LiveLine;
pub use packages::{Hold, ListedPackage, MaintainerCount, Order, PackageQuery};
pub use queue::{QueuedJob, UsualTime};
pub use releases::{GraphEdge, GraphNode, ReleaseGraph, ReleaseRecord};
pub use requests::RequestQuery;
pub use runs::{LogSize, RunQuery};

use jiff::Timestamp;

use crate::store::{RunId, Store, StoreError, codec};

/// One page of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What is on this page.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: u32,
    /// Which page this is, from 1.
    pub page: u32,
    /// How many a page holds.
    pub size: u32,
}

impl<T> Listing<T> {
    /// How many pages there are, at least one.
    pub fn pages(&self) -> u32 {
        self.total.div_ceil(self.size.max(1)).max(1)
    }

    /// The same list of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing {
            rows: self.rows.into_iter().map(change).collect(),
            total: self.total,
            page: self.page,
            size: self.size,
        }
    }
}

/// Where a page begins, as SQL counts.
fn offset(page: u32, size: u32) -> i64 {
    i64::from(page.saturating_sub(1)) * i64::from(size)
}

/// A pattern for `LIKE … ESCAPE '\'` that finds a text anywhere.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn total(count: i64) -> Result<u32, StoreError> {
    codec::read_count("count of rows", count)
}

impl Store {
    /// A number that grows with every change that a page may show; cheap to ask for.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT n FROM revision")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::query("look for changes"))
    }

    /// When anything that pages show last happened; the beginning of time if nothing did.
    pub async fn last_change(&self) -> Result<Timestamp, StoreError> {
        let at: Option<String> = sqlx::query_scalar(
            "SELECT max(at) FROM (SELECT max(finished) AS at FROM cycles WHERE id = (SELECT max(id) FROM cycles) \
             UNION ALL SELECT at FROM events WHERE id = (SELECT max(id) FROM events) \
             UNION ALL SELECT coalesce(finished, started) FROM runs WHERE id = (SELECT max(id) FROM runs))",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::query("look for the newest change"))?;
        Ok(codec::read_optional_time("time of a change", at)?.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The newest run, if there is one.
    pub async fn newest_run(&self) -> Result<Option<RunId>, StoreError> {
        let id: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM runs")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::query("look for the newest run"))?;
        Ok(id.map(RunId))
    }

    /// How large the database is, in bytes.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::query("measure itself"))?;
        Ok(bytes.unsigned_abs())
    }
}
