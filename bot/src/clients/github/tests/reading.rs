use jiff::SignedDuration;
use serde_json::json;
use wiremock::matchers::{header, header_exists, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{PULLS, fixture, json_of, pull, start, with};
use crate::clients::github::{Auth, GithubError};

#[tokio::test]
async fn what_is_known_is_asked_whether_it_is_still_so() {
    let fixture = fixture().await;
    let tag = "W/\"abc\"";
    let known = Mock::given(path(format!("/api/v3{PULLS}"))).and(header("if-none-match", tag));
    known.respond_with(ResponseTemplate::new(304).insert_header("etag", tag)).mount(&fixture.server).await;
    let list = json!([pull(1, SignedDuration::ZERO)]);
    fixture.answer("GET", PULLS, 1, json_of(200, &list).insert_header("etag", tag)).await;
    for _ in 0..3 {
        assert_eq!(fixture.github.open_pulls().await.unwrap().len(), 1);
    }
    assert_eq!(fixture.requests().await, 3);
    // Another question is another answer.
    fixture.answer("GET", PULLS, 1, json_of(200, &json!([]))).await;
    assert_eq!(fixture.github.pulls_of_branch("nixwright/fd").await.unwrap(), []);
}

#[tokio::test]
async fn lists_are_read_to_their_end_or_until_they_are_old() {
    let fixture = fixture().await;
    for page in 1..=3_i64 {
        let list = json!([pull(page, SignedDuration::from_hours(-page))]);
        let next =
            format!("<{}/api/v3{PULLS}?page={}>; rel=\"next\", <x>; rel=\"last\"", fixture.server.uri(), page + 1);
        let answer =
            if page < 3 { json_of(200, &list).insert_header("link", next.as_str()) } else { json_of(200, &list) };
        if page > 1 {
            let asked = Mock::given(path(format!("/api/v3{PULLS}"))).and(query_param("page", page.to_string()));
            asked.respond_with(answer).with_priority(1).mount(&fixture.server).await;
        } else {
            fixture.answer("GET", PULLS, 100, answer).await;
        }
    }
    let numbers = async |since| {
        let pulls = fixture.github.pulls_updated_since(since).await.unwrap();
        pulls.into_iter().map(|pull| pull.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None).await, [1, 2, 3]);
    let before = fixture.requests().await;
    assert_eq!(numbers(Some(start() - SignedDuration::from_mins(90))).await, [1]);
    assert_eq!(fixture.requests().await - before, 2);
}

#[tokio::test]
async fn no_page_is_asked_of_another_server() {
    let fixture = fixture().await;
    let elsewhere = MockServer::start().await;
    let next = format!("<{}/api/v3{PULLS}?page=2>; rel=\"next\"", elsewhere.uri());
    fixture.answer("GET", PULLS, 1, json_of(200, &json!([])).insert_header("link", next.as_str())).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    assert!(matches!(error, GithubError::Unreadable { .. }), "{error}");
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_redirect_takes_no_token_to_another_server() {
    let fixture = fixture().await;
    let elsewhere = MockServer::start().await;
    let secret = Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(500)).with_priority(1);
    secret.expect(0).mount(&elsewhere).await;
    Mock::given(path("/x")).respond_with(json_of(200, &json!([]))).mount(&elsewhere).await;
    let there = format!("{}/x", elsewhere.uri());
    fixture.answer("GET", PULLS, 1, ResponseTemplate::new(302).insert_header("location", there.as_str())).await;
    let _ = fixture.github.open_pulls().await;
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again_and_then_given_up() {
    let fixture = fixture().await;
    fixture.answer("GET", PULLS, 2, ResponseTemplate::new(502)).await;
    fixture.answer("GET", PULLS, 1, json_of(200, &json!([]))).await;
    fixture.github.open_pulls().await.unwrap();
    assert_eq!(fixture.time.waits().len(), 2);
    fixture.answer("GET", PULLS, 100, ResponseTemplate::new(503)).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    insta::assert_snapshot!(error, @"GitHub does not answer GET /api/v3/repos/octo-org/overlay/pulls (status 503; tried 4 times)");
}

#[tokio::test]
async fn what_is_no_answer_of_githubs_is_said() {
    let fixture = fixture().await;
    fixture.answer("GET", PULLS, 1, ResponseTemplate::new(200).set_body_string("<html>")).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    assert!(matches!(error, GithubError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn release_notes_need_no_token_and_no_release() {
    let place = "/repos/a/b/releases/tags/v1%2F2";
    let fixture = with(Auth::Nobody).await;
    let none = Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(500)).with_priority(1);
    none.mount(&fixture.server).await;
    fixture.answer("GET", place, 1, json_of(200, &json!({ "body": "First." }))).await;
    fixture.answer("GET", place, 1, json_of(404, &json!({ "message": "Not Found" }))).await;
    assert_eq!(fixture.github.release_notes("a", "b", "v1/2").await.unwrap().as_deref(), Some("First."));
    assert_eq!(fixture.github.release_notes("a", "b", "v1/2").await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_is_kept_from_a_public_repository_is_left_at_home() {
    let place = "/repos/a/b/releases/tags/v1";
    let fixture = super::fixture().await;
    let kept = json!({ "message": "Resource protected by organization SAML enforcement." });
    let with_token = Mock::given(header_exists("authorization")).respond_with(json_of(403, &kept)).with_priority(1);
    with_token.mount(&fixture.server).await;
    fixture.answer("GET", place, 1, json_of(200, &json!({ "body": "First." }))).await;
    assert_eq!(fixture.github.release_notes("a", "b", "v1").await.unwrap().as_deref(), Some("First."));
}

#[tokio::test]
async fn the_releases_of_anybodys_repository_need_no_token_and_drafts_are_none() {
    let place = "/repos/a/b/releases";
    let fixture = with(Auth::Nobody).await;
    let none = Mock::given(header_exists("authorization")).respond_with(ResponseTemplate::new(500)).with_priority(1);
    none.mount(&fixture.server).await;
    let release = |tag: &str, draft: bool, published: Option<&str>| json!({ "tag_name": tag, "draft": draft, "prerelease": tag.contains("rc"), "published_at": published });
    let list = json!([
        release("v2.0.0", true, None),
        release("v1.1.0-rc.1", false, Some("2026-01-03T00:00:00Z")),
        release("v1.0.0", false, Some("2026-01-02T00:00:00Z"))
    ]);
    fixture.answer("GET", place, 1, json_of(200, &list)).await;
    fixture.answer("GET", place, 1, json_of(404, &json!({ "message": "Not Found" }))).await;
    let repository = "a/b".parse().unwrap();
    let releases = fixture.github.releases(&repository).await.unwrap().unwrap();
    let told: Vec<_> = releases.iter().map(|release| (release.tag.as_str(), release.prerelease)).collect();
    assert_eq!(told, [("v1.1.0-rc.1", true), ("v1.0.0", false)]);
    assert_eq!(releases[1].published, Some("2026-01-02T00:00:00Z".parse().unwrap()));
    assert_eq!(fixture.github.releases(&repository).await.unwrap(), None);
}
