//! Rust releases: from the facts of each crate version and cargo's own metadata to units.
//!
//! Cargo decides what belongs together (`cargo metadata` over a folder that holds manifests and empty target files,
//! offline), guppy simulates which features are on for a system, and what follows from both are the units: one per
//! package, side and feature set.

mod environment;
mod folder;
mod known;
pub mod lines;
mod lock;
mod manifest;
pub mod package_facts;
pub mod pool;
mod source;
mod synthesis;
mod targets;
pub mod tree;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use guppy::graph::PackageGraph;

use crate::catalog::{Catalog, CrateVersion, Request, Step};
use crate::error::ResolveError;
use crate::plan::cargo::{CargoGraph, Judge, Origin, Package, Selection};
use crate::plan::{Graph, Metadata, Plan};

pub use folder::{Folder, cargo_folder};
use known::Known;
use manifest::RootManifest;
pub use source::Source;
use targets::Expressions;

/// A system to resolve for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemTriple {
    /// Nix's name: `x86_64-linux`.
    pub system: String,
    /// rustc's name of the target.
    pub target: String,
    /// rustc's name of the machine that build scripts and proc macros run on: for a plan the target itself.
    pub host: String,
}

/// What to resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The root crate; for a project what it is called, and no hash.
    pub root: CrateVersion,
    /// The project that is resolved, where it is no crate of the registry.
    pub project: Option<Project>,
    /// The lock that counts instead of its own, if any: that of an overlay.
    pub lock: Option<String>,
    /// For which systems.
    pub systems: Vec<SystemTriple>,
    /// With which features and binaries.
    pub selection: Selection,
}

/// A package or workspace that lies in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The tree's key in [`Catalog::trees`].
    pub tree: String,
    /// The folder of the workspace's root in it; that of the top is the empty text.
    pub workspace: String,
}

/// Goes as far as the catalog allows; see [`crate::catalog`].
///
/// # Errors
/// [`ResolveError`] when no further fact can help.
pub fn step(release: &Release, catalog: &Catalog) -> Result<Step, ResolveError> {
    let mut needs = missing_cfgs(release, catalog);
    let Some((manifest, shipped)) = root_texts(release, catalog)? else {
        let root = release.root.clone();
        needs.extend([Request::Crate(root.clone(), None), Request::Texts(root, None)]);
        return Ok(Step::Need(needs));
    };
    // A lock of cargo's is one that was asked for: the release has none, or one that does not fit.
    let Some(lock) = catalog.lock.as_ref().or(release.lock.as_ref()).or(shipped) else {
        needs.push(Request::Lock);
        return Ok(Step::Need(needs));
    };
    let label = release.root.label();
    let locked = lock::read(&label, lock)?;
    needs.extend(known::requests(release, &locked, catalog));
    if !needs.is_empty() {
        return Ok(Step::Need(needs));
    }
    let manifest = RootManifest::read(&label, manifest)?;
    let known = known::gather(release, &locked, catalog)?;
    // Where cargo was asked it had to be; else its metadata follows from what is known, most of the time.
    let (metadata, judge) = if let Some(metadata) = &catalog.metadata {
        (targets::replace_expressions(metadata).map_err(|reason| unusable(release, reason))?, Judge::Cargo)
    } else if let Some(metadata) = synthesis::metadata(&known, &known::edges(&locked)) {
        (metadata, Judge::Facts)
    } else {
        let unread = known.iter().filter(|known| known.texts.is_none()).filter_map(|known| {
            Some(Request::Texts(known::crate_version(known.entry)?, known::registry(&known.entry.source)))
        });
        return Ok(Step::Need(unread.chain([Request::Metadata]).collect()));
    };
    plan(release, catalog, &manifest, &known, metadata, judge).map(|plan| Step::Done(Box::new(plan)))
}

/// The manifest of the root and the lock that is shipped with it; nothing if they are not known yet.
fn root_texts<'c>(
    release: &'c Release,
    catalog: &'c Catalog,
) -> Result<Option<(&'c str, Option<&'c String>)>, ResolveError> {
    if let Some((project, tree)) = known::own_tree(release, catalog)? {
        let manifest = tree.manifests.get(&project.workspace).ok_or_else(|| ResolveError::Manifest {
            package: release.root.label(),
            reason: "there is none".to_owned(),
        })?;
        return Ok(Some((manifest, tree.locks.get(&project.workspace))));
    }
    let sha256 = &release.root.sha256;
    let texts = catalog.texts.get(sha256).filter(|_| catalog.crates.contains_key(sha256));
    Ok(texts.map(|texts| (texts.manifest.as_str(), texts.lock.as_ref())))
}

