//! `pnpm-lock.yaml`, versions 5.4, 6 and 9.

use super::{REGISTRY, check_resolution, completed, project, tree};
use crate::npm::lockfiles::{LockFile, Locked, Manifest, Project};
use crate::plan::npm::{NpmGraph, Source};

const V5: &str = include_str!("fixtures/pnpm-lock-v5.4.yaml");
const V6: &str = include_str!("fixtures/pnpm-lock-v6.yaml");
const V9: &str = include_str!("fixtures/pnpm-lock-v9.yaml");

/// pnpm gives tarballs outside of the registry no hash; the fixtures' project is read without its one.
fn read(text: &str) -> Locked {
    let text = text.replace(
        "{tarball: https://registry.example/elsewhere/remote.tgz}",
        "{tarball: https://registry.example/elsewhere/remote.tgz, integrity: sha1-EsjbxN3HP9VUqMU51pDdtMDZOfE=}",
    );
    LockFile::Pnpm.read(&text, &project(), REGISTRY).unwrap()
}

fn graph(text: &str) -> NpmGraph {
    completed(read(text))
}

#[test]
fn pnpms_lock_becomes_a_tree_like_npms() {
    let graph = graph(V9);
    check_resolution(&graph);
    insta::assert_snapshot!(tree(&graph), @r#"
    : demo 1.0.0 folder ["node_modules/@demo/two", "node_modules/@scope/tool", "node_modules/alpha", "node_modules/bundler", "node_modules/dev-only", "node_modules/gamma", "node_modules/lib", "node_modules/native", "node_modules/one", "node_modules/other", "node_modules/remote", "node_modules/ring-a"] ["cli.js"]
    lib: lib 0.1.0 folder ["node_modules/delta"] []
    node_modules/@demo/two: @demo/two 1.0.0 -> packages/two [] []
    node_modules/@scope/tool: @scope/tool 1.0.0 registry ["node_modules/alpha", "node_modules/delta"] ["tool.js"]
    node_modules/alpha: alpha 1.1.0 registry ["node_modules/beta"] []
    node_modules/beta: beta 1.0.0 registry [] []
    node_modules/bundler: bundler 1.0.0 registry ["node_modules/alpha"] []
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
fn all_versions_of_a_lock_say_the_same() {
    let newest = graph(V9);
    for (name, text) in [("5.4", V5), ("6", V6)] {
        let mut other = graph(text);
        check_resolution(&other);
        // These versions of pnpm leave out peers that are optional.
        let delta = newest.entries["node_modules/@scope/tool"].clone();
        other.entries.insert("node_modules/@scope/tool".to_owned(), delta);
        for (path, entry) in &newest.entries {
            assert_eq!(other.entries.get(path), Some(entry), "version {name}: {path}");
        }
        assert_eq!(other.entries.len(), newest.entries.len(), "version {name}");
    }
}

#[test]
fn a_tarball_without_a_hash_is_refused_by_name() {
    let refusal = |text: &str| LockFile::Pnpm.read(text, &project(), REGISTRY).unwrap_err().to_string();
    insta::assert_snapshot!(refusal(V9), @"remote@https://registry.example/elsewhere/remote.tgz of pnpm-lock.yaml has no hash, so what https://registry.example/elsewhere/remote.tgz answers cannot be checked; make the lock again with a registry that gives hashes");
}

/// What a lock of version 9 says for a project with one dependency.
fn small(spec: &str, version: &str, rest: &str) -> Result<NpmGraph, String> {
    let manifest = format!(r#"{{"name": "x", "dependencies": {{"dep": "{spec}"}}}}"#);
    let project = Project { manifest: Manifest::parse("package.json", &manifest).unwrap(), ..Project::default() };
    let lock = format!(
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      dep:\n        specifier: {spec}\n        version: {version}\n{rest}"
    );
    let read = LockFile::Pnpm.read(&lock, &project, REGISTRY);
    read.map(|locked| locked.graph).map_err(|error| error.to_string())
}

#[test]
fn git_dependencies_keep_their_commit() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let source = Source::Git {
        url: "https://forge.example/owner/dep.git".to_owned(),
        commit: commit.to_owned(),
        hash: String::new(),
    };
    for resolution in [
        format!("{{commit: {commit}, repo: 'git@forge.example:owner/dep.git', type: git}}"),
        format!("{{commit: {commit}, repo: 'https://forge.example/owner/dep.git', type: git}}"),
        format!("{{tarball: 'https://codeload.forge.example/owner/dep/tar.gz/{commit}'}}"),
    ] {
        let id = format!("https://codeload.forge.example/owner/dep/tar.gz/{commit}");
        let rest = format!(
            "packages:\n  dep@{id}:\n    resolution: {resolution}\n    version: 1.0.0\nsnapshots:\n  dep@{id}: {{}}\n"
        );
        assert_eq!(small("owner/dep", &id, &rest).unwrap().entries["node_modules/dep"].source, source);
    }
}

#[test]
fn copies_with_other_peers_stand_apart() {
    let package = |id: &str, rest: &str| {
        format!("  {id}:\n    resolution: {{integrity: sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=}}\n{rest}")
    };
    let packages = [
        package("dep@1.0.0", ""),
        package("plugin@1.0.0", "    peerDependencies:\n      host: '*'\n"),
        package("host@1.0.0", ""),
        package("host@2.0.0", ""),
        package("other@1.0.0", ""),
    ]
    .concat();
    let snapshots = "snapshots:
  dep@1.0.0:
    dependencies:
      host: 1.0.0
      other: 1.0.0
      plugin: 1.0.0(host@1.0.0)
  other@1.0.0:
    dependencies:
      host: 2.0.0
      plugin: 1.0.0(host@2.0.0)
  host@1.0.0: {}
  host@2.0.0: {}
  plugin@1.0.0(host@1.0.0):
    dependencies:
      host: 1.0.0
  plugin@1.0.0(host@2.0.0):
    dependencies:
      host: 2.0.0
";
    let graph = small("^1.0.0", "1.0.0", &format!("packages:\n{packages}{snapshots}")).unwrap();
    check_resolution(&graph);
    insta::assert_snapshot!(tree(&graph), @r#"
    : x  folder ["node_modules/dep"] []
    node_modules/dep: dep 1.0.0 registry ["node_modules/host", "node_modules/other", "node_modules/plugin"] []
    node_modules/host: host 1.0.0 registry [] []
    node_modules/other: other 1.0.0 registry ["node_modules/other/node_modules/host", "node_modules/other/node_modules/plugin"] []
    node_modules/other/node_modules/host: host 2.0.0 registry [] []
    node_modules/other/node_modules/plugin: plugin 1.0.0 registry ["node_modules/other/node_modules/host"] []
    node_modules/plugin: plugin 1.0.0 registry ["node_modules/host"] []
    "#);
}

#[test]
fn hostile_or_foreign_locks_are_refused() {
    let refusal = |rest: &str| small("^1.0.0", "1.0.0", rest).unwrap_err();
    insta::assert_snapshot!(refusal(""), @"the project of pnpm-lock.yaml needs dep 1.0.0, and the lock has no entry that answers; make the lock again");
    insta::assert_snapshot!(refusal("patchedDependencies:\n  dep@1.0.0: patches/dep.patch\n"), @r#"dep@1.0.0 of pnpm-lock.yaml comes from "patches/dep.patch": patches are not applied here; put the patched package into a folder and depend on that"#);
    insta::assert_snapshot!(refusal("packages:\n  dep@1.0.0: {}\nsnapshots:\n  dep@1.0.0: {}\n"), @"dep@1.0.0 of pnpm-lock.yaml has neither an address nor a hash, so nobody can say what it is; make the lock again");
    insta::assert_snapshot!(refusal("packages:\n  ../dep@1.0.0: {}\nsnapshots:\n  ../dep@1.0.0: {}\n"), @r#""../dep" in pnpm-lock.yaml is no package name: a name begins with a letter or a digit"#);
    let twice = refusal("packages:\n  dep@1.0.0: {}\n  dep@1.0.0: {}\n");
    assert!(twice.contains("twice") || twice.contains("duplicate"), "{twice}");
    let read = |text: &str| LockFile::Pnpm.read(text, &Project::default(), REGISTRY).unwrap_err().to_string();
    insta::assert_snapshot!(read("lockfileVersion: 4\n"), @"pnpm-lock.yaml is of version 4; 5.3, 5.4, 6 and 9 are read; update nixwright, or write the lock in one of these");
    let nested = read(&format!("lockfileVersion: '9.0'\nimporters: {}", "[".repeat(5_000)));
    assert!(nested.contains("pnpm-lock.yaml cannot be read"), "{nested}");
    let link = "importers:\n  ../../outside: {}\n";
    let outside = read(&format!("lockfileVersion: '9.0'\n{link}"));
    assert!(outside.contains("leaves the project's folder"), "{outside}");
}

#[test]
fn a_lock_of_another_manifest_is_refused() {
    let manifest = Manifest::parse("package.json", r#"{"dependencies": {"dep": "^2.0.0"}}"#).unwrap();
    let project = Project { manifest, ..Project::default() };
    let lock = "lockfileVersion: '6.0'\ndependencies:\n  dep:\n    specifier: ^1.0.0\n    version: 1.0.0\n";
    insta::assert_snapshot!(LockFile::Pnpm.read(lock, &project, REGISTRY).unwrap_err(), @"pnpm-lock.yaml is not of this package.json: dep is ^2.0.0 there and ^1.0.0 in the lock; make the lock again");
}
