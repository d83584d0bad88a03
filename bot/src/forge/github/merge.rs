//! Merging and turning down.

use super::records::state_of;
use super::{GithubForge, LOOKS};
use crate::clients::git::GitError;
use crate::clients::github::{AutoMerge, GithubError, Pull, PullChange};
use crate::forge::ForgeError;
use crate::model::{BranchName, CommitSha};
use crate::store::{PrState, PullRequest};

/// What marks the comment that says why it is turned down.
const REASON: &str = "<!-- nixwright notice closed -->";

/// How the bot's own statuses begin: it knows itself how the commit fares.
const OWN_CHECKS: &str = "nixwright/";

impl GithubForge {
    pub(super) async fn bring_in(&self, number: i64) -> Result<PullRequest, ForgeError> {
        let request = self.find(number).await?;
        match request.state {
            PrState::Merged => return Ok(request),
            PrState::Closed => return Err(ForgeError::NotOpen { number, state: request.state }),
            PrState::Open if request.failed => return Err(ForgeError::BuildFailed { number }),
            PrState::Open => {}
        }
        for wait in LOOKS {
            let pull = self.pull(number).await?;
            let state = state_of(&pull);
            if state != PrState::Open {
                let taken = self.take_over(&pull, request.branch.clone()).await?;
                return match state {
                    PrState::Merged => self.after_merge(taken).await,
                    _ => Err(ForgeError::NotOpen { number, state }),
                };
            }
            self.check_head(&request, &pull).await?;
            match self.merge_once(&request, &pull).await {
                Ok(Some(commit)) => return self.merged(&request, commit).await,
                Ok(None) => return self.armed(&request).await,
                Err(Trouble::Github(GithubError::Ambiguous { .. })) => self.parts.sleep.sleep(wait).await,
                Err(Trouble::Github(error)) => return Err(self.not_merged(&request, error)),
                Err(Trouble::Forge(error)) => return Err(error),
            }
        }
        Err(self.later(format!("it is not known yet whether pull request {number} was merged")))
    }

    async fn pull(&self, number: i64) -> Result<Pull, ForgeError> {
        self.github().pull(number).await.map_err(|error| self.forge_error(&error))
    }

    /// Only what was published, and what only the bot wrote, is merged by the bot.
    async fn check_head(&self, request: &PullRequest, pull: &Pull) -> Result<(), ForgeError> {
        self.fetch().await?;
        let base: BranchName = request
            .base
            .parse()
            .map_err(|_| ForgeError::InvalidBase { branch: request.branch.clone(), base: request.base.clone() })?;
        let persons = self.persons_on(&request.branch, &base, None).await?;
        if !persons.is_empty() {
            self.store().set_persons(request.number, &persons).await?;
            return Err(ForgeError::Persons { branch: request.branch.clone(), persons });
        }
        let found = self.fetched(&request.branch).await?;
        if found.as_ref() != Some(&request.head) || pull.head.sha != request.head {
            let found = found.filter(|found| *found != request.head).or_else(|| Some(pull.head.sha.clone()));
            let (branch, expected) = (request.branch.clone(), Some(request.head.clone()));
            return Err(GitError::BranchMoved { branch, expected, found }.into());
        }
        Ok(())
    }

    /// Merges, or arms the merge (nothing).
    async fn merge_once(&self, request: &PullRequest, pull: &Pull) -> Result<Option<CommitSha>, Trouble> {
        let title = format!("{} (#{})", request.title, request.number);
        if pull.auto_merge.is_some() {
            return Ok(None);
        }
        let checks = self.github().checks(&request.head, OWN_CHECKS).await?;
        if !checks.failed.is_empty() {
            let message = format!(
                "pull request {} is not merged: {} went wrong on GitHub; look at its page",
                request.number,
                checks.failed.join(", ")
            );
            return Err(Trouble::Forge(ForgeError::Refused { message }));
        }
        if pull.draft {
            self.github().mark_ready(&pull.node_id).await?;
        }
        // GitHub works out "clean" when it is first asked; whoever is told anything else has it wait.
        if !checks.pending.is_empty() || pull.mergeable_state.as_deref() != Some("clean") {
            match self.github().enable_auto_merge(&pull.node_id, &request.head, &title).await? {
                AutoMerge::Armed => return Ok(None),
                AutoMerge::NothingToWaitFor => {}
                AutoMerge::NotAllowed(reason) => {
                    tracing::debug!(pull_request.number = request.number, "GitHub does not merge it later: {reason}");
                }
            }
            if !checks.pending.is_empty() {
                let reason = format!(
                    "pull request {} waits for {}, which GitHub does not wait for itself",
                    request.number,
                    checks.pending.join(", ")
                );
                return Err(Trouble::Forge(self.later(reason)));
            }
        }
        Ok(Some(self.github().merge_pull(request.number, &request.head, &title).await?))
    }

