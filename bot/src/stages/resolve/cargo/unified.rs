//! The overlay lock: the part of it that a program takes.

use std::path::PathBuf;

use data_encoding::HEXLOWER;
use indicatif::ProgressBar;
use nixwright_resolver::cargo::Release;
use nixwright_resolver::cargo::pool::{Pool, from_elsewhere};
use nixwright_resolver::catalog::{Catalog, CrateVersion, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CrateReleases, FACTS_VERSION, cargo_failure, keep, kept, resolve_failure};
use crate::model::{Failure, FailureClass};

/// What a program makes of the overlay lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unified {
    /// The lock that it is built with: its part of the overlay's, and what only its own has.
    Lock(String),
    /// It stays with its own, for this reason.
    Alone(String),
}

impl CrateReleases {
    /// The lock that upstream ships with a release; nothing where there is none.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, hash or infrastructure.
    pub async fn shipped_lock(&self, root: &CrateVersion, progress: &ProgressBar) -> Result<Option<String>, Failure> {
        let catalog = self.known([root.clone()], progress).await?;
        Ok(catalog.texts.get(&root.sha256).and_then(|texts| texts.lock.clone()))
    }

    /// The lock of a release with the versions of a pool, as far as its requirements allow.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, hash or infrastructure; that it cannot join is an answer.
    pub async fn unified(&self, release: &Release, pool: &Pool, progress: &ProgressBar) -> Result<Unified, Failure> {
        let kept_at = self.kept_part(release, pool)?;
        if let Some(part) = kept(&kept_at)? {
            return Ok(part);
        }
        let part = self.make_part(release, pool, progress).await?;
        // A refusal may have other reasons than the manifests.
        if matches!(part, Unified::Lock(_)) {
            keep(&kept_at, &part)?;
        }
        Ok(part)
    }

    async fn make_part(&self, release: &Release, pool: &Pool, progress: &ProgressBar) -> Result<Unified, Failure> {
        let label = release.root.label();
        let Some(own) = self.shipped_lock(&release.root, progress).await? else {
            return Ok(Unified::Alone("upstream ships no Cargo.lock".to_owned()));
        };
        if let Some(other) = from_elsewhere(&label, &own).map_err(|error| resolve_failure(&error))? {
            return Ok(Unified::Alone(format!("{other} is not from the public registry")));
        }
        let mut said = String::new();
        // What the others have comes first, whatever is newer in its own lock; what fits nowhere else is its own.
        let completed = pool.completed(&label, &own).map_err(|error| resolve_failure(&error))?;
        let with_all = pool.with_lock(&label, &own).map_err(|error| resolve_failure(&error))?;
        for pool in [completed, with_all] {
            let wanted = std::iter::once(release.root.clone()).chain(pool.crates());
            let catalog = self.known(wanted, progress).await?;
            match self.cargo.lock_of_pool(release, &catalog, &pool).await {
                Ok(lock) => return Ok(Unified::Lock(lock)),
                Err(error) if error.is_refusal() => said = error.to_string(),
                Err(error) => return Err(cargo_failure(&error)),
            }
        }
        Ok(Unified::Alone(said))
    }

    /// What cargo makes of the same manifests and the same pool is the same; the release's features play no part in it.
    fn kept_part(&self, release: &Release, pool: &Pool) -> Result<PathBuf, Failure> {
        let pool = serde_json::to_string(pool).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        let text = format!("{FACTS_VERSION} {} {pool}", release.root.sha256);
        Ok(self.cache.join("cargo-parts").join(HEXLOWER.encode(&Sha256::digest(text.as_bytes()))))
    }

    /// What is known of some crates, read from where it is kept or from the registry.
    async fn known(
        &self,
        crates: impl IntoIterator<Item = CrateVersion>,
        progress: &ProgressBar,
    ) -> Result<Catalog, Failure> {
        let mut catalog = Catalog::default();
        let requests = crates.into_iter().map(|id| Request::Texts(id, None)).collect();
        self.fetch_crates(requests, &mut catalog, progress).await?;
        Ok(catalog)
    }
}
