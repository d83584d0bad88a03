//! The words of a package's policy.

use std::str::FromStr;

use super::InvalidValue;

/// Which releases of an upstream count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Track {
    /// Every stable one.
    Major,
    /// Stable ones that are compatible with what the overlay has, by cargo's rule: up to the first number that is not 0.
    Minor,
    /// Prereleases too.
    Prerelease,
    /// This one.
    Exact {
        /// Its version.
        version: String,
    },
}

/// Which green pull requests are merged without a person, by how far they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automerge {
    /// None.
    Never,
    /// Those that change the last number only.
    Patch,
    /// Compatible ones.
    Minor,
    /// All.
    Always,
}

impl FromStr for Automerge {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        Ok(match value {
            "never" => Self::Never,
            "patch" => Self::Patch,
            "minor" => Self::Minor,
            "always" => Self::Always,
            _ => {
                let expected = "a rule of merging (never, patch, minor, always)";
                return Err(InvalidValue { value: value.to_owned(), expected });
            }
        })
    }
}
