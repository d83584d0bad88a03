//! `cargo metadata`, put together from facts instead of asked for.
//!
//! Cargo takes hundreds of milliseconds to read manifests whose content never changes. What it would say follows from
//! the lock and from [`PackageFacts`]: each entry of the lock is a node, and an edge of it stands for all dependencies of
//! the manifest with that name whose requirement the locked version meets. Found equal to cargo on every program tried;
//! where something is not certain, there is no answer and cargo is asked.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde::Serialize;

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
    /// The package id, and the folder.
    key: String,
    folder: String,
}

/// What `cargo metadata` prints, as far as it is read.
#[derive(Serialize)]
struct Document<'d> {
    packages: Vec<Package<'d>>,
    workspace_members: [&'d str; 1],
    workspace_default_members: [&'d str; 1],
    resolve: Resolve<'d>,
    target_directory: &'d str,
    version: u8,
    workspace_root: &'d str,
    metadata: Option<()>,
}

#[derive(Serialize)]
struct Resolve<'d> {
    nodes: Vec<Node<'d>>,
    root: &'d str,
}

#[derive(Serialize)]
struct Package<'d> {
    name: &'d str,
    version: &'d str,
    id: &'d str,
    source: Option<&'d str>,
    manifest_path: String,
    edition: &'d str,
    links: Option<&'d str>,
    features: &'d BTreeMap<String, Vec<String>>,
    dependencies: Vec<Dependency<'d>>,
    targets: Vec<Target<'d>>,
    authors: &'d [String],
    description: Option<&'d str>,
    homepage: Option<&'d str>,
    license: Option<&'d str>,
    license_file: Option<&'d str>,
    readme: Option<&'d str>,
    repository: Option<&'d str>,
}

#[derive(Serialize)]
struct Dependency<'d> {
    name: &'d str,
    source: Option<&'d str>,
    req: &'d str,
    kind: Option<&'d str>,
    rename: Option<&'d str>,
    optional: bool,
    uses_default_features: bool,
    features: &'d [String],
    target: Option<String>,
}

#[derive(Serialize)]
struct Target<'d> {
    name: &'d str,
    kind: &'d [String],
    crate_types: &'d [String],
    #[serde(rename = "required-features")]
    required_features: &'d [String],
    src_path: String,
    edition: &'d str,
    test: bool,
}

#[derive(Serialize)]
struct Node<'d> {
    id: &'d str,
    dependencies: Vec<&'d str>,
    deps: Vec<Edge<'d>>,
    features: [&'d str; 0],
}

#[derive(Serialize)]
struct Edge<'d> {
    name: String,
    pkg: &'d str,
    dep_kinds: Vec<Kind<'d>>,
}

