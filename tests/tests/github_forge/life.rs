//! Opened, updated, closed, reopened, superseded, merged by people.

use nixwright::forge::{CommitState, CommitStatus, Forge as _};
use nixwright::store::PrState;
use nixwright_tests::github::{GitHub, Settings};

use crate::bench::{Bench, branch};

#[tokio::test]
async fn opened_and_then_updated_in_place() {
    let bench = Bench::new().await;
    let opened = bench.publish("1.0.0").await.unwrap();
    assert_eq!((opened.number, opened.state), (1, PrState::Open));
    bench.agrees(&opened);
    let pull = bench.github.pull(1);
    assert_eq!(
        (pull.labels, pull.assignees, pull.reviewers),
        (vec!["nixwright".to_owned(), "rust".to_owned()], vec!["bob".to_owned()], vec!["bob".to_owned()])
    );
    assert!(opened.url.as_deref().unwrap().ends_with("/pull/1"));
    assert!(pull.body.unwrap().contains("<!-- nixwright {\"attr\":\"fd\",\"version\":\"1.0.0\"} -->"));

    // What people change of labels stays.
    bench.github.set_labels(1, &["hold"]);
    let updated = bench.publish("2.0.0").await.unwrap();
    assert_eq!((updated.number, updated.version.as_str()), (1, "2.0.0"));
    bench.agrees(&updated);
    assert_eq!(bench.github.pulls().len(), 1);
    assert_eq!(bench.github.pull(1).labels, ["hold"]);

    // The same again changes nothing.
    bench.github.forget_requests();
    bench.publish("2.0.0").await.unwrap();
    assert!(bench.github.writes().is_empty());
}

#[tokio::test]
async fn a_draft_while_it_is_built_and_then_ready() {
    let bench = Bench::new().await;
    let draft = nixwright::store::PullRequestDraft { draft: true, ..bench.draft("1.0.0") };
    let opened = bench.forge.publish(&draft).await.unwrap();
    assert!(opened.draft);
    bench.agrees(&opened);
    let ready = bench.publish("1.0.0").await.unwrap();
    assert!(!ready.draft);
    bench.agrees(&ready);
    let draft = nixwright::store::PullRequestDraft { draft: true, ..bench.draft("2.0.0") };
    bench.agrees(&bench.forge.publish(&draft).await.unwrap());
}

#[tokio::test]
async fn closed_means_not_this_version() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.close(1);
    bench.observe().await;
    assert_eq!(bench.states().await, [(1, PrState::Closed, "1.0.0".to_owned())]);
    bench.github.forget_requests();
    let same = bench.publish("1.0.0").await.unwrap();
    assert_eq!((same.number, same.state), (1, PrState::Closed));
    assert!(bench.github.writes().is_empty() && bench.github.count("POST", "/**") == 0);
    // Also if the closing was not observed before.
    let next = bench.publish("2.0.0").await.unwrap();
    assert_eq!((next.number, next.state), (2, PrState::Open));
    bench.agrees(&next);
    bench.github.close(2);
    let same = bench.publish("2.0.0").await.unwrap();
    assert_eq!((same.number, same.state, bench.github.pulls().len()), (2, PrState::Closed, 2));
}

#[tokio::test]
async fn reopened_by_a_person_it_is_open_again() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.close(1);
    bench.observe().await;
    bench.github.reopen(1);
    bench.observe().await;
    assert_eq!(bench.states().await, [(1, PrState::Open, "1.0.0".to_owned())]);
    let updated = bench.publish("2.0.0").await.unwrap();
    assert_eq!(updated.number, 1);
    bench.agrees(&updated);
}

#[tokio::test]
async fn merged_by_a_person_in_any_way() {
    for method in ["merge", "squash"] {
        let bench = Bench::new().await;
        bench.publish("1.0.0").await.unwrap();
        let commit = bench.github.merge_as(1, method);
        bench.observe().await;
        let record = bench.record(1).await;
        assert_eq!((record.state, record.merge_commit.map(String::from)), (PrState::Merged, Some(commit.clone())));
        assert_eq!(bench.overlay.branch(&branch("main")).unwrap().map(String::from), Some(commit));
        // The branch that was left behind is not a person's.
        let next = bench.publish("2.0.0").await.unwrap();
        assert_eq!((next.number, next.state), (2, PrState::Open), "{method}");
        bench.agrees(&next);
    }
}

