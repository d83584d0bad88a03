//! The client against answers of every kind; no test really waits.

mod auth;
mod limits;
mod reading;
mod writing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Auth, Github, GithubSettings, NewPull, Sleep};
use crate::model::Clock;

pub(super) const TOKEN: &str = "ghp_secretOfTheTests";

/// A server, a client, and a clock that moves only by waiting.
struct Fixture {
    server: MockServer,
    github: Github,
    time: Time,
}

/// The time, and every wait there was.
#[derive(Clone)]
struct Time(Arc<Mutex<(Timestamp, Vec<Duration>)>>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((start(), Vec::new()))))
    }

    fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || time.now())
    }

    fn sleep(&self) -> Sleep {
        let time = self.clone();
        Sleep::from_fn(move |duration| {
            time.pass(duration);
            Box::pin(async {})
        })
    }

    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn pass(&self, duration: Duration) {
        let mut time = self.0.lock().unwrap();
        time.0 += duration;
        time.1.push(duration);
    }

    fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().1.clone()
    }
}

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

async fn fixture() -> Fixture {
    with(Auth::Token(TOKEN.into())).await
}

async fn with(auth: Auth) -> Fixture {
    let server = MockServer::start().await;
    let time = Time::new();
    let settings = GithubSettings {
        api: Url::parse(&format!("{}/api/v3/", server.uri())).unwrap(),
        repository: "octo-org/overlay".parse().unwrap(),
        auth,
        write_interval: Duration::from_secs(1),
    };
    let github = Github::new(settings, time.clock(), time.sleep()).unwrap();
    Fixture { server, github, time }
}

impl Fixture {
    /// Answers like this, `times` times.
    async fn answer(&self, verb: &str, place: &str, times: u64, answer: ResponseTemplate) {
        let place = format!("/api/v3{place}");
        Mock::given(method(verb)).and(path(place)).respond_with(answer).up_to_n_times(times).mount(&self.server).await;
    }

    async fn requests(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

const PULLS: &str = "/repos/octo-org/overlay/pulls";

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn pull(number: i64, updated: SignedDuration) -> Value {
    let updated = (start() + updated).to_string();
    let side = |branch: &str| json!({ "ref": branch, "sha": SHA, "repo": { "full_name": "octo-org/overlay" } });
    json!({
        "number": number, "node_id": format!("PR_{number}"), "title": "fd: 1", "body": null, "state": "open",
        "html_url": "https://forge.example/1", "user": { "login": "bot" }, "head": side("nixwright/fd"),
        "base": side("main"), "created_at": start().to_string(), "updated_at": updated, "closed_at": null,
        "merged_at": null, "merge_commit_sha": null,
    })
}

fn json_of(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn new_pull() -> NewPull<'static> {
    NewPull { title: "fd: 1", body: "Text", head: "nixwright/fd", base: "main", draft: true }
}
