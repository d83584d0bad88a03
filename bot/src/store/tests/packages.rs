use super::{NOON, ONE, at, attr, configured, open_at, store};
use crate::model::Strategy;
use crate::store::{Cycle, EventKind, PackageState, State, StoreError};

fn waiting(version: &str, reason: &str) -> PackageState {
    PackageState {
        state: State::Waiting,
        version: Some(version.to_owned()),
        published: Some(at("2026-02-28T09:30:00.123Z")),
        reason: reason.to_owned(),
        code: None,
        next_attempt: Some(at("2026-03-04T00:00:00Z")),
    }
}

#[tokio::test]
async fn a_state_comes_back_as_it_was_set() {
    let (_folder, store) = store().await;
    let fresh = store.state(&attr("alpha")).await.unwrap().unwrap();
    assert_eq!((fresh.state, fresh.reason.as_str()), (State::New, "not looked at yet"));
    let state = waiting("2.0.0", "it's \"young\"; DROP TABLE packages; --");
    store.set_state(&attr("alpha"), &state).await.unwrap();
    assert_eq!(store.state(&attr("alpha")).await.unwrap(), Some(state));
    assert_eq!(store.state(&attr("beta")).await.unwrap().unwrap().state, State::New);
    assert_eq!(store.state(&attr("gamma")).await.unwrap(), None);
}

#[tokio::test]
async fn since_when_moves_with_state_and_version_and_not_with_the_reason() {
    let (folder, store) = store().await;
    store.set_state(&attr("alpha"), &waiting("2.0.0", "three days")).await.unwrap();
    store.set_current(&attr("alpha"), "1.0.0", Strategy::Vendored).await.unwrap();
    let later = open_at(folder.path(), ONE).await;
    later.set_state(&attr("alpha"), &waiting("2.0.0", "two days")).await.unwrap();
    later.set_current(&attr("alpha"), "1.0.0", Strategy::Shared).await.unwrap();
    let package = later.package(&attr("alpha")).await.unwrap().unwrap();
    assert_eq!((package.since, package.current_since), (at(NOON), Some(at(NOON))));
    assert_eq!(package.current_strategy, Some(Strategy::Shared));
    assert_eq!(package.state.reason, "two days");
    later.set_state(&attr("alpha"), &waiting("2.0.1", "three days")).await.unwrap();
    later.set_current(&attr("alpha"), "2.0.0", Strategy::Shared).await.unwrap();
    let package = later.package(&attr("alpha")).await.unwrap().unwrap();
    assert_eq!((package.since, package.current_since), (at(ONE), Some(at(ONE))));
}

#[tokio::test]
async fn a_package_that_is_no_longer_configured_keeps_its_history_and_may_come_back() {
    let (_folder, store) = store().await;
    store.set_state(&attr("alpha"), &waiting("2.0.0", "young")).await.unwrap();
    store.sync_packages(&[configured("beta")]).await.unwrap();
    assert_eq!(store.status().await.unwrap().len(), 1);
    assert!(!store.package(&attr("alpha")).await.unwrap().unwrap().configured);
    store.sync_packages(&[configured("beta"), configured("alpha")]).await.unwrap();
    let package = store.package(&attr("alpha")).await.unwrap().unwrap();
    assert_eq!((package.configured, package.state.state), (true, State::Waiting));
}

#[tokio::test]
async fn packages_come_in_the_order_of_their_names() {
    let (_folder, store) = store().await;
    let names: Vec<String> =
        store.packages().await.unwrap().into_iter().map(|package| package.attr.to_string()).collect();
    assert_eq!(names, ["alpha", "beta"]);
}

#[tokio::test]
async fn the_timeline_keeps_its_order_and_says_a_sighting_once() {
    let (_folder, store) = store().await;
    let alpha = attr("alpha");
    for _cycle in 0..2 {
        store.event(&alpha, Some("2.0.0"), EventKind::Seen, "published yesterday").await.unwrap();
    }
    store.event(&alpha, Some("2.0.0"), EventKind::Failed, "no").await.unwrap();
    store.event(&alpha, Some("2.0.0"), EventKind::Failed, "no").await.unwrap();
    store.event(&alpha, Some("2.0.1"), EventKind::Seen, "published yesterday").await.unwrap();
    store.event(&alpha, None, EventKind::Held, "by hand").await.unwrap();
    let kinds: Vec<_> = store.events(&alpha).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Seen, EventKind::Failed, EventKind::Failed, EventKind::Seen, EventKind::Held]);
}

#[tokio::test]
async fn an_unknown_package_is_an_error_and_leaves_nothing() {
    let (_folder, store) = store().await;
    let gamma = attr("gamma");
    let errors = [
        store.set_state(&gamma, &waiting("1.0.0", "")).await,
        store.set_current(&gamma, "1.0.0", Strategy::Shared).await,
        store.event(&gamma, None, EventKind::Seen, "").await,
    ];
    for error in errors {
        assert!(matches!(error, Err(StoreError::UnknownPackage(ref name)) if *name == gamma), "{error:?}");
    }
    assert!(store.events(&gamma).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_that_was_changed_by_hand_is_named_and_not_guessed_at() {
    let (_folder, store) = store().await;
    sqlx::query("UPDATE packages SET state = 'splendid'").execute(&store.pool).await.unwrap();
    let error = store.status().await.unwrap_err();
    assert!(error.to_string().contains("bad state") && error.to_string().contains("splendid"), "{error}");
}

#[tokio::test]
async fn times_are_stored_so_that_text_order_is_time_order() {
    let (_folder, store) = store().await;
    for finished in ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:01Z"] {
        let cycle = Cycle { started: at(NOON), finished: at(finished), checked: 3, updated: 1, failed: 0 };
        store.record_cycle(&cycle).await.unwrap();
    }
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT finished FROM cycles ORDER BY id").fetch_all(&store.pool).await.unwrap();
    assert!(stored.is_sorted() && stored.iter().all(|text| text.len() == stored[0].len()), "{stored:?}");
    assert_eq!(store.last_cycle().await.unwrap().unwrap().finished, at("2026-03-01T12:00:01Z"));
}

#[test]
fn every_word_is_read_back_as_what_wrote_it() {
    for state in State::ALL {
        assert_eq!(state.as_str().parse::<State>().unwrap(), *state);
        assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{state}\""));
    }
    for kind in EventKind::ALL {
        assert_eq!(kind.as_str().parse::<EventKind>().unwrap(), *kind);
    }
}
