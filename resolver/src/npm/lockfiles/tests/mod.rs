//! One project, locked by npm 11 in every version of its lock (`fixtures/`), and what is refused.

mod hostile;
mod npm;
mod pnpm;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};

use super::{LockFile, Locked, Manifest, Project};
use crate::plan::npm::{NpmGraph, Source};

const REGISTRY: &[&str] = &["https://registry.example"];

/// The project of the fixtures: a workspace of two, a folder beside it, and a bit of everything.
fn project() -> Project {
    let manifest = |text| Manifest::parse("package.json", text).unwrap();
    Project {
        manifest: manifest(include_str!("fixtures/project/package.json")),
        folders: BTreeMap::from([
            ("packages/one".to_owned(), manifest(include_str!("fixtures/project/packages/one/package.json"))),
            ("packages/two".to_owned(), manifest(include_str!("fixtures/project/packages/two/package.json"))),
            ("lib".to_owned(), manifest(include_str!("fixtures/project/lib/package.json"))),
        ]),
        members: BTreeSet::from(["packages/one".to_owned(), "packages/two".to_owned()]),
    }
}

/// The registry's manifests of all packages of the fixtures, by `name@version`.
fn manifests() -> BTreeMap<String, Manifest> {
    serde_json::from_str(include_str!("fixtures/manifests.json")).unwrap()
}

/// Completes what the lock does not say, as the bot does from the registry.
fn completed(mut locked: Locked) -> NpmGraph {
    let manifests = manifests();
    for path in locked.sparse.clone() {
        let entry = &locked.graph.entries[&path];
        let known = manifests.iter().find(|(id, manifest)| {
            **id == format!("{}@{}", entry.name, entry.version)
                || (entry.version.is_empty() && manifest.name() == Some(&entry.name))
        });
        let (_, manifest) = known.unwrap_or_else(|| panic!("{path}: {} {}", entry.name, entry.version));
        locked.complete(&path, manifest).unwrap();
    }
    assert!(locked.sparse.is_empty());
    locked.graph
}

/// An independent judge: node's own way to find a package, by the paths alone.
fn check_resolution(graph: &NpmGraph) {
    for (path, entry) in &graph.entries {
        for (name, target) in &entry.dependencies {
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            let found =
                (0..=parts.len()).rev().filter(|&end| end == 0 || parts[end - 1] != "node_modules").find_map(|end| {
                    let place = [&parts[..end], &["node_modules", name]].concat().join("/");
                    graph.entries.contains_key(&place).then_some(place)
                });
            assert_eq!(found.as_ref(), Some(target), "{path} asks for {name}");
        }
        if let Source::Link { target } = &entry.source {
            assert!(graph.entries.contains_key(target), "{path}");
        }
    }
}

fn read(file: LockFile, text: &str) -> Locked {
    file.read(text, &project(), REGISTRY).unwrap()
}

/// The entries of a graph in a line each: what stands where, from where, and what it finds.
fn tree(graph: &NpmGraph) -> String {
    let lines: Vec<String> = graph
        .entries
        .iter()
        .map(|(path, entry)| {
            let from = match &entry.source {
                Source::Registry { .. } => "registry".to_owned(),
                Source::Tarball { url, .. } => url.clone(),
                Source::Git { url, commit, .. } => format!("{url}#{commit}"),
                Source::Bundled => "bundled".to_owned(),
                Source::Link { target } => format!("-> {target}"),
                Source::Directory => "folder".to_owned(),
            };
            let flags = [(entry.dev, " dev"), (entry.optional, " optional"), (entry.script, " script")];
            let flags: String = flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
            let edges: Vec<&str> = entry.dependencies.values().map(String::as_str).collect();
            let bins: Vec<&str> = entry.bin.values().map(String::as_str).collect();
            format!("{path}: {} {} {from}{flags} {edges:?} {bins:?}", entry.name, entry.version)
        })
        .collect();
    lines.join("\n")
}

#[test]
fn the_package_manager_of_a_project_says_which_lock_counts() {
    let first = |manifest: &str| LockFile::by_preference(manifest)[0];
    assert_eq!(first(r#"{"packageManager": "pnpm@9.15.9+sha512.abc"}"#), LockFile::Pnpm);
    assert_eq!(first(r#"{"packageManager": "yarn@1.22.22"}"#), LockFile::Yarn);
    for other in [r#"{"packageManager": "npm@11"}"#, "{}", "nonsense"] {
        assert_eq!(LockFile::by_preference(other), LockFile::ALL);
    }
}
