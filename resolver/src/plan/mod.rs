//! The plan: everything that resolution found out about one release.
//!
//! A plan is a pure function of a [catalog](crate::catalog::Catalog), has one outer shape for every ecosystem, and
//! serialises to the same bytes each time (ordered maps only).

pub mod cargo;
pub mod changes;
pub mod components;
pub mod diff;
pub mod go;
pub mod npm;
pub mod sbom;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::ResolveError;

use cargo::CargoGraph;
use go::GoGraph;
use npm::NpmGraph;

/// What one release is, what it is made of, and where each piece comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The form of this document; changes when a reader would misunderstand an older one.
    pub schema: u32,
    /// The release, as a package URL with a version: `pkg:cargo/ripgrep@15.2.0`.
    pub purl: String,
    /// The upstream's own name of the package.
    pub name: String,
    /// The version, as the registry spells it.
    pub version: String,
    /// What a person wants to know of the package.
    pub metadata: Metadata,
    /// The commit that is the release, where it is no package of a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The resolved graph.
    pub graph: Graph,
}

/// A commit of a git repository whose files are a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The repository's address, as anybody clones it.
    pub url: String,
    /// The tag that names the release.
    pub tag: String,
    /// The full id.
    pub id: String,
    /// Nix's hash of its tree, submodules included, as an SRI.
    pub hash: String,
    /// The folder of the project in it, that of the workspace around a member of one; that of the top is the empty text.
    pub folder: String,
}

/// Descriptive fields of the root package, exactly as upstream wrote them: hostile text until escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// One line or several.
    pub description: Option<String>,
    /// A URL, or whatever upstream wrote there.
    pub homepage: Option<String>,
    /// The URL of the source repository.
    pub repository: Option<String>,
    /// An SPDX expression; `/` as "or" in old manifests is already replaced.
    pub license: Option<String>,
    /// The oldest rustc that upstream supports.
    pub rust_version: Option<String>,
}

/// The graph of one ecosystem's release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ecosystem", rename_all = "lowercase")]
pub enum Graph {
    /// A Rust release.
    Cargo(CargoGraph),
    /// A Go release.
    Go(GoGraph),
    /// An npm release.
    Npm(NpmGraph),
}

impl Plan {
    /// The current value of [`Plan::schema`].
    pub const SCHEMA: u32 = 1;

    /// The graph, if this is a Rust release.
    pub fn cargo(&self) -> Option<&CargoGraph> {
        match &self.graph {
            Graph::Cargo(graph) => Some(graph),
            Graph::Go(_) | Graph::Npm(_) => None,
        }
    }

    /// The graph, if this is a Go release.
    pub fn go(&self) -> Option<&GoGraph> {
        match &self.graph {
            Graph::Go(graph) => Some(graph),
            Graph::Cargo(_) | Graph::Npm(_) => None,
        }
    }

    /// The graph, if this is an npm release.
    pub fn npm(&self) -> Option<&NpmGraph> {
        match &self.graph {
            Graph::Npm(graph) => Some(graph),
            Graph::Cargo(_) | Graph::Go(_) => None,
        }
    }

    /// The programs that the plan builds on any of its systems, sorted by name.
    pub fn binaries(&self) -> BTreeSet<&str> {
        match &self.graph {
            Graph::Cargo(graph) => graph.binaries(),
            Graph::Go(graph) => graph.binaries(),
            Graph::Npm(graph) => graph.binaries(),
        }
    }

    /// `(name, version)` of everything in the graph, the root included.
    pub fn packages(&self) -> BTreeSet<(&str, &str)> {
        match &self.graph {
            Graph::Cargo(graph) => graph.versions(),
            Graph::Go(graph) => graph.versions(),
            Graph::Npm(graph) => graph.versions(),
        }
    }

    /// Readable ids of the packages whose own code runs while this one is installed or built.
    pub fn scripts(&self) -> BTreeSet<&str> {
        match &self.graph {
            Graph::Cargo(graph) => graph.build_scripts(),
            Graph::Go(graph) => graph.with_cgo(),
            Graph::Npm(graph) => graph.install_scripts(),
        }
    }

    /// That there is something to run: a plan of a library is a plan, but no package.
    ///
    /// # Errors
    /// When no system has a binary.
    pub fn require_binaries(&self) -> Result<(), ResolveError> {
        if self.binaries().is_empty() {
            return Err(ResolveError::NoBinary { package: format!("{} {}", self.name, self.version) });
        }
        Ok(())
    }
}
