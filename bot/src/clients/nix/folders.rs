//! The client's own folders, below `cache_dir`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::NixError;

/// Where Nix's home, its caches and our staging are.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    pub(super) home: PathBuf,
    pub(super) xdg_cache: PathBuf,
    /// Stays empty: it stands in for /etc/nix and the user's settings.
    pub(super) no_config: PathBuf,
    /// Files that stand in for /etc/passwd and /etc/group.
    pub(super) users: PathBuf,
    scratch: PathBuf,
}

/// A folder for one call, removed when dropped, or by the next `Folders::make` if the program was killed.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    lock: PathBuf,
    /// Held as long as the folder is in use; the system lets go of it however the program ends.
    _held: File,
}

impl Folders {
    /// Makes what is missing and removes scratch folders that nobody uses any more.
    pub(super) fn make(cache_dir: &Path) -> Result<Self, NixError> {
        let make = |path: PathBuf| match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(NixError::file("create", &path, source)),
        };
        make(cache_dir.to_owned())?;
        let base = cache_dir.canonicalize().map_err(|source| NixError::file("find", cache_dir, source))?;
        let folders = Self {
            home: make(base.join("home"))?,
            xdg_cache: make(base.join("xdg"))?,
            no_config: make(base.join("no-config"))?,
            users: make(base.join("users"))?,
            scratch: make(base.join("scratch"))?,
        };
        folders.sweep().map_err(|source| NixError::file("clean", &folders.scratch, source))?;
        Ok(folders)
    }

    /// A new, empty folder. The lock is there, and held, before the folder is.
    pub(super) fn scratch(&self) -> Result<Scratch, NixError> {
        let make = || -> std::io::Result<Scratch> {
            let (held, lock) = tempfile::Builder::new().suffix(".lock").tempfile_in(&self.scratch)?.keep()?;
            held.lock()?;
            let folder = lock.with_extension("");
            fs::create_dir(&folder)?;
            Ok(Scratch { folder, lock, _held: held })
        };
        make().map_err(|source| NixError::file("make a folder in", &self.scratch, source))
    }

    fn sweep(&self) -> std::io::Result<()> {
        for entry in fs::read_dir(&self.scratch)? {
            let folder = entry?.path();
            if !folder.is_dir() {
                continue;
            }
            let lock = folder.with_extension("lock");
            let unused = match File::open(&lock) {
                Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
                Err(_) => true,
            };
            // Another process may be sweeping too: what is gone is gone.
            if unused {
                let _ = fs::remove_dir_all(&folder);
                let _ = fs::remove_file(&lock);
            }
        }
        Ok(())
    }
}

impl Scratch {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next sweep.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock);
    }
}

#[cfg(test)]
mod tests {
    use super::Folders;

    #[test]
    fn a_folder_in_use_survives_a_sweep_and_one_left_behind_does_not() {
        let cache = tempfile::tempdir().unwrap();
        let folders = Folders::make(cache.path()).unwrap();
        let used = folders.scratch().unwrap();
        let left = folders.scratch().unwrap();
        let left_path = left.path().to_owned();
        std::fs::create_dir(left_path.join("sub")).unwrap();
        // As after a kill: the lock is let go of, and nothing is removed.
        let super::Scratch { _held: held, .. } = &left;
        held.unlock().unwrap();
        std::mem::forget(left);
        Folders::make(cache.path()).unwrap();
        assert!(used.path().is_dir());
        assert!(!left_path.exists());
        let used_path = used.path().to_owned();
        drop(used);
        assert!(!used_path.exists());
        assert_eq!(std::fs::read_dir(cache.path().join("scratch")).unwrap().count(), 0);
    }
}
