//! The files that all packages share: flake, builders, documentation.
//!
//! The first cycle starts `main` with them. Later changes (a new version of this program, a changed toolchain) come in a
//! pull request of their own, and every package is built with them before it is merged, since they make the older
//! evidence worthless.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::{Bot, CycleError, CycleSummary};
use crate::config::BuildPackages;
use crate::forge::CommitState;
use crate::model::{AttrPath, Automerge, CommitSha, Failure, FailureClass};
use crate::overlay::{Files, PackageSet, PublishedGraph, common_files, has_marker};
use crate::stages::build::{Built, Evaluated};
use crate::stages::publish::common_draft;
use crate::stages::resolve::Release;
use crate::stages::watch::find;
use crate::stages::write::{common_branch, main_branch};
use crate::store::{PrState, PullRequestDraft};

/// The time of commits that belong to no release: when the form of these files was last changed.
const TEMPLATE_TIME: &str = "2026-11-22T00:00:00Z";

/// The overlay's own documentation.
const README: &str = "README.md";

/// When the last change of these files failed, and which commit that was.
const FAILED: &str = "shared files failed";

/// How long a change that did not build with every package rests, unless it changes.
const REST: SignedDuration = SignedDuration::from_hours(24);

impl Bot {
    /// Brings `main` up to date with the files that all packages share.
    ///
    /// # Errors
    /// When the repository, the store or the machine fails; what concerns this change alone is in the summary.
    pub async fn update_common(&self, summary: &mut CycleSummary) -> Result<(), CycleError> {
        let mut files = self.common_files()?;
        let head = self.main_head().await?;
        let mut is_first = true;
        if let Some(head) = &head {
            is_first = self.writer.file(head, "flake.nix".to_owned()).await?.is_none();
            // A repository that was made by hand has a text of its own to begin with.
            if self.writer.file(head, README.to_owned()).await?.is_some_and(|text| !has_marker(&text)) {
                files.remove(README);
            }
        }
        let message = if is_first { "Start the overlay\n" } else { "Update what all packages share\n" };
        let commit = self.writer.commit(head.as_ref(), files, message.to_owned(), template_time()).await?;
        let Some(commit) = commit else { return Ok(()) };
        self.writer.refuse_dropping(head.as_ref(), &commit, self.config.limits.dropped_packages).await?;
        if is_first {
            summary.commits += 1;
            self.advance(main_branch(), commit, head).await.map_err(Failure::from)?;
            summary.common = Some("overlay started".to_owned());
            return Ok(());
        }
        if self.rests(&commit).await? {
            summary.common = Some("what all packages share does not build with all of them; it rests".to_owned());
            return Ok(());
        }
        if let Some(request) = self.store.pull_request_by_branch(&common_branch()).await?
            && request.head == commit
            && !request.failed
            && (request.state == PrState::Closed || !self.merges_common())
        {
            summary.common =
                Some(format!("pull request {} updates what all packages share: {}", request.number, request.state));
            return Ok(());
        }
        summary.commits += 1;
        self.require_canary().await?;
        match self.propose_common(&commit).await {
            Ok((told, merged)) => {
                summary.common = Some(told);
                summary.commits += u32::from(merged);
            }
            Err(CycleError::Failed(failure)) => {
                // A person's commits on the branch, say: the packages go on with what main has.
                summary.common = Some(format!("what all packages share cannot be updated: {failure}"));
                summary.common_failed = true;
            }
            Err(machine) => return Err(machine),
        }
        summary.common_failed |= self.rests(&commit).await?;
        Ok(())
    }

    /// Builds every package with a change to what they share, and proposes it; whether it was merged.
    async fn propose_common(&self, commit: &CommitSha) -> Result<(String, bool), CycleError> {
        self.writer.publish_branch(&common_branch(), commit).await?;
        let mut failures = Vec::new();
        for attr in self.writer.packages(commit).await? {
            if let Err(failure) = self.rebuild(&attr, commit).await {
                failures.push((attr, failure));
            }
        }
        let text = ("overlay: update what all packages share".to_owned(), body(&failures));
        let draft = common_draft(&common_branch(), commit, text, !failures.is_empty());
        let draft = PullRequestDraft { labels: self.labels.clone(), ..draft };
        let request = self.publish(None, draft).await.map_err(Failure::from)?;
        let state = if failures.is_empty() { CommitState::Success } else { CommitState::Failure };
        self.report(commit, state, format!("{} packages do not build with it", failures.len())).await;
        let number = request.number;
        if !failures.is_empty() {
            self.store.keep_note(FAILED, &format!("{commit} {}", self.clock.now())).await?;
            return Ok((format!("pull request {number}: {} packages do not build with it", failures.len()), false));
        }
        if request.state != PrState::Open || !self.merges_common() {
            return Ok((format!("pull request {number} updates what all packages share: {}", request.state), false));
        }
        let merged = self.merge(None, number, template_time()).await.map_err(Failure::from)?;
        let is_merged = merged.state == PrState::Merged;
        let then = if is_merged { "merged" } else { "waits for the forge's checks" };
        Ok((format!("pull request {number} updates what all packages share, {then}"), is_merged))
    }

