//! Locks of npm, yarn and pnpm, read to the graph that they say.
//!
//! Pure: the text of the lock and the manifests of the project's folders go in. Locks come with repositories of strangers, so
//! nothing in them is believed that cannot be checked: every package has a hash or a commit, and stands within the project.

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

use origins::Origins;

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

#[cfg(test)]
mod tests;