#[tokio::test]
async fn a_store_that_was_lost_is_made_good() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.close(1);
    let Bench { github, .. } = bench;
    let fresh = Bench::with(github).await;
    assert_eq!(fresh.states().await, [(1, PrState::Closed, "1.0.0".to_owned())]);
    assert_eq!(fresh.record(1).await.attr, Some("fd".parse().unwrap()));
    assert_eq!(fresh.publish("1.0.0").await.unwrap().number, 1);
}

#[tokio::test]
async fn statuses_are_said_once() {
    let bench = Bench::new().await;
    let opened = bench.publish("1.0.0").await.unwrap();
    let status = |state, text: &str| CommitStatus {
        commit: opened.head.clone(),
        system: "x86_64-linux".parse().unwrap(),
        state,
        description: text.to_owned(),
    };
    bench.forge.report(&status(CommitState::Pending, "being built")).await.unwrap();
    for _ in 0..2 {
        bench.forge.report(&status(CommitState::Success, "built")).await.unwrap();
    }
    let said = bench.github.statuses(opened.head.as_str());
    let said: Vec<_> = said.iter().map(|status| (status.context.as_str(), status.state.as_str())).collect();
    assert_eq!(said, [("nixwright/x86_64-linux", "pending"), ("nixwright/x86_64-linux", "success")]);
}

#[tokio::test]
async fn a_repository_without_a_commit_gets_its_first() {
    let bench = Bench::with(GitHub::empty(Settings::default())).await;
    let first = bench.commit("0.1.0");
    bench.forge.advance(&branch("main"), &first, None).await.unwrap();
    assert_eq!(bench.github.branch("main").as_deref(), Some(first.as_str()));
    assert_eq!(bench.overlay.branch(&branch("main")).unwrap(), Some(first.clone()));
    bench.forge.advance(&branch("stable"), &first, None).await.unwrap();
    // Again, as after a kill.
    bench.forge.advance(&branch("stable"), &first, None).await.unwrap();
    let next = bench.commit("0.2.0");
    bench.forge.advance(&branch("stable"), &next, Some(&first)).await.unwrap();
    assert_eq!(bench.github.branch("stable").as_deref(), Some(next.as_str()));
}

#[tokio::test]
async fn an_overlay_that_is_older_than_its_place_on_github_is_brought_there() {
    let bench = Bench::with(GitHub::empty(Settings::default())).await;
    let first = bench.commit("0.1.0");
    bench.overlay.set_branch(&branch("main"), &first, None).unwrap();
    bench.observe().await;
    assert_eq!(bench.github.branch("main").as_deref(), Some(first.as_str()));
}

#[tokio::test]
async fn main_is_what_github_has() {
    let bench = Bench::new().await;
    let there = bench.github.push_to_main("by-hand", "1");
    bench.observe().await;
    assert_eq!(bench.overlay.branch(&branch("main")).unwrap().map(String::from), Some(there.clone()));
    // Also where it was put back.
    let first = bench.overlay.common_ancestor(&there.parse().unwrap(), &bench.commit("1")).unwrap().unwrap();
    bench.github.push_to_main("by-hand", "2");
    bench.observe().await;
    bench.github.move_branch("main", first.as_str());
    bench.observe().await;
    assert_eq!(bench.overlay.branch(&branch("main")).unwrap(), Some(first));
}

#[tokio::test]
async fn the_bot_closes_with_a_reason_that_is_said_once() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    for _ in 0..2 {
        let closed = bench.forge.close(1, "1.0.0 was yanked.").await.unwrap();
        assert_eq!(closed.state, PrState::Closed);
        bench.agrees(&closed);
    }
    let comments = bench.github.comments(1);
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.starts_with("1.0.0 was yanked."));
}
