//! The cases that were thought out by hand: `tests/fixtures/go/*.txtar`. What comes out of them is nowhere written down, Go
//! says it; only whether it refuses, and in which words, so that a case shows what it is meant to.

use super::judge::Answers;
use super::universe::{Directive, Universe};
use crate::fixture::fixtures;

/// All of them, each called after its file.
pub fn cases() -> Vec<Universe> {
    let folder = fixtures().join("go");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder's entry").path())
        .collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().and_then(|stem| stem.to_str()).expect("plain names");
        Universe::parse(name, &text)
    };
    files.iter().map(read).collect()
}

/// What is wrong where Go does not say what a case is there to show.
pub fn misses_its_point(case: &Universe, go: &Answers) -> Option<String> {
    let expected = case.directives.iter().find_map(|directive| match directive {
        Directive::Refused(words) => Some(words),
        _ => None,
    });
    let said: Vec<&str> = go.refusals().collect();
    match expected {
        None => said.first().map(|said| format!("Go refuses: {said}")),
        Some(words) if said.iter().any(|said| said.contains(words)) => None,
        Some(words) => Some(format!("Go does not refuse with {words:?} but says {said:?}")),
    }
}

/// What our refusal has to name.
pub fn named(case: &Universe) -> Vec<&str> {
    let named = case.directives.iter().filter_map(|directive| match directive {
        Directive::Named(what) => Some(what.as_str()),
        _ => None,
    });
    named.collect()
}
