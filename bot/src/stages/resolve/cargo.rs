//! Rust releases: crates from the registry, and what only cargo can say.

mod project;
mod unified;
mod vouched;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::archive::{ArchiveError, CrateFacts, CrateTexts, Limits, read_crate};
use nixwright_resolver::cargo::tree::{Tree, TreeReader};
use nixwright_resolver::cargo::{Release, SystemTriple, step};
use nixwright_resolver::catalog::{Catalog, CrateVersion, Request, Step, tree_key};
use nixwright_resolver::plan::cargo::{Origin, Selection};
use nixwright_resolver::plan::{Graph, Plan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::Resolver;
use crate::clients::cargo::{Cargo, CargoError};
use crate::clients::crates_io::{CratesIo, CratesIoError, OtherRegistries};
use crate::clients::files;
use crate::clients::git::GitSources;
use crate::model::{Failure, FailureClass};
use crate::stages::watch;

pub use self::project::{CargoProject, CargoProjectError, read_cargo_project};
pub use self::unified::Unified;

/// How many crates are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// The resolver asks in few rounds (root, lock, crates, metadata, and perhaps the last three again); more means that it asks in a circle.
const MOST_ROUNDS: usize = 8;

/// Changes when facts that an older program kept must not be used any more.
const FACTS_VERSION: &str = "6";

/// What resolving a crate needs of the world.
#[derive(Debug, Clone)]
pub struct CrateReleases {
    /// The registry.
    pub crates: CratesIo,
    /// Other registries, as locks name them.
    pub registries: OtherRegistries,
    /// Repositories that packages come from.
    pub git: GitSources,
    /// The judge of what belongs together.
    pub cargo: Cargo,
    /// Where facts are kept; they never change, so for ever.
    pub cache: PathBuf,
    /// What an archive may ask of us.
    pub limits: Limits,
}

impl Resolver {
    /// What resolves crates.
    pub fn crate_releases(&self) -> CrateReleases {
        CrateReleases {
            crates: self.crates.clone(),
            registries: self.registries.clone(),
            git: self.npm.git.clone(),
            cargo: self.cargo.clone(),
            cache: self.cache.clone(),
            limits: self.limits,
        }
    }
}

impl CrateReleases {
    /// The same for a project of this machine's own user, whose dependencies may be repositories on this machine.
    #[must_use]
    pub fn with_local_repositories(self) -> Self {
        Self { git: self.git.with_local(), ..self }
    }

    /// The plan of a release, made from what is kept and, for what is not, from the registry.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
        // All facts of a release in one file: opening hundreds takes as long as everything else that is done with them.
        let bundle = self.kept_file("bundles", &release.root);
        let mut catalog = Catalog { crates: kept(&bundle)?.unwrap_or_default(), ..Catalog::default() };
        let known = catalog.crates.len();
        let plan = self.plan_of(release, &mut catalog, progress).await?;
        if catalog.crates.len() > known {
            keep(&bundle, &catalog.crates)?;
        }
        Ok(plan)
    }

    /// As [`plan`](Self::plan), with what is known already: a project's tree.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan_of(
        &self,
        release: &Release,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<Plan, Failure> {
        for _ in 0..MOST_ROUNDS {
            match step(release, catalog).map_err(|error| resolve_failure(&error))? {
                Step::Done(mut plan) => {
                    self.add_downloads(&mut plan).await?;
                    return Ok(*plan);
                }
                Step::Need(requests) => self.fetch(release, requests, catalog, progress).await?,
            }
        }
        Err(Failure {
            class: FailureClass::Resolve,
            message: format!("the resolution of {} does not end; this is a bug", release.root.label()),
        })
    }

    /// Where other registries have their files, which only they say.
    async fn add_downloads(&self, plan: &mut Plan) -> Result<(), Failure> {
        let Graph::Cargo(graph) = &mut plan.graph else { return Ok(()) };
        for package in graph.packages.values_mut() {
            if let Origin::Registry { index, download } = &mut package.origin {
                let registry = self.registries.open(index).await.map_err(|error| crates_failure(&error))?;
                let url = registry.download_url(&package.name, &package.version, &package.sha256).await;
                *download = url.map_err(|error| crates_failure(&error))?.into();
            }
        }
        Ok(())
    }

    /// The plan of a project on disk; `selection` may choose among its members, else all that are meant are built.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn project_plan(
        &self,
        project: CargoProject,
        systems: Vec<SystemTriple>,
        mut selection: Selection,
        progress: &ProgressBar,
    ) -> Result<Plan, Failure> {
        if selection.members.is_empty() {
            selection.members.clone_from(&project.members);
        }
        let mut catalog = Catalog::default();
        let key = project.key().to_owned();
        catalog.trees.insert(key, project.tree);
        let root = CrateVersion { name: project.name, version: project.version, sha256: String::new() };
        let release = Release { root, project: Some(project.project), lock: None, systems, selection };
        self.plan_of(&release, &mut catalog, progress).await
    }

    async fn fetch(
        &self,
        release: &Release,
        requests: Vec<Request>,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut asked_of_cargo = Vec::new();
        let mut crates = Vec::new();
        for request in requests {
            match request {
                Request::Crate(..) | Request::Texts(..) => crates.push(request),
                Request::Tree { url, commit } => {
                    let tree = self.tree(&url, &commit).await?;
                    catalog.trees.insert(tree_key(&url, &commit), tree);
                }
                Request::TargetCfg(triple) => {
                    let cfg = self.cargo.target_cfg(&triple).await.map_err(|error| cargo_failure(&error))?;
                    catalog.target_cfgs.insert(triple, cfg);
                }
                Request::Lock | Request::Metadata => asked_of_cargo.push(request),
            }
        }
        self.fetch_crates(crates, catalog, progress).await?;
        for request in asked_of_cargo {
            if request == Request::Lock {
                self.make_lock(release, catalog).await?;
                continue;
            }
            match self.cargo.metadata(release, catalog).await {
                Ok(metadata) => catalog.metadata = Some(metadata),
                // Once: what cargo made itself does fit.
                Err(CargoError::StaleLock { .. }) if catalog.lock.is_none() => self.make_lock(release, catalog).await?,
                Err(error) => return Err(cargo_failure(&error)),
            }
        }
        Ok(())
    }

    /// Facts and texts of crates.
    async fn fetch_crates(
        &self,
        requests: Vec<Request>,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        // Everything that is kept is read first: a task for each would cost more than the reading.
        let mut absent = Vec::new();
        for request in requests {
            match request {
                Request::Crate(id, registry) => match kept(&self.facts_file(&id))? {
                    Some(facts) => drop(catalog.crates.insert(id.sha256, facts)),
                    None => absent.push((id, registry)),
                },
                Request::Texts(id, registry) => match kept(&self.texts_file(&id))? {
                    Some(texts) => drop(catalog.texts.insert(id.sha256, texts)),
                    None => absent.push((id, registry)),
                },
                Request::Tree { .. } | Request::TargetCfg(_) | Request::Lock | Request::Metadata => {}
            }
        }
        absent.sort();
        absent.dedup();
        self.read_archives(absent, catalog, progress).await
    }

    async fn make_lock(&self, release: &Release, catalog: &mut Catalog) -> Result<(), Failure> {
        let lock = self.cargo.generate_lock(release, catalog, self.crates.index().as_str()).await;
        catalog.lock = Some(lock.map_err(|error| cargo_failure(&error))?);
        Ok(())
    }

    /// What a commit's tree teaches; read once.
    pub(super) async fn tree(&self, url: &str, commit: &str) -> Result<Tree, Failure> {
        let name = HEXLOWER.encode(&Sha256::digest(tree_key(url, commit).as_bytes()));
        let path = self.cache.join(format!("cargo-trees-{FACTS_VERSION}")).join(name);
        if let Some(tree) = kept(&path)? {
            return Ok(tree);
        }
        let read = self.git.read(url, Some(commit), TreeReader::wants).await;
        let (hash, files) = read.map_err(|error| Failure::new(FailureClass::Upstream, &error))?;
        let mut reader = TreeReader::default();
        for (path, content) in files {
            reader.file(&path, &content);
        }
        let tree = Tree { hash, ..reader.finish() };
        keep(&path, &tree)?;
        Ok(tree)
    }

    /// What archives teach; each is read once, in the pass after its checksum was verified.
    async fn read_archives(
        &self,
        crates: Vec<(CrateVersion, Option<String>)>,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.inc_length(crates.len() as u64);
        let mut read = stream::iter(crates)
            .map(|(id, registry)| async move {
                let (facts, texts) = self.read_archive(&id, registry.as_deref()).await?;
                progress.inc(1);
                Ok::<_, Failure>((id.sha256, facts, texts))
            })
            .buffer_unordered(PARALLEL_FETCHES);
        while let Some((sha256, facts, texts)) = read.try_next().await? {
            catalog.crates.insert(sha256.clone(), facts);
            catalog.texts.insert(sha256, texts);
        }
        Ok(())
    }

    async fn read_archive(
        &self,
        id: &CrateVersion,
        registry: Option<&str>,
    ) -> Result<(CrateFacts, CrateTexts), Failure> {
        let registry = match registry {
            Some(index) => self.registries.open(index).await.map_err(|error| crates_failure(&error))?,
            None => self.crates.clone(),
        };
        let file = registry.crate_file(&id.name, &id.version, &id.sha256).await;
        let file = file.map_err(|error| crates_failure(&error))?;
        let (owned, limits) = (id.clone(), self.limits);
        let (facts, texts) = tokio::task::spawn_blocking(move || read_archive(&file, &owned, limits))
            .await
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
        keep(&self.texts_file(id), &texts)?;
        keep(&self.facts_file(id), &facts)?;
        Ok((facts, texts))
    }

    fn facts_file(&self, id: &CrateVersion) -> PathBuf {
        self.kept_file("facts", id)
    }

    fn texts_file(&self, id: &CrateVersion) -> PathBuf {
        self.kept_file("texts", id)
    }

    fn kept_file(&self, kind: &str, id: &CrateVersion) -> PathBuf {
        let (prefix, rest) = id.sha256.split_at_checked(2).unwrap_or_default();
        self.cache.join(format!("cargo-{kind}-{FACTS_VERSION}/{prefix}/{rest}"))
    }
}

