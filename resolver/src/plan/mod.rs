//! The plan: everything that resolution found out about one release.
//!
//! A plan is a pure function of a [catalog](crate::catalog::Catalog), has one outer shape for every ecosystem, and
//! serialises to the same bytes each time (ordered maps only).

pub mod diff;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::ResolveError;

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
    /// The resolved graph.
    pub graph: CargoGraph,
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

/// A Rust release resolved to compiled units, per system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoGraph {
    /// The root's key in `packages`.
    pub root: String,
    /// Every package of the lock, by readable id (`serde-1.0.228`), the root included.
    pub packages: BTreeMap<String, Package>,
    /// The units of each Nix system (`x86_64-linux`), by readable id.
    pub units: BTreeMap<String, BTreeMap<String, Unit>>,
    /// What the root's `[profile.release]` asks for.
    pub profile: Profile,
    /// The features of the root that were chosen.
    pub selection: Selection,
    /// The lock that cargo made, where the release ships none.
    pub lock: Option<String>,
}

/// One version of a crate: a source with the hash that the registry vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The crate's name, `-` and `_` as published.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the `.crate` file, lower-case hexadecimal: the index's and the lock's checksum.
    pub sha256: String,
    /// `package.links`.
    pub links: Option<String>,
    /// Whether it has a build script.
    pub build_script: bool,
    /// Whether it is a proc macro.
    pub proc_macro: bool,
    /// `CARGO_PKG_*` values (`AUTHORS`, `DESCRIPTION`, `HOMEPAGE`, `REPOSITORY`, `LICENSE`, `LICENSE_FILE`, `README`,
    /// `RUST_VERSION`) that some source reachable from here names, empty ones left out.
    pub env: BTreeMap<String, String>,
}

/// What kind of compilation a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitKind {
    /// A library (rlib; for the root also its other crate types).
    Lib,
    /// A proc macro; always for the host.
    ProcMacro,
    /// A build script, compiled and run.
    Run,
    /// The root's binaries.
    Bins,
}

/// Where a unit's code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// On the machine that builds.
    Host,
    /// On the machine that the program is for.
    Target,
}

/// A compiled piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Key in [`CargoGraph::packages`].
    pub package: String,
    /// What is compiled.
    pub kind: UnitKind,
    /// For whom.
    pub side: Side,
    /// The crate's name as rustc takes it; for a run `build_script_build`, for binaries empty.
    pub crate_name: String,
    /// The root source file relative to the package; for binaries empty.
    pub path: String,
    /// The edition: `2015`, `2018`, …
    pub edition: String,
    /// `lib`, `rlib`, `cdylib`, `staticlib`, `dylib`, `proc-macro`.
    pub crate_types: Vec<String>,
    /// Features that are on.
    pub features: BTreeSet<String>,
    /// Direct dependencies, sorted by extern name.
    pub dependencies: Vec<Dependency>,
    /// The unit's own build-script run, if its package has a build script.
    pub run: Option<String>,
    /// For a run: the runs whose `DEP_<LINKS>_<KEY>` it is told, sorted.
    pub link_runs: Vec<String>,
    /// For binaries: which.
    pub binaries: Vec<Binary>,
}

/// An edge: the name a dependency has in the source that uses it, and the unit it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The extern name.
    pub extern_name: String,
    /// Key of the unit.
    pub unit: String,
}

/// A binary of the root package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// The file's name.
    pub name: String,
    /// The root source file, relative to the package.
    pub path: String,
    /// The target's edition.
    pub edition: String,
}

/// What of the root's `[profile.release]` changes the result; `None` is cargo's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// `0` to `3`, `s`, `z`.
    pub opt_level: Option<String>,
    /// `off`, `thin`, `fat`, `false`, `true`.
    pub lto: Option<String>,
    /// Codegen units.
    pub codegen_units: Option<u32>,
    /// `unwind` or `abort`.
    pub panic: Option<String>,
    /// `none`, `debuginfo`, `symbols`.
    pub strip: Option<String>,
    /// `0`, `1`, `2`, `line-tables-only`, …
    pub debug: Option<String>,
    /// Arithmetic overflow panics.
    pub overflow_checks: Option<bool>,
    /// `debug_assert!` is compiled in.
    pub debug_assertions: Option<bool>,
}

/// Which features and binaries of the root are wanted, as cargo's options of the same names select them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// `--features`.
    pub features: BTreeSet<String>,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--all-features`.
    pub all_features: bool,
    /// `--bin`, all when empty.
    pub binaries: BTreeSet<String>,
}

impl Plan {
    /// The current value of [`Plan::schema`].
    pub const SCHEMA: u32 = 1;

    /// The binaries that the plan builds on any of its systems, sorted by name.
    pub fn binaries(&self) -> BTreeSet<&str> {
        self.graph
            .units
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(|unit| &unit.binaries)
            .map(|binary| binary.name.as_str())
            .collect()
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
