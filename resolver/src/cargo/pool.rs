//! The overlay lock: versions of crates that several programs share.
//!
//! Of each crate and each range of compatible versions the pool has the highest version that some program's own lock has, so
//! nothing is in it that no upstream has tried. A program takes of it what its requirements allow; cargo says what that is.

use std::collections::BTreeMap;

use semver::{Comparator, Op, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Release;
use super::folder::{Folder, add_pool, root_folder};
use super::lock::{self, LockedCrate};
use super::source::Source;
use crate::catalog::{Catalog, CrateVersion};
use crate::error::ResolveError;
use crate::plan::cargo::CargoGraph;

/// Crates of the public registry, by name and version, each with the SHA-256 of its archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pool {
    crates: BTreeMap<String, BTreeMap<Version, String>>,
}

impl Pool {
    /// The pool of some locks; `label` says whose each is. Locks with packages from elsewhere give those of the public registry,
    /// and of these only what is `wanted`.
    ///
    /// # Errors
    /// When a lock cannot be read.
    pub fn of_locks<'l>(
        locks: impl IntoIterator<Item = (&'l str, &'l str)>,
        wanted: impl Fn(&CrateVersion) -> bool,
    ) -> Result<Self, ResolveError> {
        let mut pool = Self::default();
        for (label, text) in locks {
            pool.extend(lock::read(label, text)?);
        }
        let unwanted: Vec<CrateVersion> = pool.crates().filter(|id| !wanted(id)).collect();
        for CrateVersion { name, version, .. } in unwanted {
            if let Some(versions) = pool.crates.get_mut(&name) {
                versions.retain(|other, _| other.to_string() != version);
            }
        }
        pool.keep_highest();
        Ok(pool)
    }

    /// All versions of this pool, and those of a lock.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn with_lock(&self, label: &str, text: &str) -> Result<Self, ResolveError> {
        let mut pool = self.clone();
        pool.extend(lock::read(label, text)?);
        Ok(pool)
    }

    /// This pool with what a lock has of crates and ranges that are not in it.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn completed(&self, label: &str, text: &str) -> Result<Self, ResolveError> {
        let mut pool = self.clone();
        for LockedCrate { name, version, source, sha256, .. } in lock::read(label, text)? {
            let (Source::CratesIo, Some(sha256), Ok(version)) = (source, sha256, Version::parse(&version)) else {
                continue;
            };
            let known = pool.crates.entry(name).or_default();
            if !known.keys().any(|other| is_compatible(other, &version)) {
                known.insert(version, sha256);
            }
        }
        Ok(pool)
    }

    /// Its crates.
    pub fn crates(&self) -> impl Iterator<Item = CrateVersion> {
        self.crates.iter().flat_map(|(name, versions)| {
            versions.iter().map(|(version, sha256)| CrateVersion {
                name: name.clone(),
                version: version.to_string(),
                sha256: sha256.clone(),
            })
        })
    }

    fn extend(&mut self, locked: Vec<LockedCrate>) {
        for LockedCrate { name, version, source, sha256, .. } in locked {
            if let (Source::CratesIo, Some(sha256), Ok(version)) = (source, sha256, Version::parse(&version)) {
                self.crates.entry(name).or_default().insert(version, sha256);
            }
        }
    }

    fn keep_highest(&mut self) {
        for versions in self.crates.values_mut() {
            let all: Vec<Version> = versions.keys().cloned().collect();
            versions.retain(|version, _| !all.iter().any(|other| other > version && is_compatible(version, other)));
        }
        self.crates.retain(|_, versions| !versions.is_empty());
    }
}

/// Whether a requirement that one of them meets as cargo writes it is met by the other too: cargo's caret rule, by which a
/// prerelease stands alone. <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html#default-requirements>
fn is_compatible(a: &Version, b: &Version) -> bool {
    if !a.pre.is_empty() || !b.pre.is_empty() {
        return a == b;
    }
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let pre = semver::Prerelease::EMPTY;
    Comparator { op: Op::Caret, major: low.major, minor: Some(low.minor), patch: Some(low.patch), pre }.matches(high)
}

/// What a lock has of the public registry.
///
/// # Errors
/// When the lock cannot be read.
pub fn locked_crates(label: &str, text: &str) -> Result<Vec<CrateVersion>, ResolveError> {
    let of_registry = |LockedCrate { name, version, source, sha256, .. }: LockedCrate| {
        let sha256 = sha256.filter(|_| source == Source::CratesIo)?;
        Some(CrateVersion { name, version, sha256 })
    };
    Ok(lock::read(label, text)?.into_iter().filter_map(of_registry).collect())
}

/// What of a lock comes from elsewhere than the public registry, the program itself left out: the first such entry.
///
/// # Errors
/// When the lock cannot be read.
pub fn from_elsewhere(label: &str, text: &str) -> Result<Option<String>, ResolveError> {
    let is_elsewhere = |entry: &LockedCrate| matches!(entry.source, Source::Git { .. } | Source::Registry { .. });
    let found = lock::read(label, text)?.into_iter().find(is_elsewhere);
    Ok(found.map(|entry| format!("{} {}", entry.name, entry.version)))
}

/// The folder in which cargo makes a lock for a release out of a pool, offline: the release's manifests without a lock, and every crate of
/// the pool in a folder that stands for the registry.
///
/// # Errors
/// When a manifest is none, or something has not been read.
pub fn pool_folder(release: &Release, catalog: &Catalog, pool: &Pool) -> Result<Folder, ResolveError> {
    let mut folder = root_folder(release, catalog)?;
    add_pool(&mut folder, catalog, pool.crates())?;
    Ok(folder)
}

