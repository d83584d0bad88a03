//! What the resolution of a Go module or workspace knows, and what it still asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;

use super::facts::{ModuleFacts, StandardLibrary};
use super::modfile::GoMod;
use crate::plan::go::GoGraph;

/// A version of a module: what is fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleVersion {
    /// The module's path, as go.mod spells it.
    pub path: String,
    /// Its version, canonical: `v1.2.3`, `v0.0.0-20200101000000-abcdefabcdef`, `v2.0.0+incompatible`.
    pub version: String,
}

impl fmt::Display for ModuleVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.path, self.version)
    }
}

/// Something that the resolver asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The go.mod of a module version: [`Known::mods`].
    Mod(ModuleVersion),
    /// What the module's zip teaches: [`Known::zips`].
    Zip(ModuleVersion),
}

/// What was asked for, or why there is none.
#[derive(Debug, Clone)]
pub enum Lookup<T> {
    /// Here it is.
    Found(T),
    /// No proxy has it.
    Absent {
        /// For a person: what was said.
        why: String,
    },
}

/// A go.mod file of a dependency.
#[derive(Debug, Clone)]
pub struct ModFile {
    /// What it says, read by the lax rules for dependencies.
    pub content: Arc<GoMod>,
    /// `h1:…` of the file, as go.sum has it for `VERSION/go.mod`.
    pub sum: String,
    /// The file's SHA-256 as Nix takes it: `sha256-…`.
    pub hash: String,
}

/// Everything that is known so far.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// go.mod files of dependencies.
    pub mods: HashMap<ModuleVersion, Lookup<ModFile>>,
    /// Modules' files.
    pub zips: HashMap<ModuleVersion, Lookup<Arc<ModuleFacts>>>,
}

/// A module whose files are at hand: a project's own, a member of its workspace, the target of a `replace` with a folder, or a
/// release that is the root of its own graph.
#[derive(Debug, Clone)]
pub struct LocalModule {
    /// Where it is, relative to the project's root, with slashes: `.`, `api`, `../other`.
    pub dir: String,
    /// The text of its go.mod.
    pub go_mod: String,
    /// The text of its go.sum, if it has one.
    pub go_sum: Option<String>,
    /// Its files.
    pub facts: Arc<ModuleFacts>,
    /// The version, for a release: it is not written into the program, as Go writes none for a module that is a folder.
    pub version: Option<String>,
}

/// What is to be resolved.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The main module, or the workspace's members, in the order of go.work.
    pub mains: Vec<LocalModule>,
    /// The texts of `go.work` and `go.work.sum`.
    pub work: Option<(String, Option<String>)>,
    /// Other folders that `replace` lines lead to, by the folder relative to the project's root.
    pub folders: BTreeMap<String, LocalModule>,
    /// Import paths of the packages to build; empty means every main package of the main modules.
    pub programs: Vec<String>,
}

/// A system that is built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoSystem {
    /// As Nix calls it: `x86_64-linux`.
    pub system: String,
    /// `GOOS`.
    pub os: String,
    /// `GOARCH`.
    pub arch: String,
}

/// What packages are chosen for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The systems.
    pub systems: Vec<GoSystem>,
    /// Whether C is compiled.
    pub cgo: bool,
    /// Build tags that are chosen.
    pub tags: Vec<String>,
    /// The toolchain's standard library, which says also which version's rules count.
    pub standard: Arc<StandardLibrary>,
    /// A newer Go, whose go lines are not refused: what comes of it can be looked at, and not built with this toolchain.
    pub go: Option<String>,
}

impl Target {
    /// The Go whose rules count for go lines.
    pub fn rules(&self) -> &str {
        self.go.as_deref().unwrap_or_else(|| self.standard.version())
    }
}

/// Where a resolution stands.
#[derive(Debug)]
pub enum Step {
    /// Not before these are known.
    Need(Vec<Need>),
    /// Finished.
    Done(Box<GoGraph>),
}
