//! People beside the bot: their commits, their own pull requests.
#![expect(clippy::unwrap_used, reason = "all of this is of tests, though not marked as one")]

use std::sync::atomic::{AtomicUsize, Ordering};

use nixwright::forge::{Forge as _, ForgeError};
use nixwright::store::PrState;
use nixwright_tests::github::{Call, When};

use crate::bench::Bench;

fn expect_persons<T: std::fmt::Debug>(result: Result<T, ForgeError>) -> Vec<String> {
    match result.unwrap_err() {
        ForgeError::Persons { persons, .. } => persons,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_persons_commit_is_never_overwritten_and_said_once() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    let theirs = bench.github.commit_as_person("nixwright/fd", "packages/fd/overrides.nix", "{ }");
    for version in ["2.0.0", "3.0.0"] {
        assert_eq!(expect_persons(bench.publish(version).await), ["alice"]);
        assert_eq!(bench.github.branch("nixwright/fd"), Some(theirs.clone()));
    }
    assert_eq!(bench.github.comments(1).len(), 1);
    assert_eq!(bench.record(1).await.persons, ["alice"]);
    assert_eq!(bench.github.pull(1).title, "fd: 1.0.0");
    expect_persons(bench.forge.merge(1, "2026-03-01T00:00:00Z".parse().unwrap()).await);
    assert!(bench.github.pull(1).is_open());

    // Taken away again, the bot goes on.
    let ours = bench.commit("1.0.0");
    bench.github.move_branch("nixwright/fd", ours.as_str());
    let updated = bench.publish("3.0.0").await.unwrap();
    assert!(updated.persons.is_empty());
    bench.agrees(&updated);
}

#[tokio::test]
async fn observing_sees_whose_commits_are_there() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.commit_as_person("nixwright/fd", "a", "b");
    bench.observe().await;
    assert_eq!(bench.record(1).await.persons, ["alice"]);
}

#[tokio::test]
async fn a_person_who_pushes_meanwhile_wins() {
    // After the bot has looked (first without a token, then with it); and after its push has looked, already under way.
    for (call, when, number) in [(Call::Fetch, When::After, 2), (Call::Push, When::Before, 1)] {
        let bench = Bench::new().await;
        bench.publish("1.0.0").await.unwrap();
        let (hub, (send, seen)) = (bench.github.hub(), std::sync::mpsc::channel());
        let count = AtomicUsize::new(0);
        bench.github.on(call, when, move || {
            if count.fetch_add(1, Ordering::Relaxed) + 1 == number {
                let _ = send.send(hub.commit_as_person("nixwright/fd", "packages/fd/overrides.nix", "{ }"));
            }
        });
        assert_eq!(expect_persons(bench.publish("2.0.0").await), ["alice"]);
        assert_eq!(bench.github.branch("nixwright/fd"), seen.try_iter().last());
    }
}

#[tokio::test]
async fn commits_on_a_branch_without_a_pull_request_are_left_alone_too() {
    let bench = Bench::new().await;
    let theirs = bench.github.commit_as_person("nixwright/fd", "a", "b");
    assert_eq!(expect_persons(bench.publish("1.0.0").await), ["alice"]);
    assert_eq!(bench.github.branch("nixwright/fd"), Some(theirs));
    assert!(bench.github.pulls().is_empty());
}

#[tokio::test]
async fn a_persons_own_pull_request_for_a_package_is_seen() {
    let bench = Bench::new().await;
    let nix = "{ }:\n{\n  version = \"1.5.0\";\n}\n";
    let file = ("packages/fd/package.nix", nix);
    let number = bench.github.open_pull_from_fork("carol", "update-fd", "fd by hand", file);
    bench.github.open_pull_from_fork("carol", "docs", "Docs", ("README.md", "Better.\n"));
    bench.observe().await;
    let attr = "fd".parse().unwrap();
    let others = bench.store.other_pull_requests(&attr).await.unwrap();
    assert_eq!(others.len(), 1);
    let other = &others[0];
    assert_eq!((other.number, other.version.as_deref()), (i64::try_from(number).unwrap(), Some("1.5.0")));
    assert_eq!((other.title.as_str(), other.author.as_str()), ("fd by hand", "carol"));
    // It is not one of the bot's.
    assert!(bench.states().await.is_empty());
    bench.github.close(number);
    bench.observe().await;
    assert!(bench.store.other_pull_requests(&attr).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_fork_with_a_branch_of_the_same_name_is_not_the_bots() {
    let bench = Bench::new().await;
    bench.github.open_pull_from_fork("carol", "nixwright/fd", "fd by hand", ("packages/fd/package.nix", "{ }"));
    let opened = bench.publish("1.0.0").await.unwrap();
    assert_eq!((opened.number, opened.state), (2, PrState::Open));
    bench.observe().await;
    assert_eq!(bench.states().await.len(), 1);
}

#[tokio::test]
async fn text_that_a_person_changed_is_put_right_by_the_next_release() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.edit_text(1, "My title", "My text");
    bench.observe().await;
    // The version is still known, though its marker is gone.
    assert_eq!(bench.states().await, [(1, PrState::Open, "1.0.0".to_owned())]);
    bench.agrees(&bench.publish("2.0.0").await.unwrap());
}
