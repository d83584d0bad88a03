//! The list of runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::page;
use super::{Pages, RunRow, Source};
use crate::store::{RunQuery, StoreError};

/// How many runs a page has.
const SIZE: u32 = 100;

/// What the list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct RunsQuery {
    /// `succeeded` or `failed`.
    pub(crate) outcome: Option<String>,
    pub(crate) package: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// The list of runs, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the name is the one of the JSON")]
pub(crate) struct Runs {
    pub(crate) query: RunsQuery,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) runs: Vec<RunRow>,
}

impl Runs {
    pub(crate) async fn load(source: Source<'_>, asked: &RunsQuery) -> Result<Self, StoreError> {
        let query = RunQuery {
            attr: asked.package.as_deref().and_then(|attr| attr.parse().ok()),
            outcome: asked.outcome.as_deref().and_then(|outcome| outcome.parse().ok()),
        };
        let listing = source.store.list_runs(&query, page(asked.page), SIZE).await?;
        Ok(Self {
            query: RunsQuery {
                outcome: query.outcome.map(|outcome| outcome.to_string()),
                package: query.attr.map(|attr| attr.to_string()),
                page: asked.page,
            },
            pages: Pages::of(&listing),
            runs: listing.rows.iter().map(RunRow::from).collect(),
        })
    }
}
