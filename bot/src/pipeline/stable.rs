//! `stable`: the branch on which everything that is advertised has been built.

use super::{Bot, CycleError, CycleSummary};
use crate::model::Failure;
use crate::stages::write::stable_branch;
use crate::store::{EventKind, RunOutcome};

impl Bot {
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
