//! What can go wrong with the overlay repository.

use std::fmt;
use std::path::PathBuf;

use crate::clients::files::FileError;
use crate::model::{BranchName, CommitSha};

/// Something that could not be done in the overlay repository.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Neither there nor to be made.
    #[error(
        "cannot open the overlay repository {}: {}; it has to be a bare git repository: move away what is there, and a \
         new one is made",
        path.display(),
        source.message()
    )]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// git's words.
        source: git2::Error,
    },
    /// A path that no file of the overlay may have.
    #[error("{path:?} cannot be a file of the overlay: {reason}")]
    Path {
        /// As it was to be written.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file where a folder is, or the other way round.
    #[error("{path:?} cannot be written to the overlay: {reason}; move away by hand what is there")]
    Taken {
        /// As it was to be written.
        path: String,
        /// What is in the way.
        reason: &'static str,
    },
    /// A branch or commit that does not exist.
    #[error("the overlay repository {} has no {revision}; was it replaced or cut by hand?", path.display())]
    NoSuchRevision {
        /// The repository.
        path: PathBuf,
        /// The branch or commit.
        revision: String,
    },
    /// Someone else moved a branch in between.
    #[error(
        "the branch {branch} is {}, not {}: it was changed by someone else meanwhile; nothing was overwritten, the \
         next cycle starts from what is there",
        at(found.as_ref()),
        at(expected.as_ref())
    )]
    BranchMoved {
        /// Which.
        branch: BranchName,
        /// Where it should have been.
        expected: Option<CommitSha>,
        /// Where it was.
        found: Option<CommitSha>,
    },
    /// Someone else is moving a branch, or was killed while doing so.
    #[error(
        "the branch {branch} is locked: another process is moving it; if none is, one was killed meanwhile: delete {}",
        lock.display()
    )]
    Locked {
        /// Which.
        branch: BranchName,
        /// The file that says so.
        lock: PathBuf,
    },
    /// The same lines changed on both sides.
    #[error(
        "{branch} cannot be merged into {base}: both changed {}; the next release is written on top of {base}, or \
         merge by hand",
        paths.join(", ")
    )]
    Conflict {
        /// What was to be merged.
        branch: BranchName,
        /// Into what.
        base: BranchName,
        /// The files, sorted.
        paths: Vec<String>,
    },
    /// Commits on a branch that would be lost.
    #[error(
        "the branch {branch} has commits of a person ({}); they are not overwritten: merge or close the pull request, \
         or delete the branch",
        names(commits)
    )]
    PersonsCommits {
        /// Which.
        branch: BranchName,
        /// The newest first; at least one.
        commits: Vec<PersonsCommit>,
    },
    /// The repository itself failed.
    #[error("cannot {action} in the overlay repository {}: {}", path.display(), source.message())]
    Repository {
        /// What was being done.
        action: &'static str,
        /// The repository.
        path: PathBuf,
        /// git's words.
        source: git2::Error,
    },
    /// Another repository does not let the bot in, or not to this.
    #[error(
        "cannot {action} {remote}: {reason}; check that the repository's name is right and that the token is valid and may \
         read and write its contents"
    )]
    RemoteRefused {
        /// What was being done, as in "cannot fetch from …".
        action: &'static str,
        /// Its address.
        remote: String,
        /// What it, or git, said.
        reason: String,
    },
    /// Another repository was not reached, or broke off.
    #[error("cannot {action} {remote}: {reason}; trying again later may help")]
    RemoteFailed {
        /// What was being done.
        action: &'static str,
        /// Its address.
        remote: String,
        /// What it, or git, said.
        reason: String,
    },
    /// Another repository says nothing any more.
    #[error("gave up trying to {action} {remote}: nothing came for {seconds} s; trying again later may help")]
    RemoteSilent {
        /// What was being done.
        action: &'static str,
        /// Its address.
        remote: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The other repository's rules forbid it.
    #[error(
        "{remote} does not take {branch}: {reason}; check the rules that protect its branches, and what the token may do"
    )]
    PushRejected {
        /// Which branch.
        branch: BranchName,
        /// Its address.
        remote: String,
        /// What it said.
        reason: String,
    },
    /// The folder above it.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A commit that the bot did not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonsCommit {
    /// Its id.
    pub id: CommitSha,
    /// Who made it, by name: not to be trusted as anything but text.
    pub author: String,
}

impl fmt::Display for PersonsCommit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let author = self.author.replace(char::is_control, " ");
        write!(formatter, "{} by {author}", &self.id.as_str()[..10])
    }
}

fn names(commits: &[PersonsCommit]) -> String {
    commits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn at(commit: Option<&CommitSha>) -> String {
    commit.map_or_else(|| "absent".to_owned(), |commit| format!("at {commit}"))
}
