//! What a lock does not say: older ones and those of others have no platforms, programs or scripts, and none has the hash of a
//! commit's tree.

use std::collections::BTreeSet;

use super::error::LockError;
use super::manifest::Manifest;
use super::tree::{Edges, Folder, Locked};
use crate::npm::catalog::{Known, Lookup, Need, Tarball};
use crate::npm::platform::mark;
use crate::plan::npm::{Entry, NpmGraph, Source};

impl Locked {
    /// What has to be asked for before the graph says all that a build needs: manifests, and commits of git.
    pub fn needs(&self) -> Vec<Need> {
        let entries = self.graph.entries.iter();
        let wanted = entries.filter_map(|(path, entry)| need(entry, self.sparse.contains(path)));
        wanted.collect::<BTreeSet<Need>>().into_iter().collect()
    }

    /// Takes over what was asked for, and says which entries stand on which of the systems.
    ///
    /// # Errors
    /// When there is no such package any more, or one needs a package for which the lock has no entry.
    pub fn completed(mut self, known: &Known, systems: &BTreeSet<String>) -> Result<NpmGraph, LockError> {
        let paths: Vec<(String, Need)> = self
            .graph
            .entries
            .iter()
            .filter_map(|(path, entry)| Some((path.clone(), need(entry, self.sparse.contains(path))?)))
            .collect();
        for (path, need) in paths {
            self.take(&path, &need, known)?;
        }
        mark(&mut self.graph, systems);
        Ok(self.graph)
    }

    fn take(&mut self, path: &str, need: &Need, known: &Known) -> Result<(), LockError> {
        let unknown = "it was not asked for";
        let manifest = match need {
            Need::Manifest { name, version } => match known.manifests.get(&(name.clone(), version.clone())) {
                Some(Lookup::Found(manifest)) => manifest.to_string(),
                Some(Lookup::Absent { why }) => return Err(self.gone(path, why)),
                None => return Err(self.gone(path, unknown)),
            },
            Need::Tarball(tarball) => match known.tarballs.get(&tarball.url) {
                Some(Lookup::Found(files)) => files.manifest.clone(),
                Some(Lookup::Absent { why }) => return Err(self.gone(path, why)),
                None => return Err(self.gone(path, unknown)),
            },
            Need::Git { spec } => match known.gits.get(spec) {
                Some(Lookup::Found(found)) => {
                    if let Some(Entry { source: Source::Git { hash, .. }, .. }) = self.graph.entries.get_mut(path) {
                        hash.clone_from(&found.hash);
                    }
                    found.files.manifest.clone()
                }
                Some(Lookup::Absent { why }) => return Err(self.gone(path, why)),
                None => return Err(self.gone(path, unknown)),
            },
            Need::Packument { .. } | Need::Latest { .. } => return Ok(()),
        };
        if !self.sparse.contains(path) {
            return Ok(());
        }
        let manifest = Manifest::parse(&format!("package.json of {path}"), &manifest)?;
        self.complete(path, &manifest)
    }

    fn gone(&self, path: &str, why: &str) -> LockError {
        LockError::Gone { file: self.file.clone(), entry: path.to_owned(), why: why.to_owned() }
    }

    /// Gives a place what the package's manifest says beyond the lock: platforms, programs, scripts, and what it depends on.
    ///
    /// # Errors
    /// When the manifest needs a package for which the lock has no entry.
    pub(super) fn complete(&mut self, path: &str, manifest: &Manifest) -> Result<(), LockError> {
        let Some(mut entry) = self.graph.entries.get(path).cloned() else { return Ok(()) };
        manifest.describe(&mut entry);
        if entry.version.is_empty() {
            manifest.version().unwrap_or_default().clone_into(&mut entry.version);
        }
        if !self.all_edges {
            let mut folder = Folder { entry: entry.clone(), ..Folder::default() };
            folder.ask(manifest, false);
            let Edges { all, optional } = Edges::of(&self.file, path, &folder, &self.graph.entries)?;
            // What only the lock knows of stands by its word.
            entry.optional_dependencies.retain(|name| !all.contains_key(name));
            entry.dependencies.extend(all);
            entry.optional_dependencies.extend(optional);
        }
        self.graph.entries.insert(path.to_owned(), entry);
        self.sparse.remove(path);
        Ok(())
    }
}

/// What an entry of a lock has to be completed with; every commit waits for the hash of its tree.
fn need(entry: &Entry, sparse: bool) -> Option<Need> {
    match &entry.source {
        Source::Registry { .. } if sparse => {
            Some(Need::Manifest { name: entry.name.clone(), version: entry.version.clone() })
        }
        Source::Tarball { url, integrity } if sparse => {
            Some(Need::Tarball(Tarball { url: url.clone(), integrity: Some(integrity.clone()) }))
        }
        Source::Git { url, commit, .. } => Some(Need::Git { spec: format!("git+{url}#{commit}") }),
        _ => None,
    }
}
