//! Projects that have a lock: what it says stands, and only what it leaves open is asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::npm::catalog::{Known, Project, Target};
use nixwright_resolver::npm::lockfiles::{LockFile, Manifest, of_project};
use nixwright_resolver::plan::npm::NpmGraph;
use nixwright_resolver::plan::{Graph, Plan};

use super::{NpmTrees, metadata};
use crate::clients::endpoints;
use crate::config::Upstream;
use crate::model::{Failure, FailureClass};

impl NpmTrees {
    /// The graph of a project as its lock has it; nothing where there is none.
    ///
    /// # Errors
    /// A [`Failure`] of class resolve when the lock cannot be believed, else as for any tree.
    pub async fn locked(
        &self,
        project: &Project,
        target: &Target,
        folder: &Path,
        progress: &ProgressBar,
    ) -> Result<Option<NpmGraph>, Failure> {
        let own = self.registry.registry().as_str();
        let registries = [endpoints::NPM_REGISTRY, endpoints::YARN_REGISTRY, own].map(|url| url.trim_end_matches('/'));
        let read = of_project(project, &registries);
        let Some(locked) = read.map_err(|error| Failure::new(FailureClass::Resolve, &error))? else { return Ok(None) };
        let mut known = Known::default();
        let needs = locked.needs();
        if !needs.is_empty() {
            self.fetch(needs, target, folder, &mut known, progress).await?;
        }
        let systems: BTreeSet<String> = target.systems.iter().cloned().collect();
        let graph = locked.completed(&known, &systems);
        graph.map(Some).map_err(|error| Failure::new(FailureClass::Resolve, &error))
    }
}

/// Whether a project has a lock that npm does not read: yarn's or pnpm's.
pub fn has_others_lock(project: &Project) -> bool {
    let file = project.lock.as_ref().and_then(|(name, _)| LockFile::of_name(name));
    file.is_some_and(|file| !file.is_npms())
}

/// The project as npm sees it.
pub(super) fn without_others_lock(project: &Project) -> Cow<'_, Project> {
    if has_others_lock(project) {
        return Cow::Owned(Project { lock: None, ..project.clone() });
    }
    Cow::Borrowed(project)
}

/// A project's graph with what its manifest says of it. A project without a name is called after its folder; one without a
/// version has the lowest.
///
/// # Errors
/// A [`Failure`] of class resolve when its manifest cannot be read.
pub fn project_plan(project: &Project, graph: NpmGraph) -> Result<Plan, Failure> {
    let manifest = Manifest::parse("package.json", &project.manifest);
    let manifest = manifest.map_err(|error| Failure::new(FailureClass::Resolve, &error))?;
    let name = manifest.name().unwrap_or(&project.folder).to_owned();
    let version = manifest.version().unwrap_or("0.0.0").to_owned();
    Ok(Plan {
        schema: Plan::SCHEMA,
        purl: Upstream::Npm { name: name.clone() }.release(&version),
        name,
        version,
        metadata: metadata::read(project.manifest.as_bytes()),
        commit: None,
        graph: Graph::Npm(graph),
    })
}
