//! `package-lock.json`, versions 1 to 3.

use std::collections::BTreeSet;

use super::{REGISTRY, check_resolution, completed, project, read, tree};
use crate::npm::catalog::{self, GitFiles, Known, Lookup, Need, PackageFiles};
use crate::npm::lockfiles::{LockFile, Manifest, Project, of_project};
use crate::npm::platform::mark;
use crate::plan::npm::{Judge, NpmGraph, Source};

const V1: &str = include_str!("fixtures/package-lock-v1.json");
const V2: &str = include_str!("fixtures/package-lock-v2.json");
const V3: &str = include_str!("fixtures/package-lock-v3.json");
const V3_BARE: &str = include_str!("fixtures/package-lock-v3-bare.json");

/// Without the lock's own bytes, which of course differ.
fn graph(text: &str) -> NpmGraph {
    NpmGraph { lock: String::new(), ..completed(read(LockFile::PackageLock, text)) }
}

#[test]
fn all_versions_of_a_lock_say_the_same() {
    let newest = graph(V3);
    check_resolution(&newest);
    for (name, text) in [("1", V1), ("2", V2), ("3 without addresses", V3_BARE)] {
        let other = graph(text);
        for (path, entry) in &newest.entries {
            assert_eq!(other.entries.get(path), Some(entry), "version {name}: {path}");
        }
        assert_eq!(other, newest, "version {name}");
    }
    assert_eq!(newest.judge, Judge::Shipped { file: "package-lock.json".to_owned() });
}

#[test]
fn the_newer_versions_say_all_that_is_needed_and_keep_their_bytes() {
    let locked = read(LockFile::PackageLock, V3);
    assert!(locked.sparse.is_empty());
    assert_eq!(locked.graph.lock, V3);
    let old = read(LockFile::PackageLock, V1);
    assert!(old.sparse.contains("node_modules/native") && !old.sparse.contains("packages/one"), "{:?}", old.sparse);
}

