//! The node that is there, as far as a tree depends on it: its version.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::files;

/// What trees are computed for where there is no node: the line that is supported the longest as this is written.
pub const ASSUMED: &str = "24.0.0";

/// How long node may take to say its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program and what it said of itself; asked again when it was replaced.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    path: PathBuf,
    inode: u64,
    modified_ns: u128,
    bytes: u64,
    version: String,
}

/// The version of the first `node` in `search` (the form of `PATH`), without `v`; nothing where there is none that works.
///
/// Starting node takes longer than most resolutions, so what it said is kept in `cache` for as long as the program is the
/// same file.
pub async fn version(search: &OsStr, cache: &Path) -> Option<String> {
    let path = std::env::split_paths(search).map(|folder| folder.join("node")).find(|path| path.is_file())?;
    let path = std::fs::canonicalize(path).ok()?;
    let about = path.metadata().ok()?;
    let modified_ns = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let file = cache.join("node-version.json");
    let known: Option<Known> =
        files::read_optional(&file).ok().flatten().and_then(|text| serde_json::from_slice(&text).ok());
    // The inode too: the clock that stamps files moves some milliseconds at a time, and two files may be as long.
    let inode = about.ino();
    if let Some(known) = known
        && (&known.path, known.inode, known.modified_ns, known.bytes) == (&path, inode, modified_ns, about.len())
    {
        return Some(known.version);
    }
    let asked = Command::new(&path).arg("--version").kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let version = said.trim().strip_prefix('v').filter(|version| semver::Version::parse(version).is_ok())?.to_owned();
    let known = Known { path, inode, modified_ns, bytes: about.len(), version };
    if let Ok(text) = serde_json::to_vec(&known) {
        // What cannot be kept is asked again.
        let _ = files::write(&file, &text);
    }
    Some(known.version)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::version;
    use crate::clients::files;

    /// A program that says `text`, and leaves a file that tells that it ran.
    fn node(folder: &Path, text: &str) {
        let script = format!("#!/bin/sh\n: > {}/ran\necho {text}\n", folder.display());
        files::write_program(&folder.join("node"), &script);
    }

    #[tokio::test]
    async fn node_is_asked_once_until_it_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, cache) = (folder.path(), folder.path().join("cache"));
        assert_eq!(version(path.as_os_str(), &cache).await, None);
        node(path, "v20.1.0");
        assert_eq!(version(path.as_os_str(), &cache).await.unwrap(), "20.1.0");
        std::fs::remove_file(path.join("ran")).unwrap();
        assert_eq!(version(path.as_os_str(), &cache).await.unwrap(), "20.1.0");
        assert!(!path.join("ran").exists());
        node(path, "v20.1.10");
        assert_eq!(version(path.as_os_str(), &cache).await.unwrap(), "20.1.10");
        node(path, "nonsense");
        assert_eq!(version(path.as_os_str(), &cache).await, None);
    }
}
