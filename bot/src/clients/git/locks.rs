//! Locks that a killed process left: git makes a file beside what it is about to change, and whoever dies in between
//! leaves it for ever.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Overlay;
use crate::clients::files::{self, FileError};

/// Files at the top of a repository that are locked one by one.
const SINGLE: [&str; 4] = ["HEAD.lock", "config.lock", "packed-refs.lock", "FETCH_HEAD.lock"];

impl Overlay {
    /// Removes locks that stay for as long as `patience`; a living process holds one for milliseconds. The caller has to know
    /// that no other bot is at work. Gives what was removed.
    ///
    /// # Errors
    /// When a lock cannot be removed.
    pub fn release_stale_locks(&self, patience: Duration) -> Result<Vec<PathBuf>, FileError> {
        let before = self.locks();
        if before.is_empty() {
            return Ok(Vec::new());
        }
        std::thread::sleep(patience);
        let after = self.locks();
        let mut removed = Vec::new();
        for (path, node) in after {
            // Another file of that name is another process's lock.
            if before.get(&path) == Some(&node) {
                files::remove(&path)?;
                removed.push(path);
            }
        }
        Ok(removed)
    }

    /// The locks there are, each with its number in the file system.
    fn locks(&self) -> BTreeMap<PathBuf, u64> {
        let mut found: Vec<PathBuf> = SINGLE.iter().map(|name| self.path.join(name)).collect();
        let mut folders = vec![self.path.join("refs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if is_lock(&path) {
                    found.push(path);
                }
            }
        }
        found.into_iter().filter_map(|path| Some((path.clone(), std::fs::metadata(&path).ok()?.ino()))).collect()
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}
