//! A store with one package in each situation that the pages tell apart.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::plan::diff::GraphDiff;

use crate::dashboard::Site;
use crate::model::{AttrPath, Clock, FailureClass, Strategy};
use crate::store::{
    ConfiguredPackage, Cycle, DerivationRecord, DerivationState, EventKind, Failure, NewRun, PackageState, PrState,
    PullRequestDraft, RunId, RunOutcome, RunResult, StageRecord, State, Store, SystemResult,
};

/// A store, and the hand of its clock.
pub(super) struct Fixture {
    pub(super) store: Store,
    now: Arc<Mutex<Timestamp>>,
    /// Put into every text that can come from outside.
    spice: String,
}

pub(super) fn site() -> Site {
    Site { overlay: "git+https://registry.example/overlay.git".to_owned(), address: None }
}

pub(super) fn attr(name: &str) -> AttrPath {
    name.parse().unwrap()
}

impl Fixture {
    pub(super) async fn empty(folder: &Path, spice: &str) -> Self {
        let now = Arc::new(Mutex::new("2026-03-01T09:00:00Z".parse().unwrap()));
        let hand = Arc::clone(&now);
        let clock = Clock::from_fn(move || *hand.lock().unwrap());
        let store = Store::open(&folder.join("nixwright.db"), clock).await.unwrap();
        Self { store, now, spice: spice.to_owned() }
    }

    pub(super) async fn full(folder: &Path, spice: &str) -> Self {
        let fixture = Self::empty(folder, spice).await;
        let names = ["bat", "fd-find", "hexyl", "hyperfine", "newcomer", "retired", "ripgrep"];
        let all: Vec<ConfiguredPackage> = names.iter().map(|name| configured(name, spice)).collect();
        fixture.store.sync_packages(&all).await.unwrap();
        let remaining: Vec<_> = all.into_iter().filter(|package| package.attr.as_str() != "retired").collect();
        fixture.store.sync_packages(&remaining).await.unwrap();
        fixture.merged().await;
        fixture.failed().await;
        fixture.waiting().await;
        fixture.open().await;
        fixture.under_way().await;
        let started = fixture.tick(60);
        let cycle = Cycle { started, finished: fixture.tick(95), checked: 6, updated: 2, failed: 1 };
        fixture.store.record_cycle(&cycle).await.unwrap();
        fixture
    }

    pub(super) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn text(&self, text: &str) -> String {
        format!("{text}{}", self.spice)
    }

    /// Moves the clock and tells the time.
    fn tick(&self, seconds: i64) -> Timestamp {
        let mut now = self.now.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
        *now
    }

    async fn event(&self, name: &str, version: &str, kind: EventKind, message: &str) {
        self.tick(2);
        let version = self.text(version);
        self.store.event(&attr(name), Some(&version), kind, &self.text(message)).await.unwrap();
    }

    async fn state(&self, name: &str, state: State, version: &str, reason: &str, next_attempt: Option<&str>) {
        let state = PackageState {
            state,
            version: Some(self.text(version)),
            published: Some("2026-02-27T18:04:00Z".parse().unwrap()),
            reason: self.text(reason),
            code: None,
            next_attempt: next_attempt.map(|at| at.parse().unwrap()),
        };
        self.store.set_state(&attr(name), &state).await.unwrap();
    }

    async fn begin(&self, name: &str, from: Option<&str>, version: &str) -> RunId {
        let from_version = from.map(|from| self.text(from));
        self.store.begin_run(&NewRun { attr: attr(name), version: self.text(version), from_version }).await.unwrap()
    }

    async fn stage(&self, run: RunId, stage: &'static str, millis: u64, detail: &str) {
        let started = self.tick(0);
        self.tick(i64::try_from(millis.div_ceil(1000)).unwrap());
        let elapsed = Duration::from_millis(millis);
        let record = StageRecord { stage, started, elapsed, detail: self.text(detail) };
        self.store.record_stage(run, &record).await.unwrap();
    }

