//! What people did on the forge, followed up.

use std::collections::BTreeMap;

use super::decide::member_version;
use super::{Bot, CycleError};
use crate::model::{AttrPath, Failure, FailureClass, Strategy};
use crate::store::{EventKind, PrState, PullRequest};

impl Bot {
    /// Looks at the forge, and puts down what has become of pull requests since the last time.
    ///
    /// # Errors
    /// When the forge cannot be looked at.
    pub async fn observe(&self) -> Result<(), CycleError> {
        let before: BTreeMap<i64, PrState> =
            self.store.pull_requests().await?.into_iter().map(|request| (request.number, request.state)).collect();
        self.forge.observe().await.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        for request in self.store.pull_requests().await? {
            let was = before.get(&request.number);
            if was == Some(&request.state) {
                continue;
            }
            let (kind, message) = match (was, request.state) {
                (_, PrState::Merged) => {
                    self.follow_merge(&request).await?;
                    continue;
                }
                (Some(_), PrState::Open) => (EventKind::PullRequest, "was opened again"),
                (None, PrState::Open) => (EventKind::PullRequest, "was found on the forge"),
                (_, PrState::Closed) => (EventKind::Waiting, "was closed, which means: not this version"),
            };
            for (attr, version) in self.about(&request) {
                let message = format!("Pull request {} {message}", request.number);
                self.store.event(&attr, Some(&version), kind, &message).await?;
            }
        }
        Ok(())
    }

    /// A pull request went in, whoever merged it: what its packages have now.
    pub(super) async fn follow_merge(&self, request: &PullRequest) -> Result<(), CycleError> {
        for (attr, version) in self.about(request) {
            let run = self.store.last_run(&attr, &version).await?;
            let strategy = run.and_then(|run| run.strategy).unwrap_or(Strategy::Shared);
            self.store.set_current(&attr, &version, strategy).await?;
            let message = format!("Pull request {} was merged into {}", request.number, request.base);
            self.store.event(&attr, Some(&version), EventKind::Merged, &message).await?;
        }
        Ok(())
    }

    /// The configured packages that a pull request is about, with their versions.
    fn about(&self, request: &PullRequest) -> Vec<(AttrPath, String)> {
        let configured = |attr: &&AttrPath| self.config.packages.contains_key(*attr);
        if let Some(attr) = &request.attr {
            let own = |attr: &AttrPath| (attr.clone(), request.version.clone());
            return Some(attr).into_iter().filter(configured).map(own).collect();
        }
        let version = |attr: &AttrPath| member_version(&request.version, attr.as_str()).map(str::to_owned);
        self.config.packages.keys().filter_map(|attr| Some((attr.clone(), version(attr)?))).collect()
    }
}
