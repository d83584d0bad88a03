//! Reading the beginning of source files: what `go/build` reads of them, and no more.
//!
//! Of a Go file these are the comments before the package clause, that clause, the imports with the comment on `import "C"`, and, where
//! "embed" is imported, the `//go:embed` lines in the rest. Files are hostile: nothing here recurses or fails on any bytes.

mod cgo;
mod directives;
mod go_file;
mod lexer;
mod quoted;

use super::constraint::{Constraint, header_constraint};

pub use self::cgo::{CgoLine, Verb};
pub use self::go_file::GoSource;

/// What is known of a source file beyond its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What its comments ask for.
    pub constraint: Constraint<String>,
    /// The Go file that it is, if it is one.
    pub go: Option<GoSource>,
}

/// Why a file cannot even be told to be for a system or not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// UTF-8's byte order mark, which may stand at the beginning.
const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

fn without_bom(content: &[u8]) -> &[u8] {
    content.strip_prefix(BOM).unwrap_or(content)
}

/// Reads a Go file.
///
/// # Errors
/// [`Unreadable`], for a NUL in what is read, and for constraints that are none. What else is wrong is in [`GoSource::error`], since it counts
/// only on systems that take the file.
pub fn read_go(content: &[u8]) -> Result<Source, Unreadable> {
    let content = without_bom(content);
    let go = go_file::read(content)?;
    let constraint = header_constraint(content).map_err(|error| Unreadable(error.to_string()))?;
    Ok(Source { constraint, go: Some(go) })
}

/// Reads the comments at the beginning of a file in another language.
///
/// # Errors
/// [`Unreadable`], for constraints that are none; Go ignores such a file.
pub fn read_other(content: &[u8]) -> Result<Source, Unreadable> {
    // Where Go cannot read the comments, it takes the file.
    let comments = lexer::leading_comments(without_bom(content)).unwrap_or_default();
    let constraint = header_constraint(comments).map_err(|error| Unreadable(error.to_string()))?;
    Ok(Source { constraint, go: None })
}

#[cfg(test)]
mod tests;
