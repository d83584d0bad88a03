//! Rust releases: crates from the registry, and what only cargo can say.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::archive::{ArchiveError, CrateFacts, CrateTexts, Limits, read_crate};
use nixwright_resolver::cargo::{Release, step};
use nixwright_resolver::catalog::{Catalog, CrateVersion, Request, Step};
use nixwright_resolver::plan::Plan;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Resolver;
use crate::clients::cargo::{Cargo, CargoError};
use crate::clients::crates_io::{CratesIo, CratesIoError};
use crate::clients::files;
use crate::model::{Failure, FailureClass};
use crate::stages::watch;

/// How many crates are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// The resolver asks in four rounds at most (root, lock, crates, metadata); more means that it asks in a circle.
const MOST_ROUNDS: usize = 6;

/// Changes when facts that an older program kept must not be used any more.
const FACTS_VERSION: &str = "5";

/// What resolving a crate needs of the world.
#[derive(Debug, Clone)]
pub struct CrateReleases {
    /// The registry.
    pub crates: CratesIo,
    /// The judge of what belongs together.
    pub cargo: Cargo,
    /// Where facts are kept; they never change, so for ever.
    pub cache: PathBuf,
    /// What an archive may ask of us.
    pub limits: Limits,
}

impl Resolver {
    pub(super) fn crate_releases(&self) -> CrateReleases {
        let (crates, cargo) = (self.crates.clone(), self.cargo.clone());
        CrateReleases { crates, cargo, cache: self.cache.clone(), limits: self.limits }
    }
}

impl CrateReleases {
    /// The plan of a release, made from what is kept and, for what is not, from the registry.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
        let mut catalog = Catalog::default();
        for _ in 0..MOST_ROUNDS {
            match step(release, &catalog).map_err(|error| resolve_failure(&error))? {
                Step::Done(plan) => return Ok(*plan),
                Step::Need(requests) => self.fetch(release, requests, &mut catalog, progress).await?,
            }
        }
        Err(Failure {
            class: FailureClass::Resolve,
            message: format!("the resolution of {} does not end; this is a bug", release.root.label()),
        })
    }

    async fn fetch(
        &self,
        release: &Release,
        requests: Vec<Request>,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        // Everything that is kept is read first: a task for each would cost more than the reading.
        let mut absent = Vec::new();
        let mut asked_of_cargo = Vec::new();
        for request in requests {
            match request {
                Request::Crate(id) => match kept(&self.facts_file(&id))? {
                    Some(facts) => drop(catalog.crates.insert(id.sha256, facts)),
                    None => absent.push(id),
                },
                Request::Texts(id) => match kept(&self.texts_file(&id))? {
                    Some(texts) => drop(catalog.texts.insert(id.sha256, texts)),
                    None => absent.push(id),
                },
                Request::TargetCfg(triple) => {
                    let cfg = self.cargo.target_cfg(&triple).await.map_err(|error| cargo_failure(&error))?;
                    catalog.target_cfgs.insert(triple, cfg);
                }
                Request::Lock | Request::Metadata => asked_of_cargo.push(request),
            }
        }
        absent.sort();
        absent.dedup();
        self.read_archives(absent, catalog, progress).await?;
        for request in asked_of_cargo {
            if request == Request::Lock {
                let index = self.crates.index().as_str();
                let lock = self.cargo.generate_lock(release, catalog, index).await;
                catalog.lock = Some(lock.map_err(|error| cargo_failure(&error))?);
            } else {
                let metadata = self.cargo.metadata(release, catalog).await;
                catalog.metadata = Some(metadata.map_err(|error| cargo_failure(&error))?);
            }
        }
        Ok(())
    }

    /// What archives teach; each is read once, in the pass after its checksum was verified.
    async fn read_archives(
        &self,
        crates: Vec<CrateVersion>,
        catalog: &mut Catalog,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        progress.inc_length(crates.len() as u64);
        let mut read = stream::iter(crates)
            .map(|id| async move {
                let (facts, texts) = self.read_archive(&id).await?;
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

    async fn read_archive(&self, id: &CrateVersion) -> Result<(CrateFacts, CrateTexts), Failure> {
        let file =
            self.crates.crate_file(&id.name, &id.version, &id.sha256).await.map_err(|error| crates_failure(&error))?;
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