#[test]
fn entries_keep_what_the_lock_says() {
    let graph = graph(V3);
    insta::assert_snapshot!(tree(&graph), @r#"
    : demo 1.0.0 folder ["node_modules/@demo/two", "node_modules/@scope/tool", "node_modules/alpha", "node_modules/bundler", "node_modules/dev-only", "node_modules/gamma", "node_modules/lib", "node_modules/native", "node_modules/one", "node_modules/other", "node_modules/remote", "node_modules/ring-a"] ["cli.js"]
    lib: lib 0.1.0 folder ["node_modules/delta"] []
    node_modules/@demo/two: @demo/two 1.0.0 -> packages/two [] []
    node_modules/@scope/tool: @scope/tool 1.0.0 registry ["node_modules/alpha", "node_modules/delta"] ["tool.js"]
    node_modules/alpha: alpha 1.1.0 registry ["node_modules/beta"] []
    node_modules/beta: beta 1.0.0 registry [] []
    node_modules/bundler: bundler 1.0.0 registry ["node_modules/alpha", "node_modules/bundler/node_modules/inner"] []
    node_modules/bundler/node_modules/deeper: deeper 1.0.0 bundled [] []
    node_modules/bundler/node_modules/inner: inner 1.0.0 bundled ["node_modules/bundler/node_modules/deeper"] []
    node_modules/delta: delta 1.0.0 registry [] []
    node_modules/dev-deep: dev-deep 1.0.0 registry dev [] ["deep.js"]
    node_modules/dev-only: dev-only 1.0.0 registry dev ["node_modules/dev-deep", "node_modules/native-runtime"] []
    node_modules/gamma: gamma 1.0.0 registry ["node_modules/alpha", "node_modules/gamma/node_modules/beta"] ["cli.js"]
    node_modules/gamma/node_modules/beta: beta 2.0.0 registry [] []
    node_modules/lib: lib 0.1.0 -> lib [] []
    node_modules/native: native 1.0.0 registry script ["node_modules/native-darwin-arm64", "node_modules/native-linux-musl", "node_modules/native-linux-x64"] ["bin/native.js"]
    node_modules/native-darwin-arm64: native-darwin-arm64 1.0.0 registry optional [] []
    node_modules/native-linux-musl: native-linux-musl 1.0.0 registry optional [] []
    node_modules/native-linux-x64: native-linux-x64 1.0.0 registry optional ["node_modules/native-runtime"] []
    node_modules/native-runtime: native-runtime 1.0.0 registry optional [] []
    node_modules/one: one 1.0.0 -> packages/one [] []
    node_modules/other: beta 2.0.0 registry [] []
    node_modules/remote: remote 3.2.1 https://registry.example/elsewhere/remote.tgz ["node_modules/beta"] []
    node_modules/ring-a: ring-a 1.0.0 registry ["node_modules/ring-b"] []
    node_modules/ring-b: ring-b 1.0.0 registry ["node_modules/ring-a"] []
    packages/one: one 1.0.0 folder ["node_modules/@demo/two", "packages/one/node_modules/alpha"] ["one.js"]
    packages/one/node_modules/alpha: alpha 2.0.0 registry [] []
    packages/two: @demo/two 1.0.0 folder ["node_modules/beta", "node_modules/dev-deep"] []
    "#);
}

#[test]
fn platform_packages_stand_where_they_fit() {
    let mut graph = graph(V3);
    let systems = ["x86_64-linux", "aarch64-linux", "aarch64-darwin"].map(str::to_owned).into();
    mark(&mut graph, &systems);
    let on = |path: &str| graph.entries[path].on.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(on("node_modules/native-linux-x64"), ["x86_64-linux"]);
    assert_eq!(on("node_modules/native-linux-musl"), [""; 0]);
    assert_eq!(on("node_modules/native-darwin-arm64"), ["aarch64-darwin"]);
    // The development tools want it too, everywhere.
    assert_eq!(on("node_modules/native-runtime").len(), 3);
    for (path, entry) in graph.entries.iter().filter(|(path, _)| !path.contains("native-")) {
        assert_eq!(entry.on, systems, "{path}");
    }
}

/// A project of one dependency, with the lock's entries as text.
fn small(dependency: &str, spec: &str, entries: &str) -> Result<NpmGraph, String> {
    let manifest = format!(r#"{{"name": "x", "version": "1.0.0", "dependencies": {{"{dependency}": "{spec}"}}}}"#);
    let project = Project { manifest: Manifest::parse("package.json", &manifest).unwrap(), ..Project::default() };
    let lock = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {manifest}, {entries}}}}}"#);
    let read = LockFile::PackageLock.read(&lock, &project, REGISTRY);
    read.map(|locked| locked.graph).map_err(|error| error.to_string())
}

#[test]
fn git_dependencies_keep_their_commit_and_wait_for_a_hash() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (resolved, url) in [
        ("git+ssh://git@forge.example/owner/dep.git", "https://forge.example/owner/dep.git"),
        ("git+ssh://git@forge.example:owner/dep.git", "https://forge.example/owner/dep.git"),
        ("git+https://forge.example/owner/dep.git", "https://forge.example/owner/dep.git"),
        ("git://forge.example/owner/dep.git", "git://forge.example/owner/dep.git"),
        ("git@forge.example:owner/dep.git", "https://forge.example/owner/dep.git"),
    ] {
        let entry = format!(r#""node_modules/dep": {{"version": "1.0.0", "resolved": "{resolved}#{commit}"}}"#);
        let graph = small("dep", "git", &entry).unwrap();
        let source = Source::Git { url: url.to_owned(), commit: commit.to_owned(), hash: String::new() };
        assert_eq!(graph.entries["node_modules/dep"].source, source);
    }
}

