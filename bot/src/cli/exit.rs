//! Exit codes, and the one line that goes with a bad one.

use std::process::ExitCode;

use crate::stages::Failure;

use super::output;

/// How a command that could be carried out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1: something failed, and was recorded or said.
    Failed,
}

impl Exit {
    pub(super) fn code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Failed => ExitCode::from(1),
        }
    }
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub enum CliError {
    /// 1: it was tried and failed.
    Failed(String),
    /// 2: the command line or the configuration is wrong.
    Usage(String),
    /// 3: this machine lacks something.
    Machine(String),
}

impl CliError {
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    pub(super) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    pub(super) fn machine(error: impl std::fmt::Display) -> Self {
        Self::Machine(error.to_string())
    }

    pub(super) fn report(self) -> ExitCode {
        let (code, message) = match self {
            Self::Failed(message) => (1, message),
            Self::Usage(message) => (2, message),
            Self::Machine(message) => (3, message),
        };
        output::error(&message);
        ExitCode::from(code)
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Failed(message) | Self::Usage(message) | Self::Machine(message)) = self;
        formatter.write_str(message)
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self::failed(failure)
    }
}
