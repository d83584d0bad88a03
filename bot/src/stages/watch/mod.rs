//! Watch: the newest acceptable release of a package, whatever its ecosystem.

mod cargo;
mod github;
mod go;
mod npm;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use url::Url;

pub(super) use self::cargo::crates_class;
pub use self::cargo::newest_for_rust;
pub use self::github::{Followed, Tagged, find_tag};
pub(super) use self::go::go_class;
pub use self::go::{newest_before as newest_go_before, watch as watch_go};
pub(super) use self::npm::npm_class;
use super::Failure;
use super::resolve::Resolver;
use crate::clients::crates_io::is_compatible;
use crate::config::{Package, Upstream};
use crate::model::{Automerge, RepositoryName, Track};

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
    /// A Go module, whose hash nobody promises beforehand: the checksum database and go.sum files vouch for it.
    Go {
        /// The module's path.
        module: String,
        /// The folder of the program in it; nothing means the module's root.
        subpath: Option<String>,
    },
    /// A package of the npm registry.
    Npm {
        /// Its name, with its scope.
        name: String,
        /// What its tarball is: `sha512-…`, or `sha1-…` for what was published before 2017.
        integrity: String,
    },
    /// A tag of a repository.
    GitHub {
        /// The repository.
        repository: RepositoryName,
        /// The folder of the project in it; nothing means the top.
        subpath: Option<String>,
        /// The tag.
        tag: String,
        /// The full id of its commit.
        commit: String,
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
    /// Versions that the upstream has taken back.
    pub withdrawn: BTreeSet<String>,
}

/// Which release is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which releases count.
    pub track: &'a Track,
    /// How long a release must have been public.
    pub min_age: SignedDuration,
    /// What the overlay has.
    pub current: Option<&'a str>,
    /// The time now.
    pub now: Timestamp,
    /// A git repository whose tags are releases too, if the ecosystem's registry can give them.
    pub repository: Option<&'a Url>,
    /// What tags begin with before the version, if it is not what is usual.
    pub tag_prefix: Option<&'a str>,
}

/// Asks an upstream about its releases.
///
/// # Errors
/// A [`Failure`] of class upstream (or infrastructure, for the cache).
pub async fn watch(resolver: &Resolver, upstream: &Upstream, wanted: Wanted<'_>) -> Result<Watched, Failure> {
    match upstream {
        Upstream::Cargo { name } => cargo::watch(&resolver.crates, name, wanted).await,
        Upstream::Npm { name } => npm::watch(&resolver.npm.registry, name, wanted).await,
        Upstream::Go { module, subpath } => {
            let tagged = match wanted.repository {
                Some(repository) => go::tagged(&resolver.npm.git, repository, module).await?,
                None => Vec::new(),
            };
            go::watch(&resolver.go.modules, module, subpath.as_deref(), wanted, &tagged).await
        }
        Upstream::GitHub { repository, subpath } => {
            let followed = Followed { repository, subpath: subpath.as_deref(), prefix: wanted.tag_prefix };
            Box::pin(github::watch(resolver, followed, wanted)).await
        }
    }
}

/// One release by its version, yanked or not.
///
/// # Errors
/// A [`Failure`] of class upstream when the registry does not have it.
pub async fn find(resolver: &Resolver, package: &Package, version: &str) -> Result<Candidate, Failure> {
    match &package.upstream {
        Upstream::Cargo { name } => cargo::find(&resolver.crates, name, version).await,
        Upstream::Npm { name } => npm::find(&resolver.npm.registry, name, version).await,
        Upstream::Go { module, subpath } => go::find(&resolver.go.modules, module, subpath.as_deref(), version).await,
        Upstream::GitHub { repository, subpath } => {
            let prefix = package.tag_prefix.as_deref();
            let followed = Followed { repository, subpath: subpath.as_deref(), prefix };
            Box::pin(github::find(resolver, followed, version)).await
        }
    }
}

/// How two versions of one upstream are ordered; nothing where one of them is no version.
///
/// Go's versions are semantic ones after a `v`.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    let parse = |text: &str| semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    Some(parse(a)?.cmp(&parse(b)?))
}

/// Whether a pull request from one version to another may be merged without a person. A package that is new needs
/// [`Automerge::Always`], and so do a step back, a prerelease, and what cargo's caret rule calls incompatible.
pub fn may_merge(rule: Automerge, from: Option<&str>, to: &str) -> bool {
    let parse = |text: &str| semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    let step = match (from.and_then(parse), parse(to)) {
        (Some(from), Some(to)) if to < from || !to.pre.is_empty() || !is_compatible(&from, &to) => Automerge::Always,
        (Some(from), Some(to)) if from.minor == to.minor => Automerge::Patch,
        (Some(_), Some(_)) => Automerge::Minor,
        _ => Automerge::Always,
    };
    rule >= step
}

#[cfg(test)]
mod tests {
    use super::may_merge;
    use crate::model::Automerge;

    #[test]
    fn a_rule_of_merging_goes_as_far_as_it_says() {
        let least = |from: Option<&str>, to: &str| {
            let rules = [Automerge::Never, Automerge::Patch, Automerge::Minor, Automerge::Always];
            rules.into_iter().find(|rule| may_merge(*rule, from, to)).unwrap()
        };
        assert_eq!(least(Some("1.2.3"), "1.2.4"), Automerge::Patch);
        assert_eq!(least(Some("1.2.3"), "1.3.0"), Automerge::Minor);
        assert_eq!(least(Some("1.2.3"), "2.0.0"), Automerge::Always);
        assert_eq!(least(Some("0.2.3"), "0.2.4"), Automerge::Patch);
        assert_eq!(least(Some("0.2.3"), "0.3.0"), Automerge::Always);
        assert_eq!(least(Some("0.0.3"), "0.0.4"), Automerge::Always);
        assert_eq!(least(Some("1.2.3"), "1.2.4-rc.1"), Automerge::Always);
        assert_eq!(least(Some("v1.2.3"), "v1.2.2"), Automerge::Always);
        assert_eq!(least(None, "1.0.0"), Automerge::Always);
        assert_eq!(least(Some("1.0.0"), "tip"), Automerge::Always);
    }
}
