//! `cargo metadata`, put together from facts instead of asked for.
//!
//! Cargo takes hundreds of milliseconds to read manifests whose content never changes. What it would say follows from
//! the lock and from [`PackageFacts`]: each entry of the lock is a node, and an edge of it stands for all dependencies of
//! the manifest with that name whose requirement the locked version meets. Found equal to cargo on every program tried;
//! where something is not certain, there is no answer and cargo is asked.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde_json::{Value, json};

use super::lock::{CRATES_IO, LockedCrate};
use super::package_facts::{DependencyFacts, PackageFacts, TargetFacts};
use super::targets::{Expressions, flag};
use crate::archive::CrateFacts;
use crate::catalog::{Catalog, CrateVersion};

/// The folders of the packages: nothing is there, but paths have to be told apart.
const ROOT: &str = "/root";
const VENDOR: &str = "/vendor";

struct Known<'c> {
    id: &'c CrateVersion,
    version: Version,
    facts: &'c PackageFacts,
    /// Indices of the packages that its entry in the lock names.
    locked: Vec<usize>,
}

/// The JSON of `cargo metadata --all-features` with target expressions as flags; `None` where cargo has to say it.
pub(super) fn metadata(
    root: &CrateVersion,
    root_facts: &CrateFacts,
    root_dependencies: &[(String, Option<String>)],
    locked: &[LockedCrate],
    catalog: &Catalog,
) -> Option<(String, Expressions)> {
    let known = known(root, root_facts, root_dependencies, locked, catalog)?;
    known[0].facts.binaries.as_ref()?;
    if !is_fresh(&known) {
        return None;
    }
    let reached = reached(&known);
    let mut expressions = Expressions::new();
    let packages: Vec<Value> =
        reached.iter().map(|index| package(&known[*index], *index == 0, &mut expressions)).collect();
    let nodes: Vec<Value> =
        reached.iter().map(|index| node(&known, *index, &mut expressions)).collect::<Option<_>>()?;
    let root = package_id(&known[0], true);
    let metadata = json!({
        "packages": packages,
        "workspace_members": [root],
        "workspace_default_members": [root],
        "resolve": { "nodes": nodes, "root": root },
        "target_directory": format!("{ROOT}/target"),
        "version": 1,
        "workspace_root": ROOT,
        "metadata": null,
    });
    Some((metadata.to_string(), expressions))
}

/// The root first, then the lock's packages in its order.
fn known<'c>(
    root: &'c CrateVersion,
    root_facts: &'c CrateFacts,
    root_dependencies: &[(String, Option<String>)],
    locked: &'c [LockedCrate],
    catalog: &'c Catalog,
) -> Option<Vec<Known<'c>>> {
    let mut by_name: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (index, entry) in locked.iter().enumerate() {
        by_name.entry(&entry.id.name).or_default().push((index + 1, &entry.id.version));
    }
    let find = |(name, version): &(String, Option<String>)| {
        let candidates = by_name.get(name.as_str())?;
        match version {
            Some(version) => candidates.iter().find(|(_, known)| known == version).map(|(index, _)| *index),
            None if candidates.len() == 1 => Some(candidates[0].0),
            None => None,
        }
    };
    let one = |id: &'c CrateVersion, facts: &'c CrateFacts, dependencies: &[(String, Option<String>)]| {
        Some(Known {
            id,
            version: Version::parse(&id.version).ok()?,
            facts: facts.package.as_ref()?,
            locked: dependencies.iter().map(find).collect::<Option<_>>()?,
        })
    };
    let mut all = vec![one(root, root_facts, root_dependencies)?];
    for entry in locked {
        all.push(one(&entry.id, catalog.crates.get(&entry.id.sha256)?, &entry.dependencies)?);
    }
    Some(all)
}

