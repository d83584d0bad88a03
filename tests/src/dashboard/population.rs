//! A store's history: deterministic but for the time that it ends at.
//!
//! The first packages are scenes that tests know by name; the others fill the pages. With foreign keys off while it is written, the
//! order of tables does not matter; a check at the end does.

use std::path::Path;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::graphs::Graphs;
use super::names;
use super::rows::Rows;
use super::scenes;

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Packages beside the scenes.
    pub packages: usize,
    /// Runs of these.
    pub runs: usize,
}

impl Scale {
    /// Enough for every kind of page.
    pub const SMALL: Self = Self { packages: 40, runs: 400 };
    /// What the pages have to bear.
    pub const LARGE: Self = Self { packages: 10_000, runs: 200_000 };
}

/// How far back it goes.
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Text of a time as the store writes it.
pub fn text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Writes the whole history into a store that the program has made.
pub async fn fill(database: &Path, scale: Scale, now: Timestamp) {
    let mut rows = Rows::open(database).await;
    for statement in ["PRAGMA foreign_keys = OFF", "PRAGMA synchronous = OFF", "BEGIN"] {
        rows.execute(statement).await;
    }
    let mut history = History::new(rows, scale, now);
    history.packages().await;
    history.runs().await;
    history.states().await;
    history.cycles().await;
    let mut graphs = Graphs::default();
    history.graphs(&mut graphs).await;
    let mut rows = history.rows;
    scenes::fill(&mut rows, &mut graphs, now).await;
    graphs.finish(&mut rows, now).await;
    rows.finish().await;
    rows.execute("COMMIT").await;
    assert_eq!(rows.number("SELECT count(*) FROM pragma_foreign_key_check").await, 0, "every row's owner is there");
    rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
    rows.close().await;
}

/// What is remembered of a package while its history is written.
#[derive(Clone, Default)]
struct Line {
    releases: u32,
    current: Option<(String, Timestamp)>,
    failed: Option<(String, Timestamp)>,
}

struct History {
    rows: Rows,
    scale: Scale,
    now: Timestamp,
    rng: Rng,
    lines: Vec<Line>,
}

const EVENTS: &str = "attr, version, kind, message, at";

impl History {
    fn new(rows: Rows, scale: Scale, now: Timestamp) -> Self {
        Self { rows, scale, now, rng: Rng::with_seed(8), lines: vec![Line::default(); scale.packages] }
    }

    async fn packages(&mut self) {
        for number in 0..self.scale.packages {
            let name = names::package(number);
            let row =
                json!([name, names::ecosystem(number).purl(&name), text(self.now - SPAN), text(self.now - SPAN), ""]);
            self.rows.add("packages", "attr, purl, added, state_since, reason", row).await;
        }
        self.rows.finish().await;
    }

    async fn runs(&mut self) {
        let step = SPAN / i32::try_from(self.scale.runs + 1).expect("a number of runs");
        for number in 0..self.scale.runs {
            let started = self.now - SPAN + step * i32::try_from(number).expect("a number of runs");
            let package = self.rng.usize(..self.scale.packages);
            self.run(i64::try_from(number + 1).expect("a number"), package, started).await;
        }
    }

    async fn run(&mut self, id: i64, package: usize, started: Timestamp) {
        let name = names::package(package);
        let from = self.lines[package].current.clone().map(|(version, _)| version);
        self.lines[package].releases += 1;
        let release = self.lines[package].releases;
        let version = format!("{}.{}.{}", release / 9, release / 3 % 3, release % 3);
        let is_failed = self.rng.u8(..100) < 4;
        let (built, reused) = (self.rng.u32(1..90), self.rng.u32(..400));
        let finished = started + SignedDuration::from_secs(self.rng.i64(8..900));
        let commit = format!("{id:040x}");
        let (class, message) = if is_failed { failure(&mut self.rng) } else { (Value::Null, Value::Null) };
        let key = message.as_str().map(|message| message.replace(|c: char| c.is_ascii_digit(), "#"));
        self.rows
            .add(
                "runs",
                "id, attr, version, from_version, started, finished, outcome, failure_class, failure_message, strategy, \
                 commit_sha, reused, built, diff, build_scripts, systems, failure_line, failure_key",
                json!([
                    id, name, version, from, text(started), text(finished), if is_failed { "failed" } else { "succeeded" },
                    class, message, if id % 7 == 0 { "vendored" } else { "shared" }, commit, reused, built,
                    difference(&mut self.rng), "[\"anvil-sys-1.2.3\",\"ferry-macros-0.4.1\"]",
                    format!("[{{\"system\":\"x86_64-linux\",\"succeeded\":{},\"elapsed_ms\":{},\"programs\":[\"{name}\"]}}]",
                        !is_failed, finished.as_millisecond() - started.as_millisecond()),
                    message, key,
                ]),
            )
            .await;
        self.stages(id, started, finished, is_failed).await;
        self.derivations(id, &name, is_failed).await;
        self.events(&name, &version, started, finished, is_failed).await;
        let line = &mut self.lines[package];
        if is_failed {
            line.failed = Some((version, finished));
        } else {
            line.failed = None;
            line.current = Some((version.clone(), finished));
            self.request(id, &name, &version, &commit, finished).await;
        }
    }

