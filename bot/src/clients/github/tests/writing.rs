use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{PULLS, SHA, fixture, json_of, new_pull, pull};
use crate::clients::github::{GithubError, PullChange, StatusState};

#[tokio::test]
async fn a_write_is_never_sent_again_blindly() {
    for status in [500, 502, 503, 504] {
        let fixture = fixture().await;
        fixture.answer("POST", PULLS, 10, ResponseTemplate::new(status)).await;
        let error = fixture.github.create_pull(new_pull()).await.unwrap_err();
        assert!(matches!(error, GithubError::Ambiguous { .. }), "{error}");
        assert_eq!(fixture.requests().await, 1, "{status}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_leaves_it_open_what_happened() {
    let fixture = fixture().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            count += 1;
            drop(stream);
            if count == 1 {
                break;
            }
        }
        count
    });
    let settings = crate::clients::github::GithubSettings {
        api: format!("http://{address}/").parse().unwrap(),
        repository: "octo-org/overlay".parse().unwrap(),
        auth: crate::clients::github::Auth::Token(super::TOKEN.into()),
        write_interval: Duration::from_secs(1),
    };
    let github = crate::clients::github::Github::new(settings, fixture.time.clock(), fixture.time.sleep()).unwrap();
    let error = github.create_pull(new_pull()).await.unwrap_err();
    assert!(matches!(error, GithubError::Ambiguous { .. }), "{error}");
    assert!(!format!("{error} {error:?} {github:?}").contains(super::TOKEN));
    assert_eq!(served.await.unwrap(), 1);
}

#[tokio::test]
async fn writes_have_a_pause_between_them_and_reads_have_none() {
    let fixture = fixture().await;
    fixture.answer("PATCH", &format!("{PULLS}/1"), 10, json_of(200, &pull(1, SignedDuration::ZERO))).await;
    fixture.answer("GET", &format!("{PULLS}/1"), 10, json_of(200, &pull(1, SignedDuration::ZERO))).await;
    let change = PullChange { title: Some("fd: 2"), ..PullChange::default() };
    let (one, two) = (fixture.github.update_pull(1, change), fixture.github.update_pull(1, change));
    let (one, two) = tokio::join!(one, two);
    assert_eq!(one.unwrap(), two.unwrap());
    fixture.github.pull(1).await.unwrap();
    assert_eq!(fixture.time.waits(), [Duration::from_secs(1)]);
    let sent: Value = fixture.server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(sent, json!({ "title": "fd: 2" }));
}

#[tokio::test]
async fn a_refusal_has_githubs_words() {
    let fixture = fixture().await;
    let errors = json!([{ "code": "custom", "message": "A pull request already exists for octo-org:nixwright/fd." }]);
    let body = json!({ "message": "Validation Failed", "errors": errors });
    fixture.answer("POST", PULLS, 1, json_of(422, &body)).await;
    let error = fixture.github.create_pull(new_pull()).await.unwrap_err();
    insta::assert_snapshot!(error, @"GitHub refuses POST /api/v3/repos/octo-org/overlay/pulls with 422 (Validation Failed; A pull request already exists for octo-org:nixwright/fd.); GitHub does not accept what was sent");
}

#[tokio::test]
async fn a_status_is_said_once() {
    let fixture = fixture().await;
    let said = json!({ "statuses": [{ "context": "nixwright/x", "state": "success", "description": "built" }] });
    let commit = SHA.parse().unwrap();
    fixture.answer("GET", &format!("/repos/octo-org/overlay/commits/{SHA}/status"), 10, json_of(200, &said)).await;
    fixture.answer("POST", &format!("/repos/octo-org/overlay/statuses/{SHA}"), 10, json_of(201, &json!({}))).await;
    let set =
        async |state, text: &str| fixture.github.set_status(&commit, "nixwright/x", state, text, None).await.unwrap();
    set(StatusState::Success, "built").await;
    assert_eq!(fixture.requests().await, 1);
    set(StatusState::Failure, "does not build").await;
    assert_eq!(fixture.requests().await, 3);
}

#[tokio::test]
async fn a_comment_is_edited_in_place() {
    let fixture = fixture().await;
    let comments = "/repos/octo-org/overlay/issues/1/comments";
    let user = crate::clients::github::User { login: "bot".to_owned() };
    let marker = "<!-- nixwright persons -->";
    let list = json!([
        { "id": 6, "body": format!("Mine, says a person.\n\n{marker}"), "user": { "login": "alice" } },
        { "id": 7, "body": format!("Old.\n\n{marker}"), "user": { "login": "bot" } },
    ]);
    fixture.answer("GET", comments, 10, json_of(200, &list)).await;
    fixture.answer("PATCH", "/repos/octo-org/overlay/issues/comments/7", 1, json_of(200, &json!({}))).await;
    fixture.github.say(1, Some(&user), marker, "Old.").await.unwrap();
    assert_eq!(fixture.requests().await, 1);
    fixture.github.say(1, Some(&user), marker, "New.").await.unwrap();
    assert_eq!(fixture.requests().await, 3);
}
