//! The source files of one folder. `S` is `String` where facts are written, and `&str` where they are read, without a copy.

use serde::{Deserialize, Serialize};

use crate::go::constraint::Constraint;
use crate::go::source::CgoLine;

/// The source files of a folder. What several files share is in a list of its own, and the files say which of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder<S> {
    /// Names in package clauses.
    pub packages: Vec<S>,
    /// Import paths.
    pub imports: Vec<S>,
    /// Patterns of `//go:embed` lines.
    pub embeds: Vec<Embed<S>>,
    /// The files, by name.
    pub files: Vec<SourceFile<S>>,
}

impl<S> Default for Folder<S> {
    fn default() -> Self {
        Self { packages: Vec::new(), imports: Vec::new(), embeds: Vec::new(), files: Vec::new() }
    }
}

/// A pattern of a `//go:embed` line and the files that it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed<S> {
    /// The pattern.
    pub pattern: S,
    /// The files, relative to the folder, sorted; or what Go says of it.
    pub files: Result<Vec<S>, S>,
}

/// A source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile<S> {
    /// Its name.
    pub name: S,
    /// The systems that take it.
    pub constraint: Constraint<S>,
    /// What is in it.
    pub kind: Kind<S>,
}

/// What is in a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind<S> {
    /// Go.
    Go(GoFile<S>),
    /// A Go test. Those that say no more than one before them are left out.
    Test {
        /// Which of [`Folder::packages`].
        package: u32,
        /// Which of [`Folder::imports`]; of none but the project's own tests.
        imports: Vec<u32>,
        /// Why Go's parser refuses it.
        error: Option<S>,
    },
    /// A Go file that Go cannot even tell to be for a system or not.
    Unreadable {
        /// Whether it is a test.
        test: bool,
        /// What Go says.
        error: S,
    },
    /// Another language: which, its name's ending says.
    Other,
}

/// A Go file that is no test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoFile<S> {
    /// Which of [`Folder::packages`].
    pub package: u32,
    /// Which of [`Folder::imports`]; "C" is none of them.
    pub imports: Vec<u32>,
    /// Whether it imports "C".
    pub uses_c: bool,
    /// Which of [`Folder::embeds`].
    pub embeds: Vec<u32>,
    /// `#cgo` lines.
    pub cgo: Vec<CgoLine<S>>,
    /// `//go:debug` settings, if it is of a main package.
    pub debug: Vec<S>,
    /// Why Go's parser refuses it.
    pub error: Option<S>,
}
