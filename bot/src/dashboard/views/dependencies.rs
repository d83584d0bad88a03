//! What packages are made of: who uses it, in which versions, and what is known to be wrong with it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::{page, text};
use super::{Pages, Source, slug};
use crate::clients::endpoints::{advisory_page, package_page};
use crate::model::AttrPath;
use crate::store::{AdvisoryOf, Dependency, DependencyUse, StoreError};

/// How many rows a page has.
const SIZE: u32 = 100;

/// What the list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct DependenciesQuery {
    pub(crate) ecosystem: Option<String>,
    pub(crate) q: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// The list of dependencies, the most used first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the name is the one of the JSON")]
pub(crate) struct Dependencies {
    pub(crate) query: DependenciesQuery,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) dependencies: Vec<DependencyRow>,
}

/// A dependency in the list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct DependencyRow {
    pub(crate) ecosystem: String,
    pub(crate) name: String,
    pub(crate) users: u32,
    pub(crate) versions: u32,
    pub(crate) advisories: u32,
}

/// Where a dependency's page is, without its ending.
pub(crate) fn dependency_path(ecosystem: &str, name: &str) -> String {
    format!("dependencies/{}/{}", slug(ecosystem), slug(name))
}

impl DependencyRow {
    pub(crate) fn path(&self) -> String {
        dependency_path(&self.ecosystem, &self.name)
    }
}

/// What a dependency's page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct DependencyQuery {
    pub(crate) version: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// A dependency's page.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct DependencyDoc {
    pub(crate) ecosystem: String,
    pub(crate) name: String,
    pub(crate) query: DependencyQuery,
    /// The most used first.
    pub(crate) versions: Vec<VersionRow>,
    pub(crate) advisories: Vec<AdvisoryDoc>,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) uses: Vec<UseRow>,
}

/// A version that is in use.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct VersionRow {
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) users: u32,
    pub(crate) advisories: usize,
    /// Where its registry tells of it.
    pub(crate) page: Option<String>,
    /// How long its bar is, in thousandths.
    #[serde(skip)]
    pub(crate) width: u64,
}

/// Who uses it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct UseRow {
    pub(crate) attr: AttrPath,
    pub(crate) release: String,
    pub(crate) version: String,
    pub(crate) direct: bool,
    pub(crate) builds_only: bool,
}

/// What is known to be wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct AdvisoryDoc {
    pub(crate) id: String,
    /// Where it can be read, if its id has a page.
    pub(crate) page: Option<String>,
    /// About what.
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) severity: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) seen: Timestamp,
}

impl AdvisoryDoc {
    pub(super) fn of(name: &str, found: AdvisoryOf) -> Self {
        Self {
            page: advisory_page(&found.advisory.id).map(String::from),
            id: found.advisory.id,
            name: name.to_owned(),
            version: found.version,
            severity: found.advisory.severity,
            summary: found.advisory.summary,
            seen: found.seen,
        }
    }
}

impl Dependencies {
    pub(crate) async fn load(source: Source<'_>, asked: &DependenciesQuery) -> Result<Self, StoreError> {
        let (ecosystem, q) = (text(asked.ecosystem.as_deref()), text(asked.q.as_deref()));
        let listing =
            source.store.list_dependencies(ecosystem.as_deref(), q.as_deref(), page(asked.page), SIZE).await?;
        let row = |Dependency { ecosystem, name, users, versions, advisories }| DependencyRow {
            ecosystem,
            name,
            users,
            versions,
            advisories,
        };
        Ok(Self {
            query: DependenciesQuery { ecosystem, q, page: asked.page },
            pages: Pages::of(&listing),
            dependencies: listing.rows.into_iter().map(row).collect(),
        })
    }
}

impl DependencyDoc {
    /// Nothing if nobody uses it.
    pub(crate) async fn load(
        source: Source<'_>,
        ecosystem: &str,
        name: &str,
        asked: &DependencyQuery,
    ) -> Result<Option<Self>, StoreError> {
        let store = source.store;
        let versions = store.dependency_versions(ecosystem, name).await?;
        if versions.is_empty() {
            return Ok(None);
        }
        let advisories = store.advisories_of(ecosystem, name).await?;
        let version = text(asked.version.as_deref());
        let listing = store.dependency_uses(ecosystem, name, version.as_deref(), page(asked.page), SIZE).await?;
        let most = versions.iter().map(|(_, _, users)| *users).max().unwrap_or(1);
        let row = |(version, license, users): (String, Option<String>, u32)| VersionRow {
            advisories: advisories.iter().filter(|found| found.version == version).count(),
            width: super::per_mille(users.into(), most.into()).max(6),
            page: package_page(ecosystem, name, &version).map(String::from),
            version,
            license,
            users,
        };
        let used = |DependencyUse { version, attr, release, direct, builds_only, .. }| UseRow {
            attr,
            release,
            version,
            direct,
            builds_only,
        };
        Ok(Some(Self {
            ecosystem: ecosystem.to_owned(),
            name: name.to_owned(),
            query: DependencyQuery { version, page: asked.page },
            versions: versions.into_iter().map(row).collect(),
            advisories: advisories.into_iter().map(|found| AdvisoryDoc::of(name, found)).collect(),
            pages: Pages::of(&listing),
            uses: listing.rows.into_iter().map(used).collect(),
        }))
    }

    /// How many packages use it.
    pub(crate) fn users(&self) -> u32 {
        self.versions.iter().map(|row| row.users).sum()
    }
}
