//! What can go wrong with a registry of npm packages.

use crate::clients::files::FileError;
use crate::clients::http::HttpError;
use crate::clients::integrity::InvalidIntegrity;

/// What a registry of npm packages could not give.
#[derive(Debug, thiserror::Error)]
pub enum NpmError {
    /// No such package.
    #[error("the package {name} is not in the registry {registry}; check its spelling, the scope included")]
    NotFound {
        /// As asked for.
        name: String,
        /// The registry's address.
        registry: String,
    },
    /// The package is there, this version is not.
    #[error("{name} has no version {version} in the registry {registry}: it was never published, or was removed")]
    VersionNotFound {
        /// The package.
        name: String,
        /// As asked for.
        version: String,
        /// The registry's address.
        registry: String,
    },
    /// The registry names a tarball that is not there.
    #[error("there is no tarball at {url}, though the registry names it; the next cycle tries again")]
    TarballNotFound {
        /// Where it should be.
        url: String,
    },
    /// Not a name that a package can have.
    #[error("{name:?} is not a package's name (`NAME` or `@SCOPE/NAME`, letters, digits and `-._~`, at most 214)")]
    InvalidName {
        /// As asked for.
        name: String,
    },
    /// A version that cannot be part of an address.
    #[error("{name} {version:?} cannot be asked for: not a version as the registry has them")]
    InvalidVersion {
        /// The package.
        name: String,
        /// As asked for.
        version: String,
    },
    /// A document that is damaged, or about something else.
    #[error(
        "what the registry says of {package} cannot be used: {reason}; nothing was kept, the next cycle tries again"
    )]
    Document {
        /// The package, with the version if one was asked for.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A hash that cannot be checked.
    #[error("the tarball {url} cannot be checked: {source}")]
    Integrity {
        /// The tarball.
        url: String,
        /// What was promised.
        source: InvalidIntegrity,
    },
    /// Another hash than the one that was seen first.
    #[error(
        "{package} {version} was {first} when it was first seen, and is {now} now: a published version never changes, so it \
         is refused; ask upstream and the registry what happened"
    )]
    Replaced {
        /// The package.
        package: String,
        /// The version.
        version: String,
        /// What was seen first.
        first: String,
        /// What the registry says now.
        now: String,
    },
    /// An address of a tarball that is none.
    #[error("{url:?} is not the address of a tarball (http or https, without a user name)")]
    InvalidAddress {
        /// As given.
        url: String,
    },
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The cache.
    #[error(transparent)]
    File(#[from] FileError),
}

impl NpmError {
    /// Whether the registry answered that it does not have it, or does not give it to us, as opposed to: could not be asked.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Http(HttpError::Status { status, .. }) => matches!(status.as_u16(), 401 | 403),
            Self::NotFound { .. }
            | Self::VersionNotFound { .. }
            | Self::TarballNotFound { .. }
            | Self::InvalidName { .. }
            | Self::InvalidVersion { .. }
            | Self::InvalidAddress { .. } => true,
            _ => false,
        }
    }
}
