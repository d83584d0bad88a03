//! Opening the file, bringing its schema up to date, and clearing up after a process that died.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::model::FailureClass;
use crate::store::error::{SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_READONLY, sqlite_code};
use crate::store::jobs::release_orphans;
use crate::store::{EventKind, State, Store, StoreError, codec};

/// The schema's steps. The macro looks at the folder when this file is compiled; a test compares the two.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// What an interrupted run says of itself.
const INTERRUPTED: &str = "interrupted: the program ended before the run did";

pub(super) async fn connect(path: &Path) -> Result<SqlitePool, StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY_TIMEOUT);
    // SQLite has one writer at a time; a few connections let pages be read meanwhile.
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await
        .map_err(|source| open_error(path, source))?;
    MIGRATIONS.run(&pool).await.map_err(|error| migrate_error(path, error))?;
    Ok(pool)
}

fn open_error(path: &Path, source: sqlx::Error) -> StoreError {
    let path = path.to_owned();
    match sqlite_code(&source) {
        Some(SQLITE_NOTADB | SQLITE_CORRUPT) => StoreError::NotADatabase { path },
        Some(SQLITE_READONLY) => StoreError::ReadOnly { path },
        _ => StoreError::Open { path, source },
    }
}

fn migrate_error(path: &Path, error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(step) | MigrateError::VersionTooNew(step, _) => {
            StoreError::Newer { path: path.to_owned(), step }
        }
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)
            if matches!(sqlite_code(&source), Some(SQLITE_NOTADB | SQLITE_CORRUPT | SQLITE_READONLY)) =>
        {
            open_error(path, source)
        }
        source => StoreError::Migrate { path: path.to_owned(), source },
    }
}

impl Store {
    /// Marks runs that no living process works on as failed, and their packages as due.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let lock = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => {}
            // Somebody is at work: the unfinished runs are theirs.
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::Folder { path: self.lock_path(), source });
            }
        }
        let failed = StoreError::query("mark interrupted runs");
        self.mark_interrupted().await.map_err(failed)
    }

    /// Whether no other process is at work on this store. True only before this one is.
    pub fn is_alone(&self) -> Result<bool, StoreError> {
        match self.lock_file()?.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(StoreError::Folder { path: self.lock_path(), source }),
        }
    }

    /// Puts what this process had under way back, as if it had died: for a stop that was asked for.
    pub async fn leave(&self) -> Result<(), StoreError> {
        if let Some(lock) = self.worker.get() {
            lock.unlock().map_err(|source| StoreError::Folder { path: self.lock_path(), source })?;
        }
        self.recover().await
    }

    async fn mark_interrupted(&self) -> Result<(), sqlx::Error> {
        let now = codec::time(self.clock.now());
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        release_orphans(&mut transaction, self.clock.now()).await?;
        let interrupted: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT id, attr, version FROM runs WHERE finished IS NULL ORDER BY id")
                .fetch_all(&mut *transaction)
                .await?;
        for (id, attr, version) in interrupted {
            sqlx::query(
                "UPDATE runs SET finished = ?, outcome = 'failed', failure_class = ?, failure_message = ? WHERE id = ?",
            )
            .bind(&now)
            .bind(FailureClass::Infrastructure.as_str())
            .bind(INTERRUPTED)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
            sqlx::query("INSERT INTO events (attr, version, kind, message, at) VALUES (?, ?, ?, ?, ?)")
                .bind(&attr)
                .bind(&version)
                .bind(EventKind::Failed.as_str())
                .bind(INTERRUPTED)
                .bind(&now)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "UPDATE packages SET state = ?, state_since = ?, reason = ?, next_attempt = ? \
                 WHERE attr = ? AND state = ?",
            )
            .bind(State::Failed.as_str())
            .bind(&now)
            .bind(format!("{INTERRUPTED}; the next cycle tries again"))
            .bind(&now)
            .bind(&attr)
            .bind(State::Updating.as_str())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// Says, for as long as this store or a clone of it lives, that its unfinished runs are not orphans. The system takes the
    /// lock back when the process ends, however it ends.
    pub(super) async fn hold_worker_lock(&self) -> Result<(), StoreError> {
        self.worker
            .get_or_try_init(|| async {
                let lock = self.lock_file()?;
                let failed = |source| StoreError::Folder { path: self.lock_path(), source };
                // Waits only for another process that is in `recover`, which is quick; still no work for this thread.
                tokio::task::spawn_blocking(move || lock.lock_shared().map(|()| lock))
                    .await
                    .map_err(|error| failed(std::io::Error::other(error)))?
                    .map_err(failed)
            })
            .await
            .map(|_: &File| ())
    }

    fn lock_file(&self) -> Result<File, StoreError> {
        let path = self.lock_path();
        File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| StoreError::Folder { path, source })
    }

    fn lock_path(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".worker");
        PathBuf::from(name)
    }
}
