//! The cases thought out by hand, judged by Go: the same build list, graph, packages and files, or a refusal on both sides.
//!
//! `tests/src/go/judge/mod.rs` says how to look at one of them.

use nixwright_tests::go::cases::{cases, misses_its_point, named};
use nixwright_tests::go::judge::{Judge, difference};

/// The part of all cases that this test takes, so that two run beside one another. Shows all differences before it fails.
#[track_caller]
fn agree(part: usize) {
    let mut judge = Judge::new();
    let mut wrong = Vec::new();
    for case in cases().iter().skip(part).step_by(2) {
        let (go, ours) = judge.compare(case);
        let mut say = |what: String| wrong.push(format!("{}: {what}", case.name));
        misses_its_point(case, &go).map(&mut say);
        difference(&go, &ours).map(&mut say);
        for name in named(case).into_iter().filter(|name| !ours.refusals().any(|words| words.contains(name))) {
            say(format!("no refusal of ours names {name} but {:?}", ours.refusals().next()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_other_case_ends_as_with_go() {
    agree(0);
}

#[test]
fn the_cases_between_them_end_as_with_go() {
    agree(1);
}

#[test]
fn there_are_many_cases() {
    assert!(cases().len() >= 75, "only {} cases", cases().len());
}
