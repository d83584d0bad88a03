//! Newtypes that validate, and the few enums that every stage speaks of.

mod policy;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use policy::{Automerge, Track};

/// A value that does not have the form its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct InvalidValue {
    /// What was given.
    pub value: String,
    /// The form that is wanted, as a noun phrase.
    pub expected: &'static str,
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(value: &str) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> bool = $check;
                if check(value) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidValue { value: value.to_owned(), expected: $expected })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(value: String) -> Result<Self, InvalidValue> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text_newtype!(
    /// The name of a package in the overlay: `pkgs.nixwright.<attr>`, and the name of its folder.
    AttrPath,
    "a package name (letters, digits, `_` and `-`, starting with a letter, at most 64)",
    |value| {
        value.len() <= 64
            && value.starts_with(|c: char| c.is_ascii_alphabetic())
            && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    }
);

text_newtype!(
    /// A branch of the overlay repository, without `refs/heads/`.
    BranchName,
    "a branch name (segments of letters, digits, `_`, `-` and `.`, joined by `/`)",
    |value| {
        !value.is_empty()
            && value.len() <= 200
            && value.split('/').all(|segment| {
                !segment.is_empty()
                    && !segment.starts_with(['.', '-'])
                    && !segment.ends_with('.')
                    && !segment.contains("..")
                    && !std::path::Path::new(segment)
                        .extension()
                        .is_some_and(|extension| extension.eq_ignore_ascii_case("lock"))
                    && segment.chars().all(|c| c.is_ascii_alphanumeric() || "_-.+".contains(c))
            })
    }
);

text_newtype!(
    /// A full git object id.
    CommitSha,
    "a commit id (40 lower-case hexadecimal digits)",
    |value| value.len() == 40 && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);

text_newtype!(
    /// A Nix system that the overlay knows.
    System,
    "a supported system (x86_64-linux, aarch64-linux, x86_64-darwin, aarch64-darwin)",
    |value| matches!(value, "x86_64-linux" | "aarch64-linux" | "x86_64-darwin" | "aarch64-darwin")
);

text_newtype!(
    /// A group of packages that are updated together.
    GroupName,
    "a group's name (letters, digits, `_` and `-`, starting with a letter, at most 64)",
    |value| value.parse::<AttrPath>().is_ok()
);

text_newtype!(
    /// Somebody's name on a forge, without `@`.
    Login,
    "a login (letters, digits and single `-`, at most 39)",
    |value| {
        !value.is_empty()
            && value.len() <= 39
            && value.split('-').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    }
);

impl System {
    /// The system that this program was compiled for.
    ///
    /// # Panics
    /// On a system that Nix does not have; the program is not built for those.
    pub fn current() -> Self {
        let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
        match format!("{}-{os}", std::env::consts::ARCH).parse() {
            Ok(system) => system,
            Err(error) => panic!("this machine: {error}"),
        }
    }

    /// The target triple that rustc and Nix call this system by.
    pub fn triple(&self) -> &'static str {
        match self.0.as_str() {
            "aarch64-linux" => "aarch64-unknown-linux-gnu",
            "x86_64-darwin" => "x86_64-apple-darwin",
            "aarch64-darwin" => "aarch64-apple-darwin",
            _ => "x86_64-unknown-linux-gnu",
        }
    }
}

text_newtype!(
    /// A repository on a forge: `OWNER/NAME`.
    RepositoryName,
    "a repository (`OWNER/NAME`)",
    |value| {
        let fine = |part: &str| {
            !part.is_empty()
                && part.len() <= 100
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        value.split_once('/').is_some_and(|(owner, name)| fine(owner) && fine(name))
    }
);

impl RepositoryName {
    /// Who it belongs to.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

/// How a package is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// A derivation for each compiled unit.
    Shared,
    /// The native tool builds everything in one derivation.
    Vendored,
}

impl Strategy {
    /// As it is spelled in files and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Vendored => "vendored",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Strategy {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        match value {
            "shared" => Ok(Self::Shared),
            "vendored" => Ok(Self::Vendored),
            _ => Err(InvalidValue { value: value.to_owned(), expected: "a strategy (shared, vendored)" }),
        }
    }
}

/// Why something failed, told apart by who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The registry or upstream: absent, unreachable, inconsistent.
    Upstream,
    /// The dependency graph could not be worked out.
    Resolve,
    /// Nix could not evaluate what was written.
    Evaluate,
    /// The builder of the package itself failed.
    Build,
    /// A derivation that the package needs failed.
    Dependency,
    /// A build took longer than allowed.
    Timeout,
    /// A file does not have the hash that was promised.
    Hash,
    /// This machine: disk, memory, Nix, sandbox.
    Infrastructure,
}

impl FailureClass {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Resolve => "resolve",
            Self::Evaluate => "evaluate",
            Self::Build => "build",
            Self::Dependency => "dependency",
            Self::Timeout => "timeout",
            Self::Hash => "hash",
            Self::Infrastructure => "infrastructure",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for FailureClass {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        Ok(match value {
            "upstream" => Self::Upstream,
            "resolve" => Self::Resolve,
            "evaluate" => Self::Evaluate,
            "build" => Self::Build,
            "dependency" => Self::Dependency,
            "timeout" => Self::Timeout,
            "hash" => Self::Hash,
            "infrastructure" => Self::Infrastructure,
            _ => return Err(InvalidValue { value: value.to_owned(), expected: "a failure class" }),
        })
    }
}

/// A failed stage: who can mend it, and what happened, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Who can mend it.
    pub class: FailureClass,
    /// What failed, on what, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of one class, told by `error` and all that caused it.
    pub fn new(class: FailureClass, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = source.source();
        }
        Self { class, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.class, self.message)
    }
}

impl std::error::Error for Failure {}

/// Where the time comes from, so that tests can set it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that stands still.
    pub fn fixed(now: Timestamp) -> Self {
        Self(Arc::new(move || now))
    }

    /// A clock that tells what a function tells, for tests in which time passes.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::{AttrPath, BranchName, CommitSha, System};

    #[test]
    fn names_that_could_leave_their_folder_or_option_are_refused() {
        for bad in ["", "..", "a/b", "-rf", "1x", "a b", "a\n", "ä", &"a".repeat(65)] {
            assert!(bad.parse::<AttrPath>().is_err(), "{bad:?}");
        }
        assert!("fd-find".parse::<AttrPath>().is_ok());
    }

    #[test]
    fn branches_follow_gits_rules() {
        for bad in ["", "/", "a//b", "a/", ".a", "a..b", "-a", "a.lock", "a b", "a~1", "a.", "a:b"] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad:?}");
        }
        assert!("nixwright/ripgrep".parse::<BranchName>().is_ok());
    }

    #[test]
    fn commit_ids_are_full_and_lower_case() {
        assert!("0123456789abcdef0123456789abcdef01234567".parse::<CommitSha>().is_ok());
        assert!("0123456789ABCDEF0123456789abcdef01234567".parse::<CommitSha>().is_err());
        assert!("0123".parse::<CommitSha>().is_err());
    }

    #[test]
    fn the_current_system_is_one_of_the_known() {
        assert!(System::current().as_str().parse::<System>().is_ok());
    }
}
