//! What the store held at one moment, as far as the pages show it. A page links only to what is in the same snapshot.

use std::collections::BTreeMap;

use crate::model::AttrPath;
use crate::store::{
    Cycle, DerivationRecord, Event, LogText, Package, PullRequest, Run, RunId, Stage, StatusRow, Store, StoreError,
};

/// Everything but what only a run's own page shows.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) status: Vec<StatusRow>,
    pub(super) packages: Vec<Package>,
    pub(super) events: BTreeMap<AttrPath, Vec<Event>>,
    /// Newest first.
    pub(super) runs: Vec<Run>,
    /// Newest first.
    pub(super) pull_requests: Vec<PullRequest>,
    pub(super) last_cycle: Option<Cycle>,
}

/// What only a run's own page shows.
#[derive(Debug, Clone, Default)]
pub(super) struct RunDetails {
    pub(super) stages: Vec<Stage>,
    pub(super) derivations: Vec<DerivationRecord>,
    pub(super) logs: Vec<LogText>,
}

impl Snapshot {
    pub(super) async fn load(store: &Store) -> Result<Self, StoreError> {
        let packages = store.packages().await?;
        let mut events = BTreeMap::new();
        for package in &packages {
            events.insert(package.attr.clone(), store.events(&package.attr).await?);
        }
        Ok(Self {
            status: store.status().await?,
            packages,
            events,
            runs: store.all_runs().await?,
            pull_requests: store.pull_requests().await?,
            last_cycle: store.last_cycle().await?,
        })
    }

    pub(super) fn runs_of<'a>(&'a self, attr: &'a AttrPath) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.attr == *attr)
    }

    pub(super) fn pull_requests_of<'a>(&'a self, attr: &'a AttrPath) -> impl Iterator<Item = &'a PullRequest> {
        self.pull_requests.iter().filter(move |request| request.concerns(attr))
    }
}

impl RunDetails {
    pub(super) async fn load(store: &Store, run: RunId) -> Result<Self, StoreError> {
        Ok(Self {
            stages: store.stages(run).await?,
            derivations: store.derivations(run).await?,
            logs: store.logs(run).await?,
        })
    }
}
