use std::collections::BTreeSet;

use super::{
    Candidate, Decision, Known, OtherPullRequest, PackageState, PrState, PullRequest, ReasonCode, State, Timestamp,
    Watched, Why, decide, group_version, member_version,
};
use crate::stages::watch::{Choice, Origin};

const NOW: &str = "2026-11-22T12:00:00Z";
const LATER: &str = "2026-11-22T13:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn upstream(version: &str) -> Watched {
    let origin = Origin::Cargo { name: "tool".to_owned(), sha256: "0".repeat(64) };
    let entry = Candidate { version: version.to_owned(), published: None, origin };
    let choice = Choice { release: Some(entry), waiting: None };
    Watched { choice, why_nothing: "has nothing".to_owned(), withdrawn: BTreeSet::new() }
}

/// The same, with a version that was taken back.
fn withdrawing(version: &str, withdrawn: &str) -> Watched {
    Watched { withdrawn: BTreeSet::from([withdrawn.to_owned()]), ..upstream(version) }
}

fn failed(version: &str, next_attempt: &str) -> PackageState {
    PackageState {
        state: State::Failed,
        version: Some(version.to_owned()),
        published: None,
        reason: "it broke".to_owned(),
        code: None,
        next_attempt: Some(at(next_attempt)),
    }
}

fn request(version: &str, state: PrState, failed: bool) -> PullRequest {
    PullRequest {
        number: 7,
        branch: "nixwright/tool".parse().unwrap(),
        attr: None,
        title: String::new(),
        body: String::new(),
        head: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        base: "main".to_owned(),
        version: version.to_owned(),
        failed,
        state,
        merge_commit: None,
        opened: at(NOW),
        updated: at(NOW),
        closed: None,
        draft: false,
        url: None,
        persons: Vec::new(),
        forge_updated: None,
    }
}

fn known<'a>(current: Option<&'a str>, state: Option<&'a PackageState>, request: Option<&'a PullRequest>) -> Known<'a> {
    Known {
        current,
        state,
        request,
        built: true,
        stale: false,
        others: &[],
        hold: None,
        quiet_until: None,
        limit_reached: false,
        pinned: false,
        differs: false,
        now: at(NOW),
    }
}

fn why(decision: Decision) -> Why {
    match decision {
        Decision::Consider(_, why) => why,
        other => panic!("{other:?}"),
    }
}

