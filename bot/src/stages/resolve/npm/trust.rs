//! Who vouches for what stands in a tree: first-seen hashes, the registry's signatures, provenance.

use std::collections::BTreeMap;

use nixwright_resolver::npm::catalog::{Known, Lookup};
use nixwright_resolver::plan::npm::{NpmGraph, Source, Trust};

use super::NpmTrees;
use crate::clients::npm::{Dist, RegistryKeys};
use crate::model::{Failure, FailureClass};
use crate::stages::watch::npm_class;

impl NpmTrees {
    /// Puts into a tree what is known of its packages' origin.
    ///
    /// # Errors
    /// A [`Failure`] of class hash, naming the package, when a signature does not hold or a release is not what it was.
    pub(super) async fn judge(&self, graph: &mut NpmGraph, known: &Known) -> Result<(), Failure> {
        self.compare_all(graph)?;
        let manifests: BTreeMap<String, Dist> = graph
            .entries
            .iter()
            .filter(|(_, entry)| matches!(entry.source, Source::Registry { .. }))
            .filter_map(|(path, entry)| Some((path.clone(), dist(known, &entry.name, &entry.version)?)))
            .collect();
        // Mirrors have no signatures, and need not be asked for keys then.
        let keys = if manifests.values().any(Dist::is_signed) {
            self.registry.keys().await.map_err(|error| Failure::new(npm_class(&error), &error))?
        } else {
            RegistryKeys::default()
        };
        for (path, entry) in &mut graph.entries {
            let Some(dist) = manifests.get(path) else { continue };
            let published = published(known, &entry.name, &entry.version);
            entry.provenance = dist.provenance();
            entry.signature = keys.judge(&entry.name, &entry.version, dist, published);
            if entry.signature == Trust::Failed {
                return Err(Failure {
                    class: FailureClass::Hash,
                    message: format!(
                        "the registry's signature of {} {} does not hold, so nothing that needs it is built: what it says of \
                         this release was changed after it was signed, or its key had ended",
                        entry.name, entry.version
                    ),
                });
            }
        }
        Ok(())
    }

    /// Refuses a tree with a release whose hash is not the one that was seen first.
    fn compare_all(&self, graph: &NpmGraph) -> Result<(), Failure> {
        let mut releases: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for entry in graph.entries.values() {
            if let Source::Registry { integrity } = &entry.source {
                releases.entry(&entry.name).or_default().push((&entry.version, integrity));
            }
        }
        releases.into_iter().try_for_each(|(name, releases)| self.first_seen(name, &releases))
    }

    pub(super) fn first_seen(&self, name: &str, releases: &[(&str, &str)]) -> Result<(), Failure> {
        let compared = self.registry.compare_with_first_seen(name, releases);
        compared.map_err(|error| Failure::new(npm_class(&error), &error))
    }
}

fn dist(known: &Known, name: &str, version: &str) -> Option<Dist> {
    if let Some(Lookup::Found(manifest)) = known.manifests.get(&(name.to_owned(), version.to_owned())) {
        return Some(Dist::of_manifest(manifest));
    }
    if let Some(Lookup::Found(packument)) = known.packuments.get(name)
        && let Some(manifest) = packument.manifest(version)
    {
        return Some(Dist::of_manifest(manifest));
    }
    match known.latest.get(name)? {
        Lookup::Found(manifest) => Some(Dist::of_manifest(manifest)).filter(|dist| dist.is_of(version)),
        Lookup::Absent { .. } => None,
    }
}

fn published(known: &Known, name: &str, version: &str) -> Option<jiff::Timestamp> {
    match known.packuments.get(name)? {
        Lookup::Found(packument) => packument.time(version)?.parse().ok(),
        Lookup::Absent { .. } => None,
    }
}
