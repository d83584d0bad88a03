//! The form in which Nix hashes a folder, straight from a commit's tree; and the folder itself, for Nix to take in.
//!
//! <https://nix.dev/manual/nix/latest/protocols/nix-archive>. What Nix's own fetcher of git repositories checks out is what is
//! hashed here: files, links, and an empty folder where a repository within the repository stands.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use git2::{ObjectType, Repository, Tree};
use sha2::{Digest as _, Sha256};

use crate::clients::files::{self, FileError};

/// How much a tree may ask of us.
#[derive(Debug, Clone, Copy)]
pub struct TreeLimits {
    /// Bytes of all its files.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
}

/// A tree that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TreeTrouble {
    /// One of [`TreeLimits`].
    #[error("it is larger than allowed: {what} above {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// A name that would leave its folder, or mean something to git.
    #[error("it has an entry {0:?}, which is no name of a file")]
    Name(String),
    /// An object that is missing or damaged.
    #[error("{}", .0.message())]
    Git(#[from] git2::Error),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A file, link or folder of a tree.
enum Entry<'a> {
    File { content: &'a [u8], executable: bool },
    Link { target: &'a [u8] },
    Folder,
}

/// Where a walk through a tree leads.
trait Visitor {
    /// Before the entries of a folder; the top has no name. `Entry::Folder` is followed by its entries and [`Self::leave`].
    fn enter(&mut self, name: Option<&str>, entry: &Entry<'_>) -> Result<(), TreeTrouble>;
    /// After an entry, and after all that is in it.
    fn leave(&mut self, is_top: bool) -> Result<(), TreeTrouble>;
}

struct Walk<'a> {
    repository: &'a Repository,
    limits: TreeLimits,
    bytes: u64,
    entries: u64,
}

impl Walk<'_> {
    fn folder(&mut self, tree: &Tree<'_>, visitor: &mut dyn Visitor) -> Result<(), TreeTrouble> {
        let mut names: Vec<(String, git2::Oid, Option<ObjectType>, i32)> = Vec::new();
        for entry in tree {
            let name = String::from_utf8(entry.name_bytes().to_vec())
                .map_err(|error| TreeTrouble::Name(String::from_utf8_lossy(error.as_bytes()).into_owned()))?;
            let special = name.is_empty() || matches!(name.as_str(), "." | "..") || name.eq_ignore_ascii_case(".git");
            if special || name.contains(['/', '\0']) {
                return Err(TreeTrouble::Name(name));
            }
            names.push((name, entry.id(), entry.kind(), entry.filemode()));
        }
        // git sorts a folder as if its name ended in a slash, Nix by the bytes of the name.
        names.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        for (name, id, kind, mode) in names {
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(TreeTrouble::TooLarge { what: "entries", limit: self.limits.entries });
            }
            match kind {
                Some(ObjectType::Tree) => {
                    visitor.enter(Some(&name), &Entry::Folder)?;
                    self.folder(&self.repository.find_tree(id)?, visitor)?;
                }
                Some(ObjectType::Blob) => {
                    let blob = self.repository.find_blob(id)?;
                    self.bytes = self.bytes.saturating_add(blob.size() as u64);
                    if self.bytes > self.limits.bytes {
                        return Err(TreeTrouble::TooLarge { what: "bytes", limit: self.limits.bytes });
                    }
                    let content = blob.content();
                    let entry = match mode {
                        0o120_000 => Entry::Link { target: content },
                        mode => Entry::File { content, executable: mode & 0o100 != 0 },
                    };
                    visitor.enter(Some(&name), &entry)?;
                }
                _ => visitor.enter(Some(&name), &Entry::Folder)?,
            }
            visitor.leave(false)?;
        }
        Ok(())
    }
}

fn walk(
    repository: &Repository,
    tree: &Tree<'_>,
    limits: TreeLimits,
    visitor: &mut dyn Visitor,
) -> Result<(), TreeTrouble> {
    visitor.enter(None, &Entry::Folder)?;
    Walk { repository, limits, bytes: 0, entries: 0 }.folder(tree, visitor)?;
    visitor.leave(true)
}

/// Hashes.
struct Archive(Sha256);

impl Archive {
    fn text(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self.0.update(&[0; 8][..(8 - bytes.len() % 8) % 8]);
    }

    fn texts(&mut self, texts: &[&str]) {
        for text in texts {
            self.text(text.as_bytes());
        }
    }
}

impl Visitor for Archive {
    fn enter(&mut self, name: Option<&str>, entry: &Entry<'_>) -> Result<(), TreeTrouble> {
        if let Some(name) = name {
            self.texts(&["entry", "(", "name", name, "node"]);
        }
        match entry {
            Entry::Folder => self.texts(&["(", "type", "directory"]),
            Entry::Link { target } => {
                self.texts(&["(", "type", "symlink", "target"]);
                self.text(target);
            }
            Entry::File { content, executable } => {
                self.texts(&["(", "type", "regular"]);
                if *executable {
                    self.texts(&["executable", ""]);
                }
                self.texts(&["contents"]);
                self.text(content);
            }
        }
        Ok(())
    }

