//! Rust releases: from the facts of each crate version and cargo's own metadata to units.
//!
//! Cargo decides what belongs together (`cargo metadata` over a folder that holds manifests and empty target files,
//! offline), guppy simulates which features are on for a system, and what follows from both are the units: one per
//! package, side and feature set.

mod environment;
pub mod lines;
mod lock;
mod manifest;
pub mod package_facts;
mod synthesis;
mod targets;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use guppy::graph::PackageGraph;

use crate::archive::CrateFacts;
use crate::catalog::{Catalog, CrateVersion, Request, Step};
use crate::error::ResolveError;
use crate::plan::cargo::{CargoGraph, Judge, Package, Selection};
use crate::plan::{Graph, Metadata, Plan};

use lock::Lock;
pub use lock::{LockedCrate, locked_crates};
pub use manifest::reduce_manifest;
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
    /// The root crate.
    pub root: CrateVersion,
    /// For which systems.
    pub systems: Vec<SystemTriple>,
    /// With which features and binaries.
    pub selection: Selection,
}

/// The files that cargo may see of a package: never more than manifest, lock and empty targets.
pub type Folder = BTreeMap<String, String>;

/// Goes as far as the catalog allows; see [`crate::catalog`].
///
/// # Errors
/// [`ResolveError`] when no further fact can help.
pub fn step(release: &Release, catalog: &Catalog) -> Result<Step, ResolveError> {
    let mut needs = missing_cfgs(release, catalog);
    let Some(root) = catalog.crates.get(&release.root.sha256) else {
        needs.push(Request::Crate(release.root.clone()));
        return Ok(Step::Need(needs));
    };
    let Some(lock) = root.lock.as_ref().or(catalog.lock.as_ref()) else {
        needs.push(Request::Lock);
        return Ok(Step::Need(needs));
    };
    let Lock { crates: locked, root: needed } = lock::read(&release.root, lock)?;
    let missing = locked.iter().filter(|locked| !catalog.crates.contains_key(&locked.id.sha256));
    needs.extend(missing.map(|locked| Request::Crate(locked.id.clone())));
    if !needs.is_empty() {
        return Ok(Step::Need(needs));
    }
    // Where cargo was asked it had to be; else its metadata follows from what is known, most of the time.
    let (metadata, judge) = if let Some(metadata) = &catalog.metadata {
        (targets::replace_expressions(metadata).map_err(|reason| unusable(release, reason))?, Judge::Cargo)
    } else if let Some(metadata) = synthesis::metadata(&release.root, root, &needed, &locked, catalog) {
        (metadata, Judge::Facts)
    } else {
        return Ok(Step::Need(vec![Request::Metadata]));
    };
    plan(release, catalog, root, &locked, metadata, judge).map(|plan| Step::Done(Box::new(plan)))
}

fn missing_cfgs(release: &Release, catalog: &Catalog) -> Vec<Request> {
    let triples: BTreeSet<&String> = release.systems.iter().flat_map(|s| [&s.target, &s.host]).collect();
    triples
        .into_iter()
        .filter(|triple| !catalog.target_cfgs.contains_key(*triple))
        .map(|triple| Request::TargetCfg(triple.clone()))
        .collect()
}

/// The folder of one crate as cargo may see it.
///
/// # Errors
/// When the manifest is not one.
pub fn manifest_folder(id: &CrateVersion, facts: &CrateFacts, is_root: bool) -> Result<Folder, ResolveError> {
    let reduced = reduce_manifest(&id.label(), facts, is_root)?;
    let mut folder: Folder = reduced.target_files.into_iter().map(|path| (path, String::new())).collect();
    folder.insert("Cargo.toml".to_owned(), reduced.manifest);
    Ok(folder)
}

