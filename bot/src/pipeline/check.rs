//! Checks: what an upstream has, and whether anything is to be done about it.

use super::decide::{Decision, Wait, Why};
use super::package::{Current, publishing_time, strategies, summarised};
use super::view::{View, subject_of};
use super::{Bot, CycleError, PackageResult, PackageSummary};
use crate::config::Package;
use crate::model::{AttrPath, Failure, FailureClass};
use crate::stages::watch::{Candidate, Wanted, Watched, may_merge, watch};
use crate::store::{EventKind, JobReason, Lease, PrState, ReasonCode, State};

/// What came of a check.
#[derive(Debug)]
pub(super) enum Checked {
    /// Nothing is to be done, and why.
    Settled(PackageSummary),
    /// This update is due.
    Due(String, JobReason),
}

impl Bot {
    /// Asks a package's upstream and decides.
    pub(super) async fn check(&self, lease: &Lease, attr: &AttrPath) -> Result<Checked, CycleError> {
        let package = self.package(attr)?;
        let asked = lease.reason == JobReason::Asked;
        let view = self.view(attr, package, asked).await?;
        let watched = match self.ask(package, &view.current).await {
            Ok(watched) => watched,
            Err(failure) => {
                return Ok(Checked::Settled(self.failed_without_run(attr, &view.current, None, failure).await?));
            }
        };
        let decision = match self.considered(attr, package, &watched, &view).await {
            Ok(decision) => decision,
            Err(failure) => {
                let version = watched.choice.release.map(|release| release.version);
                return Ok(Checked::Settled(self.failed_without_run(attr, &view.current, version, failure).await?));
            }
        };
        let (entry, why) = match decision {
            Decision::Consider(entry, why) => (entry, why),
            other => return Ok(Checked::Settled(self.settle_decision(lease, attr, package, &view, other).await?)),
        };
        let message = format!("Seen {} in the registry", entry.version);
        self.store.event(attr, Some(&entry.version), EventKind::Seen, &message).await?;
        self.remember(attr, watched);
        let reason = match why {
            _ if asked => JobReason::Asked,
            Why::Withdrawn => JobReason::Withdrawn,
            Why::Stale | Why::Same => JobReason::StaleEvidence,
            Why::New => JobReason::NewRelease,
        };
        Ok(Checked::Due(subject_of(attr, package), reason))
    }

    /// What to do about a package, with a look at the files where `main` has the release: most looks end there, because the
    /// plan is cached, and its files are what `main` has.
    pub(super) async fn considered(
        &self,
        attr: &AttrPath,
        package: &Package,
        watched: &Watched,
        view: &View,
    ) -> Result<Decision, Failure> {
        let decision = self.decision(package, watched, view, false);
        let Decision::Consider(entry, Why::Same) = decision else { return Ok(decision) };
        if self.has_it_all(attr, package, &entry, &view.current).await? {
            return Ok(Decision::UpToDate(entry));
        }
        Ok(self.decision(package, watched, view, true))
    }

    /// What a cycle would do for a package, with nothing written but caches.
    pub(super) async fn preview(&self, attr: &AttrPath) -> Result<PackageSummary, CycleError> {
        let package = self.package(attr)?;
        let view = self.view(attr, package, false).await?;
        let watched = match self.ask(package, &view.current).await {
            Ok(watched) => watched,
            Err(failure) => return Ok(summarised(attr, PackageResult::Failed, None, failure.to_string())),
        };
        let from = view.current.version().unwrap_or("nothing").to_owned();
        let waits = |version, reason| summarised(attr, PackageResult::Waiting, version, reason);
        Ok(match self.decision(package, &watched, &view, false) {
            Decision::Consider(_, Why::Same) | Decision::UpToDate(_) => {
                summarised(attr, PackageResult::UpToDate, Some(from), "up to date".to_owned())
            }
            Decision::Consider(entry, _) => {
                let to = entry.version.clone();
                let detail = format!("would go from {from} to {to}");
                summarised(attr, PackageResult::WouldUpdate, Some(to), detail)
            }
            Decision::Green(entry) => waits(Some(entry.version), "its pull request is green".to_owned()),
            Decision::Wait(Wait { version, reason, .. }) => waits(version, reason),
            Decision::StillFailed { version, reason, .. } => waits(Some(version), reason),
            Decision::Close { number, reason } => {
                let version = view.request.as_ref().map(|request| request.version.clone());
                waits(version, format!("would close pull request {number}: {reason}"))
            }
            Decision::Nothing { reason } => summarised(attr, PackageResult::Failed, None, reason),
        })
    }

    /// What the upstream has.
    pub(super) async fn ask(&self, package: &Package, current: &Current) -> Result<Watched, Failure> {
        let policy = &package.policy;
        let current = current.version();
        let wanted = Wanted {
            track: &policy.track,
            min_age: policy.min_age,
            current,
            now: self.clock.now(),
            repository: package.go.repository.as_ref(),
            tag_prefix: package.tag_prefix.as_deref(),
        };
        watch(&self.resolver, &package.upstream, wanted).await
    }

