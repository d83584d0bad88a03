//! Merging one branch into another without a work tree.

use git2::{MergeOptions, Oid, Repository};

use super::error::GitError;
use super::{CommitText, Overlay, sha, write_commit};
use crate::model::{BranchName, CommitSha};

impl Overlay {
    /// Merges a branch, which has to be at `head`, into another by a commit with two parents, and moves that other one.
    ///
    /// The commit that did it, also if that was done before. Nothing is half merged: where both sides changed the same
    /// lines, that is an error that names the files.
    pub fn merge(
        &self,
        base: &BranchName,
        branch: &BranchName,
        head: &CommitSha,
        text: CommitText<'_>,
    ) -> Result<CommitSha, GitError> {
        let repository = self.open()?;
        let ours = self.tip_or_error(&repository, base)?;
        let found = sha(self.tip_or_error(&repository, branch)?);
        if found != *head {
            return Err(GitError::BranchMoved {
                branch: branch.clone(),
                expected: Some(head.clone()),
                found: Some(found),
            });
        }
        let theirs = self.commit_of(&repository, head)?;
        let failed = |error| self.failed("merge", error);
        if self.contains(&sha(ours), head)? {
            return merged_by(&repository, ours, theirs.id()).map(sha).map_err(failed);
        }
        let merge = || {
            let ours = repository.find_commit(ours)?;
            let ancestor = repository.find_commit(repository.merge_base(ours.id(), theirs.id())?)?;
            let mut options = MergeOptions::new();
            // A guess at what was renamed would make the result depend on git's version.
            options.find_renames(false);
            let mut index =
                repository.merge_trees(&ancestor.tree()?, &ours.tree()?, &theirs.tree()?, Some(&options))?;
            if index.has_conflicts() {
                return Ok(Err(conflicts(&index)?));
            }
            let tree = index.write_tree_to(&repository)?;
            Ok(Ok(write_commit(&repository, tree, &[&ours, &theirs], text)?))
        };
        match merge().map_err(failed)? {
            Ok(merged) => {
                self.set_branch(base, &sha(merged), Some(&sha(ours)))?;
                Ok(sha(merged))
            }
            Err(paths) => Err(GitError::Conflict { branch: branch.clone(), base: base.clone(), paths }),
        }
    }
}

/// The commit of a branch's own line that brought another commit in; the branch's newest if none of them merged it.
fn merged_by(repository: &Repository, tip: Oid, commit: Oid) -> Result<Oid, git2::Error> {
    let mut current = repository.find_commit(tip)?;
    loop {
        if current.parent_ids().skip(1).any(|parent| parent == commit) {
            return Ok(current.id());
        }
        match current.parents().next() {
            Some(parent) => current = parent,
            None => return Ok(tip),
        }
    }
}

/// The paths that are in conflict, sorted.
fn conflicts(index: &git2::Index) -> Result<Vec<String>, git2::Error> {
    let mut paths = Vec::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
        // A person's file may have any name, and this goes into a message.
        paths.extend(entry.map(|entry| String::from_utf8_lossy(&entry.path).replace(char::is_control, "\u{fffd}")));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}
