//! A GitHub that fails in every way, and a bot that is killed and starts again.

use std::time::Duration;

use nixwright::clients::github::Auth;
use nixwright::forge::{Forge as _, ForgeError};
use nixwright::store::PrState;
use nixwright_tests::github::{Call, Fault, GitHub, RetryAfter};

use crate::bench::{Bench, next_second};

fn opening() -> Call {
    Call::rest("POST", "/repos/*/*/pulls")
}

fn list() -> Call {
    Call::rest("GET", "/repos/*/*/pulls")
}

#[tokio::test]
async fn an_opening_whose_answer_was_lost_is_found_and_not_done_again() {
    for fault in [Fault::BadGatewayAfterWork, Fault::CutAfterWork] {
        let bench = Bench::new().await;
        bench.github.stage(opening(), fault.clone(), 1);
        let opened = bench.publish("1.0.0").await.unwrap();
        bench.agrees(&opened);
        assert_eq!((bench.github.pulls().len(), bench.github.count("POST", "/repos/*/*/pulls")), (1, 1), "{fault:?}");
        assert_eq!(bench.github.pull(1).labels.len(), 2);
    }
}

#[tokio::test]
async fn it_is_found_although_the_lists_are_stale() {
    let bench = Bench::new().await;
    bench.github.stage(opening(), Fault::BadGatewayAfterWork, 1);
    bench.github.stage(list(), Fault::Stale(100), 3);
    bench.agrees(&bench.publish("1.0.0").await.unwrap());
    assert_eq!((bench.github.pulls().len(), bench.github.count("POST", "/repos/*/*/pulls")), (1, 1));
}

#[tokio::test]
async fn an_opening_that_was_not_carried_out_is_done_after_looking() {
    for fault in [Fault::BadGateway, Fault::Cut] {
        let bench = Bench::new().await;
        bench.github.stage(opening(), fault, 1);
        bench.agrees(&bench.publish("1.0.0").await.unwrap());
        assert_eq!((bench.github.pulls().len(), bench.github.count("POST", "/repos/*/*/pulls")), (1, 2));
        assert_eq!(bench.github.count("GET", "/repos/*/*/pulls"), 2 + 1 + 4);
    }
}

#[tokio::test]
async fn one_that_already_exists_is_taken_over() {
    let bench = Bench::new().await;
    let head = bench.commit("1.0.0");
    bench.forge.advance(&"nixwright/fd".parse().unwrap(), &head, None).await.unwrap();
    bench.github.open_pull("nixwright/fd", "Opened by a person", "alice");
    bench.github.stage(list(), Fault::Stale(100), 1);
    let opened = bench.publish("1.0.0").await.unwrap();
    assert_eq!(opened.number, 1);
    bench.agrees(&opened);
}

