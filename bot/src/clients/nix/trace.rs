//! What is seen of the builds while they run: when each started and ended, what it printed.
//!
//! Nix says nothing of the moment in which a build ended well; but it starts the hook for it then. When one fails, its count
//! of failures rises first. What follows depends on the version: 2.34 stops the activity, then reports the error; 2.8
//! reports the error, then stops the activity, and does both only at the very end for what was asked for by name. So a
//! failure's moment is that of the latest rise that nobody has claimed, unless several such roots wait to be told apart.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::internal_json::Line;
use super::realise::BuildEvent;

/// One build that was started.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub(super) started: Instant,
    /// How long it took, where that is known exactly.
    pub(super) elapsed: Option<Duration>,
    /// The longest time that it was silent.
    pub(super) silence: Duration,
    pub(super) log: LogTail,
    last_sign: Instant,
    open: bool,
}

/// All builds of one call.
#[derive(Debug)]
pub(super) struct Traces {
    pub(super) by_drv: BTreeMap<String, Trace>,
    /// What Nix said first of each derivation that it could not build, started or not.
    pub(super) errors: BTreeMap<String, String>,
    /// Errors that name no build that was started, and what other programs printed: why a call failed as a whole.
    pub(super) messages: Vec<String>,
    activities: BTreeMap<u64, String>,
    counter: Option<u64>,
    failed: u64,
    /// When the count of failures rose, as long as it is not known for whom.
    unclaimed: Vec<Instant>,
    /// Those that were asked for by name.
    roots: HashSet<String>,
    log_cap: usize,
}

/// More messages than this are not kept: nobody reads them.
const MESSAGES: usize = 200;

impl Traces {
    /// Nothing seen yet of the builds that `roots` need; of each log at most `log_cap` bytes are kept.
    pub(super) fn new(roots: &[String], log_cap: usize) -> Self {
        Self {
            by_drv: BTreeMap::new(),
            errors: BTreeMap::new(),
            messages: Vec::new(),
            activities: BTreeMap::new(),
            counter: None,
            failed: 0,
            unclaimed: Vec::new(),
            roots: roots.iter().cloned().collect(),
            log_cap,
        }
    }

    /// Takes in a line that was read at `now`; the event it amounts to, if any.
    pub(super) fn accept(&mut self, line: Line, now: Instant) -> Option<BuildEvent> {
        match line {
            Line::BuildStarted { activity, drv } => {
                self.activities.insert(activity, drv.clone());
                self.by_drv.insert(drv.clone(), Trace::new(now, self.log_cap));
                Some(BuildEvent::Started { drv })
            }
            Line::BuildSucceeded { drv } => self.finish(&drv, Some(now), now),
            Line::BuildsCounted { activity } => {
                // A client's first sign: where there were more roots than fit one call, the next client counts anew.
                self.counter = Some(activity);
                self.failed = 0;
                self.unclaimed.clear();
                None
            }
            Line::FailedCount { activity, failed } => {
                if Some(activity) == self.counter && failed > self.failed {
                    self.failed = failed;
                    self.unclaimed.push(now);
                }
                None
            }
            Line::Stopped { activity } => self.stopped(activity, now),
            Line::Printed { activity, line } => {
                let drv = self.activities.get(&activity)?.clone();
                let trace = self.by_drv.get_mut(&drv)?;
                trace.sign_of_life(now);
                trace.log.push(&line);
                Some(BuildEvent::Log { drv, line })
            }
            Line::Phase { activity, phase } => {
                let drv = self.activities.get(&activity)?.clone();
                Some(BuildEvent::Phase { drv, phase })
            }
            Line::Error { message } => self.error(message, now),
            Line::Foreign(text) => {
                self.message(text);
                None
            }
            Line::Other => None,
        }
    }

    /// Whether Nix said of some build that was started that it failed.
    pub(super) fn names_a_failure(&self) -> bool {
        self.errors.keys().any(|drv| self.by_drv.contains_key(drv))
    }

    fn message(&mut self, text: String) {
        if self.messages.len() < MESSAGES && !text.trim().is_empty() {
            self.messages.push(text);
        }
    }

    fn error(&mut self, message: String, now: Instant) -> Option<BuildEvent> {
        let Some(drv) = first_drv(&message).map(str::to_owned) else {
            self.message(message);
            return None;
        };
        let Some(trace) = self.by_drv.get(&drv) else {
            self.message(message.clone());
            self.errors.entry(drv).or_insert(message);
            return None;
        };
        let open = trace.open;
        self.errors.entry(drv.clone()).or_insert(message);
        if !open {
            return None;
        }
        // For an inner one the count has just risen. Nix 2.8 reports the roots at the end, in an order of their own.
        let certain = !self.roots.contains(&drv) || self.unclaimed.len() < 2;
        let exact = if certain { Some(self.unclaimed.pop().unwrap_or(now)) } else { None };
        self.finish(&drv, exact, now)
    }

