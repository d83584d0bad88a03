//! The packages of a lock with what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::lock::{LockedCrate, Reference};
use super::source::Source;
use super::tree::Tree;
use super::{Project, Release};
use crate::archive::{CrateFacts, CrateTexts};
use crate::catalog::{Catalog, CrateVersion, Request, tree_key};
use crate::error::ResolveError;

/// A package of the lock.
#[derive(Debug)]
pub(super) struct Known<'c> {
    /// Name and version; where several packages have both, with a part of the source's hash.
    pub(super) id: String,
    /// The lock's entry.
    pub(super) entry: &'c LockedCrate,
    /// What is known of it.
    pub(super) facts: &'c CrateFacts,
    /// Its texts, where they are known.
    pub(super) texts: Option<&'c CrateTexts>,
    /// Its folder within its tree.
    pub(super) folder: &'c str,
    /// Nix's hash of its tree, for one from a repository.
    pub(super) tree_hash: &'c str,
    /// Whether its manifest, as it stands in a repository, takes something from the workspace around it.
    pub(super) inherits: bool,
    /// Whether it belongs to what is resolved: the crate itself, or a member of the project's workspace.
    pub(super) is_member: bool,
}

impl Known<'_> {
    /// Name, version and source: what tells packages apart.
    pub(super) fn identity(&self) -> (String, String, String) {
        let LockedCrate { name, version, source, .. } = self.entry;
        (name.clone(), version.clone(), source.spelled().unwrap_or_default())
    }

    /// `name version`, for messages.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.entry.name, self.entry.version)
    }
}

/// What is asked for before a package of the lock is known: its archive, or the tree that it lies in.
pub(super) fn requests(release: &Release, locked: &[LockedCrate], catalog: &Catalog) -> Vec<Request> {
    let mut trees = BTreeSet::new();
    let mut requests = Vec::new();
    for entry in locked {
        match (&entry.source, crate_version(entry)) {
            (Source::Git { url, commit, .. }, _) => {
                let key = tree_key(url, commit);
                if !catalog.trees.contains_key(&key) && trees.insert(key) {
                    requests.push(Request::Tree { url: url.clone(), commit: commit.clone() });
                }
            }
            (source, Some(id)) if !catalog.crates.contains_key(&id.sha256) => {
                requests.push(Request::Crate(id, registry(source)));
            }
            _ => {}
        }
    }
    debug_assert!(release.project.is_some() || catalog.crates.contains_key(&release.root.sha256));
    requests
}

/// The index of another registry than the public one.
pub(super) fn registry(source: &Source) -> Option<String> {
    match source {
        Source::Registry { index } => Some(index.clone()),
        _ => None,
    }
}

/// The archive of an entry that has one.
pub(super) fn crate_version(entry: &LockedCrate) -> Option<CrateVersion> {
    let LockedCrate { name, version, sha256, .. } = entry;
    Some(CrateVersion { name: name.clone(), version: version.clone(), sha256: sha256.clone()? })
}

