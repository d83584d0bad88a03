//! The overlay repository: bare, and written without a work tree.
//!
//! Commits are pure functions of what goes in: the time and the author are given, so the same release gives the same
//! commit id on any machine. Branches move only from where the caller saw them, and a person's commits on the bot's
//! branches are never dropped.
//!
//! Everything here blocks: call it on a blocking thread. An [`Overlay`] is only a path, so clones are cheap and every
//! call sees what others wrote meanwhile.

mod compare;
mod error;
mod locks;
mod merge;
mod nar;
mod references;
mod remote;
mod sources;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature, Sort, Time};
use jiff::Timestamp;

pub use self::error::{GitError, PersonsCommit};
pub use self::nar::{TreeLimits, TreeTrouble};
pub(in crate::clients) use self::nar::{export, nar_hash};
pub use self::remote::{PushRef, Remote, RemoteRef, within};
pub use self::sources::{CommitFiles, GitSourceError, GitSources};
pub use self::tree::Change;
use self::tree::TreeError;
use crate::clients::files;
use crate::model::{BranchName, CommitSha};

/// Who a commit is from. The bot tells its own commits by the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// What a commit says of itself.
#[derive(Debug, Clone, Copy)]
pub struct CommitText<'a> {
    /// First line, empty line, and more if need be.
    pub message: &'a str,
    /// Author and committer.
    pub author: &'a Author,
    /// When: the release's time, so that doing it again gives the same commit. Seconds count.
    pub time: Timestamp,
}

/// What became of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchUpdate {
    /// It was not there.
    Created,
    /// It was there already.
    Unchanged,
    /// It moved on, or was replaced.
    Moved {
        /// Where it was.
        from: CommitSha,
    },
}

/// The bare repository at a path.
#[derive(Debug, Clone)]
pub struct Overlay {
    path: PathBuf,
}