    async fn stages(&mut self, id: i64, started: Timestamp, finished: Timestamp, is_failed: bool) {
        let whole = finished.as_millisecond() - started.as_millisecond();
        let parts = [("resolve", 5), ("write", 1), ("evaluate", 4), ("fetch", 10), ("build", 78), ("publish", 2)];
        let mut begin = started;
        for (stage, percent) in parts.into_iter().take(if is_failed { 5 } else { 6 }) {
            let elapsed = whole * percent / 100;
            let row = json!([id, stage, text(begin), elapsed, format!("what {stage} did, in a few words")]);
            self.rows.add("stages", "run, stage, started, elapsed_ms, detail", row).await;
            begin += SignedDuration::from_millis(elapsed);
        }
    }

    async fn derivations(&mut self, id: i64, name: &str, is_failed: bool) {
        for number in 0..6_usize {
            let unit = if number == 0 { name.to_owned() } else { names::dependency(self.rng.usize(..125)) };
            let outcome = match number {
                0 if is_failed => "dependency_failed",
                1 if is_failed => "failed",
                0..3 => "built",
                _ => "reused",
            };
            let elapsed =
                if matches!(outcome, "built" | "failed") { json!(self.rng.u32(200..90_000)) } else { Value::Null };
            let drv = format!("/nix/store/{:032x}-{unit}-{number}.drv", id * 8 + i64::try_from(number).expect("small"));
            let row = json!([id, drv, format!("{unit}-1.{number}.0"), outcome, elapsed]);
            self.rows.add("derivations", "run, drv, name, outcome, elapsed_ms", row).await;
            if outcome == "failed" {
                let log = "   Compiling\nerror[E0308]: mismatched types\n  --> src/lib.rs:12:5\n".repeat(20);
                self.rows.add("logs", "run, name, text", json!([id, format!("{unit}-1.{number}.0"), log])).await;
            }
        }
    }

    async fn events(&mut self, name: &str, version: &str, started: Timestamp, finished: Timestamp, is_failed: bool) {
        let good = ["seen", "resolved", "written", "evaluated", "built", "pull_request", "merged"];
        let bad = ["seen", "resolved", "written", "evaluated", "failed"];
        let kinds = if is_failed { &bad[..] } else { &good[..] };
        for (at, kind) in kinds.iter().enumerate() {
            let step = finished.duration_since(started) / i32::try_from(kinds.len()).expect("few");
            let at = started + step * i32::try_from(at).expect("few");
            self.rows
                .add("events", EVENTS, json!([name, version, kind, format!("{kind}, as a sentence"), text(at)]))
                .await;
        }
    }

    async fn request(&mut self, id: i64, name: &str, version: &str, commit: &str, at: Timestamp) {
        let row = json!([
            id,
            format!("nixwright/{name}"),
            name,
            format!("{name}: {version}"),
            "### Build\n\nBuilt and started.\n".repeat(8),
            commit,
            "main",
            version,
            0,
            "merged",
            commit,
            text(at),
            text(at),
            text(at),
        ]);
        self.rows
            .add(
                "pull_requests",
                "number, branch, attr, title, body, head, base, version, failed, state, merge_commit, opened, updated, closed",
                row,
            )
            .await;
    }