fn code(decision: Decision) -> ReasonCode {
    match decision {
        Decision::Wait(wait) => wait.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_release_is_considered_and_so_is_the_one_that_main_has() {
    for (current, expected) in [(None, Why::New), (Some("1.0.0"), Why::New), (Some("1.1.0"), Why::Same)] {
        assert_eq!(why(decide(&upstream("1.1.0"), &known(current, None, None))), expected);
    }
}

#[test]
fn an_older_release_than_the_one_in_main_is_not_proposed_unless_that_was_withdrawn() {
    assert_eq!(code(decide(&upstream("1.1.0"), &known(Some("1.2.0"), None, None))), ReasonCode::Newer);
    let quiet = Known { quiet_until: Some(at(LATER)), limit_reached: true, ..known(Some("1.2.0"), None, None) };
    assert_eq!(why(decide(&withdrawing("1.1.0", "1.2.0"), &quiet)), Why::Withdrawn, "going back does not wait");
}

#[test]
fn a_version_that_is_pinned_may_lie_behind() {
    let pinned = Known { pinned: true, ..known(Some("1.2.0"), None, None) };
    assert_eq!(why(decide(&upstream("1.1.0"), &pinned)), Why::New);
}

#[test]
fn new_files_for_the_release_that_main_has_are_proposed_as_any_other_change() {
    let differing = |known: Known<'_>| decide(&upstream("1.1.0"), &Known { differs: true, ..known });
    let main_has_it = || known(Some("1.1.0"), None, None);
    assert_eq!(why(differing(main_has_it())), Why::Same);
    let quiet = Known { quiet_until: Some(at(LATER)), ..main_has_it() };
    assert_eq!(code(differing(quiet)), ReasonCode::QuietHours);
    let closed = request("1.1.0", PrState::Closed, false);
    assert_eq!(code(differing(known(Some("1.1.0"), None, Some(&closed)))), ReasonCode::ClosedByPerson);
    let state = failed("1.1.0", LATER);
    let resting = differing(known(Some("1.1.0"), Some(&state), None));
    assert!(matches!(resting, Decision::StillFailed { .. }), "{resting:?}");
}

#[test]
fn a_failed_release_rests_until_its_next_attempt_but_a_newer_one_does_not() {
    let state = failed("1.1.0", LATER);
    let decision = decide(&upstream("1.1.0"), &known(None, Some(&state), None));
    assert!(matches!(decision, Decision::StillFailed { .. }), "{decision:?}");
    assert_eq!(why(decide(&upstream("1.2.0"), &known(None, Some(&state), None))), Why::New);
    let due = failed("1.1.0", NOW);
    assert_eq!(why(decide(&upstream("1.1.0"), &known(None, Some(&due), None))), Why::New);
}

#[test]
fn a_closed_pull_request_means_not_this_version() {
    let closed = request("1.1.0", PrState::Closed, false);
    let of = |version| decide(&upstream(version), &known(None, None, Some(&closed)));
    assert_eq!(code(of("1.1.0")), ReasonCode::ClosedByPerson);
    assert_eq!(why(of("1.2.0")), Why::New);
}

#[test]
fn what_was_merged_and_taken_back_is_not_proposed_again() {
    let merged = request("1.1.0", PrState::Merged, false);
    let of = |current, version| decide(&upstream(version), &known(current, None, Some(&merged)));
    assert_eq!(code(of(Some("1.0.0"), "1.1.0")), ReasonCode::ClosedByPerson);
    assert_eq!(why(of(Some("1.0.0"), "1.2.0")), Why::New);
    assert_eq!(why(of(Some("1.1.0"), "1.1.0")), Why::Same);
    assert_eq!(why(of(None, "1.1.0")), Why::New, "a package that is gone altogether comes back");
}

#[test]
fn a_green_pull_request_is_not_built_again_unless_it_is_stale_or_was_never_finished() {
    let green = request("1.1.0", PrState::Open, false);
    let all = || known(None, None, Some(&green));
    assert!(matches!(decide(&upstream("1.1.0"), &all()), Decision::Green(_)));
    assert_eq!(why(decide(&upstream("1.1.0"), &Known { stale: true, ..all() })), Why::Stale);
    assert_eq!(why(decide(&upstream("1.1.0"), &Known { built: false, ..all() })), Why::New);
    assert_eq!(why(decide(&upstream("1.2.0"), &all())), Why::New);
    let draft = PullRequest { draft: true, ..green.clone() };
    assert_eq!(why(decide(&upstream("1.1.0"), &known(None, None, Some(&draft)))), Why::New);
}

#[test]
fn what_a_person_took_over_is_left_to_them() {
    let theirs = PullRequest { persons: vec!["Ada".to_owned()], ..request("1.0.0", PrState::Open, false) };
    assert_eq!(code(decide(&upstream("1.1.0"), &known(None, None, Some(&theirs)))), ReasonCode::PersonsCommits);
    let other = |version: Option<&str>| OtherPullRequest {
        number: 9,
        attr: "tool".parse().unwrap(),
        version: version.map(str::to_owned),
        title: String::new(),
        author: "ada".to_owned(),
        url: None,
    };
    for (version, waits) in [(Some("1.1.0"), true), (Some("1.2.0"), true), (Some("1.0.0"), false), (None, true)] {
        let others = [other(version)];
        let decision = decide(&upstream("1.1.0"), &Known { others: &others, ..known(None, None, None) });
        assert_eq!(matches!(decision, Decision::Wait(_)), waits, "{version:?}: {decision:?}");
    }
}

#[test]
fn hold_quiet_hours_and_the_limit_wait() {
    let now = || known(Some("1.0.0"), None, None);
    let of = |known: Known<'_>| code(decide(&upstream("1.1.0"), &known));
    assert_eq!(of(Known { hold: Some("breaks our scripts"), ..now() }), ReasonCode::Held);
    assert_eq!(of(Known { quiet_until: Some(at(LATER)), ..now() }), ReasonCode::QuietHours);
    assert_eq!(of(Known { limit_reached: true, ..now() }), ReasonCode::LimitReached);
    let open = request("1.0.5", PrState::Open, false);
    let updating = Known { limit_reached: true, ..known(Some("1.0.0"), None, Some(&open)) };
    assert_eq!(why(decide(&upstream("1.1.0"), &updating)), Why::New, "it has its place already");
}

#[test]
fn a_pull_request_for_what_was_withdrawn_is_closed_or_goes_back() {
    let open = request("1.1.0", PrState::Open, false);
    let decision = decide(&withdrawing("1.0.0", "1.1.0"), &known(Some("1.0.0"), None, Some(&open)));
    assert!(matches!(decision, Decision::Close { number: 7, .. }), "{decision:?}");
    let replaced = decide(&withdrawing("1.0.5", "1.1.0"), &known(Some("1.0.0"), None, Some(&open)));
    assert_eq!(why(replaced), Why::New);
    let theirs = PullRequest { persons: vec!["Ada".to_owned()], ..open };
    let decision = decide(&withdrawing("1.0.5", "1.1.0"), &known(Some("1.0.0"), None, Some(&theirs)));
    assert_eq!(code(decision), ReasonCode::PersonsCommits);
}

#[test]
fn the_distance_between_attempts_doubles_up_to_a_week_and_differs_by_name() {
    let minutes = |attempts| super::next_attempt("a", at(NOW), attempts).duration_since(at(NOW)).as_mins();
    for (attempts, hours) in [(1, 1), (2, 2), (4, 8), (10, 168), (200, 168)] {
        let minutes = minutes(attempts);
        assert!((hours * 60..=hours * 66).contains(&minutes), "{attempts}: {minutes}");
    }
    let times = ["a", "b", "c"].map(|name| super::next_attempt(name, at(NOW), 5));
    assert!(times[0] != times[1] && times[1] != times[2]);
}

#[test]
fn a_groups_versions_are_told_apart_by_package() {
    let versions = group_version([("ripgrep", "15.2.0"), ("fd", "10.0.0"), ("fd-find", "10.4.2")].into_iter());
    assert_eq!(versions, "fd-find@10.4.2 fd@10.0.0 ripgrep@15.2.0");
    assert_eq!(member_version(&versions, "fd"), Some("10.0.0"));
    assert_eq!(member_version(&versions, "ripgrep"), Some("15.2.0"));
    assert_eq!(member_version(&versions, "rip"), None);
}
