//! Resolve: from a release to a plan, by fetching whatever the resolver asks for, all of it at once.

mod cargo;
mod go;
mod npm;
mod repository;

use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use nixwright_resolver::archive::Limits;
use nixwright_resolver::cargo::SystemTriple;
use nixwright_resolver::catalog::CrateVersion;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::Selection;
use sha2::{Digest, Sha256};

pub use self::cargo::{CargoProject, CargoProjectError, CrateReleases, Unified, read_cargo_project};
pub use self::go::{
    GoGraphs, GoProjectError, GoRelease, GoTarget, MODULES_TXT, NoToolchain, VENDOR, go_project_plan, read_go_project,
};
pub use self::npm::{NpmRelease, NpmTrees, ProjectError, has_others_lock, project_plan, read_project};
pub use self::repository::{RepositoryRelease, repository_plan};
use super::watch::{Candidate, Origin};
use crate::clients::cargo::Cargo;
use crate::clients::crates_io::{CratesIo, OtherRegistries};
use crate::clients::files;
use crate::clients::github::Upstreams;
use crate::config::Package;
use crate::model::{Failure, FailureClass, System};

/// Changes when plans or facts that an older program cached must not be used any more.
const CACHE_VERSION: &str = "7";

/// What is to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// A crate.
    Cargo(nixwright_resolver::cargo::Release),
    /// A program of a Go module.
    Go(GoRelease),
    /// A package of the npm registry.
    Npm(NpmRelease),
    /// A commit of a repository.
    Repository(RepositoryRelease),
}

impl Release {
    /// A release as a package's configuration wants it. A plan is for machines that build for themselves.
    pub fn of(candidate: &Candidate, package: &Package, systems: &[System]) -> Self {
        match &candidate.origin {
            Origin::Cargo { name, sha256 } => Self::Cargo(nixwright_resolver::cargo::Release {
                root: CrateVersion { name: name.clone(), version: candidate.version.clone(), sha256: sha256.clone() },
                project: None,
                lock: None,
                systems: systems.iter().map(native).collect(),
                selection: selection(package),
            }),
            Origin::Go { module, subpath } => Self::Go(GoRelease {
                module: module.clone(),
                version: candidate.version.clone(),
                subpath: subpath.clone(),
                systems: systems.to_vec(),
                tags: package.go.tags.clone(),
                cgo: package.go.cgo,
                even_too_new: true,
            }),
            Origin::Npm { name, integrity } => Self::Npm(NpmRelease {
                name: name.clone(),
                version: candidate.version.clone(),
                integrity: integrity.clone(),
                systems: systems.iter().map(System::to_string).collect(),
            }),
            Origin::GitHub { repository, subpath, tag, commit } => Self::Repository(RepositoryRelease {
                repository: repository.clone(),
                subpath: subpath.clone(),
                version: candidate.version.clone(),
                tag: tag.clone(),
                commit: commit.clone(),
                systems: systems.iter().map(native).collect(),
                selection: selection(package),
            }),
        }
    }
}

/// What of a Rust package or workspace its configuration wants.
pub fn selection(package: &Package) -> Selection {
    Selection {
        features: package.features.iter().cloned().collect(),
        no_default_features: package.no_default_features,
        all_features: package.all_features,
        binaries: package.binaries.iter().cloned().collect(),
        members: package.members.iter().cloned().collect(),
    }
}

/// A system that builds for itself.
pub fn native(system: &System) -> SystemTriple {
    SystemTriple { system: system.to_string(), target: system.triple().to_owned(), host: system.triple().to_owned() }
}

/// What resolving needs of the world.
#[derive(Debug, Clone)]
pub struct Resolver {
    /// The registry of crates.
    pub crates: CratesIo,
    /// Other registries of crates.
    pub registries: OtherRegistries,
    /// The judge of what belongs together.
    pub cargo: Cargo,
    /// Go modules, and what graphs depend on beside them.
    pub go: GoGraphs,
    /// The registry of npm packages, and what trees depend on beside it.
    pub npm: NpmTrees,
    /// The GitHub where releases are that no registry has.
    pub github: Upstreams,
    /// Where facts and plans are kept; they never change, so for ever.
    pub cache: PathBuf,
    /// What an archive may ask of us.
    pub limits: Limits,
}

impl Resolver {
    /// The plan of a release; from the cache if this very release was resolved before.
    ///
    /// For npm, where the plan depends on what the registry has by now, this is what makes a release that was published stay
    /// as it was published; see [`plan_anew`](Self::plan_anew) for one that was not.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
        match read_json(&self.kept_plan(release).await?)? {
            Some(plan) => Ok(plan),
            None => self.plan_anew(release, progress).await,
        }
    }

    /// The plan of a release as it is now, which is kept instead of an older one: for a release that did not work, because what
    /// it depends on may have been mended meanwhile. For crates, whose lock is fixed, the plan is the same.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan_anew(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
        let plan = match release {
            Release::Go(release) => self.go.plan(release, progress).await?,
            Release::Cargo(release) => self.crate_releases().plan(release, progress).await?,
            Release::Npm(release) => self.npm.plan(release, progress).await?,
            Release::Repository(release) => {
                Box::pin(repository_plan(release, &self.crate_releases(), &self.npm, progress)).await?
            }
        };
        write_json(&self.kept_plan(release).await?, &plan)?;
        Ok(plan)
    }

    /// A plan is a function of the release, the toolchain's cfg, node's version or Go's standard library, and (npm) the time at
    /// which it was made; a new form of plans or facts starts anew.
    async fn kept_plan(&self, release: &Release) -> Result<PathBuf, Failure> {
        let tool = match release {
            Release::Cargo(_) => String::new(),
            Release::Go(_) => self.go.rules().await?,
            Release::Npm(_) | Release::Repository(_) => self.npm.node.clone(),
        };
        let text = format!("{CACHE_VERSION} {} {tool}{release:?}", Plan::SCHEMA);
        let key = data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        Ok(self.cache.join("plans").join(format!("{key}.json")))
    }
}

/// Absent, or unreadable by this program (an older one wrote it): both mean that it has to be made again.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let bytes = files::read_optional(path).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

pub(super) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(value).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    files::write(path, &bytes).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))
}
