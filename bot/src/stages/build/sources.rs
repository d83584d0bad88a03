//! The files that derivations ask for: each fetched by the client of its ecosystem, verified, and handed to Nix.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use nixwright_resolver::plan::cargo::{Origin as CrateOrigin, Package};
use nixwright_resolver::plan::go::{GoGraph, Replacement, Source as GoSource};
use nixwright_resolver::plan::npm::{Entry, Source};
use nixwright_resolver::plan::{Commit, Graph, Plan};
use url::Url;

use super::Builder;
use crate::clients::crates_io::CratesIoError;
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
    /// Module, version, and the hash of its zip.
    GoModule(&'a str, &'a str, &'a str),
    /// Module and version.
    GoMod(&'a str, &'a str),
    Npm(&'a Entry),
    /// The commit that is the release.
    Commit(&'a Commit),
}

impl<'a> Sources<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let mut by_hash: HashMap<String, Known<'a>> = match &plan.graph {
            Graph::Cargo(graph) => graph
                .packages
                .values()
                .filter_map(|package| Some((crate_hash(package)?, Known::Crate(package))))
                .collect(),
            Graph::Go(graph) => go_sources(graph),
            Graph::Npm(graph) => {
                graph.entries.values().filter_map(|entry| Some((npm_hash(entry)?, Known::Npm(entry)))).collect()
            }
        };
        let hash_of = |commit: &Commit| Some(commit.hash.parse::<Integrity>().ok()?.hex());
        by_hash.extend(plan.commit.as_ref().and_then(|commit| Some((hash_of(commit)?, Known::Commit(commit)))));
        Self { by_hash }
    }
}

/// Modules by the hash of their folder, and go.mod files by their own.
fn go_sources(graph: &GoGraph) -> HashMap<String, Known<'_>> {
    let modules = graph.modules.iter().filter_map(|(path, module)| {
        let GoSource::Proxy { hash, sum } = module.source.as_ref()? else { return None };
        let (path, version) = match &module.replace {
            Some(Replacement::Module { path, version }) => (path.as_str(), version.as_str()),
            _ => (path.as_str(), module.version.as_str()),
        };
        Some((hash.parse::<Integrity>().ok()?.hex(), Known::GoModule(path, version, sum)))
    });
    let files = graph.mod_files.iter().filter_map(|(what, hash)| {
        let (path, version) = what.split_once('@')?;
        Some((hash.parse::<Integrity>().ok()?.hex(), Known::GoMod(path, version)))
    });
    files.chain(modules).collect()
}

fn crate_hash(package: &Package) -> Option<String> {
    match &package.origin {
        CrateOrigin::CratesIo | CrateOrigin::Registry { .. } => Some(package.sha256.clone()),
        CrateOrigin::Git { hash, .. } => Some(hash.parse::<Integrity>().ok()?.hex()),
        CrateOrigin::Project { .. } => None,
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
    /// `scratch` is for what has to be made for this.
    pub(super) async fn source(
        &self,
        source: &FixedOutput,
        sources: &Sources<'_>,
        scratch: &Path,
    ) -> Result<PathBuf, Failure> {
        match sources.by_hash.get(&source.hash.hex) {
            Some(Known::Crate(package)) => self.crate_source(package).await,
            Some(Known::GoModule(path, version, sum)) => {
                let folder = scratch.join(&source.hash.hex);
                let unpacked = self.go.modules.unpack(path, version, sum, &folder).await;
                unpacked.map(|()| folder).map_err(|error| Failure::new(watch::go_class(&error), &error))
            }
            Some(Known::GoMod(path, version)) => {
                let file = scratch.join(&source.hash.hex);
                let written = self.go.modules.write_mod(path, version, &file).await;
                written.map(|()| file).map_err(|error| Failure::new(watch::go_class(&error), &error))
            }
            Some(Known::Npm(entry)) => self.npm_source(entry).await,
            Some(Known::Commit(commit)) => self.commit_source(&commit.url, &commit.id).await,
            None => self.other_source(source).await,
        }
    }

    async fn commit_source(&self, url: &str, commit: &str) -> Result<PathBuf, Failure> {
        let folder = self.npm.git.folder(url, commit).await;
        folder.map_err(|error| Failure::new(FailureClass::Upstream, &error))
    }

    async fn crate_source(&self, package: &Package) -> Result<PathBuf, Failure> {
        let failed = |error: CratesIoError| Failure::new(watch::crates_class(&error), &error);
        let registry = match &package.origin {
            CrateOrigin::Git { url, commit, .. } => return self.commit_source(url, commit).await,
            CrateOrigin::Registry { index, .. } => self.registries.open(index).await.map_err(failed)?,
            CrateOrigin::CratesIo | CrateOrigin::Project { .. } => self.crates.clone(),
        };
        registry.crate_file(&package.name, &package.version, &package.sha256).await.map_err(failed)
    }

    async fn npm_source(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        let file = match &entry.source {
            Source::Registry { integrity } => {
                self.npm.registry.registry_tarball(&entry.name, &entry.version, integrity).await
            }
            Source::Tarball { url, integrity } => self.npm.registry.tarball(url, integrity).await,
            Source::Git { url, commit, .. } => return self.commit_source(url, commit).await,
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