impl Overlay {
    /// Opens the repository, made anew if there is nothing at that path. Its `HEAD` is `main`.
    pub fn open_or_init(path: &Path) -> Result<Self, GitError> {
        let failed = |source| GitError::Open { path: path.to_owned(), source };
        if path.exists() {
            let repository = Repository::open_bare(path).map_err(failed)?;
            if !repository.is_bare() {
                return Err(failed(git2::Error::from_str("it has a work tree")));
            }
        } else {
            files::create_folder(path.parent().unwrap_or(Path::new("")))?;
            let mut options = RepositoryInitOptions::new();
            // Templates of this machine could bring hooks and configuration.
            options.bare(true).initial_head("main").external_template(false);
            Repository::init_opts(path, &options).map_err(failed)?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a branch is; nothing if there is no such branch.
    pub fn branch(&self, name: &BranchName) -> Result<Option<CommitSha>, GitError> {
        Ok(self.tip(&self.open()?, name.as_str())?.map(sha))
    }

    /// A file's bytes at a branch or full commit id; nothing if it, or the branch, is not there.
    pub fn read_file(&self, at: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let repository = self.open()?;
        let Some(commit) = self.revision(&repository, at)? else { return Ok(None) };
        let read = || match commit.tree()?.get_path(Path::new(path)) {
            Ok(entry) if entry.kind() == Some(ObjectType::Blob) => {
                Ok(Some(repository.find_blob(entry.id())?.content().to_vec()))
            }
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        read().map_err(|error| self.failed("read a file", error))
    }

    /// The names in a folder (`""` is the top) at a branch or full commit id, sorted, folders with a `/` at their end;
    /// empty if it, or the branch, is not there.
    pub fn list(&self, at: &str, folder: &str) -> Result<Vec<String>, GitError> {
        let repository = self.open()?;
        let Some(commit) = self.revision(&repository, at)? else { return Ok(Vec::new()) };
        let read = || {
            let mut tree = commit.tree()?;
            if !folder.is_empty() {
                match tree.get_path(Path::new(folder)) {
                    Ok(entry) if entry.kind() == Some(ObjectType::Tree) => tree = repository.find_tree(entry.id())?,
                    Ok(_) => return Ok(Vec::new()),
                    Err(error) if error.code() == ErrorCode::NotFound => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                }
            }
            let name = |entry: git2::TreeEntry<'_>| {
                let end = if entry.kind() == Some(ObjectType::Tree) { "/" } else { "" };
                format!("{}{end}", String::from_utf8_lossy(entry.name_bytes()))
            };
            let mut names: Vec<String> = tree.iter().map(name).collect();
            names.sort();
            Ok(names)
        };
        read().map_err(|error: git2::Error| self.failed("list a folder", error))
    }

    /// Writes a commit that no branch points at yet: `parent`'s files with the changes.
    ///
    /// Nothing if that would change nothing. The same arguments give the same id.
    pub fn write_commit(
        &self,
        parent: Option<&CommitSha>,
        changes: &BTreeMap<String, Change>,
        text: CommitText<'_>,
    ) -> Result<Option<CommitSha>, GitError> {
        let repository = self.open()?;
        let parent = parent.map(|parent| self.commit_of(&repository, parent)).transpose()?;
        let failed = |error| self.failed("write a commit", error);
        let base = parent.as_ref().map(Commit::tree).transpose().map_err(failed)?;
        let tree = tree::build(&repository, base.as_ref(), changes).map_err(|error| match error {
            TreeError::Known(error) => error,
            TreeError::Git(error) => failed(error),
        })?;
        let unchanged = match base {
            Some(base) => base.id() == tree,
            None => repository.find_tree(tree).map_err(failed)?.is_empty(),
        };
        if unchanged {
            return Ok(None);
        }
        let parents: Vec<&Commit<'_>> = parent.iter().collect();
        write_commit(&repository, tree, &parents, text).map(|id| Some(sha(id))).map_err(failed)
    }

    /// Writes a commit and moves the branch to it, which has to be at `parent`, or not to be there yet.
    ///
    /// Nothing, and no branch is made, if that would change nothing.
    pub fn commit(
        &self,
        branch: &BranchName,
        parent: Option<&CommitSha>,
        changes: &BTreeMap<String, Change>,
        text: CommitText<'_>,
    ) -> Result<Option<CommitSha>, GitError> {
        let found = self.branch(branch)?;
        if found.is_some() && found.as_ref() != parent {
            return Err(GitError::BranchMoved { branch: branch.clone(), expected: parent.cloned(), found });
        }
        let Some(commit) = self.write_commit(parent, changes, text)? else { return Ok(None) };
        self.set_branch(branch, &commit, found.as_ref())?;
        Ok(Some(commit))
    }

    /// Points a branch at a commit, if it still is where the caller saw it (nothing: not there).
    pub fn set_branch(
        &self,
        branch: &BranchName,
        commit: &CommitSha,
        expected: Option<&CommitSha>,
    ) -> Result<(), GitError> {
        let repository = self.open()?;
        let id = self.commit_of(&repository, commit)?.id();
        let name = reference_name(branch);
        let moved = match expected {
            None => repository.reference(&name, id, false, "nixwright"),
            Some(expected) => {
                let expected = self.commit_of(&repository, expected)?.id();
                repository.reference_matching(&name, id, true, expected, "nixwright")
            }
        };
        match moved {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), ErrorCode::Exists | ErrorCode::Modified | ErrorCode::NotFound) => {
                let found = self.branch(branch)?;
                Err(GitError::BranchMoved { branch: branch.clone(), expected: expected.cloned(), found })
            }
            Err(error) if error.code() == ErrorCode::Locked => {
                Err(GitError::Locked { branch: branch.clone(), lock: self.path.join(format!("{name}.lock")) })
            }
            Err(error) => Err(self.failed("move a branch", error)),
        }
    }

    /// Points the bot's own branch at a commit that was made from `base`, replacing what the bot had there.
    ///
    /// Refused if the branch has commits of anyone else that neither `base` nor the new commit contains.
    pub fn publish_branch(
        &self,
        branch: &BranchName,
        commit: &CommitSha,
        base: &BranchName,
        bot: &Author,
    ) -> Result<BranchUpdate, GitError> {
        let Some(old) = self.branch(branch)? else {
            self.set_branch(branch, commit, None)?;
            return Ok(BranchUpdate::Created);
        };
        if old == *commit {
            return Ok(BranchUpdate::Unchanged);
        }
        let keep: Vec<CommitSha> = self.branch(base)?.into_iter().chain([commit.clone()]).collect();
        let commits = self.commits_of_persons(&old, &keep, bot)?;
        if !commits.is_empty() {
            return Err(GitError::PersonsCommits { branch: branch.clone(), commits });
        }
        self.set_branch(branch, commit, Some(&old))?;
        Ok(BranchUpdate::Moved { from: old })
    }

