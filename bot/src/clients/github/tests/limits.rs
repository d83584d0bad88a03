use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{PULLS, fixture, json_of, new_pull, pull, start};
use crate::clients::github::GithubError;

const SECONDARY: &str = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

fn limited(status: u16) -> ResponseTemplate {
    json_of(status, &json!({ "message": SECONDARY }))
}

#[tokio::test]
async fn a_short_wait_is_slept_and_a_write_that_was_refused_for_it_sent_again() {
    for answer in [
        limited(403).insert_header("retry-after", "30"),
        limited(429).insert_header("retry-after", "Sun, 01 Mar 2026 12:00:30 GMT"),
        limited(403)
            .insert_header("x-ratelimit-remaining", "0")
            .insert_header("x-ratelimit-reset", (start().as_second() + 29).to_string().as_str()),
    ] {
        let fixture = fixture().await;
        fixture.answer("POST", PULLS, 1, answer).await;
        fixture.answer("POST", PULLS, 1, json_of(201, &pull(1, SignedDuration::ZERO))).await;
        assert_eq!(fixture.github.create_pull(new_pull()).await.unwrap().number, 1);
        assert_eq!(fixture.time.waits(), [Duration::from_secs(30)]);
    }
}

#[tokio::test]
async fn a_long_wait_goes_up_and_holds_for_what_comes_after() {
    let fixture = fixture().await;
    let reset = start() + SignedDuration::from_mins(20);
    let answer = limited(403)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", reset.as_second().to_string().as_str());
    fixture.answer("GET", PULLS, 1, answer).await;
    for _ in 0..2 {
        let error = fixture.github.open_pulls().await.unwrap_err();
        let GithubError::Limited { until, .. } = &error else { panic!("{error}") };
        assert_eq!(*until, reset + SignedDuration::from_secs(1));
    }
    // The second was not even asked.
    assert_eq!(fixture.requests().await, 1);
    assert!(fixture.time.waits().is_empty());
    fixture.time.pass(Duration::from_secs(20 * 60 + 1));
    fixture.answer("GET", PULLS, 1, json_of(200, &json!([]))).await;
    fixture.github.open_pulls().await.unwrap();
}

#[tokio::test]
async fn without_headers_it_waits_a_minute_and_then_longer() {
    let fixture = fixture().await;
    fixture.answer("GET", PULLS, 2, limited(403)).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    assert!(matches!(error, GithubError::Limited { until, .. } if until == start() + SignedDuration::from_secs(180)));
    assert_eq!(fixture.time.waits(), [Duration::from_secs(60)]);
}

#[tokio::test]
async fn a_403_about_permissions_is_no_limit() {
    let fixture = fixture().await;
    let refused = json_of(403, &json!({ "message": "Resource not accessible by integration" }));
    fixture.answer("GET", PULLS, 1, refused.insert_header("x-ratelimit-remaining", "4999")).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    insta::assert_snapshot!(error, @"GitHub refuses GET /api/v3/repos/octo-org/overlay/pulls with 403 (Resource not accessible by integration); the token, or the App, may not do this: check its permissions for the repository");
}

#[tokio::test]
async fn graphql_has_its_own_form_and_its_own_count() {
    let fixture = fixture().await;
    let told = json!({ "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] });
    let reset = (start().as_second() + 600).to_string();
    let answer = json_of(200, &told)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", reset.as_str());
    let graphql = wiremock::Mock::given(wiremock::matchers::path("/api/graphql"));
    graphql.respond_with(answer).mount(&fixture.server).await;
    let error = fixture.github.mark_ready("PR_1").await.unwrap_err();
    assert!(matches!(error, GithubError::Limited { .. }), "{error}");
    fixture.answer("GET", PULLS, 1, json_of(200, &json!([]))).await;
    fixture.github.open_pulls().await.unwrap();
}

#[tokio::test]
async fn the_last_request_of_the_hour_stops_the_next() {
    let fixture = fixture().await;
    let answer = json_of(200, &json!([]))
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", (start().as_second() + 600).to_string().as_str());
    fixture.answer("GET", PULLS, 1, answer).await;
    fixture.github.open_pulls().await.unwrap();
    assert!(matches!(fixture.github.open_pulls().await.unwrap_err(), GithubError::Limited { .. }));
    assert_eq!(fixture.requests().await, 1);
}
