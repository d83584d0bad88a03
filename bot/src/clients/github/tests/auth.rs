use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use wiremock::Mock;
use wiremock::matchers::{header, method, path};

use super::{Fixture, PULLS, fixture, json_of, start, with};
use crate::clients::github::{Auth, GithubError};

/// An App whose key is made here and now, and the public half.
async fn app() -> (Fixture, Vec<u8>) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        data_encoding::BASE64.encode(private.as_ref())
    );
    let fixture = with(Auth::App { id: 7, key: key.into(), installation: None }).await;
    fixture.answer("GET", "/repos/octo-org/overlay/installation", 10, json_of(200, &json!({ "id": 99 }))).await;
    (fixture, pair.public_key().as_ref().to_vec())
}

impl Fixture {
    async fn gives(&self, token: &str, lifetime: SignedDuration) {
        let body = json!({ "token": token, "expires_at": (self.time.now() + lifetime).to_string() });
        self.answer("POST", "/app/installations/99/access_tokens", 1, json_of(201, &body)).await;
    }

    async fn takes(&self, token: &str) {
        let bearer = format!("Bearer {token}");
        let asked = Mock::given(method("GET"))
            .and(path(format!("/api/v3{PULLS}")))
            .and(header("authorization", bearer.as_str()));
        asked.respond_with(json_of(200, &json!([]))).mount(&self.server).await;
    }

    async fn asked_for_tokens(&self) -> usize {
        let requests = self.server.received_requests().await.unwrap();
        requests.iter().filter(|request| request.url.path().ends_with("/access_tokens")).count()
    }
}

#[tokio::test]
async fn an_app_proves_who_it_is_and_uses_its_token_while_it_holds() {
    let (fixture, public) = app().await;
    fixture.gives("ghs_one", SignedDuration::from_hours(1)).await;
    fixture.takes("ghs_one").await;
    fixture.takes("ghs_two").await;
    for _ in 0..2 {
        fixture.github.open_pulls().await.unwrap();
    }
    assert_eq!(fixture.asked_for_tokens().await, 1);
    let requests = fixture.server.received_requests().await.unwrap();
    let proof = requests[1].headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&proof, &DecodingKey::from_rsa_der(&public), &rules).unwrap().claims;
    let now = start().as_second();
    assert_eq!(claims, json!({ "iat": now - 60, "exp": now + 480, "iss": "7" }));
    assert_eq!(requests[1].body_json::<Value>().unwrap(), json!({ "repositories": ["overlay"] }));

    // Shortly before its end there is a new one.
    fixture.time.pass(Duration::from_secs(56 * 60));
    fixture.gives("ghs_two", SignedDuration::from_hours(1)).await;
    fixture.github.open_pulls().await.unwrap();
    assert_eq!(fixture.asked_for_tokens().await, 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let (fixture, _) = app().await;
    fixture.gives("ghs_one", SignedDuration::from_hours(1)).await;
    fixture.gives("ghs_two", SignedDuration::from_hours(1)).await;
    fixture.takes("ghs_two").await;
    let refused = json_of(401, &json!({ "message": "Bad credentials" }));
    fixture.answer("GET", PULLS, 100, refused.clone()).await;
    fixture.answer("POST", PULLS, 100, refused).await;
    fixture.github.open_pulls().await.unwrap();
    assert_eq!(fixture.asked_for_tokens().await, 2);
    // The newest is refused too, and so is what comes in its place: no endless renewing.
    fixture.gives("ghs_three", SignedDuration::from_hours(1)).await;
    let error = fixture.github.create_pull(super::new_pull()).await.unwrap_err();
    assert_eq!((error.status(), fixture.asked_for_tokens().await), (Some(401), 3));
}

#[tokio::test]
async fn a_persons_token_cannot_be_renewed_and_is_never_shown() {
    let fixture = fixture().await;
    fixture.answer("GET", PULLS, 10, json_of(401, &json!({ "message": "Bad credentials" }))).await;
    let error = fixture.github.open_pulls().await.unwrap_err();
    insta::assert_snapshot!(error, @"GitHub refuses GET /api/v3/repos/octo-org/overlay/pulls with 401 (Bad credentials); the token is wrong, has expired or was taken back: make a new one");
    let auth = Auth::Token(super::TOKEN.into());
    let token = fixture.github.token().await.unwrap();
    let all = format!("{error:?} {:?} {auth:?} {token:?}", fixture.github);
    assert!(!all.contains(super::TOKEN), "{all}");
    assert_eq!(fixture.requests().await, 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_without_being_shown() {
    let settings = crate::clients::github::GithubSettings {
        api: "https://forge.example/".parse().unwrap(),
        repository: "octo-org/overlay".parse().unwrap(),
        auth: Auth::App { id: 7, key: "not-a-key-but-secret".into(), installation: None },
        write_interval: Duration::ZERO,
    };
    let time = super::Time::new();
    let error = crate::clients::github::Github::new(settings, time.clock(), time.sleep()).unwrap_err();
    assert!(matches!(error, GithubError::Key { .. }) && !error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn what_the_bot_lacks_is_listed() {
    let fixture = fixture().await;
    let body = json!({
        "full_name": "octo-org/overlay", "default_branch": "main", "archived": true, "allow_auto_merge": false,
        "permissions": { "push": false },
    });
    fixture.answer("GET", "/repos/octo-org/overlay", 1, json_of(200, &body)).await;
    let access = fixture.github.access().await.unwrap();
    assert_eq!((access.auto_merge, access.missing.len()), (Some(false), 2));

    let (fixture, _) = app().await;
    fixture.gives("ghs_one", SignedDuration::from_hours(1)).await;
    fixture.answer("GET", "/repos/octo-org/overlay", 1, json_of(200, &body)).await;
    let access = fixture.github.access().await.unwrap();
    // Archived, and three permissions of the App.
    assert_eq!(access.missing.len(), 4, "{:?}", access.missing);
}
