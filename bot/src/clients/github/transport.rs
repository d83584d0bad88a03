//! One request, and what to do about its answer.
//!
//! Questions are asked again after a passing failure. A write is sent once: where it is not known what became of it, that is
//! said, and whoever asked for it looks. Only what GitHub has surely not done (a limit, a token that ended) is sent again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, ETAG, IF_NONE_MATCH, LINK, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::error::{GithubError, shortened};
use super::limits::{LONGEST_SLEEP, Limits, RATE_LIMITED, Resource, Sleep};
use crate::model::Clock;

/// The version of the API that this program was written for.
const VERSION: &str = "2022-11-28";

/// For one request in all.
const TRY_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a question is asked.
const ATTEMPTS: u32 = 4;

/// How often a write is sent that GitHub surely did not carry out.
const WRITE_ATTEMPTS: u32 = 3;

/// The wait before the second try; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// No answer is larger.
const LONGEST_ANSWER: usize = 32 << 20;

/// How many answers are remembered.
const MOST_REMEMBERED: usize = 2000;

/// Sends requests, paces them, and remembers answers to questions.
pub(super) struct Transport {
    crab: Octocrab,
    pub(super) clock: Clock,
    sleep: Sleep,
    write_interval: Duration,
    limits: Mutex<Limits>,
    /// One write at a time; when the last one ended.
    writes: tokio::sync::Mutex<Option<Timestamp>>,
    /// By address: what GitHub said last, to be asked "is it still so?", which costs nothing.
    remembered: Mutex<HashMap<String, Answer>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Transport")
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<Value>,
    /// For messages.
    pub(super) what: String,
    pub(super) resource: Resource,
}

impl Request {
    /// A question.
    pub(super) fn get(url: Url) -> Self {
        Self::new(Method::GET, url, None)
    }

    pub(super) fn new(method: Method, url: Url, body: Option<Value>) -> Self {
        let what = format!("{method} {}", url.path());
        Self { method, url, body, what, resource: Resource::Rest }
    }
}

/// What came back. It may hold a token, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// GitHub's form of an error.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    /// A list of texts or objects, or a text.
    #[serde(default)]
    errors: Value,
}

impl Answer {
    /// The body as what it should be.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(&self, what: &str) -> Result<T, GithubError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| GithubError::Unreadable { what: what.to_owned(), reason: error.to_string() })
    }

    /// GitHub's words, with those about single values.
    fn message(&self) -> String {
        let refusal: Refusal = serde_json::from_slice(&self.body).unwrap_or_default();
        let alone = refusal.errors.as_str().map(str::to_owned);
        let details = refusal.errors.as_array().into_iter().flatten().filter_map(|error| {
            let text = error.as_str().or_else(|| error.get("message")?.as_str());
            text.map(str::to_owned)
                .or_else(|| Some(format!("{}: {}", error.get("field")?.as_str()?, error.get("code")?.as_str()?)))
        });
        let all = Some(refusal.message).filter(|text| !text.is_empty()).into_iter().chain(alone).chain(details);
        shortened(&all.collect::<Vec<_>>().join("; "))
    }

    /// What there is to say about a limit: a refusal's words, or GraphQL's kind of error.
    fn about_limits(&self, resource: Resource) -> String {
        if !self.status.is_success() {
            return self.message();
        }
        let limited = || {
            let told: Value = serde_json::from_slice(&self.body).ok()?;
            told.get("errors")?.as_array()?.iter().any(|error| error["type"] == RATE_LIMITED).then_some(())
        };
        let is_limited = resource == Resource::Graphql && limited().is_some();
        if is_limited { RATE_LIMITED.to_owned() } else { String::new() }
    }

    fn refusal(&self, what: &str) -> GithubError {
        GithubError::Status { what: what.to_owned(), status: self.status.as_u16(), message: self.message() }
    }

    /// The next page's address.
    pub(super) fn next(&self) -> Option<Url> {
        let links = self.headers.get(LINK)?.to_str().ok()?;
        links.split(',').find_map(|link| {
            let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
            rest.contains("rel=\"next\"").then(|| Url::parse(address).ok())?
        })
    }
}

/// What to do about an answer.
pub(super) enum Verdict {
    /// Take it.
    Good(Answer),
    /// The token is not taken.
    Unauthorized(GithubError),
    /// Wait; it was not carried out.
    Wait(Timestamp, String),
    /// The server is in trouble: what became of the request is not known.
    Lost(String),
    /// A refusal.
    Refused(GithubError),
}

impl Transport {
    pub(super) fn new(api: &Url, clock: Clock, sleep: Sleep, write_interval: Duration) -> Result<Self, GithubError> {
        // An error says that there already is a provider, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |error: octocrab::Error| GithubError::Setup { reason: shortened(&error.to_string()) };
        let plain = |text: &str| text.to_owned();
        let crab = Octocrab::builder()
            // Every request has its whole address, so this is only what redirects and defaults are measured by.
            .base_uri(api.origin().ascii_serialization())
            .map_err(failed)?
            .add_header(ACCEPT, plain("application/vnd.github+json"))
            .add_header(http::HeaderName::from_static("x-github-api-version"), plain(VERSION))
            .add_header(USER_AGENT, plain(concat!("nixwright/", env!("CARGO_PKG_VERSION"))))
            .set_connect_timeout(Some(Duration::from_secs(10)))
            .set_read_timeout(Some(Duration::from_secs(30)))
            .set_write_timeout(Some(Duration::from_secs(30)))
            .build()
            .map_err(failed)?;
        Ok(Self {
            crab,
            clock,
            sleep,
            write_interval,
            limits: Mutex::default(),
            writes: tokio::sync::Mutex::default(),
            remembered: Mutex::default(),
        })
    }

