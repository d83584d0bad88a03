//! Why a release could not be resolved.

/// A resolution that cannot succeed however often it is tried with the same catalog.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The release's `Cargo.lock` is not one that we read.
    #[error("Cargo.lock of {package}: {reason}")]
    Lock {
        /// Name and version.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest is not TOML, or lacks what every manifest has.
    #[error("Cargo.toml of {package}: {reason}")]
    Manifest {
        /// Name and version.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A dependency comes from a place that is not the registry.
    #[error("{package} depends on {dependency} from {source_url}: only the registry's crates can be resolved so far")]
    UnsupportedSource {
        /// The release.
        package: String,
        /// Name and version of the dependency.
        dependency: String,
        /// The lock's `source`.
        source_url: String,
    },
    /// What cargo printed is not what `cargo metadata` prints.
    #[error("the metadata that cargo gave for {package} cannot be used: {reason}")]
    Metadata {
        /// Name and version.
        package: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The features or binaries that were asked for are not there.
    #[error("{package} has no {what} named {name:?}; it has: {available}")]
    Selection {
        /// Name and version.
        package: String,
        /// `feature` or `binary`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, joined by commas.
        available: String,
    },
    /// A Go module that has no build list, or whose packages cannot be found.
    #[error(transparent)]
    Go(#[from] crate::go::GoError),
    /// An npm project that has no tree.
    #[error(transparent)]
    Npm(#[from] crate::npm::NpmError),
    /// There is nothing to build.
    #[error(
        "{package} has no binary to build: it is a library, or its binaries need features that are not chosen \
         (`features` in the configuration)"
    )]
    NoBinary {
        /// Name and version.
        package: String,
    },
}
