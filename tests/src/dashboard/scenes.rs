//! Packages that tests know by name, one in each situation.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::graphs::Graphs;
use super::hostile;
use super::names::Ecosystem;
use super::population::text;
use super::rows::Rows;

/// Up to date, merged and built; has an older version to go back to.
pub const FRESH: &str = "amber";
/// Its newest release fails to build, for a reason that [`ALIKE`] share.
pub const FAILED: &str = "basalt";
/// Six more that fail for the reason of [`FAILED`].
pub const ALIKE: [&str; 6] = ["birch", "briar", "bronze", "brook", "buckle", "burdock"];
/// Its pull request is green and waits for a person.
pub const OPEN: &str = "cobalt";
/// A run is under way, and its builder prints.
pub const RUNNING: &str = "delta";
/// Too young.
pub const WAITING: &str = "ebony";
/// A person holds it.
pub const HELD: &str = "flint";
/// Never looked at.
pub const NEW: &str = "garnet";
/// No longer configured.
pub const RETIRED: &str = "hazel";
/// Everything that upstream says of it is hostile.
pub const EVIL: &str = "iris";

/// A host that answers.
pub const GOOD_HOST: &str = "good.registry.example";
/// A host that fails, and is left alone for a while.
pub const BAD_HOST: &str = "bad.registry.example";

/// Whose packages [`FAILED`] and [`OPEN`] are.
pub const MAINTAINER: &str = "octavia";

/// The run of [`RUNNING`].
pub const RUNNING_RUN: i64 = 900_001;
/// The failed run of [`FAILED`].
pub const FAILED_RUN: i64 = 900_100;
/// The run of [`EVIL`].
pub const EVIL_RUN: i64 = 900_200;
/// What failed for [`FAILED`] and [`ALIKE`].
pub const CULPRIT: &str = "quarry-sys-0.9.1";

/// Those that are configured.
pub fn configured() -> Vec<&'static str> {
    let mut all = vec![FRESH, FAILED, OPEN, RUNNING, WAITING, HELD, NEW, EVIL];
    all.extend(ALIKE);
    all
}

/// The scenes, on top of the rest.
pub(super) async fn fill(rows: &mut Rows, graphs: &mut Graphs, now: Timestamp) {
    let mut scenes = Scenes { rows, now };
    scenes.fresh().await;
    for (at, name) in [FAILED].into_iter().chain(ALIKE).enumerate() {
        scenes.failed(name, FAILED_RUN + i64::try_from(at).expect("few")).await;
    }
    scenes.open().await;
    scenes.running().await;
    scenes.quiet().await;
    scenes.evil().await;
    scenes.around().await;
    let units = graphs.release(rows, (FRESH, Ecosystem::Cargo), "2.4.1", now, 54).await;
    let mut scenes = Scenes { rows, now };
    for (at, unit) in (0_i64..).zip(&units) {
        // Every seventh was built.
        let (outcome, elapsed) = if at % 7 == 0 { ("built", Some(900 + 70 * at)) } else { ("reused", None) };
        scenes.derivation(900_011, unit, outcome, elapsed).await;
    }
    graphs.release(rows, (OPEN, Ecosystem::Go), "5.0.0", now, 9).await;
    graphs.release(rows, (FAILED, Ecosystem::Npm), "0.8.0", now, 21).await;
    graphs.hostile(rows, EVIL, now).await;
}

struct Scenes<'a> {
    rows: &'a mut Rows,
    now: Timestamp,
}

/// Where a package stands, for its row.
struct Stands<'a> {
    state: &'a str,
    code: Option<&'a str>,
    version: Option<&'a str>,
    reason: &'a str,
    current: Option<&'a str>,
    /// Minutes from now.
    next_attempt: Option<i64>,
}

