//! The end of an update: its pull request, the merge, and where each package stands then.

use super::decide::{group_version, next_attempt};
use super::package::{Job, summarised};
use super::record::{Attempt, Tried, result};
use super::summary::Timer;
use super::view::branch_of;
use super::{Bot, CycleError, CycleSummary, PackageResult, PackageSummary};
use crate::forge::CommitState;
use crate::message::PullRequestEvidence;
use crate::model::{CommitSha, Failure, FailureClass, Strategy};
use crate::stages::publish::{group_draft, package_draft};
use crate::stages::watch::may_merge;
use crate::store::{EventKind, Lease, PrState, PullRequest, PullRequestDraft, ReasonCode, State};

impl Bot {
    /// Ends the runs of an update: pull request, merge, states.
    pub(super) async fn conclude(
        &self,
        lease: &Lease,
        mut tried: Vec<Tried<'_>>,
        summary: &mut CycleSummary,
    ) -> Result<Vec<PackageSummary>, CycleError> {
        let timer = Timer::start(&self.clock);
        let published = match self.draft_of(&tried).await? {
            None => None,
            Some((draft, included)) => {
                let published = self.publish_and_merge(lease, draft, &mut tried, &included).await?;
                published.map(|request| (request, included))
            }
        };
        let elapsed = timer.stop(summary, "publish");
        let mut results = Vec::new();
        for (place, Tried { job, attempt }) in tried.into_iter().enumerate() {
            let request =
                published.as_ref().filter(|(_, included)| included.contains(&place)).map(|(request, _)| request);
            let merged = request.is_some_and(|request| request.state == PrState::Merged);
            let detail = request.map_or_else(
                || "no pull request".to_owned(),
                |request| format!("pull request {}{}", request.number, if merged { ", merged" } else { "" }),
            );
            summary.commits += u32::from(merged);
            self.record_stage(job.run, "publish", timer.started, elapsed, detail.clone()).await?;
            self.store.finish_run(job.run, &result(&attempt, job.current, self)).await?;
            results.push(self.settle(job, attempt, request, detail).await?);
        }
        Ok(results)
    }

    /// Opens a pull request before its build has ended, where people look at it meanwhile.
    ///
    /// The inner error is for what the forge refuses: building on would be in vain.
    pub(super) async fn show_progress(
        &self,
        lease: &Lease,
        job: Job<'_>,
        attempt: &Attempt,
        commit: &CommitSha,
    ) -> Result<Result<(), Failure>, CycleError> {
        if !self.forge.shows_progress() || job.package.policy.group.is_some() {
            return Ok(Ok(()));
        }
        let Some(evidence) = self.evidence(job, attempt).await else { return Ok(Ok(())) };
        let branch = branch_of(job.attr, job.package);
        let draft = PullRequestDraft { draft: true, ..package_draft(&branch, commit, &evidence)? };
        match self.publish(Some(lease), self.with_people(draft, &[job])).await {
            Ok(_) => {}
            Err(error) => return Ok(Err(error.unless_lost()?.into())),
        }
        self.report(commit, CommitState::Pending, "is being built".to_owned()).await;
        Ok(Ok(()))
    }