    /// GitHub's reasons in the bot's words.
    fn not_merged(&self, request: &PullRequest, error: GithubError) -> ForgeError {
        let number = request.number;
        match error {
            GithubError::Status { status: 405, message, .. }
                if ["was modified", "is expected", "in progress"].iter().any(|word| message.contains(word)) =>
            {
                self.later(format!("pull request {number} is not merged yet: {message}"))
            }
            GithubError::Status { status: 405, message, .. } => ForgeError::Refused {
                message: format!(
                    "GitHub does not merge pull request {number}: {message}; look at its page, and at the rules that \
                     protect {}",
                    request.base
                ),
            },
            GithubError::Status { status: 409, message, .. } => {
                self.later(format!("pull request {number} changed while it was to be merged: {message}"))
            }
            error => self.forge_error(&error),
        }
    }

    /// GitHub merges it, now or later; it may have done so by now.
    async fn armed(&self, request: &PullRequest) -> Result<PullRequest, ForgeError> {
        let pull = self.pull(request.number).await?;
        let taken = self.take_over(&pull, request.branch.clone()).await?;
        if taken.state == PrState::Merged { self.after_merge(taken).await } else { Ok(taken) }
    }

    async fn merged(&self, request: &PullRequest, commit: CommitSha) -> Result<PullRequest, ForgeError> {
        let mut pull = self.pull(request.number).await?;
        // GitHub may answer from an older copy; that it is merged is known for sure.
        pull.merged_at = pull.merged_at.or(Some(self.parts.clock.now()));
        pull.merge_commit_sha = Some(commit);
        let known = self.find(request.number).await?;
        pull.updated_at = pull.updated_at.max(known.forge_updated.unwrap_or(pull.updated_at));
        let taken = self.take_over(&pull, request.branch.clone()).await?;
        self.after_merge(taken).await
    }

    /// Follows `main`, and clears the bot's branch away if nobody added to it.
    async fn after_merge(&self, request: PullRequest) -> Result<PullRequest, ForgeError> {
        self.fetch().await?;
        self.follow().await?;
        if self.fetched(&request.branch).await?.as_ref() == Some(&request.head)
            && let Err(error) = self.push(&request.branch, None, Some(&request.head)).await
        {
            tracing::warn!(git.branch = %request.branch, "the branch stays after the merge: {error}");
        }
        Ok(request)
    }

    pub(super) async fn turn_down(&self, number: i64, why: &str) -> Result<PullRequest, ForgeError> {
        let request = self.find(number).await?;
        for wait in LOOKS {
            let pull = self.pull(number).await?;
            match state_of(&pull) {
                PrState::Closed => return self.take_over(&pull, request.branch).await,
                state @ PrState::Merged => {
                    self.take_over(&pull, request.branch).await?;
                    return Err(ForgeError::NotOpen { number, state });
                }
                PrState::Open => {}
            }
            self.surely(|| self.github().say(number, pull.user.as_ref(), REASON, why)).await?;
            let change = PullChange { state: Some("closed"), ..PullChange::default() };
            match self.github().update_pull(number, change).await {
                Ok(closed) => return self.take_over(&closed, request.branch).await,
                Err(GithubError::Ambiguous { .. }) => self.parts.sleep.sleep(wait).await,
                Err(error) => return Err(self.forge_error(&error)),
            }
        }
        Err(self.later(format!("it is not known yet whether pull request {number} was closed")))
    }
}

/// What stopped a merge.
enum Trouble {
    Github(GithubError),
    Forge(ForgeError),
}

impl From<GithubError> for Trouble {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}
