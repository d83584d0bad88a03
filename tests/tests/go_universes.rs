//! A hundred universes made at random, judged by Go. `make corpus-go` takes two thousand.

use nixwright_tests::go::generator::universe;
use nixwright_tests::go::judge::{Judge, difference};

/// Shows all differences before it fails.
#[track_caller]
fn agree(seeds: impl IntoIterator<Item = u64>, resolve: u64) {
    let mut judge = Judge::new();
    let (mut different, mut resolved) = (Vec::new(), 0);
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let all = seeds.len();
    for seed in seeds {
        let (go, ours) = judge.compare(&universe(seed));
        resolved += u64::from(go.resolves());
        different.extend(difference(&go, &ours).map(|what| format!("seed {seed}\n    {what}")));
    }
    assert!(different.is_empty(), "{} of {all} differ\n{}", different.len(), different.join("\n"));
    assert!(resolved >= resolve, "only {resolved} of {all} resolve");
}

#[test]
fn fifty_universes_resolve_as_with_go() {
    agree(0..50, 30);
}

#[test]
fn fifty_more_universes_resolve_as_with_go() {
    agree(50..100, 30);
}

/// Whose programs are there on some systems only, or are in the roots of a graph with a fault on some only.
#[test]
fn universes_that_differ_by_system_resolve_as_with_go() {
    agree([324, 620, 1214, 1437], 0);
}
