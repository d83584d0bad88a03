//! What the resolution of an npm project knows, and what it still asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::packument::Packument;
use crate::plan::npm::NpmGraph;

/// Something that the resolver asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The versions of a package: [`Known::packuments`].
    Packument {
        /// The package's name, with its scope.
        name: String,
    },
    /// The whole manifest of one version, as the packument was abbreviated, or is not needed: [`Known::manifests`].
    Manifest {
        /// The package's name.
        name: String,
        /// The version.
        version: String,
    },
    /// The whole manifest of the version that the tag `latest` is at: [`Known::latest`]. It answers most ranges, and is a
    /// hundredth of the packument.
    Latest {
        /// The package's name.
        name: String,
    },
    /// What a tarball holds: [`Known::tarballs`].
    Tarball(Tarball),
    /// A commit of a git repository, and what its folder holds: [`Known::gits`].
    Git {
        /// The spec as npm normalises it: `git+ssh://git@forge.example/owner/name.git#v1`.
        spec: String,
    },
}

/// A tarball to look into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tarball {
    /// Where it is; the key in [`Known::tarballs`].
    pub url: String,
    /// Subresource integrity to check it against, if the registry or a lock vouches for it.
    pub integrity: Option<String>,
}

/// What was asked for, or why there is none.
#[derive(Debug, Clone)]
pub enum Lookup<T> {
    /// Here it is.
    Found(T),
    /// The registry does not have it (404), or refuses it: for an optional dependency that is no error.
    Absent {
        /// For a person: what the registry says.
        why: String,
    },
}

impl<T> Lookup<T> {
    /// The same with what was found made into something else.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(found) => Lookup::Found(make(found)),
            Self::Absent { why } => Lookup::Absent { why },
        }
    }
}

/// What the files of a package's tarball or folder say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFiles {
    /// `package.json`, as text.
    pub manifest: String,
    /// Subresource integrity (SHA-512) of the tarball, as computed when it was read; empty for a folder.
    pub integrity: String,
    /// `npm-shrinkwrap.json`, as text.
    pub shrinkwrap: Option<String>,
    /// Every `package.json` below `node_modules`, by the path of its folder: `node_modules/a/node_modules/@b/c`.
    pub bundled: BTreeMap<String, String>,
    /// Whether it has a `binding.gyp`.
    pub gyp: bool,
}

/// A commit, and what its folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitFiles {
    /// The full id of the commit.
    pub commit: String,
    /// The hash of the tree, as Nix takes it (recursive SHA-256, `sha256-…`).
    pub hash: String,
    /// Its files.
    pub files: PackageFiles,
}

/// Everything that is known so far.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By package name.
    pub packuments: BTreeMap<String, Lookup<Arc<Packument>>>,
    /// Whole manifests as JSON, by name and version.
    pub manifests: BTreeMap<(String, String), Lookup<Arc<str>>>,
    /// Whole manifests as JSON, by name.
    pub latest: BTreeMap<String, Lookup<Arc<str>>>,
    /// By address.
    pub tarballs: BTreeMap<String, Lookup<Arc<PackageFiles>>>,
    /// By spec.
    pub gits: BTreeMap<String, Lookup<Arc<GitFiles>>>,
}

/// Where a resolution stands.
#[derive(Debug)]
pub enum Step {
    /// Not before these are known.
    Need(Vec<Need>),
    /// Finished.
    Done(Box<NpmGraph>),
}

/// What the tree is computed for: the rules may look at all of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The version of node: `20.20.2`.
    pub node: String,
    /// The Nix systems that entries are marked for (`x86_64-linux`, …); the first is the one that npm itself would run on.
    pub systems: Vec<String>,
    /// Only what the registry had before this moment (milliseconds since 1970).
    pub before: Option<i64>,
}

/// The project that a tree is computed for: its own files, and those of folders that it refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Project {
    /// The lock path of the package that the graph is of: empty for the project itself, `node_modules/svgo` for a release.
    pub root: String,
    /// The name of the project's folder; npm names a nameless project after it.
    pub folder: String,
    /// `package.json`, as text.
    pub manifest: String,
    /// `package.json` of every other folder that the project may refer to (members of its workspace, `file:` folders), by path
    /// relative to the project (`packages/one`, `../other`).
    pub folders: BTreeMap<String, String>,
    /// Tarballs in the project's folder that `file:` specs refer to, by relative path: the text of their `package.json`
    /// and their integrity are asked for as [`Need::Tarball`] with a `file:` address.
    pub tarballs: Vec<String>,
    /// The name and text of the lock that is there: `npm-shrinkwrap.json` or `package-lock.json`.
    pub lock: Option<(String, String)>,
}

impl Project {
    /// The otherwise empty project that depends on one release: what `npm install NAME@VERSION` in a new folder makes.
    pub fn of_release(name: &str, version: &str) -> Self {
        let manifest = serde_json::json!({ "name": "x", "version": "1.0.0", "dependencies": { name: version } });
        let root = format!("node_modules/{name}");
        Self { root, folder: "x".to_owned(), manifest: manifest.to_string(), ..Self::default() }
    }
}
