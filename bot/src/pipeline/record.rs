//! Writing, building, and putting down what came of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::diff::GraphDiff;

use super::package::{Current, Job, render};
use super::summary::Timer;
use super::view::branch_of;
use super::{Bot, CycleError, CycleSummary};
use crate::clients::nix::DerivationOutcome;
use crate::message::UnitTime;
use crate::model::{CommitSha, Failure, FailureClass, Strategy};
use crate::stages::build::{Built, UnitBuild};
use crate::store::{
    DerivationRecord, DerivationState, EventKind, Lease, RunId, RunOutcome, RunResult, StageRecord, SystemResult,
};

/// What an attempt at a release came to.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) strategy: Option<Strategy>,
    pub(super) fallback_reason: Option<String>,
    pub(super) commit: Option<CommitSha>,
    pub(super) built: Option<Built>,
    pub(super) failure: Option<Failure>,
}

impl Attempt {
    pub(super) fn take(&mut self, (commit, built): (CommitSha, Result<Built, Failure>)) {
        self.commit = Some(commit);
        match built {
            Ok(built) => {
                self.failure = built.failure.as_ref().map(|failure| failure.failure.clone());
                self.built = Some(built);
            }
            Err(failure) => self.failure = Some(failure),
        }
    }
}

/// A commit that was written, and what became of building it.
type Written = (CommitSha, Result<Built, Failure>);

/// A release of a package, and what the attempt at it came to.
pub(super) struct Tried<'a> {
    pub(super) job: Job<'a>,
    pub(super) attempt: Attempt,
}

impl Bot {
    /// The outer result is for what stops the cycle, the inner one for what leaves nothing to publish.
    pub(super) async fn write_and_build(
        &self,
        lease: &Lease,
        job: Job<'_>,
        attempt: &Attempt,
        strategy: Strategy,
        summary: &mut CycleSummary,
    ) -> Result<Result<Written, Failure>, CycleError> {
        let Job { run, attr, package, current, .. } = job;
        let Some(plan) = attempt.plan.as_deref() else { unreachable!("what is written was resolved") };
        let timer = Timer::start(&self.clock);
        let branch = branch_of(attr, package);
        let written = async {
            let files = render(attr, package, plan, strategy)?;
            let commit = self.commit(attr, current, files, plan, job.time()).await?;
            let Some(commit) = commit.or_else(|| current.base.clone()) else {
                let message = "there is nothing to write".to_owned();
                return Err(Failure { class: FailureClass::Infrastructure, message });
            };
            self.writer.refuse_dropping(current.base.as_ref(), &commit, self.config.limits.dropped_packages).await?;
            self.writer.publish_branch(&branch, &commit).await?;
            Ok(commit)
        };
        let commit = match written.await {
            Ok(commit) => commit,
            Err(failure) => return Ok(Err(failure)),
        };
        summary.commits += 1;
        let elapsed = timer.stop(summary, "write");
        self.record_stage(run, "write", timer.started, elapsed, format!("{commit} on {branch}")).await?;
        let message = format!("Written as {} on {branch}, strategy {strategy}", short(&commit));
        self.store.event(attr, Some(&plan.version), EventKind::Written, &message).await?;
        if let Err(failure) = self.show_progress(lease, job, attempt, &commit).await? {
            return Ok(Ok((commit, Err(failure))));
        }
        let built = self.build_commit(job, plan, branch.as_str(), &commit, summary).await?;
        Ok(Ok((commit, built)))
    }

    async fn build_commit(
        &self,
        job: Job<'_>,
        plan: &Plan,
        branch: &str,
        commit: &CommitSha,
        summary: &mut CycleSummary,
    ) -> Result<Result<Built, Failure>, CycleError> {
        let Job { run, attr, .. } = job;
        let timer = Timer::start(&self.clock);
        let evaluated = self.builder.evaluate(&self.builder.flake(branch, commit), attr).await;
        let elapsed = timer.stop(summary, "evaluate");
        let evaluated = match evaluated {
            Ok(evaluated) => evaluated,
            Err(failure) => return Ok(Err(failure)),
        };
        let detail = format!("{} units", evaluated.units.len().max(1));
        self.record_stage(run, "evaluate", timer.started, elapsed, detail).await?;
        self.store.event(attr, Some(&plan.version), EventKind::Evaluated, "Nix evaluated it to derivations").await?;

        let timer = Timer::start(&self.clock);
        let bar = (self.new_bar)(&format!("{attr}: fetching"));
        let fetched = self.builder.fetch(&evaluated, plan, &bar).await;
        bar.finish_and_clear();
        let elapsed = timer.stop(summary, "fetch");
        match fetched {
            Ok(count) => {
                let detail = format!("{count} sources were not in the store yet");
                self.record_stage(run, "fetch", timer.started, elapsed, detail).await?;
            }
            Err(failure) => return Ok(Err(failure)),
        }

        let timer = Timer::start(&self.clock);
        let bar = (self.new_bar)(&format!("{attr}: building"));
        let (watcher, events) = tokio::sync::mpsc::unbounded_channel();
        let (built, ()) =
            tokio::join!(self.builder.build_watched(&evaluated, &bar, Some(watcher)), self.follow_build(run, events));
        bar.finish_and_clear();
        let elapsed = timer.stop(summary, "build");
        if let Ok(built) = &built {
            let detail = format!("{} units built, {} reused", built.built, built.reused);
            self.record_stage(run, "build", timer.started, elapsed, detail).await?;
            self.record_build(run, built).await?;
        }
        Ok(built)
    }