#[test]
fn the_archive_of_a_commit_is_the_commit() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let url = format!("https://codeload.forge.example/owner/dep/tar.gz/{commit}");
    let graph = small("dep", "owner/dep", &format!(r#""node_modules/dep": {{"resolved": "{url}"}}"#)).unwrap();
    let url = "https://forge.example/owner/dep.git".to_owned();
    let source = Source::Git { url, commit: commit.to_owned(), hash: String::new() };
    assert_eq!(graph.entries["node_modules/dep"].source, source);
}

#[test]
fn of_several_hashes_the_strongest_that_nix_knows_counts() {
    let sha1 = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    let sha512 = format!("sha512-{}==", "A".repeat(86));
    let entry = format!(r#""node_modules/dep": {{"version": "1.0.0", "integrity": "{sha1} md5-x {sha512}?opt"}}"#);
    let graph = small("dep", "^1.0.0", &entry).unwrap();
    assert_eq!(graph.entries["node_modules/dep"].source, Source::Registry { integrity: sha512 });
}

#[test]
fn what_the_project_itself_bundles_comes_from_the_registry() {
    let entry = r#""node_modules/dep": {"version": "1.0.0", "inBundle": true, "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}"#;
    let graph = small("dep", "^1.0.0", entry).unwrap();
    assert!(matches!(graph.entries["node_modules/dep"].source, Source::Registry { .. }));
}

#[test]
fn an_optional_dependency_that_nobody_locked_is_left_out() {
    let entry = r#""node_modules/dep": {"version": "1.0.0", "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "optionalDependencies": {"gone": "1"}}"#;
    let graph = small("dep", "^1.0.0", entry).unwrap();
    assert!(graph.entries["node_modules/dep"].dependencies.is_empty());
}

#[test]
fn a_shrinkwrap_is_read_by_its_own_name() {
    let graph = LockFile::Shrinkwrap.read(V3, &project(), REGISTRY).unwrap().graph;
    assert_eq!(graph.judge, Judge::Shipped { file: "npm-shrinkwrap.json".to_owned() });
    assert_eq!(graph.systems, BTreeSet::new());
}

/// The same project as the bot reads it from disk.
fn on_disk(lock: &str) -> catalog::Project {
    let folders = [
        ("lib", include_str!("fixtures/project/lib/package.json")),
        ("packages/one", include_str!("fixtures/project/packages/one/package.json")),
        ("packages/two", include_str!("fixtures/project/packages/two/package.json")),
        ("examples/other", r#"{"name": "other", "dependencies": {"left-out": "1"}}"#),
    ];
    catalog::Project {
        folder: "demo".to_owned(),
        manifest: include_str!("fixtures/project/package.json").to_owned(),
        folders: folders.map(|(path, text)| (path.to_owned(), text.to_owned())).into(),
        lock: Some(("package-lock.json".to_owned(), lock.to_owned())),
        ..catalog::Project::default()
    }
}

#[test]
fn a_project_is_read_with_its_workspace_and_nothing_else() {
    let locked = of_project(&on_disk(V3), REGISTRY).unwrap().unwrap();
    assert_eq!(locked, read(LockFile::PackageLock, V3));
    let none = catalog::Project { lock: None, ..on_disk("") };
    assert_eq!(of_project(&none, REGISTRY).unwrap(), None);
}

#[test]
fn what_the_lock_does_not_say_is_asked_for_and_taken_over() {
    let locked = of_project(&on_disk(V1), REGISTRY).unwrap().unwrap();
    let needs = locked.needs();
    assert_eq!(needs.len(), 18, "{needs:?}");
    let mut known = Known::default();
    let manifests: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(include_str!("fixtures/manifests.json")).unwrap();
    for need in needs {
        match need {
            Need::Manifest { name, version } => {
                let manifest = manifests[&format!("{name}@{version}")].to_string().into();
                known.manifests.insert((name, version), Lookup::Found(manifest));
            }
            Need::Tarball(tarball) => {
                let manifest = manifests["remote@3.2.1"].to_string();
                let files = PackageFiles { manifest, ..PackageFiles::default() };
                known.tarballs.insert(tarball.url, Lookup::Found(files.into()));
            }
            other => panic!("{other:?}"),
        }
    }
    let systems = BTreeSet::from(["x86_64-linux".to_owned()]);
    let completed = locked.clone().completed(&known, &systems).unwrap();
    let newest = read(LockFile::PackageLock, V3).completed(&Known::default(), &systems).unwrap();
    assert_eq!(NpmGraph { lock: String::new(), ..newest }, completed);
    let error = locked.completed(&Known::default(), &systems).unwrap_err();
    insta::assert_snapshot!(error, @"node_modules/@scope/tool of package-lock.json cannot be had: it was not asked for");
}

#[test]
fn the_hash_of_a_commit_is_asked_for() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let entry = format!(r#""node_modules/dep": {{"resolved": "git+ssh://git@forge.example/owner/dep.git#{commit}"}}"#);
    let manifest = r#"{"name": "x", "dependencies": {"dep": "owner/dep"}}"#.to_owned();
    let lock = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {manifest}, {entry}}}}}"#);
    let lock = Some(("package-lock.json".to_owned(), lock));
    let project = catalog::Project { manifest, lock, ..catalog::Project::default() };
    let locked = of_project(&project, REGISTRY).unwrap().unwrap();
    let [Need::Git { spec }] = &locked.needs()[..] else { panic!("{:?}", locked.needs()) };
    assert_eq!(*spec, format!("git+https://forge.example/owner/dep.git#{commit}"));
    let found = GitFiles { commit: commit.to_owned(), hash: "sha256-x".to_owned(), files: PackageFiles::default() };
    let known = Known { gits: [(spec.clone(), Lookup::Found(found.into()))].into(), ..Known::default() };
    let graph = locked.completed(&known, &BTreeSet::new()).unwrap();
    assert!(matches!(&graph.entries["node_modules/dep"].source, Source::Git { hash, .. } if hash == "sha256-x"));
}

