use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{NOON, at, open_at};
use crate::model::Clock;
use crate::store::{Intent, JobEnd, JobKind, JobReason, JobState, Lease, Store, StoreError};

const MINUTE: Duration = Duration::from_secs(60);

/// A store whose clock the test moves.
struct Moving {
    _folder: tempfile::TempDir,
    store: Store,
    seconds: Arc<AtomicI64>,
}

impl Moving {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seconds = Arc::new(AtomicI64::new(0));
        let passed = Arc::clone(&seconds);
        let clock = Clock::from_fn(move || at(NOON) + SignedDuration::from_secs(passed.load(Ordering::SeqCst)));
        let store = Store::open(&folder.path().join("nixwright.db"), clock).await.unwrap();
        Self { _folder: folder, store, seconds }
    }

    fn now(&self) -> Timestamp {
        at(NOON) + SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn enqueue(&self, subject: &str, reason: JobReason) {
        self.store.enqueue(JobKind::Update, subject, reason, self.now()).await.unwrap();
    }

    async fn claim(&self, worker: &str) -> Option<Lease> {
        self.store.claim(JobKind::Update, worker, MINUTE).await.unwrap()
    }

    async fn serve(&self) -> Vec<String> {
        let mut served = Vec::new();
        while let Some(lease) = self.claim("one").await {
            self.store.finish(&lease, &JobEnd::Done).await.unwrap();
            served.push(lease.subject);
        }
        served
    }
}

#[tokio::test]
async fn a_job_is_queued_once_and_taken_up_once() {
    let queue = Moving::new().await;
    queue.enqueue("alpha", JobReason::Scheduled).await;
    queue.enqueue("alpha", JobReason::Scheduled).await;
    let lease = queue.claim("one").await.unwrap();
    assert_eq!((lease.subject.as_str(), lease.attempts, queue.claim("two").await), ("alpha", 1, None));
    queue.store.finish(&lease, &JobEnd::Done).await.unwrap();
    assert_eq!(queue.claim("one").await, None);
    assert_eq!(queue.store.jobs().await.unwrap(), []);
}

#[tokio::test]
async fn urgent_jobs_go_first_and_waiting_makes_urgent() {
    let queue = Moving::new().await;
    queue.enqueue("retried", JobReason::Retry).await;
    queue.pass(3600);
    queue.enqueue("new", JobReason::NewRelease).await;
    queue.enqueue("withdrawn", JobReason::Withdrawn).await;
    assert_eq!(queue.serve().await, ["withdrawn", "new", "retried"]);
    queue.enqueue("retried", JobReason::Retry).await;
    queue.pass(50 * 3600);
    queue.enqueue("new", JobReason::NewRelease).await;
    assert_eq!(queue.serve().await, ["retried", "new"]);
}

#[tokio::test]
async fn among_equals_the_one_served_longest_ago_goes_first() {
    let queue = Moving::new().await;
    for subject in ["a", "b", "c"] {
        queue.enqueue(subject, JobReason::NewRelease).await;
        assert_eq!(queue.serve().await, [subject]);
        queue.pass(1);
    }
    for subject in ["c", "b", "a", "new"] {
        queue.enqueue(subject, JobReason::NewRelease).await;
    }
    assert_eq!(queue.serve().await, ["new", "a", "b", "c"]);
}

#[tokio::test]
async fn nothing_is_taken_up_before_its_time() {
    let queue = Moving::new().await;
    queue.enqueue("alpha", JobReason::Scheduled).await;
    let lease = queue.claim("one").await.unwrap();
    let due = queue.now() + SignedDuration::from_secs(600);
    let end = JobEnd::Again { at: due, reason: JobReason::Retry, message: "it did not build".to_owned() };
    queue.store.finish(&lease, &end).await.unwrap();
    queue.pass(599);
    assert_eq!(queue.claim("one").await, None);
    assert_eq!(queue.store.next_due(JobKind::Update).await.unwrap(), Some(due));
    queue.pass(1);
    let again = queue.claim("one").await.unwrap();
    assert_eq!((again.attempts, again.reason), (2, JobReason::Retry));
    assert!(again.fence > lease.fence);
}

