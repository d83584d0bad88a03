//! The grammar of go.mod, as `golang.org/x/mod/modfile` reads it.

mod directive;
mod quote;
pub(in crate::go) mod syntax;
#[cfg(test)]
mod tests;

use super::catalog::ModuleVersion;

pub(in crate::go) use self::directive::{Fields, Versions, verb};

/// A go.mod file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The module's path; empty if there is no module line.
    pub module: String,
    /// The text of a `Deprecated:` comment of the module line.
    pub deprecated: Option<String>,
    /// The go line.
    pub go: Option<String>,
    /// The toolchain line, `go1.22.3` or `default`.
    pub toolchain: Option<String>,
    /// `godebug` lines: name and value.
    pub godebug: Vec<(String, String)>,
    /// `require` lines, in order.
    pub require: Vec<Require>,
    /// `exclude` lines, in order.
    pub exclude: Vec<ModuleVersion>,
    /// `replace` lines, in order.
    pub replace: Vec<Replace>,
    /// `retract` lines, in order.
    pub retract: Vec<Retract>,
    /// `tool` lines, in order.
    pub tool: Vec<String>,
    /// `ignore` lines, in order.
    pub ignore: Vec<String>,
}

/// A `require` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Require {
    /// What is required.
    pub module: ModuleVersion,
    /// Whether the line says `// indirect`.
    pub indirect: bool,
}

/// A `replace` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// The path of the module that is replaced.
    pub path: String,
    /// The version that is replaced; nothing means each of them.
    pub version: Option<String>,
    /// What comes in its place: a folder if its version is empty.
    pub by: ModuleVersion,
}

/// A `retract` line: all versions from `low` to `high`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retract {
    /// The lowest version, as written.
    pub low: String,
    /// The highest version, as written.
    pub high: String,
    /// What the comments of the line say.
    pub rationale: String,
}

/// How a go.mod is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The main module's: every line must be understood, and versions must be canonical and fit their paths, because Go would
    /// rewrite the file otherwise.
    Main,
    /// As `go mod edit` reads it: every line must be understood, versions are made canonical.
    Edit,
    /// A dependency's: only what matters there is looked at.
    Dependency,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

impl GoMod {
    /// Reads a go.mod.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, by the rules of `reading`.
    pub fn parse(text: &str, reading: Reading) -> Result<Self, SyntaxError> {
        directive::parse(text, reading)
    }

    /// The go.mod of a version that has none: all that a proxy says of it.
    pub fn without_file(module: &str) -> String {
        format!("module {module}\n")
    }
}