/// What is compiled of some graphs for a system, as far as programs could share it: each unit once, whatever graph it is of.
pub fn distinct_units<'g>(graphs: impl IntoIterator<Item = &'g CargoGraph>, system: &str) -> usize {
    let mut all = std::collections::BTreeSet::new();
    for graph in graphs {
        let mut known = BTreeMap::new();
        let units = graph.units.get(system);
        all.extend(units.into_iter().flatten().map(|(id, _)| identity(graph, system, id, &mut known)));
    }
    all.len()
}

/// What a unit is, with all that it is made of. A graph of units has no circle.
fn identity<'g>(graph: &'g CargoGraph, system: &str, id: &'g str, known: &mut BTreeMap<&'g str, String>) -> String {
    if let Some(identity) = known.get(id) {
        return identity.clone();
    }
    let Some(unit) = graph.units.get(system).and_then(|units| units.get(id)) else { return id.to_owned() };
    let package = graph.packages.get(&unit.package);
    let source = package.map(|package| (&package.name, &package.version, &package.sha256, &package.env));
    let runs = unit.run.iter().chain(&unit.link_runs);
    let edges = unit.dependencies.iter().map(|dependency| (dependency.extern_name.as_str(), dependency.unit.as_str()));
    let made_of: Vec<(&str, String)> = edges
        .chain(runs.map(|run| ("", run.as_str())))
        .map(|(name, other)| (name, identity(graph, system, other, known)))
        .collect();
    let what = (unit.kind, unit.side, &unit.crate_name, &unit.crate_types, &unit.features, &unit.binaries);
    let text = format!("{source:?} {what:?} {made_of:?}");
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    known.insert(id, digest.clone());
    digest
}

#[cfg(test)]
mod tests {
    use super::{Pool, from_elsewhere, is_compatible};

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn lock(entries: &[(&str, &str, &str)]) -> String {
        let row = |(name, version, source): &(&str, &str, &str)| {
            let sum = format!("{:064}", version.len());
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\nchecksum = \"{sum}\"\n\n"
            )
        };
        "version = 4\n\n".to_owned() + &entries.iter().map(row).collect::<String>()
    }

    fn crates(pool: &Pool) -> String {
        pool.crates().map(|id| id.label()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn of_each_range_the_highest_version_is_in_the_pool() {
        let first = lock(&[("a", "1.0.0", CRATES_IO), ("a", "0.3.1", CRATES_IO), ("b", "2.0.0-rc.1", CRATES_IO)]);
        let second = lock(&[
            ("a", "1.4.0", CRATES_IO),
            ("a", "0.3.0", CRATES_IO),
            ("a", "0.2.9", CRATES_IO),
            ("b", "2.0.0", CRATES_IO),
        ]);
        let locks = [("one 1.0.0", first.as_str()), ("two 1.0.0", second.as_str())];
        let pool = Pool::of_locks(locks, |_| true).unwrap();
        assert_eq!(crates(&pool), "a 0.2.9, a 0.3.1, a 1.4.0, b 2.0.0-rc.1, b 2.0.0");
        let without = Pool::of_locks(locks, |id| !["a 1.4.0", "b 2.0.0"].contains(&id.label().as_str())).unwrap();
        assert_eq!(crates(&without), "a 0.2.9, a 0.3.1, a 1.0.0, b 2.0.0-rc.1");
        let own = lock(&[("a", "1.5.0", CRATES_IO), ("a", "0.1.0", CRATES_IO), ("c", "1.0.0", CRATES_IO)]);
        let completed = pool.completed("three 1.0.0", &own).unwrap();
        assert_eq!(crates(&completed), "a 0.1.0, a 0.2.9, a 0.3.1, a 1.4.0, b 2.0.0-rc.1, b 2.0.0, c 1.0.0");
        let with_all = pool.with_lock("three 1.0.0", &own).unwrap();
        assert!(crates(&with_all).contains("a 1.4.0, a 1.5.0, "), "{}", crates(&with_all));
        let text = serde_json::to_string(&pool).unwrap();
        assert_eq!(serde_json::from_str::<Pool>(&text).unwrap(), pool);
    }

    #[test]
    fn the_caret_rule_says_what_is_compatible() {
        for (a, b, expected) in [
            ("1.0.0", "1.9.9", true),
            ("1.9.9", "1.0.0", true),
            ("1.0.0", "2.0.0", false),
            ("0.1.0", "0.1.9", true),
            ("0.1.0", "0.2.0", false),
            ("0.0.1", "0.0.2", false),
            ("1.0.0-a", "1.0.0", false),
            ("1.0.0-a", "1.0.0-a", true),
        ] {
            assert_eq!(is_compatible(&a.parse().unwrap(), &b.parse().unwrap()), expected, "{a} {b}");
        }
    }

    #[test]
    fn what_is_from_elsewhere_is_named() {
        let other = "git+https://forge.example/b?rev=1#0123456789012345678901234567890123456789";
        let text = lock(&[("a", "1.0.0", CRATES_IO), ("b", "1.0.0", other)]);
        assert_eq!(from_elsewhere("x 1.0.0", &text).unwrap().as_deref(), Some("b 1.0.0"));
        assert_eq!(from_elsewhere("x 1.0.0", &lock(&[("a", "1.0.0", CRATES_IO)])).unwrap(), None);
    }
}
