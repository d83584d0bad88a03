//! The npm registry, or any with its interface: packuments, manifests of single versions, and tarballs.
//!
//! What is asked for by name alone comes with conditional requests, and is kept in the resolver's compact form; what is
//! asked for by version or by hash is fetched once and read from the cache ever after.

mod choice;
mod documents;
mod error;
mod kept;
mod name;
mod pins;
mod program;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use self::choice::{NpmChoice, NpmVersion, newest, versions, why_nothing};
pub use self::error::NpmError;
pub(crate) use self::name::is_package_name;
pub use self::program::{NpmProgram, NpmProgramError};
pub use self::trust::{Dist, RegistryKeys};
use crate::clients::endpoints;
use crate::clients::files::FileError;
use crate::clients::http::{Http, HttpError};
use crate::clients::integrity::Integrity;

/// The largest document of keys, in bytes.
const KEYS_LIMIT: u64 = 1 << 20;

/// The largest tarball that is taken unless [`Npm::with_archive_limit`] says otherwise, in bytes.
const ARCHIVE_LIMIT: u64 = 64 << 20;

/// How much of a packument is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What is needed to install: no times, no descriptions. Registries may send the full form all the same.
    Abbreviated,
    /// With the times of publishing.
    Full,
}

/// A registry of npm packages; clones share connections and the cache.
#[derive(Debug, Clone)]
pub struct Npm {
    inner: Arc<Inner>,
    archive_limit: u64,
    prefer_offline: bool,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    registry: Url,
    cache: PathBuf,
}

impl Npm {
    /// The registry at `registry` (an address from [`endpoints`], ending in `/`); `cache` is a folder for its own use.
    pub fn new(http: Http, registry: Url, cache: &Path) -> Self {
        let inner = Inner { http, registry, cache: cache.join("npm") };
        Self { inner: Arc::new(inner), archive_limit: ARCHIVE_LIMIT, prefer_offline: false }
    }

    /// The registry's address, ending in `/`.
    pub fn registry(&self) -> &Url {
        &self.inner.registry
    }

    /// The same, taking tarballs up to this size in bytes.
    #[must_use]
    pub fn with_archive_limit(self, bytes: u64) -> Self {
        Self { archive_limit: bytes, ..self }
    }

    /// The same, taking packuments and manifests that were kept without asking whether they have changed, as npm's flag of this name does.
    #[must_use]
    pub fn with_prefer_offline(self, prefer_offline: bool) -> Self {
        Self { prefer_offline, ..self }
    }

    /// The verified tarball at `url`, from the cache or from the registry. The file is to be read only.
    pub async fn tarball(&self, url: &str, integrity: &str) -> Result<PathBuf, NpmError> {
        let promised: Integrity =
            integrity.parse().map_err(|source| NpmError::Integrity { url: url.to_owned(), source })?;
        let address = self.tarball_address(url)?;
        let hex = promised.hex();
        let (prefix, _) = hex.split_at_checked(2).unwrap_or_default();
        let folder = self.inner.cache.join("tarballs").join(promised.algorithm().as_str()).join(prefix);
        let path = folder.join(format!("{hex}.tgz"));
        let (judge, known) = (promised.clone(), path.clone());
        let whole = tokio::task::spawn_blocking(move || judge.holds(&known)).await;
        if whole.map_err(|error| stopped(&path, error))?? {
            return Ok(path);
        }
        match self.inner.http.get_verified(&address, &path, &promised, self.archive_limit).await {
            Ok(()) => Ok(path),
            Err(error) if error.is_absent() => Err(NpmError::TarballNotFound { url: address.to_string() }),
            Err(error) => Err(error.into()),
        }
    }

