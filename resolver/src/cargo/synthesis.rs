//! `cargo metadata`, put together from facts instead of asked for.
//!
//! Cargo takes hundreds of milliseconds to read manifests whose content never changes. What it would say follows from
//! the lock and from [`PackageFacts`]: each entry of the lock is a node, and an edge of it stands for all dependencies of
//! the manifest with that name whose requirement the locked version meets. Found equal to cargo on every program tried;
//! where something is not certain, there is no answer and cargo is asked.

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version, VersionReq};
use serde::Serialize;

use super::known::Known;
use super::package_facts::{DependencyFacts, From, PackageFacts, TargetFacts};
use super::source::Source;
use super::targets::{Expressions, flag};
use super::tree;

/// The folders of the packages: nothing is there, but paths have to be told apart.
const ROOT: &str = "/root";
const ELSEWHERE: &str = "/elsewhere";

/// A package on its way into the metadata.
struct Described<'c> {
    known: &'c Known<'c>,
    version: Version,
    facts: &'c PackageFacts,
    /// Indices of the packages that its entry in the lock names.
    locked: &'c [usize],
    /// The package id, the source as it is spelled, and the folder.
    key: String,
    source: Option<String>,
    folder: String,
}

/// What `cargo metadata` prints, as far as it is read.
#[derive(Serialize)]
struct Document<'d> {
    packages: Vec<Package<'d>>,
    workspace_members: Vec<&'d str>,
    workspace_default_members: Vec<&'d str>,
    resolve: Resolve<'d>,
    target_directory: &'d str,
    version: u8,
    workspace_root: &'d str,
    metadata: Option<()>,
}

#[derive(Serialize)]
struct Resolve<'d> {
    nodes: Vec<Node<'d>>,
    root: Option<&'d str>,
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
    source: Option<()>,
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
pub(super) fn metadata(known: &[Known<'_>], edges: &[Option<Vec<usize>>]) -> Option<(String, Expressions)> {
    let all: Vec<Described<'_>> =
        known.iter().zip(edges).map(|(known, edges)| described(known, edges.as_ref()?)).collect::<Option<_>>()?;
    let members = || (0..all.len()).filter(|index| all[*index].known.is_member);
    if !members().all(|index| all[index].facts.binaries.is_some() && is_fresh(&all, index)) {
        return None;
    }
    let reached = reached(&all, members().collect());
    let mut expressions = Expressions::new();
    let kinds = Kinds { binary: ["bin".to_owned()], script: ["custom-build".to_owned()] };
    let packages = reached.iter().map(|index| package(&all[*index], &kinds, &mut expressions)).collect();
    let nodes = reached.iter().map(|index| node(&all, *index, &mut expressions)).collect::<Option<_>>()?;
    let members: Vec<&str> = members().map(|index| all[index].key.as_str()).collect();
    let document = Document {
        packages,
        workspace_members: members.clone(),
        resolve: Resolve { nodes, root: members.first().copied() },
        workspace_default_members: members,
        target_directory: "/target",
        version: 1,
        workspace_root: ROOT,
        metadata: None,
    };
    Some((serde_json::to_string(&document).ok()?, expressions))
}

fn described<'c>(known: &'c Known<'c>, locked: &'c [usize]) -> Option<Described<'c>> {
    let entry = known.entry;
    let (name, version) = (&entry.name, &entry.version);
    let source = entry.source.spelled();
    let (key, folder) = match &source {
        None if known.folder.is_empty() => (format!("path+file://{ROOT}#{name}@{version}"), ROOT.to_owned()),
        None => {
            let folder = format!("{ROOT}/{}", known.folder);
            (format!("path+file://{folder}#{name}@{version}"), folder)
        }
        Some(source) => (format!("{source}#{name}@{version}"), format!("{ELSEWHERE}/{}", known.id)),
    };
    let facts = known.facts.package.as_ref()?;
    Some(Described { known, version: Version::parse(version).ok()?, facts, locked, key, source, folder })
}

