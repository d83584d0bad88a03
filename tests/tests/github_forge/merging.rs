//! Merging by the bot: now, or once all is green.
#![expect(clippy::unwrap_used, reason = "all of this is of tests, though not marked as one")]

use jiff::Timestamp;
use nixwright::forge::{CommitState, CommitStatus, Forge as _, ForgeError};
use nixwright::model::CommitSha;
use nixwright::store::{PrState, PullRequest};
use nixwright_tests::github::{Call, Fault, Settings, When};

use crate::bench::{Bench, branch};

const CHECK: &str = "nixwright/x86_64-linux";

fn guarded() -> Settings {
    Settings { required_checks: vec![CHECK.to_owned()], ..Settings::default() }
}

async fn merge(bench: &Bench) -> Result<PullRequest, ForgeError> {
    bench.forge.merge(1, "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap()).await
}

async fn built(bench: &Bench, commit: &CommitSha) {
    let status = CommitStatus {
        commit: commit.clone(),
        system: "x86_64-linux".parse().unwrap(),
        state: CommitState::Success,
        description: "built".to_owned(),
    };
    bench.forge.report(&status).await.unwrap();
}

#[tokio::test]
async fn a_green_one_is_merged_at_once_and_cleared_away() {
    let bench = Bench::new().await;
    let opened = bench.publish("1.0.0").await.unwrap();
    let merged = merge(&bench).await.unwrap();
    assert_eq!(merged.state, PrState::Merged);
    bench.agrees(&merged);
    let main = bench.github.branch("main").unwrap();
    assert_eq!(merged.merge_commit.map(String::from), Some(main.clone()));
    assert!(bench.overlay.contains(&main.parse().unwrap(), &opened.head).unwrap());
    assert_eq!(bench.github.branch("nixwright/fd"), None);
    // Again, as after a kill.
    bench.github.forget_requests();
    assert_eq!(merge(&bench).await.unwrap().state, PrState::Merged);
    assert!(bench.github.writes().is_empty());
}

#[tokio::test]
async fn one_that_waits_for_checks_is_merged_by_github() {
    let bench = Bench::with_settings(guarded()).await;
    let opened = bench.publish("1.0.0").await.unwrap();
    for _ in 0..2 {
        assert_eq!(merge(&bench).await.unwrap().state, PrState::Open);
    }
    assert!(bench.github.pull(1).auto_merge.is_some());
    built(&bench, &opened.head).await;
    assert!(bench.github.pull(1).merged);
    bench.observe().await;
    let record = bench.record(1).await;
    assert_eq!(record.state, PrState::Merged);
    assert_eq!(bench.overlay.branch(&branch("main")).unwrap(), record.merge_commit);
}

#[tokio::test]
async fn a_required_check_that_is_green_already_leaves_nothing_to_wait_for() {
    let bench = Bench::with_settings(guarded()).await;
    let opened = bench.publish("1.0.0").await.unwrap();
    built(&bench, &opened.head).await;
    assert_eq!(merge(&bench).await.unwrap().state, PrState::Merged);
}

#[tokio::test]
async fn a_newer_release_takes_the_bots_own_wish_to_merge_back() {
    let bench = Bench::with_settings(guarded()).await;
    bench.publish("1.0.0").await.unwrap();
    merge(&bench).await.unwrap();
    bench.publish("2.0.0").await.unwrap();
    assert_eq!(bench.github.pull(1).auto_merge, None);
}

#[tokio::test]
async fn what_forbids_a_merge_is_said() {
    let bench = Bench::with_settings(Settings { required_approvals: 1, allow_auto_merge: false, ..guarded() }).await;
    let opened = bench.publish("1.0.0").await.unwrap();
    // A check that is still to come is waited for.
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::Later { .. }));
    built(&bench, &opened.head).await;
    let error = merge(&bench).await.unwrap_err();
    assert!(matches!(&error, ForgeError::Refused { message } if message.contains("approving review")), "{error}");
    bench.github.approve(1, "alice");
    assert_eq!(merge(&bench).await.unwrap().state, PrState::Merged);
}

#[tokio::test]
async fn a_failed_build_or_a_check_that_went_wrong_is_not_merged() {
    let bench = Bench::new().await;
    let failed = nixwright::store::PullRequestDraft { failed: true, ..bench.draft("1.0.0") };
    bench.forge.publish(&failed).await.unwrap();
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::BuildFailed { number: 1 }));
    let good = bench.publish("1.0.0").await.unwrap();
    bench.github.check(good.head.as_str(), "lint", None);
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::Later { .. }));
    bench.github.check(good.head.as_str(), "lint", Some("failure"));
    let error = merge(&bench).await.unwrap_err();
    assert!(error.to_string().contains("lint"), "{error}");
    assert!(bench.github.pull(1).is_open());
}

#[tokio::test]
async fn only_what_was_published_is_merged() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    let older = bench.commit("1.0.0");
    bench.publish("2.0.0").await.unwrap();
    bench.github.move_branch("nixwright/fd", older.as_str());
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::Git(_)));
    assert!(bench.github.pull(1).is_open());
}

#[tokio::test]
async fn a_merge_whose_answer_was_lost_is_found() {
    for (fault, merges) in [(Fault::BadGatewayAfterWork, 1), (Fault::CutAfterWork, 1), (Fault::BadGateway, 2)] {
        let bench = Bench::new().await;
        bench.publish("1.0.0").await.unwrap();
        bench.github.stage(Call::rest("PUT", "/repos/*/*/pulls/1/merge"), fault, 1);
        let merged = merge(&bench).await.unwrap();
        assert_eq!(merged.state, PrState::Merged);
        assert_eq!(merged.merge_commit.map(String::from), bench.github.branch("main"));
        assert_eq!(bench.github.count("PUT", "/repos/*/*/pulls/1/merge"), merges);
    }
}

#[tokio::test]
async fn a_head_that_moves_during_the_merge_is_not_merged() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    let hub = bench.github.hub();
    bench.github.on(Call::rest("PUT", "/repos/*/*/pulls/1/merge"), When::Before, move || {
        hub.commit_as_person("nixwright/fd", "a", "b");
    });
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::Later { .. }));
    bench.github.heal();
    assert!(bench.github.pull(1).is_open());
    assert!(matches!(merge(&bench).await.unwrap_err(), ForgeError::Persons { .. }));
}
