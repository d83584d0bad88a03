//! The first hash that was seen of every release: a later one that differs is refused.
//!
//! A registry never replaces what was published under a version. One that does was broken into, or is not the one that it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{NpmError, name};
use crate::clients::files::{self, FileError};
use crate::clients::integrity::Integrity;

/// The pins of one package; versions and what was first seen of them, as JSON.
fn file(cache: &Path, package: &str) -> PathBuf {
    name::folder(&cache.join("pins"), &format!("{package}.json"))
}

/// Compares what the registry says of releases of one package with what it said first, and keeps what is new.
pub(super) fn compare(cache: &Path, package: &str, releases: &[(&str, &str)]) -> Result<(), NpmError> {
    let path = file(cache, package);
    let mut known: BTreeMap<String, String> = read(&path)?;
    let mut changed = false;
    for (version, integrity) in releases {
        let now: Integrity = integrity
            .parse()
            .map_err(|source| NpmError::Integrity { url: format!("of {package} {version}"), source })?;
        let first = known.get(*version).and_then(|first| first.parse::<Integrity>().ok());
        match first {
            // One of a weaker function says nothing of the file that was seen.
            Some(first) if first.algorithm() >= now.algorithm() && !first.agrees(&now) => {
                return Err(NpmError::Replaced {
                    package: package.to_owned(),
                    version: (*version).to_owned(),
                    first: first.to_string(),
                    now: now.to_string(),
                });
            }
            Some(first) if first.algorithm() == now.algorithm() => {}
            // Nothing, or a weaker one: the stronger one counts from now on.
            _ => {
                known.insert((*version).to_owned(), now.to_string());
                changed = true;
            }
        }
    }
    if changed {
        // A map of texts always becomes JSON.
        files::write(&path, &serde_json::to_vec(&known).unwrap_or_default())?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, FileError> {
    let Some(text) = files::read_optional(path)? else { return Ok(BTreeMap::new()) };
    serde_json::from_slice(&text).map_err(|error| FileError::new("understand", path, error.into()))
}

#[cfg(test)]
mod tests {
    use super::compare;

    const ONE: &str = "sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g=";
    const OTHER: &str = "sha1-AAAAN/qlp/zhXR3cuerq6jd2Z7g=";
    const STRONG: &str = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    #[test]
    fn what_was_seen_first_counts() {
        let folder = tempfile::tempdir().unwrap();
        let compare = |releases: &[(&str, &str)]| compare(folder.path(), "@a/b", releases);
        compare(&[("1.0.0", ONE), ("1.1.0", OTHER)]).unwrap();
        compare(&[("1.0.0", ONE), ("1.2.0", ONE)]).unwrap();
        insta::assert_snapshot!(compare(&[("1.2.0", OTHER)]).unwrap_err(), @"@a/b 1.2.0 was sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g= when it was first seen, and is sha1-AAAAN/qlp/zhXR3cuerq6jd2Z7g= now: a published version never changes, so it is refused; ask upstream and the registry what happened");
        compare(&[("1.2.0", STRONG)]).unwrap();
        assert!(compare(&[("1.2.0", ONE)]).is_err());
        assert!(compare(&[("1.3.0", "nonsense")]).is_err());
    }

    #[test]
    fn pins_that_cannot_be_read_are_no_reason_to_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        crate::clients::files::write(&folder.path().join("pins/a.json"), b"{").unwrap();
        assert!(compare(folder.path(), "a", &[("1.0.0", ONE)]).is_err());
    }
}
