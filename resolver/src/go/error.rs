//! Why a Go module cannot be resolved.

/// A module or workspace that has no build list, or whose packages cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GoError {
    /// A go.mod or go.work that Go does not read either.
    #[error("{file}:{line}: {reason}")]
    Syntax {
        /// Which: `go.mod of github.com/a/b v1.2.3`.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}