/// What is kept in a file in postcard's form; absent or damaged files mean that it has to be made again.
fn kept<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let bytes = files::read_optional(path).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    Ok(bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok()))
}

fn keep(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new(FailureClass::Infrastructure, error);
    let bytes = postcard::to_stdvec(value).map_err(|error| failed(&error))?;
    files::write(path, &bytes).map_err(|error| failed(&error))
}

fn read_archive(file: &Path, id: &CrateVersion, limits: Limits) -> Result<(CrateFacts, CrateTexts), Failure> {
    let refused = |error: ArchiveError| Failure {
        class: FailureClass::Upstream,
        message: format!("the archive of {} is refused: {error}", id.label()),
    };
    let open = File::open(file).and_then(|open| Ok((open.metadata()?.len(), open)));
    let (length, archive) = open.map_err(|error: io::Error| Failure {
        class: FailureClass::Infrastructure,
        message: format!("cannot read {}: {error}", file.display()),
    })?;
    if length > limits.compressed {
        return Err(refused(ArchiveError::TooLarge { what: "compressed bytes", limit: limits.compressed }));
    }
    read_crate(archive, &id.name, &id.version, limits).map_err(refused)
}

fn resolve_failure(error: &ResolveError) -> Failure {
    Failure::new(FailureClass::Resolve, error)
}

fn cargo_failure(error: &CargoError) -> Failure {
    let class = match error {
        CargoError::Absent { .. } | CargoError::Folder { .. } | CargoError::Kept(_) => FailureClass::Infrastructure,
        CargoError::Refused { .. } | CargoError::StaleLock { .. } | CargoError::Resolve(_) => FailureClass::Resolve,
    };
    Failure::new(class, error)
}

fn crates_failure(error: &CratesIoError) -> Failure {
    Failure::new(watch::crates_class(error), error)
}