    /// What the pull request is to say, and the places in `tried` that it is about; nothing if there is nothing to show.
    async fn draft_of(&self, tried: &[Tried<'_>]) -> Result<Option<(PullRequestDraft, Vec<usize>)>, CycleError> {
        let Some(first) = tried.first() else { return Ok(None) };
        let branch = branch_of(first.job.attr, first.job.package);
        let mut shown: Vec<(usize, CommitSha, PullRequestEvidence)> = Vec::new();
        for (place, Tried { job, attempt }) in tried.iter().enumerate() {
            if let (Some(commit), Some(evidence)) = (&attempt.commit, self.evidence(*job, attempt).await) {
                shown.push((place, commit.clone(), evidence));
            }
        }
        let Some(group) = &first.job.package.policy.group else {
            // What went wrong on this machine says nothing about the release.
            let is_ours = |failure: &Failure| failure.class == FailureClass::Infrastructure;
            let Some((place, commit, evidence)) = shown.pop() else { return Ok(None) };
            if first.attempt.failure.as_ref().is_some_and(is_ours) {
                return Ok(None);
            }
            let draft = self.with_people(package_draft(&branch, &commit, &evidence)?, &[first.job]);
            return Ok(Some((draft, vec![place])));
        };
        // A group's pull request has those that were built; the others are told of on their pages.
        shown.retain(|(place, ..)| tried[*place].attempt.failure.is_none());
        let Some((_, head, _)) = shown.last() else { return Ok(None) };
        let version =
            group_version(shown.iter().map(|(_, _, evidence)| (evidence.attr.as_str(), evidence.to.as_str())));
        let places: Vec<usize> = shown.iter().map(|(place, ..)| *place).collect();
        let jobs: Vec<Job<'_>> = places.iter().map(|place| tried[*place].job).collect();
        let head = head.clone();
        let evidence: Vec<PullRequestEvidence> = shown.into_iter().map(|(_, _, evidence)| evidence).collect();
        let draft = group_draft(group, &branch, &head, version, &evidence)?;
        Ok(Some((self.with_people(draft, &jobs), places)))
    }

    fn with_people(&self, draft: PullRequestDraft, jobs: &[Job<'_>]) -> PullRequestDraft {
        let mut maintainers: Vec<String> =
            jobs.iter().flat_map(|job| job.package.policy.maintainers.iter().map(ToString::to_string)).collect();
        maintainers.sort();
        maintainers.dedup();
        PullRequestDraft { labels: self.labels.clone(), maintainers, ..draft }
    }

    /// What cannot be published is a failure of every package that it was about.
    async fn publish_and_merge(
        &self,
        lease: &Lease,
        draft: PullRequestDraft,
        tried: &mut [Tried<'_>],
        included: &[usize],
    ) -> Result<Option<PullRequest>, CycleError> {
        let (head, failed) = (draft.head.clone(), draft.failed);
        let published = match self.publish(Some(lease), draft).await {
            Ok(published) => published,
            Err(error) => {
                let failure = Failure::from(error.unless_lost()?);
                for place in included {
                    tried[*place].attempt.failure = Some(failure.clone());
                }
                return Ok(None);
            }
        };
        let message = format!("Pull request {}: {}", published.number, published.title);
        for place in included {
            let Job { attr, .. } = tried[*place].job;
            self.store.event(attr, Some(&tried[*place].job.version()), EventKind::PullRequest, &message).await?;
        }
        let (state, description) = if failed {
            (CommitState::Failure, "does not build")
        } else {
            (CommitState::Success, "was built, and its programs start")
        };
        self.report(&head, state, description.to_owned()).await;
        let may_merge = !failed
            && included
                .iter()
                .map(|place| &tried[*place].job)
                .all(|job| may_merge(job.package.policy.automerge, job.current.version(), &job.entry.version));
        let time = included.iter().map(|place| tried[*place].job.time()).max();
        let (true, Some(time)) = (may_merge, time) else { return Ok(Some(published)) };
        match self.merge(Some(lease), published.number, time).await {
            Ok(merged) => Ok(Some(merged)),
            // Its own checks are not done, say: it is asked again in the next cycle.
            Err(error) if error.is_later() => Ok(Some(published)),
            Err(error) => {
                let failure = Failure::from(error.unless_lost()?);
                for place in included {
                    tried[*place].attempt.failure = Some(failure.clone());
                }
                Ok(Some(published))
            }
        }
    }

    async fn settle(
        &self,
        job: Job<'_>,
        attempt: Attempt,
        request: Option<&PullRequest>,
        detail: String,
    ) -> Result<PackageSummary, CycleError> {
        let (attr, version) = (job.attr, job.version());
        let build = attempt.built.as_ref().map(|built| built.elapsed);
        let strategy = attempt.strategy.unwrap_or(Strategy::Vendored);
        if let Some(failure) = &attempt.failure {
            let reason = failure.to_string();
            self.store.event(attr, Some(&version), EventKind::Failed, &reason).await?;
            let attempts = self.store.failed_attempts(attr, &version).await?;
            let next = next_attempt(attr.as_str(), self.clock.now(), attempts);
            let code = (ReasonCode::Failed, reason.as_str());
            self.set_state(attr, State::Failed, Some(version.clone()), code, Some(next)).await?;
            return Ok(PackageSummary { build, ..summarised(attr, PackageResult::Failed, Some(version), reason) });
        }
        let units = attempt.built.as_ref().map_or((0, 0), |built| (built.built, built.reused));
        let message = format!("{} units built, {} reused, strategy {strategy}", units.0, units.1);
        self.store.event(attr, Some(&version), EventKind::Built, &message).await?;
        if let Some(built) = &attempt.built {
            self.builder.keep(&built.out, attr.as_str()).await?;
        }
        let (result, state, code, reason) = if request.is_some_and(|request| request.state == PrState::Merged) {
            self.store.set_current(attr, &version, strategy).await?;
            self.store.event(attr, Some(&version), EventKind::Merged, "Merged into main").await?;
            let reason = format!("{version} is the newest release, and merged");
            (PackageResult::Merged, State::UpToDate, ReasonCode::Newest, reason)
        } else if request.is_some_and(|request| request.state == PrState::Closed) {
            let reason = "its pull request was closed, which means: not this version".to_owned();
            (PackageResult::Waiting, State::Waiting, ReasonCode::ClosedByPerson, reason)
        } else if may_merge(job.package.policy.automerge, job.current.version(), &version) {
            let reason = "its pull request is green and waits for the forge's own checks".to_owned();
            (PackageResult::Opened, State::Open, ReasonCode::AwaitsForge, reason)
        } else {
            let reason = "its pull request is green and waits for a person".to_owned();
            (PackageResult::Opened, State::Open, ReasonCode::AwaitsPerson, reason)
        };
        self.set_state(attr, state, Some(version.clone()), (code, &reason), None).await?;
        Ok(PackageSummary { build, ..summarised(attr, result, Some(version), detail) })
    }
}