#[test]
fn locks_of_old_npm_are_read_with_all_their_oddities() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let hash = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    let lock = format!(
        r#"{{"name": "x", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {{
        "a": {{"version": "1.2.3", "resolved": "https://registry.example/a/-/a-1.2.3.tgz", "integrity": "{hash}",
               "requires": {{"b": "^1.0.0"}}, "dependencies": {{
            "b": {{"version": "1.0.0", "resolved": false, "integrity": "{hash}", "bundled": true}},
            "c": {{"version": "1.0.0", "bundled": true, "optional": true}}}}}},
        "g": {{"version": "git+ssh://git@forge.example/o/g.git#{commit}", "from": "git+ssh://git@forge.example/o/g.git"}},
        "h": {{"version": "github:o/h#{commit}", "from": "github:o/h"}},
        "t": {{"version": "https://files.example/t-2.0.0.tgz", "integrity": "{hash}", "dev": true}},
        "l": {{"version": "file:lib", "dependencies": {{
            "b": {{"version": "2.0.0", "integrity": "{hash}"}}}}}}}}}}"#
    );
    let manifest = r#"{"name": "x", "version": "1.0.0", "dependencies": {"a": "^1.2.0", "g": "o/g", "h": "o/h", "l": "file:lib"},
        "devDependencies": {"t": "https://files.example/t-2.0.0.tgz"}}"#;
    let parse = |text| Manifest::parse("package.json", text).unwrap();
    let folders = [("lib".to_owned(), parse(r#"{"name": "l", "dependencies": {"b": "^2.0.0"}}"#))].into();
    let project = Project { manifest: parse(manifest), folders, ..Project::default() };
    let graph = LockFile::PackageLock.read(&lock, &project, REGISTRY).unwrap().graph;
    check_resolution(&graph);
    insta::assert_snapshot!(tree(&graph), @r#"
    : x 1.0.0 folder ["node_modules/a", "node_modules/g", "node_modules/h", "node_modules/l", "node_modules/t"] []
    lib: l  folder ["lib/node_modules/b"] []
    lib/node_modules/b: b 2.0.0 registry [] []
    node_modules/a: a 1.2.3 registry ["node_modules/a/node_modules/b"] []
    node_modules/a/node_modules/b: b 1.0.0 bundled [] []
    node_modules/a/node_modules/c: c 1.0.0 bundled optional [] []
    node_modules/g: g  https://forge.example/o/g.git#0123456789abcdef0123456789abcdef01234567 [] []
    node_modules/h: h  https://github.com/o/h.git#0123456789abcdef0123456789abcdef01234567 [] []
    node_modules/l: l  -> lib [] []
    node_modules/t: t  https://files.example/t-2.0.0.tgz dev [] []
    "#);
}
