//! The fake GitHub itself: that it lives as the real one does, and lets nothing pass that the real one would not know.

use std::path::Path;
use std::time::{Duration, Instant};

use nixwright_tests::github::{Call, Fault, GitHub, RetryAfter, Settings, When};
use nixwright_tests::process::{Finished, command, run, stdout_of, write_file};
use serde_json::{Value, json};

/// A careful client: it sends what GitHub asks for.
struct Client {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    api: String,
    repository: String,
    token: String,
}

struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("a plain header")).unwrap_or_default()
    }

    #[track_caller]
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }
}

impl Client {
    fn of(github: &GitHub) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().user_agent("fake-github-test").build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let repository = format!("/repos/{}", github.name());
        Self { runtime, http, api: github.api_url(), repository, token: github.token() }
    }

    /// `path` is below the repository, or with two slashes below the API, or a whole address.
    fn try_send(&self, method: &str, path: &str, body: Option<&Value>, more: &[(&str, &str)]) -> Option<Answer> {
        let url = match path.strip_prefix("//") {
            Some(path) => format!("{}/{path}", self.api),
            None if path.starts_with("http") => path.to_owned(),
            None => format!("{}{}{path}", self.api, self.repository),
        };
        let mut request = self
            .http
            .request(method.parse().expect("a method"), url)
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await.ok()?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await.ok()?;
            Some(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
        })
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_send(method, path, (!body.is_null()).then_some(body), &[]).expect("an answer")
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    fn open(&self, branch: &str) -> Answer {
        let head = format!("octo-org:{branch}");
        self.send("POST", "/pulls", &json!({ "title": format!("Bring {branch}"), "head": head, "base": "main" }))
    }

    fn graphql(&self, query: &str, variables: &Value) -> Value {
        self.send("POST", "//graphql", &json!({ "query": query, "variables": variables })).expect(200)
    }
}

/// Git, apart from what the person who runs the tests has set.
fn git(folder: &Path, arguments: &[&str]) -> Finished {
    let mut git = command("git");
    git.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "bot").env(format!("GIT_{who}_EMAIL"), "bot@forge.example");
    }
    run(&mut git)
}

/// The setting with which git sends a token.
fn with_token(token: &str) -> String {
    let pair = data_encoding::BASE64.encode(format!("x-access-token:{token}").as_bytes());
    format!("http.extraHeader=Authorization: Basic {pair}")
}

/// A clone with a new commit on a branch, ready to be pushed.
fn clone_with_branch(github: &GitHub, folder: &Path, branch: &str) {
    let setting = with_token(&github.token());
    git(folder, &["-c", &setting, "clone", "-q", &github.git_url(), "."]).expect_code(0);
    git(folder, &["config", "http.extraHeader", setting.split_once('=').expect("a key").1]).expect_code(0);
    git(folder, &["switch", "-q", "-c", branch]).expect_code(0);
    change(folder, "one\n");
}

fn change(folder: &Path, text: &str) {
    write_file(&folder.join("packages/fd/package.nix"), text);
    git(folder, &["add", "."]).expect_code(0);
    git(folder, &["commit", "-q", "-m", "Update fd"]).expect_code(0);
}

#[test]
fn a_pull_request_lives_with_its_branch() {
    let github = GitHub::start();
    let client = Client::of(&github);
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["ls-remote", &github.git_url()]).expect_code(128);

    clone_with_branch(&github, folder.path(), "nixwright/fd");
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    let opened = client.open("nixwright/fd").expect(201);
    assert_eq!(opened["number"], 1);
    assert_eq!(opened["changed_files"], 1);

    // A newer commit: the same pull request has it.
    change(folder.path(), "two\n");
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    let head = stdout_of(command("git").current_dir(folder.path()).args(["rev-parse", "HEAD"]));
    assert_eq!(github.pull(1).head_sha, head.trim());
    let reference = git(folder.path(), &["ls-remote", "origin", "refs/pull/1/head"]).expect_code(0);
    reference.expect_words(&[head.trim()]);
    assert_eq!(client.get("/pulls/1/commits").expect(200).as_array().unwrap().len(), 2);
    assert_eq!(client.get("/pulls/1/files").expect(200)[0]["filename"], "packages/fd/package.nix");
    git(folder.path(), &["push", "-q", "origin", "HEAD:refs/pull/1/head"]).expect_code(1);

    // It can be merged, but GitHub does not know that at once.
    assert_eq!(client.get("/pulls/1").expect(200)["mergeable"], Value::Null);
    assert_eq!(client.get("/pulls/1").expect(200)["mergeable_state"], "clean");

    // Closed, opened again, and gone with its branch.
    assert_eq!(client.send("PATCH", "/pulls/1", &json!({ "state": "closed" })).expect(200)["state"], "closed");
    assert_eq!(client.send("PATCH", "/pulls/1", &json!({ "state": "open" })).expect(200)["state"], "open");
    git(folder.path(), &["push", "-q", "origin", ":nixwright/fd"]).expect_code(0);
    assert!(!github.pull(1).is_open());
    let refused = client.send("PATCH", "/pulls/1", &json!({ "state": "open" })).expect(422);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("has been deleted"), "{refused}");

    // Another, which a push to main brings in.
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    assert_eq!(client.open("nixwright/fd").expect(201)["number"], 2);
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd:main"]).expect_code(0);
    let pull = github.pull(2);
    assert!(pull.merged);
    assert_eq!(pull.merge_commit.as_deref(), Some(head.trim()));
    assert_eq!(client.get("/pulls?state=all").expect(200).as_array().unwrap().len(), 2);
}

