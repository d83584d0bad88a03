//! A pull request's page: the local forge has no other, and one on a forge of its own is linked.

use schemars::JsonSchema;
use serde::Serialize;

use super::PullRequestRow;
use crate::store::PullRequest;

/// What a pull request's page shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(in crate::dashboard) struct PullRequestDoc {
    #[serde(flatten)]
    pub(in crate::dashboard) row: PullRequestRow,
    pub(in crate::dashboard) base: String,
    /// Its page on the forge, if that is an ordinary web page.
    pub(in crate::dashboard) url: Option<String>,
    /// Whose commits are on its branch.
    pub(in crate::dashboard) persons: Vec<String>,
    /// Markdown.
    pub(in crate::dashboard) body: String,
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
