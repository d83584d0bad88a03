//! What a registry says of packages: packuments, and manifests of single versions.

use std::path::PathBuf;

use nixwright_resolver::npm::packument::Packument;
use serde_json::Value;
use url::Url;

use super::kept::{self, Kept};
use super::{Form, Npm, NpmError, check_name, check_version, damaged, name, stopped};
use crate::clients::files::FileError;
use crate::clients::http::Document;

/// The largest packument that is read, in bytes: some packages have tens of thousands of versions.
const PACKUMENT_LIMIT: u64 = 256 << 20;

/// The largest manifest of one version, in bytes; a readme may be part of it.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// What npm sends for the abbreviated form; a registry that does not know it sends the full one.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";

/// The media type of everything else.
const JSON: &str = "application/json";

/// The tag of what upstream wants people to have.
const LATEST: &str = "latest";

impl Npm {
    /// Everything that the registry says of a package.
    pub async fn packument(&self, name: &str, form: Form) -> Result<Packument, NpmError> {
        check_name(name)?;
        let url = self.address(&name::escaped(name))?;
        let (path, kept) = self.kept_packument(name, form, url.as_str())?;
        if self.prefer_offline
            && let Some((packument, _)) = kept
        {
            return Ok(packument);
        }
        let accept = match form {
            Form::Abbreviated => ABBREVIATED,
            Form::Full => JSON,
        };
        let validators = kept.as_ref().map(|(_, kept)| kept.validators.clone()).unwrap_or_default();
        let asked = self.inner.http.get_if_changed(&url, accept, &validators, PACKUMENT_LIMIT).await;
        let document = match (asked, kept) {
            (Ok(None), Some((packument, _))) => return Ok(packument),
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
            kept::write(&path, url.as_str(), packument.to_compact(), validators)?;
            Ok(packument)
        });
        read.await.map_err(|error| stopped(&self.inner.cache, error))?
    }

    /// Where a packument of this form is kept, and the copy. Each form has its place, because each has its validators; but
    /// where one is only preferred to be current, the full one does for the other, and so does the other where the registry
    /// knows no abbreviated form.
    fn kept_packument(
        &self,
        name: &str,
        form: Form,
        url: &str,
    ) -> Result<(PathBuf, Option<(Packument, Kept)>), FileError> {
        let folder = name::folder(&self.inner.cache.join("packuments"), name);
        let (own, other) = match form {
            Form::Abbreviated => ("abbreviated", "full"),
            Form::Full => ("full", "abbreviated"),
        };
        let (own, other) = (folder.join(own), folder.join(other));
        let read = |path| -> Result<_, FileError> {
            Ok(kept::read(path, url)?.and_then(|mut kept| {
                let packument = Packument::from_compact(std::mem::take(&mut kept.text)).ok()?;
                Some((packument, kept))
            }))
        };
        let kept = match read(&own)? {
            None if self.prefer_offline => read(&other)?.filter(|(other, _)| form == Form::Abbreviated || other.full),
            kept => kept,
        };
        Ok((own, kept))
    }

    /// The whole manifest of one version, as JSON. A published version never changes but for warnings, so whoever does not
    /// look at these takes what was kept, whenever that was.
    pub async fn manifest(&self, name: &str, version: &str) -> Result<String, NpmError> {
        self.clone().with_prefer_offline(true).current_manifest(name, version).await
    }

    /// The whole manifest of one version, as the registry has it now.
    ///
    /// Registries that have no address for a single version are asked for the packument.
    pub async fn current_manifest(&self, name: &str, version: &str) -> Result<String, NpmError> {
        check_version(name, version)?;
        match self.selected(name, version).await {
            Err(NpmError::VersionNotFound { .. }) => {
                let packument = self.packument(name, Form::Full).await?;
                let manifest = packument.manifest(version).map(str::to_owned);
                manifest.ok_or_else(|| self.version_not_found(name, version))
            }
            found => found,
        }
    }

    /// The whole manifest of the version that the tag `latest` is at, as JSON.
    pub async fn latest(&self, name: &str) -> Result<String, NpmError> {
        self.selected(name, LATEST).await
    }

    /// The manifest at the address of a version or tag.
    async fn selected(&self, name: &str, selector: &str) -> Result<String, NpmError> {
        check_name(name)?;
        let url = self.address(&format!("{}/{selector}", name::escaped(name)))?;
        let path = name::folder(&self.inner.cache.join("manifests"), name).join(selector);
        let kept = kept::read(&path, url.as_str())?;
        if self.prefer_offline
            && let Some(kept) = kept
        {
            return Ok(kept.text);
        }
        let validators = kept.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default();
        let Document { body, validators } =
            match (self.inner.http.get_if_changed(&url, JSON, &validators, MANIFEST_LIMIT).await, kept) {
                (Ok(None), Some(kept)) => return Ok(kept.text),
                (Ok(None), None) => return Err(damaged(name, "it has not changed, but there is no copy".to_owned())),
                (Ok(Some(document)), _) => document,
                (Err(error), _) if error.is_absent() => return Err(self.version_not_found(name, selector)),
                (Err(error), _) => return Err(error.into()),
            };
        let label = || format!("{name} {selector}");
        let read: Value = serde_json::from_slice(&body).map_err(|error| damaged(&label(), error.to_string()))?;
        // Its name may be another one: npm takes what upstream published as it is.
        if !read.get("version").is_some_and(Value::is_string) {
            return Err(damaged(&label(), "it is no manifest of a version".to_owned()));
        }
        let text = String::from_utf8(body).map_err(|error| damaged(&label(), error.to_string()))?;
        kept::write(&path, url.as_str(), &text, validators)?;
        Ok(text)
    }

    fn version_not_found(&self, name: &str, version: &str) -> NpmError {
        let registry = self.inner.registry.to_string();
        NpmError::VersionNotFound { name: name.to_owned(), version: version.to_owned(), registry }
    }
}

/// What lies below an error whose own words would only repeat ours.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
