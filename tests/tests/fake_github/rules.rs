//! What GitHub asks of those who ask: fields that it knows, tokens that are valid, pages, patience.

use nixwright_tests::github::{GitHub, Settings};
use serde_json::{Value, json};

use crate::client::{Client, git, with_token};

#[test]
fn what_github_does_not_know_is_a_violation() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    let wish = json!({ "title": "fd", "head": "nixwright/fd", "base": "main", "labels": ["nixwright"] });
    let told = client.send("POST", "/pulls", &wish).expect(500);
    assert!(told["message"].as_str().unwrap().contains("labels"), "{told}");
    client.get("/pulls?branch=main").expect(500);
    client.get("/pulls?state=merged").expect(500);
    client.send("POST", "/pulls", &json!({ "title": "fd" })).expect(500);
    client.get("/pull/1").expect(500);
    client.send("POST", "/issues/1/comments", &json!({ "body": github.token() })).expect(500);
    client.send("POST", "//graphql", &json!({ "query": "{ viewer { name_of_it } }" })).expect(500);
    assert_eq!(client.try_send("GET", "/pulls", None, &[("x-github-api-version", "1")]).unwrap().status, 200);
    let bare = client.runtime.block_on(client.http.get(format!("{}/user", github.api_url())).send()).unwrap();
    assert_eq!(bare.status(), 500);
    let violations = github.take_violations();
    assert_eq!(violations.len(), 8, "{violations:#?}");
    assert_eq!(github.pulls(), []);

    // A test that does not look for them fails.
    client.get("/pulls?branch=main").expect(500);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(github))).unwrap_err();
    assert!(failed.downcast_ref::<String>().unwrap().contains("branch"));
}

#[test]
fn lists_have_pages_and_tags() {
    let github = GitHub::start();
    let client = Client::of(&github);
    for index in 0..5 {
        let branch = format!("nixwright/p{index}");
        github.commit_as_person(&branch, &branch, "1");
        github.open_pull(&branch, &branch, "alice");
    }
    let first = client.get("/pulls?per_page=2&sort=created&direction=asc");
    let link = first.header("link").to_owned();
    assert!(link.contains("/repositories/4242/pulls?") && link.contains("rel=\"next\""), "{link}");
    let next = link.split(['<', '>']).nth(1).unwrap();
    assert_eq!(client.get(next).expect(200)[0]["number"], 3);
    let found = client.get("/pulls?head=octo-org:nixwright/p4&state=all").expect(200);
    assert_eq!(found.as_array().unwrap().len(), 1);

    let tag = client.get("/pulls").header("etag").to_owned();
    let same = client.try_send("GET", "/pulls", None, &[("if-none-match", &tag)]).unwrap();
    assert_eq!((same.status, same.header("etag")), (304, tag.as_str()));
    github.close(1);
    assert_eq!(client.try_send("GET", "/pulls", None, &[("if-none-match", &tag)]).unwrap().status, 200);
    let request = github.requests().pop().unwrap();
    assert_eq!(request.headers["authorization"], "Bearer …");
    assert!(!format!("{:?}", github.requests()).contains(&github.token()));
}

#[test]
fn an_app_gets_tokens_that_end() {
    let github = GitHub::start();
    let mut client = Client::of(&github);
    let folder = tempfile::tempdir().unwrap();
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(github.install_app(7, 99).as_bytes()).unwrap();
    let proof = |from: i64, to: i64| {
        let start = now();
        let claims = json!({ "iat": start + from, "exp": start + to, "iss": "7" });
        jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256), &claims, &key).unwrap()
    };
    client.get("//app").expect(401);
    client.token = proof(-600, -300);
    client.get("//app").expect(401);
    client.token = proof(-60, 540);
    assert_eq!(client.get("//app").expect(200)["id"], 7);
    assert_eq!(client.get("//app/installations").expect(200)[0]["id"], 99);
    assert_eq!(client.get("/installation").expect(200)["id"], 99);
    client.get("/pulls").expect(403);
    let given = client.send("POST", "//app/installations/99/access_tokens", &Value::Null).expect(201);
    let app = std::mem::replace(&mut client.token, given["token"].as_str().unwrap().to_owned());
    client.get("/pulls").expect(200);
    client.get("//user").expect(403);
    git(folder.path(), &["-c", &with_token(&client.token), "ls-remote", &github.git_url()]).expect_code(0);
    github.refuse_tokens();
    client.get("/pulls").expect(401);
    git(folder.path(), &["-c", &with_token(&client.token), "ls-remote", &github.git_url()]).expect_code(128);
    client.token = app;
    client.send("POST", "//app/installations/99/access_tokens", &Value::Null).expect(201);
    assert_eq!(github.tokens().len(), 3);

    // Tokens end by themselves, too.
    github.set_token_lifetime(std::time::Duration::ZERO);
    let given = client.send("POST", "//app/installations/99/access_tokens", &Value::Null).expect(201);
    client.token = given["token"].as_str().unwrap().to_owned();
    client.get("/pulls").expect(401);
}

#[test]
fn an_hour_has_so_many_requests() {
    let github = GitHub::with(Settings { rate_limit: 2, ..Settings::default() });
    let client = Client::of(&github);
    let first = client.get("/pulls");
    assert_eq!((first.header("x-ratelimit-remaining"), first.header("x-ratelimit-used")), ("1", "1"));
    let tag = first.header("etag").to_owned();
    for _ in 0..3 {
        // What is known already does not count.
        assert_eq!(client.try_send("GET", "/pulls", None, &[("if-none-match", &tag)]).unwrap().status, 304);
    }
    client.get("/pulls").expect(200);
    let none = client.get("/pulls");
    assert_eq!((none.status, none.header("x-ratelimit-remaining")), (403, "0"));
    assert_eq!(client.get("//rate_limit").expect(200)["resources"]["core"]["remaining"], 0);
}

#[test]
fn who_may_read_what_is_public() {
    let github = GitHub::with(Settings { private: false, ..Settings::default() });
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["clone", "-q", &github.git_url(), "."]).expect_code(0);
    git(folder.path(), &["push", "-q", "origin", "HEAD:refs/heads/other"]).expect_code(128);
    git(folder.path(), &["-c", &with_token("wrong"), "fetch", "-q"]).expect_code(128);
    git(folder.path(), &["-c", &with_token(&github.token()), "push", "-q", "origin", "HEAD:refs/heads/other"])
        .expect_code(0);
    assert_eq!(github.branch("other"), github.branch("main"));
}

/// Seconds since 1970.
fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a proof is for the machine's time")]
    jiff::Timestamp::now().as_second()
}