    fn result(&self, outcome: RunOutcome) -> RunResult {
        RunResult {
            outcome,
            failure: None,
            strategy: Some(Strategy::Shared),
            commit: Some("5f".repeat(20).parse().unwrap()),
            reused: 41,
            built: 7,
            fallback_reason: None,
            diff: GraphDiff::between(
                [("libc", "0.2.171"), ("pcre2", "0.2.9"), ("regex", "1.11.0"), ("syn", "1.0.109")],
                [
                    ("libc", "0.2.172"),
                    ("regex", "1.11.1"),
                    (self.text("memmap2").as_str(), self.text("0.9.5").as_str()),
                    ("syn", "1.0.109"),
                    ("syn", "2.0.101"),
                ],
            ),
            build_scripts: vec![
                "anyhow-1.0.98".to_owned(),
                self.text("libc-0.2.172"),
                "serde_derive-1.0.219".to_owned(),
            ],
            systems: vec![SystemResult {
                system: "x86_64-linux".parse().unwrap(),
                succeeded: outcome == RunOutcome::Succeeded,
                elapsed: Duration::from_secs(83),
                programs: if outcome == RunOutcome::Succeeded { vec![self.text("rg")] } else { Vec::new() },
            }],
        }
    }

    fn derivation(&self, name: &str, outcome: DerivationState, millis: Option<u64>) -> DerivationRecord {
        DerivationRecord {
            drv: self.text(&format!("/nix/store/{}-{name}.drv", "0123456789abcdfghijklmnpqrsvwxyz")),
            name: self.text(name),
            outcome,
            elapsed: millis.map(Duration::from_millis),
        }
    }

    async fn pull_request(&self, name: &str, title: &str, version: &str, failed: bool) -> i64 {
        self.tick(1);
        let draft = PullRequestDraft {
            branch: format!("nixwright/{name}").parse().unwrap(),
            attr: Some(attr(name)),
            title: self.text(title),
            body: self.text("Brings it from `1` to `2`.\n\n### Build\n\n| system | result |\n|---|---|\n"),
            head: "5f".repeat(20).parse().unwrap(),
            base: "main".to_owned(),
            version: self.text(version),
            failed,
            draft: false,
            labels: Vec::new(),
            maintainers: Vec::new(),
        };
        self.store.upsert_pull_request(&draft).await.unwrap().number
    }

    async fn merged(&self) {
        let (name, version) = ("ripgrep", "15.2.0");
        self.event(name, version, EventKind::Seen, "published 2026-02-27, newer than 15.1.0").await;
        let run = self.begin(name, Some("15.1.0"), version).await;
        self.stage(run, "resolve", 420, "54 packages, 48 units on 4 systems").await;
        self.event(name, version, EventKind::Resolved, "54 packages, 48 units").await;
        self.stage(run, "write", 35, "3 files on nixwright/ripgrep").await;
        self.event(name, version, EventKind::Written, "commit 5f5f5f5f5f on nixwright/ripgrep").await;
        self.stage(run, "evaluate", 610, "2 derivations").await;
        self.event(name, version, EventKind::Evaluated, "48 derivations, 7 to build").await;
        self.stage(run, "fetch", 2_300, "6 sources fetched and verified, 48 were there").await;
        self.stage(run, "build", 83_000, "7 built, 41 reused").await;
        let records = [
            self.derivation("ripgrep-15.2.0-bins", DerivationState::Built, Some(61_300)),
            self.derivation("regex-automata-0.4.9", DerivationState::Built, Some(18_250)),
            self.derivation("syn-2.0.101", DerivationState::Built, Some(5_020)),
            self.derivation("libc-0.2.172", DerivationState::Built, Some(940)),
            self.derivation("libc-0.2.172-run", DerivationState::Built, Some(130)),
            self.derivation("memchr-2.7.4", DerivationState::Reused, None),
        ];
        self.store.record_derivations(run, &records).await.unwrap();
        let log = self.text("\u{1b}[32m   Compiling\u{1b}[0m ripgrep\nwarning: unused\n");
        self.store.append_log(run, &self.text("ripgrep-15.2.0-bins"), &log).await.unwrap();
        self.event(name, version, EventKind::Built, "7 units built, 41 reused, in 1 min 23 s").await;
        self.store.finish_run(run, &self.result(RunOutcome::Succeeded)).await.unwrap();
        let number = self.pull_request(name, "ripgrep: 15.1.0 -> 15.2.0", version, false).await;
        self.event(name, version, EventKind::PullRequest, "opened #1").await;
        let commit = Some("ab".repeat(20).parse().unwrap());
        self.store.set_pull_request_state(number, PrState::Merged, commit).await.unwrap();
        self.event(name, version, EventKind::Merged, "main has it").await;
        self.event(name, version, EventKind::Stable, "stable has it").await;
        self.store.set_current(&attr(name), &self.text(version), Strategy::Shared).await.unwrap();
        self.state(name, State::UpToDate, version, "15.2.0 is the newest release", None).await;
    }