/// Everything in the lock, in its order, once all that [`requests`] named is in the catalog.
pub(super) fn gather<'c>(
    release: &'c Release,
    locked: &'c [LockedCrate],
    catalog: &'c Catalog,
) -> Result<Vec<Known<'c>>, ResolveError> {
    let own = own_tree(release, catalog)?;
    let members = own.map(|(project, tree)| tree.members(&project.workspace)).unwrap_or_default();
    let ids = ids(locked);
    let mut all = Vec::with_capacity(locked.len());
    for (entry, id) in locked.iter().zip(ids) {
        let label = format!("{} {}", entry.name, entry.version);
        let lacking = |place: &str| ResolveError::Lock {
            package: release.root.label(),
            reason: format!("it names {label}, which is not in {place}; let cargo make the lock anew"),
        };
        let in_tree = |tree: &'c Tree, place: &str| {
            let (folder, package) = tree.find(&entry.name, &entry.version).ok_or_else(|| lacking(place))?;
            let inherits = tree.manifests.get(folder).is_some_and(|text| text.contains("workspace"));
            Ok::<_, ResolveError>((folder, &package.facts, Some(&package.texts), tree.hash.as_str(), inherits))
        };
        let (folder, facts, texts, tree_hash, inherits) = match (&entry.source, own) {
            (Source::Tree, Some((_, tree))) => in_tree(tree, "the project")?,
            (Source::Git { url, commit, .. }, _) => {
                let tree = catalog.trees.get(&tree_key(url, commit)).ok_or_else(|| lacking("what was fetched"))?;
                in_tree(tree, &format!("{url} at {commit}"))?
            }
            (source, _) => {
                let sha256 = match (source, &entry.sha256) {
                    (Source::Tree, _) if entry.name == release.root.name => &release.root.sha256,
                    (Source::Tree, _) => return Err(a_path(release, &label)),
                    (_, sha256) => sha256.as_ref().ok_or_else(|| lacking("any registry"))?,
                };
                let facts = catalog.crates.get(sha256).ok_or_else(|| lacking("what was fetched"))?;
                ("", facts, catalog.texts.get(sha256), "", false)
            }
        };
        let is_member = entry.source == Source::Tree && (own.is_none() || members.contains(folder));
        all.push(Known { id, entry, facts, texts, folder, tree_hash, inherits, is_member });
    }
    Ok(all)
}

fn a_path(release: &Release, label: &str) -> ResolveError {
    ResolveError::UnsupportedSource {
        package: release.root.label(),
        dependency: label.to_owned(),
        source_url: "a path".to_owned(),
    }
}

/// The project that is resolved and its tree; nothing for a crate.
pub(super) fn own_tree<'c>(
    release: &'c Release,
    catalog: &'c Catalog,
) -> Result<Option<(&'c Project, &'c Tree)>, ResolveError> {
    let Some(project) = &release.project else { return Ok(None) };
    let tree = catalog.trees.get(&project.tree).ok_or_else(|| ResolveError::Manifest {
        package: release.root.label(),
        reason: "the project has not been read; this is a bug".to_owned(),
    })?;
    Ok(Some((project, tree)))
}

/// Readable ids, in the lock's order.
fn ids(locked: &[LockedCrate]) -> Vec<String> {
    let mut count: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for entry in locked {
        *count.entry((&entry.name, &entry.version)).or_default() += 1;
    }
    let id = |entry: &LockedCrate| {
        let LockedCrate { name, version, source, .. } = entry;
        let is_alone = count.get(&(name.as_str(), version.as_str())) == Some(&1);
        match source.spelled() {
            Some(spelled) if !is_alone && !source.is_crates_io() => {
                let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(spelled.as_bytes()));
                format!("{name}-{version}-{}", hash.get(..8).unwrap_or_default())
            }
            _ => format!("{name}-{version}"),
        }
    };
    locked.iter().map(id).collect()
}

/// For each entry the indices of those that it names; `None` where a reference is none, or could be several.
pub(super) fn edges(locked: &[LockedCrate]) -> Vec<Option<Vec<usize>>> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, entry) in locked.iter().enumerate() {
        by_name.entry(&entry.name).or_default().push(index);
    }
    let find = |reference: &Reference| {
        let is_meant = |index: &&usize| {
            let entry = &locked[**index];
            let version = reference.version.as_ref().is_none_or(|version| *version == entry.version);
            version && reference.source.as_ref().is_none_or(|source| is_spelled(&entry.source, source))
        };
        let mut meant = by_name.get(reference.name.as_str())?.iter().filter(is_meant);
        let first = meant.next()?;
        meant.next().is_none().then_some(*first)
    };
    locked.iter().map(|entry| entry.dependencies.iter().map(find).collect()).collect()
}

/// A reference spells a repository without its commit.
fn is_spelled(source: &Source, reference: &str) -> bool {
    source.spelled().is_some_and(|spelled| spelled == reference || spelled.split('#').next() == Some(reference))
}
