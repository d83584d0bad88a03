//! Files are written whole or not at all: beside their place first, then moved there.
//!
//! Every error names the path and what was being done to it; a full disk and a missing permission are told apart,
//! because what to do next differs.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Something could not be done to a file or folder.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No space, or a quota is used up.
    #[error("cannot {action} {}: the disk is full ({source}); free some space there, then run again", path.display())]
    DiskFull {
        /// What was being done, as a verb: `write`, `create`.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Not allowed: permissions, or a file system that is mounted read-only.
    #[error(
        "cannot {action} {}: not allowed ({source}); give this user the right to it, or choose another `state_dir`",
        path.display()
    )]
    NotAllowed {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot {action} {}: {source}", path.display())]
    Other {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl FileError {
    /// Sorts a system error by what a person can do about it.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { action, path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotAllowed { action, path, source }
            }
            _ => Self::Other { action, path, source },
        }
    }
}

/// A file that is being written beside its place. Dropped without [`commit`](Self::commit), it leaves nothing behind.
#[derive(Debug)]
pub struct PendingFile {
    temporary: NamedTempFile,
    destination: PathBuf,
}

impl PendingFile {
    /// Starts a file for `destination`, whose folder is created if absent.
    pub fn create(destination: &Path) -> Result<Self, FileError> {
        let folder = folder_of(destination);
        create_folder(folder)?;
        let temporary = tempfile::Builder::new()
            .prefix(".incomplete-")
            .tempfile_in(folder)
            .map_err(|error| FileError::new("write a file in", folder, error))?;
        Ok(Self { temporary, destination: destination.to_owned() })
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.temporary.as_file_mut().write_all(bytes).map_err(|error| self.failed("write", error))
    }

    /// Throws away what was written so far, to begin again.
    pub fn restart(&mut self) -> Result<(), FileError> {
        let file = self.temporary.as_file_mut();
        let emptied = file.set_len(0).and_then(|()| file.rewind());
        emptied.map_err(|error| self.failed("write", error))
    }

    /// Moves the file to its place, in one step, after what was written has reached the disk.
    pub fn commit(self) -> Result<(), FileError> {
        self.temporary.as_file().sync_all().map_err(|error| self.failed("write", error))?;
        self.commit_without_sync()
    }

    /// Moves the file to its place without waiting for the disk: for what is verified whenever it is read.
    pub fn commit_without_sync(self) -> Result<(), FileError> {
        // Temporary files are for their owner only; what is kept is as readable as any other file of this user.
        self.persist(std::os::unix::fs::PermissionsExt::from_mode(0o644))
    }

    fn persist(self, permissions: fs::Permissions) -> Result<(), FileError> {
        let Self { temporary, destination } = self;
        fs::set_permissions(temporary.path(), permissions)
            .and_then(|()| temporary.persist(&destination).map_err(|error| error.error))
            .map_err(|error| FileError::new("write", &destination, error))?;
        Ok(())
    }

    fn failed(&self, action: &'static str, error: io::Error) -> FileError {
        FileError::new(action, &self.destination, error)
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Creates a folder and those above it, if absent.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|error| FileError::new("create the folder", path, error))
}

/// Writes a file whole or not at all, creating its folder if absent.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut pending = PendingFile::create(path)?;
    pending.write(bytes)?;
    pending.commit()
}

/// Writes a file unless it already has these bytes; says whether it wrote.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool, FileError> {
    if read_optional(path)?.as_deref() == Some(bytes) {
        return Ok(false);
    }
    write(path, bytes)?;
    Ok(true)
}

/// Gives a file other content, whole or not at all, and says whether it did: not if the file no longer has the bytes
/// `old` (nothing: if there is a file by now), because then somebody else has changed it since it was read.
///
/// Where the file was, its mode stays, its owner too where this user may give files away, and a link to it stays a link.
/// Of several processes that do this at once, one gets through.
pub fn exchange(path: &Path, old: Option<&[u8]>, new: &[u8]) -> Result<bool, FileError> {
    use std::os::unix::fs::MetadataExt as _;

    let failed = |error| FileError::new("write", path, error);
    let Some(old) = old else {
        if fs::symlink_metadata(path).is_ok() {
            return Ok(false);
        }
        write(path, new)?;
        return Ok(true);
    };
    let place = fs::canonicalize(path).map_err(failed)?;
    // Replacing a file takes the right to its folder only; who may not write to it shall not replace it either.
    let held = fs::OpenOptions::new().append(true).open(&place).map_err(failed)?;
    held.lock().map_err(failed)?;
    if read_optional(&place)?.as_deref() != Some(old) {
        return Ok(false);
    }
    let was = held.metadata().map_err(failed)?;
    let mut pending = PendingFile::create(&place)?;
    pending.write(new)?;
    // Only root may give files away; for anyone else it is theirs from now on, as after saving it in most editors.
    let _ = std::os::unix::fs::fchown(pending.temporary.as_file(), Some(was.uid()), Some(was.gid()));
    pending.temporary.as_file().sync_all().map_err(failed)?;
    pending.persist(was.permissions())?;
    Ok(true)
}

