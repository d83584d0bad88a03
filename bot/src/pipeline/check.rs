//! Checks: what an upstream has, and whether anything is to be done about it.

use super::decide::{Decision, Known, decide};
use super::package::{Current, publishing_time, strategies, summarised};
use super::{Bot, CycleError, PackageResult, PackageSummary};
use crate::config::Package;
use crate::model::{AttrPath, Failure, FailureClass};
use crate::stages::resolve::Release;
use crate::stages::watch::{Candidate, Watched, watch};
use crate::stages::write::package_branch;
use crate::store::{EventKind, JobReason, Lease, PrState, PullRequest, State};

/// What came of a check.
#[derive(Debug)]
pub(super) enum Checked {
    /// Nothing is to be done, and why.
    Settled(PackageSummary),
    /// This update is due.
    Due(String, JobReason),
}

/// All that a decision about a package looks at.
#[derive(Debug)]
pub(super) struct View {
    pub(super) current: Current,
    pub(super) request: Option<PullRequest>,
}

impl Bot {
    /// Asks a package's upstream and decides.
    pub(super) async fn check(&self, _lease: &Lease, attr: &AttrPath) -> Result<Checked, CycleError> {
        let package = self.package(attr)?;
        let view = self.view(attr).await?;
        let watched = match self.ask(attr, package).await {
            Ok(watched) => watched,
            Err(failure) => {
                return Ok(Checked::Settled(self.failed_without_run(attr, &view.current, None, failure).await?));
            }
        };
        let entry = match self.decision(attr, package, &watched, &view).await? {
            Decision::Consider(entry) => entry,
            other => return Ok(Checked::Settled(self.settled(attr, package, &view, other).await?)),
        };
        let message = format!("Seen {} in the registry", entry.version);
        self.store.event(attr, Some(&entry.version), EventKind::Seen, &message).await?;
        if view.current.version() == Some(entry.version.as_str()) {
            match self.has_it_all(attr, package, &entry, &view.current).await {
                Ok(false) => {}
                Ok(true) => return Ok(Checked::Settled(self.up_to_date(attr, package, &entry, &view.current).await?)),
                Err(failure) => {
                    let version = Some(entry.version.clone());
                    let failed = self.failed_without_run(attr, &view.current, version, failure).await?;
                    return Ok(Checked::Settled(failed));
                }
            }
        }
        self.remember(attr, watched);
        Ok(Checked::Due(attr.to_string(), JobReason::NewRelease))
    }

    /// What a cycle would do for a package, with nothing written but caches.
    pub(super) async fn preview(&self, attr: &AttrPath) -> Result<PackageSummary, CycleError> {
        let package = self.package(attr)?;
        let view = self.view(attr).await?;
        let watched = match self.ask(attr, package).await {
            Ok(watched) => watched,
            Err(failure) => return Ok(summarised(attr, PackageResult::Failed, None, failure.to_string())),
        };
        let from = view.current.version().unwrap_or("nothing").to_owned();
        Ok(match self.decision(attr, package, &watched, &view).await? {
            Decision::Consider(entry) if view.current.version() == Some(entry.version.as_str()) => {
                summarised(attr, PackageResult::UpToDate, Some(from), "up to date".to_owned())
            }
            Decision::Consider(entry) => {
                let to = entry.version.clone();
                let detail = format!("would go from {from} to {to}");
                summarised(attr, PackageResult::WouldUpdate, Some(to), detail)
            }
            Decision::Wait { version, reason, .. } => summarised(attr, PackageResult::Waiting, version, reason),
            Decision::StillFailed { version, reason, .. } => {
                summarised(attr, PackageResult::Waiting, Some(version), reason)
            }
            Decision::Nothing { reason } => summarised(attr, PackageResult::Failed, None, reason),
        })
    }

    /// What the upstream has.
    pub(super) async fn ask(&self, _attr: &AttrPath, package: &Package) -> Result<Watched, Failure> {
        watch(&self.resolver, &package.upstream, package.min_age, self.clock.now()).await
    }

    /// What is known of a package here.
    pub(super) async fn view(&self, attr: &AttrPath) -> Result<View, CycleError> {
        let current = self.current(attr).await?;
        let request = self.store.pull_request_by_branch(&package_branch(attr)).await?;
        Ok(View { current, request })
    }

    /// What to do about a package.
    pub(super) async fn decision(
        &self,
        attr: &AttrPath,
        package: &Package,
        watched: &Watched,
        view: &View,
    ) -> Result<Decision, CycleError> {
        let state = self.store.state(attr).await?;
        let known = Known {
            current: view.current.version(),
            state: state.as_ref(),
            request: view.request.as_ref(),
            automerge: package.automerge,
            now: self.clock.now(),
        };
        Ok(decide(&watched.choice, &watched.why_nothing, &known))
    }

    /// Puts a decision down that is not to update.
    pub(super) async fn settled(
        &self,
        attr: &AttrPath,
        package: &Package,
        view: &View,
        decision: Decision,
    ) -> Result<PackageSummary, CycleError> {
        match decision {
            Decision::Wait { version, reason, until } => {
                let state = if view.request.as_ref().is_some_and(|request| request.state == PrState::Open) {
                    State::Open
                } else {
                    State::Waiting
                };
                self.store.event(attr, version.as_deref(), EventKind::Waiting, &reason).await?;
                let version = version.or_else(|| view.current.version().map(str::to_owned));
                self.set_state(attr, state, version.clone(), &reason, until).await?;
                Ok(summarised(attr, PackageResult::Waiting, version, reason))
            }
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
            Decision::Consider(entry) => self.up_to_date(attr, package, &entry, &view.current).await,
        }
    }

    /// Most checks end here: the plan is cached, and its files are what `main` has.
    async fn has_it_all(
        &self,
        attr: &AttrPath,
        package: &Package,
        entry: &Candidate,
        current: &Current,
    ) -> Result<bool, Failure> {
        let release = Release::of(entry, package, &self.config.systems.resolve);
        let strategy = strategies(package, current, &entry.version)[0];
        self.is_published(attr, package, &release, strategy, current, publishing_time(entry)).await
    }

    async fn up_to_date(
        &self,
        attr: &AttrPath,
        package: &Package,
        entry: &Candidate,
        current: &Current,
    ) -> Result<PackageSummary, CycleError> {
        let version = entry.version.clone();
        self.store.set_current(attr, &version, strategies(package, current, &version)[0]).await?;
        let reason = format!("{version} is the newest release, and merged");
        self.set_state(attr, State::UpToDate, Some(version.clone()), &reason, None).await?;
        Ok(summarised(attr, PackageResult::UpToDate, Some(version), "up to date".to_owned()))
    }
}
