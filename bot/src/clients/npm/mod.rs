//! The npm registry, or any with its interface: packuments, manifests of single versions, and tarballs.
//!
//! What is asked for by name alone comes with conditional requests, and is kept in the resolver's compact form; what is
//! asked for by version or by hash is fetched once and read from the cache ever after.

mod choice;
mod error;
mod git;
mod kept;
mod name;
mod pins;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use nixwright_resolver::npm::packument::Packument;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use self::choice::{NpmChoice, NpmVersion, newest, versions, why_nothing};
pub use self::error::NpmError;
pub use self::git::{GitSourceError, GitSources};
use self::kept::Kept;
pub(crate) use self::name::is_package_name;
pub use self::trust::{Dist, RegistryKeys};
use crate::clients::endpoints;
use crate::clients::files::{self, FileError};
use crate::clients::http::{Document, Http, HttpError, Validators};
use crate::clients::integrity::Integrity;

/// The largest packument that is read, in bytes: some packages have tens of thousands of versions.
const PACKUMENT_LIMIT: u64 = 256 << 20;

/// The largest manifest of one version, in bytes; a readme may be part of it.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// The largest tarball that is taken unless [`Npm::with_archive_limit`] says otherwise, in bytes.
const ARCHIVE_LIMIT: u64 = 64 << 20;

/// What npm sends for the abbreviated form; a registry that does not know it sends the full one.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";

/// The media type of everything else.
const JSON: &str = "application/json";

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

    /// The same, taking packuments that were kept without asking whether they have changed, as npm's flag of this name does.
    #[must_use]
    pub fn with_prefer_offline(self, prefer_offline: bool) -> Self {
        Self { prefer_offline, ..self }
    }

    /// Everything that the registry says of a package.
    pub async fn packument(&self, name: &str, form: Form) -> Result<Packument, NpmError> {
        check_name(name)?;
        let url = self.address(&name::escaped(name))?;
        let (path, kept) = self.kept(name, form, url.as_str())?;
        if self.prefer_offline
            && let Some(kept) = kept
        {
            return Ok(kept.packument);
        }
        let accept = match form {
            Form::Abbreviated => ABBREVIATED,
            Form::Full => JSON,
        };
        let validators = kept.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default();
        let asked = self.inner.http.get_if_changed(&url, accept, &validators, PACKUMENT_LIMIT).await;
        let document = match (asked, kept) {
            (Ok(None), Some(kept)) => return Ok(kept.packument),
            // A server that says "not changed" of what was never asked for conditionally is caught by the client.
            (Ok(None), None) => return Err(damaged(name, "it has not changed, but there is no copy".to_owned())),
            (Ok(Some(document)), _) => document,
            (Err(error), _) if error.is_absent() => {
                return Err(NpmError::NotFound { name: name.to_owned(), registry: self.inner.registry.to_string() });
            }
            (Err(error), _) => return Err(error.into()),
        };
        self.take_in(name, url, path, document).await
    }

    /// Reads a packument and keeps it; on a thread of its own, because some take a tenth of a second.
    async fn take_in(&self, name: &str, url: Url, path: PathBuf, document: Document) -> Result<Packument, NpmError> {
        let name = name.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let Document { body, validators } = document;
            let packument = Packument::parse(&body).map_err(|error| damaged(&name, cause(&error)))?;
            drop(body);
            if packument.name != name {
                return Err(damaged(&name, format!("it is about {:?}", packument.name)));
            }
            let kept = Kept { packument, validators };
            kept::write(&path, url.as_str(), &kept)?;
            Ok(kept.packument)
        });
        read.await.map_err(|error| stopped(&self.inner.cache, error))?
    }

    /// Where a packument of this form is kept, and the copy. Each form has its place, because each has its validators; but
    /// where one is only preferred to be current, or the registry knows no abbreviated form, one does for the other.
    fn kept(&self, name: &str, form: Form, url: &str) -> Result<(PathBuf, Option<Kept>), FileError> {
        let folder = name::folder(&self.inner.cache.join("packuments"), name);
        let (own, other) = match form {
            Form::Abbreviated => ("abbreviated", "full"),
            Form::Full => ("full", "abbreviated"),
        };
        let (own, other) = (folder.join(own), folder.join(other));
        let suits = |kept: &Kept| form == Form::Abbreviated || kept.packument.full;
        let kept = match kept::read(&own, url)? {
            None if self.prefer_offline => kept::read(&other, url)?.filter(suits),
            kept => kept,
        };
        Ok((own, kept))
    }

    /// The whole manifest of one version, as JSON; a published version never changes, so it is asked for once.
    ///
    /// Registries that have no address for a single version are asked for the packument.
    pub async fn manifest(&self, name: &str, version: &str) -> Result<Vec<u8>, NpmError> {
        check_name(name)?;
        check_version(name, version)?;
        let path = name::folder(&self.inner.cache.join("manifests"), name).join(format!("{version}.json"));
        if let Some(kept) = files::read_optional(&path)? {
            return Ok(kept);
        }
        let url = self.address(&format!("{}/{version}", name::escaped(name)))?;
        let manifest = match self.fetch_json(&url, MANIFEST_LIMIT).await {
            Ok(body) => body,
            Err(error) if error.is_absent() => self.manifest_in_packument(name, version).await?,
            Err(error) => return Err(error.into()),
        };
        let label = || format!("{name} {version}");
        let read: Value = serde_json::from_slice(&manifest).map_err(|error| damaged(&label(), error.to_string()))?;
        let is = |key: &str, value: &str| read.get(key).and_then(Value::as_str) == Some(value);
        if !is("name", name) || !is("version", version) {
            return Err(damaged(&label(), "it is about another release".to_owned()));
        }
        let mut pending = files::PendingFile::create(&path)?;
        pending.write(&manifest)?;
        pending.commit()?;
        Ok(manifest)
    }

    async fn manifest_in_packument(&self, name: &str, version: &str) -> Result<Vec<u8>, NpmError> {
        let registry = || self.inner.registry.to_string();
        let url = self.address(&name::escaped(name))?;
        let body = match self.fetch_json(&url, PACKUMENT_LIMIT).await {
            Ok(body) => body,
            Err(error) if error.is_absent() => {
                return Err(NpmError::NotFound { name: name.to_owned(), registry: registry() });
            }
            Err(error) => return Err(error.into()),
        };
        let packument: Value = serde_json::from_slice(&body).map_err(|error| damaged(name, error.to_string()))?;
        match packument.get("versions").and_then(|versions| versions.get(version)) {
            // A value that was JSON always becomes JSON.
            Some(manifest) => Ok(serde_json::to_vec(manifest).unwrap_or_default()),
            None => Err(NpmError::VersionNotFound {
                name: name.to_owned(),
                version: version.to_owned(),
                registry: registry(),
            }),
        }
    }

    async fn fetch_json(&self, url: &Url, limit: u64) -> Result<Vec<u8>, HttpError> {
        let document = self.inner.http.get_if_changed(url, JSON, &Validators::default(), limit).await?;
        Ok(document.map(|document| document.body).unwrap_or_default())
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
        let fetched = self.inner.http.get_conditional(&url, &self.inner.cache.join("keys"), MANIFEST_LIMIT).await;
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

/// What lies below an error whose own words would only repeat ours.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn damaged(package: &str, reason: String) -> NpmError {
    NpmError::Document { package: package.to_owned(), reason }
}

fn stopped(path: &Path, error: tokio::task::JoinError) -> FileError {
    FileError::new("read", path, std::io::Error::other(error))
}
