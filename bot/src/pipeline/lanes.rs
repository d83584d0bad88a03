//! The lanes of the queue: checks run several at a time, updates one after another, since a build takes the whole machine.

use std::time::Duration;

use futures::stream::{self, TryStreamExt as _};

use super::check::Checked;
use super::{Bot, CycleError, CycleSummary, PackageResult, PackageSummary};
use crate::model::AttrPath;
use crate::store::{JobEnd, JobKind, JobReason, Lease, StoreError};

/// How long a job belongs to a worker that gives no sign of life.
const LEASE: Duration = Duration::from_secs(90);

/// How often a worker gives one.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How many upstreams are asked at the same time.
const PARALLEL_CHECKS: usize = 16;

impl Bot {
    /// Takes up every check that is due; what came of those that need no update.
    ///
    /// # Errors
    /// When the store, or something else that all packages need, fails; the job is tried again.
    pub async fn check_lane(&self) -> Result<Vec<PackageSummary>, CycleError> {
        let due = stream::try_unfold((), |()| async {
            let lease = self.store.claim(JobKind::Check, &self.worker, LEASE).await?;
            Ok::<_, CycleError>(lease.map(|lease| (lease, ())))
        });
        let bar = (self.new_bar)("watching");
        let done = due.map_ok(|lease| {
            bar.inc_length(1);
            let bar = bar.clone();
            async move {
                let settled = self.check_job(&lease).await;
                bar.inc(1);
                settled
            }
        });
        let settled: Result<Vec<Option<PackageSummary>>, CycleError> =
            done.try_buffer_unordered(PARALLEL_CHECKS).try_collect().await;
        bar.finish_and_clear();
        Ok(settled?.into_iter().flatten().collect())
    }

    async fn check_job(&self, lease: &Lease) -> Result<Option<PackageSummary>, CycleError> {
        let attr: AttrPath = lease.subject.parse().map_err(|_| self.not_configured(&lease.subject))?;
        let checked = match self.held(lease, self.check(lease, &attr)).await {
            Ok(checked) => checked,
            Err(lost) => {
                tracing::warn!("{lost}");
                return Ok(None);
            }
        };
        let (result, end) = match checked {
            Ok(Checked::Settled(summary)) => (Ok(Some(summary)), JobEnd::Done),
            Ok(Checked::Due(subject, reason)) => {
                self.store.enqueue(JobKind::Update, &subject, reason, self.clock.now()).await?;
                (Ok(None), JobEnd::Done)
            }
            Err(error) => {
                let end = self.again(lease, &error);
                (self.told(&[attr], error).await.map(|mut told| told.pop()), end)
            }
        };
        self.end(lease, &end).await?;
        result
    }

    /// A failure that concerns these packages only: it is put down, and the others go on. What the machine lacks stops all.
    async fn told(&self, attrs: &[AttrPath], error: CycleError) -> Result<Vec<PackageSummary>, CycleError> {
        let failure = match error {
            CycleError::Failed(failure) => failure,
            CycleError::Lost(lost) => {
                tracing::warn!("{lost}");
                return Ok(Vec::new());
            }
            CycleError::Machine(_) => return Err(error),
        };
        let mut told = Vec::new();
        for attr in attrs {
            let current = self.current(attr).await.unwrap_or_default();
            told.push(self.failed_without_run(attr, &current, None, failure.clone()).await?);
        }
        Ok(told)
    }

    /// Takes up the update whose turn it is, if one is due.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_update(&self) -> Result<Option<Lease>, CycleError> {
        Ok(self.store.claim(JobKind::Update, &self.worker, LEASE).await?)
    }

    /// Does an update; what came of its packages, or nothing if another worker has it by now.
    ///
    /// # Errors
    /// As [`check_lane`](Self::check_lane).
    pub async fn do_update(
        &self,
        lease: Lease,
        summary: &mut CycleSummary,
    ) -> Result<Option<Vec<PackageSummary>>, CycleError> {
        let updated = match Box::pin(self.held(&lease, self.update(&lease, summary))).await {
            Ok(updated) => updated,
            Err(lost) => {
                tracing::warn!("{lost}");
                return Ok(None);
            }
        };
        let end = match &updated {
            Ok(results) => self.end_of(results).await?,
            Err(error) => self.again(&lease, error),
        };
        self.end(&lease, &end).await?;
        match updated {
            Ok(results) => Ok(Some(results)),
            Err(error) => {
                let attrs: Vec<AttrPath> =
                    self.members(&lease.subject).into_iter().map(|(attr, _)| attr.clone()).collect();
                self.told(&attrs, error).await.map(Some)
            }
        }
    }

    /// Does the work of a job while its lease is kept; when the lease is lost, the work is dropped where it is.
    async fn held<T>(&self, lease: &Lease, work: impl Future<Output = T>) -> Result<T, StoreError> {
        let heartbeats = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(error) = self.store.heartbeat(lease, LEASE).await {
                    break error;
                }
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            lost = heartbeats => Err(lost),
        }
    }

    /// A failed package is tried again when its distance has passed.
    async fn end_of(&self, results: &[PackageSummary]) -> Result<JobEnd, CycleError> {
        let mut next = None;
        for failed in results.iter().filter(|package| package.result == PackageResult::Failed) {
            let at = self.store.state(&failed.attr).await?.and_then(|state| state.next_attempt);
            if let Some(at) = at
                && next.as_ref().is_none_or(|(earliest, _)| at < *earliest)
            {
                next = Some((at, failed.detail.clone()));
            }
        }
        Ok(match next {
            Some((at, message)) => JobEnd::Again { at, reason: JobReason::Retry, message },
            None => JobEnd::Done,
        })
    }

    fn again(&self, lease: &Lease, error: &CycleError) -> JobEnd {
        let at = super::decide::next_attempt(&lease.subject, self.clock.now(), lease.attempts);
        JobEnd::Again { at, reason: JobReason::Retry, message: error.to_string() }
    }

    /// An end that does not count any more is no failure of this process: the other worker's counts.
    async fn end(&self, lease: &Lease, end: &JobEnd) -> Result<(), CycleError> {
        match self.store.finish(lease, end).await {
            Err(lost @ StoreError::LeaseLost { .. }) => {
                tracing::warn!("{lost}");
                Ok(())
            }
            other => Ok(other?),
        }
    }
}
