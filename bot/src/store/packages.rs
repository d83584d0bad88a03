//! Packages: what is configured, the state each is in and why, and the timeline of what happened to it.

use jiff::Timestamp;

use crate::model::{AttrPath, Strategy};
use crate::store::text_enum::text_enum;
use crate::store::{Store, StoreError, codec};

text_enum!(
    /// Where a package stands.
    State, "a package's state", {
        /// Configured, and not looked at yet.
        New = "new",
        /// `main` has the newest acceptable release.
        UpToDate = "up_to_date",
        /// A newer release is younger than `min_age`.
        Waiting = "waiting",
        /// A run is under way.
        Updating = "updating",
        /// A pull request is open and waits to be merged.
        Open = "open",
        /// The newest release could not be brought in; `main` keeps the last good one.
        Failed = "failed",
        /// A person said: not this one.
        Held = "held",
    }
);

text_enum!(
    /// Why a package stands where it stands, for programs.
    ReasonCode, "a reason", {
        /// `main` has the newest acceptable release.
        Newest = "newest",
        /// A run is under way.
        Updating = "updating",
        /// The release is younger than `min_age`.
        TooYoung = "too_young",
        /// The registry does not say when it was published.
        NoTime = "no_time",
        /// `main` has a newer release than is acceptable now.
        Newer = "newer",
        /// The configuration holds it.
        Held = "held",
        /// Nothing is published at this hour.
        QuietHours = "quiet_hours",
        /// As many pull requests are open as may be.
        LimitReached = "limit_reached",
        /// People have commits on its branch.
        PersonsCommits = "persons_commits",
        /// A person's own pull request does the same.
        PersonsRequest = "persons_request",
        /// Its pull request was closed: not this version.
        ClosedByPerson = "closed_by_person",
        /// Its pull request is green and waits for a person.
        AwaitsPerson = "awaits_person",
        /// Its pull request is green and waits for the forge's own checks.
        AwaitsForge = "awaits_forge",
        /// The upstream has withdrawn the release of its pull request.
        Withdrawn = "withdrawn",
        /// The last attempt failed.
        Failed = "failed",
    }
);

text_enum!(
    /// A step in the life of a release, on the timeline.
    EventKind, "a kind of event", {
        /// The registry has it.
        Seen = "seen",
        /// It is too young.
        Waiting = "waiting",
        /// Its graph is known.
        Resolved = "resolved",
        /// It is committed to the package's branch.
        Written = "written",
        /// Nix has evaluated it.
        Evaluated = "evaluated",
        /// The other strategy is tried.
        FellBack = "fell_back",
        /// It is built, and its programs start.
        Built = "built",
        /// A pull request was opened or updated.
        PullRequest = "pull_request",
        /// `main` has it.
        Merged = "merged",
        /// `stable` has it.
        Stable = "stable",
        /// A stage failed.
        Failed = "failed",
        /// A person held it.
        Held = "held",
    }
);

/// A package as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredPackage {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// Where its releases come from, without a version.
    pub purl: String,
}

/// Where a package stands, why, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageState {
    /// The state.
    pub state: State,
    /// The release that the state is about: the candidate, or what `main` has.
    pub version: Option<String>,
    /// When upstream published that release.
    pub published: Option<Timestamp>,
    /// A sentence for a person.
    pub reason: String,
    /// The same for programs; nothing for a package that was never looked at.
    pub code: Option<ReasonCode>,
    /// When the bot looks again, if that is known.
    pub next_attempt: Option<Timestamp>,
}

/// All that is stored of a package itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// Where its releases come from.
    pub purl: String,
    /// Whether the configuration still has it.
    pub configured: bool,
    /// When the bot first heard of it.
    pub added: Timestamp,
    /// Where it stands.
    pub state: PackageState,
    /// Since when it is in this state with this version.
    pub since: Timestamp,
    /// What `main` has.
    pub current_version: Option<String>,
    /// How that is built.
    pub current_strategy: Option<Strategy>,
    /// Since when `main` has it.
    pub current_since: Option<Timestamp>,
}

/// A point on a package's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The release it is about.
    pub version: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// A sentence for a person.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct PackageRow {
    attr: String,
    purl: String,
    configured: bool,
    added: String,
    state: String,
    state_since: String,
    version: Option<String>,
    published: Option<String>,
    reason: String,
    reason_code: Option<String>,
    next_attempt: Option<String>,
    current_version: Option<String>,
    current_strategy: Option<String>,
    current_since: Option<String>,
}

impl TryFrom<PackageRow> for Package {
    type Error = StoreError;

    fn try_from(row: PackageRow) -> Result<Self, StoreError> {
        Ok(Self {
            attr: codec::read_text("package name", &row.attr)?,
            purl: row.purl,
            configured: row.configured,
            added: codec::read_time("time of adding", &row.added)?,
            state: PackageState {
                state: codec::read_text("state", &row.state)?,
                version: row.version,
                published: codec::read_optional_time("time of publishing", row.published)?,
                reason: row.reason,
                code: codec::read_optional_text("reason", row.reason_code)?,
                next_attempt: codec::read_optional_time("time of the next attempt", row.next_attempt)?,
            },
            since: codec::read_time("time of a state", &row.state_since)?,
            current_version: row.current_version,
            current_strategy: codec::read_optional_text("strategy", row.current_strategy)?,
            current_since: codec::read_optional_time("time of merging", row.current_since)?,
        })
    }
}