    /// Carries out and puts down a decision that needs no build.
    pub(super) async fn settle_decision(
        &self,
        lease: &Lease,
        attr: &AttrPath,
        package: &Package,
        view: &View,
        decision: Decision,
    ) -> Result<PackageSummary, CycleError> {
        match decision {
            Decision::Wait(wait) => self.wait(attr, view, wait).await,
            Decision::StillFailed { version, reason, until } => {
                let detail = match until {
                    Some(until) => format!("{reason} (next attempt {until:.0})"),
                    None => reason,
                };
                Ok(summarised(attr, PackageResult::Waiting, Some(version), detail))
            }
            Decision::Nothing { reason } => {
                let failure =
                    Failure { class: FailureClass::Upstream, message: format!("{} {reason}", package.upstream) };
                self.failed_without_run(attr, &view.current, None, failure).await
            }
            Decision::Close { number, reason } => {
                let wait = Wait {
                    version: view.current.version().map(str::to_owned),
                    code: ReasonCode::Withdrawn,
                    reason: format!("pull request {number} was closed: {reason}"),
                    until: None,
                };
                match self.close(Some(lease), number, reason).await {
                    Ok(_) => self.wait(attr, &self.view(attr, package, false).await?, wait).await,
                    Err(error) => self.failed_without_run(attr, &view.current, None, error.unless_lost()?.into()).await,
                }
            }
            Decision::Green(entry) => self.green(lease, attr, package, view, &entry).await,
            Decision::UpToDate(entry) | Decision::Consider(entry, _) => {
                self.up_to_date(attr, package, &entry, &view.current).await
            }
        }
    }

    async fn wait(&self, attr: &AttrPath, view: &View, wait: Wait) -> Result<PackageSummary, CycleError> {
        let Wait { version, code, reason, until } = wait;
        let is_open = view.request.as_ref().is_some_and(|request| request.state == PrState::Open);
        let (state, kind) = match code {
            ReasonCode::Held => (State::Held, EventKind::Held),
            _ if is_open => (State::Open, EventKind::Waiting),
            _ => (State::Waiting, EventKind::Waiting),
        };
        self.store.event(attr, version.as_deref(), kind, &reason).await?;
        let version = version.or_else(|| view.current.version().map(str::to_owned));
        self.set_state(attr, state, version.clone(), (code, &reason), until).await?;
        Ok(summarised(attr, PackageResult::Waiting, version, reason))
    }

    /// A pull request that was built: merged where the policy says so, else somebody's turn.
    async fn green(
        &self,
        lease: &Lease,
        attr: &AttrPath,
        package: &Package,
        view: &View,
        entry: &Candidate,
    ) -> Result<PackageSummary, CycleError> {
        let Some(request) = &view.request else { return self.up_to_date(attr, package, entry, &view.current).await };
        let version = Some(entry.version.clone());
        let awaits = |code, whom: &str| Wait {
            version: version.clone(),
            code,
            reason: format!("pull request {} is open and waits for {whom}", request.number),
            until: None,
        };
        if !may_merge(package.policy.automerge, view.current.version(), &entry.version) {
            return self.wait(attr, view, awaits(ReasonCode::AwaitsPerson, "a person")).await;
        }
        match self.merge(Some(lease), request.number, publishing_time(entry)).await {
            Ok(merged) if merged.state == PrState::Merged => {
                self.follow_merge(&merged).await?;
                let reason = format!("{} is the newest release, and merged", entry.version);
                self.set_state(attr, State::UpToDate, version.clone(), (ReasonCode::Newest, &reason), None).await?;
                let detail = format!("pull request {}, merged", request.number);
                Ok(summarised(attr, PackageResult::Merged, version, detail))
            }
            Ok(_) => self.wait(attr, view, awaits(ReasonCode::AwaitsForge, "the forge's own checks")).await,
            Err(error) if error.is_later() => {
                self.wait(attr, view, awaits(ReasonCode::AwaitsForge, "the forge's own checks")).await
            }
            Err(error) => self.failed_without_run(attr, &view.current, version, error.unless_lost()?.into()).await,
        }
    }

    /// Whether `main` has the files of a release as they would be written now.
    async fn has_it_all(
        &self,
        attr: &AttrPath,
        package: &Package,
        entry: &Candidate,
        current: &Current,
    ) -> Result<bool, Failure> {
        let release = self.release_for(attr, entry, package, current).await?;
        let strategy = strategies(package, current, &entry.version)[0];
        self.is_published(attr, package, &release, strategy, current, publishing_time(entry)).await
    }

    pub(super) async fn up_to_date(
        &self,
        attr: &AttrPath,
        package: &Package,
        entry: &Candidate,
        current: &Current,
    ) -> Result<PackageSummary, CycleError> {
        let version = entry.version.clone();
        self.store.set_current(attr, &version, strategies(package, current, &version)[0]).await?;
        let reason = format!("{version} is the newest release, and merged");
        self.set_state(attr, State::UpToDate, Some(version.clone()), (ReasonCode::Newest, &reason), None).await?;
        Ok(summarised(attr, PackageResult::UpToDate, Some(version), "up to date".to_owned()))
    }
}
