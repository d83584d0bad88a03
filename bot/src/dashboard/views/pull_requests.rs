//! Pull requests: the list, and a page for each, as the local forge has no other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::page;
use super::{Pages, PullRequestRow, Source};
use crate::store::{PrState, PullRequest, RequestQuery, StoreError};

/// How many pull requests a page has.
const SIZE: u32 = 100;

/// What the list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct PullRequestsQuery {
    /// `open`, `merged` or `closed`.
    pub(crate) state: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// The list of pull requests, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the name is the one of the JSON")]
pub(crate) struct PullRequests {
    pub(crate) query: PullRequestsQuery,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) pull_requests: Vec<PullRequestRow>,
}

/// What a pull request's page shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PullRequestDoc {
    #[serde(flatten)]
    pub(crate) row: PullRequestRow,
    pub(crate) base: String,
    /// Its page on the forge, if that is an ordinary web page.
    pub(crate) url: Option<String>,
    /// Whose commits are on its branch.
    pub(crate) persons: Vec<String>,
    /// Markdown.
    pub(crate) body: String,
}

impl From<&PullRequest> for PullRequestDoc {
    fn from(request: &PullRequest) -> Self {
        let is_page = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
        Self {
            row: request.into(),
            base: request.base.clone(),
            url: request.url.as_ref().filter(is_page).cloned(),
            persons: request.persons.clone(),
            body: request.body.clone(),
        }
    }
}

impl PullRequests {
    pub(crate) async fn load(source: Source<'_>, asked: &PullRequestsQuery) -> Result<Self, StoreError> {
        let state: Option<PrState> = asked.state.as_deref().and_then(|state| state.parse().ok());
        let query = RequestQuery { attr: None, state };
        let listing = source.store.list_pull_requests(&query, page(asked.page), SIZE).await?;
        Ok(Self {
            query: PullRequestsQuery { state: state.map(|state| state.to_string()), page: asked.page },
            pages: Pages::of(&listing),
            pull_requests: listing.rows.iter().map(PullRequestRow::from).collect(),
        })
    }
}

impl PullRequestDoc {
    pub(crate) async fn load(source: Source<'_>, number: i64) -> Result<Option<Self>, StoreError> {
        Ok(source.store.pull_request(number).await?.as_ref().map(Self::from))
    }
}
