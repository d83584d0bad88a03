//! From a set of changed files to a tree, straight in the object database: no work tree, no index.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, Tree};

use super::error::GitError;

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has these bytes afterwards.
    Write {
        /// The whole file.
        bytes: Vec<u8>,
        /// Whether it can be started.
        executable: bool,
    },
    /// It is not there afterwards.
    Delete,
}

impl Change {
    /// An ordinary file.
    pub fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Write { bytes: text.into(), executable: false }
    }
}

const FILE: i32 = 0o100_644;
const EXECUTABLE: i32 = 0o100_755;
const FOLDER: i32 = 0o040_000;

/// Changes by folder.
enum Node<'a> {
    Folder(BTreeMap<&'a str, Node<'a>>),
    File(&'a Change),
}

/// Why a tree was not made.
pub(super) enum TreeError {
    Known(GitError),
    Git(git2::Error),
}

impl From<git2::Error> for TreeError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// The tree that `base` becomes by the changes; the empty tree's id if nothing is left.
pub(super) fn build(
    repository: &Repository,
    base: Option<&Tree<'_>>,
    changes: &BTreeMap<String, Change>,
) -> Result<Oid, TreeError> {
    let mut root = BTreeMap::new();
    for (path, change) in changes {
        check(path).map_err(TreeError::Known)?;
        insert(&mut root, path, path, change).map_err(TreeError::Known)?;
    }
    match write(repository, base, &root, "")? {
        Some(tree) => Ok(tree),
        None => Ok(repository.treebuilder(None)?.write()?),
    }
}

fn insert<'a>(
    folder: &mut BTreeMap<&'a str, Node<'a>>,
    rest: &'a str,
    path: &str,
    change: &'a Change,
) -> Result<(), GitError> {
    let both = || GitError::Path { path: path.to_owned(), reason: "another change makes it a folder or a file" };
    let Some((first, rest)) = rest.split_once('/') else {
        return match folder.insert(rest, Node::File(change)) {
            None => Ok(()),
            Some(_) => Err(both()),
        };
    };
    match folder.entry(first).or_insert_with(|| Node::Folder(BTreeMap::new())) {
        Node::Folder(folder) => insert(folder, rest, path, change),
        Node::File(_) => Err(both()),
    }
}

/// Writes a folder; nothing if it is empty, because git has no empty folders.
fn write(
    repository: &Repository,
    base: Option<&Tree<'_>>,
    changes: &BTreeMap<&str, Node<'_>>,
    at: &str,
) -> Result<Option<Oid>, TreeError> {
    let mut builder = repository.treebuilder(base)?;
    for (name, node) in changes {
        let path = if at.is_empty() { (*name).to_owned() } else { format!("{at}/{name}") };
        let existing = builder.get(name)?.map(|entry| (entry.kind(), entry.id()));
        let taken = |reason| Err(TreeError::Known(GitError::Taken { path: path.clone(), reason }));
        match (node, existing) {
            (Node::Folder(_), Some((kind, _))) if kind != Some(ObjectType::Tree) => {
                return taken("there is a file where its folder should be");
            }
            (Node::File(_), Some((kind, _))) if kind != Some(ObjectType::Blob) => {
                return taken("there is a folder of that name");
            }
            (Node::Folder(changes), existing) => {
                let base = existing.map(|(_, id)| repository.find_tree(id)).transpose()?;
                match write(repository, base.as_ref(), changes, &path)? {
                    Some(tree) => drop(builder.insert(name, tree, FOLDER)?),
                    None if existing.is_some() => builder.remove(name)?,
                    None => {}
                }
            }
            (Node::File(Change::Write { bytes, executable }), _) => {
                let mode = if *executable { EXECUTABLE } else { FILE };
                builder.insert(name, repository.blob(bytes)?, mode)?;
            }
            (Node::File(Change::Delete), Some(_)) => builder.remove(name)?,
            (Node::File(Change::Delete), None) => {}
        }
    }
    if builder.is_empty() { Ok(None) } else { Ok(Some(builder.write()?)) }
}

/// Whether a file of the overlay may have this path.
///
/// git itself takes nearly anything; what it takes is unpacked on machines where `.GIT`, `git~1` or `.g\u{200c}it` are
/// `.git`, where `\` divides folders and where a name cannot end in a dot. So: plain ASCII, and nothing near `.git`.
pub(super) fn check(path: &str) -> Result<(), GitError> {
    let wrong = |reason| Err(GitError::Path { path: path.to_owned(), reason });
    if path.is_empty() || path.len() > 1000 {
        return wrong("a path has 1 to 1000 bytes");
    }
    if path.starts_with('/') {
        return wrong("it is absolute");
    }
    for name in path.split('/') {
        if name.is_empty() || name == "." || name == ".." {
            return wrong("it has an empty part, `.` or `..`");
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte)) {
            return wrong("only letters, digits, `.`, `_`, `+` and `-` are allowed between slashes");
        }
        if name.len() > 200 || name.ends_with('.') {
            return wrong("a part ends in a dot or is longer than 200 bytes");
        }
        let lower = name.to_ascii_lowercase();
        if lower.starts_with(".git") && !matches!(name, ".gitignore" | ".gitattributes" | ".github") {
            return wrong("it looks like git's own `.git`");
        }
    }
    Ok(())
}
