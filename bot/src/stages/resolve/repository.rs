//! Releases that are a commit of a repository: a Cargo package or workspace, or an npm project, as the files there say.
//!
//! What is read is what git has, never a folder of this machine: a link in somebody's repository leads nowhere.

use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::cargo::SystemTriple;
use nixwright_resolver::catalog::tree_key;
use nixwright_resolver::npm::catalog::{Project, Target};
use nixwright_resolver::npm::lockfiles::LockFile;
use nixwright_resolver::plan::cargo::Selection;
use nixwright_resolver::plan::npm::{NpmGraph, Source};
use nixwright_resolver::plan::{Commit, Plan};
use serde_json::Value;
use tempfile::TempDir;

use super::{CargoProject, CrateReleases, NpmTrees, project_plan, read_project};
use crate::clients::files;
use crate::clients::{endpoints, git::GitSourceError};
use crate::config::Upstream;
use crate::model::{Failure, FailureClass, RepositoryName};

/// Scripts that make what is run, where a manifest has one: the first of them counts.
const BUILD_SCRIPTS: [&str; 3] = ["build", "prepack", "prepare"];

/// A release that is a commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRelease {
    /// The repository.
    pub repository: RepositoryName,
    /// The folder of the project in it; nothing means the top.
    pub subpath: Option<String>,
    /// The version.
    pub version: String,
    /// The tag that it has.
    pub tag: String,
    /// The full id of its commit.
    pub commit: String,
    /// The systems that the graph is for.
    pub systems: Vec<SystemTriple>,
    /// With which features, and of which members and binaries, for a Cargo workspace.
    pub selection: Selection,
}

impl RepositoryRelease {
    fn folder(&self) -> &str {
        self.subpath.as_deref().unwrap_or_default()
    }

    /// The repository's address, as anybody clones it.
    fn url(&self) -> Result<String, Failure> {
        let url = endpoints::github_repository(self.repository.as_str());
        url.map(String::from).ok_or_else(|| self.failure("it has no address; this is a bug"))
    }

    fn failure(&self, what: &str) -> Failure {
        let message = format!("{} at {}: {what}", self.repository, self.tag);
        Failure { class: FailureClass::Resolve, message }
    }

    /// A plan as this release's.
    fn named(&self, plan: Plan, commit: Commit) -> Plan {
        let upstream = Upstream::GitHub { repository: self.repository.clone(), subpath: self.subpath.clone() };
        let mut metadata = plan.metadata;
        metadata.repository.get_or_insert_with(|| commit.url.clone());
        Plan {
            purl: upstream.release(&self.tag),
            name: upstream.name().to_owned(),
            version: self.version.clone(),
            metadata,
            commit: Some(commit),
            ..plan
        }
    }
}

/// The plan of a release.
///
/// # Errors
/// A [`Failure`] of class upstream, resolve, hash or infrastructure.
pub async fn repository_plan(
    release: &RepositoryRelease,
    crates: &CrateReleases,
    npm: &NpmTrees,
    progress: &ProgressBar,
) -> Result<Plan, Failure> {
    let url = release.url()?;
    let tree = crates.tree(&url, &release.commit).await?;
    if !tree.manifests.contains_key(release.folder()) {
        return npm_plan(release, &url, npm, progress).await;
    }
    let hash = tree.hash.clone();
    let project =
        CargoProject::in_tree(&tree_key(&url, &release.commit), tree, release.folder(), release.repository.name());
    let project = project.ok_or_else(|| release.failure("its Cargo.toml is neither a package's nor a workspace's"))?;
    let folder = project.project.workspace.clone();
    let mut selection = release.selection.clone();
    if selection.members.is_empty() {
        selection.members.clone_from(&project.default_members);
    }
    let plan = crates.project_plan(project, release.systems.clone(), selection, progress).await?;
    let (tag, id) = (release.tag.clone(), release.commit.clone());
    Ok(release.named(plan, Commit { url, tag, id, hash, folder }))
}

