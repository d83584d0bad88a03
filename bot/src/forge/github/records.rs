//! From what GitHub shows to what the store keeps.

use super::links::is_own;
use super::{GithubForge, marker};
use crate::clients::github::Pull;
use crate::forge::ForgeError;
use crate::model::{AttrPath, BranchName};
use crate::store::{PrState, PullRequest, PullRequestDraft};

/// The branch of a pull request, if it is one of the bot's own in this very repository.
pub(super) fn own_branch(pull: &Pull) -> Option<BranchName> {
    let here = match (&pull.head.repo, &pull.base.repo) {
        (Some(head), Some(base)) => head.full_name.eq_ignore_ascii_case(&base.full_name),
        _ => false,
    };
    if here && is_own(&pull.head.branch) { pull.head.branch.parse().ok() } else { None }
}

/// Whether it is still to be decided.
pub(super) fn state_of(pull: &Pull) -> PrState {
    if pull.merged_at.is_some() {
        PrState::Merged
    } else if pull.is_open() {
        PrState::Open
    } else {
        PrState::Closed
    }
}

impl GithubForge {
    /// Takes one of the bot's pull requests over as GitHub shows it. What only the bot knows stays as it was.
    pub(super) async fn take_over(&self, pull: &Pull, branch: BranchName) -> Result<PullRequest, ForgeError> {
        let known = self.store().pull_request(pull.number).await?;
        let marker = marker::parse(pull.body.as_deref().unwrap_or_default());
        let (said, version) = marker.map(|marker| (marker.attr, marker.version)).unzip();
        let attr = match known.as_ref().and_then(|known| known.attr.clone()) {
            Some(attr) => Some(attr),
            None => self.configured(said.flatten().or_else(|| package_of(&branch))).await?,
        };
        let version = version.or_else(|| known.as_ref().map(|known| known.version.clone()));
        let state = state_of(pull);
        let request = PullRequest {
            number: pull.number,
            branch,
            attr,
            title: pull.title.clone(),
            body: pull.body.clone().unwrap_or_default(),
            head: pull.head.sha.clone(),
            base: pull.base.branch.clone(),
            version: version.unwrap_or_else(|| pull.head.sha.to_string()),
            failed: known.as_ref().is_some_and(|known| known.failed),
            state,
            merge_commit: pull.merge_commit_sha.clone().filter(|_| state == PrState::Merged),
            opened: pull.created_at,
            updated: pull.updated_at,
            closed: pull.merged_at.or(pull.closed_at).filter(|_| state != PrState::Open),
            draft: pull.draft,
            url: Some(pull.html_url.clone()),
            persons: known.map(|known| known.persons).unwrap_or_default(),
            forge_updated: Some(pull.updated_at),
        };
        Ok(self.store().record_pull_request(&request).await?)
    }

    /// Writes down what was just published.
    pub(super) async fn published(&self, draft: &PullRequestDraft, pull: &Pull) -> Result<PullRequest, ForgeError> {
        let known = self.store().pull_request(pull.number).await?;
        // What was just done is newer than anything known, also where GitHub answered from an older copy.
        let updated = known.and_then(|known| known.forge_updated).max(Some(pull.updated_at));
        let request = PullRequest {
            number: pull.number,
            branch: draft.branch.clone(),
            attr: self.configured(draft.attr.clone()).await?,
            title: draft.title.clone(),
            body: draft.body.clone(),
            head: draft.head.clone(),
            base: pull.base.branch.clone(),
            version: draft.version.clone(),
            failed: draft.failed,
            state: PrState::Open,
            merge_commit: None,
            opened: pull.created_at,
            updated: updated.unwrap_or(pull.updated_at),
            closed: None,
            draft: pull.draft,
            url: Some(pull.html_url.clone()),
            persons: Vec::new(),
            forge_updated: updated,
        };
        Ok(self.store().record_pull_request(&request).await?)
    }

    /// Only packages that are configured have records.
    async fn configured(&self, attr: Option<AttrPath>) -> Result<Option<AttrPath>, ForgeError> {
        match attr {
            Some(attr) if self.store().package(&attr).await?.is_some() => Ok(Some(attr)),
            _ => Ok(None),
        }
    }
}

fn package_of(branch: &BranchName) -> Option<AttrPath> {
    branch.as_str().strip_prefix("nixwright/")?.parse().ok()
}
