//! What is where, and why, in one table: the rows of `nixwright status`.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::{AttrPath, Strategy};
use crate::store::{ReasonCode, State, Store, StoreError, codec};

/// A configured package at a glance. The names of the fields are those of `status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusRow {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// Where its releases come from.
    pub purl: String,
    /// The release that the state is about, else what `main` has.
    pub version: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why, for a person.
    pub reason: String,
    /// The same for programs; the pages' JSON has it, `status --json` keeps to its agreed keys.
    #[serde(skip)]
    pub code: Option<ReasonCode>,
    /// How it is built.
    pub strategy: Option<Strategy>,
    /// Units that the last finished run of this version found there already.
    pub reused: Option<u32>,
    /// Units that it built.
    pub built: Option<u32>,
    /// When the bot looks again.
    pub next_attempt: Option<Timestamp>,
    /// The open pull request, else the newest.
    pub pull_request: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    attr: String,
    purl: String,
    version: Option<String>,
    state: String,
    reason: String,
    reason_code: Option<String>,
    next_attempt: Option<String>,
    strategy: Option<String>,
    reused: Option<i64>,
    built: Option<i64>,
    pull_request: Option<i64>,
}

impl Store {
    /// The configured packages by name, as a JSON array: `attr`, `purl`, `version`, `strategy` and `since` of what `main` has; `state`,
    /// `reason_code`, `reason`, `candidate` and `next_attempt` of where each stands. Made by SQLite itself, which takes a fifth of the
    /// time that ten thousand rows take as values.
    pub async fn packages_json(&self) -> Result<Box<RawValue>, StoreError> {
        let list: String = sqlx::query_scalar(
            "SELECT json_group_array(json_object('attr', attr, 'purl', purl, 'version', current_version, \
             'strategy', current_strategy, 'since', current_since, 'state', state, 'reason_code', reason_code, 'reason', reason, \
             'candidate', version, 'next_attempt', next_attempt)) FROM (SELECT * FROM packages WHERE configured = 1 ORDER BY attr)",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::query("list packages"))?;
        RawValue::from_string(list).map_err(|error| StoreError::corrupt("list of packages", &error))
    }

    /// The configured packages, by name.
    pub async fn status(&self) -> Result<Vec<StatusRow>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.attr, p.purl, coalesce(p.version, p.current_version) AS version, p.state, p.reason, p.reason_code, \
             p.next_attempt, coalesce(r.strategy, p.current_strategy) AS strategy, r.reused, r.built, \
             (SELECT number FROM pull_requests q WHERE q.attr = p.attr \
              OR (q.attr IS NULL AND instr(' ' || q.version, ' ' || p.attr || '@')) ORDER BY q.state = 'open' DESC, number DESC LIMIT 1) AS pull_request \
             FROM packages p LEFT JOIN runs r ON r.id = \
             (SELECT max(id) FROM runs s WHERE s.attr = p.attr AND s.finished IS NOT NULL \
              AND s.strategy IS NOT NULL AND s.version = coalesce(p.version, p.current_version)) \
             WHERE p.configured ORDER BY p.attr",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list the state of packages"))?;
        rows.into_iter().map(StatusRow::try_from).collect()
    }
}

impl TryFrom<Row> for StatusRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let count = |value: Option<i64>| value.map(|value| codec::read_count("count of units", value)).transpose();
        Ok(Self {
            attr: codec::read_text("package name", &row.attr)?,
            purl: row.purl,
            version: row.version,
            state: codec::read_text("state", &row.state)?,
            reason: row.reason,
            code: codec::read_optional_text("reason", row.reason_code)?,
            strategy: codec::read_optional_text("strategy", row.strategy)?,
            reused: count(row.reused)?,
            built: count(row.built)?,
            next_attempt: codec::read_optional_time("time of the next attempt", row.next_attempt)?,
            pull_request: row.pull_request,
        })
    }
}
