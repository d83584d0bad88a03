//! What asks the fake: a client that keeps to all that GitHub asks for, and git itself.

use std::path::Path;

use nixwright_tests::github::GitHub;
use nixwright_tests::process::{Finished, command, run, write_file};
use serde_json::{Value, json};

/// A careful client: it sends what GitHub asks for.
pub(crate) struct Client {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) http: reqwest::Client,
    api: String,
    repository: String,
    pub(crate) token: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("a plain header")).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }
}

impl Client {
    pub(crate) fn of(github: &GitHub) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().user_agent("fake-github-test").build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let repository = format!("/repos/{}", github.name());
        Self { runtime, http, api: github.api_url(), repository, token: github.token() }
    }

    /// `path` is below the repository, or with two slashes below the API, or a whole address.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        more: &[(&str, &str)],
    ) -> Option<Answer> {
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

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.try_send(method, path, (!body.is_null()).then_some(body), &[]).expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    pub(crate) fn open(&self, branch: &str) -> Answer {
        let head = format!("octo-org:{branch}");
        self.send("POST", "/pulls", &json!({ "title": format!("Bring {branch}"), "head": head, "base": "main" }))
    }

    pub(crate) fn graphql(&self, query: &str, variables: &Value) -> Value {
        self.send("POST", "//graphql", &json!({ "query": query, "variables": variables })).expect(200)
    }
}

/// Git, apart from what the person who runs the tests has set.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Finished {
    let mut git = command("git");
    git.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "bot").env(format!("GIT_{who}_EMAIL"), "bot@forge.example");
    }
    run(&mut git)
}

/// The setting with which git sends a token.
pub(crate) fn with_token(token: &str) -> String {
    let pair = data_encoding::BASE64.encode(format!("x-access-token:{token}").as_bytes());
    format!("http.extraHeader=Authorization: Basic {pair}")
}

/// A clone with a new commit on a branch, ready to be pushed.
pub(crate) fn clone_with_branch(github: &GitHub, folder: &Path, branch: &str) {
    let setting = with_token(&github.token());
    git(folder, &["-c", &setting, "clone", "-q", &github.git_url(), "."]).expect_code(0);
    git(folder, &["config", "http.extraHeader", setting.split_once('=').expect("a key").1]).expect_code(0);
    git(folder, &["switch", "-q", "-c", branch]).expect_code(0);
    change(folder, "one\n");
}

pub(crate) fn change(folder: &Path, text: &str) {
    write_file(&folder.join("packages/fd/package.nix"), text);
    git(folder, &["add", "."]).expect_code(0);
    git(folder, &["commit", "-q", "-m", "Update fd"]).expect_code(0);
}
