//! Locks that nobody should build from.

use super::{REGISTRY, check_resolution, project};
use crate::npm::lockfiles::{LockFile, Manifest, Project};

const HASH: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";

/// What the reader says of a lock of version 3 with these entries.
fn refusal(entries: &str) -> String {
    refusal_of(&format!(r#"{{"lockfileVersion": 3, "packages": {{{entries}}}}}"#))
}

fn refusal_of(lock: &str) -> String {
    LockFile::PackageLock.read(lock, &Project::default(), REGISTRY).unwrap_err().to_string()
}

fn at(path: &str) -> String {
    refusal(&format!(r#""{path}": {{"version": "1.0.0", "integrity": "{HASH}"}}"#))
}

#[test]
fn an_entry_without_a_source_or_hash_is_refused_by_name() {
    insta::assert_snapshot!(refusal(r#""node_modules/a": {"version": "1.0.0"}"#), @"node_modules/a of package-lock.json has neither an address nor a hash, so nobody can say what it is; make the lock again");
    insta::assert_snapshot!(
        refusal(r#""node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example/a/-/a-1.0.0.tgz"}"#),
        @"node_modules/a of package-lock.json has no hash, so what https://registry.example/a/-/a-1.0.0.tgz answers cannot be checked; make the lock again with a registry that gives hashes"
    );
    insta::assert_snapshot!(refusal(r#""node_modules/a": {"version": "1.0.0", "integrity": "md5-AAAA"}"#), @r#"node_modules/a of package-lock.json: "md5-AAAA" is no hash that Nix can check (sha512-…, sha256-… or sha1-…)"#);
    insta::assert_snapshot!(refusal(&format!(r#""node_modules/a": {{"integrity": "{HASH}"}}"#)), @"node_modules/a of package-lock.json has neither an address nor a hash, so nobody can say what it is; make the lock again");
    insta::assert_snapshot!(refusal(&format!(r#""node_modules/a": {{"version": "../1", "integrity": "{HASH}"}}"#)), @r#"node_modules/a of package-lock.json: "../1" is no version"#);
}

#[test]
fn places_outside_the_project_are_refused() {
    insta::assert_snapshot!(at("../a"), @r#""../a" in package-lock.json is no place for a package: it leaves the project's folder"#);
    for (path, reason) in [
        ("/etc/node_modules/a", "absolute"),
        ("C:/node_modules/a", "absolute"),
        ("node_modules/a/../../../b", "leaves the project's folder"),
        ("packages/../../b", "leaves the project's folder"),
        ("node_modules/..", "leaves the project's folder"),
        ("node_modules/../..", "leaves the project's folder"),
        ("node_modules/.bin", "is no package name"),
        ("node_modules/@scope", "is no package name"),
        ("node_modules/@../a", "is no package name"),
        ("node_modules/node_modules", "is no package name"),
        ("node_modules/a%2fb", "is no package name"),
        ("node_modules/a b", "is no package name"),
        (r"node_modules\\a", "characters"),
        (r"node_modules/a\u0000", "characters"),
        (r"a\nb", "characters"),
        ("node_modules", "names no package"),
        ("packages//a", "empty part"),
        ("./a", "empty part"),
        ("node_modules/a/sub", "folder within a package"),
        ("node_modules/a/node_modules/b", "the folder around it is not in the lock"),
    ] {
        let message = at(path);
        assert!(message.contains(reason), "{path}: {message}");
    }
    let message = at(&"node_modules/a/".repeat(65));
    assert!(message.contains("too deep"), "{message}");
}

#[test]
fn addresses_that_cannot_be_fetched_are_refused() {
    let from = |address: &str| {
        refusal(&format!(r#""node_modules/a": {{"version": "1.0.0", "resolved": "{address}", "integrity": "{HASH}"}}"#))
    };
    insta::assert_snapshot!(from("https://me:secret@registry.example/a.tgz"), @r#"node_modules/a of package-lock.json comes from "https://…@registry.example/a.tgz": an address must not carry a name or password, it would be published"#);
    for (address, reason) in [
        ("file:../a.tgz", "a tarball in the project's folder"),
        ("ftp://registry.example/a.tgz", "only tarballs over https"),
        ("https://registry.example/a b.tgz", "blanks"),
        ("git+ssh://git@forge.example/a/b.git#main", "the whole commit"),
        ("git+file:///a/b#0123456789abcdef0123456789abcdef01234567", "only git over"),
        ("git+https://me:secret@forge.example/b.git#0123456789abcdef0123456789abcdef01234567", "only git over"),
    ] {
        let message = from(address);
        assert!(message.contains(reason), "{address}: {message}");
    }
}

#[test]
fn links_must_lead_to_a_folder_of_the_project() {
    insta::assert_snapshot!(refusal(r#""node_modules/a": {"resolved": "lib", "link": true}"#), @r#"node_modules/a of package-lock.json is a link to "lib", and the lock has no such entry"#);
    insta::assert_snapshot!(refusal(r#""node_modules/a": {"resolved": "../lib", "link": true}"#), @r#""../lib" in package-lock.json is no place for a package: it leaves the project's folder"#);
    insta::assert_snapshot!(
        refusal(&format!(
            r#""lib": {{}}, "node_modules/a": {{"resolved": "lib", "link": true}},
            "node_modules/a/node_modules/b": {{"version": "1.0.0", "integrity": "{HASH}"}}"#
        )),
        @r#""node_modules/a/node_modules/b" in package-lock.json is no place for a package: the folder around it is a link"#
    );
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let entry = |version: &str| format!(r#""node_modules/a": {{"version": "{version}", "integrity": "{HASH}"}}"#);
    insta::assert_snapshot!(refusal(&format!("{}, {}", entry("1.0.0"), entry("2.0.0"))), @r#"package-lock.json cannot be read: the key "node_modules/a" is there twice at line 1 column 142"#);
    let message = refusal(r#""node_modules/a": {"version": "1.0.0", "version": "2.0.0"}"#);
    assert!(message.contains("duplicate field"), "{message}");
    let message = refusal(r#""node_modules/a": {"dependencies": {"b": "1", "b": "2"}}"#);
    assert!(message.contains("twice"), "{message}");
    let message = refusal_of(r#"{"dependencies": {"a": {"version": "1"}, "a": {"version": "2"}}}"#);
    assert!(message.contains("twice"), "{message}");
}

#[test]
fn nesting_without_end_is_refused() {
    let nested = "{\"dependencies\":{\"a\":".repeat(5_000);
    let message = refusal_of(&nested);
    assert!(message.contains("recursion limit"), "{message}");
}

#[test]
fn a_version_of_the_future_is_refused() {
    insta::assert_snapshot!(refusal_of(r#"{"lockfileVersion": 4, "packages": {}}"#), @"package-lock.json is of version 4; 1, 2 and 3 are read; update nixwright, or write the lock in one of these");
}

#[test]
fn a_lock_of_another_manifest_is_refused() {
    let project = |dependencies: &str| {
        let text = format!(r#"{{"name": "x", "dependencies": {{{dependencies}}}}}"#);
        Project { manifest: Manifest::parse("package.json", &text).unwrap(), ..Project::default() }
    };
    let lock = format!(
        r#"{{"lockfileVersion": 3, "packages": {{"node_modules/a": {{"version": "1.2.0", "integrity": "{HASH}"}}}}}}"#
    );
    let read = |dependencies| LockFile::PackageLock.read(&lock, &project(dependencies), REGISTRY);
    assert!(read(r#""a": "^1.1.0""#).is_ok());
    assert!(read(r#""a": "latest""#).is_ok());
    insta::assert_snapshot!(read(r#""a": "^2.0.0""#).unwrap_err(), @"package-lock.json is not of this package.json: a is ^2.0.0 there and 1.2.0 in the lock; make the lock again");
    insta::assert_snapshot!(read(r#""a": "1", "b": "1""#).unwrap_err(), @"package-lock.json is not of this package.json: b is asked for there and missing in the lock; make the lock again");
}

#[test]
fn a_package_that_lacks_what_it_needs_is_refused() {
    let entry =
        format!(r#""node_modules/a": {{"version": "1.0.0", "integrity": "{HASH}", "dependencies": {{"b": "1"}}}}"#);
    insta::assert_snapshot!(refusal(&entry), @"node_modules/a of package-lock.json needs b, and the lock has no entry that answers; make the lock again");
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let lock =
        r#""packages/gone": {"version": "1.0.0"}, "node_modules/gone": {"resolved": "packages/gone", "link": true}"#;
    insta::assert_snapshot!(refusal(lock), @"package-lock.json has the folder packages/gone of the project, and there is no package.json; make the lock again");
}

/// A sequence of numbers that is the same every time.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |limit| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    }
}

#[test]
fn damaged_locks_are_refused_or_still_hold_together() {
    let locks = [
        (LockFile::PackageLock, include_str!("fixtures/package-lock-v1.json")),
        (LockFile::PackageLock, include_str!("fixtures/package-lock-v2.json")),
        (LockFile::PackageLock, include_str!("fixtures/package-lock-v3.json")),
        (LockFile::Pnpm, include_str!("fixtures/pnpm-lock-v5.4.yaml")),
        (LockFile::Pnpm, include_str!("fixtures/pnpm-lock-v6.yaml")),
        (LockFile::Pnpm, include_str!("fixtures/pnpm-lock-v9.yaml")),
        (LockFile::Yarn, include_str!("fixtures/yarn.lock")),
    ];
    let project = project();
    for (file, text) in locks {
        // Words of the lock itself and of those who mean no good, at the places of others.
        let words: Vec<&str> = text.split(['"', '\'', ' ', '\n', '/', '@']).filter(|word| !word.is_empty()).collect();
        let evil =
            ["..", "/", "\\", "\u{0}", "node_modules", "link:../..", "file:..", "{}", "[", "__proto__", "git+x#y"];
        for seed in 0..60 {
            let mut number = numbers(seed);
            let mut lock = text.to_owned();
            for _ in 0..=number(3) {
                let old = words[number(words.len())];
                let new = if number(2) == 0 { evil[number(evil.len())] } else { words[number(words.len())] };
                let places: Vec<usize> = lock.match_indices(old).map(|(at, _)| at).collect();
                if !places.is_empty() {
                    let at = places[number(places.len())];
                    lock.replace_range(at..at + old.len(), new);
                }
            }
            if let Ok(locked) = file.read(&lock, &project, REGISTRY) {
                check_resolution(&locked.graph);
                let safe =
                    |path: &str| !path.split('/').any(|part| matches!(part, ".." | ".")) && !path.starts_with('/');
                assert!(locked.graph.entries.keys().all(|path| safe(path)), "{lock}");
            }
        }
    }
}
