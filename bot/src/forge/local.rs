//! A forge made of what is there anyway: branches of the bare repository, and records in the store.

use jiff::Timestamp;

use super::{Forge, ForgeError};
use crate::clients::git::{Author, CommitText, GitError, Overlay};
use crate::model::BranchName;
use crate::store::{PrState, PullRequest, PullRequestDraft, Store};

/// Pull requests of the overlay repository on this machine.
#[derive(Debug, Clone)]
pub struct LocalForge {
    store: Store,
    overlay: Overlay,
    bot: Author,
}

impl LocalForge {
    /// `bot` is who commits; everyone else is a person whose commits are kept.
    pub fn new(store: Store, overlay: Overlay, bot: Author) -> Self {
        Self { store, overlay, bot }
    }

    async fn find(&self, number: i64) -> Result<PullRequest, ForgeError> {
        self.store.pull_request(number).await?.ok_or(ForgeError::Unknown { number })
    }

    /// git blocks, so it gets a thread of its own.
    async fn with_overlay<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Overlay, &Author) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let (overlay, bot) = (self.overlay.clone(), self.bot.clone());
        match tokio::task::spawn_blocking(move || work(&overlay, &bot)).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(ForgeError::Interrupted { reason: error.to_string() }),
        }
    }
}

impl Forge for LocalForge {
    async fn publish(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError> {
        let base = base_of(&draft.branch, &draft.base)?;
        if let Some(last) = self.store.pull_request_by_branch(&draft.branch).await?
            && is_settled(&last, draft)
        {
            return Ok(last);
        }
        // The branch first: a record of what is not there would be worse than a branch without one, and both are made
        // good by doing this again.
        let (branch, head) = (draft.branch.clone(), draft.head.clone());
        self.with_overlay(move |overlay, bot| overlay.publish_branch(&branch, &head, &base, bot)).await?;
        Ok(self.store.upsert_pull_request(draft).await?)
    }

    async fn merge(&self, number: i64, time: Timestamp) -> Result<PullRequest, ForgeError> {
        let request = self.find(number).await?;
        match request.state {
            PrState::Merged => return Ok(request),
            PrState::Closed => return Err(ForgeError::NotOpen { number, state: request.state }),
            PrState::Open if request.failed => return Err(ForgeError::BuildFailed { number }),
            PrState::Open => {}
        }
        let base = base_of(&request.branch, &request.base)?;
        let message = format!("{} (#{number})", request.title);
        let (branch, head) = (request.branch, request.head);
        let merge = move |overlay: &Overlay, bot: &Author| {
            overlay.merge(&base, &branch, &head, CommitText { message: &message, author: bot, time })
        };
        let commit = self.with_overlay(merge).await?;
        self.store.set_pull_request_state(number, PrState::Merged, Some(commit)).await?;
        self.find(number).await
    }

    async fn close(&self, number: i64) -> Result<PullRequest, ForgeError> {
        let request = self.find(number).await?;
        match request.state {
            PrState::Closed => Ok(request),
            PrState::Merged => Err(ForgeError::NotOpen { number, state: request.state }),
            PrState::Open => {
                self.store.set_pull_request_state(number, PrState::Closed, None).await?;
                self.find(number).await
            }
        }
    }
}

fn base_of(branch: &BranchName, base: &str) -> Result<BranchName, ForgeError> {
    base.parse().map_err(|_| ForgeError::InvalidBase { branch: branch.clone(), base: base.to_owned() })
}

/// Whether it was decided already, so that even the branch stays as it is.
fn is_settled(last: &PullRequest, draft: &PullRequestDraft) -> bool {
    match last.state {
        PrState::Open => false,
        PrState::Closed => last.version == draft.version,
        PrState::Merged => last.version == draft.version && last.head == draft.head,
    }
}