fn missing_cfgs(release: &Release, catalog: &Catalog) -> Vec<Request> {
    let triples: BTreeSet<&String> = release.systems.iter().flat_map(|s| [&s.target, &s.host]).collect();
    triples
        .into_iter()
        .filter(|triple| !catalog.target_cfgs.contains_key(*triple))
        .map(|triple| Request::TargetCfg(triple.clone()))
        .collect()
}

fn plan(
    release: &Release,
    catalog: &Catalog,
    manifest: &RootManifest,
    known: &[Known<'_>],
    (metadata, expressions): (String, Expressions),
    judge: Judge,
) -> Result<Plan, ResolveError> {
    let unusable = |reason: String| unusable(release, reason);
    let graph = PackageGraph::from_json(&metadata).map_err(|error| unusable(error.to_string()))?;
    let packages = units::Packages::new(&graph, known).map_err(unusable)?;
    let simulation = units::Simulation::new(release, manifest, &graph, &packages)?;
    let platform = |triple: &str| {
        let cfg = catalog.target_cfgs.get(triple).map(String::as_str).unwrap_or_default();
        targets::platform(triple, cfg, &expressions).map_err(unusable)
    };
    let mut platforms = Vec::new();
    for system in &release.systems {
        platforms.push((system.system.clone(), platform(&system.target)?, platform(&system.host)?));
    }
    let units = simulation.all(platforms)?;
    let root = simulation.root();
    Ok(Plan {
        schema: Plan::SCHEMA,
        purl: match &release.project {
            None => format!("pkg:cargo/{}@{}", release.root.name, release.root.version),
            Some(_) => format!("pkg:generic/{}@{}", release.root.name, release.root.version),
        },
        name: release.root.name.clone(),
        version: release.root.version.clone(),
        metadata: root_metadata(root, manifest),
        commit: None,
        graph: Graph::Cargo(CargoGraph {
            root: packages.id(root.id()).to_owned(),
            members: simulation.member_ids(),
            packages: described(release, known, &packages),
            units,
            profile: manifest.profile.clone(),
            selection: release.selection.clone(),
            judge,
            lock: catalog.lock.clone().or_else(|| release.lock.clone()),
        }),
    })
}

fn unusable(release: &Release, reason: String) -> ResolveError {
    ResolveError::Metadata { package: release.root.label(), reason }
}

/// The rows of the packages. The lock may hold what no feature reaches; the metadata leaves those out.
fn described(release: &Release, known: &[Known<'_>], packages: &units::Packages<'_>) -> BTreeMap<String, Package> {
    let mut env = environment::values(packages);
    known
        .iter()
        .map(|known| {
            let entry = known.entry;
            let metadata = packages.metadata(&known.id);
            let own = || Some(release.root.sha256.clone()).filter(|_| release.project.is_none() && known.is_member);
            let package = Package {
                name: entry.name.clone(),
                version: entry.version.clone(),
                sha256: entry.sha256.clone().or_else(own).unwrap_or_default(),
                origin: origin(release, known),
                links: metadata.and_then(|metadata| metadata.links()).map(str::to_owned),
                build_script: metadata.is_some_and(|metadata| metadata.has_build_script()),
                proc_macro: metadata.is_some_and(|metadata| metadata.is_proc_macro()),
                license: metadata.and_then(|metadata| metadata.license()).map(license_expression),
                env: env.remove(&known.id).unwrap_or_default(),
            };
            (known.id.clone(), package)
        })
        .collect()
}

fn origin(release: &Release, known: &Known<'_>) -> Origin {
    match &known.entry.source {
        Source::Registry { index } => Origin::Registry { index: index.clone(), download: String::new() },
        Source::Git { url, reference, commit } => Origin::Git {
            url: url.clone(),
            reference: reference.clone(),
            commit: commit.clone(),
            hash: known.tree_hash.to_owned(),
            folder: known.folder.to_owned(),
            manifest: known.texts.filter(|_| known.inherits).map(|texts| texts.manifest.clone()),
        },
        Source::Tree if release.project.is_some() => Origin::Project { folder: known.folder.to_owned() },
        Source::CratesIo | Source::Tree => Origin::CratesIo,
    }
}

fn root_metadata(root: guppy::graph::PackageMetadata<'_>, manifest: &RootManifest) -> Metadata {
    Metadata {
        description: root.description().map(str::to_owned),
        homepage: root.homepage().map(str::to_owned),
        repository: root.repository().map(str::to_owned),
        license: root.license().map(license_expression),
        // A workspace without a package at its top says nothing itself.
        rust_version: manifest.rust_version.clone().or_else(|| root.rust_version().map(ToString::to_string)),
    }
}

/// `MIT/Apache-2.0`, as manifests once had it, is `MIT OR Apache-2.0`.
fn license_expression(license: &str) -> String {
    license.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" ")
}
