//! Reading a `.crate` archive: one pass, in memory, within limits, never unpacked.
//!
//! Archives are hostile. Only what resolution needs is kept; every entry's path and kind is checked all the same,
//! because the build unpacks what was let through here.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use tar::EntryType;

use crate::cargo::package_facts::PackageFacts;

/// How much an archive may ask of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the compressed file.
    pub compressed: u64,
    /// Bytes after decompression, headers included.
    pub unpacked: u64,
    /// Number of entries.
    pub entries: u64,
}

impl Default for Limits {
    /// The registry itself refuses crates above 10 MiB unless asked; the largest of real graphs unpack to some 100 MiB.
    fn default() -> Self {
        Self { compressed: 64 << 20, unpacked: 512 << 20, entries: 20_000 }
    }
}

/// A manifest, a lock or one source file larger than this is not read.
const TEXT_LIMIT: u64 = 16 << 20;

/// What one pass over a crate's archive teaches about the graph: all that a resolution needs of a dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateFacts {
    /// What the manifest says, where its rules leave no doubt.
    pub package: Option<PackageFacts>,
    /// The `X` of every `CARGO_PKG_X` that some Rust file names, beyond the name and version ones.
    pub env_names: BTreeSet<String>,
}

/// The texts of a crate that decide the graph: of a root they are always needed, of a dependency only where cargo is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateTexts {
    /// `Cargo.toml`, as published.
    pub manifest: String,
    /// `Cargo.lock`, if it is shipped.
    pub lock: Option<String>,
    /// The Rust files that cargo would discover as targets: `src/lib.rs`, `src/main.rs`, `build.rs`, `src/bin/…`.
    pub target_files: BTreeSet<String>,
}

