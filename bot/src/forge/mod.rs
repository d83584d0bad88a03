//! Where pull requests are: one trait, whatever keeps them.
//!
//! What a forge is asked for is idempotent: after a kill at any point, asking again gives neither a second pull request
//! nor a lost one.

mod github;
mod local;
#[cfg(test)]
mod tests;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use self::github::{GithubForge, GithubForgeParts};
pub use self::local::LocalForge;
use crate::clients::git::GitError;
use crate::model::{BranchName, CommitSha, System};
use crate::store::{PrState, PullRequest, PullRequestDraft, StoreError};

/// Something that could not be done with a pull request.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// No such pull request.
    #[error("there is no pull request {number}; `nixwright status` lists them")]
    Unknown {
        /// Its number.
        number: i64,
    },
    /// Turned down, so not to be merged.
    #[error("pull request {number} is {}, so it is not merged; a newer release opens a new one", state.as_str())]
    NotOpen {
        /// Its number.
        number: i64,
        /// What it is.
        state: PrState,
    },
    /// Its build failed, so it is not to be merged.
    #[error("pull request {number} is not merged, because its build failed; its page says why")]
    BuildFailed {
        /// Its number.
        number: i64,
    },
    /// The base is not the name of a branch.
    #[error("the pull request of {branch} cannot go into {base:?}, which is not a branch's name")]
    InvalidBase {
        /// The branch that was to go in.
        branch: BranchName,
        /// As it was given.
        base: String,
    },
    /// The forge asks for patience, or an outcome is not known yet; asking again later is safe.
    #[error("{reason}; it is tried again after {until:.0}")]
    Later {
        /// Not before this time.
        until: Timestamp,
        /// What the forge said.
        reason: String,
    },
    /// The forge refuses.
    #[error("{message}")]
    Refused {
        /// What was refused, why, and what to do.
        message: String,
    },
    /// People have commits of their own on a branch of the bot's.
    #[error("{branch} has commits of {}, so it is left to them; merge or close its pull request, or take the commits away", persons.join(", "))]
    Persons {
        /// The branch.
        branch: BranchName,
        /// Who.
        persons: Vec<String>,
    },
    /// The overlay repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program is ending, or a bug ended the work.
    #[error("work in the overlay repository was interrupted ({reason}); the next cycle does it again")]
    Interrupted {
        /// What ended it.
        reason: String,
    },
}

/// How a commit fares on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit.
    pub commit: CommitSha,
    /// The system.
    pub system: System,
    /// What is known.
    pub state: CommitState,
    /// One line for people; ours, not upstream's.
    pub description: String,
}

/// Whether a commit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    /// It is being built.
    Pending,
    /// It was built, and its programs started.
    Success,
    /// It does not build.
    Failure,
    /// Something of the bot's own went wrong.
    Error,
}

/// What the bot does with pull requests. It can be asked again after a kill at any point.
pub trait Forge: Send + Sync {
    /// Whether people look at pull requests while their builds run, so that they are opened as drafts before.
    fn shows_progress(&self) -> bool;

    /// Brings the local repository's branches and the store's records up to date with what people did.
    fn observe(&self) -> BoxFuture<'_, Result<(), ForgeError>>;

    /// Points the draft's branch at its commit and opens a pull request for it, or updates the open one in place.
    ///
    /// One that was turned down with this version, or merged with this commit, is given back as it is, its branch
    /// untouched: look at its state. Commits of a person on the branch are never dropped; then it is an error.
    fn publish<'a>(&'a self, draft: &'a PullRequestDraft) -> BoxFuture<'a, Result<PullRequest, ForgeError>>;

    /// Merges an open pull request whose build succeeded, exactly at the commit that was published, or tells the forge to do
    /// so once its own checks are green: look at the state of what is given back.
    ///
    /// `time` is the merge commit's, where the bot makes it. One that is merged is given back as it is.
    fn merge(&self, number: i64, time: Timestamp) -> BoxFuture<'_, Result<PullRequest, ForgeError>>;

    /// Turns an open pull request down, with a reason for people.
    fn close<'a>(&'a self, number: i64, why: &'a str) -> BoxFuture<'a, Result<PullRequest, ForgeError>>;

    /// Says how a commit fares on a system.
    fn report<'a>(&'a self, status: &'a CommitStatus) -> BoxFuture<'a, Result<(), ForgeError>>;

    /// Moves a branch that only the bot moves (`main` for its first commit, `stable`), from where it was seen (nothing: not
    /// there yet).
    fn advance<'a>(
        &'a self,
        branch: &'a BranchName,
        commit: &'a CommitSha,
        expected: Option<&'a CommitSha>,
    ) -> BoxFuture<'a, Result<(), ForgeError>>;
}