#[derive(Serialize)]
struct Kind<'d> {
    kind: Option<&'d str>,
    target: Option<String>,
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
    let source = format!("registry+{CRATES_IO}");
    let kinds = Kinds { binary: ["bin".to_owned()], script: ["custom-build".to_owned()] };
    let packages =
        reached.iter().map(|index| package(&known[*index], *index == 0, &source, &kinds, &mut expressions)).collect();
    let nodes = reached.iter().map(|index| node(&known, *index, &mut expressions)).collect::<Option<_>>()?;
    let root = known[0].key.as_str();
    let document = Document {
        packages,
        workspace_members: [root],
        workspace_default_members: [root],
        resolve: Resolve { nodes, root },
        target_directory: "/target",
        version: 1,
        workspace_root: ROOT,
        metadata: None,
    };
    Some((serde_json::to_string(&document).ok()?, expressions))
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
    let one =
        |id: &'c CrateVersion, facts: &'c CrateFacts, dependencies: &[(String, Option<String>)], is_root: bool| {
            let CrateVersion { name, version, .. } = id;
            let (key, folder) = if is_root {
                (format!("path+file://{ROOT}#{name}@{version}"), ROOT.to_owned())
            } else {
                (format!("registry+{CRATES_IO}#{name}@{version}"), format!("{VENDOR}/{name}-{version}"))
            };
            Some(Known {
                id,
                version: Version::parse(version).ok()?,
                facts: facts.package.as_ref()?,
                locked: dependencies.iter().map(find).collect::<Option<_>>()?,
                key,
                folder,
            })
        };
    let mut all = vec![one(root, root_facts, root_dependencies, true)?];
    for entry in locked {
        all.push(one(&entry.id, catalog.crates.get(&entry.id.sha256)?, &entry.dependencies, false)?);
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

/// The kinds of targets that are the same for all packages.
struct Kinds {
    binary: [String; 1],
    script: [String; 1],
}

fn package<'d>(
    known: &'d Known<'_>,
    is_root: bool,
    source: &'d str,
    kinds: &'d Kinds,
    expressions: &mut Expressions,
) -> Package<'d> {
    let Known { id, facts, key, folder, .. } = known;
    // What others need for their tests is in no lock.
    let dependencies = facts.dependencies.iter().filter(|dependency| is_root || !is_dev(dependency));
    let dependencies = dependencies.map(|dependency| Dependency {
        name: &dependency.name,
        source: Some(source),
        req: &dependency.req,
        kind: dependency.kind.as_deref(),
        rename: dependency.rename.as_deref(),
        optional: dependency.optional,
        uses_default_features: dependency.default_features,
        features: &dependency.features,
        target: dependency.target.as_ref().map(|target| flag(expressions, target)),
    });
    let text = |key: &str| facts.described.texts.get(key).map(String::as_str);
    Package {
        name: &id.name,
        version: &id.version,
        id: key,
        source: (!is_root).then_some(source),
        manifest_path: format!("{folder}/Cargo.toml"),
        edition: &facts.edition,
        links: facts.links.as_deref(),
        features: &facts.features,
        dependencies: dependencies.collect(),
        targets: targets(facts, folder, is_root, kinds),
        authors: &facts.described.authors,
        description: text("description"),
        homepage: text("homepage"),
        license: text("license"),
        license_file: text("license-file"),
        readme: text("readme"),
        repository: text("repository"),
    }
}

fn is_dev(dependency: &DependencyFacts) -> bool {
    dependency.kind.as_deref() == Some("dev")
}

/// Binaries of dependencies are built by nobody.
fn targets<'d>(facts: &'d PackageFacts, folder: &str, is_root: bool, kinds: &'d Kinds) -> Vec<Target<'d>> {
    let one = |target: &'d TargetFacts, kind: &'d [String]| Target {
        name: &target.name,
        kind,
        crate_types: &target.crate_types,
        required_features: &target.required_features,
        src_path: format!("{folder}/{}", target.path),
        edition: &target.edition,
        test: false,
    };
    let binaries = facts.binaries.iter().flatten().filter(|_| is_root);
    let script = facts.build_script.as_ref().map(|path| Target {
        name: "build-script-build",
        kind: &kinds.script,
        crate_types: &kinds.binary,
        required_features: &[],
        src_path: format!("{folder}/{path}"),
        edition: &facts.edition,
        test: false,
    });
    facts
        .library
        .iter()
        .map(|library| one(library, &library.crate_types))
        .chain(binaries.map(|binary| one(binary, &kinds.binary)))
        .chain(script)
        .collect()
}

/// `None` where an edge of the lock stands for nothing in the manifest.
fn node<'d>(known: &'d [Known<'_>], index: usize, expressions: &mut Expressions) -> Option<Node<'d>> {
    let from = &known[index];
    let mut node = Node { id: &from.key, dependencies: Vec::new(), deps: Vec::new(), features: [] };
    for to in from.locked.iter().map(|next| &known[*next]) {
        let mut by_extern: BTreeMap<String, Vec<Kind<'d>>> = BTreeMap::new();
        let mut is_meant = false;
        for dependency in &from.facts.dependencies {
            if (is_dev(dependency) && index != 0) || !meets(dependency, to)? {
                continue;
            }
            is_meant = true;
            let Some(library) = &to.facts.library else { continue };
            let name = dependency.rename.as_ref().unwrap_or(&library.name).replace('-', "_");
            let target = dependency.target.as_ref().map(|target| flag(expressions, target));
            by_extern.entry(name).or_default().push(Kind { kind: dependency.kind.as_deref(), target });
        }
        if !is_meant {
            return None;
        }
        node.dependencies.push(&to.key);
        let edges = by_extern.into_iter().map(|(name, dep_kinds)| Edge { name, pkg: &to.key, dep_kinds });
        node.deps.extend(edges);
    }
    Some(node)
}