/// Whether everything that a member's manifest asks for is in the lock; otherwise cargo says what is missing.
fn is_fresh(all: &[Described<'_>], member: usize) -> bool {
    let member = &all[member];
    let is_met = |dependency| member.locked.iter().any(|index| meets(dependency, &all[*index]) == Some(true));
    member.facts.dependencies.iter().all(is_met)
}

/// `None` where the requirement is not one that can be read.
fn meets(dependency: &DependencyFacts, package: &Described<'_>) -> Option<bool> {
    if dependency.name != package.known.entry.name {
        return Some(false);
    }
    if dependency.req == "*" {
        return Some(true);
    }
    Some(VersionReq::parse(&dependency.req).ok()?.matches(&package.version))
}

/// Whether a package is where a dependency is asked from, which decides where name and version do not: a patch may have put
/// something from elsewhere in its place.
fn is_from(dependency: &DependencyFacts, asking: &Described<'_>, package: &Described<'_>) -> bool {
    match (&dependency.from, &package.known.entry.source) {
        (None, Source::CratesIo) => true,
        (Some(From::Registry(wanted)), Source::Registry { index }) => {
            index.trim_start_matches("sparse+") == wanted.trim_start_matches("sparse+").trim_start_matches("registry+")
        }
        (Some(From::Git { url, reference }), Source::Git { url: other, reference: chosen, .. }) => {
            url.trim_end_matches(".git") == other.trim_end_matches(".git") && reference == chosen
        }
        (Some(From::Path(path)), source) => {
            // Within a repository, what is beside it is of the same commit.
            *source == asking.known.entry.source
                && tree::join(asking.known.folder, path).as_deref() == Some(package.known.folder)
        }
        _ => false,
    }
}

/// What the members lead to; a lock may hold more.
fn reached(all: &[Described<'_>], members: Vec<usize>) -> BTreeSet<usize> {
    let mut reached: BTreeSet<usize> = members.iter().copied().collect();
    let mut open = members;
    while let Some(index) = open.pop() {
        open.extend(all[index].locked.iter().filter(|next| reached.insert(**next)));
    }
    reached
}

/// The kinds of targets that are the same for all packages.
struct Kinds {
    binary: [String; 1],
    script: [String; 1],
}

fn package<'d>(described: &'d Described<'_>, kinds: &'d Kinds, expressions: &mut Expressions) -> Package<'d> {
    let Described { known, facts, key, folder, source, .. } = described;
    let is_member = known.is_member;
    // What others need for their tests is in no lock.
    let dependencies = facts.dependencies.iter().filter(|dependency| is_member || !is_dev(dependency));
    let dependencies = dependencies.map(|dependency| Dependency {
        name: &dependency.name,
        source: None,
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
        name: &known.entry.name,
        version: &known.entry.version,
        id: key,
        source: source.as_deref(),
        manifest_path: format!("{folder}/Cargo.toml"),
        edition: &facts.edition,
        links: facts.links.as_deref(),
        features: &facts.features,
        dependencies: dependencies.collect(),
        targets: targets(facts, folder, is_member, kinds),
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
fn targets<'d>(facts: &'d PackageFacts, folder: &str, is_member: bool, kinds: &'d Kinds) -> Vec<Target<'d>> {
    let one = |target: &'d TargetFacts, kind: &'d [String]| Target {
        name: &target.name,
        kind,
        crate_types: &target.crate_types,
        required_features: &target.required_features,
        src_path: format!("{folder}/{}", target.path),
        edition: &target.edition,
        test: false,
    };
    let binaries = facts.binaries.iter().flatten().filter(|_| is_member);
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

/// `None` where an edge of the lock stands for nothing in the manifest, or a dependency could mean several.
fn node<'d>(all: &'d [Described<'_>], index: usize, expressions: &mut Expressions) -> Option<Node<'d>> {
    let from = &all[index];
    let locked = || from.locked.iter().map(|next| &all[*next]);
    let mut edges: BTreeMap<(&str, String), Vec<Kind<'d>>> = BTreeMap::new();
    let mut meant = BTreeSet::new();
    for dependency in &from.facts.dependencies {
        if is_dev(dependency) && !from.known.is_member {
            continue;
        }
        let mut fitting = Vec::new();
        for to in locked() {
            if meets(dependency, to)? {
                fitting.push(to);
            }
        }
        if fitting.len() > 1 {
            fitting.retain(|to| is_from(dependency, from, to));
            if fitting.len() != 1 {
                return None;
            }
        }
        for to in fitting {
            meant.insert(to.key.as_str());
            let Some(library) = &to.facts.library else { continue };
            let name = dependency.rename.as_ref().unwrap_or(&library.name).replace('-', "_");
            let target = dependency.target.as_ref().map(|target| flag(expressions, target));
            edges.entry((&to.key, name)).or_default().push(Kind { kind: dependency.kind.as_deref(), target });
        }
    }
    let dependencies: Vec<&str> = locked().map(|to| to.key.as_str()).collect();
    if !dependencies.iter().all(|to| meant.contains(to)) {
        return None;
    }
    let edges = edges.into_iter().map(|((pkg, name), dep_kinds)| Edge { name, pkg, dep_kinds });
    Some(Node { id: &from.key, dependencies, deps: edges.collect(), features: [] })
}