    fn leave(&mut self, is_top: bool) -> Result<(), TreeTrouble> {
        self.texts(if is_top { &[")"] } else { &[")", ")"] });
        Ok(())
    }
}

/// The recursive SHA-256 of a tree, as Nix writes it: `sha256-…`.
pub(in crate::clients) fn nar_hash(
    repository: &Repository,
    tree: &Tree<'_>,
    limits: TreeLimits,
) -> Result<String, TreeTrouble> {
    let mut archive = Archive(Sha256::new());
    archive.text(b"nix-archive-1");
    walk(repository, tree, limits, &mut archive)?;
    Ok(format!("sha256-{}", data_encoding::BASE64.encode(&archive.0.finalize())))
}

/// Writes.
struct Writer {
    path: std::path::PathBuf,
}

impl Visitor for Writer {
    fn enter(&mut self, name: Option<&str>, entry: &Entry<'_>) -> Result<(), TreeTrouble> {
        if let Some(name) = name {
            self.path.push(name);
        }
        let failed = |error| FileError::new("write", &self.path, error);
        match entry {
            Entry::Folder => std::fs::create_dir(&self.path).map_err(failed)?,
            Entry::Link { target } => {
                let target = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(target);
                std::os::unix::fs::symlink(target, &self.path).map_err(failed)?;
            }
            Entry::File { content, executable } => {
                // Nothing is overwritten, and no link is followed: the folder was made by us and is new.
                let mut file = std::fs::File::create_new(&self.path).map_err(failed)?;
                file.write_all(content).map_err(failed)?;
                let mode = if *executable { 0o755 } else { 0o644 };
                file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn leave(&mut self, is_top: bool) -> Result<(), TreeTrouble> {
        if !is_top {
            self.path.pop();
        }
        Ok(())
    }
}

/// Writes a tree into `folder`, whole or not at all; nothing is done if it is there.
pub(in crate::clients) fn export(
    repository: &Repository,
    tree: &Tree<'_>,
    limits: TreeLimits,
    folder: &Path,
) -> Result<(), TreeTrouble> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new("."));
    files::create_folder(above)?;
    let failed = |error| FileError::new("write", folder, error);
    let temporary = tempfile::Builder::new().prefix(".incomplete-").tempdir_in(above).map_err(failed)?;
    let path = temporary.path().join("tree");
    walk(repository, tree, limits, &mut Writer { path: path.clone() })?;
    match std::fs::rename(&path, folder) {
        // Another process was first.
        Err(_) if folder.is_dir() => Ok(()),
        moved => Ok(moved.map_err(failed)?),
    }
}

#[cfg(test)]
mod tests {
    use git2::{Repository, Signature};

    use super::{TreeLimits, export, nar_hash};

    const LIMITS: TreeLimits = TreeLimits { bytes: 1000, entries: 100 };

    /// A repository with one commit of a file, a program, a link, an empty file, and names that git and Nix sort differently.
    fn repository(folder: &std::path::Path) -> Repository {
        let repository = Repository::init_bare(folder).unwrap();
        {
            let blob = |content: &[u8]| repository.blob(content).unwrap();
            let mut inner = repository.treebuilder(None).unwrap();
            inner.insert("empty", blob(b""), 0o100_644).unwrap();
            let mut top = repository.treebuilder(None).unwrap();
            top.insert("a", inner.write().unwrap(), 0o040_000).unwrap();
            top.insert("a.txt", blob(b"text\n"), 0o100_644).unwrap();
            top.insert("run", blob(b"#!/bin/sh\n"), 0o100_755).unwrap();
            top.insert("link", blob(b"a.txt"), 0o120_000).unwrap();
            let tree = repository.find_tree(top.write().unwrap()).unwrap();
            let author = Signature::new("a", "a@tool.example", &git2::Time::new(0, 0)).unwrap();
            repository.commit(Some("HEAD"), &author, &author, "one", &tree, &[]).unwrap();
        }
        repository
    }

    #[test]
    fn a_tree_is_hashed_and_written_as_nix_would_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder.path().join("git"));
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        // What `nix hash path` says of the same folder.
        assert_eq!(
            nar_hash(&repository, &tree, LIMITS).unwrap(),
            "sha256-MW3LRqQOYm7pSGOAU34n55d3mnBxrWGim885ddEb//c="
        );
        let out = folder.path().join("out");
        export(&repository, &tree, LIMITS, &out).unwrap();
        export(&repository, &tree, LIMITS, &out).unwrap();
        assert_eq!(std::fs::read_link(out.join("link")).unwrap().to_str(), Some("a.txt"));
        assert_eq!(std::fs::read(out.join("a/empty")).unwrap(), b"");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_tree_beyond_the_limits_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let repository = repository(&folder.path().join("git"));
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        for limits in [TreeLimits { bytes: 8, ..LIMITS }, TreeLimits { entries: 4, ..LIMITS }] {
            assert!(nar_hash(&repository, &tree, limits).is_err());
            assert!(export(&repository, &tree, limits, &folder.path().join("out")).is_err());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