async fn npm_plan(
    release: &RepositoryRelease,
    url: &str,
    npm: &NpmTrees,
    progress: &ProgressBar,
) -> Result<Plan, Failure> {
    let Selection { features, no_default_features, all_features, binaries, members } = &release.selection;
    let (hash, files) = npm.git.read(url, Some(&release.commit), is_read).await.map_err(|error| git_failure(&error))?;
    let manifest = Path::new(release.folder()).join("package.json");
    if !files.iter().any(|(path, _)| Path::new(path) == manifest) {
        let place = if release.folder().is_empty() { "the top".to_owned() } else { release.folder().to_owned() };
        return Err(release.failure(&format!(
            "there is neither a Cargo.toml nor a package.json at {place}; name the project's folder after a `#`, and follow a Go \
             module as `pkg:golang/…`"
        )));
    }
    if *no_default_features || *all_features || !(features.is_empty() && binaries.is_empty() && members.is_empty()) {
        return Err(
            release.failure("it is an npm project, which has no features, and no members or binaries to choose")
        );
    }
    let copy = copy_of(&npm.cache, &files)?;
    let folder = copy.path().join(release.folder());
    let project = read_project(&folder)
        .map_err(|error| release.failure(&error.to_string().replace(&format!("{}/", copy.path().display()), "")))?;
    let systems = release.systems.iter().map(|system| system.system.clone()).collect();
    let target = Target { node: npm.node.clone(), systems, before: None };
    let mut graph = match npm.locked(&project, &target, &folder, progress).await? {
        Some(graph) => graph,
        None => npm.tree(&project, &target, &folder, progress).await?,
    };
    require_inside(release, &project, &graph)?;
    graph.build = build_script(&project.manifest);
    let plan = project_plan(&project, graph)?;
    let (tag, id) = (release.tag.clone(), release.commit.clone());
    let commit = Commit { url: url.to_owned(), tag, id, hash, folder: release.folder().to_owned() };
    Ok(release.named(plan, commit))
}

/// The files of a repository that a tree of npm packages depends on.
fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_tarball = Path::new(name).extension().is_some_and(|extension| extension == "tgz");
    name == "package.json" || is_tarball || LockFile::of_name(name).is_some()
}

/// These files in a folder of their own; there is no link among them.
fn copy_of(cache: &Path, content: &[(String, Vec<u8>)]) -> Result<TempDir, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new(FailureClass::Infrastructure, error);
    let work = cache.join("work");
    files::create_folder(&work).map_err(|error| failed(&error))?;
    let copy = TempDir::with_prefix_in("repository-", &work).map_err(|error| failed(&error))?;
    for (path, bytes) in content {
        files::write(&copy.path().join(path), bytes).map_err(|error| failed(&error))?;
    }
    Ok(copy)
}

/// That a project needs nothing beside its folder: only what is in there is built.
fn require_inside(release: &RepositoryRelease, project: &Project, graph: &NpmGraph) -> Result<(), Failure> {
    let links = graph.entries.values().filter_map(|entry| match &entry.source {
        Source::Link { target } => Some(target),
        _ => None,
    });
    let mut places = project.folders.keys().chain(&project.tarballs).chain(links);
    match places.find(|place| place.starts_with('/') || place.split('/').any(|part| part == "..")) {
        Some(place) => {
            Err(release.failure(&format!("it depends on {place}, which is outside of the project's folder")))
        }
        None => Ok(()),
    }
}

/// The script that makes what is run; npm runs the same ones of a git dependency, in an order of its own.
fn build_script(manifest: &str) -> Option<String> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let scripts = manifest.get("scripts")?.as_object()?;
    // Hooks of git are for those who commit.
    let builds = |name: &&&str| {
        let command = scripts.get(**name).and_then(Value::as_str).unwrap_or_default();
        !command.is_empty() && !command.starts_with("husky")
    };
    BUILD_SCRIPTS.iter().find(builds).map(|name| (*name).to_owned())
}

fn git_failure(error: &GitSourceError) -> Failure {
    Failure::new(FailureClass::Upstream, error)
}