impl Scenes<'_> {
    fn ago(&self, minutes: i64) -> String {
        text(self.now - SignedDuration::from_mins(minutes))
    }

    async fn package(&mut self, attr: &str, purl: &str, stands: &Stands<'_>) {
        let row = json!([
            attr,
            purl,
            i64::from(attr != RETIRED),
            self.ago(90_000),
            stands.state,
            self.ago(200),
            stands.version,
            stands.version.map(|_| self.ago(300)),
            stands.reason,
            stands.code,
            stands.next_attempt.map(|minutes| self.ago(-minutes)),
            stands.current,
            stands.current.map(|_| "shared"),
            stands.current.map(|_| self.ago(2000)),
        ]);
        self.rows
            .add(
                "packages",
                "attr, purl, configured, added, state, state_since, version, published, reason, reason_code, next_attempt, \
                 current_version, current_strategy, current_since",
                row,
            )
            .await;
    }

    async fn events(&mut self, attr: &str, version: &str, from: i64, kinds: &[(&str, &str)]) {
        for (at, (kind, message)) in (0_i64..).zip(kinds) {
            let row = json!([attr, version, kind, message, self.ago(from - at)]);
            self.rows.add("events", "attr, version, kind, message, at", row).await;
        }
    }

    /// A run that began so many minutes ago; `failure` as class and message. Under way where `minutes` is `None`.
    async fn run(
        &mut self,
        id: i64,
        attr: &str,
        versions: (&str, &str),
        ago: i64,
        minutes: Option<i64>,
        more: &More<'_>,
    ) {
        let finished = minutes.map(|minutes| self.ago(ago - minutes));
        let outcome = minutes.map(|_| if more.failure.is_some() { "failed" } else { "succeeded" });
        let row = json!([
            id,
            attr,
            versions.1,
            versions.0,
            self.ago(ago),
            finished,
            outcome,
            more.failure.map(|failure| failure.0),
            more.failure.map(|failure| failure.1),
            more.commit.map(|_| "shared"),
            more.commit,
            more.units.0,
            more.units.1,
            more.fallback,
            more.diff.unwrap_or("{\"added\":[],\"removed\":[],\"changed\":[]}"),
            Value::from(more.scripts).to_string(),
            if minutes.is_some() {
                json!([{ "system": "x86_64-linux", "succeeded": more.failure.is_none(),
                "elapsed_ms": 83_000, "programs": more.programs }])
                .to_string()
            } else {
                "[]".to_owned()
            },
            more.failure.map(|(class, message)| if class == "dependency" { CULPRIT } else { message }),
            more.failure.map(|failure| failure.1),
            more.failure.map(|(class, message)| format!("{class} | {message}")),
        ]);
        self.rows
            .add(
                "runs",
                "id, attr, version, from_version, started, finished, outcome, failure_class, failure_message, strategy, commit_sha, \
                 reused, built, fallback_reason, diff, build_scripts, systems, failed_derivation, failure_line, failure_key",
                row,
            )
            .await;
        let stages = [
            ("resolve", 420, "54 packages, 48 units on 4 systems"),
            ("write", 35, "3 files"),
            ("evaluate", 610, "48 units"),
        ];
        for (at, (stage, elapsed, detail)) in (0_i64..).zip(stages) {
            let detail = format!("{detail}{}", more.spice);
            let started = text(self.now - SignedDuration::from_mins(ago) + SignedDuration::from_secs(at));
            let row = json!([id, stage, started, elapsed, detail]);
            self.rows.add("stages", "run, stage, started, elapsed_ms, detail", row).await;
        }
    }

    async fn derivation(&mut self, run: i64, name: &str, outcome: &str, elapsed: Option<i64>) {
        let row = json!([run, format!("/nix/store/{:032x}-{name}.drv", name.len()), name, outcome, elapsed]);
        self.rows.add("derivations", "run, drv, name, outcome, elapsed_ms", row).await;
    }

    async fn log(&mut self, run: i64, name: &str, log: &str) {
        // NUL never comes so far: the store replaces it.
        let row = json!([run, name, log.replace('\0', "\u{fffd}")]);
        self.rows.add("logs", "run, name, text", row).await;
    }

    async fn request(&mut self, number: i64, attr: &str, version: &str, state: &str, more: &Request<'_>) {
        let closed = (state != "open").then(|| self.ago(30));
        let row = json!([
            number,
            format!("nixwright/{attr}"),
            attr,
            more.title,
            more.body,
            more.head,
            "main",
            version,
            0,
            state,
            (state == "merged").then_some(more.head),
            self.ago(120),
            self.ago(60),
            closed,
            more.url,
            Value::from(more.persons).to_string(),
        ]);
        self.rows
            .add(
                "pull_requests",
                "number, branch, attr, title, body, head, base, version, failed, state, merge_commit, opened, updated, closed, url, \
                 persons",
                row,
            )
            .await;
    }

    async fn fresh(&mut self) {
        let stands = Stands {
            state: "up_to_date",
            code: Some("newest"),
            version: Some("2.4.1"),
            reason: "`main` has the newest acceptable release",
            current: Some("2.4.1"),
            next_attempt: None,
        };
        self.package(FRESH, "pkg:cargo/amber", &stands).await;
        let way = [
            ("seen", "published today"),
            ("resolved", "54 packages, 48 units"),
            ("written", "commit 24 on nixwright/amber"),
            ("evaluated", "48 units"),
            ("built", "9 built, 46 reused"),
            ("pull_request", "#900002 opened"),
            ("merged", "#900002 merged"),
            ("stable", "`stable` has it"),
        ];
        self.events(FRESH, "2.4.0", 9000, &way).await;
        self.events(FRESH, "2.4.1", 2000, &way).await;
        let more = More {
            commit: Some(&"24".repeat(20)),
            units: (46, 9),
            programs: &["amber"],
            diff: Some(
                "{\"added\":[{\"name\":\"memmap2\",\"versions\":[\"0.9.5\"]}],\"removed\":[],\"changed\":[{\"name\":\"libc\",\
                \"from\":[\"0.2.171\"],\"to\":[\"0.2.172\"]}]}",
            ),
            ..More::default()
        };
        self.run(900_010, FRESH, ("2.3.0", "2.4.0"), 9000, Some(2), &more).await;
        self.run(900_011, FRESH, ("2.4.0", "2.4.1"), 2000, Some(2), &more).await;
        self.derivation(900_011, "amber-2.4.1", "built", Some(31_000)).await;
        for (number, version, digit) in [(900_001, "2.4.0", "23"), (900_002, "2.4.1", "24")] {
            let head = digit.repeat(20);
            let request = Request { title: &format!("amber: {version}"), head: &head, ..Request::default() };
            self.request(number, FRESH, version, "merged", &request).await;
        }
    }

    async fn failed(&mut self, name: &str, run: i64) {
        let message = format!("{CULPRIT} failed: error: linking with `cc` failed: exit status: 1");
        let stands = Stands {
            state: "failed",
            code: Some("failed"),
            version: Some("0.8.0"),
            reason: &message,
            current: Some("0.7.2"),
            next_attempt: Some(47),
        };
        self.package(name, &format!("pkg:npm/%40corner/{name}"), &stands).await;
        self.events(
            name,
            "0.8.0",
            200,
            &[
                ("seen", "published today"),
                ("resolved", "21 packages"),
                ("written", "commit"),
                ("evaluated", "21 units"),
                ("failed", &message),
            ],
        )
        .await;
        let more = More {
            commit: Some(&"bb".repeat(20)),
            units: (12, 3),
            failure: Some(("dependency", &message)),
            ..More::default()
        };
        self.run(run, name, ("0.7.2", "0.8.0"), 200, Some(3), &more).await;
        self.derivation(run, CULPRIT, "failed", Some(12_000)).await;
        self.derivation(run, &format!("{name}-0.8.0"), "dependency_failed", None).await;
        self.log(
            run,
            CULPRIT,
            "cc -o quarry quarry.o -lquarry\n\u{1b}[31m/usr/bin/ld: cannot find -lquarry\u{1b}[0m\n\
            collect2: error: ld returned 1 exit status\n",
        )
        .await;
        let head = "bb".repeat(20);
        let title = format!("{name}: 0.7.2 -> 0.8.0");
        let number = 900_300 + run % 100;
        self.request(number, name, "0.8.0", "open", &Request { title: &title, head: &head, ..Request::default() })
            .await;
    }

    async fn open(&mut self) {
        let stands = Stands {
            state: "open",
            code: Some("awaits_person"),
            version: Some("5.0.0"),
            reason: "#900003 is green and waits for a person",
            current: Some("4.9.9"),
            next_attempt: Some(20),
        };
        self.package(OPEN, "pkg:golang/forge.example/corner/cobalt", &stands).await;
        self.events(
            OPEN,
            "5.0.0",
            150,
            &[
                ("seen", "published today"),
                ("resolved", "9 modules"),
                ("written", "commit"),
                ("evaluated", "9 units"),
                ("built", "9 built"),
                ("pull_request", "#900003 opened"),
            ],
        )
        .await;
        let more = More { commit: Some(&"cc".repeat(20)), units: (0, 9), programs: &["cobalt"], ..More::default() };
        self.run(900_020, OPEN, ("4.9.9", "5.0.0"), 150, Some(4), &more).await;
        let head = "cc".repeat(20);
        let request = Request {
            title: "cobalt: 4.9.9 -> 5.0.0",
            head: &head,
            url: Some("https://forge.example/overlay/pull/3"),
            persons: &["octavia"],
            ..Request::default()
        };
        self.request(900_003, OPEN, "5.0.0", "open", &request).await;
        let row =
            json!([77, OPEN, "5.0.0", "cobalt: 5.0.0 by hand", MAINTAINER, "https://forge.example/overlay/pull/77"]);
        self.rows.add("other_pull_requests", "number, attr, version, title, author, url", row).await;
    }

    async fn running(&mut self) {
        let stands = Stands {
            state: "updating",
            code: Some("updating"),
            version: Some("1.1.0"),
            reason: "a run is under way",
            current: Some("1.0.0"),
            next_attempt: None,
        };
        self.package(RUNNING, "pkg:cargo/delta", &stands).await;
        self.events(RUNNING, "1.1.0", 9, &[("seen", "published today"), ("resolved", "30 packages")]).await;
        self.run(RUNNING_RUN, RUNNING, ("1.0.0", "1.1.0"), 9, None, &More::default()).await;
        let row = json!([RUNNING_RUN, "delta-1.1.0", "the first line of the log"]);
        self.rows.add("live_lines", "run, name, text", row).await;
        let later = self.ago(-30);
        let row = json!([
            "update",
            RUNNING,
            "running",
            "new_release",
            50,
            self.ago(12),
            self.ago(12),
            1,
            1,
            "1 on here",
            later,
            self.ago(9)
        ]);
        self.rows
            .add(
                "jobs",
                "kind, subject, state, reason, priority, queued, due, attempts, fence, worker, leased_until, started",
                row,
            )
            .await;
    }

    async fn quiet(&mut self) {
        let scenes = [
            (WAITING, "waiting", Some("too_young"), Some("3.0.0"), "3.0.0 is younger than 3 days", Some("2.9.0")),
            (
                HELD,
                "held",
                Some("held"),
                Some("0.5.0"),
                "held: waits for the new release of our scripts",
                Some("0.4.0"),
            ),
            (NEW, "new", None, None, "not looked at yet", None),
            (
                RETIRED,
                "up_to_date",
                Some("newest"),
                Some("1.0.0"),
                "`main` has the newest acceptable release",
                Some("1.0.0"),
            ),
        ];
        for (attr, state, code, version, reason, current) in scenes {
            let next_attempt = (attr == WAITING).then_some(600);
            let stands = Stands { state, code, version, reason, current, next_attempt };
            self.package(attr, &format!("pkg:cargo/{attr}"), &stands).await;
        }
        for (attr, reason, minutes) in [(WAITING, "new_release", 600), (FAILED, "retry", 47), (NEW, "asked", -1)] {
            let row =
                json!(["update", attr, "queued", reason, 50, self.ago(20), self.ago(-minutes), "waits for its time"]);
            self.rows.add("jobs", "kind, subject, state, reason, priority, queued, due, message", row).await;
        }
    }

    /// Maintainers and hosts.
    async fn around(&mut self) {
        for attr in configured() {
            self.rows.add("package_maintainers", "attr, login", json!([attr, MAINTAINER])).await;
        }
        let columns = "host, answered, failed, failed_in_row, last_answer, last_error, last_error_at, paused_until, rate_limit, \
                       rate_remaining, rate_reset";
        for (host, in_row, error) in [
            (GOOD_HOST, 0, None),
            (BAD_HOST, 5, Some("503 Service Unavailable")),
            ("evil.example", 1, Some(hostile::LINE)),
        ] {
            let paused = error.map(|_| self.ago(-12));
            let row = json!([
                host,
                4000,
                in_row,
                in_row,
                self.ago(3),
                error,
                error.map(|_| self.ago(2)),
                paused,
                5000,
                4321,
                self.ago(-40)
            ]);
            self.rows.add("hosts", columns, row).await;
        }
    }

    async fn evil(&mut self) {
        let (line, long) = (hostile::LINE, hostile::TEXT);
        let stands = Stands {
            state: "failed",
            code: Some("failed"),
            version: Some(line),
            reason: long,
            current: Some(line),
            next_attempt: Some(5),
        };
        self.package(EVIL, &format!("pkg:npm/{line}"), &stands).await;
        let kinds = [
            "seen",
            "waiting",
            "resolved",
            "written",
            "evaluated",
            "fell_back",
            "built",
            "pull_request",
            "merged",
            "held",
            "failed",
        ];
        let events: Vec<(&str, &str)> = kinds.iter().map(|kind| (*kind, long)).collect();
        self.events(EVIL, line, 100, &events).await;
        let named = json!([{ "name": line, "versions": [line] }]);
        let diff =
            json!({ "added": named, "removed": named, "changed": [{ "name": line, "from": [line], "to": [line] }] })
                .to_string();
        let more = More {
            commit: Some(&"ee".repeat(20)),
            units: (1, 2),
            failure: Some(("build", long)),
            fallback: Some(long),
            diff: Some(&diff),
            scripts: &[line],
            programs: &[line],
            spice: line,
        };
        self.run(EVIL_RUN, EVIL, (line, line), 100, Some(2), &more).await;
        self.derivation(EVIL_RUN, line, "failed", Some(4)).await;
        self.log(EVIL_RUN, line, hostile::LOG).await;
        let head = "ee".repeat(20);
        let request = Request { title: line, body: long, head: &head, url: Some(hostile::ADDRESS), persons: &[line] };
        self.request(900_200, EVIL, line, "open", &request).await;
        let row = json!([78, EVIL, line, line, line, hostile::ADDRESS]);
        self.rows.add("other_pull_requests", "number, attr, version, title, author, url", row).await;
        let row = json!(["update", line, "queued", "retry", 10, self.ago(20), self.ago(-5), long]);
        self.rows.add("jobs", "kind, subject, state, reason, priority, queued, due, message", row).await;
    }
}

/// What a run found out.
#[derive(Default)]
struct More<'a> {
    commit: Option<&'a str>,
    /// Reused and built.
    units: (u32, u32),
    failure: Option<(&'a str, &'a str)>,
    fallback: Option<&'a str>,
    diff: Option<&'a str>,
    scripts: &'a [&'a str],
    programs: &'a [&'a str],
    spice: &'a str,
}

/// What a pull request says.
#[derive(Default)]
struct Request<'a> {
    title: &'a str,
    body: &'a str,
    head: &'a str,
    url: Option<&'a str>,
    persons: &'a [&'a str],
}
