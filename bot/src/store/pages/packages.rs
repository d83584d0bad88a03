//! Lists of packages, who maintains them, and what a person holds.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::{Listing, anywhere, offset, total};
use crate::model::{AttrPath, Strategy};
use crate::store::{ReasonCode, RunId, State, Store, StoreError, codec};

/// In which order packages are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// What wants a person first, then by name.
    #[default]
    Urgency,
    /// By name.
    Name,
    /// What changed last first.
    Newest,
}

/// Which packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageQuery {
    /// The type of their package URL: `cargo`.
    pub ecosystem: Option<String>,
    /// Where they stand.
    pub state: Option<State>,
    /// Whose they are.
    pub maintainer: Option<String>,
    /// A part of their name or package URL.
    pub text: Option<String>,
    /// In which order.
    pub order: Order,
}

/// A package in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPackage {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// Where its releases come from.
    pub purl: String,
    /// The type of its package URL.
    pub ecosystem: String,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Why, for a person.
    pub reason: String,
    /// The same for programs.
    pub code: Option<ReasonCode>,
    /// The release that the state is about.
    pub version: Option<String>,
    /// What `main` has.
    pub current_version: Option<String>,
    /// Since when.
    pub current_since: Option<Timestamp>,
    /// How that is built.
    pub strategy: Option<Strategy>,
    /// When the bot looks again.
    pub next_attempt: Option<Timestamp>,
    /// The newest run of any version.
    pub last_run: Option<RunId>,
    /// Units that it found there already, if it has ended.
    pub reused: Option<u32>,
    /// Units that it built.
    pub built: Option<u32>,
    /// The open pull request, else the newest.
    pub pull_request: Option<i64>,
}

/// A maintainer, and how their packages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintainerCount {
    /// Their login.
    pub login: String,
    /// How many packages are theirs.
    pub packages: u32,
    /// How many of these failed.
    pub failed: u32,
    /// How many wait in an open pull request.
    pub open: u32,
}

/// What a person holds on the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    attr: String,
    purl: String,
    ecosystem: String,
    state: String,
    state_since: String,
    reason: String,
    reason_code: Option<String>,
    version: Option<String>,
    current_version: Option<String>,
    current_since: Option<String>,
    current_strategy: Option<String>,
    next_attempt: Option<String>,
    last_run: Option<i64>,
    reused: Option<i64>,
    built: Option<i64>,
    pull_request: Option<i64>,
}

impl TryFrom<Row> for ListedPackage {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let count = |value: Option<i64>| value.map(|value| codec::read_count("count of units", value)).transpose();
        Ok(Self {
            attr: codec::read_text("package name", &row.attr)?,
            purl: row.purl,
            ecosystem: row.ecosystem,
            state: codec::read_text("state", &row.state)?,
            since: codec::read_time("time of a state", &row.state_since)?,
            reason: row.reason,
            code: codec::read_optional_text("reason", row.reason_code)?,
            version: row.version,
            current_version: row.current_version,
            current_since: codec::read_optional_time("time of merging", row.current_since)?,
            strategy: codec::read_optional_text("strategy", row.current_strategy)?,
            next_attempt: codec::read_optional_time("time of the next attempt", row.next_attempt)?,
            last_run: row.last_run.map(RunId),
            reused: count(row.reused)?,
            built: count(row.built)?,
            pull_request: row.pull_request,
        })
    }
}

/// A number for each state, the urgent first.
const URGENCY: &str = "CASE p.state WHEN 'failed' THEN 0 WHEN 'updating' THEN 1 WHEN 'open' THEN 2 WHEN 'waiting' THEN 3 \
                       WHEN 'held' THEN 4 WHEN 'new' THEN 5 ELSE 6 END";

/// The columns of a [`Row`], for packages that were chosen before. Pull requests of groups name no package; there are few. The
/// `+` keeps SQLite from looking through all that are open.
const COLUMNS: &str = "SELECT c.*, r.reused, r.built, coalesce(\
     (SELECT number FROM pull_requests q WHERE q.attr = c.attr AND +q.state = 'open' ORDER BY number DESC LIMIT 1), \
     (SELECT number FROM pull_requests q WHERE q.attr IS NULL AND +q.state = 'open' \
      AND instr(' ' || q.version, ' ' || c.attr || '@') ORDER BY number DESC LIMIT 1), \
     (SELECT max(number) FROM pull_requests q WHERE q.attr = c.attr)) AS pull_request \
     FROM (SELECT *, (SELECT max(id) FROM runs s WHERE s.attr = chosen.attr) AS last_run FROM chosen) c \
     LEFT JOIN runs r ON r.id = c.last_run AND r.finished IS NOT NULL";

impl PackageQuery {
    /// Adds the conditions to a statement on `packages p`.
    fn narrow(&self, query: &mut QueryBuilder<Sqlite>) {
        query.push(" WHERE p.configured");
        if let Some(ecosystem) = &self.ecosystem {
            query.push(" AND p.ecosystem = ").push_bind(ecosystem.clone());
        }
        if let Some(state) = self.state {
            query.push(" AND p.state = ").push_bind(state.as_str());
        }
        if let Some(login) = &self.maintainer {
            query.push(" AND p.attr IN (SELECT attr FROM package_maintainers WHERE login = ");
            query.push_bind(login.clone()).push(")");
        }
        if let Some(text) = &self.text {
            query.push(" AND (p.attr LIKE ").push_bind(anywhere(text)).push(" ESCAPE '\\' OR p.purl LIKE ");
            query.push_bind(anywhere(text)).push(" ESCAPE '\\')");
        }
    }
}

