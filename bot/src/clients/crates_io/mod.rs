//! crates.io, or any registry with a sparse index: which versions there are, and their files.
//!
//! What is asked for by name comes from the index, with conditional requests; what is asked for by hash is fetched once
//! and read from the cache ever after, its hash checked each time.

mod choice;
mod index;
mod others;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use url::Url;

pub use self::choice::{Choice, Policy, Waiting, is_compatible, is_tracked, newest, not_ready, why_nothing};
pub use self::index::IndexEntry;
use self::index::RegistryConfig;
pub(crate) use self::index::is_crate_name;
pub use self::others::{OtherRegistries, registry_variables};
use crate::clients::files::{self, FileError};
use crate::clients::http::{Expected, Http, HttpError};

/// The largest file of an index that is read: the largest of crates.io is a tenth of this.
const INDEX_FILE_LIMIT: u64 = 256 * 1024 * 1024;

/// The largest compressed crate that is taken unless [`CratesIo::with_archive_limit`] says otherwise.
const ARCHIVE_LIMIT: u64 = 64 * 1024 * 1024;

/// What a registry of crates could not give.
#[derive(Debug, thiserror::Error)]
pub enum CratesIoError {
    /// No such crate.
    #[error("the crate {name} is not in the index {index}; check its spelling, `-` and `_` included")]
    NotFound {
        /// As asked for.
        name: String,
        /// The index's address.
        index: String,
    },
    /// The index has it, the download address has not.
    #[error(
        "{name} {version} is in the index, but not at {url}; the registry is inconsistent, the next cycle tries again"
    )]
    FileNotFound {
        /// The crate.
        name: String,
        /// Its version.
        version: String,
        /// Where it should be.
        url: String,
    },
    /// Not a name that a crate can have.
    #[error("{name:?} is not a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)")]
    InvalidName {
        /// As asked for.
        name: String,
    },
    /// A version or hash that cannot be part of a file's name.
    #[error(
        "{name} {version:?} with the SHA-256 {sha256:?} cannot be fetched: not a version and a hash as registries have \
         them"
    )]
    InvalidRelease {
        /// The crate.
        name: String,
        /// As asked for.
        version: String,
        /// As asked for.
        sha256: String,
    },
    /// A file of the index that is damaged.
    #[error(
        "the index's file of {name} is damaged in line {line}: {reason}; nothing was kept, the next cycle tries again"
    )]
    Index {
        /// The crate.
        name: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// `config.json` of the index.
    #[error("config.json of the index {index} is not usable: {reason}; check the address under [registries]")]
    RegistryConfig {
        /// The index's address.
        index: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The cache.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A registry with a sparse index; clones share what was fetched.
#[derive(Debug, Clone)]
pub struct CratesIo {
    inner: Arc<Inner>,
    archive_limit: u64,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    index: Url,
    cache: PathBuf,
    config: OnceCell<RegistryConfig>,
}

impl CratesIo {
    /// The registry whose index is at `index` (an address from [`endpoints`](crate::clients::endpoints), ending in
    /// `/`); `cache` is a folder for its own use.
    pub fn new(http: Http, index: Url, cache: &Path) -> Self {
        let inner = Inner { http, index, cache: cache.to_owned(), config: OnceCell::new() };
        Self { inner: Arc::new(inner), archive_limit: ARCHIVE_LIMIT }
    }

    /// The same with a `dl` key that is known from elsewhere: of an index that is a git repository.
    pub(super) fn with_download(http: Http, index: Url, cache: &Path, config: &[u8]) -> Result<Self, CratesIoError> {
        let config = OnceCell::new_with(Some(RegistryConfig::parse(&index, config)?));
        let inner = Inner { http, index, cache: cache.to_owned(), config };
        Ok(Self { inner: Arc::new(inner), archive_limit: ARCHIVE_LIMIT })
    }

    /// Where the registry itself has the file of a version.
    pub async fn download_url(&self, name: &str, version: &str, sha256: &str) -> Result<Url, CratesIoError> {
        check_release(name, version, sha256)?;
        let config = self.inner.config.get_or_try_init(|| self.fetch_config()).await?;
        config.download(&self.inner.index, name, version, sha256)
    }

    /// The base of the sparse index, ending in `/`.
    pub fn index(&self) -> &Url {
        &self.inner.index
    }

    /// The same, taking compressed crates up to this size in bytes.
    #[must_use]
    pub fn with_archive_limit(self, bytes: u64) -> Self {
        Self { archive_limit: bytes, ..self }
    }

    /// Every version of a crate, in the index's order. The spelling of `name` in upper or lower case does not matter;
    /// the entries have the published one.
    ///
    /// The index is always asked; see [`Http::get_conditional`] for what is sent.
    pub async fn versions(&self, name: &str) -> Result<Vec<IndexEntry>, CratesIoError> {
        if !is_crate_name(name) {
            return Err(CratesIoError::InvalidName { name: name.to_owned() });
        }
        let path = index::path(name);
        let cache = self.inner.cache.join("index").join(&path);
        let url = self.index_file(&path)?;
        let fetched = match self.inner.http.get_conditional(&url, &cache, INDEX_FILE_LIMIT).await {
            Ok(fetched) => fetched,
            Err(error) if error.is_absent() => {
                return Err(CratesIoError::NotFound { name: name.to_owned(), index: self.inner.index.to_string() });
            }
            Err(error) => return Err(error.into()),
        };
        let entries = index::parse(name, &fetched.body);
        if entries.is_err() {
            // Else the server would say from now on that the damaged copy has not changed.
            files::remove(&cache)?;
        }
        entries
    }

    /// The hash of one version of a crate, if it was [kept](Self::keep_version): a published version never changes, but for being
    /// yanked, so whoever names one need not wait for the registry.
    pub fn known_version(&self, name: &str, version: &str) -> Result<Option<String>, CratesIoError> {
        let Some(path) = self.version_file(name, version) else { return Ok(None) };
        let kept = files::read_optional(&path)?.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(kept.filter(|sha256| check_release(name, version, sha256).is_ok()))
    }

    /// Keeps what the index says of a version for [`known_version`](Self::known_version).
    pub fn keep_version(&self, name: &str, version: &str, sha256: &str) -> Result<(), CratesIoError> {
        check_release(name, version, sha256)?;
        match self.version_file(name, version) {
            Some(path) => Ok(files::write(&path, sha256.as_bytes())?),
            None => Ok(()),
        }
    }

    /// Apart for each index: another registry may have another crate of the same name.
    fn version_file(&self, name: &str, version: &str) -> Option<PathBuf> {
        let version = semver::Version::parse(version).ok().filter(|_| is_crate_name(name))?;
        let index = data_encoding::HEXLOWER.encode(&Sha256::digest(self.inner.index.as_str().as_bytes()));
        Some(self.inner.cache.join("versions").join(&index[..16]).join(name).join(version.to_string()))
    }

    /// The verified `.crate` file of a version, from the cache or from where the index's `config.json` says.
    ///
    /// `sha256` is the index's or the lock's, lower-case hexadecimal. The file is to be read only.
    pub async fn crate_file(&self, name: &str, version: &str, sha256: &str) -> Result<PathBuf, CratesIoError> {
        self.crate_file_with_progress(name, version, sha256, &mut |_| {}).await
    }

    /// As [`crate_file`](Self::crate_file); `progress` is told the bytes that have come so far, if any have to.
    pub async fn crate_file_with_progress(
        &self,
        name: &str,
        version: &str,
        sha256: &str,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<PathBuf, CratesIoError> {
        check_release(name, version, sha256)?;
        let path = self.inner.cache.join("crates").join(&sha256[..2]).join(format!("{name}-{version}-{sha256}.crate"));
        if is_cached(&path, sha256).await? {
            return Ok(path);
        }
        let config = self.inner.config.get_or_try_init(|| self.fetch_config()).await?;
        let url = config.download(&self.inner.index, name, version, sha256)?;
        let expected = Expected { sha256: Some(sha256), max_bytes: self.archive_limit };
        match self.inner.http.get_to_file(&url, &path, expected, progress).await {
            Ok(_) => Ok(path),
            Err(error) if error.is_absent() => Err(CratesIoError::FileNotFound {
                name: name.to_owned(),
                version: version.to_owned(),
                url: url.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    async fn fetch_config(&self) -> Result<RegistryConfig, CratesIoError> {
        let url = self.index_file("config.json")?;
        let cache = self.inner.cache.join("index/config.json");
        match self.inner.http.get_conditional(&url, &cache, INDEX_FILE_LIMIT).await {
            Ok(fetched) => RegistryConfig::parse(&self.inner.index, &fetched.body),
            Err(error) if error.is_absent() => Err(CratesIoError::RegistryConfig {
                index: self.inner.index.to_string(),
                reason: "it is not there, so this is no sparse index".to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn index_file(&self, path: &str) -> Result<Url, CratesIoError> {
        self.inner.index.join(path).map_err(|error| CratesIoError::RegistryConfig {
            index: self.inner.index.to_string(),
            reason: error.to_string(),
        })
    }
}

/// What becomes part of a file's name and of an address is checked before.
fn check_release(name: &str, version: &str, sha256: &str) -> Result<(), CratesIoError> {
    if !is_crate_name(name) {
        return Err(CratesIoError::InvalidName { name: name.to_owned() });
    }
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_hash || semver::Version::parse(version).is_err() {
        let (name, version, sha256) = (name.to_owned(), version.to_owned(), sha256.to_owned());
        return Err(CratesIoError::InvalidRelease { name, version, sha256 });
    }
    Ok(())
}

/// Whether the file is there and whole. One with another hash is as good as none: it is fetched again.
async fn is_cached(path: &Path, sha256: &str) -> Result<bool, FileError> {
    let hashed = path.to_owned();
    match tokio::task::spawn_blocking(move || files::sha256_optional(&hashed)).await {
        Ok(found) => Ok(found?.as_deref() == Some(sha256)),
        Err(error) => Err(FileError::new("read", path, std::io::Error::other(error))),
    }
}