impl Store {
    /// Makes the store know exactly `packages` as configured. Those that are no longer named keep their history.
    pub async fn sync_packages(&self, packages: &[ConfiguredPackage]) -> Result<(), StoreError> {
        self.sync(packages).await.map_err(StoreError::query("take over the configured packages"))
    }

    async fn sync(&self, packages: &[ConfiguredPackage]) -> Result<(), sqlx::Error> {
        let now = codec::time(self.clock.now());
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE packages SET configured = 0").execute(&mut *transaction).await?;
        for package in packages {
            sqlx::query(
                "INSERT INTO packages (attr, purl, added, state_since, reason) \
                 VALUES (?1, ?2, ?3, ?3, 'not looked at yet') \
                 ON CONFLICT (attr) DO UPDATE SET purl = excluded.purl, configured = 1",
            )
            .bind(package.attr.as_str())
            .bind(&package.purl)
            .bind(&now)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// Every package ever configured, by name.
    pub async fn packages(&self) -> Result<Vec<Package>, StoreError> {
        let rows: Vec<PackageRow> = sqlx::query_as("SELECT * FROM packages ORDER BY attr")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list packages"))?;
        rows.into_iter().map(Package::try_from).collect()
    }

    /// A package, configured now or once.
    pub async fn package(&self, attr: &AttrPath) -> Result<Option<Package>, StoreError> {
        let row: Option<PackageRow> = sqlx::query_as("SELECT * FROM packages WHERE attr = ?")
            .bind(attr.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a package"))?;
        row.map(Package::try_from).transpose()
    }

    /// Says where a package stands. The time since when is kept while state and version stay the same.
    pub async fn set_state(&self, attr: &AttrPath, state: &PackageState) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE packages SET \
             state_since = CASE WHEN state = ?2 AND version IS ?3 THEN state_since ELSE ?7 END, \
             state = ?2, version = ?3, published = ?4, reason = ?5, next_attempt = ?6, \
             reason_code = ?8 WHERE attr = ?1",
        )
        .bind(attr.as_str())
        .bind(state.state.as_str())
        .bind(&state.version)
        .bind(codec::optional_time(state.published))
        .bind(&state.reason)
        .bind(codec::optional_time(state.next_attempt))
        .bind(codec::time(self.clock.now()))
        .bind(state.code.map(ReasonCode::as_str))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("set a package's state"))?;
        known(attr, done.rows_affected())
    }

    /// Where a package stands; `None` if it was never configured.
    pub async fn state(&self, attr: &AttrPath) -> Result<Option<PackageState>, StoreError> {
        Ok(self.package(attr).await?.map(|package| package.state))
    }

    /// Says what `main` has.
    pub async fn set_current(&self, attr: &AttrPath, version: &str, strategy: Strategy) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE packages SET \
             current_since = CASE WHEN current_version IS ?2 THEN current_since ELSE ?4 END, \
             current_version = ?2, current_strategy = ?3 WHERE attr = ?1",
        )
        .bind(attr.as_str())
        .bind(version)
        .bind(strategy.as_str())
        .bind(codec::time(self.clock.now()))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("set a package's current version"))?;
        known(attr, done.rows_affected())
    }

    /// Adds to the timeline. What the watch finds anew in each cycle (`Seen`, `Waiting`) is added once a release and message.
    pub async fn event(
        &self,
        attr: &AttrPath,
        version: Option<&str>,
        kind: EventKind,
        message: &str,
    ) -> Result<(), StoreError> {
        let once = matches!(kind, EventKind::Seen | EventKind::Waiting);
        // The package is looked up in the statement, so that an unknown one adds nothing instead of breaking a foreign key.
        sqlx::query(
            "INSERT INTO events (attr, version, kind, message, at) \
             SELECT attr, ?2, ?3, ?4, ?5 FROM packages WHERE attr = ?1 AND NOT (?6 AND EXISTS \
             (SELECT 1 FROM events WHERE attr = ?1 AND version IS ?2 AND kind = ?3 AND message = ?4))",
        )
        .bind(attr.as_str())
        .bind(version)
        .bind(kind.as_str())
        .bind(message)
        .bind(codec::time(self.clock.now()))
        .bind(once)
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("add to a package's timeline"))?;
        if self.package(attr).await?.is_none() {
            return Err(StoreError::UnknownPackage(attr.clone()));
        }
        Ok(())
    }

    /// The timeline of a package, oldest first.
    pub async fn events(&self, attr: &AttrPath) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<(Option<String>, String, String, String)> =
            sqlx::query_as("SELECT version, kind, message, at FROM events WHERE attr = ? ORDER BY id")
                .bind(attr.as_str())
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
}

fn known(attr: &AttrPath, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::UnknownPackage(attr.clone())) } else { Ok(()) }
}
