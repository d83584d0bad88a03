//! Asking the store, and keeping what is in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::process::{Printed, batches, command, run_ok};
use super::{Nix, NixError, STORE_LIMIT, config};

impl Nix {
    /// Those of the store paths that are not there.
    pub async fn invalid_paths(&self, paths: &[String]) -> Result<BTreeSet<String>, NixError> {
        let mut invalid = BTreeSet::new();
        for batch in batches(paths) {
            let mut arguments: Vec<OsString> = vec!["--check-validity".into(), "--print-invalid".into()];
            arguments.extend(batch.iter().map(OsString::from));
            invalid.extend(self.nix_store("asking which store paths are valid", &arguments).await?.lines());
        }
        Ok(invalid)
    }

    /// The store paths that the content of `path` names, itself left out, sorted.
    pub async fn references(&self, path: &str) -> Result<Vec<String>, NixError> {
        let what = format!("asking for the references of {path}");
        let printed = self.nix_store(&what, &["--query".into(), "--references".into(), path.into()]).await?;
        let mut references = printed.lines();
        references.retain(|reference| reference != path);
        references.sort();
        Ok(references)
    }

    /// Makes `link` point at `path` and keeps that from being collected as garbage as long as the link is there.
    pub async fn add_root(&self, path: &str, link: &Path) -> Result<(), NixError> {
        if !self.invalid_paths(&[path.to_owned()]).await?.is_empty() {
            return Err(NixError::Argument { value: path.to_owned(), expected: "a path that is in the store" });
        }
        let what = format!("keeping {path}");
        // `--indirect` is what newer versions always do.
        let arguments = ["--realise".into(), path.into(), "--add-root".into(), link.into(), "--indirect".into()];
        self.nix_store(&what, &arguments).await.map(|_| ())
    }

    async fn nix_store(&self, what: &str, arguments: &[OsString]) -> Result<Printed, NixError> {
        let mut call = command(&self.tools.nix_store);
        self.environment(&mut call, &self.config(config::Purpose::Query));
        run_ok(call.args(arguments), what, STORE_LIMIT).await
    }
}
