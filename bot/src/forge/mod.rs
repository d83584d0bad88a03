//! Where pull requests are: one trait, whatever keeps them.
//!
//! What a forge is asked for is idempotent: after a kill at any point, asking again gives neither a second pull request
//! nor a lost one.

mod local;
#[cfg(test)]
mod tests;

use std::future::Future;

use jiff::Timestamp;

pub use self::local::LocalForge;
use crate::clients::git::GitError;
use crate::model::BranchName;
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

/// What the bot does with pull requests.
pub trait Forge {
    /// Points the draft's branch at its commit and opens a pull request for it, or updates the open one in place.
    ///
    /// One that was turned down with this version, or merged with this commit, is given back as it is, its branch
    /// untouched: look at its state. Commits of a person on the branch are never dropped; then it is an error.
    fn publish(&self, draft: &PullRequestDraft) -> impl Future<Output = Result<PullRequest, ForgeError>> + Send;

    /// Merges an open pull request whose build succeeded, exactly at the commit that was published.
    ///
    /// `time` is the merge commit's. One that is merged is given back as it is.
    fn merge(&self, number: i64, time: Timestamp) -> impl Future<Output = Result<PullRequest, ForgeError>> + Send;

    /// Turns an open pull request down: its version is not proposed again.
    fn close(&self, number: i64) -> impl Future<Output = Result<PullRequest, ForgeError>> + Send;
}