    /// Asks until there is an answer, with waits in between.
    pub(super) async fn ask(&self, request: &Request, token: Option<&SecretString>) -> Result<Verdict, GithubError> {
        let mut attempt = 1;
        loop {
            self.wait_for_limits(request.resource).await?;
            match self.once(request, token).await {
                Verdict::Wait(until, reason) => self.wait_until(until, &reason, attempt >= ATTEMPTS).await?,
                Verdict::Lost(reason) if attempt >= ATTEMPTS => {
                    return Err(GithubError::Unreachable { what: request.what.clone(), reason, attempts: attempt });
                }
                Verdict::Lost(reason) => {
                    tracing::debug!(github.request = request.what, github.attempt = attempt, "asked again: {reason}");
                    let wait = FIRST_WAIT * 2_u32.pow(attempt - 1);
                    self.sleep.sleep(wait / 2 + (wait / 2).mul_f64(fastrand::f64())).await;
                }
                verdict => return Ok(verdict),
            }
            attempt += 1;
        }
    }

    /// Sends a write, once, in its turn.
    pub(super) async fn write(&self, request: &Request, token: Option<&SecretString>) -> Result<Verdict, GithubError> {
        let mut last = self.writes.lock().await;
        let mut attempt = 1;
        loop {
            self.wait_for_limits(request.resource).await?;
            if let Some(last) = *last {
                let passed = self.clock.now().duration_since(last).unsigned_abs();
                if let Some(rest) = self.write_interval.checked_sub(passed).filter(|rest| !rest.is_zero()) {
                    self.sleep.sleep(rest).await;
                }
            }
            let verdict = self.once(request, token).await;
            *last = Some(self.clock.now());
            match verdict {
                Verdict::Wait(until, reason) => self.wait_until(until, &reason, attempt >= WRITE_ATTEMPTS).await?,
                Verdict::Lost(reason) => return Err(GithubError::Ambiguous { what: request.what.clone(), reason }),
                verdict => return Ok(verdict),
            }
            attempt += 1;
        }
    }

    async fn wait_for_limits(&self, resource: Resource) -> Result<(), GithubError> {
        loop {
            let until = self.limits().until(resource, self.clock.now());
            let Some(until) = until else { return Ok(()) };
            self.wait_until(until, "it said so before", false).await?;
        }
    }

    /// Sleeps if it is short, else says until when.
    async fn wait_until(&self, until: Timestamp, reason: &str, last: bool) -> Result<(), GithubError> {
        let wait = until.duration_since(self.clock.now());
        if last || wait > LONGEST_SLEEP {
            return Err(GithubError::Limited { until, reason: reason.to_owned() });
        }
        tracing::debug!(wait_ms = wait.as_millis(), "GitHub asks for patience: {reason}");
        self.sleep.sleep(wait.try_into().unwrap_or_default()).await;
        Ok(())
    }

    /// Sends it and takes in what the answer says of limits.
    async fn once(&self, request: &Request, token: Option<&SecretString>) -> Verdict {
        let known = self.known(request);
        let sent = tokio::time::timeout(TRY_TIMEOUT, self.send(request, token, known.as_ref()));
        let answer = match sent.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(reason)) => return Verdict::Lost(reason),
            Err(_) => return Verdict::Lost(format!("no answer within {} s", TRY_TIMEOUT.as_secs())),
        };
        let message = answer.about_limits(request.resource);
        let now = self.clock.now();
        let limited = self.limits().note(request.resource, answer.status, &answer.headers, &message, now);
        if let Some(until) = limited {
            return Verdict::Wait(until, message);
        }
        match answer.status.as_u16() {
            200..=299 => {
                self.remember(request, &answer);
                Verdict::Good(answer)
            }
            304 => match known {
                Some(known) => Verdict::Good(known),
                None => Verdict::Refused(answer.refusal(&request.what)),
            },
            401 => Verdict::Unauthorized(answer.refusal(&request.what)),
            408 | 500..=599 => Verdict::Lost(format!("status {}", answer.status.as_u16())),
            _ => Verdict::Refused(answer.refusal(&request.what)),
        }
    }

    async fn send(
        &self,
        request: &Request,
        token: Option<&SecretString>,
        known: Option<&Answer>,
    ) -> Result<Answer, String> {
        let mut builder = http::Request::builder().method(request.method.clone()).uri(request.url.as_str());
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "the token has characters that no token has".to_owned())?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(tag) = known.and_then(|known| known.headers.get(ETAG)) {
            builder = builder.header(IF_NONE_MATCH, tag);
        }
        let failed = |error: &octocrab::Error| shortened(&innermost(error));
        let request = self.crab.build_request(builder, request.body.as_ref()).map_err(|error| failed(&error))?;
        let response = self.crab.execute(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let body =
            Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| shortened(&innermost(&*error)))?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes().to_vec() })
    }

    fn known(&self, request: &Request) -> Option<Answer> {
        (request.method == Method::GET).then(|| self.remembered().get(request.url.as_str()).cloned())?
    }

    fn remember(&self, request: &Request, answer: &Answer) {
        if request.method != Method::GET || !answer.headers.contains_key(ETAG) {
            return;
        }
        let mut remembered = self.remembered();
        if remembered.len() >= MOST_REMEMBERED {
            // What is asked all the time is soon known again.
            remembered.clear();
        }
        remembered.insert(request.url.to_string(), answer.clone());
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<String, Answer>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The innermost of the causes of an error: what a library wraps around it says less.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
