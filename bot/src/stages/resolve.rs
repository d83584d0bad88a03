//! Resolve: from a release to a plan, by fetching whatever the resolver asks for, all of it at once.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::archive::{ArchiveError, CrateFacts, Limits, read_crate};
use nixwright_resolver::cargo::{Release, step};
use nixwright_resolver::catalog::{Catalog, CrateVersion, Request, Step};
use nixwright_resolver::plan::Plan;
use sha2::{Digest, Sha256};

use super::Failure;
use crate::clients::cargo::{Cargo, CargoError};
use crate::clients::crates_io::{CratesIo, CratesIoError};
use crate::clients::files;
use crate::model::FailureClass;

/// How many crates are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// The resolver asks in three rounds at most (root, lock, metadata); more means that it asks in a circle.
const MOST_ROUNDS: usize = 6;

/// Changes when plans or facts that an older program cached must not be used any more.
const CACHE_VERSION: &str = "1";

/// What resolving needs of the world.
#[derive(Debug, Clone)]
pub struct Resolver {
    /// The registry.
    pub crates: CratesIo,
    /// The judge of what belongs together.
    pub cargo: Cargo,
    /// Where facts and plans are kept; they never change, so for ever.
    pub cache: PathBuf,
    /// What an archive may ask of us.
    pub limits: Limits,
}

impl Resolver {
    /// The plan of a release; from the cache if this very release was resolved before.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn plan(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
        let cached = self.cache.join("plans").join(format!("{}.json", cache_key(release)));
        if let Some(plan) = read_json(&cached)? {
            return Ok(plan);
        }
        let plan = self.resolve(release, progress).await?;
        write_json(&cached, &plan)?;
        Ok(plan)
    }

    async fn resolve(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
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
        let mut crates = Vec::new();
        for request in requests {
            match request {
                Request::Crate(id) => crates.push(id),
                Request::TargetCfg(triple) => {
                    let cfg = self.cargo.target_cfg(&triple).await.map_err(|error| cargo_failure(&error))?;
                    catalog.target_cfgs.insert(triple, cfg);
                }
                Request::Lock => {
                    let index = self.crates.index().as_str();
                    let lock = self.cargo.generate_lock(release, catalog, index).await;
                    catalog.lock = Some(lock.map_err(|error| cargo_failure(&error))?);
                }
                Request::Metadata => {
                    let metadata = self.cargo.metadata(release, catalog).await;
                    catalog.metadata = Some(metadata.map_err(|error| cargo_failure(&error))?);
                }
            }
        }
        progress.inc_length(crates.len() as u64);
        let facts: Vec<(String, CrateFacts)> = stream::iter(crates)
            .map(|id| async move {
                let facts = self.facts(&id).await?;
                progress.inc(1);
                Ok::<_, Failure>((id.sha256, facts))
            })
            .buffer_unordered(PARALLEL_FETCHES)
            .try_collect()
            .await?;
        catalog.crates.extend(facts);
        Ok(())
    }

    /// What a crate's archive teaches; read once, in the pass after its checksum was verified.
    async fn facts(&self, id: &CrateVersion) -> Result<CrateFacts, Failure> {
        let (prefix, _) = id.sha256.split_at_checked(2).unwrap_or_default();
        let cached = self.cache.join("facts").join(prefix).join(format!("{}-{CACHE_VERSION}.json", id.sha256));
        if let Some(facts) = read_json(&cached)? {
            return Ok(facts);
        }
        let file =
            self.crates.crate_file(&id.name, &id.version, &id.sha256).await.map_err(|error| crates_failure(&error))?;
        let (id, limits) = (id.clone(), self.limits);
        let facts = tokio::task::spawn_blocking(move || read_archive(&file, &id, limits))
            .await
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
        write_json(&cached, &facts)?;
        Ok(facts)
    }
}

fn read_archive(file: &Path, id: &CrateVersion, limits: Limits) -> Result<CrateFacts, Failure> {
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

/// A plan is a function of the release, the toolchain's cfg aside; a new form of plans or facts starts anew.
fn cache_key(release: &Release) -> String {
    let text = format!("{CACHE_VERSION} {} {release:?}", Plan::SCHEMA);
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// Absent, or unreadable by this program (an older one wrote it): both mean that it has to be made again.
fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    let bytes = files::read_optional(path).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(value).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    files::write(path, &bytes).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))
}

fn resolve_failure(error: &ResolveError) -> Failure {
    Failure::new(FailureClass::Resolve, error)
}

fn cargo_failure(error: &CargoError) -> Failure {
    let class = match error {
        CargoError::Absent { .. } | CargoError::Folder { .. } => FailureClass::Infrastructure,
        CargoError::Refused { .. } | CargoError::StaleLock { .. } | CargoError::Resolve(_) => FailureClass::Resolve,
    };
    Failure::new(class, error)
}

fn crates_failure(error: &CratesIoError) -> Failure {
    Failure::new(super::watch::crates_class(error), error)
}
