//! Go: graphs of releases and of local modules, found without running Go.
//!
//! A graph is a function of the module's files and of the toolchain's standard library: modules never change, and which
//! versions count is written down in them. So the same release has the same graph for ever.

mod fetch;
mod kept;
mod project;
mod release;
mod standard;
mod vendor;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::go::catalog::{GoSystem, Known, Need, Project, Step, Target};
use nixwright_resolver::go::facts::StandardLibrary;
use nixwright_resolver::go::graph::{self, GraphStep};
use nixwright_resolver::go::{GoError, step};
use nixwright_resolver::plan::go::GoGraph;

pub use self::project::{GoProjectError, go_project_plan, read_go_project};
pub use self::release::GoRelease;
pub use self::standard::NoToolchain;
pub use self::vendor::{MODULES_TXT, VENDOR};
use crate::clients::go::GoModules;
use crate::clients::go::sumdb::SumdbClient;
use crate::model::{Failure, FailureClass, System};

/// What graphs of Go modules are computed from.
#[derive(Debug, Clone)]
pub struct GoGraphs {
    /// The modules.
    pub modules: GoModules,
    /// Who vouches for them.
    pub sumdb: SumdbClient,
    /// Where the toolchain is looked for, in the form of `PATH`: its standard library belongs to every graph.
    pub search: OsString,
    /// Where what its sources teach is kept.
    pub cache: PathBuf,
}

/// What packages are chosen for.
#[derive(Debug, Clone)]
pub struct GoTarget {
    /// The systems.
    pub systems: Vec<System>,
    /// Whether C is compiled.
    pub cgo: bool,
    /// Build tags.
    pub tags: Vec<String>,
}

impl GoTarget {
    fn with(&self, standard: Arc<StandardLibrary>) -> Target {
        let systems = self.systems.iter().map(go_system).collect();
        Target { systems, cgo: self.cgo, tags: self.tags.clone(), standard, go: None }
    }
}

fn go_system(system: &System) -> GoSystem {
    let (arch, os) = system.as_str().split_once('-').unwrap_or((system.as_str(), "linux"));
    let arch = if arch == "aarch64" { "arm64" } else { "amd64" };
    GoSystem { system: system.to_string(), os: os.to_owned(), arch: arch.to_owned() }
}

impl GoGraphs {
    /// The graph of a local module or workspace. `key` names it among others: what was needed for it last time is read first.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn graph(
        &self,
        project: &Project,
        target: &GoTarget,
        key: &str,
        progress: &ProgressBar,
    ) -> Result<GoGraph, Failure> {
        self.graph_for(project, &target.with(self.standard().await?), key, progress).await
    }

    async fn graph_for(
        &self,
        project: &Project,
        target: &Target,
        key: &str,
        progress: &ProgressBar,
    ) -> Result<GoGraph, Failure> {
        let next = |known: &Known| match step(project, target, known) {
            Ok(Step::Done(graph)) => Ok(Next::Done(*graph)),
            Ok(Step::Need(needs)) => Ok(Next::Need(needs)),
            Err(error) => Err(resolve_failure(&error)),
        };
        self.rounds(next, (project, target.rules()), &format!("graph {key}"), progress).await
    }

    /// The modules that a local module or workspace is built from, as `go list -m all` prints them: without a look at packages.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn build_list(
        &self,
        project: &Project,
        key: &str,
        progress: &ProgressBar,
    ) -> Result<Vec<String>, Failure> {
        let rules = self.rules().await?;
        let next = |known: &Known| match graph::step(project, known, &rules) {
            Ok(GraphStep::Done(list)) => Ok(Next::Done(list.lines())),
            Ok(GraphStep::Need(needs)) => Ok(Next::Need(needs)),
            Err(error) => Err(resolve_failure(&error.into())),
        };
        self.rounds(next, (project, &rules), &format!("build list {key}"), progress).await
    }

    /// Fetches what is asked for until nothing is.
    async fn rounds<T>(
        &self,
        next: impl Fn(&Known) -> Result<Next<T>, Failure>,
        (project, rules): (&Project, &str),
        key: &str,
        progress: &ProgressBar,
    ) -> Result<T, Failure> {
        let mut known = Known::default();
        let mut missing = self.read_kept(kept::needs(self.modules.cache(), key), &mut known).await?;
        let found = loop {
            let needs = match next(&known)? {
                Next::Done(found) => break found,
                Next::Need(needs) => needs,
            };
            if needs.iter().all(|need| is_known(need, &known)) {
                let message = "the resolution asks again for what it knows; this is a bug".to_owned();
                return Err(Failure { class: FailureClass::Resolve, message });
            }
            missing.extend(needs.iter().cloned());
            self.fetch(needs, &mut known, progress).await?;
        };
        if !missing.is_empty() {
            let files = graph::files(project, &known, rules);
            let files = files.unwrap_or_else(|_| known.mods.keys().cloned().collect());
            kept::keep_needs(self.modules.cache(), key, files, &known)?;
        }
        // Many thousands of small pieces: nobody waits until they are free.
        std::thread::spawn(move || drop(known));
        Ok(found)
    }
}

/// Where a resolution stands.
enum Next<T> {
    Need(Vec<Need>),
    Done(T),
}

fn is_known(need: &Need, known: &Known) -> bool {
    match need {
        Need::Mod(version) => known.mods.contains_key(version),
        Need::Zip(version) => known.zips.contains_key(version),
    }
}

fn resolve_failure(error: &ResolveError) -> Failure {
    let class = match error {
        ResolveError::Go(error) if matches!(error.root(), GoError::WrongSum { .. }) => FailureClass::Hash,
        _ => FailureClass::Resolve,
    };
    Failure::new(class, error)
}

#[cfg(test)]
mod tests;
