//! What differs between two commits, by the ids of trees: nothing is read but folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use git2::{Commit, ErrorCode, ObjectType, Oid, Repository};

use super::{GitError, Overlay, sha};
use crate::model::CommitSha;

impl Overlay {
    /// Whether any of these paths (files or folders) is not the same in both commits.
    pub fn differs(&self, one: &CommitSha, other: &CommitSha, paths: &[String]) -> Result<bool, GitError> {
        let repository = self.open()?;
        let (one, other) = (self.commit_of(&repository, one)?, self.commit_of(&repository, other)?);
        let differ = || {
            for path in paths {
                if entry(&one, path)? != entry(&other, path)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        differ().map_err(|error| self.failed("compare two commits", error))
    }

    /// The names in a folder that are not the same in both commits, sorted; what is only in one of them counts.
    pub fn changed_entries(
        &self,
        one: &CommitSha,
        other: &CommitSha,
        folder: &str,
    ) -> Result<BTreeSet<String>, GitError> {
        let repository = self.open()?;
        let (one, other) = (self.commit_of(&repository, one)?, self.commit_of(&repository, other)?);
        let compare = || {
            let (one, other) = (entries(&repository, &one, folder)?, entries(&repository, &other, folder)?);
            let names = one.keys().chain(other.keys());
            Ok(names.filter(|name| one.get(*name) != other.get(*name)).cloned().collect())
        };
        compare().map_err(|error: git2::Error| self.failed("compare two commits", error))
    }

    /// The newest commit that leads to both; nothing if there is none.
    pub fn common_ancestor(&self, one: &CommitSha, other: &CommitSha) -> Result<Option<CommitSha>, GitError> {
        let repository = self.open()?;
        let (one, other) = (self.commit_of(&repository, one)?.id(), self.commit_of(&repository, other)?.id());
        match repository.merge_base(one, other) {
            Ok(ancestor) => Ok(Some(sha(ancestor))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.failed("compare two commits", error)),
        }
    }
}

fn entry(commit: &Commit<'_>, path: &str) -> Result<Option<Oid>, git2::Error> {
    match commit.tree()?.get_path(Path::new(path)) {
        Ok(entry) => Ok(Some(entry.id())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is in a folder, by name; nothing if there is no such folder.
fn entries(repository: &Repository, commit: &Commit<'_>, folder: &str) -> Result<BTreeMap<String, Oid>, git2::Error> {
    let Some(id) = entry(commit, folder)? else { return Ok(BTreeMap::new()) };
    if repository.find_object(id, None)?.kind() != Some(ObjectType::Tree) {
        return Ok(BTreeMap::new());
    }
    let tree = repository.find_tree(id)?;
    Ok(tree.iter().map(|entry| (String::from_utf8_lossy(entry.name_bytes()).into_owned(), entry.id())).collect())
}
