//! Why a Go module cannot be resolved.

use super::catalog::ModuleVersion;

/// A module or workspace that has no build list, or whose packages cannot be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GoError {
    /// A go.mod, go.work or go.sum that Go does not read either.
    #[error("{file}:{line}: {reason}")]
    Syntax {
        /// Which: `go.mod of github.com/a/b v1.2.3`.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A go.mod or go.work that can be read, but says what cannot be.
    #[error("{file}: {reason}")]
    Invalid {
        /// Which.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A go.mod that Go would have to change before it builds.
    #[error("updates to {file} are needed: {reason}; to update it: go mod tidy")]
    Untidy {
        /// Which.
        file: String,
        /// What does not fit.
        reason: String,
    },
    /// A module that needs a newer Go.
    #[error("{what} requires go >= {needs}, and go {rules} is too old")]
    TooNew {
        /// The module, or the file.
        what: String,
        /// The version that it needs.
        needs: String,
        /// The version whose rules are followed.
        rules: String,
    },
    /// A module version that no proxy has.
    #[error("{module} cannot be had: {why}")]
    Absent {
        /// Which.
        module: ModuleVersion,
        /// What the proxy said.
        why: String,
    },
    /// The go.mod of a module names another module.
    #[error("{module}: its go.mod says that it is {declares}, but {required} is required")]
    OtherModule {
        /// What was fetched.
        module: ModuleVersion,
        /// The module line.
        declares: String,
        /// The path that is required.
        required: String,
    },
    /// Content that go.sum does not speak of.
    #[error("go.sum has no line for {module}; to add it: go mod download {}", module.path)]
    NoSum {
        /// The module, its version with `/go.mod` where that file is meant.
        module: ModuleVersion,
    },
    /// Content that is not what go.sum says.
    #[error(
        "{module} is not what {file} says: it has {found}, and should have {expected}; someone may have changed it"
    )]
    WrongSum {
        /// The module, its version with `/go.mod` where that file is meant.
        module: ModuleVersion,
        /// Which file has the line.
        file: String,
        /// The hash of what was fetched.
        found: String,
        /// The hash that the line has.
        expected: String,
    },
    /// Packages that are not there, or that Go does not build.
    #[error(transparent)]
    Package(#[from] super::packages::PackageError),
    /// More systems than can be looked at together.
    #[error(transparent)]
    Systems(#[from] super::constraint::TooManySystems),
    /// Something that a dependency brings in.
    #[error("{chain}: {source}")]
    Required {
        /// Who requires whom, from the main module on.
        chain: String,
        /// What is wrong there.
        source: Box<GoError>,
    },
}

impl GoError {
    /// Whether content is not what go.sum says of it, however deep in the graph.
    #[must_use]
    pub fn is_wrong_sum(&self) -> bool {
        let mut error = self;
        while let Self::Required { source, .. } = error {
            error = source;
        }
        matches!(error, Self::WrongSum { .. })
    }
}
