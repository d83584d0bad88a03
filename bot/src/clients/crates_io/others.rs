//! OtherRegistries beside the public one, as locks name them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{CratesIo, CratesIoError};
use crate::clients::endpoints;
use crate::clients::git::{GitSourceError, GitSources};
use crate::clients::http::Http;

/// How cargo's own variables for registries begin: `CARGO_REGISTRIES_NAME_INDEX`, `CARGO_REGISTRIES_NAME_TOKEN`.
const VARIABLES: &str = "CARGO_REGISTRIES_";

/// The file of an index that says where crates are.
const CONFIG: &str = "config.json";

/// Every registry that a lock may name.
#[derive(Debug, Clone)]
pub struct OtherRegistries {
    http: Http,
    git: GitSources,
    cache: PathBuf,
    archive_limit: u64,
    /// By the address of the index.
    tokens: BTreeMap<String, SecretString>,
}

impl OtherRegistries {
    /// `variables` ([`registry_variables`]) may have tokens; `cache` is a folder for its own use.
    pub fn new(
        http: Http,
        git: GitSources,
        cache: &Path,
        archive_limit: u64,
        variables: &BTreeMap<String, SecretString>,
    ) -> Self {
        let index = |key: &str| {
            let name = key.strip_prefix(VARIABLES)?.strip_suffix("_TOKEN")?;
            variables.get(&format!("{VARIABLES}{name}_INDEX")).map(|index| plain(index.expose_secret()).to_owned())
        };
        let tokens = variables.iter().filter_map(|(key, token)| Some((index(key)?, token.clone()))).collect();
        Self { http, git, cache: cache.to_owned(), archive_limit, tokens }
    }

    /// The registry whose index a lock names, a sparse one with `sparse+`.
    ///
    /// # Errors
    /// When the address is none, or the repository of the index cannot be had.
    pub async fn open(&self, index: &str) -> Result<CratesIo, CratesIoError> {
        let invalid = |reason: String| CratesIoError::RegistryConfig { index: index.to_owned(), reason };
        let http = self.tokens.get(plain(index)).map_or_else(|| self.http.clone(), |token| self.http.authorized(token));
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(index.as_bytes()));
        let cache = self.cache.join("registries").join(&hash[..16]);
        let registry = if let Some(address) = index.strip_prefix("sparse+") {
            let address = endpoints::parse_index(address).map_err(|error| invalid(error.to_string()))?;
            CratesIo::new(http, address, &cache)
        } else {
            let address = Url::parse(index).map_err(|error| invalid(error.to_string()))?;
            let read = self.git.read(index, None, |path| path == CONFIG).await;
            let (_, files) = read.map_err(|error: GitSourceError| invalid(error.to_string()))?;
            let absent = || invalid(format!("its repository has no {CONFIG}"));
            let (_, config) = files.first().ok_or_else(absent)?;
            CratesIo::with_download(http, address, &cache, config)?
        };
        Ok(registry.with_archive_limit(self.archive_limit))
    }
}

/// Of an environment, cargo's own variables for registries: addresses of indices, and tokens.
pub fn registry_variables(environment: BTreeMap<String, String>) -> BTreeMap<String, SecretString> {
    let of_registries = environment.into_iter().filter(|(key, _)| key.starts_with(VARIABLES));
    of_registries.map(|(key, value)| (key, SecretString::from(value))).collect()
}

/// The address of an index, however it is spelled.
fn plain(index: &str) -> &str {
    index.trim_start_matches("sparse+").trim_start_matches("registry+").trim_end_matches('/')
}
