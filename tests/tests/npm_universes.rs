//! A hundred universes made at random, judged by npm. `make corpus-npm` takes two thousand.

use std::ops::Range;

use nixwright_tests::npm::generator::universe;
use nixwright_tests::npm::judge::{Judge, Outcome};

/// Shows all differences before it fails.
#[track_caller]
fn agree(seeds: Range<u64>) {
    let mut judge = Judge::new();
    let verdicts: Vec<_> = seeds.map(|seed| judge.compare(&universe(seed))).collect();
    let different: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| verdict.difference().map(|difference| format!("{}\n    {difference}", verdict.name)))
        .collect();
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), verdicts.len(), different.join("\n"));
    let resolved = verdicts.iter().filter(|verdict| matches!(verdict.npm, Outcome::Lock(_))).count();
    assert!(resolved * 10 > verdicts.len() * 7, "only {resolved} of {} resolve", verdicts.len());
}

#[test]
fn fifty_universes_resolve_as_with_npm() {
    agree(300..350);
}

#[test]
fn fifty_more_universes_resolve_as_with_npm() {
    agree(350..400);
}
