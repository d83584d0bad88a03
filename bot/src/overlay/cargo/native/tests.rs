use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{TABLE, unknown};
use crate::overlay::cargo::tests::{graph, package, unit};

const TEXT: &str = include_str!("../../../../../templates/overlay/lib/cargo/native.json");

/// Crates of the corpus (`tests/corpus/cargo.txt`, all that is in their locks) that have `links` or are named like one that does.
const OF_THE_CORPUS: &str = "\
    aws-lc-rs aws-lc-sys bsd-kvm-sys clang-sys core-foundation-sys defmt dirs-sys fsevent-sys inotify-sys jni-sys js-sys kqueue-sys \
    libgit2-sys libmimalloc-sys libssh2-sys libz-sys linux-raw-sys mac-notification-sys nvml-wrapper-sys onig_sys openssl-sys \
    pcre2-sys perf-event-open-sys prettyplease rayon-core ring security-framework-sys system-configuration-sys tikv-jemalloc-sys \
    vswhom-sys wasm-bindgen-shared web-sys windows-sys";

#[test]
fn every_such_crate_of_the_corpus_is_known() {
    let strangers: Vec<&str> = OF_THE_CORPUS.split_whitespace().filter(|name| !TABLE.knows(name)).collect();
    assert_eq!(strangers, Vec::<&str>::new());
}

#[test]
fn only_what_is_compiled_for_a_built_system_and_has_links_is_named() {
    let (linux, darwin) = ("x86_64-linux", "aarch64-darwin");
    let graph = graph(
        [
            package("unheard-of-sys", Some("heard")),
            package("far-sys", Some("far")),
            package("idle-sys", Some("idle")),
            package("plain", None),
            package("openssl-sys", Some("openssl")),
            package("tree-sitter-lamp", Some("tree-sitter-lamp")),
        ],
        [
            (linux, vec![unit("unheard-of-sys"), unit("plain"), unit("openssl-sys"), unit("tree-sitter-lamp")]),
            (darwin, vec![unit("far-sys")]),
        ],
    );
    let named = |system: &str| {
        let systems = [system.parse().unwrap()];
        unknown(&graph, &systems).into_iter().map(|package| package.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(named(linux), ["unheard-of-sys"]);
    assert_eq!(named(darwin), ["far-sys"]);
}

/// What a rule has to say on which the builders depend.
#[test]
fn every_rule_is_one_that_the_builders_read() {
    let table: Value = serde_json::from_str(TEXT).unwrap();
    let names = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let attributes = |value: &Value, place: &str| {
        for attribute in names(value) {
            let is_one = attribute.split('.').all(|part| {
                part.starts_with(|c: char| c.is_ascii_alphabetic())
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            });
            assert!(is_one, "{place}: {attribute}");
        }
    };
    for (name, tools) in table["tools"].as_object().unwrap() {
        attributes(tools, name);
    }
    for (name, rules) in table["crates"].as_object().unwrap() {
        let rules = rules.as_array().unwrap();
        assert!(!rules.is_empty(), "{name} needs nothing, so it belongs to the others that need nothing");
        for rule in rules {
            for (key, value) in rule.as_object().unwrap() {
                match key.as_str() {
                    "on" => assert!(["linux", "darwin"].contains(&value.as_str().unwrap()), "{name}: {value}"),
                    "with" | "unless" => assert!(!names(value).is_empty(), "{name}"),
                    "buildInputs" | "nativeBuildInputs" => attributes(value, name),
                    "env" => drop(serde_json::from_value::<BTreeMap<String, String>>(value.clone()).unwrap()),
                    _ => panic!("{name}: {key}"),
                }
            }
        }
    }
    let nothing: BTreeSet<String> = names(&table["nothing"]).into_iter().collect();
    assert_eq!(nothing.len(), TABLE.nothing.len(), "one of them is there twice");
    assert!(nothing.iter().all(|name| !TABLE.crates.contains_key(name)), "one is in both lists");
}

/// A changed entry is a changed line.
#[test]
fn entries_are_sorted_each_on_a_line_of_its_own() {
    let keys: Vec<&str> = TEXT
        .lines()
        .skip_while(|line| !line.starts_with("\"crates\""))
        .skip(1)
        .map_while(|line| line.strip_prefix('"')?.split_once("\": [{").map(|(name, _)| name))
        .collect();
    assert_eq!(keys.len(), TABLE.crates.len());
    assert!(keys.is_sorted(), "{keys:?}");
}
