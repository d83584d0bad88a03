//! The overlay lock: versions of dependencies that the packages which share it have in common.
//!
//! It changes in a pull request of its own, with the graphs of all packages that it concerns. A new release of one of them is
//! resolved with the lock as it is, so far as the release allows.

use std::fmt::Write as _;

use indicatif::ProgressBar;
use jiff::Timestamp;
use nixwright_resolver::cargo;
use nixwright_resolver::cargo::pool::Pool;
use nixwright_resolver::plan::Plan;
use serde::{Deserialize, Serialize};

use super::package::{publishing_time, render, strategies};
use super::proposal::{Proposal, identity};
use super::{Bot, CycleError, CycleSummary};
use crate::config::{Lock, Package};
use crate::message::cell;
use crate::model::{AttrPath, CommitSha, Failure, FailureClass};
use crate::overlay::{Files, GENERATED, PublishedGraph};
use crate::stages::lock::{Gain, Member, OverlayLock, unify};
use crate::stages::resolve::{Release, Unified};
use crate::stages::watch::{Candidate, find};
use crate::stages::write::lock_branch;

/// Where the overlay has it.
const FILE: &str = "locks/cargo.json";

/// The file's form.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    #[serde(rename = "_generated")]
    generated: String,
    /// Versions by crate, each with the SHA-256 of its archive.
    crates: Pool,
}

/// A package that shares the lock, as `main` has it.
struct Sharing<'a> {
    attr: &'a AttrPath,
    package: &'a Package,
    /// With upstream's own lock.
    release: cargo::Release,
    published: Timestamp,
    /// As `main` has it.
    plan: Plan,
}

impl Bot {
    /// Brings the overlay lock up to date with what upstreams have locked.
    ///
    /// # Errors
    /// When the repository, the store or the machine fails; what concerns the lock alone is in the summary.
    pub async fn update_lock(&self, summary: &mut CycleSummary) -> Result<(), CycleError> {
        let configured = self.config.packages.iter().filter(|(_, package)| package.lock == Lock::Overlay).count();
        let Some(head) = self.main_head().await?.filter(|_| configured > 1) else { return Ok(()) };
        match Box::pin(self.look_at_lock(&head, summary)).await {
            Err(CycleError::Failed(failure)) => {
                summary.lock = Some(format!("the overlay lock cannot be made: {failure}"));
                summary.common_failed = true;
                Ok(())
            }
            other => other,
        }
    }

    async fn look_at_lock(&self, head: &CommitSha, summary: &mut CycleSummary) -> Result<(), CycleError> {
        let bar = (self.new_bar)("the overlay lock");
        let sharing = self.sharing(head, &bar).await?;
        if sharing.len() < 2 {
            bar.finish_and_clear();
            return Ok(());
        }
        let releases = sharing.iter().map(|sharing| sharing.release.clone()).collect();
        let lock = unify(&self.resolver.crate_releases(), releases, &bar).await;
        bar.finish_and_clear();
        let lock = lock?;
        let system = self.builder.system.as_str();
        let gain = Gain::of(
            sharing.iter().map(|sharing| &sharing.plan),
            lock.members.iter().map(|member| &member.plan),
            system,
        );
        let is_new = self.pool_at(Some(head)).await?.is_none();
        if is_new && gain.saved() == 0 {
            summary.lock = Some(format!("one lock for {} packages would save nothing", sharing.len()));
            return Ok(());
        }
        let files = self.lock_files(&sharing, &lock).await?;
        let identity = identity(&files);
        let count = sharing.len();
        let time = sharing.iter().map(|sharing| sharing.published).max().unwrap_or(Timestamp::UNIX_EPOCH);
        let message = format!("Unify what {count} packages depend on\n");
        let Some(commit) = self.writer.commit(Some(head), files, message, time).await? else { return Ok(()) };
        let changed = |(sharing, member): &(&Sharing<'_>, &Member)| sharing.plan.graph != member.plan.graph;
        let members = || sharing.iter().zip(&lock.members);
        let proposal = Proposal {
            branch: lock_branch(),
            commit,
            identity,
            what: "the overlay lock",
            title: format!("overlay: unify what {count} packages depend on"),
            text: text(members(), gain, system),
            packages: members().filter(changed).map(|(sharing, _)| sharing.attr.clone()).collect(),
            time,
        };
        let outcome = self.propose(&proposal).await?;
        if outcome.merged {
            for (sharing, member) in members() {
                self.store.record_plan(sharing.attr, &member.plan).await?;
            }
        }
        let Gain { before, after } = gain;
        summary.lock = Some(format!("{} ({before} units of {count} packages before, {after} after)", outcome.told));
        summary.common_failed |= outcome.failed;
        summary.commits += outcome.commits;
        Ok(())
    }

    /// The packages that share the lock and are in `main`.
    async fn sharing(&self, head: &CommitSha, bar: &ProgressBar) -> Result<Vec<Sharing<'_>>, CycleError> {
        let mut sharing = Vec::new();
        for (attr, package) in self.config.packages.iter().filter(|(_, package)| package.lock == Lock::Overlay) {
            let graph = self.writer.file(head, format!("packages/{attr}/graph.json")).await?;
            let Some(graph) = graph.as_deref().and_then(PublishedGraph::parse) else { continue };
            let candidate = find(&self.resolver, package, &graph.version).await?;
            let now = self.release_at(attr, &candidate, package, Some(head)).await?;
            let plan = self.resolver.plan(&now, bar).await?;
            if let Release::Cargo(release) = now {
                let release = cargo::Release { lock: None, ..release };
                let published = publishing_time(&candidate);
                sharing.push(Sharing { attr, package, release, published, plan });
            }
        }
        Ok(sharing)
    }

