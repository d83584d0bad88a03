//! Rust releases: crates from the registry, and what only cargo can say.

use std::fs::File;
use std::io;
use std::path::Path;

use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use nixwright_resolver::ResolveError;
use nixwright_resolver::archive::{ArchiveError, CrateFacts, Limits, read_crate};
use nixwright_resolver::cargo::{Release, step};
use nixwright_resolver::catalog::{Catalog, CrateVersion, Request, Step};
use nixwright_resolver::plan::Plan;

use super::{CACHE_VERSION, Resolver, read_json, write_json};
use crate::clients::cargo::CargoError;
use crate::clients::crates_io::CratesIoError;
use crate::model::{Failure, FailureClass};
use crate::stages::watch;

/// How many crates are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// The resolver asks in three rounds at most (root, lock, metadata); more means that it asks in a circle.
const MOST_ROUNDS: usize = 6;

impl Resolver {
    pub(super) async fn resolve_cargo(&self, release: &Release, progress: &ProgressBar) -> Result<Plan, Failure> {
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
