//! Lock: the overlay lock of some programs, and what each makes of it.

use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::cargo::Release;
use nixwright_resolver::cargo::pool::{Pool, distinct_units, locked_crates};
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::CargoGraph;

use super::Failure;
use super::resolve::{CrateReleases, Unified};
use crate::model::FailureClass;

/// A program with its part of the overlay lock.
#[derive(Debug, Clone)]
pub struct Member {
    /// The release, with the lock that it is built with.
    pub release: Release,
    /// Its plan with that.
    pub plan: Plan,
    /// Why it stays with its own lock, if it does.
    pub alone: Option<String>,
}

impl Member {
    /// How many of its dependencies have another version than in an earlier plan of it.
    pub fn changed_from(&self, before: &Plan) -> usize {
        self.plan.packages().difference(&before.packages()).count()
    }
}

/// An overlay lock.
#[derive(Debug, Clone)]
pub struct OverlayLock {
    /// The versions.
    pub pool: Pool,
    /// The programs, in the order in which they were given.
    pub members: Vec<Member>,
}

/// How many units programs are made of together, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Gain {
    /// As it is.
    #[serde(rename = "units_before")]
    pub before: usize,
    /// With the overlay lock.
    #[serde(rename = "units_after")]
    pub after: usize,
}

impl Gain {
    /// Compares the units for a system.
    pub fn of<'p>(before: impl Iterator<Item = &'p Plan>, after: impl Iterator<Item = &'p Plan>, system: &str) -> Self {
        let graphs = |plans: &mut dyn Iterator<Item = &'p Plan>| -> Vec<&'p CargoGraph> {
            plans.filter_map(|plan| plan.cargo()).collect()
        };
        let (mut before, mut after) = (before, after);
        Self { before: distinct_units(graphs(&mut before), system), after: distinct_units(graphs(&mut after), system) }
    }

    /// How many are saved.
    pub fn saved(self) -> usize {
        self.before.saturating_sub(self.after)
    }

    /// The same in hundredths of what there is.
    pub fn percent(self) -> usize {
        self.saved() * 100 / self.before.max(1)
    }
}

/// Unifies the versions of what releases depend on: of each crate and range of compatible versions the highest that the lock of
/// one of them has, as far as each allows. What was taken back since is taken from nobody's lock; who has nothing else keeps it.
///
/// # Errors
/// A [`Failure`] of class upstream, resolve, hash or infrastructure.
pub async fn unify(releases: &CrateReleases, of: Vec<Release>, progress: &ProgressBar) -> Result<OverlayLock, Failure> {
    let unread = |error: ResolveError| Failure::new(FailureClass::Resolve, &error);
    let mut locks = Vec::new();
    let mut locked = Vec::new();
    for release in &of {
        if let Some(lock) = releases.shipped_lock(&release.root, progress).await? {
            let label = release.root.label();
            locked.extend(locked_crates(&label, &lock).map_err(unread)?);
            locks.push((label, lock));
        }
    }
    let vouched = releases.vouched(&locked).await?;
    let texts = locks.iter().map(|(label, text)| (label.as_str(), text.as_str()));
    let pool = Pool::of_locks(texts, |id| vouched.stands(id)).map_err(unread)?;
    let mut members = Vec::new();
    for release in of {
        members.push(join(releases, release, &pool, progress).await?);
    }
    Ok(OverlayLock { pool, members })
}

/// A release with its part of a pool.
///
/// # Errors
/// As [`unify`].
pub async fn join(
    releases: &CrateReleases,
    release: Release,
    pool: &Pool,
    progress: &ProgressBar,
) -> Result<Member, Failure> {
    let (lock, alone) = match releases.unified(&release, pool, progress).await? {
        Unified::Lock(lock) => (Some(lock), None),
        Unified::Alone(reason) => (None, Some(reason)),
    };
    let release = Release { lock, ..release };
    let plan = releases.plan(&release, progress).await?;
    Ok(Member { release, plan, alone })
}
