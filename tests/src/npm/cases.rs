//! The cases that were thought out by hand: `tests/fixtures/npm/*.json`, an object of universes by name in each. What comes
//! out of them is nowhere written down, npm says it.

use serde_json::{Map, Value};

use super::universe::Universe;
use crate::fixture::fixtures;

/// All of them, each called after its file and its own name: `peer: a conflict at the root`.
pub fn cases() -> Vec<Universe> {
    let folder = fixtures().join("npm");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder's entry").path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let all: Map<String, Value> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let group = file.file_stem().and_then(|stem| stem.to_str()).expect("plain names");
        cases.extend(all.into_iter().map(|(name, content)| Universe::new(&format!("{group}: {name}"), content)));
    }
    cases
}