    /// The commits that lead to `from`, but to none of `without`, and whose author is not the bot; newest first.
    pub fn commits_of_persons(
        &self,
        from: &CommitSha,
        without: &[CommitSha],
        bot: &Author,
    ) -> Result<Vec<PersonsCommit>, GitError> {
        let repository = self.open()?;
        let from = self.commit_of(&repository, from)?.id();
        let without = without
            .iter()
            .map(|commit| Ok(self.commit_of(&repository, commit)?.id()))
            .collect::<Result<Vec<Oid>, GitError>>()?;
        let walk = || {
            let mut walk = repository.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL)?;
            walk.push(from)?;
            for commit in without {
                walk.hide(commit)?;
            }
            let mut persons = Vec::new();
            for id in walk {
                let commit = repository.find_commit(id?)?;
                let author = commit.author();
                if author.email_bytes() != bot.email.as_bytes() {
                    let author = String::from_utf8_lossy(author.name_bytes()).into_owned();
                    persons.push(PersonsCommit { id: sha(commit.id()), author });
                }
            }
            Ok(persons)
        };
        walk().map_err(|error: git2::Error| self.failed("read the history", error))
    }

    /// Whether `ancestor` is `commit` or leads to it.
    pub fn contains(&self, commit: &CommitSha, ancestor: &CommitSha) -> Result<bool, GitError> {
        let repository = self.open()?;
        let (commit, ancestor) =
            (self.commit_of(&repository, commit)?.id(), self.commit_of(&repository, ancestor)?.id());
        let descends = || Ok(commit == ancestor || repository.graph_descendant_of(commit, ancestor)?);
        descends().map_err(|error| self.failed("read the history", error))
    }

    fn open(&self) -> Result<Repository, GitError> {
        Repository::open_bare(&self.path).map_err(|source| GitError::Open { path: self.path.clone(), source })
    }

    fn failed(&self, action: &'static str, source: git2::Error) -> GitError {
        GitError::Repository { action, path: self.path.clone(), source }
    }

    fn no_such(&self, revision: String) -> GitError {
        GitError::NoSuchRevision { path: self.path.clone(), revision }
    }

    fn tip(&self, repository: &Repository, branch: &str) -> Result<Option<Oid>, GitError> {
        match repository.refname_to_id(&format!("refs/heads/{branch}")) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.failed("read a branch", error)),
        }
    }

    fn tip_or_error(&self, repository: &Repository, branch: &BranchName) -> Result<Oid, GitError> {
        self.tip(repository, branch.as_str())?.ok_or_else(|| self.no_such(format!("branch {branch}")))
    }

    fn commit_of<'r>(&self, repository: &'r Repository, commit: &CommitSha) -> Result<Commit<'r>, GitError> {
        let find = || repository.find_commit(Oid::from_str(commit.as_str())?);
        find().map_err(|error| match error.code() {
            ErrorCode::NotFound => self.no_such(format!("commit {commit}")),
            _ => self.failed("read a commit", error),
        })
    }

    /// The commit that a branch or a full commit id names; nothing for a branch that is not there.
    fn revision<'r>(&self, repository: &'r Repository, at: &str) -> Result<Option<Commit<'r>>, GitError> {
        if let Ok(commit) = at.parse::<CommitSha>() {
            return self.commit_of(repository, &commit).map(Some);
        }
        let Some(id) = self.tip(repository, at)? else { return Ok(None) };
        repository.find_commit(id).map(Some).map_err(|error| self.failed("read a branch", error))
    }
}

fn reference_name(branch: &BranchName) -> String {
    format!("refs/heads/{branch}")
}

fn sha(id: Oid) -> CommitSha {
    // git prints ids as 40 lower-case digits.
    id.to_string().parse().unwrap_or_else(|error| unreachable!("{error}"))
}

fn write_commit(
    repository: &Repository,
    tree: Oid,
    parents: &[&Commit<'_>],
    text: CommitText<'_>,
) -> Result<Oid, git2::Error> {
    // Always UTC: the machine's zone would change the id.
    let time = Time::new(text.time.as_second(), 0);
    let signature = Signature::new(&text.author.name, &text.author.email, &time)?;
    let message = format!("{}\n", text.message.trim_end());
    repository.commit(None, &signature, &signature, &message, &repository.find_tree(tree)?, parents)
}
