//! Programs of releases: the main module is the release itself, as its zip has it.

use std::sync::Arc;

use indicatif::ProgressBar;
use nixwright_resolver::go::catalog::{Known, LocalModule, Lookup, ModuleVersion, Need, Project};
use nixwright_resolver::go::facts::ModuleFacts;
use nixwright_resolver::go::modfile::{GoMod, Reading};
use nixwright_resolver::go::version::gover;
use nixwright_resolver::plan::go::{GoGraph, Proof};
use nixwright_resolver::plan::npm::Trust;
use nixwright_resolver::plan::{Graph, Metadata, Plan};

use super::fetch::failure;
use super::{GoGraphs, GoTarget};
use crate::clients::endpoints;
use crate::clients::go::sumdb::Verdict;
use crate::config::Upstream;
use crate::model::{Failure, FailureClass, System};

/// A program of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoRelease {
    /// The module's path.
    pub module: String,
    /// The version.
    pub version: String,
    /// The folder of the program in the module; nothing means the module's root.
    pub subpath: Option<String>,
    /// The systems that the graph is for.
    pub systems: Vec<System>,
    /// Build tags.
    pub tags: Vec<String>,
    /// Whether C is compiled.
    pub cgo: bool,
    /// Whether one that needs a newer Go than there is has a graph too, so that people can be told of it before it is built; Go
    /// itself refuses it.
    pub even_too_new: bool,
}

impl GoRelease {
    /// The import path of the program's package.
    pub fn program(&self) -> String {
        self.subpath.as_ref().map_or_else(|| self.module.clone(), |folder| format!("{}/{folder}", self.module))
    }

    fn key(&self) -> String {
        format!("{}@{}", self.program(), self.version)
    }
}

impl GoGraphs {
    /// The plan of a release.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &GoRelease, progress: &ProgressBar) -> Result<Plan, Failure> {
        let mut graph = self.release_graph(release, progress).await?;
        let (trust, proof) = self.judge(release).await?;
        if let Some(module) = graph.modules.get_mut(&release.module) {
            module.checked = trust;
            module.proof = proof;
        }
        Ok(self.plan_of(release, graph).await)
    }

    /// The graph of a release.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn release_graph(&self, release: &GoRelease, progress: &ProgressBar) -> Result<GoGraph, Failure> {
        let GoRelease { systems, tags, cgo, .. } = release;
        let target = GoTarget { systems: systems.clone(), cgo: *cgo, tags: tags.clone() };
        let project = self.release_project(release).await?;
        let mut target = target.with(self.standard().await?);
        if release.even_too_new {
            let needed = project.mains.iter().filter_map(|main| GoMod::parse(&main.go_mod, Reading::Main).ok()?.go);
            target.go = needed.into_iter().find(|go| gover::compare(go, target.standard.version()).is_gt());
        }
        self.graph_for(&project, &target, &release.key(), progress).await
    }

    /// The modules that a release is built from, as `go list -m all` prints them.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn release_build_list(
        &self,
        release: &GoRelease,
        progress: &ProgressBar,
    ) -> Result<Vec<String>, Failure> {
        self.build_list(&self.release_project(release).await?, &release.key(), progress).await
    }

    async fn release_project(&self, release: &GoRelease) -> Result<Project, Failure> {
        let GoRelease { module, version, .. } = release;
        let facts = self.root(module, version).await?;
        let go_mod = facts.go_mod().map_or_else(|| GoMod::without_file(module), str::to_owned);
        let main = LocalModule {
            dir: ".".to_owned(),
            go_mod,
            go_sum: facts.go_sum().map(str::to_owned),
            facts,
            version: Some(version.clone()),
        };
        Ok(Project { mains: vec![main], programs: vec![release.program()], ..Project::default() })
    }

    /// What a release's own zip teaches.
    async fn root(&self, module: &str, version: &str) -> Result<Arc<ModuleFacts>, Failure> {
        let version = ModuleVersion { path: module.to_owned(), version: version.to_owned() };
        let mut known = Known::default();
        self.fetch(vec![Need::Zip(version.clone())], &mut known, &ProgressBar::hidden()).await?;
        match known.zips.remove(&version) {
            Some(Lookup::Found(facts)) => Ok(facts),
            Some(Lookup::Absent { why }) => Err(Failure { class: FailureClass::Upstream, message: why }),
            None => Err(Failure { class: FailureClass::Upstream, message: format!("{version} cannot be had") }),
        }
    }

    /// What the checksum database says of the release itself: go.sum files say something of every module but this one.
    async fn judge(&self, release: &GoRelease) -> Result<(Trust, Option<Proof>), Failure> {
        let GoRelease { module, version, .. } = release;
        let facts = self.root(module, version).await?;
        match self.sumdb.check(module, version, facts.sum()).await.map_err(|error| failure(&error))? {
            Verdict::Verified(proof) => Ok((Trust::Verified, Some(proof))),
            Verdict::Unavailable { why } => {
                tracing::debug!(
                    go.module = module,
                    go.version = version,
                    "not checked by the checksum database: {why}"
                );
                Ok((Trust::Unavailable, None))
            }
            Verdict::Failed { why } => Err(Failure {
                class: FailureClass::Hash,
                message: format!("{module}@{version} is not what everybody else was given, so it is not built: {why}"),
            }),
        }
    }

    /// A release's graph with what is known of the module for people.
    pub async fn plan_of(&self, release: &GoRelease, graph: GoGraph) -> Plan {
        let GoRelease { module, version, subpath, .. } = release;
        // It was asked for when the release was chosen; without it only the repository's address may be missing.
        let origin = self.modules.info(module, version).await.ok().and_then(|info| info.origin?.url);
        let license = graph.modules.get(module).and_then(|module| module.license.clone());
        let upstream = Upstream::Go { module: module.clone(), subpath: subpath.clone() };
        Plan {
            schema: Plan::SCHEMA,
            purl: upstream.release(version),
            name: module.clone(),
            version: version.clone(),
            metadata: Metadata {
                license,
                homepage: endpoints::go_module_page(module).map(String::from),
                repository: origin.filter(|url| is_browsable(url)).or_else(|| repository_of(module)),
                ..Metadata::default()
            },
            commit: None,
            graph: Graph::Go(graph),
        }
    }
}

fn is_browsable(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The repository of a module whose path names it.
fn repository_of(module: &str) -> Option<String> {
    let mut elements = module.splitn(4, '/').skip(1);
    let name = format!("{}/{}", elements.next()?, elements.next()?);
    endpoints::github_repository(&name)
        .map(String::from)
        .filter(|url| url.strip_prefix("https://").is_some_and(|place| module.starts_with(place)))
}
