//! Effects on the forge: intended, carried out, settled.
//!
//! Whatever is written down as intended is done again after a kill, before anything else; the forge looks before it acts, so
//! doing it twice is doing it once.

use jiff::Timestamp;

use super::{Bot, CycleError};
use crate::forge::{CommitState, CommitStatus, ForgeError};
use crate::model::{BranchName, CommitSha, Failure, FailureClass};
use crate::store::{Intent, Lease, PullRequest, PullRequestDraft, StoreError};

/// What carrying an intent out gave.
enum Effect {
    /// A pull request as it is now.
    Request(Box<PullRequest>),
    /// Nothing to look at.
    Nothing,
}

impl Bot {
    /// Opens or updates a pull request.
    pub(super) async fn publish(
        &self,
        lease: Option<&Lease>,
        draft: PullRequestDraft,
    ) -> Result<PullRequest, PublishError> {
        self.request(lease, Intent::Publish { draft: Box::new(draft) }).await
    }

    /// Merges a pull request, or has the forge do it; look at the state.
    pub(super) async fn merge(
        &self,
        lease: Option<&Lease>,
        number: i64,
        time: Timestamp,
    ) -> Result<PullRequest, PublishError> {
        self.request(lease, Intent::Merge { number, time }).await
    }

    /// Turns a pull request down.
    pub(super) async fn close(
        &self,
        lease: Option<&Lease>,
        number: i64,
        why: String,
    ) -> Result<PullRequest, PublishError> {
        self.request(lease, Intent::Close { number, why }).await
    }

    /// Moves `main` for its first commit, or `stable`.
    pub(super) async fn advance(
        &self,
        branch: BranchName,
        commit: CommitSha,
        expected: Option<CommitSha>,
    ) -> Result<(), PublishError> {
        self.effect(None, Intent::Advance { branch, commit, expected }).await.map(|_| ())
    }

    /// Says how a commit fares. Nothing depends on it, so a failure is only told in the log.
    pub(super) async fn report(&self, commit: &CommitSha, state: CommitState, description: String) {
        let status = CommitStatus { commit: commit.clone(), system: self.builder.system.clone(), state, description };
        if let Err(error) = self.forge.report(&status).await {
            tracing::warn!(git.commit = %commit, "the forge does not take the commit's status: {error}");
        }
    }

    /// Does again what was intended and not settled when the last process ended.
    ///
    /// What the forge refuses is settled as failed and told in the log: the package's next cycle decides anew.
    pub(super) async fn reconcile(&self) -> Result<(), CycleError> {
        for (id, intent) in self.store.open_intents().await? {
            match self.carry_out(&intent).await {
                Ok(_) => self.store.settle(id, None).await?,
                // The forge asks for patience: it stays intended, and the packages' own cycles go on meanwhile.
                Err(error @ ForgeError::Later { .. }) => tracing::warn!("{error}"),
                Err(error) => {
                    tracing::warn!("what was begun before the last stop is given up: {error}");
                    self.store.settle(id, Some(&error.to_string())).await?;
                }
            }
        }
        Ok(())
    }

    async fn request(&self, lease: Option<&Lease>, intent: Intent) -> Result<PullRequest, PublishError> {
        match self.effect(lease, intent).await? {
            Effect::Request(request) => Ok(*request),
            Effect::Nothing => unreachable!("only moving a branch gives no pull request"),
        }
    }

    async fn effect(&self, lease: Option<&Lease>, intent: Intent) -> Result<Effect, PublishError> {
        // Checks run side by side, and what they change must not: two merges at once would each see the other's base.
        let _turn = self.effects.lock().await;
        let id = self.store.intend(lease, &intent).await?;
        let result = self.carry_out(&intent).await;
        match &result {
            // It may be done by now, or not: the next start, or the next cycle, looks. A merge is asked for anew in each.
            Err(ForgeError::Later { .. }) if !matches!(intent, Intent::Merge { .. }) => {}
            Err(error) => self.store.settle(id, Some(&error.to_string())).await?,
            Ok(_) => self.store.settle(id, None).await?,
        }
        Ok(result?)
    }

    async fn carry_out(&self, intent: &Intent) -> Result<Effect, ForgeError> {
        let request = match intent {
            Intent::Publish { draft } => self.forge.publish(draft).await?,
            Intent::Merge { number, time } => self.forge.merge(*number, *time).await?,
            Intent::Close { number, why } => self.forge.close(*number, why).await?,
            Intent::Advance { branch, commit, expected } => {
                self.forge.advance(branch, commit, expected.as_ref()).await?;
                return Ok(Effect::Nothing);
            }
        };
        Ok(Effect::Request(Box::new(request)))
    }
}

/// Why something was not published.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// The forge does not, or not now.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The store cannot keep what is intended, or the job is somebody else's by now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PublishError {
    /// The same, unless another worker has the job by now: then nothing more is to be written of it.
    pub(super) fn unless_lost(self) -> Result<Self, CycleError> {
        match self {
            Self::Store(lost @ StoreError::LeaseLost { .. }) => Err(lost.into()),
            other => Ok(other),
        }
    }

    /// Whether the forge only asks for patience.
    pub(super) fn is_later(&self) -> bool {
        matches!(self, Self::Forge(ForgeError::Later { .. }))
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        Self::new(FailureClass::Infrastructure, &error)
    }
}