    /// Where each package stands, from what its last run came to.
    async fn states(&mut self) {
        self.rows.finish().await;
        self.rows
            .execute(
                "CREATE TEMPORARY TABLE fixture_states (attr TEXT PRIMARY KEY, state, code, version, since, reason, current, \
                 current_since)",
            )
            .await;
        for number in 0..self.scale.packages {
            let line = self.lines[number].clone();
            let (state, code, version, since, reason) = match (&line.failed, &line.current) {
                (Some((version, at)), _) => ("failed", "failed", version.as_str(), *at, "the build failed"),
                (None, Some((version, at))) => {
                    ("up_to_date", "newest", version.as_str(), *at, "`main` has the newest release")
                }
                (None, None) => continue,
            };
            let (current, current_since) =
                line.current.as_ref().map_or((None, None), |(version, at)| (Some(version.clone()), Some(text(*at))));
            let row =
                json!([names::package(number), state, code, version, text(since), reason, current, current_since]);
            self.rows
                .add("fixture_states", "attr, state, code, version, since, reason, current, current_since", row)
                .await;
        }
        self.rows.finish().await;
        self.rows
            .execute(
                "UPDATE packages SET state = f.state, reason_code = f.code, version = f.version, state_since = f.since, \
                 published = f.since, reason = f.reason, current_version = f.current, current_since = f.current_since, \
                 current_strategy = CASE WHEN f.current IS NULL THEN NULL ELSE 'shared' END \
                 FROM fixture_states f WHERE f.attr = packages.attr",
            )
            .await;
    }

    async fn graphs(&mut self, graphs: &mut Graphs) {
        for number in 0..self.scale.packages {
            let Some((version, at)) = self.lines[number].current.clone() else { continue };
            let package = (names::package(number), names::ecosystem(number));
            let size = self.rng.usize(4..220);
            graphs.release(&mut self.rows, (&package.0, package.1), &version, at, size).await;
        }
    }

    async fn cycles(&mut self) {
        for hour in (0..24 * 60).rev() {
            let started = self.now - SignedDuration::from_hours(hour) - SignedDuration::from_mins(7);
            let finished = started + SignedDuration::from_secs(40);
            let row = json!([text(started), text(finished), self.scale.packages, self.rng.u8(..9), self.rng.u8(..3)]);
            self.rows.add("cycles", "started, finished, checked, updated, failed", row).await;
        }
        for number in 0..self.scale.packages {
            let due = self.now + SignedDuration::from_secs(self.rng.i64(60..3600));
            // A third of them waits, as in the middle of a cycle.
            let state = if number % 3 == 0 { "queued" } else { "done" };
            let row = json!(["check", names::package(number), state, "scheduled", 50, text(self.now), text(due)]);
            self.rows.add("jobs", "kind, subject, state, reason, priority, queued, due", row).await;
            let row = json!([names::package(number), format!("{}{}", scenes::MAINTAINER, number % 40)]);
            self.rows.add("package_maintainers", "attr, login", row).await;
        }
        for day in 0..400 {
            let at = self.now - SignedDuration::from_hours(24 * day);
            let (all, failed) = (self.scale.packages, self.scale.packages / 25);
            let row =
                json!([at.strftime("%Y-%m-%d").to_string(), all, all - failed - self.rng.usize(..=(all / 20)), failed]);
            self.rows.add("freshness", "day, packages, up_to_date, failed", row).await;
        }
    }
}

/// One reason in three is everybody's.
fn failure(rng: &mut Rng) -> (Value, Value) {
    let name = names::dependency(rng.usize(..20));
    match rng.u8(..3) {
        0 => (json!("dependency"), json!("harbour-sys-1.2.0 failed: error: linking with `cc` failed: exit status: 1")),
        1 => (json!("build"), json!(format!("{name}-1.1.0 failed: error[E0308]: mismatched types"))),
        _ => (json!("resolve"), json!(format!("no version of {name} satisfies ^{}.0", rng.u8(2..9)))),
    }
}

fn difference(rng: &mut Rng) -> String {
    let (one, other) = (names::dependency(rng.usize(..125)), names::dependency(rng.usize(..125)));
    format!(
        "{{\"added\":[{{\"name\":\"{one}\",\"versions\":[\"0.3.{}\"]}}],\"removed\":[],\"changed\":[{{\"name\":\"{other}\",\
         \"from\":[\"1.0.{}\"],\"to\":[\"1.1.0\"]}}]}}",
        rng.u8(..20),
        rng.u8(..20)
    )
}
