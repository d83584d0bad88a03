//! Packages of cargo's metadata beside what is known of them from the lock.

use std::collections::HashMap;

use guppy::PackageId;
use guppy::graph::{PackageGraph, PackageMetadata, PackageSource};

use crate::cargo::known::Known;
use crate::plan::cargo::Side;

/// The packages of the metadata, with what is known of each.
pub(in crate::cargo) struct Packages<'g> {
    by_package: HashMap<&'g PackageId, Named<'g>>,
    by_id: HashMap<&'g str, PackageMetadata<'g>>,
}

/// A package and the ids of its libraries.
struct Named<'g> {
    package: PackageMetadata<'g>,
    known: &'g Known<'g>,
    host: String,
}

impl<'g> Packages<'g> {
    /// Finds what is known of each package, by name, version and source.
    pub(in crate::cargo) fn new(graph: &'g PackageGraph, known: &'g [Known<'g>]) -> Result<Self, String> {
        let mut by_identity: HashMap<(String, String, String), &Known<'_>> =
            known.iter().map(|known| (known.identity(), known)).collect();
        let (mut by_package, mut by_id) = (HashMap::new(), HashMap::new());
        for package in graph.packages() {
            let source = match package.source() {
                PackageSource::External(source) => source,
                PackageSource::Workspace(_) | PackageSource::Path(_) => "",
            };
            let identity = (package.name().to_owned(), package.version().to_string(), source.to_owned());
            let (name, version, _) = &identity;
            let unknown = || format!("{name} {version} ({source}) is not in the lock");
            let known = by_identity.remove(&identity).ok_or_else(unknown)?;
            let host = if package.is_proc_macro() { known.id.clone() } else { format!("{}-host", known.id) };
            by_id.insert(known.id.as_str(), package);
            by_package.insert(package.id(), Named { package, known, host });
        }
        Ok(Self { by_package, by_id })
    }

    /// The readable id of a package.
    pub(in crate::cargo) fn id(&self, package: &PackageId) -> &str {
        self.by_package.get(package).map_or("", |named| named.known.id.as_str())
    }

    /// The package of a readable id.
    pub(in crate::cargo) fn metadata(&self, id: &str) -> Option<PackageMetadata<'g>> {
        self.by_id.get(id).copied()
    }

    /// All of them, in no particular order.
    pub(in crate::cargo) fn all(&self) -> impl Iterator<Item = (PackageMetadata<'g>, &'g Known<'g>)> {
        self.by_package.values().map(|named| (named.package, named.known))
    }

    /// Proc macros are for the host whoever asks; other libraries for the host are told apart from their target twin.
    pub(super) fn library_id(&self, package: &PackageId, side: Side) -> &str {
        match (self.by_package.get(package), side) {
            (Some(named), Side::Host) => &named.host,
            _ => self.id(package),
        }
    }
}
