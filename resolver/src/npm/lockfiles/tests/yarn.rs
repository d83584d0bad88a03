//! `yarn.lock` of yarn 1.

use super::{REGISTRY, check_resolution, completed, read, tree};
use crate::npm::lockfiles::yarn_syntax::parse;
use crate::npm::lockfiles::{LockFile, Manifest, Project};
use crate::plan::npm::Source;

const LOCK: &str = include_str!("fixtures/yarn.lock");

#[test]
fn yarns_lock_becomes_a_tree_like_npms() {
    let graph = completed(read(LockFile::Yarn, LOCK));
    check_resolution(&graph);
    insta::assert_snapshot!(tree(&graph), @r#"
    : demo 1.0.0 folder ["node_modules/@demo/two", "node_modules/@scope/tool", "node_modules/alpha", "node_modules/bundler", "node_modules/dev-only", "node_modules/gamma", "node_modules/lib", "node_modules/native", "node_modules/one", "node_modules/other", "node_modules/remote", "node_modules/ring-a"] ["cli.js"]
    lib: lib 0.1.0 folder ["node_modules/delta"] []
    node_modules/@demo/two: @demo/two 1.0.0 -> packages/two [] []
    node_modules/@scope/tool: @scope/tool 1.0.0 registry ["node_modules/alpha", "node_modules/delta"] ["tool.js"]
    node_modules/alpha: alpha 1.1.0 registry ["node_modules/beta"] []
    node_modules/beta: beta 1.0.0 registry [] []
    node_modules/bundler: bundler 1.0.0 registry ["node_modules/alpha", "node_modules/inner"] []
    node_modules/deeper: deeper 1.0.0 registry [] []
    node_modules/delta: delta 1.0.0 registry [] []
    node_modules/dev-deep: dev-deep 1.0.0 registry dev [] ["deep.js"]
    node_modules/dev-only: dev-only 1.0.0 registry dev ["node_modules/dev-deep", "node_modules/native-runtime"] []
    node_modules/gamma: gamma 1.0.0 registry ["node_modules/alpha", "node_modules/gamma/node_modules/beta"] ["cli.js"]
    node_modules/gamma/node_modules/beta: beta 2.0.0 registry [] []
    node_modules/inner: inner 1.0.0 registry ["node_modules/deeper"] []
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
fn the_hash_behind_an_address_counts_where_there_is_no_other() {
    let graph = read(LockFile::Yarn, LOCK).graph;
    let source = Source::Tarball {
        url: "https://registry.example/elsewhere/remote.tgz".to_owned(),
        integrity: "sha1-EsjbxN3HP9VUqMU51pDdtMDZOfE=".to_owned(),
    };
    assert_eq!(graph.entries["node_modules/remote"].source, source);
}

fn message(manifest: &str, lock: &str) -> String {
    let project = Project { manifest: Manifest::parse("package.json", manifest).unwrap(), ..Project::default() };
    LockFile::Yarn.read(lock, &project, REGISTRY).unwrap_err().to_string()
}

#[test]
fn what_is_no_lock_of_yarn_1_is_refused_with_its_line() {
    let lock = |text: &str| message("{}", text);
    insta::assert_snapshot!(lock("__metadata:\n  version: 6\n"), @"yarn.lock is of version 2 or newer; those of yarn 1 are read; update nixwright, or write the lock in one of these");
    insta::assert_snapshot!(lock("a@1:\n  version \"1.0.0\"\n<<<<<<< HEAD\n"), @"yarn.lock cannot be read: a merge conflict is not resolved, in line 3");
    insta::assert_snapshot!(lock("a@1:\n  version \"1.0.0\"\n\na@1:\n  version \"2.0.0\"\n"), @r#"yarn.lock cannot be read: the key "a@1" is there twice, in line 5"#);
    for (text, reason) in [
        ("a@1\n", "keys end with a colon"),
        ("\"a@1:\n", "a quoted text does not end"),
        ("  version \"1\"\n", "belongs to no key"),
        ("a@1:\n    b \"1\"\n", "belongs to no list"),
        ("a@1:\n   b \"1\"\n", "indented as none should be"),
        ("a@1:\n  version\n", "a value is missing"),
        ("a@1:\n  version \"1\" 2\n", "something follows"),
        ("a@1:\n  version \"1\"\n  version \"2\"\n", "a field is there twice"),
        ("a@1:\n  dependencies:\n    b \"1\"\n    b \"2\"\n", "a dependency is there twice"),
    ] {
        let message = lock(text);
        assert!(message.contains(reason), "{text}: {message}");
    }
}

#[test]
fn keys_are_read_as_yarn_writes_them() {
    let text = "# comment\n\n\"@s/a@^1.0.0\", \"@s/a@>=1 <2\", b@1.x:\n  version \"1.0.0\"\n  other:\n    x y\n  dependencies:\n    \"@s/c\" \"^1\"\n    d \"*\"\n";
    let blocks = parse("yarn.lock", text).unwrap();
    assert_eq!(blocks.keys().collect::<Vec<_>>(), ["@s/a@>=1 <2", "@s/a@^1.0.0", "b@1.x"]);
    assert_eq!(blocks["b@1.x"].dependencies["@s/c"], "^1");
}

#[test]
fn entries_that_cannot_be_checked_are_refused_by_name() {
    let manifest = r#"{"dependencies": {"a": "1"}}"#;
    insta::assert_snapshot!(message(manifest, "a@1:\n  version \"1.0.0\"\n"), @"a@1 of yarn.lock has neither an address nor a hash, so nobody can say what it is; make the lock again");
    insta::assert_snapshot!(message(manifest, "a@1:\n  version \"1.0.0\"\n  resolved \"https://registry.example/a.tgz\"\n"), @"a@1 of yarn.lock has no hash, so what https://registry.example/a.tgz answers cannot be checked; make the lock again with a registry that gives hashes");
    insta::assert_snapshot!(message(manifest, ""), @"yarn.lock is not of this package.json: a is 1 there and missing in the lock; make the lock again");
    let hash = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    let lock = format!("a@1:\n  version \"1.0.0\"\n  integrity {hash}\n  dependencies:\n    b \"1\"\n");
    insta::assert_snapshot!(message(manifest, &lock), @"a@1 of yarn.lock needs b@1, and the lock has no entry that answers; make the lock again");
}

#[test]
fn resolutions_answer_for_what_they_force() {
    let manifest = r#"{"dependencies": {"a": "1"}, "resolutions": {"**/a": "2.0.0"}}"#;
    let project = Project { manifest: Manifest::parse("package.json", manifest).unwrap(), ..Project::default() };
    let lock = "a@2.0.0:\n  version \"2.0.0\"\n  integrity sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n";
    let graph = LockFile::Yarn.read(lock, &project, REGISTRY).unwrap().graph;
    assert_eq!(graph.entries["node_modules/a"].version, "2.0.0");
}
