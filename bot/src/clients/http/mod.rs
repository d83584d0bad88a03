//! One HTTP client for every registry: polite, patient, and strict about what it keeps.
//!
//! Requests to a host are few at a time; those that fail for a passing reason are tried again with growing waits; a
//! host that keeps failing is left alone for a while, and the others go on. A body is kept only when it is whole,
//! within its limit and has the promised hash. All requests only ask (the one POST is a question too long for an address), so
//! trying again is always safe.

mod cached;
mod client;
mod document;
mod error;
mod host;
mod login;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;
use url::Url;

pub use self::cached::Fetched;
use self::client::make_client;
pub use self::document::{Document, Validators};
pub use self::error::HttpError;
use self::error::{host_of, innermost, is_passing, shown};
pub use self::host::HostReport;
use self::host::{Hosts, backoff};
use crate::clients::files::PendingFile;
use crate::clients::integrity::{Algorithm, Hasher, Integrity};
use crate::model::Clock;

/// Patience and politeness.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For the next bytes to come.
    pub read_timeout: Duration,
    /// For one try in all: a server that sends a byte now and then is as good as silent.
    pub try_timeout: Duration,
    /// How often a request is tried in all.
    pub attempts: u32,
    /// The wait before the second try; doubled for each further one.
    pub first_wait: Duration,
    /// No wait is longer, not even if the host asks for it.
    pub longest_wait: Duration,
    /// How many requests to one host run at once.
    pub requests_per_host: usize,
    /// How many requests to a host fail in a row before it is left alone.
    pub failures_before_pause: u32,
    /// For how long it is left alone.
    pub pause: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            try_timeout: Duration::from_secs(15 * 60),
            attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            requests_per_host: 8,
            failures_before_pause: 3,
            pause: Duration::from_secs(60),
        }
    }
}

/// What a download must be.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Lower-case hexadecimal SHA-256, where one is promised.
    pub sha256: Option<&'a str>,
    /// No more bytes than these.
    pub max_bytes: u64,
}

/// What a download was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
}

/// The client; clones share connections and what is known of hosts.
#[derive(Debug, Clone)]
pub struct Http {
    inner: Arc<Inner>,
    /// Sent with every request; the library leaves it out where a redirect leads to another host.
    authorization: Option<HeaderValue>,
}

#[derive(Debug)]
struct Inner {
    /// Made when it is first needed: loading the certificates takes longer than a whole answer from the cache.
    client: OnceCell<reqwest::Client>,
    settings: HttpSettings,
    clock: Clock,
    hosts: Hosts,
}

/// Where a body goes.
trait Sink: Send {
    /// Forgets what came so far: another try begins.
    fn restart(&mut self) -> Result<(), HttpError>;
    /// Takes the next bytes; `total` counts them and those before.
    fn write(&mut self, bytes: &[u8], total: u64) -> Result<(), HttpError>;
}

/// To memory.
impl Sink for Vec<u8> {
    fn restart(&mut self) -> Result<(), HttpError> {
        self.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], _total: u64) -> Result<(), HttpError> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// To a file, with a running hash.
struct FileSink<'a> {
    file: PendingFile,
    hasher: Hasher,
    algorithm: Algorithm,
    progress: &'a mut (dyn FnMut(u64) + Send),
}

impl Sink for FileSink<'_> {
    fn restart(&mut self) -> Result<(), HttpError> {
        self.file.restart()?;
        self.hasher = Hasher::new(self.algorithm);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], total: u64) -> Result<(), HttpError> {
        // Straight from here: a write to the page cache is shorter than the hop to a blocking thread.
        self.file.write(bytes)?;
        self.hasher.update(bytes);
        (self.progress)(total);
        Ok(())
    }
}

/// One thing to get.
struct Wanted<'a> {
    url: &'a Url,
    headers: HeaderMap,
    max_bytes: u64,
    /// What is sent along; with it the request is a POST.
    question: Option<Vec<u8>>,
}

impl<'a> Wanted<'a> {
    fn new(url: &'a Url, max_bytes: u64) -> Self {
        Self { url, headers: HeaderMap::new(), max_bytes, question: None }
    }
}

/// How one try ended, if not with a body.
struct Failed {
    error: HttpError,
    /// What the host asked for.
    wait: Option<Duration>,
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self { error, wait: None }
    }
}

impl Http {
    /// Makes the client. `clock` says what a `Retry-After` date means.
    pub fn new(settings: HttpSettings, clock: Clock) -> Result<Self, HttpError> {
        let client = OnceCell::new_with(Some(make_client(&settings)?));
        Ok(Self { inner: Arc::new(Inner { client, settings, clock, hosts: Hosts::default() }), authorization: None })
    }

