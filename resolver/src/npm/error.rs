//! Why an npm project has no tree.

/// What stops a resolution, as npm would say it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpmError {
    /// A manifest or lock that is not JSON of the right shape.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// Which.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A dependency that is not there, or cannot be had.
    #[error("{spec} cannot be had, and {required_by} needs it: {reason}")]
    Unavailable {
        /// What is asked for: `name@^1`.
        spec: String,
        /// By whom.
        required_by: String,
        /// What the registry says, or which versions there are.
        reason: String,
    },
    /// Two packages that need different versions of a third in one place (npm's `ERESOLVE`).
    #[error("{explanation}")]
    Conflict {
        /// As a chain that a person can follow.
        explanation: String,
    },
    /// A package that is not for this platform, and not optional (npm's `EBADPLATFORM`).
    #[error("{package} is not for this platform ({wanted}), and nothing works without it")]
    Platform {
        /// `name@version`.
        package: String,
        /// What it is for.
        wanted: String,
    },
    /// Overrides that make no sense (npm's `EOVERRIDE`).
    #[error("the project's overrides cannot be applied: {reason}")]
    Overrides {
        /// Why.
        reason: String,
    },
    /// Something that the rules here do not cover; npm itself has to be asked.
    #[error("{what} is not covered by the rules for npm projects here")]
    NotCovered {
        /// What.
        what: String,
    },
    /// Peers that push one another out for ever; npm does not come to an end either.
    #[error(
        "the peer dependencies of this project push one another out without end, {package} among them; npm finds no tree for it either"
    )]
    Endless {
        /// What was looked at last.
        package: String,
    },
    /// A text that names no dependency.
    #[error("{from} depends on something that npm cannot read: {reason}")]
    Spec {
        /// Whose dependency.
        from: String,
        /// What is wrong with it.
        reason: String,
    },
}
