//! The graph of an npm release: what stands where in `node_modules`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An npm release resolved to a tree of folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NpmGraph {
    /// The lock path of the package itself: `node_modules/svgo` for a release of the registry, the empty string for a
    /// project that stands in a folder of its own.
    pub root: String,
    /// Every entry, by lock path (`node_modules/svgo/node_modules/css-tree`, `packages/one` for a member of a
    /// workspace); the project at the empty path is not among them unless it is the root.
    pub entries: BTreeMap<String, Entry>,
    /// The Nix systems that the graph is for; each entry says on which of them it stands.
    pub systems: BTreeSet<String>,
    /// Who said what stands where.
    pub judge: Judge,
    /// The script of its manifest that makes what is run, where the release is a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// The bytes of `package-lock.json`, for `resolve --format package-lock`.
    pub lock: String,
}

/// Who said what stands where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// Our own rules, which follow those of this version of npm.
    Rules {
        /// The version of npm.
        npm: String,
    },
    /// The lock that the release or the project ships (its file name).
    Shipped {
        /// `package-lock.json`, `yarn.lock`, …
        file: String,
    },
    /// npm itself, as our rules could not answer, or npm refused what they answered.
    Npm {
        /// The version of npm.
        npm: String,
        /// Why it was asked.
        why: String,
    },
}

/// A folder of the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The package's own name; differs from the folder's for an alias.
    pub name: String,
    /// Its version; empty for a link or a folder that has none.
    pub version: String,
    /// Where its files come from.
    pub source: Source,
    /// What it depends on, by the name that it asks for: lock paths of the entries that answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dependencies: BTreeMap<String, String>,
    /// Those names among `dependencies` that it can do without: optional dependencies and optional peers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub optional_dependencies: BTreeSet<String>,
    /// The systems on which it stands.
    pub on: BTreeSet<String>,
    /// Only needed while the root is developed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dev: bool,
    /// Only reached through optional dependencies: if it cannot be had, the rest goes on without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// `os` of the manifest: operating systems that it is for (`!win32`: that it is not for); empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<String>,
    /// `cpu` of the manifest, in the same form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu: Vec<String>,
    /// `libc` of the manifest, in the same form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub libc: Vec<String>,
    /// Its programs: name, and file relative to the package's folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bin: BTreeMap<String, String>,
    /// Whether code of its own runs when it is installed (`preinstall`, `install`, `postinstall`, `binding.gyp`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub script: bool,
    /// `engines.node`: the range of node versions that it supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Its licence, meant as an SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What upstream says against using this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// Whether the registry's signature holds.
    #[serde(default)]
    pub signature: Trust,
    /// Whether the registry has a provenance attestation for it: presence only, its content is not judged.
    #[serde(default)]
    pub provenance: Trust,
}

/// What is known of a claim.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// It holds.
    Verified,
    /// It does not hold.
    Failed,
    /// There is nothing to judge by.
    #[default]
    Unavailable,
}

/// Where a folder's files come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Source {
    /// A tarball of the registry, at the address that every registry has it at.
    Registry {
        /// Subresource integrity, as the registry or the lock gives it: `sha512-…`.
        integrity: String,
    },
    /// A tarball at an address of its own.
    Tarball {
        /// The address.
        url: String,
        /// Subresource integrity.
        integrity: String,
    },
    /// A commit of a git repository.
    Git {
        /// The repository's address, without `git+`.
        url: String,
        /// The full commit id.
        commit: String,
        /// The hash of the unpacked tree as Nix takes it (`sha256-…`, recursive).
        hash: String,
    },
    /// Part of the tarball of the package that stands around it.
    Bundled,
    /// A link to another entry of the tree.
    Link {
        /// The lock path of the entry.
        target: String,
    },
    /// A folder of the project itself.
    #[default]
    Directory,
}

impl NpmGraph {
    /// The programs of the root, sorted by name.
    pub fn binaries(&self) -> BTreeSet<&str> {
        self.entries.get(&self.root).map(|root| root.bin.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// `(name, version)` of every package in the tree, the root included.
    pub fn versions(&self) -> BTreeSet<(&str, &str)> {
        self.packages().map(|(_, entry)| (entry.name.as_str(), entry.version.as_str())).collect()
    }

    /// The lock paths of the packages whose own code runs when they are installed.
    pub fn install_scripts(&self) -> BTreeSet<&str> {
        self.packages().filter(|(_, entry)| entry.script).map(|(path, _)| path).collect()
    }

    /// What is a package and stands somewhere, links left out.
    fn packages(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let stands = |entry: &Entry| !(matches!(entry.source, Source::Link { .. }) || entry.on.is_empty());
        self.entries.iter().filter(move |(_, entry)| stands(entry)).map(|(path, entry)| (path.as_str(), entry))
    }
}