impl Store {
    /// One page of the configured packages that a query asks for.
    pub async fn list_packages(
        &self,
        query: &PackageQuery,
        page: u32,
        size: u32,
    ) -> Result<Listing<ListedPackage>, StoreError> {
        let failed = || StoreError::query("list packages");
        let mut counting = QueryBuilder::new("SELECT count(*) FROM packages p");
        query.narrow(&mut counting);
        let count: i64 = counting.build_query_scalar().fetch_one(&self.pool).await.map_err(failed())?;
        let mut listing = QueryBuilder::new("WITH chosen AS (SELECT p.*, p.ecosystem AS ecosystem, ");
        listing.push(URGENCY).push(" AS urgency FROM packages p");
        query.narrow(&mut listing);
        let order = match query.order {
            Order::Urgency => "urgency, attr",
            Order::Name => "attr",
            Order::Newest => "state_since DESC, attr",
        };
        listing.push(" ORDER BY ").push(order).push(" LIMIT ").push_bind(size);
        listing.push(" OFFSET ").push_bind(offset(page, size)).push(") ").push(COLUMNS).push(" ORDER BY ").push(order);
        let rows: Vec<Row> = listing.build_query_as().fetch_all(&self.pool).await.map_err(failed())?;
        let rows = rows.into_iter().map(ListedPackage::try_from).collect::<Result<_, _>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// How many configured packages are in each state that one is in.
    pub async fn state_counts(&self) -> Result<Vec<(State, u32)>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, count(*) FROM packages WHERE configured = 1 GROUP BY state")
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("count packages"))?;
        rows.into_iter().map(|(state, count)| Ok((codec::read_text("state", &state)?, total(count)?))).collect()
    }

    /// How many configured packages each ecosystem has, by name.
    pub async fn ecosystem_counts(&self) -> Result<Vec<(String, u32)>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT ecosystem, count(*) FROM packages WHERE configured GROUP BY ecosystem ORDER BY ecosystem",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("count packages"))?;
        rows.into_iter().map(|(ecosystem, count)| Ok((ecosystem, total(count)?))).collect()
    }

    /// Names of packages that were configured once, at most `limit`.
    pub async fn no_longer_configured(&self, limit: u32) -> Result<Vec<AttrPath>, StoreError> {
        let rows: Vec<String> =
            sqlx::query_scalar("SELECT attr FROM packages WHERE configured = 0 ORDER BY attr LIMIT ?")
                .bind(limit)
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("list packages"))?;
        rows.iter().map(|attr| codec::read_text("package name", attr)).collect()
    }

    /// Every package ever configured, by name: for an export.
    pub async fn package_names(&self) -> Result<Vec<AttrPath>, StoreError> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT attr FROM packages ORDER BY attr")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list packages"))?;
        rows.iter().map(|attr| codec::read_text("package name", attr)).collect()
    }

    /// Makes the store know who maintains what; who is not named is forgotten.
    pub async fn set_maintainers(&self, maintainers: &[(AttrPath, Vec<String>)]) -> Result<(), StoreError> {
        let failed = || StoreError::query("take over who maintains what");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::query("DELETE FROM package_maintainers").execute(&mut *transaction).await.map_err(failed())?;
        for (attr, logins) in maintainers {
            for login in logins {
                sqlx::query(
                    "INSERT OR IGNORE INTO package_maintainers (attr, login) \
                     SELECT attr, ?2 FROM packages WHERE attr = ?1",
                )
                .bind(attr.as_str())
                .bind(login)
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
            }
        }
        transaction.commit().await.map_err(failed())
    }

    /// Who maintains a package, by login.
    pub async fn maintainers_of(&self, attr: &AttrPath) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT login FROM package_maintainers WHERE attr = ? ORDER BY login")
            .bind(attr.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("read who maintains a package"))
    }

    /// The logins of all maintainers.
    pub async fn logins(&self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT DISTINCT login FROM package_maintainers ORDER BY login")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list maintainers"))
    }

    /// All maintainers with how their packages are, by login.
    pub async fn maintainers(&self) -> Result<Vec<MaintainerCount>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT m.login, count(*), sum(p.state = 'failed'), sum(p.state = 'open') FROM package_maintainers m \
             JOIN packages p ON p.attr = m.attr WHERE p.configured GROUP BY m.login ORDER BY m.login",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list maintainers"))?;
        rows.into_iter()
            .map(|(login, packages, failed, open)| {
                Ok(MaintainerCount { login, packages: total(packages)?, failed: total(failed)?, open: total(open)? })
            })
            .collect()
    }

    /// Keeps a package as it is until [`Store::release_hold`], whatever its configuration says.
    pub async fn hold(&self, attr: &AttrPath, reason: &str) -> Result<(), StoreError> {
        let done = sqlx::query(
            "INSERT OR REPLACE INTO holds (attr, reason, since) SELECT attr, ?2, ?3 FROM packages WHERE attr = ?1",
        )
        .bind(attr.as_str())
        .bind(reason)
        .bind(codec::time(self.clock.now()))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("hold a package"))?;
        if done.rows_affected() == 0 { Err(StoreError::UnknownPackage(attr.clone())) } else { Ok(()) }
    }

    /// Ends what [`Store::hold`] began.
    pub async fn release_hold(&self, attr: &AttrPath) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM holds WHERE attr = ?")
            .bind(attr.as_str())
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("end a hold"))?;
        Ok(())
    }

    /// Whether, and why, a person holds a package.
    pub async fn held(&self, attr: &AttrPath) -> Result<Option<Hold>, StoreError> {
        let row: Option<(String, String)> = sqlx::query_as("SELECT reason, since FROM holds WHERE attr = ?")
            .bind(attr.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a hold"))?;
        row.map(|(reason, since)| Ok(Hold { reason, since: codec::read_time("time of a hold", &since)? })).transpose()
    }
}