/// The whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|error| FileError::new("read", path, error))
}

/// The whole file, or nothing where there is none.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("remove", path, error)),
        _ => Ok(()),
    }
}

/// The SHA-256 of a file in lower-case hexadecimal, or nothing where there is none.
pub fn sha256_optional(path: &Path) -> Result<Option<String>, FileError> {
    use sha2::Digest;

    let failed = |error| FileError::new("read", path, error);
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(Some(data_encoding::HEXLOWER.encode(&hasher.finalize()))),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Writes a program for a test to run, in place of what is there.
///
/// Another process writes it: where this one does, a test that starts a program at the same moment inherits the file while it
/// is open, and the kernel runs no file that somebody may write to ("text file busy").
#[cfg(test)]
pub(crate) fn write_program(path: &Path, script: &str) {
    let write = r#"printf %s "$2" > "$1.new" && chmod 755 "$1.new" && mv "$1.new" "$1""#;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let status = std::process::Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
    assert!(status.unwrap().success(), "{} cannot be written", path.display());
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{FileError, PendingFile, exchange, read_optional, sha256_optional, write, write_if_changed};

    #[test]
    fn a_file_that_is_not_committed_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        write(&path, b"old").unwrap();
        let mut pending = PendingFile::create(&path).unwrap();
        pending.write(b"half").unwrap();
        drop(pending);
        assert_eq!(read_optional(&path).unwrap().unwrap(), b"old");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_begins_again_has_nothing_of_the_first_try() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut pending = PendingFile::create(&path).unwrap();
        pending.write(b"a long first try").unwrap();
        pending.restart().unwrap();
        pending.write(b"second").unwrap();
        pending.commit().unwrap();
        assert_eq!(read_optional(&path).unwrap().unwrap(), b"second");
    }

    #[test]
    fn the_same_bytes_are_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(write_if_changed(&path, b"x").unwrap());
        assert!(!write_if_changed(&path, b"x").unwrap());
        assert!(write_if_changed(&path, b"y").unwrap());
    }

    #[test]
    fn an_exchange_keeps_mode_and_links_and_happens_only_to_what_was_read() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("link"));
        assert!(exchange(&file, None, b"1").unwrap());
        assert!(!exchange(&file, None, b"x").unwrap());
        symlink("a", &link).unwrap();
        assert!(!exchange(&link, None, b"x").unwrap());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o660)).unwrap();
        assert!(exchange(&link, Some(b"1"), b"2").unwrap());
        assert!(!exchange(&link, Some(b"1"), b"x").unwrap());
        assert_eq!(read_optional(&file).unwrap().unwrap(), b"2");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o660);
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn of_exchanges_at_once_only_one_gets_through() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        write(&file, b"old").unwrap();
        let done = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u8)
                .map(|n| {
                    let file = &file;
                    scope.spawn(move || exchange(file, Some(b"old"), &[n]).unwrap())
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().then_some(())).count()
        });
        assert_eq!(done, 1);
    }

    #[test]
    fn what_is_absent_is_nothing_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_optional(&folder.path().join("a")).unwrap().is_none());
        assert!(sha256_optional(&folder.path().join("a")).unwrap().is_none());
    }

    #[test]
    fn hashes_are_of_the_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, &vec![b'a'; 1_000_000]).unwrap();
        assert_eq!(
            sha256_optional(&path).unwrap().unwrap(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }

    #[test]
    fn errors_name_the_path_and_what_to_do() {
        let path = Path::new("/state/file");
        let message = |kind: io::ErrorKind| FileError::new("write", path, io::Error::from(kind)).to_string();
        insta::assert_snapshot!(message(io::ErrorKind::StorageFull), @"cannot write /state/file: the disk is full (no storage space); free some space there, then run again");
        insta::assert_snapshot!(message(io::ErrorKind::PermissionDenied), @"cannot write /state/file: not allowed (permission denied); give this user the right to it, or choose another `state_dir`");
        insta::assert_snapshot!(message(io::ErrorKind::NotADirectory), @"cannot write /state/file: not a directory");
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"").unwrap();
        let message = write(&path.join("b"), b"").unwrap_err().to_string();
        assert!(message.starts_with(&format!("cannot create the folder {}: ", path.display())), "{message}");
    }
}
