//! Go modules: from proxies, by Go's rules for who is asked for what.
//!
//! What a proxy says of a version never changes, so it is fetched once and read from the cache ever after; only the list of
//! versions and the newest one are asked for again. <https://go.dev/ref/mod#goproxy-protocol>

mod ask;
mod error;
mod folder;
mod kept;
mod netrc;
mod private;
mod proxies;
mod settings;
pub mod sumdb;
#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use self::ask::{Destination, Question};
pub use self::error::GoProxyError;
pub use self::netrc::{Netrc, NetrcError};
pub use self::private::Patterns;
pub use self::proxies::{Entry, Proxy, ProxyList};
pub use self::settings::{GoRegistries, PRIVATE_VARIABLES, private_modules};
pub use self::sumdb::Sumdb;
use crate::clients::http::Http;

/// The largest list of versions, in bytes.
const LIST_LIMIT: u64 = 16 << 20;

/// The largest go.mod, and the largest document about a version: Go's own limit (`MaxGoMod` in `x/mod/zip`), in bytes.
const MOD_LIMIT: u64 = 16 << 20;

/// The largest zip unless [`GoModules::with_archive_limit`] says otherwise: Go's own limit (`MaxZipFile`), in bytes.
const ZIP_LIMIT: u64 = 500 << 20;

/// Modules of Go; clones share connections and the cache.
#[derive(Debug, Clone)]
pub struct GoModules {
    inner: Arc<Inner>,
    archive_limit: u64,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    from: GoRegistries,
    netrc: Netrc,
    cache: PathBuf,
}

/// What a proxy says of a version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Info {
    /// The version, canonical.
    #[serde(rename = "Version")]
    pub version: String,
    /// When its commit was made.
    #[serde(rename = "Time", default)]
    pub time: Option<Timestamp>,
    /// Where it came from.
    #[serde(rename = "Origin", default)]
    pub origin: Option<InfoOrigin>,
}

/// Where a version came from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InfoOrigin {
    /// The repository's address.
    #[serde(rename = "URL", default)]
    pub url: Option<String>,
    /// The commit.
    #[serde(rename = "Hash", default)]
    pub hash: Option<String>,
}

impl GoModules {
    /// `cache` is a folder for its own use. Other proxies may have other modules of the same names, so each list of them has
    /// its own copies.
    pub fn new(http: Http, from: GoRegistries, netrc: Netrc, cache: &Path) -> Self {
        let list = HEXLOWER.encode(&Sha256::digest(from.proxies.to_string().as_bytes()));
        let cache = cache.join("go").join(list.get(..16).unwrap_or(&list));
        Self { inner: Arc::new(Inner { http, from, netrc, cache }), archive_limit: ZIP_LIMIT }
    }

    /// The same, taking zips up to this size in bytes.
    #[must_use]
    pub fn with_archive_limit(self, bytes: u64) -> Self {
        Self { archive_limit: bytes.min(ZIP_LIMIT), ..self }
    }

    /// The versions that are tagged, as the proxy lists them: pseudo-versions may be among them, and what is no version.
    ///
    /// # Errors
    /// [`GoProxyError`]; [`GoProxyError::is_absent`] tells what is an answer.
    pub async fn versions(&self, module: &str) -> Result<Vec<String>, GoProxyError> {
        let escaped = escaped_path(module)?;
        let cache = self.file("lists", &escaped, "list");
        let path = format!("{escaped}/@v/list");
        let to = Destination::Conditional(&cache);
        let answer = self.ask(Question { module, what: module, path: &path, max_bytes: LIST_LIMIT, to }).await?;
        let text = String::from_utf8_lossy(&answer.body);
        // A time may follow a version.
        Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
    }

