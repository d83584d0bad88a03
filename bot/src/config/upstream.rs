//! Where a package's releases come from, named by a package URL.

use std::fmt;
use std::str::FromStr;

use packageurl::PackageUrl;

use crate::clients::crates_io::is_crate_name;
use crate::clients::npm::is_package_name;
use crate::model::RepositoryName;

/// The ecosystems that this program knows, as their package URLs call them.
const KNOWN: &str = "cargo, golang, npm, github";

/// Where releases come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upstream {
    /// A crate of crates.io.
    Cargo {
        /// The crate's name, as written; the registry says how it is spelled.
        name: String,
    },
    /// A Go module, and the package in it that is the program.
    Go {
        /// The module's path: `github.com/junegunn/fzf`.
        module: String,
        /// The folder of the program in the module; nothing means the module's root.
        subpath: Option<String>,
    },
    /// A package of the npm registry.
    Npm {
        /// Its name, with its scope: `@angular/cli`.
        name: String,
    },
    /// The tags of a repository on GitHub.
    GitHub {
        /// The repository.
        repository: RepositoryName,
        /// The folder of the project in it; nothing means the top.
        subpath: Option<String>,
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
    #[error("{text:?}: the package type {kind:?} is not known; known: {KNOWN}")]
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
    #[error("{text:?}: {name:?} is not {expected}")]
    InvalidName {
        /// As written.
        text: String,
        /// The name.
        name: String,
        /// What a name is.
        expected: &'static str,
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
            Self::Cargo { name } | Self::Npm { name } => name,
            Self::Go { module, .. } => module,
            Self::GitHub { repository, .. } => repository.name(),
        }
    }

    /// What it would be called in an overlay: its own name, without the signs of a scope; for Go that of the program, which is
    /// the last element of its import path that is no major version, and for a folder of a repository the folder's.
    pub fn short_name(&self) -> String {
        match self {
            Self::Go { module, subpath } => {
                let path = subpath.as_ref().map_or(module.clone(), |subpath| format!("{module}/{subpath}"));
                let (before, last) = path.rsplit_once('/').unwrap_or(("", &path));
                let name = if is_major(last) { before.rsplit('/').next().unwrap_or(last) } else { last };
                name.to_owned()
            }
            Self::GitHub { subpath: Some(subpath), .. } => subpath.rsplit('/').next().unwrap_or_default().to_owned(),
            other => other.name().trim_start_matches('@').replace('/', "-"),
        }
    }

    /// The package URL of one release.
    pub fn release(&self, version: &str) -> String {
        self.purl(Some(version))
    }

    fn purl(&self, version: Option<&str>) -> String {
        // Of what names and versions may have, only these have to be escaped.
        let escaped = |text: &str| text.replace('@', "%40").replace('+', "%2B");
        let in_version = |text: &str| escaped(text).replace('/', "%2F");
        let (base, subpath) = match self {
            Self::Cargo { name } => (format!("pkg:cargo/{name}"), None),
            Self::Go { module, subpath } => (format!("pkg:golang/{module}"), subpath.as_deref()),
            Self::Npm { name } => (format!("pkg:npm/{}", escaped(name)), None),
            Self::GitHub { repository, subpath } => (format!("pkg:github/{repository}"), subpath.as_deref()),
        };
        let version = version.map(|version| format!("@{}", in_version(version))).unwrap_or_default();
        let subpath = subpath.map(|subpath| format!("#{subpath}")).unwrap_or_default();
        format!("{base}{version}{subpath}")
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.purl(None))
    }
}

