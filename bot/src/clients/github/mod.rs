//! GitHub, or a GitHub Enterprise Server, as the bot needs it: one repository's pull requests, statuses and releases.
//!
//! Requests go through octocrab, with a base address that is given, without its layer that sends writes again and without its
//! cache. What GitHub asks for is kept: one write at a time with a pause in between, and every form of "too much".

mod auth;
mod comments;
mod error;
mod graphql;
mod limits;
mod pulls;
mod repository;
mod statuses;
#[cfg(test)]
mod tests;
mod transport;
mod upstreams;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

pub use self::auth::Auth;
use self::auth::{App, InstallationToken, same};
pub use self::comments::Comment;
pub use self::error::GithubError;
pub use self::graphql::AutoMerge;
pub use self::limits::Sleep;
pub use self::pulls::{NewPull, Pull, PullChange, Side, User};
pub use self::repository::{Access, ListedRelease};
pub use self::statuses::{Checks, Status, StatusState};
use self::transport::{Answer, Request, Transport, Verdict};
pub use self::upstreams::Upstreams;
use crate::model::{Clock, RepositoryName};

/// How many pages of a list are read at most; GitHub's have up to 100 entries.
const MOST_PAGES: usize = 300;

/// What the client has to know.
#[derive(Debug, Clone)]
pub struct GithubSettings {
    /// The REST interface; ends in `/`.
    pub api: Url,
    /// Whose pull requests these are.
    pub repository: RepositoryName,
    /// Who the bot is.
    pub auth: Auth,
    /// The least time between two writes.
    pub write_interval: Duration,
}

/// The client for one repository; clones share limits, turns and tokens.
#[derive(Clone)]
pub struct Github {
    inner: Arc<Inner>,
}

struct Inner {
    api: Url,
    repository: RepositoryName,
    who: Who,
    transport: Transport,
    /// The App's token, while it holds.
    given: tokio::sync::Mutex<Option<InstallationToken>>,
}

/// Who the bot is, ready for use.
enum Who {
    Nobody,
    Token(SecretString),
    App(App),
}

impl fmt::Debug for Github {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Github").field("repository", &self.inner.repository).finish_non_exhaustive()
    }
}

impl Github {
    /// Makes the client; nothing is asked yet. `clock` says what is late, `sleep` how waiting is done.
    ///
    /// # Errors
    /// When the App's key is none, or the address cannot be used.
    pub fn new(settings: GithubSettings, clock: Clock, sleep: Sleep) -> Result<Self, GithubError> {
        let GithubSettings { api, repository, auth, write_interval } = settings;
        let who = match auth {
            Auth::Nobody => Who::Nobody,
            Auth::Token(token) => Who::Token(token),
            Auth::App { id, key, installation } => Who::App(App::new(id, &key, installation)?),
        };
        let transport = Transport::new(&api, clock, sleep, write_interval)?;
        let given = tokio::sync::Mutex::default();
        Ok(Self { inner: Arc::new(Inner { api, repository, who, transport, given }) })
    }