    /// The same for those who may not need it: the client is made with the first request, which fails if it cannot be.
    pub fn when_needed(settings: HttpSettings, clock: Clock) -> Self {
        let inner = Inner { client: OnceCell::new(), settings, clock, hosts: Hosts::default() };
        Self { inner: Arc::new(inner), authorization: None }
    }

    /// The same for a host that wants to be told who asks: `token` is sent as it is. One that cannot be sent is left out, and the
    /// host will say that something is missing.
    #[must_use]
    pub fn authorized(&self, token: &SecretString) -> Self {
        let header = HeaderValue::from_str(token.expose_secret()).ok().map(|mut header| {
            header.set_sensitive(true);
            header
        });
        Self { inner: Arc::clone(&self.inner), authorization: header }
    }

    /// How each host answered since this was last asked for.
    pub fn reports(&self) -> Vec<HostReport> {
        self.inner.hosts.reports()
    }

    /// The body in memory.
    pub async fn get_bytes(&self, url: &Url, max_bytes: u64) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        self.fetch(&Wanted::new(url, max_bytes), &mut body).await?;
        Ok(body)
    }

    /// The answer to a question in JSON. It is asked again after a passing failure, so it must change nothing.
    pub async fn ask_json(&self, url: &Url, question: Vec<u8>, max_bytes: u64) -> Result<Vec<u8>, HttpError> {
        let mut wanted = Wanted { question: Some(question), ..Wanted::new(url, max_bytes) };
        wanted.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut body = Vec::new();
        self.fetch(&wanted, &mut body).await?;
        Ok(body)
    }

    /// Streams the body into `destination`, which is there afterwards only if it is whole and as expected.
    ///
    /// `progress` is told the bytes that have come so far; they begin at 0 again with each try. The file is not forced
    /// to the disk: whoever reads it again checks its hash.
    pub async fn get_to_file(
        &self,
        url: &Url,
        destination: &Path,
        expected: Expected<'_>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Downloaded, HttpError> {
        let wanted = Wanted::new(url, expected.max_bytes);
        let streamed = self.stream(&wanted, destination, Algorithm::Sha256, progress).await?;
        let sha256 = data_encoding::HEXLOWER.encode(&streamed.digest);
        if let Some(promised) = expected.sha256.filter(|promised| *promised != sha256) {
            return Err(HttpError::HashMismatch { url: shown(url), expected: promised.to_owned(), found: sha256 });
        }
        streamed.file.commit_without_sync()?;
        Ok(Downloaded { bytes: streamed.bytes, sha256 })
    }

    /// As [`get_to_file`](Self::get_to_file), for what npm promises.
    pub async fn get_verified(
        &self,
        url: &Url,
        destination: &Path,
        promised: &Integrity,
        max_bytes: u64,
    ) -> Result<(), HttpError> {
        let wanted = Wanted::new(url, max_bytes);
        let streamed = self.stream(&wanted, destination, promised.algorithm(), &mut |_| {}).await?;
        if !promised.allows(&streamed.digest) {
            let found = Integrity::new(promised.algorithm(), streamed.digest);
            return Err(HttpError::IntegrityMismatch {
                url: shown(url),
                expected: promised.to_string(),
                found: found.to_string(),
            });
        }
        Ok(streamed.file.commit_without_sync()?)
    }

    /// Streams what nobody vouches for into `destination`, and tells what it is.
    pub async fn get_unverified(&self, url: &Url, destination: &Path, max_bytes: u64) -> Result<Integrity, HttpError> {
        let wanted = Wanted::new(url, max_bytes);
        let streamed = self.stream(&wanted, destination, Algorithm::Sha512, &mut |_| {}).await?;
        streamed.file.commit_without_sync()?;
        Ok(Integrity::new(Algorithm::Sha512, streamed.digest))
    }

    /// The body in a file that is not in its place yet, with its hash.
    async fn stream(
        &self,
        wanted: &Wanted<'_>,
        destination: &Path,
        algorithm: Algorithm,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Streamed, HttpError> {
        let file = PendingFile::create(destination)?;
        let mut sink = FileSink { file, hasher: Hasher::new(algorithm), algorithm, progress };
        let reply = self.fetch(wanted, &mut sink).await?;
        let FileSink { file, hasher, .. } = sink;
        Ok(Streamed { file, digest: hasher.finish(), bytes: reply.bytes })
    }

    /// Tries until there is an answer that will not change by trying again.
    async fn fetch(&self, wanted: &Wanted<'_>, sink: &mut dyn Sink) -> Result<Reply, HttpError> {
        let Inner { settings, hosts, clock, .. } = &*self.inner;
        let name = host_of(wanted.url);
        let host = hosts.get(&name, settings);
        // The semaphore is never closed, so the only outcome is a permit.
        let _permit = host.permits.acquire().await.ok();
        if let Some((failures, last)) = host.refuses() {
            return Err(HttpError::LeftAlone { host: name, failures, last });
        }
        let mut attempt = 1;
        loop {
            sink.restart()?;
            let Failed { error, wait } = match self.fetch_once(wanted, sink, attempt).await {
                Ok(reply) => {
                    let (url, status) = (shown(wanted.url), reply.status.as_u16());
                    tracing::debug!(http.host = name, http.status = status, http.bytes = reply.bytes, "{url}");
                    host.read_limits(&reply.headers);
                    host.record(None, settings, clock.now());
                    return Ok(reply);
                }
                Err(failed) => failed,
            };
            let wait = wait.unwrap_or_else(|| backoff(attempt, settings));
            let last = attempt >= settings.attempts || wait > settings.longest_wait;
            if !error.blames_host() || last {
                // An answer that is no fault of the host shows that the host is well.
                host.record(error.blames_host().then(|| error.to_string()), settings, clock.now());
                return Err(error);
            }
            tracing::debug!(http.host = name, http.attempt = attempt, wait_ms = wait.as_millis(), "{error}");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn fetch_once(&self, wanted: &Wanted<'_>, sink: &mut dyn Sink, attempt: u32) -> Result<Reply, Failed> {
        let make = async || make_client(&self.inner.settings);
        let client = self.inner.client.get_or_try_init(make).await?;
        let request = match &wanted.question {
            Some(question) => client.post(wanted.url.clone()).body(question.clone()),
            None => client.get(wanted.url.clone()),
        };
        let mut request = request.headers(wanted.headers.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let sent = request.send().await;
        let mut response = sent.map_err(|error| classify(&error, wanted.url, 0, attempt))?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED && !wanted.headers.is_empty() {
            return Ok(Reply { status, headers: response.headers().clone(), bytes: 0 });
        }
        if !status.is_success() {
            return Err(self.refused(&response, wanted.url));
        }
        let too_large = || HttpError::TooLarge { url: shown(wanted.url), limit: wanted.max_bytes };
        if response.content_length().is_some_and(|length| length > wanted.max_bytes) {
            return Err(too_large().into());
        }
        let mut received: u64 = 0;
        while let Some(chunk) =
            response.chunk().await.map_err(|error| classify(&error, wanted.url, received, attempt))?
        {
            received += chunk.len() as u64;
            if received > wanted.max_bytes {
                return Err(too_large().into());
            }
            sink.write(&chunk, received)?;
        }
        Ok(Reply { status, headers: response.headers().clone(), bytes: received })
    }

    /// An answer that is not a success, with the wait that it asks for.
    fn refused(&self, response: &Response, url: &Url) -> Failed {
        let status = response.status();
        let (host, url) = (host_of(url), shown(url));
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .filter(|_| is_passing(status))
            .and_then(|value| value.to_str().ok())
            .and_then(|value| self.retry_after(value));
        let error = match wait {
            Some(wait) if wait > self.inner.settings.longest_wait => HttpError::AskedToWait { host, url, status, wait },
            _ => HttpError::Status { host, url, status },
        };
        Failed { error, wait }
    }

    /// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
    fn retry_after(&self, value: &str) -> Option<Duration> {
        if let Ok(seconds) = value.trim().parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
        Some(date.duration_since(self.inner.clock.now()).try_into().unwrap_or(Duration::ZERO))
    }
}

/// The head of an answer that was taken in whole.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    bytes: u64,
}

/// A body that waits to be judged.
struct Streamed {
    file: PendingFile,
    digest: Vec<u8>,
    bytes: u64,
}

/// Sorts the library's error by what to do about it.
fn classify(error: &reqwest::Error, url: &Url, received: u64, attempts: u32) -> HttpError {
    let (host, url) = (host_of(url), shown(url));
    let reason = innermost(error);
    if error.is_redirect() {
        HttpError::Redirect { host, url, reason }
    } else if error.is_connect() {
        HttpError::Connect { host, url, reason, attempts }
    } else if error.is_timeout() {
        HttpError::Timeout { host, url, attempts }
    } else {
        HttpError::Truncated { host, url, received, attempts, reason }
    }
}
