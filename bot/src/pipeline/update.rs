//! Updates: what a check found to be due, brought to a pull request.

use super::check::View;
use super::decide::Decision;
use super::package::Job;
use super::record::Attempt;
use super::{Bot, CycleError, CycleSummary, PackageSummary};
use crate::model::AttrPath;
use crate::stages::resolve::Release;
use crate::store::Lease;

impl Bot {
    /// Does an update: decides anew, as time has passed since the check, and carries the decision out.
    pub(super) async fn update(
        &self,
        lease: &Lease,
        summary: &mut CycleSummary,
    ) -> Result<Vec<PackageSummary>, CycleError> {
        let attr: AttrPath = lease.subject.parse().map_err(|_| self.not_configured(&lease.subject))?;
        let package = self.package(&attr)?;
        let view = self.view(&attr).await?;
        let watched = match self.remembered(&attr) {
            Some(watched) => watched,
            None => match self.ask(&attr, package).await {
                Ok(watched) => watched,
                Err(failure) => return Ok(vec![self.failed_without_run(&attr, &view.current, None, failure).await?]),
            },
        };
        let entry = match self.decision(&attr, package, &watched, &view).await? {
            Decision::Consider(entry) => entry,
            other => return Ok(vec![self.settled(&attr, package, &view, other).await?]),
        };
        let View { current, .. } = view;
        let release = Release::of(&entry, package, &self.config.systems.resolve);
        let run = self.begin(&attr, &entry.version, &current).await?;
        let job = Job { run, attr: &attr, package, entry: &entry, current: &current };
        let attempt: Attempt = self.attempt(job, &release, summary).await?;
        Ok(vec![self.conclude(lease, job, attempt, summary).await?])
    }
}