    /// The repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.inner.repository
    }

    /// The token that is good for git too, renewed where it would soon end; nothing for nobody.
    pub async fn token(&self) -> Result<Option<SecretString>, GithubError> {
        let app = match &self.inner.who {
            Who::Nobody => return Ok(None),
            Who::Token(token) => return Ok(Some(token.clone())),
            Who::App(app) => app,
        };
        let mut given = self.inner.given.lock().await;
        let now = self.inner.transport.clock.now();
        if let Some(known) = given.as_ref().filter(|known| known.holds(now)) {
            return Ok(Some(known.token.clone()));
        }
        let fresh = self.installation_token(app).await?;
        let token = fresh.token.clone();
        *given = Some(fresh);
        Ok(Some(token))
    }

    /// Forgets a token that is not taken any more. Whether another one can be had.
    pub async fn forget(&self, token: Option<&SecretString>) -> bool {
        let (Who::App(_), Some(token)) = (&self.inner.who, token) else { return false };
        let mut given = self.inner.given.lock().await;
        if given.as_ref().is_some_and(|known| same(&known.token, token)) {
            *given = None;
        }
        true
    }

    async fn installation_token(&self, app: &App) -> Result<InstallationToken, GithubError> {
        let proof = app.proof(self.inner.transport.clock.now())?;
        let id = match app.installation {
            Some(id) => id,
            None => self.installation(app).await?.id,
        };
        let url = self.api_url(&["app", "installations", &id.to_string(), "access_tokens"]);
        // Only what the bot needs: this repository.
        let body = json!({ "repositories": [self.inner.repository.name()] });
        let request = Request::new(Method::POST, url, Some(body));
        // Asked like a question: a second token does no harm.
        let answer = good(self.inner.transport.ask(&request, Some(&proof)).await?)?;
        answer.read(&request.what)
    }

    /// The App's installation in this repository, asked as the App itself.
    async fn installation(&self, app: &App) -> Result<repository::Installation, GithubError> {
        let proof = app.proof(self.inner.transport.clock.now())?;
        let request = Request::get(self.repo_url(&["installation"]));
        good(self.inner.transport.ask(&request, Some(&proof)).await?)?.read(&request.what)
    }

    fn api_url(&self, path: &[&str]) -> Url {
        let mut url = self.inner.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn repo_url(&self, path: &[&str]) -> Url {
        let name = &self.inner.repository;
        self.api_url(&[&["repos", name.owner(), name.name()], path].concat())
    }

    /// A question, with a new token if the old one has ended.
    async fn ask(&self, request: &Request) -> Result<Answer, GithubError> {
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            match self.inner.transport.ask(request, token.as_ref()).await? {
                Verdict::Unauthorized(_) if !renewed && self.forget(token.as_ref()).await => renewed = true,
                verdict => return good(verdict),
            }
        }
    }

    /// A write; with a new token if the old one was not taken, as then nothing was done.
    async fn write(&self, request: &Request) -> Result<Answer, GithubError> {
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            match self.inner.transport.write(request, token.as_ref()).await? {
                Verdict::Unauthorized(_) if !renewed && self.forget(token.as_ref()).await => renewed = true,
                verdict => return good(verdict),
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, GithubError> {
        let request = Request::get(url);
        self.ask(&request).await?.read(&request.what)
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, url: Url, body: Value) -> Result<T, GithubError> {
        let request = Request::new(method, url, Some(body));
        self.write(&request).await?.read(&request.what)
    }

    /// Reads a list page by page, as long as `more` says so of what came so far.
    async fn pages<T>(
        &self,
        url: Url,
        read: impl Fn(&Answer, &str) -> Result<Vec<T>, GithubError>,
        more: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, GithubError> {
        let mut all = Vec::new();
        let mut request = Request::get(url);
        for _ in 0..MOST_PAGES {
            let answer = self.ask(&request).await?;
            all.extend(read(&answer, &request.what)?);
            match answer.next() {
                Some(_) if !more(&all) => return Ok(all),
                // The token goes along, so only to where it belongs.
                Some(next) if next.origin() == self.inner.api.origin() => request.url = next,
                Some(_) => {
                    let reason = "its next page is at another server".to_owned();
                    return Err(GithubError::Unreadable { what: request.what, reason });
                }
                None => return Ok(all),
            }
        }
        Err(GithubError::TooMany { what: request.what, pages: MOST_PAGES })
    }

    /// A list whose pages are plain arrays, to its end.
    async fn list<T: DeserializeOwned>(&self, url: Url) -> Result<Vec<T>, GithubError> {
        self.pages(url, Answer::read, |_| true).await
    }
}

fn good(verdict: Verdict) -> Result<Answer, GithubError> {
    match verdict {
        Verdict::Good(answer) => Ok(answer),
        Verdict::Unauthorized(error) | Verdict::Refused(error) => Err(error),
        // Transport deals with these itself.
        Verdict::Wait(until, reason) => Err(GithubError::Limited { until, reason }),
        Verdict::Lost(reason) => Err(GithubError::Ambiguous { what: "a request".to_owned(), reason }),
    }
}

fn with_query(mut url: Url, query: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(query);
    url
}
