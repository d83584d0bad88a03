//! The graph of a Go release: the modules that were selected, and the packages that its programs are compiled from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::npm::Trust;

/// A Go release resolved to modules and packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoGraph {
    /// The main modules' paths: one, but for a workspace (`go.work`).
    pub roots: Vec<String>,
    /// The version of Go whose rules the packages follow, as `go version` says it without `go`: `1.27.3`.
    pub rules: String,
    /// The oldest Go that builds it: the main module's (or workspace's) go line, `1.26.0`.
    pub go: String,
    /// The toolchain that upstream asks for (`toolchain go1.27.0`), without `go`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<String>,
    /// Whether C is compiled (`CGO_ENABLED`).
    pub cgo: bool,
    /// Build tags beyond those of the system and the toolchain.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The main module's (or workspace's) `godebug` lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub godebug: BTreeMap<String, String>,
    /// The Nix systems that the graph is for.
    pub systems: BTreeSet<String>,
    /// Systems that were asked for and on which none of the programs can be compiled, and why not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// The build list: every selected module by path, the main modules included.
    pub modules: BTreeMap<String, Module>,
    /// The go.mod files that stock Go reads when it builds this and that are not inside a module whose source is
    /// needed, by `path@version` of what is fetched (a replacement's, where there is one): the hash of the file as
    /// Nix takes it (`sha256-…`, flat).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mod_files: BTreeMap<String, String>,
    /// Modules none of whose packages is used, and whose files stock Go looks into all the same: a package of another module
    /// could be theirs by its path. By `path@version` of what is fetched (a replacement's, where there is one): the `h1:…` that
    /// go.sum has of it. The folder that Go looks for is in none of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub searched: BTreeMap<String, String>,
    /// What is built: the program's name, and its package's import path.
    pub programs: BTreeMap<String, String>,
    /// Every package outside of the standard library that a program is linked from, by import path, with one entry
    /// for each form that it has on some of the systems.
    pub packages: BTreeMap<String, Vec<Package>>,
    /// The packages of the standard library that are linked, by system.
    pub standard: BTreeMap<String, BTreeSet<String>>,
}

/// A selected module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its version; empty for a main module that is a folder.
    pub version: String,
    /// What stands in its place (`replace`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replacement>,
    /// The go line of the go.mod that counts (a replacement's, where there is one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<String>,
    /// Where the files are, if one of its packages is used, or it is a main module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The licence that the texts in its files are, as an SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What the checksum database says of it.
    #[serde(default)]
    pub checked: Trust,
    /// That the checksum database has it: for a release that was found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// That a record is in the log of the checksum database. With the database's public key nothing else is needed to check it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What a lookup gives: the record's number, the record, and the signed head of the log.
    pub record: String,
    /// The hashes that lead from the record to the head, in base64, in the order of RFC 6962.
    pub hashes: Vec<String>,
}

/// What a `replace` line puts in a module's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Replacement {
    /// Another module, or another version of the same.
    Module {
        /// Its path.
        path: String,
        /// Its version.
        version: String,
    },
    /// A folder, as the line spells it: `./api`, `../other`.
    Directory {
        /// Relative to the folder of the go.mod or go.work that says so.
        path: String,
    },
}

/// Where a module's files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Source {
    /// The module proxy's zip.
    Proxy {
        /// The hash of the unpacked tree as Nix takes it (`sha256-…`, recursive), all files with mode 0444.
        hash: String,
        /// `h1:…`, as go.sum has it.
        sum: String,
    },
    /// A folder of the project itself, relative to its root: `.`, `api`.
    Directory {
        /// Relative, with slashes, without `..`.
        path: String,
    },
}

/// A package, as it is compiled on some of the systems.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The systems on which it has this form.
    pub on: BTreeSet<String>,
    /// The name in its package clause.
    pub name: String,
    /// The path of its module.
    pub module: String,
    /// Its folder in the module; empty for the module's root.
    pub dir: String,
    /// What is compiled.
    pub files: Files,
    /// Go files in the folder, tests left out, that no compiler sees on these systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Import paths of the packages outside of the standard library that it imports, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
    /// The patterns of `//go:embed` lines, each with the files that it matches, relative to the package's folder, sorted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub embed: BTreeMap<String, Vec<String>>,
    /// What `#cgo` lines ask for.
    #[serde(default, skip_serializing_if = "Cgo::is_empty")]
    pub cgo: Cgo,
    /// `//go:debug` lines of a main package: `name=value`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub godebug: Vec<String>,
}

/// Files by what is done with them, as `go list` names the lists; each sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Files {
    /// `GoFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub go: Vec<String>,
    /// `CgoFiles`: Go files that import "C".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cgo: Vec<String>,
    /// `CFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub c: Vec<String>,
    /// `CXXFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cxx: Vec<String>,
    /// `MFiles`: Objective-C.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub m: Vec<String>,
    /// `FFiles`: Fortran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub f: Vec<String>,
    /// `HFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub h: Vec<String>,
    /// `SFiles`: assembly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub s: Vec<String>,
    /// `SwigFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub swig: Vec<String>,
    /// `SwigCXXFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub swig_cxx: Vec<String>,
    /// `SysoFiles`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub syso: Vec<String>,
}

/// What `#cgo` lines ask for, `${SRCDIR}` kept as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Cgo {
    /// `CFLAGS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cflags: Vec<String>,
    /// `CPPFLAGS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cppflags: Vec<String>,
    /// `CXXFLAGS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cxxflags: Vec<String>,
    /// `FFLAGS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fflags: Vec<String>,
    /// `LDFLAGS`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ldflags: Vec<String>,
    /// `pkg-config`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pkg_config: Vec<String>,
}

impl Cgo {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl GoGraph {
    /// The programs' names.
    pub fn binaries(&self) -> BTreeSet<&str> {
        self.programs.keys().map(String::as_str).collect()
    }

    /// `(path, version)` of every module that a program is linked from, replacements under their own names.
    pub fn versions(&self) -> BTreeSet<(&str, &str)> {
        let used = self.modules.iter().filter(|(_, module)| module.source.is_some());
        used.map(|(path, module)| match &module.replace {
            Some(Replacement::Module { path, version }) => (path.as_str(), version.as_str()),
            _ => (path.as_str(), module.version.as_str()),
        })
        .collect()
    }

    /// Import paths of the packages that compile C, C++, Objective-C or Fortran: what they run is the C compiler, with flags
    /// that upstream chose.
    pub fn with_cgo(&self) -> BTreeSet<&str> {
        let compiles_c = |package: &Package| !package.files.cgo.is_empty();
        let packages = self.packages.iter().filter(|(_, forms)| forms.iter().any(compiles_c));
        packages.map(|(path, _)| path.as_str()).collect()
    }

    /// The lines of `go list -m all`.
    pub fn build_list(&self) -> Vec<String> {
        let line = |path: &String| {
            let module = self.modules.get(path)?;
            let mut line = path.clone();
            if !module.version.is_empty() && !self.roots.contains(path) {
                line = format!("{line} {}", module.version);
            }
            match &module.replace {
                Some(Replacement::Module { path, version }) => line = format!("{line} => {path} {version}"),
                Some(Replacement::Directory { path }) => line = format!("{line} => {path}"),
                None => {}
            }
            Some(line)
        };
        let others = self.modules.keys().filter(|path| !self.roots.contains(path));
        self.roots.iter().chain(others).filter_map(line).collect()
    }
}
