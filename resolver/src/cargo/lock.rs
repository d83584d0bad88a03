//! `Cargo.lock`, versions 1 to 4: which crates, with which checksums.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::CrateVersion;
use crate::error::ResolveError;

/// A registry crate of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedCrate {
    /// Name, version, checksum.
    pub id: CrateVersion,
    /// The names of the entries that it needs, with the version where the name alone is not enough.
    pub dependencies: Vec<(String, Option<String>)>,
}

#[derive(Deserialize)]
struct LockFile {
    #[serde(default = "oldest_version")]
    version: u32,
    #[serde(default)]
    package: Vec<Entry>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// A lock without a `version` is of version 1 or 2.
fn oldest_version() -> u32 {
    1
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The registry that every lock calls by this name, whatever mirror it was made with: cargo's own constant.
pub(super) const CRATES_IO: &str = guppy::graph::ExternalSource::CRATES_IO_URL;

/// The crates that a lock names beside the root, in the lock's order.
///
/// # Errors
/// When the lock is of an unknown version, an entry is not from the registry, or one has no checksum.
pub fn locked_crates(root: &CrateVersion, text: &str) -> Result<Vec<LockedCrate>, ResolveError> {
    read(root, text).map(|lock| lock.crates)
}

/// A lock, taken apart.
#[derive(Debug)]
pub(super) struct Lock {
    /// Everything beside the root.
    pub(super) crates: Vec<LockedCrate>,
    /// What the root needs, as in [`LockedCrate::dependencies`].
    pub(super) root: Vec<(String, Option<String>)>,
}

/// `name`, `name version` or `name version (source)`.
fn reference(text: &str) -> (String, Option<String>) {
    let mut words = text.split(' ');
    (words.next().unwrap_or_default().to_owned(), words.next().map(str::to_owned))
}

/// As [`locked_crates`], with the root's own entry.
pub(super) fn read(root: &CrateVersion, text: &str) -> Result<Lock, ResolveError> {
    let invalid = |reason: String| ResolveError::Lock { package: root.label(), reason };
    let lock: LockFile = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if !(1..=4).contains(&lock.version) {
        return Err(invalid(format!("version {} is newer than the 4 that we read; update nixwright", lock.version)));
    }
    let (mut crates, mut needs) = (Vec::new(), Vec::new());
    for entry in lock.package {
        let Some(source) = entry.source else {
            if entry.name == root.name {
                needs = entry.dependencies.iter().map(|text| reference(text)).collect();
                continue;
            }
            return Err(unsupported(root, &entry.name, &entry.version, "a path"));
        };
        if !is_crates_io(&source) {
            return Err(unsupported(root, &entry.name, &entry.version, &source));
        }
        let old_key = format!("checksum {} {} ({source})", entry.name, entry.version);
        let sha256 = entry
            .checksum
            .or_else(|| lock.metadata.get(&old_key).cloned())
            .filter(|sum| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
            .ok_or_else(|| invalid(format!("{} {} has no SHA-256 checksum", entry.name, entry.version)))?;
        let id = CrateVersion { name: entry.name, version: entry.version, sha256 };
        crates.push(LockedCrate { id, dependencies: entry.dependencies.iter().map(|text| reference(text)).collect() });
    }
    Ok(Lock { crates, root: needs })
}

fn unsupported(root: &CrateVersion, name: &str, version: &str, source: &str) -> ResolveError {
    ResolveError::UnsupportedSource {
        package: root.label(),
        dependency: format!("{name} {version}"),
        source_url: source.to_owned(),
    }
}

/// Locks name the public registry by its git index, and since cargo 1.68 now and then by its sparse one.
fn is_crates_io(source: &str) -> bool {
    source == format!("registry+{CRATES_IO}") || source == CRATES_IO
}

#[cfg(test)]
mod tests {
    use super::{CrateVersion, locked_crates};

    const SUM: &str = "0123456789012345678901234567890123456789012345678901234567890123";

    fn root() -> CrateVersion {
        CrateVersion { name: "root".to_owned(), version: "1.0.0".to_owned(), sha256: SUM.to_owned() }
    }

    #[test]
    fn reads_checksums_beside_the_entry_and_in_the_old_table() {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        let new = format!(
            "version = 4\n[[package]]\nname = \"root\"\nversion = \"1.0.0\"\n\
             [[package]]\nname = \"a\"\nversion = \"0.1.0\"\nsource = \"{source}\"\nchecksum = \"{SUM}\"\n"
        );
        let old = format!(
            "[[package]]\nname = \"a\"\nversion = \"0.1.0\"\nsource = \"{source}\"\n\
             [metadata]\n\"checksum a 0.1.0 ({source})\" = \"{SUM}\"\n"
        );
        for text in [new, old] {
            let crates = locked_crates(&root(), &text).unwrap();
            assert_eq!(crates.len(), 1);
            assert_eq!(crates[0].id.sha256, SUM);
        }
    }

    #[test]
    fn names_what_cannot_be_read() {
        let entry = |rest: &str| format!("[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n{rest}");
        for (text, expected) in [
            ("version = 5".to_owned(), "version 5 is newer"),
            (entry("source = \"git+https://x.example/a#0\""), "a 0.1.0 from git+https://x.example/a#0"),
            (entry(""), "a 0.1.0 from a path"),
            (entry("source = \"registry+https://github.com/rust-lang/crates.io-index\""), "no SHA-256 checksum"),
            ("[[package".to_owned(), "Cargo.lock of root 1.0.0"),
        ] {
            let message = locked_crates(&root(), &text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