/// What the readers say, without the bytes of the archive that some of their messages quote.
pub(crate) fn printable(error: &io::Error) -> String {
    let plain = |character: &char| !character.is_control() && *character != char::REPLACEMENT_CHARACTER;
    error.to_string().chars().filter(plain).take(120).collect()
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not gzip, not tar, or cut off.
    #[error("not a readable .crate archive: {}", printable(.0))]
    Unreadable(#[source] io::Error),
    /// A path that is absolute, has `..`, or lies outside the crate's folder.
    #[error("entry {0:?} lies outside the crate's own folder")]
    Escape(String),
    /// A link or a device.
    #[error("entry {path:?} is a {kind}; a crate holds only files and folders")]
    Kind {
        /// The entry's path.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// One of [`Limits`].
    #[error("larger than allowed: {what} above {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// `Cargo.toml` is missing.
    #[error("there is no Cargo.toml in it")]
    NoManifest,
    /// A manifest or lock that is not UTF-8.
    #[error("{0} is not UTF-8")]
    Encoding(&'static str),
}

/// Reads the `.crate` archive of `name` `version`.
///
/// # Errors
/// [`ArchiveError`], for anything that `cargo package` would not have written.
pub fn read_crate(
    archive: impl Read,
    name: &str,
    version: &str,
    limits: Limits,
) -> Result<(CrateFacts, CrateTexts), ArchiveError> {
    let unpacked = Bounded::new(GzDecoder::new(archive), limits.unpacked);
    let mut tar = tar::Archive::new(unpacked);
    let folder = format!("{name}-{version}");
    let mut reader = Reader::default();
    let outcome = reader.entries(&mut tar, &folder, limits);
    if tar.into_inner().exceeded() {
        return Err(ArchiveError::TooLarge { what: "unpacked bytes", limit: limits.unpacked });
    }
    outcome?;
    let manifest = reader.manifest.ok_or(ArchiveError::NoManifest)?;
    let package = PackageFacts::read(&manifest, &reader.target_files);
    let facts = CrateFacts { package, env_names: reader.env_names };
    Ok((facts, CrateTexts { manifest, lock: reader.lock, target_files: reader.target_files }))
}

#[derive(Default)]
struct Reader {
    manifest: Option<String>,
    lock: Option<String>,
    target_files: BTreeSet<String>,
    env_names: BTreeSet<String>,
}

impl Reader {
    fn entries<R: Read>(
        &mut self,
        tar: &mut tar::Archive<R>,
        folder: &str,
        limits: Limits,
    ) -> Result<(), ArchiveError> {
        let entries = tar.entries().map_err(ArchiveError::Unreadable)?;
        for (index, entry) in (0_u64..).zip(entries) {
            if index >= limits.entries {
                return Err(ArchiveError::TooLarge { what: "entries", limit: limits.entries });
            }
            self.entry(entry.map_err(ArchiveError::Unreadable)?, folder)?;
        }
        Ok(())
    }

    fn entry<R: Read>(&mut self, mut entry: tar::Entry<'_, R>, folder: &str) -> Result<(), ArchiveError> {
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => None,
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => {
                check_path(&entry.path().map_err(ArchiveError::Unreadable)?, folder, &shown)?;
                return Ok(());
            }
            EntryType::Symlink => Some("symbolic link"),
            EntryType::Link => Some("hard link"),
            _ => Some("special file"),
        };
        if let Some(kind) = kind {
            return Err(ArchiveError::Kind { path: shown, kind });
        }
        let path = check_path(&entry.path().map_err(ArchiveError::Unreadable)?, folder, &shown)?;
        match path.as_str() {
            "Cargo.toml" => self.manifest = Some(text(&mut entry, "Cargo.toml")?),
            "Cargo.lock" => self.lock = Some(text(&mut entry, "Cargo.lock")?),
            _ if is_rust(&path) => {
                if is_discovered_target(&path) {
                    self.target_files.insert(path);
                }
                let mut source = Vec::new();
                entry.take(TEXT_LIMIT).read_to_end(&mut source).map_err(ArchiveError::Unreadable)?;
                note_env_names(&source, &mut self.env_names);
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The entry's path below the crate's folder, `/` between its parts.
fn check_path(path: &Path, folder: &str, shown: &str) -> Result<String, ArchiveError> {
    let escape = || ArchiveError::Escape(shown.to_owned());
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str().ok_or_else(escape)?),
            Component::CurDir => {}
            _ => return Err(escape()),
        }
    }
    match parts.split_first() {
        Some((first, rest)) if *first == folder => Ok(rest.join("/")),
        _ => Err(escape()),
    }
}

fn text(entry: &mut impl Read, name: &'static str) -> Result<String, ArchiveError> {
    let mut bytes = Vec::new();
    entry.take(TEXT_LIMIT + 1).read_to_end(&mut bytes).map_err(ArchiveError::Unreadable)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(ArchiveError::TooLarge { what: name, limit: TEXT_LIMIT });
    }
    String::from_utf8(bytes).map_err(|_| ArchiveError::Encoding(name))
}

/// Cargo's rules for finding targets that a manifest does not name
/// (the Cargo book, "Package layout").
pub(crate) fn is_discovered_target(path: &str) -> bool {
    match path {
        "build.rs" | "src/lib.rs" | "src/main.rs" => true,
        _ => path.strip_prefix("src/bin/").is_some_and(|rest| match rest.split_once('/') {
            None => true,
            Some((_, file)) => file == "main.rs",
        }),
    }
}

/// Collects `X` of each `CARGO_PKG_X`. Name and version are always set by the builders, so they are not worth a row.
pub(crate) fn note_env_names(source: &[u8], names: &mut BTreeSet<String>) {
    const PREFIX: &[u8] = b"CARGO_PKG_";
    for start in memchr::memmem::find_iter(source, PREFIX) {
        let rest = source.get(start + PREFIX.len()..).unwrap_or_default();
        let end = rest.iter().position(|b| !b.is_ascii_uppercase() && *b != b'_').unwrap_or(rest.len());
        let name = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        if !name.is_empty() && name != "NAME" && !name.starts_with("VERSION") {
            names.insert(name);
        } else if name.is_empty() {
            // A name put together elsewhere could become any of them.
            names.insert("*".to_owned());
        }
    }
}

/// A reader that ends with an error once more than `left` bytes have come through.
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
    exceeded: bool,
}

impl<R> Bounded<R> {
    pub(crate) fn new(inner: R, left: u64) -> Self {
        Self { inner, left, exceeded: false }
    }

    /// Whether more came than was allowed.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(left) = self.left.checked_sub(count as u64) {
            self.left = left;
        } else {
            self.exceeded = true;
            return Err(io::Error::other("larger than allowed"));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
