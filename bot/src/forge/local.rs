//! A forge made of what is there anyway: branches of the bare repository, and records in the store.

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{CommitStatus, Forge, ForgeError};
use crate::clients::git::{Author, CommitText, GitError, Overlay};
use crate::model::{BranchName, CommitSha};
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

impl LocalForge {
    async fn look_for_persons(&self) -> Result<(), ForgeError> {
        for request in self.store.pull_requests().await?.into_iter().filter(|request| request.state == PrState::Open) {
            let base = base_of(&request.branch, &request.base)?;
            let branch = request.branch.clone();
            let found = self.with_overlay(move |overlay, bot| {
                let Some(head) = overlay.branch(&branch)? else { return Ok(Vec::new()) };
                let base: Vec<CommitSha> = overlay.branch(&base)?.into_iter().collect();
                overlay.commits_of_persons(&head, &base, bot)
            });
            let mut persons: Vec<String> = found.await?.into_iter().map(|commit| commit.author).collect();
            persons.sort();
            persons.dedup();
            if persons != request.persons {
                self.store.set_persons(request.number, &persons).await?;
            }
        }
        Ok(())
    }

    async fn open_or_update(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError> {
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

    async fn merge_branch(&self, number: i64, time: Timestamp) -> Result<PullRequest, ForgeError> {
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

    async fn turn_down(&self, number: i64) -> Result<PullRequest, ForgeError> {
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

impl Forge for LocalForge {
    fn shows_progress(&self) -> bool {
        false
    }

    /// Branches and records are this machine's own: there is nothing to bring up to date but who has commits on a branch.
    fn observe(&self) -> BoxFuture<'_, Result<(), ForgeError>> {
        Box::pin(self.look_for_persons())
    }

    fn publish<'a>(&'a self, draft: &'a PullRequestDraft) -> BoxFuture<'a, Result<PullRequest, ForgeError>> {
        Box::pin(self.open_or_update(draft))
    }

    fn merge(&self, number: i64, time: Timestamp) -> BoxFuture<'_, Result<PullRequest, ForgeError>> {
        Box::pin(self.merge_branch(number, time))
    }

    fn close<'a>(&'a self, number: i64, _why: &'a str) -> BoxFuture<'a, Result<PullRequest, ForgeError>> {
        Box::pin(self.turn_down(number))
    }

    /// The store has the run's result, and nobody else asks.
    fn report<'a>(&'a self, _status: &'a CommitStatus) -> BoxFuture<'a, Result<(), ForgeError>> {
        Box::pin(async { Ok(()) })
    }

    fn advance<'a>(
        &'a self,
        branch: &'a BranchName,
        commit: &'a CommitSha,
        expected: Option<&'a CommitSha>,
    ) -> BoxFuture<'a, Result<(), ForgeError>> {
        let (branch, commit, expected) = (branch.clone(), commit.clone(), expected.cloned());
        Box::pin(self.with_overlay(move |overlay, _| {
            if overlay.branch(&branch)?.as_ref() == Some(&commit) {
                return Ok(());
            }
            overlay.set_branch(&branch, &commit, expected.as_ref())
        }))
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
