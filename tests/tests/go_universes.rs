//! A hundred universes made at random, judged by Go. `make corpus-go` takes two thousand.

use std::ops::Range;

use nixwright_tests::go::generator::universe;
use nixwright_tests::go::judge::{Judge, difference};

/// Shows all differences before it fails.
#[track_caller]
fn agree(seeds: Range<u64>) {
    let mut judge = Judge::new();
    let (mut different, mut resolved) = (Vec::new(), 0);
    let all = seeds.end - seeds.start;
    for seed in seeds {
        let (go, ours) = judge.compare(&universe(seed));
        resolved += u64::from(go.resolves());
        different.extend(difference(&go, &ours).map(|what| format!("seed {seed}\n    {what}")));
    }
    assert!(different.is_empty(), "{} of {all} differ\n{}", different.len(), different.join("\n"));
    assert!(resolved * 10 > all * 6, "only {resolved} of {all} resolve");
}

#[test]
fn fifty_universes_resolve_as_with_go() {
    agree(0..50);
}

#[test]
fn fifty_more_universes_resolve_as_with_go() {
    agree(50..100);
}