    fn stopped(&mut self, activity: u64, now: Instant) -> Option<BuildEvent> {
        let drv = self.activities.remove(&activity)?;
        if !self.by_drv.get(&drv)?.open {
            return None;
        }
        // Nix 2.34 says this at once; 2.8 at the end, but then all other failures have been reported.
        let exact = self.unclaimed.pop().unwrap_or(now);
        self.finish(&drv, Some(exact), now)
    }

    fn finish(&mut self, drv: &str, exact: Option<Instant>, now: Instant) -> Option<BuildEvent> {
        let trace = self.by_drv.get_mut(drv).filter(|trace| trace.open)?;
        trace.open = false;
        trace.sign_of_life(exact.unwrap_or(now));
        trace.elapsed = exact.map(|end| end.saturating_duration_since(trace.started));
        let elapsed = trace.elapsed.unwrap_or_else(|| now.saturating_duration_since(trace.started));
        Some(BuildEvent::Finished { drv: drv.to_owned(), elapsed })
    }
}

impl Trace {
    fn new(now: Instant, log_cap: usize) -> Self {
        Self {
            started: now,
            elapsed: None,
            silence: Duration::ZERO,
            log: LogTail::new(log_cap),
            last_sign: now,
            open: true,
        }
    }

    fn sign_of_life(&mut self, now: Instant) {
        self.silence = self.silence.max(now.saturating_duration_since(self.last_sign));
        self.last_sign = now;
    }
}

/// The first derivation that a message names. What follows may be the end of a log, where anything can stand.
fn first_drv(message: &str) -> Option<&str> {
    let end = message.find(".drv")? + ".drv".len();
    let start = message[..end].rfind(['\'', '"', ' ', '`']).map_or(0, |at| at + 1);
    Some(&message[start..end]).filter(|drv| drv.starts_with('/'))
}

/// A log, whole up to a number of bytes, and from there on its end.
#[derive(Debug, Clone)]
pub(super) struct LogTail {
    text: String,
    left_out: usize,
    cap: usize,
}

impl LogTail {
    fn new(cap: usize) -> Self {
        Self { text: String::new(), left_out: 0, cap }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        // Cutting a quarter more than needed keeps the cost of a long log linear.
        if self.text.len() > self.cap + self.cap / 4 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let mut at = self.text.len().saturating_sub(self.cap);
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        let at = self.text[at..].find('\n').map_or(at, |newline| at + newline + 1);
        self.left_out += at;
        self.text.drain(..at);
    }