fn plan(
    release: &Release,
    catalog: &Catalog,
    root: &CrateFacts,
    locked: &[LockedCrate],
    (metadata, expressions): (String, Expressions),
    judge: Judge,
) -> Result<Plan, ResolveError> {
    let label = release.root.label();
    let unusable = |reason: String| unusable(release, reason);
    let graph = PackageGraph::from_json(&metadata).map_err(|error| unusable(error.to_string()))?;
    let simulation = units::Simulation::new(release, root, &graph)?;
    let mut units = BTreeMap::new();
    for system in &release.systems {
        let platform = |triple: &str| {
            let cfg = catalog.target_cfgs.get(triple).map(String::as_str).unwrap_or_default();
            targets::platform(triple, cfg, &expressions).map_err(unusable)
        };
        units.insert(system.system.clone(), simulation.units(platform(&system.target)?, platform(&system.host)?)?);
    }
    let packages = packages(release, catalog, locked, &graph)?;
    Ok(Plan {
        schema: Plan::SCHEMA,
        purl: format!("pkg:cargo/{}@{}", release.root.name, release.root.version),
        name: release.root.name.clone(),
        version: release.root.version.clone(),
        metadata: root_metadata(&simulation, &root.manifest),
        graph: Graph::Cargo(CargoGraph {
            root: package_id(&release.root.name, &release.root.version),
            packages,
            units,
            profile: manifest::profile(&label, root)?,
            selection: release.selection.clone(),
            judge,
            lock: catalog.lock.clone().filter(|_| root.lock.is_none()),
        }),
    })
}

fn unusable(release: &Release, reason: String) -> ResolveError {
    ResolveError::Metadata { package: release.root.label(), reason }
}

/// The readable id of a package.
fn package_id(name: &str, version: &str) -> String {
    format!("{name}-{version}")
}

fn packages(
    release: &Release,
    catalog: &Catalog,
    locked: &[LockedCrate],
    graph: &PackageGraph,
) -> Result<BTreeMap<String, Package>, ResolveError> {
    let everything = locked.iter().map(|locked| &locked.id).chain([&release.root]);
    let known: BTreeMap<String, guppy::graph::PackageMetadata<'_>> =
        graph.packages().map(|package| (package_id(package.name(), &package.version().to_string()), package)).collect();
    let facts: BTreeMap<String, &CrateFacts> = everything
        .clone()
        .filter_map(|id| Some((package_id(&id.name, &id.version), catalog.crates.get(&id.sha256)?)))
        .collect();
    let mut env = environment::values(&known, |id| facts.get(id).copied());
    let mut packages = BTreeMap::new();
    for id in everything.clone() {
        let key = package_id(&id.name, &id.version);
        // The lock may hold what no feature reaches; cargo's metadata leaves those out.
        let metadata = known.get(&key);
        let package = Package {
            name: id.name.clone(),
            version: id.version.clone(),
            sha256: id.sha256.clone(),
            links: metadata.and_then(guppy::graph::PackageMetadata::links).map(str::to_owned),
            build_script: metadata.is_some_and(guppy::graph::PackageMetadata::has_build_script),
            proc_macro: metadata.is_some_and(guppy::graph::PackageMetadata::is_proc_macro),
            license: metadata.and_then(guppy::graph::PackageMetadata::license).map(license_expression),
            env: env.remove(&key).unwrap_or_default(),
        };
        if packages.insert(key, package).is_some_and(|twin| twin.sha256 != id.sha256) {
            return Err(ResolveError::Lock {
                package: release.root.label(),
                reason: format!("{} is there twice with different checksums", id.label()),
            });
        }
    }
    Ok(packages)
}

fn root_metadata(simulation: &units::Simulation<'_>, manifest: &str) -> Metadata {
    let root = simulation.root();
    Metadata {
        description: root.description().map(str::to_owned),
        homepage: root.homepage().map(str::to_owned),
        repository: root.repository().map(str::to_owned),
        license: root.license().map(license_expression),
        rust_version: environment::rust_version(manifest),
    }
}

/// `MIT/Apache-2.0`, as manifests once had it, is `MIT OR Apache-2.0`.
fn license_expression(license: &str) -> String {
    license.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" ")
}
