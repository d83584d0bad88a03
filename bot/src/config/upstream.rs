//! Where a package's releases come from, named by a package URL.

use std::fmt;
use std::str::FromStr;

use packageurl::PackageUrl;

/// The ecosystems that this program knows, as their package URLs call them.
const SUPPORTED: &str = "cargo";

/// Where releases come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upstream {
    /// A crate of crates.io.
    Cargo {
        /// The crate's name, as written; the registry says how it is spelled.
        name: String,
    },
}

/// A package URL, taken apart: `pkg:cargo/ripgrep@15.2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The package.
    pub upstream: Upstream,
    /// Its version, if one is named.
    pub version: Option<String>,
}

/// A text that names no package this program can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Not a package URL at all.
    #[error("{text:?} is not a package URL ({reason}); write it as `pkg:cargo/NAME`")]
    NotAPurl {
        /// As written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A package URL of an ecosystem that is not known.
    #[error("{text:?}: the package type {kind:?} is not supported; supported: {SUPPORTED}")]
    UnknownType {
        /// As written.
        text: String,
        /// The type.
        kind: String,
    },
    /// A part that packages of this type do not have.
    #[error("{text:?}: {part}")]
    UnknownPart {
        /// As written.
        text: String,
        /// Which, and what to do.
        part: &'static str,
    },
    /// Not a name that the ecosystem allows.
    #[error(
        "{text:?}: {name:?} is not a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)"
    )]
    InvalidName {
        /// As written.
        text: String,
        /// The name.
        name: String,
    },
    /// Not a version that the ecosystem allows.
    #[error("{text:?}: {version:?} is not a version; write all three numbers, as in `@1.2.3`")]
    InvalidVersion {
        /// As written.
        text: String,
        /// The version.
        version: String,
    },
}

impl Upstream {
    /// The upstream's own name of the package.
    pub fn name(&self) -> &str {
        match self {
            Self::Cargo { name } => name,
        }
    }

    /// The package URL of one release.
    pub fn release(&self, version: &str) -> String {
        // Of what a version may have, only `+` has to be escaped.
        format!("{self}@{}", version.replace('+', "%2B"))
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cargo { name } => write!(formatter, "pkg:cargo/{name}"),
        }
    }
}

impl FromStr for Reference {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let owned = || text.to_owned();
        let purl = PackageUrl::from_str(text)
            .map_err(|error| UpstreamError::NotAPurl { text: owned(), reason: error.to_string() })?;
        if purl.ty() != "cargo" {
            return Err(UpstreamError::UnknownType { text: owned(), kind: purl.ty().to_owned() });
        }
        let unknown = [
            (purl.namespace().is_some(), "a crate has no namespace; write `pkg:cargo/NAME`"),
            (!purl.qualifiers().is_empty(), "qualifiers (`?…`) are not known; leave them out"),
            (purl.subpath().is_some(), "a subpath (`#…`) is not known for crates; leave it out"),
        ];
        if let Some((_, part)) = unknown.into_iter().find(|(has, _)| *has) {
            return Err(UpstreamError::UnknownPart { text: owned(), part });
        }
        let name = purl.name().to_owned();
        if !crate::clients::crates_io::is_crate_name(&name) {
            return Err(UpstreamError::InvalidName { text: owned(), name });
        }
        let version = purl.version().map(str::to_owned);
        if let Some(version) = version.clone().filter(|version| semver::Version::parse(version).is_err()) {
            return Err(UpstreamError::InvalidVersion { text: owned(), version });
        }
        Ok(Self { upstream: Upstream::Cargo { name }, version })
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    /// A package URL without a version: what to follow, not what to take.
    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let Reference { upstream, version } = text.parse()?;
        match version {
            None => Ok(upstream),
            Some(_) => Err(UpstreamError::UnknownPart {
                text: text.to_owned(),
                part: "a version is not chosen here, the newest release is followed; leave out what follows `@`",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, Upstream};

    #[test]
    fn a_package_url_is_a_name_and_perhaps_a_version() {
        let name = || "fd-find".to_owned();
        assert_eq!("pkg:cargo/fd-find".parse(), Ok(Upstream::Cargo { name: name() }));
        let reference: Reference = "pkg:cargo/fd-find@10.5.0+x".parse().unwrap();
        assert_eq!(reference.version.as_deref(), Some("10.5.0+x"));
        let purl = reference.upstream.release("10.5.0+x");
        assert_eq!(purl, "pkg:cargo/fd-find@10.5.0%2Bx");
        assert_eq!(purl.parse::<Reference>().unwrap(), reference);
    }

    #[test]
    fn what_cannot_be_followed_is_explained() {
        let said = [
            "ripgrep",
            "",
            "pkg:cargo",
            "pkg:golang/github.com/junegunn/fzf",
            "pkg:cargo/a/b",
            "pkg:cargo/a?b=c",
            "pkg:cargo/a#b",
            "pkg:cargo/a%2Fb",
            "pkg:cargo/a@1.2",
            "pkg:cargo/a@1.2.3",
        ]
        .map(|text| text.parse::<Upstream>().unwrap_err().to_string())
        .join("\n");
        insta::assert_snapshot!(said, @r#"
"ripgrep" is not a package URL (missing scheme); write it as `pkg:cargo/NAME`
"" is not a package URL (missing scheme); write it as `pkg:cargo/NAME`
"pkg:cargo" is not a package URL (missing type); write it as `pkg:cargo/NAME`
"pkg:golang/github.com/junegunn/fzf": the package type "golang" is not supported; supported: cargo
"pkg:cargo/a/b" is not a package URL (no namespace allowed for type "cargo"); write it as `pkg:cargo/NAME`
"pkg:cargo/a?b=c": qualifiers (`?…`) are not known; leave them out
"pkg:cargo/a#b": a subpath (`#…`) is not known for crates; leave it out
"pkg:cargo/a%2Fb": "a/b" is not a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)
"pkg:cargo/a@1.2": "1.2" is not a version; write all three numbers, as in `@1.2.3`
"pkg:cargo/a@1.2.3": a version is not chosen here, the newest release is followed; leave out what follows `@`
"#);
    }
}
