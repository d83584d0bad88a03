//! `Cargo.lock`, versions 1 to 4: which packages, from where, with which checksums.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::source::Source;
use crate::error::ResolveError;

/// An entry of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LockedCrate {
    /// The package's name.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Where it comes from.
    pub(super) source: Source,
    /// The SHA-256 of its archive, where it has one, in lower-case hexadecimal.
    pub(super) sha256: Option<String>,
    /// The entries that it needs.
    pub(super) dependencies: Vec<Reference>,
}

/// How an entry names another: by no more than is needed to tell it from the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The name.
    pub(super) name: String,
    /// The version, where several entries have the name.
    pub(super) version: Option<String>,
    /// The source as it is spelled, where several have name and version, and always in old locks.
    pub(super) source: Option<String>,
}

#[derive(Default, Deserialize)]
struct LockFile {
    version: Option<u32>,
    #[serde(default)]
    package: Vec<Entry>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Reference {
    /// `name`, `name version` or `name version (source)`.
    fn parse(text: &str) -> Self {
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let version = words.next();
        let source = words.next().map(|source| source.trim_matches(['(', ')']).to_owned());
        Self { name, version, source }
    }
}

/// The entries of a lock, in its order; `label` is whose it is, for messages.
///
/// # Errors
/// When the lock is of an unknown version, a source is of an unknown kind, or a registry's entry has no checksum.
pub(super) fn read(label: &str, text: &str) -> Result<Vec<LockedCrate>, ResolveError> {
    let invalid = |reason: String| ResolveError::Lock { package: label.to_owned(), reason };
    let lock = match as_cargo_writes(text) {
        Some(lock) => lock,
        None => toml::from_str(text).map_err(|error| invalid(error.to_string()))?,
    };
    // A lock without a `version` is of version 1 or 2.
    let version = lock.version.unwrap_or(1);
    if !(1..=4).contains(&version) {
        return Err(invalid(format!("version {version} is newer than the 4 that we read; update nixwright")));
    }
    let read = |entry: Entry| {
        let Entry { name, version, source, checksum, dependencies } = entry;
        let place = match &source {
            None => Source::Tree,
            Some(source) => Source::parse(source).ok_or_else(|| ResolveError::UnsupportedSource {
                package: label.to_owned(),
                dependency: format!("{name} {version}"),
                source_url: source.clone(),
            })?,
        };
        let old = || lock.metadata.get(&format!("checksum {name} {version} ({})", source.as_deref()?)).cloned();
        let sha256 = checksum.or_else(old).filter(|sum| is_sha256(sum));
        if sha256.is_none() && matches!(place, Source::CratesIo | Source::Registry { .. }) {
            return Err(invalid(format!("{name} {version} has no SHA-256 checksum")));
        }
        let dependencies = dependencies.iter().map(|text| Reference::parse(text)).collect();
        Ok(LockedCrate { name, version, source: place, sha256, dependencies })
    };
    lock.package.into_iter().map(read).collect()
}

fn is_sha256(sum: &str) -> bool {
    sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Locks are written by cargo, a line for each thing; reading just that takes a tenth of the time that TOML takes. Anything
/// else is `None`.
fn as_cargo_writes(text: &str) -> Option<LockFile> {
    let mut lock = LockFile::default();
    let mut in_list = false;
    for line in text.lines() {
        if in_list {
            if line == "]" {
                in_list = false;
            } else {
                let item = quoted(line.strip_prefix(' ')?.strip_suffix(',')?)?;
                lock.package.last_mut()?.dependencies.push(item);
            }
        } else if line == "[[package]]" {
            lock.package.push(Entry::default());
        } else if line == "dependencies = [" {
            in_list = true;
        } else if !line.is_empty() && !line.starts_with('#') {
            let (key, value) = line.split_once(" = ")?;
            match (lock.package.last_mut(), key) {
                (None, "version") => lock.version = Some(value.parse().ok()?),
                (Some(entry), "name") => entry.name = quoted(value)?,
                (Some(entry), "version") => entry.version = quoted(value)?,
                (Some(entry), "source") => entry.source = Some(quoted(value)?),
                (Some(entry), "checksum") => entry.checksum = Some(quoted(value)?),
                _ => return None,
            }
        }
    }
    let is_whole = |entry: &Entry| !entry.name.is_empty() && !entry.version.is_empty();
    (!in_list && lock.package.iter().all(is_whole)).then_some(lock)
}

/// A string of TOML without anything to unescape.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\'])).then(|| inner.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{as_cargo_writes, read};
    use crate::cargo::source::Source;

    const SUM: &str = "0123456789012345678901234567890123456789012345678901234567890123";
    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[test]
    fn reads_checksums_beside_the_entry_and_in_the_old_table() {
        let new = format!(
            "version = 4\n\n[[package]]\nname = \"root\"\nversion = \"1.0.0\"\ndependencies = [\n \"a\",\n]\n\n\
             [[package]]\nname = \"a\"\nversion = \"0.1.0\"\nsource = \"{CRATES_IO}\"\nchecksum = \"{SUM}\"\n"
        );
        let old = format!(
            "[[package]]\nname = \"root\"\nversion = \"1.0.0\"\ndependencies = [\"a 0.1.0 ({CRATES_IO})\"]\n\
             [[package]]\nname = \"a\"\nversion = \"0.1.0\"\nsource = \"{CRATES_IO}\"\n\
             [metadata]\n\"checksum a 0.1.0 ({CRATES_IO})\" = \"{SUM}\"\n"
        );
        assert!(as_cargo_writes(&new).is_some());
        assert!(as_cargo_writes(&old).is_none());
        for text in [new, old] {
            let [root, a] = read("root 1.0.0", &text).unwrap().try_into().unwrap();
            assert_eq!((root.source, a.source), (Source::Tree, Source::CratesIo));
            assert_eq!(a.sha256.as_deref(), Some(SUM));
            assert_eq!(root.dependencies[0].name, "a");
        }
    }

    #[test]
    fn names_what_cannot_be_read() {
        let entry = |rest: &str| format!("[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n{rest}");
        for (text, expected) in [
            ("version = 5".to_owned(), "version 5 is newer"),
            (entry("source = \"git+https://x.example/a#main\""), "a 0.1.0 from git+https://x.example/a#main"),
            (entry(&format!("source = \"{CRATES_IO}\"")), "no SHA-256 checksum"),
            ("[[package".to_owned(), "Cargo.lock of root 1.0.0"),
        ] {
            let message = read("root 1.0.0", &text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