    /// What the proxy takes for the newest version; nothing where it does not say.
    ///
    /// # Errors
    /// [`GoProxyError`], but for what is not there.
    pub async fn latest(&self, module: &str) -> Result<Option<Info>, GoProxyError> {
        let path = format!("{}/@latest", escaped_path(module)?);
        let question = Question { module, what: module, path: &path, max_bytes: MOD_LIMIT, to: Destination::Memory };
        match self.ask(question).await {
            Ok(answer) => read_info(&answer.body, &answer.proxy, module).map(Some),
            Err(GoProxyError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the proxy says of a version.
    ///
    /// # Errors
    /// [`GoProxyError`]; [`GoProxyError::is_absent`] tells what is an answer.
    pub async fn info(&self, module: &str, version: &str) -> Result<Info, GoProxyError> {
        let (path, what) = (escaped(module, version)?, format!("{module}@{version}"));
        let file = self.file("infos", &path.kept, "info");
        if let Some(kept) = kept::read(&file)?
            && let Ok(info) = read_info(&kept, "the cache", &what)
        {
            return Ok(info);
        }
        let answer = self.ask_version(module, &what, &format!("{}.info", path.asked), Destination::Memory).await?;
        let info = read_info(&answer.body, &answer.proxy, &what)?;
        if info.version != version {
            let reason = format!("it is about version {:?}", info.version);
            return Err(GoProxyError::Document { proxy: answer.proxy, what, reason });
        }
        kept::write(&file, &answer.body)?;
        Ok(info)
    }

    /// The go.mod of a version, if it is in the cache.
    ///
    /// # Errors
    /// When the path or the version is none, or the cache cannot be read.
    pub fn kept_mod(&self, module: &str, version: &str) -> Result<Option<Vec<u8>>, GoProxyError> {
        Ok(kept::read(&self.file("mods", &escaped(module, version)?.kept, "mod"))?)
    }

    /// The go.mod of a version. The proxy makes one up for a module that has none.
    ///
    /// # Errors
    /// [`GoProxyError`]; [`GoProxyError::is_absent`] tells what is an answer.
    pub async fn go_mod(&self, module: &str, version: &str) -> Result<Vec<u8>, GoProxyError> {
        let path = escaped(module, version)?;
        let file = self.file("mods", &path.kept, "mod");
        if let Some(kept) = kept::read(&file)? {
            return Ok(kept);
        }
        let what = format!("{module}@{version}");
        let answer = self.ask_version(module, &what, &format!("{}.mod", path.asked), Destination::Memory).await?;
        let sha256 = HEXLOWER.encode(&Sha256::digest(&answer.body));
        let pin = self.file("pins", &path.kept, "mod");
        kept::compare(&pin, &format!("the go.mod of {what}"), &format!("sha256:{sha256}"))?;
        kept::write(&file, &answer.body)?;
        Ok(answer.body)
    }

    /// The zip of a version, from the cache or from a proxy. What is in it is to be judged by whoever reads it, and told to
    /// [`first_seen`](Self::first_seen).
    ///
    /// # Errors
    /// [`GoProxyError`]; [`GoProxyError::is_absent`] tells what is an answer.
    pub async fn zip(&self, module: &str, version: &str) -> Result<PathBuf, GoProxyError> {
        let path = escaped(module, version)?;
        let file = self.file("zips", &path.kept, "zip");
        if !file.exists() {
            let what = format!("{module}@{version}");
            let to = Destination::File(&file);
            self.ask_version(module, &what, &format!("{}.zip", path.asked), to).await?;
        }
        Ok(file)
    }

    /// Refuses a zip of which another hash (`h1:…`) was seen before.
    ///
    /// # Errors
    /// [`GoProxyError::Replaced`], or when the cache cannot be read.
    pub fn first_seen(&self, module: &str, version: &str, sum: &str) -> Result<(), GoProxyError> {
        let pin = self.file("pins", &escaped(module, version)?.kept, "zip");
        kept::compare(&pin, &format!("{module}@{version}"), sum)
    }

    /// The folder of what these proxies gave.
    pub fn cache(&self) -> &Path {
        &self.inner.cache
    }

    /// Where something about a version is kept: its kind, the escaped module and version, and the file's ending.
    pub fn kept_file(&self, kind: &str, module: &str, version: &str, ending: &str) -> Result<PathBuf, GoProxyError> {
        Ok(self.file(kind, &escaped(module, version)?.kept, ending))
    }

    fn file(&self, kind: &str, path: &str, ending: &str) -> PathBuf {
        self.inner.cache.join(kind).join(format!("{path}.{ending}"))
    }

    async fn ask_version(
        &self,
        module: &str,
        what: &str,
        path: &str,
        to: Destination<'_>,
    ) -> Result<ask::Answer, GoProxyError> {
        let max_bytes = if matches!(to, Destination::File(_)) { self.archive_limit } else { MOD_LIMIT };
        self.ask(Question { module, what, path, max_bytes, to }).await
    }
}

fn read_info(body: &[u8], proxy: &str, what: &str) -> Result<Info, GoProxyError> {
    serde_json::from_slice(body).map_err(|error| GoProxyError::Document {
        proxy: proxy.to_owned(),
        what: what.to_owned(),
        reason: error.to_string(),
    })
}

/// A version in an address, and in the name of a file.
struct Escaped {
    /// `PATH/@v/VERSION`.
    asked: String,
    /// `PATH@VERSION`.
    kept: String,
}

fn escaped(module: &str, version: &str) -> Result<Escaped, GoProxyError> {
    let path = escaped_path(module)?;
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
    if !version.starts_with('v') || version.len() > 200 || !version.chars().all(is_fine) {
        let version = version.chars().take(200).collect();
        return Err(GoProxyError::InvalidVersion { module: module.to_owned(), version });
    }
    let version = small(version);
    Ok(Escaped { asked: format!("{path}/@v/{version}"), kept: format!("{path}@{version}") })
}

/// A module's path for file systems that do not tell capital letters from small ones.
///
/// The rules are those of `CheckPath` and `EscapePath`, <https://pkg.go.dev/golang.org/x/mod/module>.
fn escaped_path(module: &str) -> Result<String, GoProxyError> {
    let invalid = |reason| GoProxyError::InvalidPath { path: module.chars().take(200).collect(), reason };
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if module.len() > 1000 {
        return Err(invalid("it is too long"));
    }
    for (number, element) in module.split('/').enumerate() {
        if element.is_empty() || element.starts_with('.') || element.ends_with('.') {
            return Err(invalid("its parts may not be empty, nor begin or end with a dot"));
        }
        if !element.chars().all(is_fine) {
            return Err(invalid("it may have ASCII letters, digits and `-._~` only"));
        }
        let is_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if number == 0 && (!element.contains('.') || element.starts_with('-') || !element.chars().all(is_host)) {
            return Err(invalid("it has to begin with the name of a host, in small letters and with a dot"));
        }
    }
    Ok(small(module))
}

fn small(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}