impl FromStr for Reference {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let as_written = || text.to_owned();
        let purl = PackageUrl::from_str(text)
            .map_err(|error| UpstreamError::NotAPurl { text: as_written(), reason: error.to_string() })?;
        let kind = purl.ty().to_owned();
        let purl = if kind == "golang" { case_kept(text).unwrap_or(purl) } else { purl };
        if !purl.qualifiers().is_empty() {
            let part = "qualifiers (`?…`) are not known; leave them out";
            return Err(UpstreamError::UnknownPart { text: as_written(), part });
        }
        let (namespace, subpath) = (purl.namespace(), purl.subpath());
        let unknown = [
            (kind == "cargo" && namespace.is_some(), "a crate has no namespace; write `pkg:cargo/NAME`"),
            (
                matches!(kind.as_str(), "cargo" | "npm") && subpath.is_some(),
                "a subpath (`#…`) is known for Go modules and repositories only; leave it out",
            ),
        ];
        if let Some((_, part)) = unknown.into_iter().find(|(has, _)| *has) {
            return Err(UpstreamError::UnknownPart { text: as_written(), part });
        }
        let name = purl.name().to_owned();
        let with_namespace = || namespace.map_or(name.clone(), |namespace| format!("{namespace}/{name}"));
        let invalid = |expected| UpstreamError::InvalidName { text: as_written(), name: with_namespace(), expected };
        let upstream = match kind.as_str() {
            "cargo" if is_crate_name(&name) => Upstream::Cargo { name },
            "cargo" => return Err(invalid(CRATE_NAME)),
            "golang" => {
                let subpath = subpath.map(ToString::to_string);
                let parts = with_namespace();
                if !parts.split('/').chain(subpath.iter().flat_map(|path| path.split('/'))).all(is_go_element) {
                    return Err(invalid(GO_PATH));
                }
                Upstream::Go { module: parts, subpath }
            }
            "npm" if is_package_name(&with_namespace()) => Upstream::Npm { name: with_namespace() },
            "npm" => return Err(invalid(NPM_NAME)),
            "github" => {
                let subpath = subpath.map(ToString::to_string);
                let repository = with_namespace().parse().map_err(|_| invalid(GITHUB_NAME))?;
                if !subpath.iter().flat_map(|path| path.split('/')).all(is_folder) {
                    return Err(invalid(GITHUB_NAME));
                }
                Upstream::GitHub { repository, subpath }
            }
            _ => return Err(UpstreamError::UnknownType { text: as_written(), kind }),
        };
        let version = purl.version().map(ToString::to_string);
        if let Some(version) = version.clone().filter(|version| !is_version(&upstream, version)) {
            return Err(UpstreamError::InvalidVersion { text: as_written(), version });
        }
        Ok(Self { upstream, version })
    }
}

/// A Go module's package URL with its capital letters: its type's rule makes them small, but to Go another path is
/// another module.
fn case_kept(text: &str) -> Option<PackageUrl<'static>> {
    let path = text.to_ascii_lowercase().find("golang/")? + "golang/".len();
    PackageUrl::from_str(&format!("pkg:generic/{}", text.get(path..)?)).ok()
}

const CRATE_NAME: &str = "a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)";
const GO_PATH: &str =
    "a module's path (`pkg:golang/HOST/PATH#FOLDER`; ASCII letters, digits and `-._~` between slashes)";
const NPM_NAME: &str = "an npm package's name (`pkg:npm/NAME` or `pkg:npm/%40SCOPE/NAME`)";
const GITHUB_NAME: &str = "a repository (`pkg:github/OWNER/REPO`, and `#FOLDER` for a folder in it)";

/// An element of a module's path; <https://go.dev/ref/mod#go-mod-file-ident>.
fn is_go_element(element: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    !element.is_empty() && element.chars().all(allowed) && !element.starts_with('.') && !element.ends_with('.')
}

