//! Reading a module's zip: one pass, in memory, within limits, never unpacked.
//!
//! Zips are hostile, and the build unpacks what is let through here. The rules are those of golang.org/x/mod/zip; beyond them a zip is refused if
//! another reader could see other files in it: entries that overlap, headers that contradict each other, links. Every entry is decompressed
//! once, in the order in which Nix hashes a tree, for both hashes and the facts.

mod names;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::facts::{Builder, Content, ModuleFacts};
use super::paths::check_file;
use crate::archive::{Limits, printable};
use crate::nar::{self, TreeHash};

use self::names::Collisions;

/// What Go itself allows: 500 MiB, packed and unpacked. The number of entries is ours; the largest of real modules have some 30,000.
pub const LIMITS: Limits = Limits { compressed: 500 << 20, unpacked: 500 << 20, entries: 200_000 };

/// The most bytes that Go allows for a go.mod or LICENSE.
const TEXT_LIMIT: u64 = 16 << 20;

/// A source file of more bytes than this is not looked into further than to here.
const SOURCE_LIMIT: u64 = 16 << 20;

/// Why a module's zip is refused.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// Not a zip, or cut off.
    #[error("not a readable module zip: {0}")]
    Unreadable(String),
    /// One of [`Limits`], or one of Go's own.
    #[error("larger than allowed: {what} above {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// An entry that no module's zip may have.
    #[error("entry {path:?}: {reason}")]
    Entry {
        /// Its path in the zip.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The facts do not fit into their form.
    #[error(transparent)]
    Facts(#[from] super::facts::FactsError),
}

impl ZipError {
    fn entry(path: &str, reason: impl Into<String>) -> Self {
        Self::Entry { path: path.to_owned(), reason: reason.into() }
    }

    fn zip(error: &zip::result::ZipError) -> Self {
        Self::Unreadable(printable(&io::Error::other(error.to_string())))
    }
}

/// Reads the zip of `path` at `version`, as a module proxy serves it.
///
/// # Errors
/// [`ZipError`], for all that `go mod download` refuses, for links, and for what is beyond `limits`.
pub fn read_zip(bytes: &[u8], path: &str, version: &str, limits: Limits) -> Result<ModuleFacts, ZipError> {
    if bytes.len() as u64 > limits.compressed {
        return Err(ZipError::TooLarge { what: "compressed bytes", limit: limits.compressed });
    }
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ZipError::zip(&error))?;
    if zip.len() as u64 > limits.entries {
        return Err(ZipError::TooLarge { what: "entries", limit: limits.entries });
    }
    zip.validate_header_consistency().map_err(|error| ZipError::zip(&error))?;
    let entries = list(&mut zip, &format!("{path}@{version}/"), limits)?;
    let mut pass = Pass { tree: TreeHash::new(), lines: Vec::with_capacity(entries.len()), facts: Builder::module() };
    for entry in &entries {
        pass.read(&mut zip, entry)?;
    }
    let hash = pass.tree.finish();
    Ok(pass.facts.finish(module_sum(pass.lines), hash)?)
}

/// The content of those files of the zip of `path` at `version` that are wanted, by path below the module's root, with the hash that
/// go.sum has of all of them.
///
/// # Errors
/// As [`read_zip`].
pub fn read_files(
    bytes: &[u8],
    path: &str,
    version: &str,
    limits: Limits,
    wants: impl Fn(&str) -> bool,
) -> Result<(BTreeMap<String, Vec<u8>>, String), ZipError> {
    let sum = read_zip(bytes, path, version, limits)?.sum().to_owned();
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ZipError::zip(&error))?;
    let mut files = BTreeMap::new();
    for entry in list(&mut zip, &format!("{path}@{version}/"), limits)? {
        if entry.is_folder() || !wants(entry.path()) {
            continue;
        }
        let mut content = Vec::new();
        let mut file = zip.by_index(entry.index).map_err(|error| ZipError::zip(&error))?;
        // That it is as large as declared was seen in the pass before.
        let read = file.by_ref().take(entry.size).read_to_end(&mut content);
        read.map_err(|error| ZipError::entry(&entry.name, printable(&error)))?;
        files.insert(entry.path().to_owned(), content);
    }
    Ok((files, sum))
}

/// An entry that passed the checks on its name.
struct Entry {
    index: usize,
    /// Its path in the zip.
    name: String,
    /// Where its path below the module's root begins.
    below: usize,
    size: u64,
}

impl Entry {
    fn path(&self) -> &str {
        self.name.get(self.below..).unwrap_or_default()
    }

    fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// The entries in the order of a tree's files.
fn list(zip: &mut ZipArchive<Cursor<&[u8]>>, prefix: &str, limits: Limits) -> Result<Vec<Entry>, ZipError> {
    let mut entries = Vec::with_capacity(zip.len());
    let mut collisions = Collisions::default();
    let mut unpacked: u64 = 0;
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index).map_err(|error| ZipError::zip(&error))?;
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        if name.as_bytes() != file.name_raw() {
            return Err(ZipError::entry(&name, "not UTF-8"));
        }
        if file.is_symlink() {
            return Err(ZipError::entry(&name, "a symbolic link; a module holds only files"));
        }
        if file.encrypted() {
            return Err(ZipError::entry(&name, "encrypted"));
        }
        let entry = Entry { index, below: prefix.len(), size: file.size(), name };
        unpacked = unpacked.saturating_add(entry.size);
        if unpacked > limits.unpacked {
            return Err(ZipError::TooLarge { what: "unpacked bytes", limit: limits.unpacked });
        }
        // Go passes over an entry for the module's own folder.
        if entry.name != prefix || entry.size > 0 {
            check(&entry, prefix, &mut collisions)?;
        }
        entries.push(entry);
    }
    entries.sort_by(|left, right| nar::order(left.path(), right.path()));
    Ok(entries)
}

fn check(entry: &Entry, prefix: &str, collisions: &mut Collisions) -> Result<(), ZipError> {
    let refuse = |reason: String| ZipError::entry(&entry.name, reason);
    if !entry.name.starts_with(prefix) {
        return Err(refuse(format!("path does not have prefix {prefix:?}")));
    }
    let path = entry.path().strip_suffix('/').unwrap_or(entry.path());
    check_file(path).map_err(|error| refuse(error.to_string()))?;
    collisions.add(path, entry.is_folder()).map_err(refuse)?;
    if entry.is_folder() {
        return if entry.size == 0 { Ok(()) } else { Err(refuse("a folder with data".to_owned())) };
    }
    let base = path.rsplit_once('/').map_or(path, |(_, base)| base);
    if base.eq_ignore_ascii_case("go.mod") && path != "go.mod" {
        let reason = if base == path {
            "go.mod files must have lowercase names"
        } else {
            "go.mod file not in module root directory"
        };
        return Err(refuse(reason.to_owned()));
    }
    if matches!(path, "go.mod" | "LICENSE") && entry.size > TEXT_LIMIT {
        return Err(ZipError::TooLarge { what: "bytes of go.mod or LICENSE", limit: TEXT_LIMIT });
    }
    Ok(())
}

/// What is made of the entries, one after another.
struct Pass {
    tree: TreeHash,
    lines: Vec<(String, [u8; 32])>,
    facts: Builder,
}

impl Pass {
    fn read(&mut self, zip: &mut ZipArchive<Cursor<&[u8]>>, entry: &Entry) -> Result<(), ZipError> {
        if entry.is_folder() {
            // go.sum's hash counts these; unpacked they are nothing.
            self.lines.push((entry.name.clone(), Sha256::digest(b"").into()));
            return Ok(());
        }
        let path = entry.path();
        let mut file = zip.by_index(entry.index).map_err(|error| ZipError::zip(&error))?;
        let mut both = Both { tree: self.tree.file(path, entry.size), hash: Sha256::new(), kept: Vec::new(), keep: 0 };
        both.keep = if Builder::wants(path) { usize::try_from(SOURCE_LIMIT).unwrap_or(usize::MAX) } else { 0 };
        // One byte more than is declared is enough to notice that there are more.
        let limit = entry.size.saturating_add(1);
        let copied = io::copy(&mut file.by_ref().take(limit), &mut both);
        let copied = copied.map_err(|error| ZipError::entry(&entry.name, printable(&error)))?;
        let Both { tree, hash, kept, keep } = both;
        if !tree.finish() || copied != entry.size {
            return Err(ZipError::entry(&entry.name, "not as large as declared"));
        }
        self.lines.push((entry.name.clone(), hash.finalize().into()));
        self.facts.add(path, if keep > 0 { Content::Bytes(&kept) } else { Content::Unread });
        Ok(())
    }
}

/// Takes a file's bytes for both hashes, and keeps the first of them.
struct Both<'a> {
    tree: nar::FileHash<'a>,
    hash: Sha256,
    kept: Vec<u8>,
    keep: usize,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tree.write_all(bytes)?;
        self.hash.update(bytes);
        let room = self.keep.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The hash that go.sum has of a module's files (`Hash1` of golang.org/x/mod/sumdb/dirhash), from each file's name in the zip and its SHA-256.
fn module_sum(mut lines: Vec<(String, [u8; 32])>) -> String {
    lines.sort();
    let mut hash = Sha256::new();
    for (name, file) in lines {
        hash.update(format!("{}  {name}\n", HEXLOWER.encode(&file)));
    }
    format!("h1:{}", BASE64.encode(&hash.finalize()))
}

#[cfg(test)]
mod tests;
