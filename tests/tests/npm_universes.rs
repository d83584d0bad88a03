//! A hundred universes made at random, judged by npm. `make corpus-npm` takes two thousand.

use nixwright_tests::npm::generator::universe;
use nixwright_tests::npm::judge::{Judge, Outcome, Verdict};

/// Shows all differences before it fails.
#[track_caller]
fn agree(seeds: impl IntoIterator<Item = u64>) -> Vec<Verdict> {
    let mut judge = Judge::new();
    let verdicts: Vec<_> = seeds.into_iter().map(|seed| judge.compare(&universe(seed))).collect();
    let different: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| verdict.difference().map(|difference| format!("{}\n    {difference}", verdict.name)))
        .collect();
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), verdicts.len(), different.join("\n"));
    verdicts
}

/// Most of them have to say something: what both sides refuse is soon the same.
#[track_caller]
fn mostly_resolve(verdicts: &[Verdict]) {
    let resolved = verdicts.iter().filter(|verdict| matches!(verdict.npm, Outcome::Lock(_))).count();
    assert!(resolved * 10 > verdicts.len() * 7, "only {resolved} of {} resolve", verdicts.len());
}

#[test]
fn fifty_universes_resolve_as_with_npm() {
    mostly_resolve(&agree(300..350));
}

#[test]
fn fifty_more_universes_resolve_as_with_npm() {
    mostly_resolve(&agree(350..400));
}

/// What ours once did otherwise: peers that bring in peers for ever (it ended with the stack; npm does not end), a peer that pushes out
/// where the search for the next one's place began, and an override whose key is a tag.
#[test]
fn universes_that_once_went_wrong_are_refused_as_npm_does() {
    let verdicts = agree([16, 660, 1539]);
    assert!(verdicts.iter().all(|verdict| matches!(verdict.ours, Outcome::Failed { .. })), "{verdicts:?}");
}
