//! The cases thought out by hand, judged by Go.
//!
//! `tests/src/go/judge/mod.rs` says how to look at one of them.

use nixwright_tests::go::cases::{cases, misses_its_point};
use nixwright_tests::go::judge::Judge;

#[test]
fn go_says_what_the_cases_are_there_to_show() {
    let mut judge = Judge::new();
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.name, misses_its_point(case, &judge.ask_go(case))?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
