//! The folder `vendor`, which is replaced as a whole: the new one is made beside it, and put in its place when it is complete.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Difference, GenerateError, files_below};
use crate::clients::files::{self, FileError};
use crate::stages::resolve::{MODULES_TXT, VENDOR};

/// Where the new folder is made.
const NEW: &str = ".vendor.new";

/// Where the old one is until it is gone.
const OLD: &str = ".vendor.old";

/// How the folder differs from what it should be; an empty one is none.
///
/// # Errors
/// When there is a folder of a person, or it cannot be read.
pub(super) fn difference(
    folder: &Path,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Option<Difference>, GenerateError> {
    let path = folder.join(VENDOR);
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((!wanted.is_empty()).then_some(Difference::New));
        }
        Err(error) => return Err(FileError::new("read", &path, error).into()),
    };
    if !metadata.is_dir() || !path.join(MODULES_TXT).is_file() {
        return Err(GenerateError::FolderInTheWay { path });
    }
    if wanted.is_empty() {
        return Ok(Some(Difference::Gone));
    }
    let mut there = files_below(folder, VENDOR)?;
    there.sort();
    let names = wanted.keys().map(|name| format!("{VENDOR}/{name}"));
    if !names.eq(there) {
        return Ok(Some(Difference::Changed));
    }
    for (name, content) in wanted {
        if files::read(&path.join(name))? != *content {
            return Ok(Some(Difference::Changed));
        }
    }
    Ok(None)
}

/// Makes the folder what it should be.
///
/// # Errors
/// When it cannot be written; the old one is left then.
pub(super) fn write(folder: &Path, wanted: &BTreeMap<String, Vec<u8>>) -> Result<(), FileError> {
    let [path, new, old] = [VENDOR, NEW, OLD].map(|name| folder.join(name));
    // What an earlier process left when it was killed.
    for left in [&new, &old] {
        remove(left)?;
    }
    for (name, content) in wanted {
        files::write(&new.join(name), content)?;
    }
    let rename =
        |from: &Path, to: &Path| std::fs::rename(from, to).map_err(|error| FileError::new("rename", from, error));
    if path.is_dir() {
        rename(&path, &old)?;
    }
    if !wanted.is_empty()
        && let Err(error) = rename(&new, &path)
    {
        // What was there is worth more than nothing; that it cannot be put back either adds nothing to what is said.
        let _ = rename(&old, &path);
        return Err(error);
    }
    remove(&old)
}

fn remove(folder: &Path) -> Result<(), FileError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::new("remove", folder, error)),
        _ => Ok(()),
    }
}