#[tokio::test]
async fn a_worker_that_slept_past_its_lease_can_neither_end_nor_publish() {
    let queue = Moving::new().await;
    queue.enqueue("alpha", JobReason::NewRelease).await;
    let first = queue.claim("one").await.unwrap();
    queue.pass(30);
    queue.store.heartbeat(&first, MINUTE).await.unwrap();
    queue.pass(45);
    assert_eq!(queue.claim("two").await, None, "the heartbeat counts");
    queue.pass(16);
    let second = queue.claim("two").await.unwrap();
    assert_eq!((second.subject.as_str(), second.attempts), ("alpha", 2));

    let lost = |error: StoreError| matches!(error, StoreError::LeaseLost { .. });
    assert!(lost(queue.store.heartbeat(&first, MINUTE).await.unwrap_err()));
    let intent = Intent::Close { number: 1, why: "yanked".to_owned() };
    assert!(lost(queue.store.intend(Some(&first), &intent).await.unwrap_err()));
    assert_eq!(queue.store.open_intents().await.unwrap(), []);
    assert!(lost(queue.store.finish(&first, &JobEnd::Done).await.unwrap_err()));
    queue.store.intend(Some(&second), &intent).await.unwrap();
    queue.store.finish(&second, &JobEnd::Done).await.unwrap();
}

#[tokio::test]
async fn what_is_queued_while_it_is_under_way_is_done_again() {
    let queue = Moving::new().await;
    queue.enqueue("alpha", JobReason::NewRelease).await;
    let lease = queue.claim("one").await.unwrap();
    queue.enqueue("alpha", JobReason::NewRelease).await;
    queue.store.finish(&lease, &JobEnd::Done).await.unwrap();
    assert_eq!(queue.serve().await, ["alpha"]);
}

#[tokio::test]
async fn jobs_of_a_dead_worker_are_due_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for start in 1..=5 {
        let store = open_at(folder.path(), NOON).await;
        if start == 1 {
            store.enqueue(JobKind::Update, "alpha", JobReason::NewRelease, at(NOON)).await.unwrap();
        }
        let jobs = store.jobs().await.unwrap();
        assert_eq!((jobs.len(), jobs[0].state), (1, JobState::Queued), "it is never lost");
        let lease = store.claim(JobKind::Update, "one", MINUTE).await.unwrap().unwrap();
        let reason = if start == 1 { JobReason::NewRelease } else { JobReason::Interrupted };
        assert_eq!((lease.attempts, lease.reason), (start, reason));
        store.close().await;
    }
}

#[tokio::test]
async fn an_intent_is_open_until_it_is_settled_and_a_newer_one_takes_its_place() {
    let queue = Moving::new().await;
    let close = |why: &str| Intent::Close { number: 7, why: why.to_owned() };
    queue.store.intend(None, &close("first")).await.unwrap();
    let merge = Intent::Merge { number: 7, time: at(NOON) };
    let merging = queue.store.intend(None, &merge).await.unwrap();
    let second = queue.store.intend(None, &close("second")).await.unwrap();
    assert_eq!(queue.store.open_intents().await.unwrap(), [(merging, merge), (second, close("second"))]);
    queue.store.settle(merging, None).await.unwrap();
    queue.store.settle(second, Some("refused")).await.unwrap();
    assert_eq!(queue.store.open_intents().await.unwrap(), []);
}

#[tokio::test]
async fn looking_at_the_store_takes_no_job_from_a_living_worker() {
    let folder = tempfile::tempdir().unwrap();
    let worker = open_at(folder.path(), NOON).await;
    worker.enqueue(JobKind::Update, "alpha", JobReason::NewRelease, at(NOON)).await.unwrap();
    let lease = worker.claim(JobKind::Update, "one", MINUTE).await.unwrap().unwrap();
    let looking = open_at(folder.path(), NOON).await;
    assert_eq!(looking.jobs().await.unwrap()[0].state, JobState::Running);
    worker.finish(&lease, &JobEnd::Done).await.unwrap();
}
