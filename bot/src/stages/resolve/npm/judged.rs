//! Trees that npm has looked at: ours where it takes them, its own where it does not or where our rules do not reach.

use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::npm::catalog::{Known, Project, Target};
use nixwright_resolver::plan::npm::{Judge, NpmGraph};

use super::{NoTree, NpmTrees};
use crate::clients::npm::{NpmProgram, NpmProgramError};
use crate::model::{Failure, FailureClass};

impl NpmTrees {
    /// The tree of a release, with what was fetched for it. Where npm is on this machine, it has the last word.
    pub(super) async fn judged(
        &self,
        project: &Project,
        target: &Target,
        progress: &ProgressBar,
    ) -> Result<(NpmGraph, Known), Failure> {
        let made = self.known_tree(project, target, Path::new(""), progress).await;
        let (own, why) = match (made, &self.program) {
            (Err(NoTree::NotCovered(failure)), Some(_)) => (None, failure.message),
            (Ok((graph, known)), Some(npm)) => match npm.objection(project, &graph.lock).await {
                Ok(None) => return Ok((graph, known)),
                Ok(Some(why)) => (Some((graph, known)), format!("npm refuses the lock that our rules give: {why}")),
                Err(error) => {
                    tracing::warn!("npm cannot be asked what it thinks of a lock: {error}");
                    return Ok((graph, known));
                }
            },
            (made, _) => return made.map_err(Failure::from),
        };
        let Some(npm) = &self.program else { return own.ok_or(Failure { class: FailureClass::Resolve, message: why }) };
        let lock = match (npm.lock(project).await, own) {
            // npm refuses its own lock just as well: then nothing is gained by taking it.
            (Ok(lock), Some((graph, known))) if lock == graph.lock => return Ok((graph, known)),
            (Ok(lock), _) => lock,
            (Err(error @ NpmProgramError::Refused { .. }), _) => {
                return Err(Failure { class: FailureClass::Resolve, message: format!("{why}; {error}") });
            }
            (Err(error), _) => return Err(Failure::new(FailureClass::Infrastructure, &error)),
        };
        self.of_npm(npm, project, target, lock, why, progress).await
    }

    async fn of_npm(
        &self,
        npm: &NpmProgram,
        project: &Project,
        target: &Target,
        lock: String,
        why: String,
        progress: &ProgressBar,
    ) -> Result<(NpmGraph, Known), Failure> {
        let version = npm.version().await.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        let locked = Project { lock: Some(("package-lock.json".to_owned(), lock.clone())), ..project.clone() };
        let graph = self.locked(&locked, target, Path::new(""), progress).await?;
        let mut graph = graph.ok_or_else(|| Failure {
            class: FailureClass::Resolve,
            message: format!("npm's lock for {} is empty", project.root),
        })?;
        if !project.root.is_empty() {
            graph.entries.remove("");
        }
        graph.root.clone_from(&project.root);
        graph.lock = lock;
        tracing::warn!("npm's own lock is taken: {why}");
        graph.judge = Judge::Npm { npm: version, why };
        Ok((graph, Known::default()))
    }
}
