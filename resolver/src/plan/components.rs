//! What a release is made of, as one list whatever the ecosystem: whose licences are compared, for what advisories are
//! looked up, what an SBOM names.

use std::collections::{BTreeMap, BTreeSet};

use super::cargo::{CargoGraph, Package, Side, Unit, UnitKind};
use super::go::{self, GoGraph};
use super::npm::{Entry, NpmGraph, Source};
use super::{Graph, Plan};

#[cfg(test)]
pub(super) mod tests;

/// Everything that is compiled, linked or installed, and who asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components {
    /// The root's package URL.
    pub root: String,
    /// By package URL, the root included. What a lock names and no system uses is not here.
    pub by_purl: BTreeMap<String, Component>,
    /// Direct dependencies, by package URL.
    pub edges: BTreeMap<String, BTreeSet<String>>,
}

/// One package at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The upstream's own name.
    pub name: String,
    /// As the registry spells it.
    pub version: String,
    /// `pkg:cargo/serde@1.0.228`.
    pub purl: String,
    /// What its manifest says, meant as an SPDX expression.
    pub license: Option<String>,
    /// What vouches for its file.
    pub hash: Option<Hash>,
    /// Whether it is only needed to build: none of it ends up in the program.
    pub builds_only: bool,
    /// What of its own code runs while it is built or installed.
    pub runs: BTreeSet<CodeKind>,
}

/// A hash of a source's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hash {
    /// Lower-case hexadecimal.
    Sha256(String),
    /// Subresource integrity, as npm writes it: `sha512-…` in base 64.
    Integrity(String),
}

/// Code of a package that runs on the machine that builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeKind {
    /// Cargo's `build.rs`.
    BuildScript,
    /// A procedural macro: it runs in the compiler.
    ProcMacro,
    /// npm's `preinstall`, `install` and `postinstall`.
    InstallScript,
    /// Go's `import "C"`: it is no code that runs, but flags for the C compiler that upstream chose.
    Cgo,
}

impl CodeKind {
    /// For a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuildScript => "build script",
            Self::ProcMacro => "procedural macro",
            Self::InstallScript => "install script",
            Self::Cgo => "C code (cgo)",
        }
    }
}

impl Plan {
    /// What the plan's systems use, together.
    pub fn components(&self) -> Components {
        match &self.graph {
            Graph::Cargo(graph) => cargo(graph),
            Graph::Go(graph) => golang(graph),
            Graph::Npm(graph) => npm(graph),
        }
    }
}

/// What a name or version may have that a package URL may not.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('@', "%40").replace('+', "%2B")
}

fn cargo_purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, escaped(&package.version))
}

fn cargo(graph: &CargoGraph) -> Components {
    let purl = |id: &str| graph.packages.get(id).map(cargo_purl);
    let mut components = Components { root: purl(&graph.root).unwrap_or_default(), ..Components::default() };
    let used = graph.units.values().flat_map(BTreeMap::values).map(|unit| unit.package.as_str());
    for id in used.chain([graph.root.as_str()]).collect::<BTreeSet<_>>() {
        let Some(package) = graph.packages.get(id) else { continue };
        let purl = cargo_purl(package);
        let component = Component {
            name: package.name.clone(),
            version: package.version.clone(),
            purl: purl.clone(),
            license: package.license.clone(),
            hash: Some(Hash::Sha256(package.sha256.clone())),
            builds_only: id != graph.root,
            runs: BTreeSet::new(),
        };
        components.by_purl.insert(purl, component);
    }
    for units in graph.units.values() {
        for unit in units.values() {
            let Some(from) = purl(&unit.package) else { continue };
            if let Some(component) = components.by_purl.get_mut(&from) {
                component.runs.extend(code_of(unit));
                component.builds_only &= unit.side == Side::Host || unit.kind == UnitKind::Run;
            }
            let needed = unit.dependencies.iter().filter_map(|dependency| purl(&units.get(&dependency.unit)?.package));
            components.edges.entry(from.clone()).or_default().extend(needed.filter(|to| *to != from));
        }
    }
    components
}

fn npm_purl(entry: &Entry) -> String {
    format!("pkg:npm/{}@{}", escaped(&entry.name), escaped(&entry.version))
}

/// One component for each package and version, however often it stands in the tree.
fn npm(graph: &NpmGraph) -> Components {
    let real = |path: &str| {
        let entry = graph.entries.get(path)?;
        let Source::Link { target } = &entry.source else { return Some(entry) };
        graph.entries.get(target)
    };
    let root = graph.entries.get(&graph.root).map(npm_purl).unwrap_or_default();
    let mut components = Components { root, ..Components::default() };
    for entry in graph.entries.values() {
        if matches!(entry.source, Source::Link { .. }) {
            continue;
        }
        let purl = npm_purl(entry);
        let component = components.by_purl.entry(purl.clone()).or_insert_with(|| Component {
            name: entry.name.clone(),
            version: entry.version.clone(),
            purl: purl.clone(),
            license: entry.license.clone(),
            hash: match &entry.source {
                Source::Registry { integrity } | Source::Tarball { integrity, .. } => {
                    Some(Hash::Integrity(integrity.clone()))
                }
                Source::Git { .. } | Source::Bundled | Source::Link { .. } | Source::Directory => None,
            },
            builds_only: entry.dev,
            runs: BTreeSet::new(),
        });
        component.builds_only &= entry.dev;
        component.runs.extend(entry.script.then_some(CodeKind::InstallScript));
        let needed = entry.dependencies.values().filter_map(|path| real(path)).map(npm_purl);
        components.edges.entry(purl.clone()).or_default().extend(needed.filter(|to| *to != purl));
    }
    components
}

/// The modules that a program is linked from; a replacement under its own name.
fn golang(graph: &GoGraph) -> Components {
    let named = |path: &str| {
        let module = graph.modules.get(path)?;
        let (name, version) = match &module.replace {
            Some(go::Replacement::Module { path, version }) => (path.as_str(), version.as_str()),
            _ => (path, module.version.as_str()),
        };
        Some((name.to_owned(), version.to_owned(), format!("pkg:golang/{name}@{}", escaped(version))))
    };
    let purl = |path: &str| named(path).map(|(_, _, purl)| purl);
    let root = graph.roots.first().and_then(|root| purl(root)).unwrap_or_default();
    let mut components = Components { root, ..Components::default() };
    for (path, module) in graph.modules.iter().filter(|(_, module)| module.source.is_some()) {
        let Some((name, version, purl)) = named(path) else { continue };
        let component = Component {
            name,
            version,
            purl: purl.clone(),
            license: module.license.clone(),
            hash: None,
            builds_only: false,
            runs: BTreeSet::new(),
        };
        components.by_purl.insert(purl, component);
    }
    for package in graph.packages.values().flatten() {
        let Some(from) = purl(&package.module) else { continue };
        if let Some(component) = components.by_purl.get_mut(&from) {
            component.runs.extend((!package.files.cgo.is_empty()).then_some(CodeKind::Cgo));
        }
        let forms = package.imports.iter().filter_map(|import| graph.packages.get(import));
        let needed = forms.flatten().filter_map(|form| purl(&form.module));
        components.edges.entry(from.clone()).or_default().extend(needed.filter(|to| *to != from));
    }
    components
}

fn code_of(unit: &Unit) -> Option<CodeKind> {
    match unit.kind {
        UnitKind::Run => Some(CodeKind::BuildScript),
        UnitKind::ProcMacro => Some(CodeKind::ProcMacro),
        UnitKind::Lib | UnitKind::Bins => None,
    }
}