    /// The tarball at an address that nobody vouches for, and what it is. It is fetched anew each time, unless kept copies
    /// are preferred.
    pub async fn unverified_tarball(&self, url: &str) -> Result<(PathBuf, Integrity), NpmError> {
        let address = self.tarball_address(url)?;
        let key = HEXLOWER.encode(&Sha256::digest(address.as_str().as_bytes()));
        let path = self.inner.cache.join("tarballs/unverified").join(format!("{key}.tgz"));
        if self.prefer_offline && path.exists() {
            let known = path.clone();
            let hashed = tokio::task::spawn_blocking(move || Integrity::of_file(&known)).await;
            return Ok((path.clone(), hashed.map_err(|error| stopped(&path, error))??));
        }
        match self.inner.http.get_unverified(&address, &path, self.archive_limit).await {
            Ok(integrity) => Ok((path, integrity)),
            Err(error) if error.is_absent() => Err(NpmError::TarballNotFound { url: address.to_string() }),
            Err(error) => Err(error.into()),
        }
    }

    /// The verified tarball of a release, at the address that every registry has it at.
    pub async fn registry_tarball(&self, name: &str, version: &str, integrity: &str) -> Result<PathBuf, NpmError> {
        check_name(name)?;
        check_version(name, version)?;
        self.tarball(&endpoints::npm_tarball(self.inner.registry.as_str(), name, version), integrity).await
    }

    /// The keys that the registry signs with; none where it has none, as mirrors do.
    pub async fn keys(&self) -> Result<RegistryKeys, NpmError> {
        let url = self.address("-/npm/v1/keys")?;
        let fetched = self.inner.http.get_conditional(&url, &self.inner.cache.join("keys"), KEYS_LIMIT).await;
        match fetched {
            Ok(fetched) => {
                serde_json::from_slice(&fetched.body).map_err(|error| damaged("its keys", error.to_string()))
            }
            // Some take the path for a package's name, and refuse it.
            Err(HttpError::Status { status, .. }) if matches!(status.as_u16(), 400 | 404 | 405 | 410 | 501) => {
                Ok(RegistryKeys::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses releases of a package of which another hash was seen before: `(version, integrity)`.
    pub fn compare_with_first_seen(&self, package: &str, releases: &[(&str, &str)]) -> Result<(), NpmError> {
        check_name(package)?;
        pins::compare(&self.inner.cache, package, releases)
    }

    /// Where a tarball is fetched from: what is at the public registry by its own account is at this one, as npm has it
    /// (`replace-registry-host`).
    fn tarball_address(&self, url: &str) -> Result<Url, NpmError> {
        let invalid = || NpmError::InvalidAddress { url: url.chars().take(200).collect() };
        if let Some(path) = url.strip_prefix(endpoints::NPM_REGISTRY) {
            return self.address(path);
        }
        let address = Url::parse(url).map_err(|_| invalid())?;
        let plain = address.username().is_empty() && address.password().is_none();
        if !matches!(address.scheme(), "http" | "https") || !address.has_host() || !plain {
            return Err(invalid());
        }
        Ok(address)
    }

    fn address(&self, path: &str) -> Result<Url, NpmError> {
        let registry = &self.inner.registry;
        // Not `join`: to that, `a:b` would be an address of its own.
        let url = Url::parse(&format!("{registry}{path}"));
        url.map_err(|_| NpmError::InvalidAddress { url: path.chars().take(200).collect() })
    }
}

fn check_name(name: &str) -> Result<(), NpmError> {
    if is_package_name(name) { Ok(()) } else { Err(NpmError::InvalidName { name: name.to_owned() }) }
}

fn check_version(name: &str, version: &str) -> Result<(), NpmError> {
    if name::is_version(version) {
        return Ok(());
    }
    Err(NpmError::InvalidVersion { name: name.to_owned(), version: version.to_owned() })
}

fn damaged(package: &str, reason: String) -> NpmError {
    NpmError::Document { package: package.to_owned(), reason }
}

fn stopped(path: &Path, error: tokio::task::JoinError) -> FileError {
    FileError::new("read", path, std::io::Error::other(error))
}
