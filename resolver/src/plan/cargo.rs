//! The graph of a Rust release: packages, and the units that are compiled of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A Rust release resolved to compiled units, per system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CargoGraph {
    /// The root's key in `packages`.
    pub root: String,
    /// What is built: the root, and the other members of a workspace; keys in `packages`, sorted.
    #[serde(default)]
    pub members: Vec<String>,
    /// Every package of the lock, by readable id (`serde-1.0.228`), the root included.
    pub packages: BTreeMap<String, Package>,
    /// The units of each Nix system (`x86_64-linux`), by readable id.
    pub units: BTreeMap<String, BTreeMap<String, Unit>>,
    /// What the root's `[profile.release]` asks for.
    pub profile: Profile,
    /// The features of the root that were chosen.
    pub selection: Selection,
    /// Who said what belongs together.
    pub judge: Judge,
    /// The lock that cargo made, where the release ships none.
    pub lock: Option<String>,
}

/// Who said what belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// The rules of cargo, applied to the facts about each crate.
    Facts,
    /// Cargo itself, as the facts left something open.
    Cargo,
}

/// One version of a crate: a source with the hash that the registry vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The crate's name, `-` and `_` as published.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the `.crate` file, lower-case hexadecimal: the index's and the lock's checksum. Empty for what is in a tree.
    pub sha256: String,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Origin::is_crates_io")]
    pub origin: Origin,
    /// `package.links`.
    pub links: Option<String>,
    /// Whether it has a build script.
    pub build_script: bool,
    /// Whether it is a proc macro.
    pub proc_macro: bool,
    /// Its licence, meant as an SPDX expression; old manifests' `/` is already replaced.
    pub license: Option<String>,
    /// `CARGO_PKG_*` values (`AUTHORS`, `DESCRIPTION`, `HOMEPAGE`, `REPOSITORY`, `LICENSE`, `LICENSE_FILE`, `README`,
    /// `RUST_VERSION`) that some source reachable from here names, empty ones left out.
    pub env: BTreeMap<String, String>,
}

/// Where a package comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// The public registry.
    #[default]
    CratesIo,
    /// Another registry.
    Registry {
        /// The address of its index as the lock has it; a sparse one begins with `sparse+`.
        index: String,
        /// Where it has the file, which it says itself.
        download: String,
    },
    /// A commit of a git repository.
    Git {
        /// The repository's address.
        url: String,
        /// What the manifest chose the commit by: `branch=…`, `tag=…`, `rev=…`.
        reference: Option<String>,
        /// The full id.
        commit: String,
        /// Nix's hash of the commit's tree, as an SRI.
        hash: String,
        /// The package's folder in it; that of the top is the empty text.
        folder: String,
        /// The manifest with what it inherits, for cargo, which finds no workspace around a vendored package.
        manifest: Option<String>,
    },
    /// The project itself.
    Project {
        /// The package's folder in it; that of the top is the empty text.
        folder: String,
    },
}

impl Origin {
    /// Whether it is the public registry.
    pub fn is_crates_io(&self) -> bool {
        *self == Self::CratesIo
    }

    /// Whether it is a source of its own, and no part of what is built.
    pub fn is_fetched(&self) -> bool {
        !matches!(self, Self::Project { .. })
    }
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
    /// `--package`: members of a workspace; all when empty.
    #[serde(default)]
    pub members: BTreeSet<String>,
}

impl CargoGraph {
    /// The binaries of all systems.
    pub fn binaries(&self) -> BTreeSet<&str> {
        self.all_units().flat_map(|unit| &unit.binaries).map(|binary| binary.name.as_str()).collect()
    }

    /// `(name, version)` of every package.
    pub fn versions(&self) -> BTreeSet<(&str, &str)> {
        self.packages.values().map(|package| (package.name.as_str(), package.version.as_str())).collect()
    }

    /// Ids of the packages whose build script is run on some system.
    pub fn build_scripts(&self) -> BTreeSet<&str> {
        self.all_units().filter(|unit| unit.kind == UnitKind::Run).map(|unit| unit.package.as_str()).collect()
    }

    fn all_units(&self) -> impl Iterator<Item = &Unit> {
        self.units.values().flat_map(BTreeMap::values)
    }
}
