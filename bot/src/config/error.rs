//! What is wrong with a configuration, and where: all of it at once.

use std::fmt;
use std::path::PathBuf;

use crate::clients::files::FileError;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No such file.
    #[error(
        "there is no configuration file {}; name one with `-c FILE`, or start from config/example.toml, which lists \
         every option",
        path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It can be read, and is wrong.
    #[error("{}", list(problems))]
    Invalid {
        /// In the order of the file; at least one.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the environment variable.
    pub source: String,
    /// Line and column, counted from 1, columns in characters; nothing for an environment variable.
    pub at: Option<(usize, usize)>,
    /// The full key, `packages.ripgrep.purl`; empty where the problem is about the file's form.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `FILE:LINE:COLUMN: KEY: MESSAGE`, as compilers and editors have it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.source)?;
        if let Some((line, column)) = self.at {
            write!(formatter, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(formatter, " {}:", self.key)?;
        }
        write!(formatter, " {}", self.message)
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
