//! What is remembered of a host: how many requests may run at once, and whether it has failed too often.
//!
//! One host in trouble stops nothing else, and is not made worse: a request that waits to try again keeps its place,
//! so that fewer of them reach the host, and after several failures in a row the host is left alone for a while.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;

use super::HttpSettings;

/// How a host answered since it was last asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostReport {
    /// Its name, with a port where that is not the usual one.
    pub host: String,
    /// Requests that it answered.
    pub answered: u32,
    /// Requests that it failed, each counted once however often it was tried.
    pub failed: u32,
    /// Failed requests since the last answer, in this process.
    pub failed_in_row: u32,
    /// When it last answered.
    pub last_answer: Option<Timestamp>,
    /// What was wrong last, and when.
    pub last_error: Option<(String, Timestamp)>,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
    /// How many requests it allows, and how many of these are left, where it says so.
    pub limit: Option<(u32, u32)>,
    /// When it allows as many again.
    pub reset: Option<Timestamp>,
}

impl HostReport {
    /// What an answer says of its host's limits, in the headers that GitHub and others use.
    fn read_limits(&mut self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let count = |name: &str| number(name).and_then(|count| u32::try_from(count).ok());
        if let (Some(limit), Some(left)) = (count("x-ratelimit-limit"), count("x-ratelimit-remaining")) {
            self.limit = Some((limit, left));
            self.reset = number("x-ratelimit-reset").and_then(|second| Timestamp::from_second(second).ok());
        }
    }
}

/// A host's permits and failures.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) permits: Semaphore,
    breaker: Mutex<Breaker>,
    report: Mutex<HostReport>,
}

impl Host {
    /// What to say instead of a request, if the host is to be left alone: how many failures, and the last message.
    pub(super) fn refuses(&self) -> Option<(u32, String)> {
        self.breaker().refuses(Instant::now())
    }

    /// Counts what became of a request.
    pub(super) fn record(&self, failure: Option<String>, settings: &HttpSettings, now: Timestamp) {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let mut breaker = self.breaker();
        if let Some(failure) = &failure {
            report.failed += 1;
            report.last_error = Some((failure.clone(), now));
        } else {
            report.answered += 1;
            report.last_answer = Some(now);
        }
        breaker.record(failure, Instant::now(), settings);
        report.failed_in_row = breaker.failures;
        report.paused_until = breaker.open_until.and_then(|_| now.checked_add(settings.pause).ok());
    }

    /// Takes over what an answer says of its host's limits.
    pub(super) fn read_limits(&self, headers: &HeaderMap) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).read_limits(headers);
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // Counters stay meaningful whatever panicked elsewhere.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every host that was spoken to.
#[derive(Debug, Default)]
pub(super) struct Hosts(Mutex<HashMap<String, Arc<Host>>>);

impl Hosts {
    pub(super) fn get(&self, name: &str, settings: &HttpSettings) -> Arc<Host> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Host {
                permits: Semaphore::new(settings.requests_per_host),
                breaker: Mutex::default(),
                report: Mutex::default(),
            })
        });
        Arc::clone(host)
    }

    /// What happened since this was last asked for, of the hosts to which something did, by name.
    pub(super) fn reports(&self) -> Vec<HostReport> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reports = Vec::new();
        for (name, host) in &*hosts {
            let mut report = host.report.lock().unwrap_or_else(PoisonError::into_inner);
            if report.answered > 0 || report.failed > 0 {
                reports.push(HostReport { host: name.clone(), ..report.clone() });
                (report.answered, report.failed) = (0, 0);
            }
        }
        reports.sort_by(|a, b| a.host.cmp(&b.host));
        reports
    }
}

/// Counts failed requests in a row; open, it lets nothing through until its pause is over.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    last: String,
    open_until: Option<Instant>,
}

impl Breaker {
    fn refuses(&self, now: Instant) -> Option<(u32, String)> {
        self.open_until.filter(|until| now < *until).map(|_| (self.failures, self.last.clone()))
    }

    fn record(&mut self, failure: Option<String>, now: Instant, settings: &HttpSettings) {
        match failure {
            None => *self = Self::default(),
            Some(message) => {
                self.failures += 1;
                self.last = message;
                // After the pause the count stays, so the first failure closes the door again.
                if self.failures >= settings.failures_before_pause {
                    self.open_until = Some(now + settings.pause);
                }
            }
        }
    }
}

/// How long to wait before try number `attempt` (the second is 1): doubled each time, half of it by chance, so that
/// many clients do not come back at once.
pub(super) fn backoff(attempt: u32, settings: &HttpSettings) -> Duration {
    let full = settings.first_wait.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    let full = full.min(settings.longest_wait);
    // A fresh hasher has a random key: chance enough here, without a dependency.
    let chance = RandomState::new().build_hasher().finish() % 1000;
    full / 2 + (full / 2).mul_f64(f64::from(u32::try_from(chance).unwrap_or(0)) / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Breaker, HttpSettings, backoff};

    #[test]
    fn a_host_is_left_alone_after_failures_in_a_row_and_tried_again_after_the_pause() {
        let settings = HttpSettings { failures_before_pause: 2, ..HttpSettings::default() };
        let start = Instant::now();
        let mut breaker = Breaker::default();
        breaker.record(Some("one".to_owned()), start, &settings);
        assert_eq!(breaker.refuses(start), None);
        breaker.record(Some("two".to_owned()), start, &settings);
        assert_eq!(breaker.refuses(start), Some((2, "two".to_owned())));
        let later = start + settings.pause;
        assert_eq!(breaker.refuses(later), None);
        breaker.record(Some("three".to_owned()), later, &settings);
        assert_eq!(breaker.refuses(later), Some((3, "three".to_owned())));
        breaker.record(None, later, &settings);
        assert_eq!(breaker.refuses(later), None);
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let settings = HttpSettings { failures_before_pause: 2, ..HttpSettings::default() };
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for failure in [Some("one".to_owned()), None, Some("two".to_owned())] {
            breaker.record(failure, now, &settings);
        }
        assert_eq!(breaker.refuses(now), None);
    }

    #[test]
    fn waits_grow_up_to_the_longest_and_are_never_less_than_half() {
        let settings = HttpSettings {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(5),
            ..HttpSettings::default()
        };
        for (attempt, full) in [(1, 1), (2, 2), (3, 4), (4, 5), (40, 5)] {
            let full = Duration::from_secs(full);
            for _ in 0..50 {
                let wait = backoff(attempt, &settings);
                assert!(wait >= full / 2 && wait <= full, "{attempt}: {wait:?}");
            }
        }
    }
}
