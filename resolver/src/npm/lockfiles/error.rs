//! Why a lock is not taken.

/// A lock that cannot be read, or that must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The text is not of the form that its name promises: syntax, a key that is there twice, nesting without end.
    #[error("{file} cannot be read: {reason}")]
    Syntax {
        /// The lock's or manifest's file name.
        file: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A version of the format that is not known here.
    #[error("{file} is of version {version}; {known} are read; update nixwright, or write the lock in one of these")]
    Version {
        /// The lock's file name.
        file: String,
        /// What the lock says.
        version: String,
        /// The versions that are read.
        known: &'static str,
    },
    /// Nothing says where a package comes from, nor what it is.
    #[error("{entry} of {file} has neither an address nor a hash, so nobody can say what it is; make the lock again")]
    NoSource {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
    },
    /// A package has an address, and nothing to check it by.
    #[error(
        "{entry} of {file} has no hash, so what {url} answers cannot be checked; make the lock again with a registry \
         that gives hashes"
    )]
    NoHash {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// The address.
        url: String,
    },
    /// A hash is none that a file can be checked by.
    #[error("{entry} of {file}: {integrity:?} is no hash that Nix can check (sha512-…, sha256-… or sha1-…)")]
    Integrity {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// What stands there.
        integrity: String,
    },
    /// A version that could not stand in an address.
    #[error("{entry} of {file}: {version:?} is no version")]
    PackageVersion {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// What stands there.
        version: String,
    },
    /// A package comes from a place that cannot be fetched from.
    #[error("{entry} of {file} comes from {origin:?}: {reason}")]
    Origin {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// What the lock says.
        origin: String,
        /// Why it is refused, and what to do.
        reason: &'static str,
    },
    /// A path at which nothing may be written.
    #[error("{path:?} in {file} is no place for a package: {reason}")]
    Path {
        /// The lock's file name.
        file: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name that no package can have.
    #[error("{name:?} in {file} is no package name: {reason}")]
    Name {
        /// The lock's file name.
        file: String,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A link that leads nowhere.
    #[error("{entry} of {file} is a link to {target:?}, and the lock has no such entry")]
    Target {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// Where it leads.
        target: String,
    },
    /// A folder of the project that is gone.
    #[error("{file} has the folder {folder} of the project, and there is no package.json; make the lock again")]
    NoFolder {
        /// The lock's file name.
        file: String,
        /// The folder.
        folder: String,
    },
    /// A package without one that it needs.
    #[error("{entry} of {file} needs {dependency}, and the lock has no entry that answers; make the lock again")]
    Missing {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// The name that it asks for.
        dependency: String,
    },
    /// Packages that need one another in versions that take turns: no tree of folders is finite and right.
    #[error(
        "{entry} of {file} would stand within itself without end: what it needs leads back to it by other versions of the \
         same names; let these agree, or lock the project with npm"
    )]
    Endless {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
    },
    /// What the lock names is not to be had.
    #[error("{entry} of {file} cannot be had: {why}")]
    Gone {
        /// The lock's file name.
        file: String,
        /// The entry's key in the lock.
        entry: String,
        /// What the registry says.
        why: String,
    },
    /// The manifest was changed after the lock was made.
    #[error(
        "{file} is not of this {manifest}: {dependency} is {wanted} there and {locked} in the lock; make the lock again"
    )]
    OutOfDate {
        /// The lock's file name.
        file: String,
        /// Which `package.json`.
        manifest: String,
        /// The name of the dependency.
        dependency: String,
        /// What the manifest asks for, in words.
        wanted: String,
        /// What the lock was made for, in words.
        locked: String,
    },
}
