//! Why the packages of a program cannot be found.

/// A package that is not there, or that Go does not build. The names of systems are not part of it: whoever reports it knows them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// No module has it.
    #[error("{path}, which {importer} imports, is in none of the modules that are required; to add one: go get {path}")]
    Missing {
        /// The import path.
        path: String,
        /// Who imports it.
        importer: String,
    },
    /// It would be in the standard library.
    #[error("package {path}, which {importer} imports, is not in std (Go {rules}): a newer Go may have it")]
    NotStandard {
        /// The import path.
        path: String,
        /// Who imports it.
        importer: String,
        /// The version of Go.
        rules: String,
    },
    /// Several modules have it.
    #[error("ambiguous import: {path}, which {importer} imports, is in {}; one of them must be left out", modules.join(" and "))]
    Ambiguous {
        /// The import path.
        path: String,
        /// Who imports it.
        importer: String,
        /// The modules with their versions, the shortest first.
        modules: Vec<String>,
    },
    /// Its module is only required by others.
    #[error(
        "{importer} imports {path} from {module}, which is required only by others: updates to go.mod are needed; go mod tidy does that"
    )]
    Implicit {
        /// The import path.
        path: String,
        /// Who imports it.
        importer: String,
        /// The module with its version.
        module: String,
    },
    /// A path that nobody may import, or not this way.
    #[error("{importer} imports {path:?}: {reason}")]
    Import {
        /// The import path.
        path: String,
        /// Who imports it.
        importer: String,
        /// Why not.
        reason: String,
    },
    /// Packages that import each other.
    #[error("import cycle not allowed: {}", chain.join(" imports "))]
    Cycle {
        /// From one package on, back to it.
        chain: Vec<String>,
    },
    /// A package with files that Go refuses.
    #[error("package {package}: {reason}")]
    Broken {
        /// Its import path.
        package: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing to build.
    #[error("no main package is in {modules}, or none for these systems: name the program's import path")]
    NoProgram {
        /// The main modules.
        modules: String,
    },
    /// Two programs of one name.
    #[error("{first} and {second} would both be programs named {name}: name those that are to be built")]
    SameName {
        /// The name.
        name: String,
        /// An import path.
        first: String,
        /// Another.
        second: String,
    },
}

impl PackageError {
    pub(super) fn import(path: &str, importer: &str, reason: impl Into<String>) -> Self {
        Self::Import { path: path.to_owned(), importer: importer.to_owned(), reason: reason.into() }
    }

    pub(super) fn broken(package: &str, reason: impl Into<String>) -> Self {
        Self::Broken { package: package.to_owned(), reason: reason.into() }
    }
}
