//! Hosts of upstreams: how they answer.

use jiff::Timestamp;

use crate::store::{Store, StoreError, codec};

/// What is known of a host. Counts are of all time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRecord {
    /// Its name, with a port where that is not the usual one.
    pub host: String,
    /// Requests that it answered.
    pub answered: u32,
    /// Requests that it failed, each counted once however often it was tried.
    pub failed: u32,
    /// Failed requests since the last answer.
    pub failed_in_row: u32,
    /// When it last answered.
    pub last_answer: Option<Timestamp>,
    /// What was wrong last.
    pub last_error: Option<String>,
    /// When.
    pub last_error_at: Option<Timestamp>,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
    /// How many requests it allows in a period, where it says so.
    pub rate_limit: Option<u32>,
    /// How many of these are left.
    pub rate_remaining: Option<u32>,
    /// When the period ends.
    pub rate_reset: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
#[expect(clippy::struct_field_names, reason = "the names are those of the columns")]
struct Row {
    host: String,
    answered: i64,
    failed: i64,
    failed_in_row: i64,
    last_answer: Option<String>,
    last_error: Option<String>,
    last_error_at: Option<String>,
    paused_until: Option<String>,
    rate_limit: Option<i64>,
    rate_remaining: Option<i64>,
    rate_reset: Option<String>,
}

impl TryFrom<Row> for HostRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let count = |value| codec::read_count("count of requests", value);
        let time = |value| codec::read_optional_time("time of a host", value);
        Ok(Self {
            host: row.host,
            answered: count(row.answered)?,
            failed: count(row.failed)?,
            failed_in_row: count(row.failed_in_row)?,
            last_answer: time(row.last_answer)?,
            last_error: row.last_error,
            last_error_at: time(row.last_error_at)?,
            paused_until: time(row.paused_until)?,
            rate_limit: row.rate_limit.map(count).transpose()?,
            rate_remaining: row.rate_remaining.map(count).transpose()?,
            rate_reset: time(row.rate_reset)?,
        })
    }
}

impl Store {
    /// Adds what was learnt of hosts: counts are added to those before, the rest is replaced where it is known.
    pub async fn record_hosts(&self, hosts: &[HostRecord]) -> Result<(), StoreError> {
        let failed = || StoreError::query("keep what is known of hosts");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        for host in hosts {
            sqlx::query(
                "INSERT INTO hosts (host, answered, failed, failed_in_row, last_answer, last_error, last_error_at, \
                 paused_until, rate_limit, rate_remaining, rate_reset) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (host) DO UPDATE SET answered = answered + excluded.answered, \
                 failed = failed + excluded.failed, failed_in_row = excluded.failed_in_row, \
                 last_answer = coalesce(excluded.last_answer, last_answer), \
                 last_error = coalesce(excluded.last_error, last_error), \
                 last_error_at = coalesce(excluded.last_error_at, last_error_at), paused_until = excluded.paused_until, \
                 rate_limit = coalesce(excluded.rate_limit, rate_limit), \
                 rate_remaining = coalesce(excluded.rate_remaining, rate_remaining), \
                 rate_reset = coalesce(excluded.rate_reset, rate_reset)",
            )
            .bind(&host.host)
            .bind(host.answered)
            .bind(host.failed)
            .bind(host.failed_in_row)
            .bind(codec::optional_time(host.last_answer))
            .bind(&host.last_error)
            .bind(codec::optional_time(host.last_error_at))
            .bind(codec::optional_time(host.paused_until))
            .bind(host.rate_limit)
            .bind(host.rate_remaining)
            .bind(codec::optional_time(host.rate_reset))
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }

    /// Every host that was ever asked, those in trouble first.
    pub async fn hosts(&self) -> Result<Vec<HostRecord>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM hosts ORDER BY failed_in_row = 0, host")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list hosts"))?;
        rows.into_iter().map(HostRecord::try_from).collect()
    }
}
