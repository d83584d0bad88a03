//! References: local branches, and those of the repository that this one follows (`origin`).

use std::collections::BTreeSet;

use git2::ErrorCode;

use super::error::GitError;
use super::{Overlay, reference_name, sha};
use crate::model::{BranchName, CommitSha};

/// Where the branches of `origin` are kept.
const ORIGIN: &str = "refs/remotes/origin/";

fn origin(branch: &BranchName) -> String {
    format!("{ORIGIN}{branch}")
}

impl Overlay {
    /// Where a branch that was fetched from `origin` is; nothing if it was not there.
    pub fn origin_branch(&self, name: &BranchName) -> Result<Option<CommitSha>, GitError> {
        self.reference(&origin(name))
    }

    /// What was fetched from `origin`, by name; what is no branch that this program could name is left out.
    pub fn origin_branches(&self) -> Result<Vec<(BranchName, CommitSha)>, GitError> {
        let repository = self.open()?;
        let read = || {
            let mut found = Vec::new();
            for reference in repository.references_glob(&format!("{ORIGIN}*"))? {
                let reference = reference?;
                let name = std::str::from_utf8(reference.name_bytes()).ok().and_then(|name| name.strip_prefix(ORIGIN));
                if let (Some(Ok(name)), Some(id)) = (name.map(str::parse), reference.target()) {
                    found.push((name, sha(id)));
                }
            }
            Ok(found)
        };
        read().map_err(|error: git2::Error| self.failed("list branches", error))
    }

    /// Writes down where a branch of `origin` is by now, after a push.
    pub fn set_origin_branch(&self, name: &BranchName, commit: Option<&CommitSha>) -> Result<(), GitError> {
        self.set_reference(&origin(name), commit)
    }

    /// Puts a local branch where another repository has it, wherever it was; nothing deletes it.
    pub fn follow(&self, name: &BranchName, commit: Option<&CommitSha>) -> Result<(), GitError> {
        self.set_reference(&reference_name(name), commit)
    }

    /// Where a reference is; nothing if it is not there.
    pub fn reference(&self, name: &str) -> Result<Option<CommitSha>, GitError> {
        match self.open()?.refname_to_id(name) {
            Ok(id) => Ok(Some(sha(id))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.failed("read a branch", error)),
        }
    }

    fn set_reference(&self, name: &str, commit: Option<&CommitSha>) -> Result<(), GitError> {
        let repository = self.open()?;
        let Some(commit) = commit else {
            return match repository.find_reference(name).and_then(|mut reference| reference.delete()) {
                Err(error) if error.code() != ErrorCode::NotFound => Err(self.failed("delete a branch", error)),
                _ => Ok(()),
            };
        };
        let id = self.commit_of(&repository, commit)?.id();
        let moved = repository.reference(name, id, true, "nixwright");
        moved.map(drop).map_err(|error| self.failed("move a branch", error))
    }

    /// Deletes the references below `prefix` that are not among these.
    pub fn forget_references(&self, prefix: &str, keep: &BTreeSet<String>) -> Result<(), GitError> {
        let repository = self.open()?;
        let forget = || {
            for reference in repository.references_glob(&format!("{prefix}*"))? {
                let mut reference = reference?;
                let kept = std::str::from_utf8(reference.name_bytes()).is_ok_and(|name| keep.contains(name));
                if !kept {
                    reference.delete()?;
                }
            }
            Ok(())
        };
        forget().map_err(|error: git2::Error| self.failed("delete a reference", error))
    }
}
