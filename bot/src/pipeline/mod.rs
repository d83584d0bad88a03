//! The cycle: the only place that knows the order of the stages.
//!
//! A cycle looks at what people did on the forge, finishes what was begun before, brings the files that all packages share
//! up to date, and queues a check of each package's upstream. Checks run several at a time; what they find to be due is an
//! update, and updates come one after another (a build uses the whole machine anyway). What happens to one package stops
//! no other. Everything is written to the store as it happens.

mod check;
mod common;
mod conclude;
mod decide;
mod effects;
mod evidence;
mod follow;
mod lanes;
mod lock;
mod noting;
mod package;
mod proposal;
mod record;
mod stable;
mod summary;
mod update;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::try_join_all;
use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::clients::nix::NixError;
use crate::clients::osv::Osv;
use crate::config::{Config, Package};
use crate::forge::Forge;
use crate::model::{AttrPath, Clock, CommitSha, Failure, FailureClass};
use crate::stages::build::Builder;
use crate::stages::resolve::Resolver;
use crate::stages::watch::Watched;
use crate::stages::write::{Writer, main_branch};
use crate::store::{ConfiguredPackage, Cycle, JobKind, JobReason, Store, StoreError};

pub use evidence::Notes;
use summary::Timer;
pub use summary::{CycleSummary, PackageSummary, Result as PackageResult};

/// A bar for long work, by what it is about; hidden where nobody looks.
pub type NewBar = Arc<dyn Fn(&str) -> ProgressBar + Send + Sync>;

/// A bot that can go through cycles.
pub struct Bot {
    /// What is wanted.
    pub config: Config,
    /// What happened.
    pub store: Store,
    /// From releases to plans.
    pub resolver: Resolver,
    /// From files to commits.
    pub writer: Writer,
    /// From commits to programs.
    pub builder: Builder,
    /// Where pull requests are.
    pub forge: Arc<dyn Forge>,
    /// The time.
    pub clock: Clock,
    /// How work is shown.
    pub new_bar: NewBar,
    /// The content of `hostpkgs/toolchain.json`, if the host's toolchains are the package set.
    pub toolchain: Option<String>,
    /// Whether the sandbox has been proven in this process.
    pub canary: OnceCell<()>,
    /// Who is asked about advisories.
    pub osv: Osv,
    /// Where release notes can be asked for.
    pub notes: Option<Notes>,
    /// The overlay as a flake reference, without branch or commit, as people use it.
    pub flake: String,
    /// What pull requests are labelled with.
    pub labels: Vec<String>,
    /// Who this process is in the queue.
    pub worker: String,
    /// Held while something outside is changed: one thing at a time.
    pub effects: tokio::sync::Mutex<()>,
    /// What checks learnt of upstreams, for the updates that they found to be due.
    pub watched: Mutex<BTreeMap<AttrPath, Watched>>,
}

/// Why a whole cycle could not be carried out, as opposed to one package.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// The sandbox does not isolate.
    #[error("{0}")]
    Machine(#[source] NixError),
    /// Everything depends on this.
    #[error("{0}")]
    Failed(Failure),
    /// Another worker has the job by now: what this one found counts no more, and it must write nothing of it.
    #[error("{0}")]
    Lost(#[source] StoreError),
}

impl From<StoreError> for CycleError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::LeaseLost { .. }) {
            return Self::Lost(error);
        }
        Self::Failed(Failure::new(FailureClass::Infrastructure, &error))
    }
}

