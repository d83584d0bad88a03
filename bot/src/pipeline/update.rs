//! Updates: what checks found to be due, brought to a pull request. A group's packages come in one, each by a commit on top
//! of the one before it.

use super::decide::{Decision, Why};
use super::package::Job;
use super::record::{Attempt, Tried};
use super::view::View;
use super::{Bot, CycleError, CycleSummary, PackageSummary};
use crate::config::Package;
use crate::model::{AttrPath, Failure, FailureClass};
use crate::stages::watch::Candidate;
use crate::store::{JobReason, Lease};

/// A package of an update, and the release that it gets.
struct Member<'a> {
    attr: &'a AttrPath,
    package: &'a Package,
    entry: Box<Candidate>,
    view: View,
    why: Why,
}

impl Bot {
    /// Does an update: decides anew, as time has passed since the check, and carries the decision out.
    pub(super) async fn update(
        &self,
        lease: &Lease,
        summary: &mut CycleSummary,
    ) -> Result<Vec<PackageSummary>, CycleError> {
        let members = self.members(&lease.subject);
        if members.is_empty() {
            return Err(self.not_configured(&lease.subject).into());
        }
        if self.main_head().await?.is_none() {
            let message = "the overlay is not started yet, so no package can be written".to_owned();
            return Err(Failure { class: FailureClass::Infrastructure, message }.into());
        }
        let mut results = Vec::new();
        let mut due = Vec::new();
        let mut green = Vec::new();
        for (attr, package) in members {
            let view = self.view(attr, package, lease.reason == JobReason::Asked).await?;
            let watched = match self.remembered(attr) {
                Some(watched) => Ok(watched),
                None => self.ask(package, &view.current).await,
            };
            let watched = match watched {
                Ok(watched) => watched,
                Err(failure) => {
                    results.push(self.failed_without_run(attr, &view.current, None, failure).await?);
                    continue;
                }
            };
            let decision = match self.considered(attr, package, &watched, &view).await {
                Ok(decision) => decision,
                Err(failure) => {
                    let version = watched.choice.release.map(|release| release.version);
                    results.push(self.failed_without_run(attr, &view.current, version, failure).await?);
                    continue;
                }
            };
            match decision {
                Decision::Consider(entry, why) => due.push(Member { attr, package, entry, view, why }),
                Decision::Green(entry) => green.push(Member { attr, package, entry, view, why: Why::New }),
                other => results.push(self.settle_decision(lease, attr, package, &view, other).await?),
            }
        }
        if due.is_empty() {
            for Member { attr, package, entry, view, .. } in green {
                let decision = Decision::Green(entry);
                results.push(self.settle_decision(lease, attr, package, &view, decision).await?);
            }
            return Ok(results);
        }
        // What waits in the group's pull request stays in it when another member changes it.
        due.extend(green);
        due.sort_by(|a, b| a.attr.cmp(b.attr));
        results.extend(self.build_all(lease, due, summary).await?);
        Ok(results)
    }

    async fn build_all(
        &self,
        lease: &Lease,
        mut members: Vec<Member<'_>>,
        summary: &mut CycleSummary,
    ) -> Result<Vec<PackageSummary>, CycleError> {
        let mut tip = self.main_head().await?;
        let mut tried = Vec::new();
        for member in &mut members {
            let Member { attr, package, entry, view, why } = member;
            view.current.base.clone_from(&tip);
            let (entry, current, why) = (&**entry, &view.current, &*why);
            let release = self.release_for(attr, entry, package, current).await;
            let run = self.begin_run(attr, &entry.version, current).await?;
            let job = Job { run, attr, package, entry, current, why };
            let attempt = match release {
                Ok(release) => self.attempt(lease, job, &release, summary).await?,
                Err(failure) => Attempt { failure: Some(failure), ..Attempt::default() },
            };
            if attempt.failure.is_none()
                && let Some(commit) = &attempt.commit
            {
                tip = Some(commit.clone());
            }
            tried.push(Tried { job, attempt });
        }
        self.conclude(lease, tried, summary).await
    }
}
