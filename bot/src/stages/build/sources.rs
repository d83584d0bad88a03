//! The files that derivations ask for: each fetched by the client of its ecosystem, verified, and handed to Nix.

use std::collections::HashMap;
use std::path::PathBuf;

use nixwright_resolver::plan::cargo::Package;
use nixwright_resolver::plan::npm::{Entry, Source};
use nixwright_resolver::plan::{Graph, Plan};
use url::Url;

use super::Builder;
use crate::clients::http::Expected;
use crate::clients::integrity::Integrity;
use crate::clients::nix::FixedOutput;
use crate::model::{Failure, FailureClass};
use crate::stages::watch;

/// A source that is in no plan (a patch of an override) may be this large.
const OTHER_SOURCE_LIMIT: u64 = 256 << 20;

/// What a plan knows of the files that its derivations ask for, by their hash in lower-case hexadecimal.
pub(super) struct Sources<'a> {
    by_hash: HashMap<String, Known<'a>>,
}

#[derive(Clone, Copy)]
enum Known<'a> {
    Crate(&'a Package),
    Npm(&'a Entry),
}

impl<'a> Sources<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let by_hash = match &plan.graph {
            Graph::Cargo(graph) => {
                graph.packages.values().map(|package| (package.sha256.clone(), Known::Crate(package))).collect()
            }
            Graph::Npm(graph) => {
                graph.entries.values().filter_map(|entry| Some((npm_hash(entry)?, Known::Npm(entry)))).collect()
            }
        };
        Self { by_hash }
    }
}

fn npm_hash(entry: &Entry) -> Option<String> {
    let hash = match &entry.source {
        Source::Registry { integrity } | Source::Tarball { integrity, .. } => integrity,
        Source::Git { hash, .. } => hash,
        Source::Bundled | Source::Link { .. } | Source::Directory => return None,
    };
    Some(hash.parse::<Integrity>().ok()?.hex())
}

impl Builder {
    /// A source as a verified file or, for one that is hashed as a tree, folder.
    pub(super) async fn source(&self, source: &FixedOutput, sources: &Sources<'_>) -> Result<PathBuf, Failure> {
        match sources.by_hash.get(&source.hash.hex) {
            Some(Known::Crate(package)) => {
                let file = self.crates.crate_file(&package.name, &package.version, &package.sha256).await;
                file.map_err(|error| Failure::new(watch::crates_class(&error), &error))
            }
            Some(Known::Npm(entry)) => self.npm_source(entry).await,
            None => self.other_source(source).await,
        }
    }

    async fn npm_source(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        let file = match &entry.source {
            Source::Registry { integrity } => {
                self.npm.registry.registry_tarball(&entry.name, &entry.version, integrity).await
            }
            Source::Tarball { url, integrity } => self.npm.registry.tarball(url, integrity).await,
            Source::Git { url, commit, .. } => {
                let folder = self.npm.git_sources().folder(url, commit).await;
                return folder.map_err(|error| Failure::new(FailureClass::Upstream, &error));
            }
            Source::Bundled | Source::Link { .. } | Source::Directory => {
                let message = format!("{} {} is no source of its own; this is a bug", entry.name, entry.version);
                return Err(Failure { class: FailureClass::Evaluate, message });
            }
        };
        file.map_err(|error| Failure::new(watch::npm_class(&error), &error))
    }

    /// What an override asks for.
    async fn other_source(&self, source: &FixedOutput) -> Result<PathBuf, Failure> {
        let hex = &source.hash.hex;
        let unknown = |why: &str| Failure {
            class: FailureClass::Evaluate,
            message: format!("the source {} is not in the plan, and {why}", source.name),
        };
        if source.hash.algo != "sha256" || source.hash.recursive {
            return Err(unknown("only flat files with a SHA-256 can be fetched for an override"));
        }
        let url = source.urls.first().and_then(|url| Url::parse(url).ok()).ok_or_else(|| unknown("names no URL"))?;
        let file = self.cache.join("sources").join(hex);
        let expected = Expected { sha256: Some(hex), max_bytes: OTHER_SOURCE_LIMIT };
        self.http
            .get_to_file(&url, &file, expected, &mut |_| {})
            .await
            .map_err(|error| Failure::new(FailureClass::Upstream, &error))?;
        Ok(file)
    }
}
