//! The list of packages.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::{page, text};
use super::overview::{StateCount, counted};
use super::{Pages, Source, state_label};
use crate::model::{AttrPath, Strategy};
use crate::store::{ListedPackage, Order, PackageQuery, ReasonCode, RunId, State, StoreError};

/// How many packages a page has.
pub(super) const SIZE: u32 = 100;

/// What the list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct PackagesQuery {
    pub(crate) ecosystem: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) maintainer: Option<String>,
    pub(crate) q: Option<String>,
    /// `urgency`, `name` or `newest`.
    pub(crate) order: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// The list of packages.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the name is the one of the JSON")]
pub(crate) struct Packages {
    pub(crate) query: PackagesQuery,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) packages: Vec<PackageRow>,
    /// Over all packages.
    pub(crate) counts: Vec<StateCount>,
    /// Name and count.
    pub(crate) ecosystems: Vec<(String, u32)>,
    pub(crate) maintainers: Vec<String>,
}

/// A package in a table: what `status --json` says, and a little more.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PackageRow {
    pub(crate) attr: AttrPath,
    pub(crate) purl: String,
    pub(crate) ecosystem: String,
    /// The release that the state is about.
    pub(crate) version: Option<String>,
    pub(crate) state: State,
    #[serde(skip)]
    pub(crate) label: &'static str,
    pub(crate) since: Timestamp,
    pub(crate) reason: String,
    pub(crate) reason_code: Option<ReasonCode>,
    /// What `main` has.
    pub(crate) current_version: Option<String>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) next_attempt: Option<Timestamp>,
    /// The newest run of any version.
    pub(crate) last_run: Option<RunId>,
    pub(crate) reused: Option<u32>,
    pub(crate) built: Option<u32>,
    pub(crate) pull_request: Option<i64>,
}

impl PackageRow {
    /// The release that is on its way, where that is not what `main` has.
    pub(crate) fn candidate(&self) -> Option<&str> {
        self.version.as_deref().filter(|version| self.current_version.as_deref() != Some(*version))
    }
}

impl From<ListedPackage> for PackageRow {
    fn from(package: ListedPackage) -> Self {
        Self {
            label: state_label(package.state),
            attr: package.attr,
            purl: package.purl,
            ecosystem: package.ecosystem,
            version: package.version,
            state: package.state,
            since: package.since,
            reason: package.reason,
            reason_code: package.code,
            current_version: package.current_version,
            strategy: package.strategy,
            next_attempt: package.next_attempt,
            last_run: package.last_run,
            reused: package.reused,
            built: package.built,
            pull_request: package.pull_request,
        }
    }
}

impl Packages {
    pub(crate) async fn load(source: Source<'_>, asked: &PackagesQuery) -> Result<Self, StoreError> {
        let store = source.store;
        let order = match asked.order.as_deref() {
            Some("name") => Order::Name,
            Some("newest") => Order::Newest,
            _ => Order::Urgency,
        };
        let query = PackageQuery {
            ecosystem: text(asked.ecosystem.as_deref()),
            state: asked.state.as_deref().and_then(|state| state.parse().ok()),
            maintainer: text(asked.maintainer.as_deref()),
            text: text(asked.q.as_deref()),
            order,
        };
        let listing = store.list_packages(&query, page(asked.page), SIZE).await?;
        Ok(Self {
            query: PackagesQuery {
                ecosystem: query.ecosystem,
                state: query.state.map(|state| state.to_string()),
                maintainer: query.maintainer,
                q: query.text,
                order: (order != Order::Urgency).then(|| asked.order.clone()).flatten(),
                page: asked.page,
            },
            pages: Pages::of(&listing),
            packages: listing.rows.into_iter().map(PackageRow::from).collect(),
            counts: counted(&store.state_counts().await?),
            ecosystems: store.ecosystem_counts().await?,
            maintainers: store.logins().await?,
        })
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        let PackagesQuery { ecosystem, state, maintainer, q, .. } = &self.query;
        ecosystem.is_some() || state.is_some() || maintainer.is_some() || q.is_some()
    }

    /// How many packages there are in all.
    pub(crate) fn all(&self) -> u32 {
        self.counts.iter().map(|count| count.packages).sum()
    }
}
