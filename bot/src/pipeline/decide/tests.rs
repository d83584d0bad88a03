use super::{Candidate, Choice, Decision, Known, PackageState, PrState, PullRequest, State, Timestamp, decide};
use crate::stages::watch::Origin;

const NOW: &str = "2026-11-22T12:00:00Z";
const LATER: &str = "2026-11-22T13:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn choice(version: &str) -> Choice {
    let origin = Origin::Cargo { name: "tool".to_owned(), sha256: "0".repeat(64) };
    let entry = Candidate { version: version.to_owned(), published: None, origin };
    Choice { release: Some(entry), waiting: None }
}

fn failed(version: &str, next_attempt: &str) -> PackageState {
    PackageState {
        state: State::Failed,
        version: Some(version.to_owned()),
        published: None,
        reason: "it broke".to_owned(),
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
    Known { current, state, request, automerge: false, now: at(NOW) }
}

fn considers(decision: &Decision) -> bool {
    matches!(decision, Decision::Consider(_))
}

#[test]
fn a_new_release_is_considered_and_so_is_the_one_that_main_has() {
    for current in [None, Some("1.0.0"), Some("1.1.0")] {
        assert!(considers(&decide(&choice("1.1.0"), "", &known(current, None, None))));
    }
}

#[test]
fn an_older_release_than_the_one_in_main_is_not_proposed() {
    let decision = decide(&choice("1.1.0"), "", &known(Some("1.2.0"), None, None));
    assert!(matches!(decision, Decision::Wait { version: Some(version), .. } if version == "1.2.0"));
}

#[test]
fn a_failed_release_rests_until_its_next_attempt_but_a_newer_one_does_not() {
    let state = failed("1.1.0", LATER);
    let decision = decide(&choice("1.1.0"), "", &known(None, Some(&state), None));
    assert!(matches!(decision, Decision::StillFailed { .. }), "{decision:?}");
    assert!(considers(&decide(&choice("1.2.0"), "", &known(None, Some(&state), None))));
    let due = failed("1.1.0", NOW);
    assert!(considers(&decide(&choice("1.1.0"), "", &known(None, Some(&due), None))));
}

#[test]
fn a_closed_pull_request_means_not_this_version() {
    let closed = request("1.1.0", PrState::Closed, false);
    let decision = decide(&choice("1.1.0"), "", &known(None, None, Some(&closed)));
    assert!(matches!(&decision, Decision::Wait { reason, .. } if reason.contains("not this version")), "{decision:?}");
    assert!(considers(&decide(&choice("1.2.0"), "", &known(None, None, Some(&closed)))));
}

#[test]
fn a_green_pull_request_waits_for_a_person_unless_it_may_be_merged() {
    let green = request("1.1.0", PrState::Open, false);
    assert!(matches!(decide(&choice("1.1.0"), "", &known(None, None, Some(&green))), Decision::Wait { .. }));
    let merging = Known { automerge: true, ..known(None, None, Some(&green)) };
    assert!(considers(&decide(&choice("1.1.0"), "", &merging)));
}

#[test]
fn the_distance_between_attempts_doubles_up_to_a_week() {
    let hours = |attempts| super::next_attempt(at(NOW), attempts).duration_since(at(NOW)).as_hours();
    assert_eq!([1, 2, 4, 10, 200].map(hours), [1, 2, 8, 168, 168]);
}
