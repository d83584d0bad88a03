//! The cycle: the only place that knows the order of the stages.
//!
//! One cycle asks every upstream at once, brings the files that all packages share up to date, and then takes the packages
//! that have something new one after another (a build uses the whole machine anyway). What happens to one package stops
//! no other. Everything is written to the store as it happens.

mod common;
mod decide;
mod package;
mod record;
mod stable;
mod summary;

use std::sync::Arc;

use futures::future::join_all;
use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::clients::nix::NixError;
use crate::config::{Config, Package};
use crate::forge::LocalForge;
use crate::model::{AttrPath, Clock, CommitSha, Failure, FailureClass};
use crate::stages::build::Builder;
use crate::stages::resolve::Resolver;
use crate::stages::watch::{Watched, watch};
use crate::stages::write::{Writer, main_branch};
use crate::store::{ConfiguredPackage, Cycle, Store, StoreError};

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
    pub forge: LocalForge,
    /// The time.
    pub clock: Clock,
    /// How work is shown.
    pub new_bar: NewBar,
    /// The content of `hostpkgs/toolchain.json`, if the host's toolchains are the package set.
    pub toolchain: Option<String>,
    /// Whether the sandbox has been proven in this process.
    pub canary: OnceCell<()>,
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
}

impl From<StoreError> for CycleError {
    fn from(error: StoreError) -> Self {
        Self::Failed(Failure::new(FailureClass::Infrastructure, &error))
    }
}

impl From<Failure> for CycleError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Bot {
    /// One full cycle. With `dry_run` nothing is written: what would be done is in the summary.
    ///
    /// # Errors
    /// [`CycleError`] for what concerns more than one package.
    pub async fn cycle(&self, dry_run: bool) -> Result<CycleSummary, CycleError> {
        let started = self.clock.now();
        let mut summary = CycleSummary::default();
        let watched = self.watch_all(&mut summary).await;
        if dry_run {
            for (attr, found) in watched {
                let package = self.package(&attr)?;
                summary.packages.push(self.preview(&attr, package, found).await?);
            }
            return Ok(summary);
        }
        let configured: Vec<ConfiguredPackage> = self
            .config
            .packages
            .iter()
            .map(|(attr, package)| ConfiguredPackage { attr: attr.clone(), purl: package.upstream.to_string() })
            .collect();
        self.store.sync_packages(&configured).await?;
        self.update_common(&mut summary).await?;
        for (attr, found) in watched {
            let package = self.package(&attr)?;
            let result = self.package_cycle(&attr, package, found, &mut summary).await?;
            summary.packages.push(result);
        }
        self.move_stable(&mut summary).await?;
        self.record_cycle(started, &summary).await?;
        Ok(summary)
    }

    async fn watch_all(&self, summary: &mut CycleSummary) -> Vec<(AttrPath, Result<Watched, Failure>)> {
        let bar = (self.new_bar)("watching");
        bar.set_length(self.config.packages.len() as u64);
        let timer = Timer::start(&self.clock);
        let watched = self.config.packages.iter().map(|(attr, package)| {
            let bar = bar.clone();
            async move {
                let found = watch(&self.resolver, &package.upstream, package.min_age, self.clock.now()).await;
                bar.inc(1);
                (attr.clone(), found)
            }
        });
        let watched = join_all(watched).await;
        bar.finish_and_clear();
        timer.stop(summary, "watch");
        watched
    }

    fn package(&self, attr: &AttrPath) -> Result<&Package, Failure> {
        self.config.packages.get(attr).ok_or_else(|| Failure {
            class: FailureClass::Infrastructure,
            message: format!("{attr} is not configured"),
        })
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

    async fn record_cycle(&self, started: Timestamp, summary: &CycleSummary) -> Result<(), CycleError> {
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
        Ok(())
    }
}
