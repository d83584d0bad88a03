//! A pull request's page: the local forge has no other.

use serde::Serialize;

use super::PullRequestRow;
use crate::store::PullRequest;

/// What a pull request's page shows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct PullRequestDoc {
    #[serde(flatten)]
    pub(in crate::dashboard) row: PullRequestRow,
    pub(in crate::dashboard) base: String,
    /// Markdown.
    pub(in crate::dashboard) body: String,
}

impl From<&PullRequest> for PullRequestDoc {
    fn from(request: &PullRequest) -> Self {
        Self { row: request.into(), base: request.base.clone(), body: request.body.clone() }
    }
}