    /// Derivations and logs, to the store.
    async fn record_build(&self, run: RunId, built: &Built) -> Result<(), CycleError> {
        let records: Vec<DerivationRecord> = built
            .derivations
            .iter()
            .map(|unit| DerivationRecord {
                drv: unit.drv.clone(),
                name: unit.name.clone(),
                outcome: state_of(unit),
                elapsed: unit.elapsed,
            })
            .collect();
        self.store.record_derivations(run, &records).await?;
        for unit in built.derivations.iter().filter(|unit| !unit.log.is_empty()) {
            self.store.append_log(run, &unit.name, &unit.log).await?;
        }
        Ok(())
    }

    pub(super) async fn record_stage(
        &self,
        run: RunId,
        stage: &'static str,
        started: Timestamp,
        elapsed: Duration,
        detail: String,
    ) -> Result<(), CycleError> {
        Ok(self.store.record_stage(run, &StageRecord { stage, started, elapsed, detail }).await?)
    }
}

pub(super) fn result(attempt: &Attempt, current: &Current, bot: &Bot) -> RunResult {
    let plan = attempt.plan.as_deref();
    let built = attempt.built.as_ref();
    RunResult {
        outcome: if attempt.failure.is_none() { RunOutcome::Succeeded } else { RunOutcome::Failed },
        failure: attempt.failure.clone(),
        strategy: attempt.strategy,
        commit: attempt.commit.clone(),
        reused: built.map_or(0, |built| built.reused),
        built: built.map_or(0, |built| built.built),
        fallback_reason: attempt.fallback_reason.clone(),
        diff: plan.map(|plan| diff(plan, current)).unwrap_or_default(),
        build_scripts: plan.map(scripts).unwrap_or_default(),
        systems: built
            .map(|built| SystemResult {
                system: bot.builder.system.clone(),
                succeeded: attempt.failure.is_none(),
                elapsed: built.elapsed,
                programs: plan.map(programs).unwrap_or_default(),
            })
            .into_iter()
            .collect(),
    }
}

fn programs(plan: &Plan) -> Vec<String> {
    plan.binaries().into_iter().map(str::to_owned).collect()
}

fn scripts(plan: &Plan) -> Vec<String> {
    plan.scripts().into_iter().map(str::to_owned).collect()
}

pub(super) fn unit_times(built: &Built) -> Vec<UnitTime> {
    let timed = built.derivations.iter().filter_map(|unit| Some((unit, unit.elapsed?)));
    timed.map(|(unit, elapsed)| UnitTime { name: unit.name.clone(), elapsed }).collect()
}

/// Against what `main` has; the root itself is not a change of its own.
pub(super) fn diff(plan: &Plan, current: &Current) -> GraphDiff {
    let Some(graph) = &current.graph else { return GraphDiff::default() };
    let old = graph.packages.iter().map(|(name, version)| (name.as_str(), version.as_str()));
    let others = |(name, _): &(&str, &str)| *name != plan.name;
    GraphDiff::between(old.filter(others), plan.packages().into_iter().filter(others))
}

fn state_of(unit: &UnitBuild) -> DerivationState {
    match unit.outcome {
        None => DerivationState::Reused,
        Some(DerivationOutcome::Built) => DerivationState::Built,
        Some(DerivationOutcome::Failed) => DerivationState::Failed,
        Some(DerivationOutcome::DependencyFailed) => DerivationState::DependencyFailed,
        Some(DerivationOutcome::TimedOut) => DerivationState::TimedOut,
        Some(DerivationOutcome::HashMismatch) => DerivationState::HashMismatch,
    }
}

fn short(commit: &CommitSha) -> &str {
    commit.as_str().get(..12).unwrap_or_default()
}
