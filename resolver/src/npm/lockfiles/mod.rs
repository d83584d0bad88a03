//! Locks of npm, yarn and pnpm, read to the graph that they say.
//!
//! Pure: the text of the lock and the manifests of the project's folders go in. Locks come with repositories of strangers, so
//! nothing in them is believed that cannot be checked: every package has a hash or a commit, and stands within the project.

mod completion;
mod error;
mod hoist;
mod legacy;
mod manifest;
mod origins;
mod package_lock;
mod places;
mod pnpm;
mod strict;
mod tree;
mod yarn;
mod yarn_syntax;

pub use error::LockError;
pub use manifest::Manifest;
pub use tree::{Locked, Project};

use std::collections::{BTreeMap, BTreeSet};

use origins::Origins;

use super::catalog;
use super::error::NpmError;
use super::workspaces::members;
use crate::plan::npm::Entry;

/// A kind of lock, in the order in which the first one found in a folder counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockFile {
    /// npm's, published with the package.
    Shrinkwrap,
    /// npm's.
    PackageLock,
    /// pnpm's.
    Pnpm,
    /// That of yarn 1.
    Yarn,
}

impl LockFile {
    /// All of them: npm's before others, and the one that npm prefers first.
    pub const ALL: [Self; 4] = [Self::Shrinkwrap, Self::PackageLock, Self::Pnpm, Self::Yarn];

    /// Its file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shrinkwrap => "npm-shrinkwrap.json",
            Self::PackageLock => "package-lock.json",
            Self::Pnpm => "pnpm-lock.yaml",
            Self::Yarn => "yarn.lock",
        }
    }

    /// The kinds of locks in the order in which they count for a project: first that of the package manager which its
    /// `packageManager` names (`pnpm@9.0.0`), then npm's, then others.
    pub fn by_preference(manifest: &str) -> Vec<Self> {
        let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap_or_default();
        let manager = manifest.get("packageManager").and_then(serde_json::Value::as_str).unwrap_or_default();
        let preferred = |file: &Self| match manager.split('@').next() {
            Some("pnpm") => *file == Self::Pnpm,
            Some("yarn") => *file == Self::Yarn,
            _ => false,
        };
        let (mut first, rest): (Vec<Self>, Vec<Self>) = Self::ALL.into_iter().partition(preferred);
        first.extend(rest);
        first
    }

    /// Whether npm reads it, as far as it says what stands where.
    pub fn is_npms(self) -> bool {
        matches!(self, Self::Shrinkwrap | Self::PackageLock)
    }

    /// The kind of lock that a file of this name is.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }

    /// The folders of the project that the lock is for, beside those that the project's own manifest names: pnpm has its
    /// workspace in a file of its own, and the members in the lock.
    ///
    /// # Errors
    /// When the lock cannot be read, or has a folder that is outside of the project.
    pub fn folders(self, text: &str) -> Result<BTreeSet<String>, LockError> {
        match self {
            Self::Pnpm => pnpm::folders(self.name(), text),
            Self::Shrinkwrap | Self::PackageLock | Self::Yarn => Ok(BTreeSet::new()),
        }
    }

    /// Reads the lock of a project. `registries` are addresses of registries whose tarballs have the usual address there
    /// (`https://registry.example`, without a final `/`): the public one and its mirrors.
    ///
    /// # Errors
    /// When the lock cannot be read, is not the project's, or has something that must not be built.
    pub fn read(self, text: &str, project: &Project, registries: &[&str]) -> Result<Locked, LockError> {
        let origins = Origins { file: self.name(), registries };
        match self {
            Self::Shrinkwrap | Self::PackageLock => package_lock::read(text, project, origins),
            Self::Pnpm => pnpm::read(text, project, origins),
            Self::Yarn => yarn::read(text, project, origins),
        }
    }
}

/// Why a project with a lock cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The workspace.
    #[error(transparent)]
    Workspace(#[from] NpmError),
}

/// The entry of a project itself, as its manifest says.
///
/// # Errors
/// When the manifest cannot be read.
pub fn own_entry(project: &catalog::Project) -> Result<Entry, LockError> {
    let manifest = Manifest::parse("package.json", &project.manifest)?;
    let name = manifest.name().unwrap_or(&project.folder).to_owned();
    let version = manifest.version().unwrap_or_default().to_owned();
    let mut entry = Entry { name, version, ..Entry::default() };
    manifest.describe(&mut entry);
    Ok(entry)
}

/// Reads the lock that a project has; nothing if it has none.
///
/// # Errors
/// When a manifest or the lock cannot be read, or the lock is not this project's.
pub fn of_project(project: &catalog::Project, registries: &[&str]) -> Result<Option<Locked>, ProjectError> {
    let Some((name, text)) = &project.lock else { return Ok(None) };
    let Some(file) = LockFile::of_name(name) else { return Ok(None) };
    let folders = project.folders.iter();
    let folders =
        folders.map(|(path, text)| Ok((path.clone(), Manifest::parse(&format!("{path}/package.json"), text)?)));
    let folders = folders.collect::<Result<BTreeMap<String, Manifest>, LockError>>()?;
    let manifest = Manifest::parse("package.json", &project.manifest)?;
    let root = super::manifest::Manifest::parse(&project.manifest)
        .map_err(|error| LockError::Syntax { file: "package.json".to_owned(), reason: error.to_string() })?;
    let mut all: BTreeSet<String> = members(project, &root)?.into_iter().map(|(_, path)| path).collect();
    all.extend(file.folders(text)?.into_iter().filter(|path| !path.is_empty() && folders.contains_key(path)));
    let project = Project { manifest, folders, members: all };
    Ok(Some(file.read(text, &project, registries)?))
}

#[cfg(test)]
mod tests;
