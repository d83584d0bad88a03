//! What can go wrong with modules and those who have them.

use super::netrc::NetrcError;
use crate::clients::files::FileError;
use crate::clients::http::HttpError;

/// What no proxy could give.
#[derive(Debug, thiserror::Error)]
pub enum GoProxyError {
    /// Nobody has it.
    #[error("{what} is not there: {asked}; check the module's path, its capital letters included, and the version")]
    NotFound {
        /// The module, with the version if one was asked for.
        what: String,
        /// Who was asked, and what each said.
        asked: String,
    },
    /// The list of proxies ends with `off`.
    #[error("{what} is not asked for: the list of module proxies says `off`")]
    Off {
        /// The module, with the version if one was asked for.
        what: String,
    },
    /// Only the module's own repository could have it.
    #[error(
        "{what} would have to come from its own repository (the list of module proxies says `direct`, or the module is \
         private), which this version does not ask; name a proxy that has it (`go_proxy` under [registries], or \
         NIXWRIGHT_GOPROXY), and take the module out of GOPRIVATE and GONOPROXY"
    )]
    Direct {
        /// The module, with the version if one was asked for.
        what: String,
    },
    /// Not a path that a module can have.
    #[error("{path:?} is not the path of a module that can be fetched: {reason}")]
    InvalidPath {
        /// As asked for.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not a version that a module can have.
    #[error("{module}: {version:?} is not a version as module proxies have them (`v1.2.3`)")]
    InvalidVersion {
        /// The module.
        module: String,
        /// As asked for.
        version: String,
    },
    /// A document that is damaged, or about something else.
    #[error("what {proxy} says of {what} cannot be used: {reason}; nothing was kept, the next cycle tries again")]
    Document {
        /// Who said it.
        proxy: String,
        /// The module, with the version if one was asked for.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another hash than the one that was seen first.
    #[error(
        "{what} was {first} when it was first seen, and is {now} now: a published version never changes, so it is refused; \
         ask upstream and the proxy what happened"
    )]
    Replaced {
        /// Module and version, and `/go.mod` if it is about that file.
        what: String,
        /// What was seen first.
        first: String,
        /// What came now.
        now: String,
    },
    /// A zip that is not as a module's zip has to be.
    #[error("the zip of {what} is refused: {reason}")]
    Zip {
        /// Module and version.
        what: String,
        /// Why.
        reason: String,
    },
    /// The file of logins.
    #[error(transparent)]
    Netrc(#[from] NetrcError),
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

impl GoProxyError {
    /// Whether everybody who may be asked was, and does not have it, as opposed to: could not be asked.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::Off { .. }
                | Self::Direct { .. }
                | Self::InvalidPath { .. }
                | Self::InvalidVersion { .. }
        )
    }
}
