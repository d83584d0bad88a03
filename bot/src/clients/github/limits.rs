//! Patience: what GitHub asks for in its answers, in all the forms in which it asks.
//!
//! The rules are those of GitHub's "Rate limits for the REST API": `retry-after` first, then the reset time where nothing is
//! left, else at least a minute that grows while it goes on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

/// A longer wait is not slept: the work is put off.
pub(super) const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(60);

/// No wait is longer, whatever an answer says: the hour's limit ends within the hour.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The wait where GitHub says nothing but "too much".
const SHORTEST_SECONDARY: SignedDuration = SignedDuration::from_secs(60);

/// How waiting is done, so that tests need not wait.
#[derive(Clone)]
pub struct Sleep(Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>);

impl Sleep {
    /// Really.
    pub fn real() -> Self {
        Self(Arc::new(|duration| Box::pin(tokio::time::sleep(duration))))
    }

    /// By a function.
    pub fn from_fn(sleep: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(sleep))
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        (self.0)(duration).await;
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sleep")
    }
}

/// What is counted by itself at GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Rest,
    Graphql,
}

/// What earlier answers asked for.
#[derive(Debug, Default)]
pub(super) struct Limits {
    rest: Option<Timestamp>,
    graphql: Option<Timestamp>,
    /// Counts for both.
    secondary: Option<Timestamp>,
    /// Secondary limits in a row.
    strikes: u32,
}

impl Limits {
    /// Until when a request has to wait.
    pub(super) fn until(&self, resource: Resource, now: Timestamp) -> Option<Timestamp> {
        let own = match resource {
            Resource::Rest => self.rest,
            Resource::Graphql => self.graphql,
        };
        own.max(self.secondary).filter(|until| *until > now)
    }

    /// Takes an answer in. If it was a refusal because of a limit: until when to wait, and GitHub's words for it.
    pub(super) fn note(
        &mut self,
        resource: Resource,
        status: StatusCode,
        headers: &HeaderMap,
        message: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let cap = later(now, LONGEST_WAIT);
        let spent = header(headers, "x-ratelimit-remaining") == Some("0");
        let reset = header(headers, "x-ratelimit-reset")
            .and_then(|text| Timestamp::from_second(text.parse().ok()?).ok())
            .filter(|_| spent)
            // A second more, as the two clocks are not the same.
            .map(|reset| later(reset, SignedDuration::from_secs(1)).min(cap));
        let after = header(headers, "retry-after").and_then(|text| retry_after(text, now)).map(|at| at.min(cap));
        if !is_limit(status, spent, after.is_some(), message) {
            if status.is_success() {
                self.strikes = 0;
            }
            self.set(resource, reset);
            return None;
        }
        if let (None, Some(reset)) = (after, reset) {
            self.set(resource, Some(reset));
            return Some(reset);
        }
        let until = after.unwrap_or_else(|| {
            self.strikes += 1;
            later(now, SHORTEST_SECONDARY.saturating_mul(1 << (self.strikes - 1).min(6)))
        });
        self.secondary = self.secondary.max(Some(until));
        Some(until)
    }

    fn set(&mut self, resource: Resource, until: Option<Timestamp>) {
        match resource {
            Resource::Rest => self.rest = until,
            Resource::Graphql => self.graphql = until,
        }
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(later(now, SignedDuration::from_secs(seconds.into())));
    }
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value.trim()).ok()
}

/// A 403 is a limit only if something says so; else it is a matter of permissions.
fn is_limit(status: StatusCode, spent: bool, asked: bool, message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    match status.as_u16() {
        429 => true,
        403 => spent || asked || lower.contains("rate limit") || lower.contains("abuse detection"),
        // GraphQL says so in its errors, with 200.
        200 => message == RATE_LIMITED,
        _ => false,
    }
}

/// The type of GraphQL's error for a limit.
pub(super) const RATE_LIMITED: &str = "RATE_LIMITED";

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use jiff::{SignedDuration, Timestamp};

    use super::{Limits, Resource};

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn headers<const N: usize>(all: [(&'static str, &str); N]) -> HeaderMap {
        let pairs = all.into_iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn wait(limits: &mut Limits, status: u16, headers: &HeaderMap, message: &str) -> Option<SignedDuration> {
        let status = StatusCode::from_u16(status).unwrap();
        limits.note(Resource::Rest, status, headers, message, now()).map(|until| until.duration_since(now()))
    }

    #[test]
    fn every_form_of_a_limit_is_understood() {
        let in_90 = (now() + SignedDuration::from_secs(90)).as_second().to_string();
        for (status, headers, message, seconds) in [
            (429, headers([("retry-after", "7")]), "", 7),
            (403, headers([("retry-after", "Sun, 01 Mar 2026 12:00:30 GMT")]), "", 30),
            (403, headers([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &in_90)]), "", 91),
            (403, headers([("x-ratelimit-remaining", "55")]), "You have exceeded a secondary rate limit.", 60),
            (429, headers([]), "", 60),
            (429, headers([("retry-after", "4000000000")]), "", 24 * 3600),
        ] {
            let found = wait(&mut Limits::default(), status, &headers, message);
            assert_eq!(found, Some(SignedDuration::from_secs(seconds)), "{status} {headers:?}");
        }
        let plain = wait(&mut Limits::default(), 403, &headers([("x-ratelimit-remaining", "55")]), "Not accessible");
        assert_eq!(plain, None);
    }

    #[test]
    fn a_limit_without_a_word_makes_waits_that_grow_until_something_goes_well() {
        let mut limits = Limits::default();
        let none = HeaderMap::new();
        for seconds in [60, 120, 240] {
            assert_eq!(wait(&mut limits, 429, &none, ""), Some(SignedDuration::from_secs(seconds)));
        }
        assert!(limits.until(Resource::Graphql, now()).is_some());
        wait(&mut limits, 200, &none, "");
        assert_eq!(wait(&mut limits, 429, &none, ""), Some(SignedDuration::from_secs(60)));
    }

    #[test]
    fn nothing_left_stops_the_next_request_and_only_of_its_kind() {
        let mut limits = Limits::default();
        let reset = (now() + SignedDuration::from_secs(90)).as_second().to_string();
        let spent = headers([("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", &reset)]);
        assert_eq!(wait(&mut limits, 200, &spent, ""), None);
        assert!(limits.until(Resource::Rest, now()).is_some());
        assert_eq!(limits.until(Resource::Graphql, now()), None);
        assert_eq!(limits.until(Resource::Rest, now() + SignedDuration::from_secs(91)), None);
    }
}