#[test]
fn a_second_one_for_the_same_branch_is_refused() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    let again = client.open("nixwright/fd").expect(422);
    assert_eq!(again["errors"][0]["message"], "A pull request already exists for octo-org:nixwright/fd.");
    github.merge(1);
    let empty = client.open("nixwright/fd").expect(422);
    assert_eq!(empty["errors"][0]["message"], "No commits between main and nixwright/fd");
    assert_eq!(client.open("nowhere").expect(422)["errors"][0]["field"], "head");
    assert_eq!(github.count("POST", "/repos/{owner}/{repo}/pulls"), 4);
    assert_eq!(github.pulls().len(), 1);
}

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
    client.send("POST", "//graphql", &json!({ "query": "{ viewer { name_of_it } }" })).expect(500);
    assert_eq!(client.try_send("GET", "/pulls", None, &[("x-github-api-version", "1")]).unwrap().status, 200);
    let bare = client.runtime.block_on(client.http.get(format!("{}/user", github.api_url())).send()).unwrap();
    assert_eq!(bare.status(), 500);
    let violations = github.take_violations();
    assert_eq!(violations.len(), 7, "{violations:#?}");
    assert_eq!(github.pulls(), []);

    // A test that does not look for them fails.
    client.get("/pulls?branch=main").expect(500);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(github))).unwrap_err();
    assert!(failed.downcast_ref::<String>().unwrap().contains("branch"));
}

#[test]
fn people_and_words_around_a_pull_request() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    client.send("POST", "/issues/1/labels", &json!({ "labels": ["nixwright", "rust"] })).expect(200);
    client.send("PUT", "/issues/1/labels", &json!({ "labels": ["nixwright"] })).expect(200);
    client.send("POST", "/issues/1/assignees", &json!({ "assignees": ["bob", "stranger"] })).expect(201);
    client.send("POST", "/pulls/1/requested_reviewers", &json!({ "reviewers": ["alice"] })).expect(201);
    client.send("POST", "/pulls/1/requested_reviewers", &json!({ "reviewers": ["stranger"] })).expect(422);
    let comment = client.send("POST", "/issues/1/comments", &json!({ "body": "Hello" })).expect(201);
    let place = format!("/issues/comments/{}", comment["id"]);
    client.send("PATCH", &place, &json!({ "body": "Hello again" })).expect(200);
    github.comment(1, "alice", "Thanks");
    assert_eq!(client.get("/issues/1/comments").expect(200)[1]["user"]["login"], "alice");
    assert_eq!(client.get("/issues/1").expect(200)["comments"], 2);
    let pull = github.pull(1);
    assert_eq!((pull.labels.len(), pull.assignees, pull.reviewers), (1, vec!["bob".into()], vec!["alice".into()]));
    assert_eq!(github.comments(1)[0].body, "Hello again");
    github.approve(1, "alice");
    assert_eq!(client.get("/pulls/1/reviews").expect(200)[0]["state"], "APPROVED");
    assert_eq!(client.get("//user").expect(200)["login"], "nixwright-bot");
    assert_eq!(client.get("").expect(200)["default_branch"], "main");
    github.release("v1.0.0", "First.", false);
    assert_eq!(client.get("/releases/tags/v1.0.0").expect(200)["name"], "v1.0.0");
    assert_eq!(client.get("/tags").expect(200)[0]["name"], "v1.0.0");
    assert_eq!(client.get("/releases").expect(200).as_array().unwrap().len(), 1);
    let head = github.branch("main").unwrap();
    assert_eq!(client.get("/git/ref/heads/main").expect(200)["object"]["sha"], head);
    client.send("POST", "/git/refs", &json!({ "ref": "refs/heads/stable", "sha": head })).expect(201);
    let next = github.push_to_main("a", "b");
    client.send("PATCH", "/git/refs/heads/stable", &json!({ "sha": next })).expect(200);
    client.send("PATCH", "/git/refs/heads/stable", &json!({ "sha": head })).expect(422);
    client.send("DELETE", "/git/refs/heads/stable", &Value::Null).expect(204);
    assert_eq!(client.get(&format!("/commits/{head}")).expect(200)["author"]["login"], "alice");
    client.get("//rate_limit").expect(200);
}

