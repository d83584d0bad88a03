//! The queue: what is under way, what comes next, and when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::page;
use super::{Pages, Source};
use crate::store::{JobKind, JobReason, JobState, QueuedJob, StoreError};

/// How many jobs a page has.
const SIZE: u32 = 100;

/// What the queue is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct QueueQuery {
    /// `check` or `update`.
    pub(crate) kind: Option<String>,
    #[serde(skip_serializing)]
    pub(crate) page: Option<u32>,
}

/// The queue.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Queue {
    pub(crate) query: QueueQuery,
    #[serde(flatten)]
    pub(crate) pages: Pages,
    pub(crate) jobs: Vec<QueueRow>,
    /// How long an update takes that nothing is known of.
    pub(crate) usual_ms: Option<u64>,
}

/// A job that waits or is under way.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct QueueRow {
    /// Its place among all, from 1.
    pub(crate) position: u32,
    pub(crate) kind: JobKind,
    /// A package, or a group of them.
    pub(crate) subject: String,
    pub(crate) state: JobState,
    pub(crate) reason: JobReason,
    pub(crate) queued: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) started: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) worker: Option<String>,
    pub(crate) message: Option<String>,
    /// How long its runs usually take.
    pub(crate) usual_ms: Option<u64>,
    /// When it will be taken up, as far as that can be told.
    pub(crate) expected: Option<Timestamp>,
    /// Whether the subject is a package that has a page.
    pub(crate) is_package: bool,
}

impl QueueRow {
    /// Why it is queued, for a person.
    pub(crate) fn why(&self) -> &'static str {
        match self.reason {
            JobReason::Asked => "somebody asked for it",
            JobReason::Withdrawn => "what the overlay has was withdrawn",
            JobReason::NewRelease => "there is a newer release",
            JobReason::Scheduled => "the schedule says so",
            JobReason::CatchUp => "the schedule said so while the bot was away",
            JobReason::StaleEvidence => "what it was built with has changed",
            JobReason::Retry => "it failed, and is tried again",
            JobReason::Interrupted => "it was interrupted",
        }
    }

    /// What is done, for a person.
    pub(crate) fn what(&self) -> &'static str {
        match self.kind {
            JobKind::Check => "look",
            JobKind::Update => "update",
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == JobState::Running
    }
}

impl From<QueuedJob> for QueueRow {
    fn from(job: QueuedJob) -> Self {
        Self {
            position: 0,
            kind: job.kind,
            subject: job.subject,
            state: job.state,
            reason: job.reason,
            queued: job.queued,
            due: job.due,
            started: job.started,
            attempts: job.attempts,
            worker: job.worker,
            message: job.message,
            usual_ms: None,
            expected: None,
            is_package: false,
        }
    }
}

impl Queue {
    pub(crate) async fn load(source: Source<'_>, asked: &QueueQuery) -> Result<Self, StoreError> {
        let kind: Option<JobKind> = asked.kind.as_deref().and_then(|kind| kind.parse().ok());
        let (pages, jobs) = Self::rows(source, kind, page(asked.page), SIZE).await?;
        let usual = source.store.usual_time(None).await?;
        Ok(Self {
            query: QueueQuery { kind: kind.map(|kind| kind.to_string()), page: asked.page },
            pages,
            jobs,
            usual_ms: usual.map(|usual| super::ms(usual.median)),
        })
    }

    /// One page of the queue; places are counted among the jobs of this kind.
    pub(super) async fn rows(
        source: Source<'_>,
        kind: Option<JobKind>,
        page: u32,
        size: u32,
    ) -> Result<(Pages, Vec<QueueRow>), StoreError> {
        let store = source.store;
        let listing = store.list_jobs(kind, page, size).await?;
        let pages = Pages::of(&listing);
        let usual = store.usual_time(None).await?.map(|usual| super::ms(usual.median));
        let mut jobs: Vec<QueueRow> = listing.rows.into_iter().map(QueueRow::from).collect();
        let before = (pages.page - 1) * size;
        for (job, position) in jobs.iter_mut().zip(before + 1..) {
            job.position = position;
            job.is_package = match job.subject.parse() {
                Ok(attr) => store.package(&attr).await?.is_some(),
                Err(_) => false,
            };
            if job.kind == JobKind::Update {
                let own = store.usual_time(Some(&job.subject)).await?.map(|usual| super::ms(usual.median));
                job.usual_ms = own.or(usual);
            }
        }
        if before == 0 {
            expect(&mut jobs, source.now);
        }
        Ok((pages, jobs))
    }
}

/// Says when each job is taken up: updates come one after another, looks when they are due. Only the first page of a queue can
/// be told; later ones come after it.
fn expect(jobs: &mut [QueueRow], now: Timestamp) {
    let mut free = now;
    for job in jobs {
        if job.is_running() {
            let usual = job.usual_ms.unwrap_or(0);
            let started = job.started.unwrap_or(now);
            if job.kind == JobKind::Update {
                free = free.max(after(started, usual));
            }
            continue;
        }
        match job.kind {
            JobKind::Check => job.expected = Some(job.due.max(now)),
            JobKind::Update => {
                let begin = free.max(job.due);
                job.expected = Some(begin);
                free = after(begin, job.usual_ms.unwrap_or(0));
            }
        }
    }
}

fn after(time: Timestamp, millis: u64) -> Timestamp {
    time.saturating_add(std::time::Duration::from_millis(millis)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{QueueRow, expect};
    use crate::store::{JobKind, JobReason, JobState, QueuedJob};

    #[test]
    fn updates_are_expected_one_after_another_and_looks_when_they_are_due() {
        let at = |text: &str| -> Timestamp { format!("2026-03-01T{text}:00Z").parse().unwrap() };
        let row = |kind, state, due, usual: u64| {
            let job = QueuedJob {
                kind,
                subject: "x".to_owned(),
                state,
                reason: JobReason::NewRelease,
                queued: at("08:00"),
                due: at(due),
                started: (state == JobState::Running).then(|| at("08:55")),
                attempts: 1,
                worker: None,
                message: None,
            };
            QueueRow { usual_ms: Some(usual * 60_000), ..QueueRow::from(job) }
        };
        let mut jobs = [
            row(JobKind::Update, JobState::Running, "08:00", 10),
            row(JobKind::Update, JobState::Queued, "08:00", 20),
            row(JobKind::Check, JobState::Queued, "08:00", 0),
            row(JobKind::Update, JobState::Queued, "10:00", 1),
        ];
        expect(&mut jobs, at("09:00"));
        let expected: Vec<_> = jobs.iter().map(|job| job.expected).collect();
        assert_eq!(expected, [None, Some(at("09:05")), Some(at("09:00")), Some(at("10:00"))]);
    }
}
