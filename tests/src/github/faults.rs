//! What can go wrong on the way, and where a test steps in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Asked, Content, Reply, fits};
use super::clock;
use super::git_http::{Wish, is_work, wish_of};

/// Which requests are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A method and a path within the API; a part in braces, or `*`, stands for any one part, a last `**` for any number.
    Rest(String, String),
    /// A GraphQL request that names this field.
    Graphql(String),
    /// Git asks for references, which begins a fetch.
    Fetch,
    /// Git sends commits.
    Push,
    /// Any request to the API.
    Api,
}

impl Call {
    /// `Call::rest("POST", "/repos/{owner}/{repo}/pulls")`.
    pub fn rest(method: &str, path: &str) -> Self {
        Self::Rest(method.to_owned(), path.to_owned())
    }

    /// `Call::graphql("enablePullRequestAutoMerge")`.
    pub fn graphql(field: &str) -> Self {
        Self::Graphql(field.to_owned())
    }

    fn is(&self, asked: &Asked) -> bool {
        match self {
            Self::Rest(method, path) => {
                *method == asked.method && asked.api_path().is_some_and(|sent| fits(path, sent))
            }
            Self::Graphql(field) => {
                asked.api_path() == Some("/graphql")
                    && asked.json()["query"].as_str().is_some_and(|query| query.contains(field.as_str()))
            }
            Self::Fetch => wish_of(asked) == Some(Wish::Fetch) && !is_work(asked),
            Self::Push => wish_of(asked) == Some(Wish::Push) && is_work(asked),
            Self::Api => asked.api_path().is_some(),
        }
    }
}

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// When the request has arrived, before anything came of it.
    Before,
    /// After its effect, before the answer leaves.
    After,
}

/// The two forms of `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// A number.
    Seconds(u64),
    /// A time of day, so far from now.
    Date(Duration),
}

impl RetryAfter {
    fn text(self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(distance) => httpdate::fmt_http_date((clock::now() + distance).into()),
        }
    }
}

/// What can go wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 502, and nothing was done.
    BadGateway,
    /// 502, and all was done.
    BadGatewayAfterWork,
    /// The connection ends, and nothing was done.
    Cut,
    /// The connection ends, and all was done.
    CutAfterWork,
    /// 403: no requests left until the reset, so far from now.
    RateLimit(Duration),
    /// 403 without word of what is left, because of too much at once.
    SecondaryLimit(Option<RetryAfter>),
    /// 429.
    TooManyRequests(Option<RetryAfter>),
    /// 422 with this message.
    Unprocessable(String),
    /// 404.
    NotFound,
    /// 401, and from now on the token that was sent is refused.
    TokenExpired,
    /// Lists show the pull requests as they were so many changes ago.
    Stale(usize),
    /// A pause before the work.
    Slow(Duration),
}

impl Fault {
    /// The answer that comes in place of the work; `None` where the work is done.
    pub(super) fn instead(&self) -> Option<Reply> {
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Some(match self {
            Self::BadGateway => bad_gateway(),
            Self::Cut => cut(),
            Self::RateLimit(reset) => limited(403, clock::now() + *reset, "API rate limit exceeded for user ID 1."),
            Self::SecondaryLimit(after) => with_retry(Reply::error(403, secondary), *after),
            Self::TooManyRequests(after) => with_retry(Reply::error(429, secondary), *after),
            Self::Unprocessable(message) => Reply::invalid("PullRequest", None, "custom", Some(message.clone())),
            Self::NotFound => Reply::not_found(),
            Self::TokenExpired => Reply::error(401, "Bad credentials"),
            Self::BadGatewayAfterWork | Self::CutAfterWork | Self::Stale(_) | Self::Slow(_) => return None,
        })
    }

    /// The answer that comes although the work was done; `None` where it is the usual one.
    pub(super) fn afterwards(&self) -> Option<Reply> {
        match self {
            Self::BadGatewayAfterWork => Some(bad_gateway()),
            Self::CutAfterWork => Some(cut()),
            _ => None,
        }
    }
}

/// The answer where nothing is left of the hour's requests.
pub(super) fn limited(status: u16, reset: Timestamp, message: &str) -> Reply {
    Reply::error(status, message)
        .with("x-ratelimit-remaining", "0")
        .with("x-ratelimit-reset", reset.as_second().to_string())
}

fn with_retry(reply: Reply, after: Option<RetryAfter>) -> Reply {
    match after {
        Some(after) => reply.with("retry-after", after.text()),
        None => reply,
    }
}

/// A page for people, as from the machines in front of GitHub.
fn bad_gateway() -> Reply {
    let body = b"<html><head><title>502 Bad Gateway</title></head></html>".to_vec();
    let reply = Reply { status: 502, headers: Vec::new(), content: Content::Bytes(body) };
    reply.with("content-type", "text/html")
}

fn cut() -> Reply {
    Reply { status: 200, headers: Vec::new(), content: Content::Cut }
}

/// A hook of a test.
pub(super) type Hook = Arc<Mutex<Box<dyn Fn() + Send>>>;

/// What a test has staged.
#[derive(Default)]
pub(super) struct Staged {
    faults: Vec<(Call, Fault, usize)>,
    hooks: Vec<(Call, When, Hook)>,
}

impl Staged {
    pub(super) fn add_fault(&mut self, call: Call, fault: Fault, times: usize) {
        self.faults.push((call, fault, times));
    }

    pub(super) fn add_hook(&mut self, call: Call, when: When, hook: Box<dyn Fn() + Send>) {
        self.hooks.push((call, when, Arc::new(Mutex::new(hook))));
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.hooks.clear();
    }

    /// How many faults are still to come.
    pub(super) fn left(&self) -> usize {
        self.faults.iter().map(|(_, _, times)| times).sum()
    }

    /// The first fault that is staged for such a request; it is used up by this.
    pub(super) fn take_fault(&mut self, asked: &Asked) -> Option<Fault> {
        let (_, fault, times) = self.faults.iter_mut().find(|(call, _, times)| *times > 0 && call.is(asked))?;
        *times -= 1;
        Some(fault.clone())
    }

    pub(super) fn hooks_for(&self, asked: &Asked, when: When) -> Vec<Hook> {
        let wanted = self.hooks.iter().filter(|(call, then, _)| *then == when && call.is(asked));
        wanted.map(|(_, _, hook)| Arc::clone(hook)).collect()
    }
}
