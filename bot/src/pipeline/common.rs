//! The files that all packages share: flake, builders, documentation.
//!
//! The first cycle starts `main` with them. Later changes (a new version of this program, a changed toolchain) come in a
//! pull request of their own, and every package is built with them before it is merged, since they make the older
//! evidence worthless.

use jiff::Timestamp;

use super::proposal::{Proposal, identity};
use super::{Bot, CycleError, CycleSummary};
use crate::config::BuildPackages;
use crate::model::{AttrPath, BranchName, CommitSha, Failure, FailureClass};
use crate::overlay::{Files, PackageSet, PublishedGraph, common_files, has_marker};
use crate::stages::build::{Built, Evaluated};
use crate::stages::watch::find;
use crate::stages::write::{common_branch, main_branch};

/// The time of commits that belong to no release: when the form of these files was last changed.
const TEMPLATE_TIME: &str = "2026-11-22T00:00:00Z";

/// The overlay's own documentation.
const README: &str = "README.md";

/// What a pull request of these files says.
const TEXT: &str = "The flake, the builders or the toolchain changed. Every package was built with the change.\n";

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
        let identity = identity(&files);
        let commit = self.writer.commit(head.as_ref(), files, message.to_owned(), template_time()).await?;
        let Some(commit) = commit else { return Ok(()) };
        self.writer.refuse_dropping(head.as_ref(), &commit, self.config.limits.dropped_packages).await?;
        if is_first {
            summary.commits += 1;
            self.advance(main_branch(), commit, head).await.map_err(Failure::from)?;
            summary.common = Some("overlay started".to_owned());
            return Ok(());
        }
        let proposal = Proposal {
            branch: common_branch(),
            packages: self.writer.packages(&commit).await?,
            commit,
            identity,
            what: "what all packages share",
            title: "overlay: update what all packages share".to_owned(),
            text: TEXT.to_owned(),
            time: template_time(),
        };
        let outcome = self.propose(&proposal).await?;
        summary.common = Some(outcome.told);
        summary.common_failed |= outcome.failed;
        summary.commits += outcome.commits;
        Ok(())
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

    /// Builds a package as a commit on a branch has it.
    pub(super) async fn rebuild(
        &self,
        attr: &AttrPath,
        branch: &BranchName,
        commit: &CommitSha,
    ) -> Result<(), Failure> {
        let built = self.build_at(attr, branch.as_str(), commit).await?;
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
        let release = self.release_at(attr, &candidate, package, Some(commit)).await?;
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
