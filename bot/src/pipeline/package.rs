//! One package's release: from a plan to what was built.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::Judge;

use super::decide::Why;
use super::record::Attempt;
use super::summary::Timer;
use super::{Bot, CycleError, CycleSummary, PackageResult, PackageSummary};
use crate::config::{Lto, Package, Upstream};
use crate::message::text::{clip, one_line};
use crate::model::{AttrPath, CommitSha, Failure, FailureClass, Strategy};
use crate::overlay::{Files, PublishedGraph, Settings, package_files};
use crate::stages::resolve::Release;
use crate::stages::watch::{Candidate, Wanted, newest_for_rust};
use crate::store::{EventKind, Lease, NewRun, PackageState, ReasonCode, RunId, RunOutcome, State};

/// What `main` has of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct Current {
    /// The head of `main`.
    pub(super) head: Option<CommitSha>,
    /// What the next commit is written on top of: the same, or another package of the group.
    pub(super) base: Option<CommitSha>,
    pub(super) graph: Option<PublishedGraph>,
    pub(super) strategy: Option<Strategy>,
}

impl Current {
    pub(super) fn version(&self) -> Option<&str> {
        self.graph.as_ref().map(|graph| graph.version.as_str())
    }
}

/// A run of one package.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) run: RunId,
    pub(super) attr: &'a AttrPath,
    pub(super) package: &'a Package,
    pub(super) entry: &'a Candidate,
    pub(super) current: &'a Current,
    /// Why it is looked into.
    pub(super) why: &'a Why,
}

impl Job<'_> {
    pub(super) fn version(&self) -> String {
        self.entry.version.clone()
    }

    /// When the release was published: the time of everything that is committed for it.
    pub(super) fn time(&self) -> Timestamp {
        publishing_time(self.entry)
    }
}

