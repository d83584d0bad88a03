//! The cases thought out by hand, judged by npm: the same bytes of package-lock.json, or a refusal on both sides.
//!
//! `tests/src/npm/judge/mod.rs` says how to look at one of them.

use nixwright_tests::npm::cases::cases;
use nixwright_tests::npm::generator::universe;
use nixwright_tests::npm::judge::Judge;
use nixwright_tests::npm::universe::Universe;

const GROUPS: [&str; 12] = [
    "alias",
    "bundled",
    "dedupe",
    "flags",
    "local",
    "manifest",
    "optional",
    "override",
    "peer",
    "range",
    "shrinkwrap",
    "workspace",
];

fn is_of(case: &Universe, group: &str) -> bool {
    case.name.starts_with(&format!("{group}: "))
}

/// Shows all differences of a group before it fails.
#[track_caller]
fn agree(groups: &[&str]) {
    let mut judge = Judge::new();
    let ours = cases().into_iter().filter(|case| groups.iter().any(|group| is_of(case, group)));
    let verdicts: Vec<_> = ours.map(|case| judge.compare(&case)).collect();
    assert!(!verdicts.is_empty(), "no cases in {groups:?}");
    let different: Vec<String> = verdicts
        .iter()
        .filter_map(|verdict| verdict.difference().map(|difference| format!("{}\n    {difference}", verdict.name)))
        .collect();
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), verdicts.len(), different.join("\n"));
}

#[test]
fn every_group_of_cases_has_its_test() {
    let all = cases();
    assert!(all.len() >= 200, "only {} cases", all.len());
    for case in &all {
        assert!(GROUPS.iter().any(|group| is_of(case, group)), "{} is in no test", case.name);
    }
}

#[test]
fn ranges_tags_engines_and_deprecations_choose_as_npm_does() {
    agree(&["range", "alias"]);
}

#[test]
fn peers_stand_or_conflict_where_npm_says() {
    agree(&["peer", "dedupe"]);
}

#[test]
fn what_is_optional_goes_as_npm_lets_it_go() {
    agree(&["optional", "flags"]);
}

#[test]
fn overrides_reach_as_far_as_with_npm() {
    agree(&["override"]);
}

#[test]
fn bundles_and_shrinkwraps_are_opened_as_npm_does() {
    agree(&["bundled", "shrinkwrap"]);
}

#[test]
fn folders_tarballs_and_workspaces_are_linked_as_npm_does() {
    agree(&["local", "workspace"]);
}

#[test]
fn odd_manifests_land_in_the_lock_as_npm_writes_them() {
    agree(&["manifest"]);
}

/// The judge asks npm's own code in a process that lives on; a sample shows that the command line says the same.
#[test]
fn npm_in_one_process_is_npm() {
    let mut judge = Judge::new();
    let sample = cases().into_iter().step_by(12).chain((300..400).step_by(25).map(universe));
    for universe in sample {
        let verdict = judge.compare_npm_with_itself(&universe);
        assert_eq!(verdict.difference(), None, "{}", verdict.name);
    }
}
