//! GitHub as the forge: its pull requests, with the local repository as a clone of its branches.
//!
//! GitHub is the truth for what people decide, and the store follows it. Everything is done by looking first: what was
//! carried out before a kill, or behind a lost answer, is found and not done again. A branch is only ever moved from where it
//! was seen, and never while it has commits of a person.

mod links;
mod marker;
mod merge;
mod observe;
mod others;
mod publish;
mod records;

use std::future::Future;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{CommitState, CommitStatus, Forge, ForgeError};
use crate::clients::git::{Author, Overlay};
use crate::clients::github::{Github, GithubError, Sleep, StatusState};
use crate::model::{BranchName, Clock, CommitSha};
use crate::store::{PullRequest, PullRequestDraft, Store};

/// How long it takes until something that went wrong for a passing reason is tried again.
const RETRY: SignedDuration = SignedDuration::from_mins(5);

/// Waits before looking again whether a write was carried out: lists can be stale.
const LOOKS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// What a forge on GitHub is made of.
#[derive(Debug, Clone)]
pub struct GithubForgeParts {
    /// The client for its repository.
    pub github: Github,
    /// The local clone.
    pub overlay: Overlay,
    /// The records.
    pub store: Store,
    /// Who the bot is in commits; everyone else is a person whose commits are kept.
    pub bot: Author,
    /// The time.
    pub clock: Clock,
    /// How waiting is done.
    pub sleep: Sleep,
    /// Where repositories are cloned from; ends in `/`.
    pub web: Url,
    /// How long one fetch or push may take.
    pub patience: Duration,
}

/// Pull requests of a repository on GitHub.
#[derive(Debug, Clone)]
pub struct GithubForge {
    parts: GithubForgeParts,
    git_url: Url,
}

impl GithubForge {
    /// A forge of these parts; nothing is asked yet.
    ///
    /// # Errors
    /// When no address for git comes of `web`.
    pub fn new(parts: GithubForgeParts) -> Result<Self, ForgeError> {
        let git_url = parts.web.join(&format!("{}.git", parts.github.repository()));
        let git_url = git_url.map_err(|error| ForgeError::Refused {
            message: format!("{} is not where repositories can be cloned from: {error}", parts.web),
        })?;
        Ok(Self { parts, git_url })
    }

    fn github(&self) -> &Github {
        &self.parts.github
    }

    fn store(&self) -> &Store {
        &self.parts.store
    }

    /// What an error of the client means for the work that was asked for.
    fn forge_error(&self, error: &GithubError) -> ForgeError {
        match error {
            GithubError::Limited { until, .. } => ForgeError::Later { until: *until, reason: error.to_string() },
            GithubError::Unreachable { .. } | GithubError::Ambiguous { .. } => self.later(error.to_string()),
            _ => ForgeError::Refused { message: error.to_string() },
        }
    }

    fn later(&self, reason: String) -> ForgeError {
        ForgeError::Later { until: self.parts.clock.now() + RETRY, reason }
    }

    /// Does what looks before it acts, again and again while it is not known what came of it.
    async fn surely<T, F>(&self, mut act: impl FnMut() -> F) -> Result<T, ForgeError>
    where
        F: Future<Output = Result<T, GithubError>>,
    {
        for wait in LOOKS {
            match act().await {
                Err(GithubError::Ambiguous { .. }) => self.parts.sleep.sleep(wait).await,
                other => return other.map_err(|error| self.forge_error(&error)),
            }
        }
        act().await.map_err(|error| self.forge_error(&error))
    }

    async fn find(&self, number: i64) -> Result<PullRequest, ForgeError> {
        self.store().pull_request(number).await?.ok_or(ForgeError::Unknown { number })
    }

    async fn say_status(&self, status: &CommitStatus) -> Result<(), ForgeError> {
        let context = format!("nixwright/{}", status.system);
        let state = match status.state {
            CommitState::Pending => StatusState::Pending,
            CommitState::Success => StatusState::Success,
            CommitState::Failure => StatusState::Failure,
            CommitState::Error => StatusState::Error,
        };
        self.surely(|| self.github().set_status(&status.commit, &context, state, &status.description, None)).await
    }
}

impl Forge for GithubForge {
    fn shows_progress(&self) -> bool {
        true
    }

    fn observe(&self) -> BoxFuture<'_, Result<(), ForgeError>> {
        Box::pin(self.look())
    }

    fn publish<'a>(&'a self, draft: &'a PullRequestDraft) -> BoxFuture<'a, Result<PullRequest, ForgeError>> {
        Box::pin(self.open_or_update(draft))
    }

    fn merge(&self, number: i64, _time: Timestamp) -> BoxFuture<'_, Result<PullRequest, ForgeError>> {
        Box::pin(self.bring_in(number))
    }

    fn close<'a>(&'a self, number: i64, why: &'a str) -> BoxFuture<'a, Result<PullRequest, ForgeError>> {
        Box::pin(self.turn_down(number, why))
    }

    fn report<'a>(&'a self, status: &'a CommitStatus) -> BoxFuture<'a, Result<(), ForgeError>> {
        Box::pin(self.say_status(status))
    }

    fn advance<'a>(
        &'a self,
        branch: &'a BranchName,
        commit: &'a CommitSha,
        expected: Option<&'a CommitSha>,
    ) -> BoxFuture<'a, Result<(), ForgeError>> {
        Box::pin(self.push(branch, Some(commit), expected))
    }
}