const ARM: &str = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) \
                   { pullRequest { number autoMergeRequest { mergeMethod enabledBy { login } } } } }";

#[test]
fn a_merge_waits_for_green() {
    let required = vec!["nixwright/x86_64-linux".to_owned()];
    let github = GitHub::with(Settings { required_checks: required, ..Settings::default() });
    let client = Client::of(&github);
    let head = github.commit_as_person("nixwright/fd", "fd", "1");
    let opened = client.open("nixwright/fd").expect(201);
    let id = json!({ "id": opened["node_id"] });
    let draft =
        "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }";
    client.graphql(draft, &id);
    assert_eq!(
        client.send("PUT", "/pulls/1/merge", &json!({})).expect(405)["message"],
        "Pull Request is still a draft"
    );
    let ready =
        "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id } } }";
    assert_eq!(client.graphql(ready, &id)["data"]["markPullRequestReadyForReview"]["pullRequest"]["id"], id["id"]);
    let refused = client.send("PUT", "/pulls/1/merge", &json!({})).expect(405);
    assert_eq!(refused["message"], "Required status check \"nixwright/x86_64-linux\" is expected.");

    let armed = client.graphql(ARM, &id);
    assert_eq!(armed["data"]["enablePullRequestAutoMerge"]["pullRequest"]["number"], 1, "{armed}");
    assert_eq!(client.get("/pulls/1").expect(200)["auto_merge"]["merge_method"], "squash");
    let status = |state: &str| json!({ "state": state, "context": "nixwright/x86_64-linux", "description": "built" });
    client.send("POST", &format!("/statuses/{head}"), &status("pending")).expect(201);
    assert!(github.pull(1).is_open());
    client.send("POST", &format!("/statuses/{head}"), &status("success")).expect(201);
    let pull = github.pull(1);
    assert!(pull.merged);
    assert_eq!(github.branch("main"), pull.merge_commit);
    assert_eq!(client.get(&format!("/commits/{head}/status")).expect(200)["state"], "success");
    assert_eq!(client.get(&format!("/commits/{head}/statuses")).expect(200).as_array().unwrap().len(), 2);

    // Another one is green before it is armed.
    let head = github.commit_as_person("nixwright/rg", "rg", "1");
    let opened = client.open("nixwright/rg").expect(201);
    github.check(&head, "nixwright/x86_64-linux", Some("success"));
    assert_eq!(client.get("/commits/nixwright/rg/check-runs").expect(200)["total_count"], 1);
    let told = client.graphql(ARM, &json!({ "id": opened["node_id"] }));
    assert_eq!(told["errors"][0]["message"], "Pull request Pull request is in clean status");
    assert_eq!(told["errors"][0]["type"], "UNPROCESSABLE");
    client.send("PUT", "/pulls/2/merge", &json!({ "sha": "0".repeat(40) })).expect(409);
    client.send("PUT", "/pulls/2/merge", &json!({ "sha": head, "merge_method": "squash" })).expect(200);
    assert_eq!(github.branch("main"), github.pull(2).merge_commit);
    let gone = client.graphql(ARM, &json!({ "id": "PR_nothing" }));
    assert_eq!(gone["errors"][0]["type"], "NOT_FOUND");
}

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
        let now = jiff_now();
        let claims = json!({ "iat": now + from, "exp": now + to, "iss": "7" });
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
}

fn jiff_now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a proof is for the machine's time")]
    jiff::Timestamp::now().as_second()
}
