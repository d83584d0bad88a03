//! Watch: the newest acceptable release of a package, whatever its ecosystem.

mod cargo;

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::cargo::crates_class;
use super::Failure;
use super::resolve::Resolver;
use crate::config::Upstream;
use crate::model::FailureClass;

/// A release that an upstream has published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its version, as the registry spells it.
    pub version: String,
    /// When it was published, where the registry says so.
    pub published: Option<Timestamp>,
    /// What resolving it begins with.
    pub origin: Origin,
}

/// What the registry says of a release beyond its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A crate.
    Cargo {
        /// Its name, as it was published.
        name: String,
        /// SHA-256 of the `.crate` file, lower-case hexadecimal.
        sha256: String,
    },
}

/// What to take, and what to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The newest acceptable release.
    pub release: Option<Candidate>,
    /// The newest version of all, where it is newer than `release` and only its age is against it.
    pub waiting: Option<Waiting>,
}

/// A version that is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Too new.
    TooYoung {
        /// Which.
        version: String,
        /// When it is old enough.
        ready_at: Timestamp,
    },
    /// The registry does not say when it was published, so it never gets ready by itself.
    NoTime {
        /// Which.
        version: String,
    },
}

/// What the registry has for one package.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The choice, and what is newer but not ready.
    pub choice: Choice,
    /// Why there is no release at all, as the end of a sentence about the package.
    pub why_nothing: String,
}

/// Asks an upstream about its releases.
///
/// # Errors
/// A [`Failure`] of class upstream (or infrastructure, for the cache).
pub async fn watch(
    resolver: &Resolver,
    upstream: &Upstream,
    min_age: SignedDuration,
    now: Timestamp,
) -> Result<Watched, Failure> {
    match upstream {
        Upstream::Cargo { name } => cargo::watch(&resolver.crates, name, min_age, now).await,
        Upstream::Go { .. } | Upstream::Npm { .. } | Upstream::GitHub { .. } => Err(unsupported(upstream)),
    }
}

/// One release by its version, yanked or not.
///
/// # Errors
/// A [`Failure`] of class upstream when the registry does not have it.
pub async fn find(resolver: &Resolver, upstream: &Upstream, version: &str) -> Result<Candidate, Failure> {
    match upstream {
        Upstream::Cargo { name } => cargo::find(&resolver.crates, name, version).await,
        Upstream::Go { .. } | Upstream::Npm { .. } | Upstream::GitHub { .. } => Err(unsupported(upstream)),
    }
}

/// How two versions of one upstream are ordered; nothing where one of them is no version.
///
/// Go's versions are semantic ones after a `v`.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let parse = |text: &str| semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    Some(parse(a)?.cmp(&parse(b)?))
}

fn unsupported(upstream: &Upstream) -> Failure {
    Failure {
        class: FailureClass::Upstream,
        message: format!("{upstream}: releases of this ecosystem cannot be followed by this version"),
    }
}