/// Whether everything that the root's manifest asks for is in the lock; otherwise cargo says what is missing.
fn is_fresh(known: &[Known<'_>]) -> bool {
    let root = &known[0];
    root.facts
        .dependencies
        .iter()
        .all(|dependency| root.locked.iter().any(|index| meets(dependency, &known[*index]) == Some(true)))
}

/// `None` where the requirement is not one that can be read.
fn meets(dependency: &DependencyFacts, package: &Known<'_>) -> Option<bool> {
    if dependency.name != package.id.name {
        return Some(false);
    }
    Some(VersionReq::parse(&dependency.req).ok()?.matches(&package.version))
}

/// What the root leads to; a lock may hold more.
fn reached(known: &[Known<'_>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([0]);
    let mut open = vec![0];
    while let Some(index) = open.pop() {
        open.extend(known[index].locked.iter().filter(|next| reached.insert(**next)));
    }
    reached
}

fn package_id(known: &Known<'_>, is_root: bool) -> String {
    let CrateVersion { name, version, .. } = known.id;
    if is_root { format!("path+file://{ROOT}#{name}@{version}") } else { format!("{}#{name}@{version}", source()) }
}

fn source() -> String {
    format!("registry+{CRATES_IO}")
}

fn package(known: &Known<'_>, is_root: bool, expressions: &mut Expressions) -> Value {
    let Known { id, facts, .. } = known;
    let folder = if is_root { ROOT.to_owned() } else { format!("{VENDOR}/{}-{}", id.name, id.version) };
    let dependencies: Vec<Value> = facts
        .dependencies
        .iter()
        .map(|dependency| {
            json!({
                "name": dependency.name,
                "source": source(),
                "req": dependency.req,
                "kind": dependency.kind,
                "rename": dependency.rename,
                "optional": dependency.optional,
                "uses_default_features": dependency.default_features,
                "features": dependency.features,
                "target": dependency.target.as_ref().map(|target| flag(expressions, target)),
                "registry": null,
            })
        })
        .collect();
    let text = |key: &str| facts.described.texts.get(key);
    json!({
        "name": id.name,
        "version": id.version,
        "id": package_id(known, is_root),
        "source": if is_root { None } else { Some(source()) },
        "manifest_path": format!("{folder}/Cargo.toml"),
        "edition": facts.edition,
        "links": facts.links,
        "features": facts.features,
        "dependencies": dependencies,
        "targets": targets(facts, &folder, is_root),
        "authors": facts.described.authors,
        "description": text("description"),
        "homepage": text("homepage"),
        "license": text("license"),
        "license_file": text("license-file"),
        "readme": text("readme"),
        "repository": text("repository"),
        "categories": [],
        "keywords": [],
    })
}

/// Binaries of dependencies are built by nobody.
fn targets(facts: &PackageFacts, folder: &str, is_root: bool) -> Vec<Value> {
    let one = |target: &TargetFacts, kind: &[String]| {
        json!({
            "name": target.name,
            "kind": kind,
            "crate_types": target.crate_types,
            "required-features": target.required_features,
            "src_path": format!("{folder}/{}", target.path),
            "edition": target.edition,
            "doctest": false,
            "test": false,
            "doc": false,
        })
    };
    let binaries = facts.binaries.iter().flatten().filter(|_| is_root);
    let script = facts.build_script.as_ref().map(|path| TargetFacts {
        name: "build-script-build".to_owned(),
        path: path.clone(),
        crate_types: vec!["bin".to_owned()],
        edition: facts.edition.clone(),
        required_features: Vec::new(),
    });
    facts
        .library
        .iter()
        .map(|library| one(library, &library.crate_types))
        .chain(binaries.map(|binary| one(binary, &["bin".to_owned()])))
        .chain(script.iter().map(|script| one(script, &["custom-build".to_owned()])))
        .collect()
}

/// `None` where an edge of the lock stands for nothing in the manifest.
fn node(known: &[Known<'_>], index: usize, expressions: &mut Expressions) -> Option<Value> {
    let from = &known[index];
    let mut edges = Vec::new();
    let mut ids = Vec::new();
    for to in from.locked.iter().map(|next| &known[*next]) {
        let id = package_id(to, false);
        let mut by_extern: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut is_meant = false;
        for dependency in &from.facts.dependencies {
            let is_dev = dependency.kind.as_deref() == Some("dev");
            if (is_dev && index != 0) || !meets(dependency, to)? {
                continue;
            }
            is_meant = true;
            let Some(library) = &to.facts.library else { continue };
            let name = dependency.rename.as_ref().unwrap_or(&library.name).replace('-', "_");
            let target = dependency.target.as_ref().map(|target| flag(expressions, target));
            by_extern.entry(name).or_default().push(json!({ "kind": dependency.kind, "target": target }));
        }
        if !is_meant {
            return None;
        }
        ids.push(id.clone());
        edges.extend(by_extern.into_iter().map(|(name, kinds)| json!({ "name": name, "pkg": id, "dep_kinds": kinds })));
    }
    Some(json!({ "id": package_id(from, index == 0), "dependencies": ids, "deps": edges, "features": [] }))
}