/// Whether an element of an import path only says which major version it is of: `v2`.
fn is_major(element: &str) -> bool {
    let digits = element.strip_prefix('v').unwrap_or_default();
    !digits.is_empty() && !digits.starts_with('0') && digits != "1" && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A folder's name in a repository: what everybody's file system and Nix can have.
fn is_folder(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._+@".contains(c);
    !name.is_empty() && name.chars().all(allowed) && !matches!(name, "." | "..")
}

fn is_version(upstream: &Upstream, version: &str) -> bool {
    match upstream {
        Upstream::Cargo { .. } | Upstream::Npm { .. } => semver::Version::parse(version).is_ok(),
        Upstream::Go { .. } => version.strip_prefix('v').is_some_and(|rest| semver::Version::parse(rest).is_ok()),
        Upstream::GitHub { .. } => {
            !version.is_empty() && !version.contains(char::is_whitespace) && !version.contains(char::is_control)
        }
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
        assert_eq!("pkg:npm/%40a/b".parse(), Ok(Upstream::Npm { name: "@a/b".to_owned() }));
        let reference: Reference = "pkg:cargo/fd-find@10.5.0+x".parse().unwrap();
        assert_eq!(reference.version.as_deref(), Some("10.5.0+x"));
        let purl = reference.upstream.release("10.5.0+x");
        assert_eq!(purl, "pkg:cargo/fd-find@10.5.0%2Bx");
        assert_eq!(purl.parse::<Reference>().unwrap(), reference);
    }

    #[test]
    fn every_ecosystem_is_spelled_as_it_was_read() {
        for text in [
            "pkg:golang/github.com/junegunn/fzf@v0.70.0",
            "pkg:golang/mvdan.cc/sh/v3@v3.0.0-20200101000000-abcdefabcdef#cmd/shfmt",
            "pkg:golang/github.com/docker/docker@v28.0.0%2Bincompatible",
            "pkg:golang/github.com/BurntSushi/toml@v1.6.0",
            "pkg:npm/svgo@4.1.0",
            "pkg:npm/%40angular/cli@22.0.0",
            "pkg:github/burntsushi/ripgrep@15.2.0",
            "pkg:github/a/b@cli%2Fv1.0#crates/cli",
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.upstream.release(&reference.version.unwrap()), text);
        }
        assert_eq!("pkg:npm/@angular/cli".parse::<Reference>().unwrap().upstream.name(), "@angular/cli");
    }

    #[test]
    fn a_program_is_called_by_the_last_element_that_is_no_major_version() {
        let name = |text: &str| text.parse::<Upstream>().unwrap().short_name();
        assert_eq!(name("pkg:cargo/fd-find"), "fd-find");
        assert_eq!(name("pkg:npm/%40angular/cli"), "angular-cli");
        assert_eq!(name("pkg:golang/github.com/junegunn/fzf"), "fzf");
        assert_eq!(name("pkg:golang/mvdan.cc/sh/v3#cmd/shfmt"), "shfmt");
        assert_eq!(name("pkg:golang/forge.example/a/tool/v12"), "tool");
        assert_eq!(name("pkg:golang/forge.example/a/v1"), "v1");
        assert_eq!(name("pkg:golang/forge.example/a#v2"), "a");
    }

    #[test]
    fn what_cannot_be_followed_is_explained() {
        let said = [
            "ripgrep",
            "",
            "pkg:cargo",
            "pkg:pypi/requests",
            "pkg:cargo/a/b",
            "pkg:cargo/a?b=c",
            "pkg:cargo/a#b",
            "pkg:cargo/a%2Fb",
            "pkg:cargo/a@1.2",
            "pkg:cargo/a@1.2.3",
            "pkg:golang/github.com/a%20b",
            "pkg:golang/github.com/a/b@1.2.3",
            "pkg:npm/angular/cli",
            "pkg:npm/.a",
            "pkg:github/a",
            "pkg:github/a/b%20c",
            "pkg:github/a/b#c/%2e%2e/d",
            "pkg:npm/a#b",
        ]
        .map(|text| text.parse::<Upstream>().unwrap_err().to_string())
        .join("\n");
        insta::assert_snapshot!(said, @r##"
"ripgrep" is not a package URL (missing scheme); write it as `pkg:cargo/NAME`
"" is not a package URL (missing scheme); write it as `pkg:cargo/NAME`
"pkg:cargo" is not a package URL (missing type); write it as `pkg:cargo/NAME`
"pkg:pypi/requests": the package type "pypi" is not known; known: cargo, golang, npm, github
"pkg:cargo/a/b" is not a package URL (no namespace allowed for type "cargo"); write it as `pkg:cargo/NAME`
"pkg:cargo/a?b=c": qualifiers (`?…`) are not known; leave them out
"pkg:cargo/a#b": a subpath (`#…`) is known for Go modules and repositories only; leave it out
"pkg:cargo/a%2Fb": "a/b" is not a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)
"pkg:cargo/a@1.2": "1.2" is not a version; write all three numbers, as in `@1.2.3`
"pkg:cargo/a@1.2.3": a version is not chosen here, the newest release is followed; leave out what follows `@`
"pkg:golang/github.com/a%20b": "github.com/a b" is not a module's path (`pkg:golang/HOST/PATH#FOLDER`; ASCII letters, digits and `-._~` between slashes)
"pkg:golang/github.com/a/b@1.2.3": "1.2.3" is not a version; write all three numbers, as in `@1.2.3`
"pkg:npm/angular/cli": "angular/cli" is not an npm package's name (`pkg:npm/NAME` or `pkg:npm/%40SCOPE/NAME`)
"pkg:npm/.a": ".a" is not an npm package's name (`pkg:npm/NAME` or `pkg:npm/%40SCOPE/NAME`)
"pkg:github/a": "a" is not a repository (`pkg:github/OWNER/REPO`, and `#FOLDER` for a folder in it)
"pkg:github/a/b%20c": "a/b c" is not a repository (`pkg:github/OWNER/REPO`, and `#FOLDER` for a folder in it)
"pkg:github/a/b#c/%2e%2e/d" is not a package URL (invalid subpath segment: ".."); write it as `pkg:cargo/NAME`
"pkg:npm/a#b": a subpath (`#…`) is known for Go modules and repositories only; leave it out
"##);
    }
}