    async fn failed(&self) {
        let (name, version) = ("hexyl", "0.16.0");
        self.store.set_current(&attr(name), &self.text("0.15.0"), Strategy::Vendored).await.unwrap();
        self.event(name, version, EventKind::Seen, "published 2026-02-27, newer than 0.15.0").await;
        let run = self.begin(name, Some("0.15.0"), version).await;
        self.stage(run, "resolve", 380, "71 packages").await;
        self.event(name, version, EventKind::Resolved, "71 packages").await;
        self.event(name, version, EventKind::Written, "commit 5f5f5f5f5f on nixwright/hexyl").await;
        self.event(name, version, EventKind::Evaluated, "71 derivations").await;
        self.event(name, version, EventKind::FellBack, "owo-colors-4.2.0 failed; trying vendored").await;
        self.stage(run, "build", 31_000, "failed").await;
        let records = [
            self.derivation("hexyl-0.16.0", DerivationState::Failed, Some(31_000)),
            self.derivation("hexyl-0.16.0-smoke", DerivationState::DependencyFailed, None),
        ];
        self.store.record_derivations(run, &records).await.unwrap();
        let log = self.text("error[E0658]: `let` expressions in this position are unstable\n  --> src/main.rs:74:12\n");
        self.store.append_log(run, &self.text("hexyl-0.16.0"), &log.repeat(30)).await.unwrap();
        let message =
            "the builder of hexyl-0.16.0 ended with exit code 101: it needs rustc 1.88, this machine has 1.85";
        let result = RunResult {
            failure: Some(Failure { class: FailureClass::Build, message: self.text(message) }),
            fallback_reason: Some(self.text("owo-colors-4.2.0 failed with exit code 1")),
            strategy: Some(Strategy::Vendored),
            reused: 0,
            built: 1,
            ..self.result(RunOutcome::Failed)
        };
        self.store.finish_run(run, &result).await.unwrap();
        self.event(name, version, EventKind::Failed, message).await;
        self.pull_request(name, "hexyl: 0.15.0 -> 0.16.0", version, true).await;
        self.event(name, version, EventKind::PullRequest, "opened #2, marked failed").await;
        self.state(name, State::Failed, version, message, Some("2026-03-02T09:00:00Z")).await;
    }

    async fn waiting(&self) {
        let (name, version) = ("fd-find", "10.5.0");
        self.store.set_current(&attr(name), &self.text("10.4.2"), Strategy::Shared).await.unwrap();
        self.event(name, version, EventKind::Seen, "published 2026-02-27").await;
        self.event(name, version, EventKind::Waiting, "too young until 2026-03-02 18:04").await;
        let reason = "10.5.0 is 2 days old; min_age asks for 3 days";
        self.state(name, State::Waiting, version, reason, Some("2026-03-02T18:04:00Z")).await;
    }

    async fn open(&self) {
        let (name, version) = ("bat", "0.26.0");
        self.event(name, version, EventKind::Seen, "").await;
        for kind in [EventKind::Resolved, EventKind::Written, EventKind::Evaluated, EventKind::Built] {
            self.event(name, version, kind, "done").await;
        }
        let run = self.begin(name, None, version).await;
        self.tick(20);
        self.store.finish_run(run, &self.result(RunOutcome::Succeeded)).await.unwrap();
        self.pull_request(name, "bat: init at 0.26.0", version, false).await;
        self.event(name, version, EventKind::PullRequest, "opened #3").await;
        self.state(name, State::Open, version, "built; automerge is off, so somebody has to merge #3", None).await;
    }

    async fn under_way(&self) {
        let (name, version) = ("hyperfine", "1.20.0");
        self.event(name, version, EventKind::Seen, "published 2026-02-27").await;
        let run = self.begin(name, Some("1.19.0"), version).await;
        self.stage(run, "resolve", 300, "").await;
        self.event(name, version, EventKind::Resolved, "63 packages").await;
        self.state(name, State::Updating, version, "run under way", None).await;
    }
}

fn configured(name: &str, spice: &str) -> ConfiguredPackage {
    ConfiguredPackage { attr: attr(name), purl: format!("pkg:cargo/{name}{spice}") }
}
