//! Points of timelines across packages, for feeds.

use jiff::{SignedDuration, Timestamp};

use crate::model::AttrPath;
use crate::store::{EventKind, RunOutcome, Store, StoreError, codec};

/// How far back the feed of a maintainer goes: their packages are picked out of everybody's events.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A point of a package's timeline, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEvent {
    /// Greater is later.
    pub id: i64,
    /// The package.
    pub attr: AttrPath,
    /// The release it is about.
    pub version: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// A sentence for a person.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// Whose events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedOf {
    /// Everybody's.
    All,
    /// One package's.
    Package(AttrPath),
    /// Of the packages of a login, of the last thirty days.
    Maintainer(String),
}

type Row = (i64, String, Option<String>, String, String, String);

impl Store {
    /// The newest points of these kinds, newest first.
    pub async fn feed(&self, of: &FeedOf, kinds: &[EventKind], limit: u32) -> Result<Vec<FeedEvent>, StoreError> {
        // `+kind`: most events are of kinds that are told, so going back through all of them is the shortest way.
        const ALL: &str = "SELECT id, attr, version, kind, message, at FROM events \
                           WHERE +kind IN (SELECT value FROM json_each(?1)) ORDER BY id DESC LIMIT ?2";
        // Failures are few; they have an index.
        const ONE_KIND: &str = "SELECT id, attr, version, kind, message, at FROM events \
                                WHERE kind = (SELECT value FROM json_each(?1)) ORDER BY at DESC, id DESC LIMIT ?2";
        const PACKAGE: &str = "SELECT id, attr, version, kind, message, at FROM events \
                               WHERE attr = ?3 AND +kind IN (SELECT value FROM json_each(?1)) ORDER BY id DESC LIMIT ?2";
        const MAINTAINER: &str = "SELECT e.id, e.attr, e.version, e.kind, e.message, e.at FROM events e \
                                  WHERE e.kind IN (SELECT value FROM json_each(?1)) AND e.at > ?4 AND EXISTS \
                                  (SELECT 1 FROM package_maintainers m WHERE m.login = ?3 AND m.attr = e.attr) \
                                  ORDER BY e.at DESC, e.id DESC LIMIT ?2";
        let (statement, subject) = match of {
            FeedOf::All if kinds.len() == 1 => (ONE_KIND, None),
            FeedOf::All => (ALL, None),
            FeedOf::Package(attr) => (PACKAGE, Some(attr.to_string())),
            FeedOf::Maintainer(login) => (MAINTAINER, Some(login.clone())),
        };
        let rows: Vec<Row> = sqlx::query_as(statement)
            .bind(codec::json("list of kinds", &kinds)?)
            .bind(limit)
            .bind(subject)
            .bind(codec::time(self.clock.now().saturating_sub(BACK).unwrap_or(Timestamp::MIN)))
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("read what happened"))?;
        rows.into_iter()
            .map(|(id, attr, version, kind, message, at)| {
                Ok(FeedEvent {
                    id,
                    attr: codec::read_text("package name", &attr)?,
                    version,
                    kind: codec::read_text("kind of event", &kind)?,
                    message,
                    at: codec::read_time("time of an event", &at)?,
                })
            })
            .collect()
    }

    /// How the newest run of a package ended that has ended.
    pub async fn last_outcome(&self, attr: &AttrPath) -> Result<Option<RunOutcome>, StoreError> {
        let outcome: Option<String> = sqlx::query_scalar(
            "SELECT outcome FROM runs WHERE attr = ? AND outcome IS NOT NULL ORDER BY id DESC LIMIT 1",
        )
        .bind(attr.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read how a run ended"))?;
        codec::read_optional_text("outcome of a run", outcome)
    }
}