pub(super) fn publishing_time(entry: &Candidate) -> Timestamp {
    entry.published.unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Bot {
    /// What `main` has of a package.
    pub(super) async fn current(&self, attr: &AttrPath) -> Result<Current, CycleError> {
        let Some(head) = self.main_head().await? else { return Ok(Current::default()) };
        let file = self.writer.file(&head, format!("packages/{attr}/graph.json")).await?;
        let graph = file.as_deref().and_then(PublishedGraph::parse);
        let strategy = self.store.package(attr).await?.and_then(|package| package.current_strategy);
        Ok(Current { base: Some(head.clone()), head: Some(head), graph, strategy })
    }

    /// Whether `main` has exactly the files that this release would get.
    pub(super) async fn is_published(
        &self,
        attr: &AttrPath,
        package: &Package,
        release: &Release,
        strategy: Strategy,
        current: &Current,
        time: Timestamp,
    ) -> Result<bool, Failure> {
        let bar = (self.new_bar)(&format!("{attr}: resolving"));
        let plan = self.resolver.plan(release, &bar).await;
        bar.finish_and_clear();
        let plan = plan?;
        let files = render(attr, package, &plan, strategy)?;
        Ok(self.commit(attr, current, files, &plan, time).await?.is_none())
    }

    pub(super) async fn begin_run(
        &self,
        attr: &AttrPath,
        version: &str,
        current: &Current,
    ) -> Result<RunId, CycleError> {
        self.require_canary().await?;
        let reason = (ReasonCode::Updating, "being updated");
        self.set_state(attr, State::Updating, Some(version.to_owned()), reason, None).await?;
        let from_version = current.version().map(str::to_owned);
        let run = NewRun { attr: attr.clone(), version: version.to_owned(), from_version };
        Ok(self.store.begin_run(&run).await?)
    }

    /// Whether the last attempt at this very release failed.
    async fn failed_before(&self, job: Job<'_>) -> Result<bool, CycleError> {
        let runs = self.store.runs(job.attr).await?;
        let last = runs.iter().find(|run| run.id != job.run && run.version == job.entry.version);
        Ok(last.is_some_and(|last| last.outcome == Some(RunOutcome::Failed)))
    }

    /// Resolves, and then writes and builds with one strategy after another until one works.
    pub(super) async fn attempt(
        &self,
        lease: &Lease,
        job: Job<'_>,
        release: &Release,
        summary: &mut CycleSummary,
    ) -> Result<Attempt, CycleError> {
        let Job { run, attr, package, current, .. } = job;
        let mut attempt = Attempt::default();
        let timer = Timer::start(&self.clock);
        let bar = (self.new_bar)(&format!("{attr}: resolving"));
        // What did not work may have been mended meanwhile, by a release of something that it depends on.
        let plan = if self.failed_before(job).await? {
            self.resolver.plan_anew(release, &bar).await
        } else {
            self.resolver.plan(release, &bar).await
        };
        bar.finish_and_clear();
        let elapsed = timer.stop(summary, "resolve");
        let plan = match plan {
            Ok(plan) => plan,
            Err(failure) => {
                attempt.failure = Some(failure);
                return Ok(attempt);
            }
        };
        let mut detail = format!("{} packages in the graph", plan.packages().len());
        if let Some(Judge::Npm { npm, why }) = plan.npm().map(|graph| &graph.judge) {
            detail = format!("{detail}, as npm {npm} has it: {}", one_line(why));
        }
        let to_check = self.native_checks(package, &plan);
        if !to_check.is_empty() {
            let names: Vec<&str> = to_check.iter().map(|check| check.package.as_str()).collect();
            detail = format!("{detail}; nothing is known of what these link to: {}", clip(&names.join(", "), 300));
        }
        self.record_stage(run, "resolve", timer.started, elapsed, detail).await?;
        self.store.event(attr, Some(&plan.version), EventKind::Resolved, "The dependency graph was resolved").await?;
        self.store.record_plan(attr, &plan).await?;
        let plan = Arc::new(plan);
        attempt.plan = Some(Arc::clone(&plan));
        // A tree of npm packages has one way to be built: what needs building is shared, the rest is unpacked.
        let ways =
            if plan.npm().is_some() { vec![Strategy::Shared] } else { strategies(package, current, &plan.version) };
        for strategy in ways {
            if let Some(previous) = attempt.failure.take() {
                let reason = format!("{previous}");
                self.store.event(attr, Some(&plan.version), EventKind::FellBack, &reason).await?;
                attempt.fallback_reason = Some(reason);
            }
            attempt.strategy = Some(strategy);
            match self.write_and_build(lease, job, &attempt, strategy, summary).await? {
                Ok(tried) => attempt.take(tried),
                Err(failure) => attempt.failure = Some(failure),
            }
            let may_fall_back = attempt.failure.as_ref().is_some_and(|failure| {
                matches!(failure.class, FailureClass::Build | FailureClass::Dependency | FailureClass::Evaluate)
            });
            if !may_fall_back {
                break;
            }
        }
        if let Some(failure) = &mut attempt.failure {
            self.say_which_would_build(job, failure).await;
        }
        Ok(attempt)
    }

    /// Adds to a failure for want of a newer Rust which release would do without.
    async fn say_which_would_build(&self, job: Job<'_>, failure: &mut Failure) {
        let Upstream::Cargo { name } = &job.package.upstream else { return };
        let Some((_, said)) = failure.message.split_once(TOO_OLD) else { return };
        let rust: String = said.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        let policy = &job.package.policy;
        let current = job.current.version();
        let wanted = Wanted {
            track: &policy.track,
            min_age: policy.min_age,
            current,
            now: self.clock.now(),
            repository: None,
            tag_prefix: None,
        };
        // Without an answer the failure is told without it.
        let Ok(found) = newest_for_rust(&self.resolver.crates, name, wanted, &rust).await else { return };
        let which = match found {
            Some(version) => format!("the newest release that Rust {rust} can build is {version}"),
            None => format!("no release says that Rust {rust} can build it"),
        };
        // Nix' hint at its options comes after it.
        let (line, hint) = failure.message.split_once('\n').unwrap_or((&failure.message, ""));
        let message = if hint.is_empty() { format!("{line}; {which}") } else { format!("{line}; {which}\n{hint}") };
        failure.message = message;
    }

    /// The commit that gives a package's files to `main`.
    pub(super) async fn commit(
        &self,
        attr: &AttrPath,
        current: &Current,
        files: Files,
        plan: &Plan,
        time: Timestamp,
    ) -> Result<Option<CommitSha>, Failure> {
        let title = crate::message::title(attr, current.version(), &plan.version);
        let message = format!("{title}\n\n{}\n", plan.purl);
        self.writer.commit(current.base.as_ref(), files, message, time).await
    }

    pub(super) async fn set_state(
        &self,
        attr: &AttrPath,
        state: State,
        version: Option<String>,
        reason: (ReasonCode, &str),
        next_attempt: Option<Timestamp>,
    ) -> Result<(), CycleError> {
        let (code, reason) = (Some(reason.0), reason.1.to_owned());
        let state = PackageState { state, version, published: None, reason, code, next_attempt };
        Ok(self.store.set_state(attr, &state).await?)
    }

    /// A failure before anything was begun; what `main` has stays.
    pub(super) async fn failed_without_run(
        &self,
        attr: &AttrPath,
        current: &Current,
        version: Option<String>,
        failure: Failure,
    ) -> Result<PackageSummary, CycleError> {
        let message = failure.to_string();
        let version = version.or_else(|| current.version().map(str::to_owned));
        self.store.event(attr, version.as_deref(), EventKind::Failed, &message).await?;
        // The next cycle asks again, as nothing was built in vain; but what failed before keeps its distance.
        let known = self.store.state(attr).await?;
        let keeps = known.filter(|known| known.state == State::Failed && known.next_attempt > Some(self.clock.now()));
        if let Some(known) = keeps {
            return Ok(summarised(attr, PackageResult::Failed, known.version, message));
        }
        let reason = (ReasonCode::Failed, message.as_str());
        self.set_state(attr, State::Failed, version.clone(), reason, Some(self.clock.now())).await?;
        Ok(summarised(attr, PackageResult::Failed, version, message))
    }
}

pub(super) fn summarised(
    attr: &AttrPath,
    result: PackageResult,
    version: Option<String>,
    detail: String,
) -> PackageSummary {
    PackageSummary { attr: attr.clone(), result, version, detail, build: None::<Duration> }
}

/// What the overlay's builders say of a package set whose Rust is too old, before its version.
const TOO_OLD: &str = "and this package set has ";

/// The strategies to try, in order; never empty.
pub(super) fn strategies(package: &Package, current: &Current, version: &str) -> Vec<Strategy> {
    if matches!(package.upstream, Upstream::Npm { .. }) {
        return vec![Strategy::Shared];
    }
    match (package.strategy, current.strategy) {
        (Some(strategy), _) => vec![strategy],
        (None, Some(known)) if current.version() == Some(version) => vec![known],
        (None, _) => vec![Strategy::Shared, Strategy::Vendored],
    }
}

/// The files of a package, as its configuration wants them.
pub(super) fn render(attr: &AttrPath, package: &Package, plan: &Plan, strategy: Strategy) -> Result<Files, Failure> {
    let lto = match package.lto {
        Lto::Off => None,
        Lto::Thin => Some("thin"),
        Lto::Fat => Some("fat"),
    };
    plan.require_binaries().map_err(|error| Failure::new(FailureClass::Resolve, &error))?;
    let ldflags = &package.go.flags(&plan.version);
    let native = Some(&package.native);
    package_files(attr, plan, strategy, Settings { lto, native, ldflags, ..Settings::default() })
        .map_err(|error| Failure::new(FailureClass::Resolve, &error))
}
