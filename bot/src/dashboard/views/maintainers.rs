//! Who maintains what, and what waits for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::page;
use super::packages::SIZE;
use super::{PackageRow, Pages, Source, slug};
use crate::dashboard::api::Feed;
use crate::store::{MaintainerCount, PackageQuery, State, StoreError};

/// The list of maintainers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Maintainers {
    pub(crate) maintainers: Vec<MaintainerRow>,
}

/// A maintainer in the list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct MaintainerRow {
    pub(crate) login: String,
    pub(crate) packages: u32,
    pub(crate) failed: u32,
    pub(crate) open: u32,
}

/// What a maintainer's page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct MaintainerQuery {
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// A maintainer's page.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct MaintainerDoc {
    pub(crate) login: String,
    pub(crate) failed: u32,
    pub(crate) open: u32,
    /// What happened to their packages, below the root of the pages.
    pub(crate) feed: Option<String>,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    /// What wants them first.
    pub(crate) packages: Vec<PackageRow>,
}

/// Where a maintainer's page is, without its ending.
pub(crate) fn maintainer_path(login: &str) -> String {
    format!("maintainers/{}", slug(login))
}

impl MaintainerRow {
    pub(crate) fn path(&self) -> String {
        maintainer_path(&self.login)
    }
}

impl Maintainers {
    pub(crate) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        let row = |MaintainerCount { login, packages, failed, open }| MaintainerRow { login, packages, failed, open };
        Ok(Self { maintainers: source.store.maintainers().await?.into_iter().map(row).collect() })
    }
}

impl MaintainerDoc {
    /// Nothing if nothing is theirs.
    pub(crate) async fn load(
        source: Source<'_>,
        login: &str,
        asked: &MaintainerQuery,
    ) -> Result<Option<Self>, StoreError> {
        let query = PackageQuery { maintainer: Some(login.to_owned()), ..PackageQuery::default() };
        let listing = source.store.list_packages(&query, page(asked.page), SIZE).await?;
        if listing.total == 0 {
            return Ok(None);
        }
        let mut counts = [0, 0];
        for (count, state) in counts.iter_mut().zip([State::Failed, State::Open]) {
            let query = PackageQuery { state: Some(state), ..query.clone() };
            *count = source.store.list_packages(&query, 1, 1).await?.total;
        }
        Ok(Some(Self {
            login: login.to_owned(),
            failed: counts[0],
            open: counts[1],
            feed: login.parse().ok().map(|login| Feed::Maintainer(login).path()),
            pages: Pages::of(&listing),
            packages: listing.rows.into_iter().map(PackageRow::from).collect(),
        }))
    }
}