impl From<Failure> for CycleError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Bot {
    /// One full cycle, or one for the packages that a person asks for, who are then looked at even if they rest after a
    /// failure. With `dry_run` nothing is written: what would be done is in the summary.
    ///
    /// # Errors
    /// [`CycleError`] for what concerns more than one package.
    pub async fn cycle(&self, asked: &[AttrPath], dry_run: bool) -> Result<CycleSummary, CycleError> {
        let started = self.clock.now();
        let mut summary = CycleSummary::default();
        let all: Vec<AttrPath> = self.config.packages.keys().cloned().collect();
        let (packages, reason) =
            if asked.is_empty() { (&all[..], JobReason::Scheduled) } else { (asked, JobReason::Asked) };
        if dry_run {
            summary.packages = try_join_all(packages.iter().map(|attr| self.preview(attr))).await?;
            return Ok(summary);
        }
        self.begin().await?;
        self.update_common(&mut summary).await?;
        self.queue_checks(packages, reason).await?;
        let timer = Timer::start(&self.clock);
        let looked_at = self.check_lane().await?;
        summary.put(looked_at);
        timer.stop(&mut summary, "watch");
        while let Some(lease) = self.next_update().await? {
            let results = self.do_update(lease, &mut summary).await?;
            summary.put(results.into_iter().flatten());
        }
        self.update_lock(&mut summary).await?;
        summary.packages.sort_by(|a, b| a.attr.cmp(&b.attr));
        match self.move_stable(&mut summary).await {
            // The packages are through; a branch that nobody may push to is a thing of its own.
            Err(CycleError::Failed(failure)) => {
                summary.common = Some(format!("`stable` cannot be moved: {failure}"));
                summary.common_failed = true;
            }
            other => other?,
        }
        self.record_cycle(started, &summary).await?;
        Ok(summary)
    }

    /// What comes first in a process: what is configured, what people did on the forge, and what was begun before.
    ///
    /// # Errors
    /// [`CycleError`]: without these nothing else can be done.
    pub async fn begin(&self) -> Result<(), CycleError> {
        let configured: Vec<ConfiguredPackage> = self
            .config
            .packages
            .iter()
            .map(|(attr, package)| ConfiguredPackage { attr: attr.clone(), purl: package.upstream.to_string() })
            .collect();
        // Another bot's locks are not stale, and what it has begun it will end itself.
        let is_alone = self.store.is_alone()?;
        if is_alone {
            self.writer.release_stale_locks().await?;
        }
        self.store.sync_packages(&configured).await?;
        self.store.set_maintainers(&self.maintainers()).await?;
        self.forget_unconfigured().await?;
        self.observe().await?;
        if is_alone { self.reconcile().await } else { Ok(()) }
    }

    /// Queues a check of each package, due now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn queue_checks(&self, packages: &[AttrPath], reason: JobReason) -> Result<(), CycleError> {
        let now = self.clock.now();
        for attr in packages {
            self.store.enqueue(JobKind::Check, attr.as_str(), reason, now).await?;
        }
        Ok(())
    }

    async fn forget_unconfigured(&self) -> Result<(), CycleError> {
        let names: Vec<String> = self.config.packages.keys().map(ToString::to_string).collect();
        self.store.drop_jobs_except(JobKind::Check, &names).await?;
        let subjects: Vec<String> =
            self.config.packages.iter().map(|(attr, package)| view::subject_of(attr, package)).collect();
        self.store.drop_jobs_except(JobKind::Update, &subjects).await?;
        Ok(())
    }

    fn remember(&self, attr: &AttrPath, watched: Watched) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(attr.clone(), watched);
    }

    fn remembered(&self, attr: &AttrPath) -> Option<Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(attr)
    }

    fn package(&self, attr: &AttrPath) -> Result<&Package, Failure> {
        self.config.packages.get(attr).ok_or_else(|| self.not_configured(attr.as_str()))
    }

    fn not_configured(&self, name: &str) -> Failure {
        let message = format!("{name:?} is not configured in {}", self.config.file.display());
        Failure { class: FailureClass::Infrastructure, message }
    }

    /// The head of `main`.
    async fn main_head(&self) -> Result<Option<CommitSha>, Failure> {
        self.writer.head(&main_branch()).await
    }

    /// Proves the sandbox once per process, before the first build.
    async fn require_canary(&self) -> Result<(), CycleError> {
        self.canary
            .get_or_try_init(|| async { self.builder.nix.canary().await.map(|_| ()) })
            .await
            .map_err(CycleError::Machine)
            .copied()
    }

    /// Remembers a cycle that got through.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn record_cycle(&self, started: Timestamp, summary: &CycleSummary) -> Result<(), CycleError> {
        let count = |wanted: PackageResult| {
            let matching = summary.packages.iter().filter(|package| package.result == wanted).count();
            u32::try_from(matching).unwrap_or(u32::MAX)
        };
        let cycle = Cycle {
            started,
            finished: self.clock.now(),
            checked: u32::try_from(summary.packages.len()).unwrap_or(u32::MAX),
            updated: count(PackageResult::Merged) + count(PackageResult::Opened),
            failed: count(PackageResult::Failed),
        };
        self.store.record_cycle(&cycle).await?;
        self.record_hosts().await
    }
}
