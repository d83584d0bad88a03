//! What a test stages: faults, and moments in which it steps in.

use std::time::{Duration, Instant};

use nixwright_tests::github::{Call, Fault, GitHub, RetryAfter, When};
use serde_json::json;

use crate::client::{Client, change, clone_with_branch, git};

#[test]
fn faults_come_when_staged() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    let pulls = || Call::rest("POST", "/repos/{owner}/{repo}/pulls");
    github.stage(pulls(), Fault::BadGateway, 1);
    github.stage(pulls(), Fault::Unprocessable("Not today".to_owned()), 1);
    github.stage(pulls(), Fault::SecondaryLimit(None), 1);
    github.stage(pulls(), Fault::BadGatewayAfterWork, 1);
    for (status, count) in [(502, 0), (422, 0), (403, 0), (502, 1)] {
        assert_eq!((client.open("nixwright/fd").status, github.pulls().len()), (status, count));
    }
    github.stage(Call::Api, Fault::RateLimit(Duration::from_secs(90)), 1);
    let limited = client.get("/pulls");
    assert_eq!((limited.status, limited.header("x-ratelimit-remaining")), (403, "0"));
    github.stage(Call::Api, Fault::SecondaryLimit(Some(RetryAfter::Date(Duration::from_secs(2)))), 1);
    assert!(client.get("/pulls").header("retry-after").ends_with(" GMT"));
    github.stage(Call::Api, Fault::TooManyRequests(Some(RetryAfter::Seconds(2))), 1);
    let many = client.get("/pulls");
    assert_eq!((many.status, many.header("retry-after")), (429, "2"));
    let list = || Call::rest("GET", "/repos/*/*/pulls");
    github.stage(list(), Fault::Stale(1), 1);
    assert_eq!(client.get("/pulls").expect(200), json!([]));
    assert_eq!(client.get("/pulls").expect(200)[0]["number"], 1);
    github.stage(list(), Fault::NotFound, 1);
    client.get("/pulls").expect(404);
    github.stage(list(), Fault::Slow(Duration::from_millis(200)), 1);
    let start = Instant::now();
    client.get("/pulls").expect(200);
    assert!(start.elapsed() >= Duration::from_millis(200));
    github.commit_as_person("nixwright/rg", "rg", "1");
    github.stage(pulls(), Fault::Cut, 1);
    github.stage(pulls(), Fault::CutAfterWork, 1);
    let wish = json!({ "title": "rg", "head": "nixwright/rg", "base": "main" });
    for count in [1, 2] {
        assert!(client.try_send("POST", "/pulls", Some(&wish), &[]).is_none());
        assert_eq!(github.pulls().len(), count);
    }
    // The client itself asks once more where a kept connection breaks, if that is safe; a POST it never does.
    assert_eq!(github.count("POST", "/repos/*/*/pulls"), 6);
    github.stage(Call::Api, Fault::TokenExpired, 1);
    client.get("/pulls").expect(401);
    client.get("/pulls").expect(401);
    assert_eq!(github.staged(), 0);
}

#[test]
fn a_test_steps_in_before_and_after() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    let (send, seen) = std::sync::mpsc::channel();
    for when in [When::Before, When::After] {
        let (hub, send) = (github.hub(), send.clone());
        github.on(Call::rest("POST", "/repos/*/*/pulls"), when, move || send.send(hub.pulls().len()).unwrap());
    }
    client.open("nixwright/fd").expect(201);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn git_has_faults_too() {
    let github = GitHub::start();
    let folder = tempfile::tempdir().unwrap();
    clone_with_branch(&github, folder.path(), "nixwright/fd");
    let push = ["push", "-q", "origin", "nixwright/fd"];
    github.stage(Call::Push, Fault::BadGateway, 1);
    git(folder.path(), &push).expect_code(1);
    assert_eq!(github.branch("nixwright/fd"), None);
    github.stage(Call::Push, Fault::BadGatewayAfterWork, 1);
    git(folder.path(), &push).expect_code(1);
    let first = github.branch("nixwright/fd").unwrap();
    change(folder.path(), "two\n");
    github.stage(Call::Push, Fault::CutAfterWork, 1);
    git(folder.path(), &push).expect_code(1);
    assert_ne!(github.branch("nixwright/fd").unwrap(), first);
    github.stage(Call::Fetch, Fault::Cut, 1);
    git(folder.path(), &["fetch", "-q", "origin"]).expect_code(128);
    git(folder.path(), &["fetch", "-q", "origin"]).expect_code(0);
    let (send, seen) = std::sync::mpsc::channel();
    let hub = github.hub();
    github.on(Call::Push, When::After, move || send.send(hub.branch("nixwright/fd")).unwrap());
    git(folder.path(), &["push", "-q", "origin", ":nixwright/fd"]).expect_code(0);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [None]);
}

#[test]
fn writes_are_seen_with_their_times() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    assert_eq!(github.shortest_pause(), None);
    client.get("/pulls").expect(200);
    std::thread::sleep(Duration::from_millis(50));
    client.send("PATCH", "/pulls/1", &json!({ "title": "fd" })).expect(200);
    client.graphql("{ viewer { login } }", &json!({}));
    assert!(github.shortest_pause().unwrap() >= Duration::from_millis(50));
    assert_eq!(github.writes().len(), 2);
}