    /// The log, with a first line that says so where its beginning was left out.
    pub(super) fn finish(mut self) -> String {
        if self.text.len() > self.cap {
            self.cut();
        }
        if self.left_out == 0 {
            return self.text;
        }
        format!("[the first {} bytes of this log were not kept]\n{}", self.left_out, self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LogTail, Traces, first_drv};
    use crate::clients::nix::internal_json::Line;

    const A: &str = "/nix/store/x-a.drv";
    const B: &str = "/nix/store/x-b.drv";

    fn started(activity: u64, drv: &str) -> Line {
        Line::BuildStarted { activity, drv: drv.to_owned() }
    }

    fn play(lines: Vec<(u64, Line)>) -> Traces {
        let mut traces = Traces::new(&[A.to_owned(), B.to_owned()], 1000);
        let zero = Instant::now();
        for (second, line) in lines {
            traces.accept(line, zero + Duration::from_secs(second));
        }
        traces
    }

    fn elapsed(traces: &Traces, drv: &str) -> Option<u64> {
        traces.by_drv[drv].elapsed.map(|elapsed| elapsed.as_secs())
    }

    #[test]
    fn a_success_ends_when_its_hook_starts_not_when_nix_lets_go_of_it() {
        let traces = play(vec![
            (0, started(1, A)),
            (3, Line::BuildSucceeded { drv: A.to_owned() }),
            (9, Line::Stopped { activity: 1 }),
        ]);
        assert_eq!(elapsed(&traces, A), Some(3));
    }

    #[test]
    fn a_single_failure_ends_when_the_count_rose() {
        let traces = play(vec![
            (0, Line::BuildsCounted { activity: 9 }),
            (0, started(1, A)),
            (0, started(2, B)),
            (2, Line::FailedCount { activity: 9, failed: 1 }),
            (5, Line::BuildSucceeded { drv: B.to_owned() }),
            (8, Line::Error { message: format!("error: builder for '{A}' failed with exit code 1") }),
            (8, Line::Stopped { activity: 1 }),
        ]);
        assert_eq!(elapsed(&traces, A), Some(2));
        assert_eq!(traces.errors.keys().collect::<Vec<_>>(), [A]);
    }

    #[test]
    fn failures_that_cannot_be_told_apart_have_no_time() {
        let traces = play(vec![
            (0, Line::BuildsCounted { activity: 9 }),
            (0, started(1, A)),
            (0, started(2, B)),
            (2, Line::FailedCount { activity: 9, failed: 1 }),
            (3, Line::FailedCount { activity: 9, failed: 2 }),
            (8, Line::Error { message: format!("error: builder for '{A}' failed with exit code 1") }),
            (8, Line::Error { message: format!("error: builder for '{B}' failed with exit code 1") }),
            (8, Line::Stopped { activity: 1 }),
            (8, Line::Stopped { activity: 2 }),
        ]);
        assert_eq!((elapsed(&traces, A), elapsed(&traces, B)), (None, None));
    }

    #[test]
    fn failures_that_stop_at_once_are_told_apart() {
        let traces = play(vec![
            (0, Line::BuildsCounted { activity: 9 }),
            (0, started(1, A)),
            (0, started(2, B)),
            (2, Line::FailedCount { activity: 9, failed: 1 }),
            (2, Line::Stopped { activity: 2 }),
            (3, Line::FailedCount { activity: 9, failed: 2 }),
            (3, Line::Stopped { activity: 1 }),
            (8, Line::Error { message: format!("error: Cannot build '{A}'.") }),
        ]);
        assert_eq!((elapsed(&traces, A), elapsed(&traces, B)), (Some(3), Some(2)));
    }

    #[test]
    fn an_inner_failure_is_told_from_that_of_a_root_that_is_reported_later() {
        let inner = "/nix/store/x-inner.drv";
        let traces = play(vec![
            (0, Line::BuildsCounted { activity: 9 }),
            (0, started(1, A)),
            (0, started(3, inner)),
            (2, Line::FailedCount { activity: 9, failed: 1 }),
            (4, Line::FailedCount { activity: 9, failed: 2 }),
            (4, Line::Error { message: format!("error: builder for '{inner}' failed with exit code 1") }),
            (4, Line::Stopped { activity: 3 }),
            (8, Line::Error { message: format!("error: builder for '{A}' failed with exit code 1") }),
            (8, Line::Stopped { activity: 1 }),
        ]);
        assert_eq!((elapsed(&traces, A), elapsed(&traces, inner)), (Some(2), Some(4)));
    }

    #[test]
    fn a_count_of_something_else_is_not_taken_for_builds() {
        let traces = play(vec![
            (0, Line::BuildsCounted { activity: 9 }),
            (0, started(1, A)),
            (2, Line::FailedCount { activity: 8, failed: 1 }),
            (8, Line::Stopped { activity: 1 }),
        ]);
        assert_eq!(elapsed(&traces, A), Some(8));
    }

    #[test]
    fn the_longest_silence_counts_to_the_end() {
        let print = |line: &str| Line::Printed { activity: 1, line: line.to_owned() };
        let traces = play(vec![
            (0, started(1, A)),
            (1, print("x")),
            (2, print("y")),
            (9, Line::BuildSucceeded { drv: A.to_owned() }),
        ]);
        assert_eq!(traces.by_drv[A].silence, Duration::from_secs(7));
        assert_eq!(traces.by_drv[A].log.clone().finish(), "x\ny\n");
    }

    #[test]
    fn a_message_is_about_the_first_derivation_it_names() {
        assert_eq!(first_drv(&format!("error: builder for '{A}' failed; last lines: {B}")), Some(A));
        assert_eq!(first_drv(&format!("error: building of '{A}!*' from .drv file timed out")), Some(A));
        assert_eq!(first_drv("error: something with .drv files"), None);
        assert_eq!(first_drv("error: nothing"), None);
    }

    #[test]
    fn a_long_log_keeps_its_end_in_whole_lines_and_says_so() {
        let mut log = LogTail::new(100);
        for number in 0..1000 {
            log.push(&format!("line {number} ä"));
        }
        let text = log.finish();
        assert!(text.starts_with("[the first "), "{text}");
        assert!(text.ends_with("line 999 ä\n"), "{text}");
        let kept: Vec<&str> = text.lines().skip(1).collect();
        assert!(kept.iter().all(|line| line.starts_with("line ")), "{text}");
        assert!(text.len() < 200);
    }

    #[test]
    fn a_log_within_the_limit_is_kept_whole() {
        let mut log = LogTail::new(100);
        log.push(&"x".repeat(99));
        assert_eq!(log.finish(), format!("{}\n", "x".repeat(99)));
    }
}
