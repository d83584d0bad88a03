//! All that a decision about a package looks at, gathered from the repository, the store and the configuration.

use super::decide::{Decision, Known, decide, member_version};
use super::package::Current;
use super::{Bot, CycleError};
use crate::config::Package;
use crate::model::{AttrPath, BranchName, CommitSha, Track};
use crate::schedule::quiet_until;
use crate::stages::watch::Watched;
use crate::stages::write::{group_branch, package_branch};
use crate::store::{OtherPullRequest, PackageState, PrState, PullRequest, RunOutcome};

/// What is known of a package here.
#[derive(Debug)]
pub(super) struct View {
    pub(super) current: Current,
    /// The pull request of its branch; of a group's, `version` is this package's.
    pub(super) request: Option<PullRequest>,
    state: Option<PackageState>,
    others: Vec<OtherPullRequest>,
    built: bool,
    stale: bool,
    limit_reached: bool,
    /// Why a person holds it on the pages.
    hold: Option<String>,
}

/// The branch of a package's pull request, its own or its group's.
pub(super) fn branch_of(attr: &AttrPath, package: &Package) -> BranchName {
    package.policy.group.as_ref().map_or_else(|| package_branch(attr), group_branch)
}

/// What an update is about: a package, or a group (no package's name has a colon).
pub(super) fn subject_of(attr: &AttrPath, package: &Package) -> String {
    package.policy.group.as_ref().map_or_else(|| attr.to_string(), |group| format!("group:{group}"))
}

impl Bot {
    /// The packages that an update is about.
    pub(super) fn members(&self, subject: &str) -> Vec<(&AttrPath, &Package)> {
        self.config.packages.iter().filter(|(attr, package)| subject_of(attr, package) == subject).collect()
    }

    /// Gathers what is known of a package. Where a person `asked` for it, that it failed and rests does not count.
    pub(super) async fn view(&self, attr: &AttrPath, package: &Package, asked: bool) -> Result<View, CycleError> {
        let current = self.current(attr).await?;
        let mut request = self.store.pull_request_by_branch(&branch_of(attr, package)).await?;
        let is_stale = match (&request, &current.head) {
            (Some(open), Some(main)) if open.state == PrState::Open => self.is_stale(attr, open, main).await,
            _ => false,
        };
        if let (Some(request), true) = (&mut request, package.policy.group.is_some()) {
            request.version = member_version(&request.version, attr.as_str()).unwrap_or_default().to_owned();
        }
        let built = match &request {
            Some(request) => {
                let run = self.store.last_run(attr, &request.version).await?;
                run.is_some_and(|run| run.outcome == Some(RunOutcome::Succeeded))
            }
            None => false,
        };
        let limit_reached = match self.config.publish.max_open {
            Some(limit) => self.store.open_pull_requests().await? >= limit,
            None => false,
        };
        let state = self.store.state(attr).await?.filter(|_| !asked);
        let others = self.store.other_pull_requests(attr).await?;
        let hold = self.store.held(attr).await?.map(|hold| hold.reason);
        Ok(View { current, request, state, others, built, stale: is_stale, limit_reached, hold })
    }

    /// Whether what a pull request was built with has changed in `main` since. A head that is not here (somebody replaced it a
    /// moment ago) cannot be compared; the next look brings it.
    async fn is_stale(&self, attr: &AttrPath, open: &PullRequest, main: &CommitSha) -> bool {
        let compared = async {
            match self.writer.common_ancestor(main, &open.head).await? {
                Some(base) => self.writer.differs(&base, main, std::slice::from_ref(attr)).await,
                None => Ok(false),
            }
        };
        compared.await.unwrap_or_else(|failure| {
            tracing::info!(package = %attr, "whether its evidence is stale cannot be told: {failure}");
            false
        })
    }

    /// What to do about a package. `differs` says that its files are known to differ from what `main` has.
    pub(super) fn decision(&self, package: &Package, watched: &Watched, view: &View, differs: bool) -> Decision {
        let now = self.clock.now();
        let quiet = [&package.policy.quiet_hours, &self.config.publish.quiet_hours];
        let zone = &self.config.service.schedule.zone;
        let known = Known {
            current: view.current.version(),
            state: view.state.as_ref(),
            request: view.request.as_ref(),
            built: view.built,
            stale: view.stale,
            others: &view.others,
            hold: package.policy.hold.as_deref().or(view.hold.as_deref()),
            quiet_until: quiet.into_iter().filter_map(|windows| quiet_until(windows, zone, now)).max(),
            limit_reached: view.limit_reached,
            pinned: matches!(package.policy.track, Track::Exact { .. }),
            differs,
            now,
        };
        decide(watched, &known)
    }
}
