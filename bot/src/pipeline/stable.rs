//! `stable`: the branch on which everything that is advertised has been built.

use super::{Bot, CycleError, CycleSummary};
use crate::model::{AttrPath, CommitSha, Failure};
use crate::stages::write::stable_branch;
use crate::store::{EventKind, RunOutcome};

impl Bot {
    /// Why `stable` may not move: `main` has lost configured packages that subscribers have, and nobody took them out of the
    /// configuration. Overlays that came out of an outage nearly empty are what this is against.
    async fn lost(&self, stable: &CommitSha, packages: &[AttrPath]) -> Result<Option<String>, CycleError> {
        let had = self.writer.packages(stable).await?;
        let is_lost = |attr: &&AttrPath| !packages.contains(*attr) && self.config.packages.contains_key(*attr);
        let lost: Vec<&str> = had.iter().filter(is_lost).map(AttrPath::as_str).collect();
        let allowed = self.config.limits.dropped_packages;
        Ok((lost.len() > allowed).then(|| {
            format!(
                "`stable` stays where it is: main has lost {} ({}), and limits.dropped_packages allows {allowed}; they come back \
                 with their next pull requests, or take them out of the configuration",
                if lost.len() == 1 { "a package".to_owned() } else { format!("{} packages", lost.len()) },
                lost.join(", ")
            )
        }))
    }

    /// Moves `stable` to `main` if every package there was built in the version it has.
    ///
    /// # Errors
    /// When the repository, the store or the forge fails.
    pub async fn move_stable(&self, summary: &mut CycleSummary) -> Result<(), CycleError> {
        let Some(main) = self.main_head().await? else { return Ok(()) };
        let stable = self.writer.head(&stable_branch()).await?;
        if stable.as_ref() == Some(&main) || summary.common_failed {
            return Ok(());
        }
        let packages = self.writer.packages(&main).await?;
        if let Some(stable) = &stable
            && let Some(refusal) = self.lost(stable, &packages).await?
        {
            tracing::error!("{refusal}");
            summary.common = Some(refusal);
            summary.common_failed = true;
            return Ok(());
        }
        for attr in &packages {
            let current = self.current(attr).await?;
            let Some(version) = current.version() else { return Ok(()) };
            // A run that was interrupted after its pull request was found good proves as much as one that came to its end.
            let run = self.store.last_run(attr, version).await?;
            let is_good = run.is_some_and(|run| run.outcome == Some(RunOutcome::Succeeded))
                || self.store.was_merged_good(attr, version).await?;
            if !is_good {
                return Ok(());
            }
        }
        self.advance(stable_branch(), main, stable).await.map_err(Failure::from)?;
        summary.stable_moved = true;
        for attr in packages.iter().filter(|attr| self.config.packages.contains_key(*attr)) {
            let version = self.current(attr).await?.version().map(str::to_owned);
            self.store.event(attr, version.as_deref(), EventKind::Stable, "`stable` has it").await?;
        }
        Ok(())
    }
}
