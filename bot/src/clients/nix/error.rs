//! What can go wrong between the bot and Nix, told apart by who can mend it.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::FailureClass;

/// A call of Nix that did not do what was asked. A build that fails is not an error: it is an outcome in the report.
#[derive(Debug, thiserror::Error)]
pub enum NixError {
    /// A program that is needed is not there.
    #[error("`{program}` is not on PATH: install {package}, then run `nixwright doctor`")]
    ToolMissing {
        /// The program's name.
        program: &'static str,
        /// What brings it.
        package: &'static str,
    },
    /// The machine's Go does not say what it is.
    #[error(transparent)]
    Go(#[from] crate::clients::go_toolchain::GoToolchainError),
    /// A program is there but cannot be started.
    #[error("`{program}` could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The namespaces that a build runs in cannot be made.
    #[error(
        "the namespaces for a build cannot be made ({detail}): run as root with CAP_SYS_ADMIN (in a container: privileged), \
         or permit unprivileged user namespaces"
    )]
    NamespacesNotPermitted {
        /// What the system said.
        detail: String,
    },
    /// The canary was built and found something that it should not have.
    #[error(
        "the build sandbox does not isolate, so nothing is built: {}; mend this (`nixwright doctor` checks it again)",
        leaks.join("; ")
    )]
    SandboxLeaks {
        /// Each thing that leaked, as a clause.
        leaks: Vec<String>,
    },
    /// Nix could not build the canary at all.
    #[error("Nix cannot build in a sandbox on this machine, so nothing is built: {detail}")]
    SandboxBroken {
        /// What Nix and the canary said.
        detail: String,
    },
    /// Builders would not be children of this process.
    #[error(
        "builds would go through the Nix daemon, which this program's namespaces do not reach: run as root, or with a store of its own"
    )]
    DaemonOnly,
    /// No space is left.
    #[error(
        "the disk is full ({detail}): free some space (`nix-collect-garbage` removes what nothing refers to), then run again"
    )]
    DiskFull {
        /// Where it was noticed.
        detail: String,
    },
    /// The store cannot be written to.
    #[error(
        "the Nix store is not writable ({detail}): run as its owner, and see that its file system is not read-only"
    )]
    StoreNotWritable {
        /// Where it was noticed.
        detail: String,
    },
    /// Nix refused an expression.
    #[error("{what} does not evaluate: {message}")]
    Evaluation {
        /// The flake attribute.
        what: String,
        /// Nix's message, without colours.
        message: String,
    },
    /// A call took too long and was stopped.
    #[error("{what} took longer than {} s and was stopped", after.as_secs())]
    TimedOut {
        /// The call.
        what: String,
        /// The limit.
        after: Duration,
    },
    /// A call ended otherwise than with success.
    #[error("{what} failed ({status}): {message}")]
    Command {
        /// The call.
        what: String,
        /// How it ended.
        status: String,
        /// What it said.
        message: String,
    },
    /// Nix's client ended before it was done, so what it was building has no outcome.
    #[error("Nix stopped in the middle of a build ({status}): {message}; the build is tried again with the next run")]
    Interrupted {
        /// How it ended.
        status: String,
        /// What it said last.
        message: String,
    },
    /// An answer does not have the form that Nix documents.
    #[error("{what} could not be understood: {detail}; this may be a version of Nix that this program does not know")]
    Malformed {
        /// Which answer or file.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// An argument that Nix would refuse or misread.
    #[error("{value:?} is not {expected}")]
    Argument {
        /// What was given.
        value: String,
        /// What is wanted, as a noun phrase.
        expected: &'static str,
    },
    /// A file of the bot's could not be handled.
    #[error("could not {action} {}: {source}", path.display())]
    File {
        /// A verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl NixError {
    /// A file error, with a full disk told apart.
    pub(super) fn file(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull { detail: format!("{action} {}", path.display()) };
        }
        Self::File { action, path: path.to_owned(), source }
    }

    /// The class that a failure with this error is recorded under.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Evaluation { .. } => FailureClass::Evaluate,
            _ => FailureClass::Infrastructure,
        }
    }

    /// Whether the machine lacks something, so that no package can be built until a person mends it (exit code 3).
    pub fn is_machine_problem(&self) -> bool {
        match self {
            Self::ToolMissing { .. }
            | Self::Go(_)
            | Self::Start { .. }
            | Self::NamespacesNotPermitted { .. }
            | Self::SandboxLeaks { .. }
            | Self::SandboxBroken { .. }
            | Self::DaemonOnly
            | Self::DiskFull { .. }
            | Self::StoreNotWritable { .. } => true,
            Self::Evaluation { .. }
            | Self::TimedOut { .. }
            | Self::Command { .. }
            | Self::Interrupted { .. }
            | Self::Malformed { .. }
            | Self::Argument { .. }
            | Self::File { .. } => false,
        }
    }
}

/// Reads a failed call's messages for the reasons that lie in the machine, whatever it was doing.
pub(super) fn machine_problem(message: &str) -> Option<NixError> {
    let line_with = |signs: &[&str]| {
        let line = message.lines().find(|line| signs.iter().any(|sign| line.contains(sign)))?;
        Some(line.trim().to_owned())
    };
    if let Some(detail) = line_with(DISK_FULL) {
        return Some(NixError::DiskFull { detail });
    }
    if let Some(detail) = line_with(&["unshare: ", "setpriv: ", "nixwright-namespaces: "]) {
        return Some(NixError::NamespacesNotPermitted { detail });
    }
    // The system's words for a store of another user or on a read-only file system, and SQLite's.
    // And Nix's, when root's attempt to make a read-only store writable fails.
    let store =
        ["Permission denied", "Operation not permitted", "Read-only file system", "readonly database", "remounting "];
    let detail = line_with(&store)?;
    (detail.contains("/nix/") || detail.contains("database") || detail.contains("store"))
        .then_some(NixError::StoreNotWritable { detail })
}

/// How a full disk reads: the system's words, SQLite's, and Nix's own guess when it finds little space after a failure.
pub(super) const DISK_FULL: &[&str] =
    &["No space left on device", "database or disk is full", "Disk quota exceeded", "lack of free disk space"];

#[cfg(test)]
mod tests {
    use super::{NixError, machine_problem};
    use crate::model::FailureClass;

    #[test]
    fn messages_of_the_machine_are_told_apart_from_others() {
        let full = "error: writing to file: No space left on device";
        assert!(matches!(machine_problem(full), Some(NixError::DiskFull { .. })));
        let read_only =
            "error: executing SQLite statement: attempt to write a readonly database (in '/nix/var/nix/db/db.sqlite')";
        assert!(matches!(machine_problem(read_only), Some(NixError::StoreNotWritable { .. })));
        let denied = "error: opening lock file '/nix/var/nix/db/big-lock': Permission denied";
        assert!(matches!(machine_problem(denied), Some(NixError::StoreNotWritable { .. })));
        let unshare = "unshare: unshare failed: Operation not permitted";
        assert!(matches!(machine_problem(unshare), Some(NixError::NamespacesNotPermitted { .. })));
        assert!(machine_problem("error: attribute 'x' missing").is_none());
    }

    #[test]
    fn an_evaluation_error_is_no_problem_of_the_machine() {
        let error = NixError::Evaluation { what: "x".to_owned(), message: "y".to_owned() };
        assert_eq!(error.class(), FailureClass::Evaluate);
        assert!(!error.is_machine_problem());
        assert!(NixError::ToolMissing { program: "nix", package: "nix-bin" }.is_machine_problem());
    }
}