#[tokio::test]
async fn a_stale_list_undoes_nothing() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    next_second().await;
    bench.github.close(1);
    bench.observe().await;
    assert_eq!(bench.record(1).await.state, PrState::Closed);
    bench.github.stage(list(), Fault::Stale(1), 2);
    bench.observe().await;
    assert_eq!(bench.record(1).await.state, PrState::Closed);
    bench.github.heal();
    // And a stale list at publishing gives no second one.
    bench.github.stage(list(), Fault::Stale(100), 1);
    assert_eq!(bench.publish("1.0.0").await.unwrap().state, PrState::Closed);
    bench.github.stage(list(), Fault::Stale(1), 1);
    assert_eq!(bench.publish("1.0.0").await.unwrap().state, PrState::Closed);
    assert_eq!(bench.github.pulls().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_said_in_githubs_words() {
    let bench = Bench::new().await;
    bench.github.stage(opening(), Fault::Unprocessable("Not today".to_owned()), 1);
    let error = bench.publish("1.0.0").await.unwrap_err();
    assert!(matches!(&error, ForgeError::Refused { message } if message.contains("Not today")), "{error}");
    bench.agrees(&bench.publish("1.0.0").await.unwrap());
}

#[tokio::test]
async fn short_limits_are_waited_for_and_long_ones_put_the_work_off() {
    let bench = Bench::new().await;
    bench.github.stage(opening(), Fault::SecondaryLimit(Some(RetryAfter::Seconds(7))), 1);
    bench.agrees(&bench.publish("1.0.0").await.unwrap());
    assert!(bench.time.waits().iter().any(|wait| *wait > Duration::from_secs(6)));
    for fault in [
        Fault::RateLimit(Duration::from_secs(1800)),
        Fault::SecondaryLimit(Some(RetryAfter::Date(Duration::from_secs(900)))),
        Fault::TooManyRequests(Some(RetryAfter::Seconds(900))),
    ] {
        let mut bench = Bench::new().await;
        bench.github.stage(opening(), fault, 1);
        let error = bench.publish("1.0.0").await.unwrap_err();
        assert!(matches!(error, ForgeError::Later { .. }), "{error}");
        // Later, perhaps by another process.
        bench.restart();
        bench.agrees(&bench.publish("1.0.0").await.unwrap());
        assert_eq!(bench.github.pulls().len(), 1);
    }
}

#[tokio::test]
async fn the_pause_between_writes_is_kept() {
    let bench = Bench::new().await;
    bench.publish("1.0.0").await.unwrap();
    let pauses = bench.time.waits().iter().filter(|wait| **wait > Duration::from_millis(500)).count();
    // Opening, labels, assignees, reviewers.
    assert_eq!((bench.github.writes().len(), pauses), (4, 3));
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_done() {
    for fault in [Fault::BadGatewayAfterWork, Fault::CutAfterWork] {
        let bench = Bench::new().await;
        bench.github.stage(Call::Push, fault, 1);
        bench.agrees(&bench.publish("1.0.0").await.unwrap());
    }
}

#[tokio::test]
async fn git_in_trouble_puts_the_work_off() {
    let bench = Bench::new().await;
    for call in [Call::Fetch, Call::Push] {
        bench.github.stage(call, Fault::BadGateway, 1);
        let error = bench.publish("1.0.0").await.unwrap_err();
        assert!(matches!(error, ForgeError::Later { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains(&bench.github.token()));
    }
    bench.agrees(&bench.publish("1.0.0").await.unwrap());
}

#[tokio::test]
async fn a_token_that_ended_is_said_and_not_shown() {
    let bench = Bench::new().await;
    bench.github.refuse_tokens();
    for error in [
        bench.publish("1.0.0").await.unwrap_err(),
        bench.forge.observe().await.unwrap_err(),
        bench.forge.close(1, "x").await.unwrap_err(),
    ] {
        assert!(matches!(error, ForgeError::Refused { .. } | ForgeError::Unknown { .. }), "{error}");
        assert!(!format!("{error} {error:?} {:?}", bench.forge).contains(&bench.github.token()));
    }
}

#[tokio::test]
async fn an_app_goes_on_with_a_new_token() {
    let github = GitHub::start();
    let key = github.install_app(7, 99);
    let bench = Bench::as_who(github, Auth::App { id: 7, key: key.into(), installation: None }).await;
    bench.publish("1.0.0").await.unwrap();
    bench.github.refuse_tokens();
    // The API notices first.
    let updated = bench.publish("2.0.0").await.unwrap();
    bench.agrees(&updated);
    assert_eq!(bench.github.pull(1).author, "nixwright[bot]");
    bench.github.refuse_tokens();
    // Git notices first.
    bench.observe().await;
    assert_eq!(bench.github.tokens().len(), 4);
}

#[tokio::test]
async fn a_kill_at_any_request_leaves_one_pull_request() {
    // How many requests an undisturbed publication makes.
    let undisturbed = Bench::new().await;
    undisturbed.github.forget_requests();
    undisturbed.publish("1.0.0").await.unwrap();
    let requests = undisturbed.github.requests().len();
    for killed_at in 0..requests {
        let mut bench = Bench::new().await;
        let draft = bench.draft("1.0.0");
        let before = bench.github.requests().len();
        {
            let mut work = bench.forge.publish(&draft);
            loop {
                let step = tokio::time::timeout(Duration::from_millis(1), &mut work).await;
                if step.is_ok() || bench.github.requests().len() > before + killed_at {
                    break;
                }
            }
            // Dropped in the middle, as by a kill.
        }
        bench.restart();
        bench.observe().await;
        let opened = bench.publish("1.0.0").await.unwrap();
        bench.agrees(&opened);
        assert_eq!(bench.github.pulls().len(), 1, "killed at request {killed_at}");
        assert_eq!(bench.github.pull(1).labels, ["nixwright", "rust"]);
    }
}