    async fn lock_files(&self, sharing: &[Sharing<'_>], lock: &OverlayLock) -> Result<Files, CycleError> {
        let mut files = Files::from([(FILE.to_owned(), written(&lock.pool)?)]);
        for (Sharing { attr, package, .. }, member) in sharing.iter().zip(&lock.members) {
            let current = self.current(attr).await?;
            let strategy = strategies(package, &current, &member.plan.version)[0];
            files.extend(render(attr, package, &member.plan, strategy)?);
        }
        Ok(files)
    }

    /// A release as a commit of the overlay has it: with the lock that is there.
    pub(super) async fn release_at(
        &self,
        attr: &AttrPath,
        candidate: &Candidate,
        package: &Package,
        commit: Option<&CommitSha>,
    ) -> Result<Release, Failure> {
        let release = Release::of(candidate, package, &self.config.systems.resolve);
        let (Release::Cargo(release), Lock::Overlay, Some(commit)) = (release.clone(), package.lock, commit) else {
            return Ok(release);
        };
        let lock = self.writer.file(commit, format!("packages/{attr}/Cargo.lock")).await?;
        let lock = lock.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Release::Cargo(cargo::Release { lock, ..release }))
    }

    /// A release as it is to be built now: what `main` has stays as it is there, and another takes its part of the overlay lock.
    pub(super) async fn release_for(
        &self,
        attr: &AttrPath,
        candidate: &Candidate,
        package: &Package,
        current: &super::package::Current,
    ) -> Result<Release, Failure> {
        if current.version() == Some(candidate.version.as_str()) {
            return self.release_at(attr, candidate, package, current.head.as_ref()).await;
        }
        let release = Release::of(candidate, package, &self.config.systems.resolve);
        let (Release::Cargo(release), Lock::Overlay) = (release.clone(), package.lock) else { return Ok(release) };
        let Some(pool) = self.pool_at(current.head.as_ref()).await? else { return Ok(Release::Cargo(release)) };
        let unified = self.resolver.crate_releases().unified(&release, &pool, &ProgressBar::hidden()).await?;
        let lock = match unified {
            Unified::Lock(lock) => Some(lock),
            Unified::Alone(reason) => {
                tracing::info!(package = %attr, "stays with its own lock: {reason}");
                None
            }
        };
        Ok(Release::Cargo(cargo::Release { lock, ..release }))
    }

    /// The overlay lock of a commit.
    async fn pool_at(&self, commit: Option<&CommitSha>) -> Result<Option<Pool>, Failure> {
        let Some(commit) = commit else { return Ok(None) };
        let Some(bytes) = self.writer.file(commit, FILE.to_owned()).await? else { return Ok(None) };
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| Failure {
            class: FailureClass::Evaluate,
            message: format!(
                "{FILE} in the overlay is not one that this program wrote ({error}); remove it, and it is made anew"
            ),
        })?;
        Ok(Some(document.crates))
    }
}

/// The file, with a line for each crate.
fn written(pool: &Pool) -> Result<Vec<u8>, Failure> {
    let failed = |error: serde_json::Error| Failure::new(FailureClass::Infrastructure, &error);
    let crates = serde_json::to_value(pool).map_err(failed)?;
    let rows = crates.as_object().into_iter().flatten();
    let rows: Vec<String> = rows.map(|(name, versions)| format!("{}: {versions}", serde_json::json!(name))).collect();
    Ok(format!("{{\n\"_generated\": {},\n\"crates\": {{\n{}\n}}\n}}\n", serde_json::json!(GENERATED), rows.join(",\n"))
        .into_bytes())
}

/// What the pull request says.
fn text<'a>(members: impl Iterator<Item = (&'a Sharing<'a>, &'a Member)>, gain: Gain, system: &str) -> String {
    let Gain { before, after } = gain;
    let percent = gain.percent();
    let mut text = format!(
        "Of each crate and each range of compatible versions these packages take the same version: the highest that the lock of one of \
         them has, where each allows it. Every package that this changes was built with it.\n\n\
         | | units, {system} |\n|---|---|\n| now | {before} |\n| with this | {after} ({percent} % fewer) |\n\n\
         | package | version | dependencies of another version |\n|---|---|---|\n"
    );
    for (Sharing { attr, plan, .. }, member) in members {
        let changed = member.changed_from(plan);
        let what = match &member.alone {
            Some(reason) => format!("stays with its own lock: {}", cell(reason)),
            None => changed.to_string(),
        };
        let _ = writeln!(text, "| `{attr}` | {} | {what} |", cell(&plan.version));
    }
    text
}
