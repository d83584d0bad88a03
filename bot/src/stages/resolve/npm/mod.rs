//! npm: trees of releases and of projects, and what only the registry can say.
//!
//! A tree is a function of what the registry has, so it is not the same for ever: whoever wants a release's plan to stay as
//! it was keeps it, see [`Resolver::plan`](super::Resolver::plan).

mod fetch;
mod judged;
mod locked;
mod metadata;
mod project;
#[cfg(test)]
mod tests;
mod trust;

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::archive::Limits;
use nixwright_resolver::npm::catalog::{Known, Need, Project, Step, Target};
use nixwright_resolver::npm::{NpmError, step};
use nixwright_resolver::plan::npm::NpmGraph;
use nixwright_resolver::plan::{Graph, Plan};

use self::locked::without_others_lock;
pub use self::locked::{has_others_lock, project_plan};
pub use self::project::{ProjectError, read_project};
use crate::clients::git::GitSources;
use crate::clients::npm::{Npm, NpmProgram};
use crate::config::Upstream;
use crate::model::{Failure, FailureClass};
use crate::stages::watch::npm_class;

/// A release of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmRelease {
    /// The package's name, with its scope.
    pub name: String,
    /// The version.
    pub version: String,
    /// What its tarball is, as the registry promised when the release was found.
    pub integrity: String,
    /// The systems that the graph is for.
    pub systems: Vec<String>,
}

/// What trees are computed from.
#[derive(Debug, Clone)]
pub struct NpmTrees {
    /// The registry.
    pub registry: Npm,
    /// The version of node that programs run with: `20.20.2`.
    pub node: String,
    /// npm itself, if this machine has it: what it says of a release's tree counts.
    pub program: Option<NpmProgram>,
    /// Where what tarballs teach is kept.
    pub cache: PathBuf,
    /// What a tarball may ask of us.
    pub limits: Limits,
    /// Repositories that packages come from.
    pub git: GitSources,
}

impl NpmTrees {
    /// The plan of a release.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &NpmRelease, progress: &ProgressBar) -> Result<Plan, Failure> {
        let NpmRelease { name, version, integrity, systems } = release;
        let target = Target { node: self.node.clone(), systems: systems.clone(), before: None };
        let project = Project::of_release(name, version);
        self.first_seen(name, &[(version, integrity)])?;
        let (mut graph, known) = self.judged(&project, &target, progress).await?;
        self.judge(&mut graph, &known).await?;
        self.plan_of(name, version, graph).await
    }

    /// A release's graph with what its manifest says of it.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream or infrastructure.
    pub async fn plan_of(&self, name: &str, version: &str, graph: NpmGraph) -> Result<Plan, Failure> {
        let manifest = self.registry.manifest(name, version).await;
        let manifest = manifest.map_err(|error| Failure::new(npm_class(&error), &error))?;
        Ok(Plan {
            schema: Plan::SCHEMA,
            purl: Upstream::Npm { name: name.to_owned() }.release(version),
            name: name.to_owned(),
            version: version.to_owned(),
            metadata: metadata::read(manifest.as_bytes()),
            commit: None,
            graph: Graph::Npm(graph),
        })
    }

    /// The tree of a project as npm would make it, which starts from npm's own lock if there is one; `folder` is where its own files are, for dependencies that are files.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn tree(
        &self,
        project: &Project,
        target: &Target,
        folder: &Path,
        progress: &ProgressBar,
    ) -> Result<NpmGraph, Failure> {
        let project = without_others_lock(project);
        Ok(self.known_tree(&project, target, folder, progress).await?.0)
    }

    /// The same, with what was fetched for it.
    async fn known_tree(
        &self,
        project: &Project,
        target: &Target,
        folder: &Path,
        progress: &ProgressBar,
    ) -> Result<(NpmGraph, Known), NoTree> {
        let mut known = Known::default();
        loop {
            let needs = match step(project, target, &known) {
                Ok(Step::Done(graph)) => return Ok((*graph, known)),
                Ok(Step::Need(needs)) => needs,
                Err(error @ ResolveError::Npm(NpmError::NotCovered { .. })) => {
                    return Err(NoTree::NotCovered(Failure::new(FailureClass::Resolve, &error)));
                }
                Err(error) => return Err(Failure::new(FailureClass::Resolve, &error).into()),
            };
            if needs.iter().all(|need| is_known(need, &known)) {
                let message = "the resolution asks again for what it knows; this is a bug".to_owned();
                return Err(Failure { class: FailureClass::Resolve, message }.into());
            }
            self.fetch(needs, target, folder, &mut known, progress).await?;
        }
    }
}

/// Why there is no tree.
#[derive(Debug)]
enum NoTree {
    /// Our rules do not reach that far; npm may be asked.
    NotCovered(Failure),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for NoTree {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<NoTree> for Failure {
    fn from(no_tree: NoTree) -> Self {
        match no_tree {
            NoTree::NotCovered(failure) | NoTree::Failed(failure) => failure,
        }
    }
}

fn is_known(need: &Need, known: &Known) -> bool {
    match need {
        Need::Packument { name } => known.packuments.contains_key(name),
        Need::Manifest { name, version } => known.manifests.contains_key(&(name.clone(), version.clone())),
        Need::Latest { name } => known.latest.contains_key(name),
        Need::Tarball(tarball) => known.tarballs.contains_key(&tarball.url),
        Need::Git { spec } => known.gits.contains_key(spec),
    }
}