    /// Whether such a change is merged without a person.
    fn merges_common(&self) -> bool {
        self.config.publish.automerge == Automerge::Always
    }

    /// Whether this very change failed not long ago.
    async fn rests(&self, commit: &CommitSha) -> Result<bool, CycleError> {
        let note = self.store.note(FAILED).await?;
        let failed = note.as_deref().and_then(|note| {
            let (failed, at) = note.split_once(' ')?;
            Some((failed.to_owned(), at.parse::<Timestamp>().ok()?))
        });
        Ok(failed.is_some_and(|(failed, at)| failed == commit.as_str() && self.clock.now().duration_since(at) < REST))
    }

    fn common_files(&self) -> Result<Files, Failure> {
        let packages = match (&self.config.build.pkgs, &self.toolchain) {
            (BuildPackages::Nixpkgs { url }, _) => PackageSet::Nixpkgs(url.as_str()),
            (BuildPackages::Host, Some(toolchain)) => PackageSet::Host(toolchain),
            (BuildPackages::Host, None) => {
                let message = "the host's toolchains were not looked up".to_owned();
                return Err(Failure { class: FailureClass::Infrastructure, message });
            }
        };
        common_files(&self.config.systems.build, packages)
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))
    }

    /// Builds what `main` has of a package.
    ///
    /// # Errors
    /// When `main` does not have it, or it cannot be evaluated or fetched; what failed to build is in [`Built::failure`].
    pub async fn build_published(&self, attr: &AttrPath) -> Result<Built, Failure> {
        let missing = || Failure {
            class: FailureClass::Evaluate,
            message: format!("the overlay has no package {attr} yet; `nixwright run --once` brings it there"),
        };
        let head = self.main_head().await?.ok_or_else(missing)?;
        if !self.writer.packages(&head).await?.contains(attr) {
            return Err(missing());
        }
        self.build_at(attr, main_branch().as_str(), &head).await
    }

    /// Builds what `main` has of a package with the shared files of `commit`.
    async fn rebuild(&self, attr: &AttrPath, commit: &CommitSha) -> Result<(), Failure> {
        let built = self.build_at(attr, common_branch().as_str(), commit).await?;
        match built.failure {
            Some(failure) => Err(failure.failure),
            None => self.builder.keep(&built.out, attr.as_str()).await,
        }
    }

    async fn build_at(&self, attr: &AttrPath, branch: &str, commit: &CommitSha) -> Result<Built, Failure> {
        let flake = self.builder.flake(branch, commit);
        let evaluated = self.builder.evaluate(&flake, attr).await?;
        let Some(package) = self.config.packages.get(attr) else {
            // No longer configured: its sources are known to nobody here, but they may well be in the store.
            return self.build_evaluated(&evaluated, attr).await;
        };
        let graph = self.writer.file(commit, format!("packages/{attr}/graph.json")).await?;
        let version = graph.as_deref().and_then(PublishedGraph::parse).map(|graph| graph.version);
        let Some(version) = version else {
            let message = format!("packages/{attr}/graph.json in the overlay is not one that this program wrote");
            return Err(Failure { class: FailureClass::Evaluate, message });
        };
        let candidate = find(&self.resolver, package, &version).await?;
        let release = Release::of(&candidate, package, &self.config.systems.resolve);
        let bar = (self.new_bar)(&format!("{attr}: fetching"));
        let fetched = async {
            let plan = self.resolver.plan(&release, &bar).await?;
            self.builder.fetch(&evaluated, &plan, &bar).await
        };
        let fetched = fetched.await;
        bar.finish_and_clear();
        fetched?;
        self.build_evaluated(&evaluated, attr).await
    }

    async fn build_evaluated(&self, evaluated: &Evaluated, attr: &AttrPath) -> Result<Built, Failure> {
        let bar = (self.new_bar)(&format!("{attr}: building"));
        let built = self.builder.build(evaluated, &bar).await;
        bar.finish_and_clear();
        built
    }
}

fn template_time() -> Timestamp {
    TEMPLATE_TIME.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn body(failures: &[(AttrPath, Failure)]) -> String {
    let mut text =
        "The flake, the builders or the toolchain changed. Every package was built with the change.\n".to_owned();
    if !failures.is_empty() {
        text.push_str("\nThese do not build with it:\n\n");
    }
    for (attr, failure) in failures {
        let _ = writeln!(text, "- `{attr}`: {}", crate::message::text::one_line(&failure.class.to_string()));
    }
    text
}
