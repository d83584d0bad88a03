//! What can go wrong with the store, said so that a person knows what to do.

use std::path::PathBuf;

use crate::model::{AttrPath, InvalidValue};
use crate::store::RunId;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder of the database, or the lock beside it, cannot be made.
    #[error("cannot use {} for the database: {source}; set `state_dir` to a folder that this user may write to", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not a Nixwright database; move it away, or set `state_dir` to another folder", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder cannot be written to.
    #[error("the database {} is read-only; give this user the right to write to the file and its folder, or set `state_dir`", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program has written it.
    #[error("the database {} was written by a newer Nixwright (its schema has step {step}); use that version, or set `state_dir` to another folder", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The first step that this version does not know.
        step: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot bring the database {} up to date: {source}; restore a copy, or move it away to start afresh", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What the migration said.
        source: sqlx::migrate::MigrateError,
    },
    /// Opening failed in another way.
    #[error("cannot open the database {}: {source}; check that the path is a file that this user may read and write", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("the database cannot {action}: {source}{}", hint(source))]
    Query {
        /// What was being done, as in "the database cannot …".
        action: &'static str,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A stored value cannot be understood.
    #[error("the database holds a bad {what}: {message}; it was changed by hand or is damaged: restore a copy")]
    Corrupt {
        /// The column.
        what: &'static str,
        /// Why it is bad.
        message: String,
    },
    /// The package was never configured.
    #[error("the database knows no package {0}; `sync_packages` comes first")]
    UnknownPackage(AttrPath),
    /// The run does not exist, or is finished.
    #[error("run {0} is not under way in the database: it is finished, or was never begun")]
    NotRunning(RunId),
    /// Another worker has the job.
    #[error(
        "the work on {subject} was taken over by another worker, because this one was silent for too long; what it did is kept by the other"
    )]
    LeaseLost {
        /// The job's subject.
        subject: String,
    },
    /// The pull request does not exist.
    #[error("the database knows no pull request #{0}")]
    UnknownPullRequest(i64),
}

impl StoreError {
    pub(super) fn query(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Query { action, source }
    }

    pub(super) fn corrupt(what: &'static str, error: &impl std::fmt::Display) -> Self {
        Self::Corrupt { what, message: error.to_string() }
    }

    pub(super) fn invalid(what: &'static str) -> impl FnOnce(InvalidValue) -> Self {
        move |error| Self::corrupt(what, &error)
    }
}

/// SQLite's primary result code, without the extended bits.
pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

pub(super) const SQLITE_BUSY: i32 = 5;
pub(super) const SQLITE_READONLY: i32 = 8;
pub(super) const SQLITE_CORRUPT: i32 = 11;
pub(super) const SQLITE_FULL: i32 = 13;
pub(super) const SQLITE_NOTADB: i32 = 26;

fn hint(error: &sqlx::Error) -> &'static str {
    match sqlite_code(error) {
        Some(SQLITE_BUSY) => "; another program keeps it locked: end that one and try again",
        Some(SQLITE_READONLY) => "; give this user the right to write to the file and its folder",
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => {
            "; the file is damaged: restore a copy, or move it away to start afresh"
        }
        Some(SQLITE_FULL) => "; the disk is full: free some space and try again",
        _ => "",
    }
}
