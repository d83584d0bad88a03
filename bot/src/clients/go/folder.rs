//! Modules as folders, for Nix to take: unpacked only after the whole zip was judged and found to be the one that is meant.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use nixwright_resolver::go::zip::{LIMITS, read_zip};
use zip::ZipArchive;

use super::{GoModules, GoProxyError};
use crate::clients::files::{self, FileError, PendingFile};

impl GoModules {
    /// Unpacks a version into a new folder, if its hash is `sum` (`h1:…`).
    ///
    /// # Errors
    /// [`GoProxyError`]; [`GoProxyError::Replaced`] where the hash is another.
    pub async fn unpack(&self, module: &str, version: &str, sum: &str, folder: &Path) -> Result<(), GoProxyError> {
        let zip = self.zip(module, version).await?;
        let work = Unpacking {
            what: format!("{module}@{version}"),
            module: module.to_owned(),
            version: version.to_owned(),
            sum: sum.to_owned(),
            zip,
            folder: folder.to_owned(),
        };
        let broke_off = work.refused("taking it apart broke off");
        tokio::task::spawn_blocking(move || work.run()).await.map_err(|_| broke_off)?
    }

    /// Writes the go.mod of a version into a file.
    ///
    /// # Errors
    /// [`GoProxyError`].
    pub async fn write_mod(&self, module: &str, version: &str, file: &Path) -> Result<(), GoProxyError> {
        let bytes = self.go_mod(module, version).await?;
        let mut pending = PendingFile::create(file)?;
        pending.write(&bytes)?;
        Ok(pending.commit_without_sync()?)
    }
}

struct Unpacking {
    what: String,
    module: String,
    version: String,
    sum: String,
    zip: PathBuf,
    folder: PathBuf,
}

impl Unpacking {
    fn refused(&self, reason: &str) -> GoProxyError {
        GoProxyError::Zip { what: self.what.clone(), reason: reason.to_owned() }
    }

    fn run(&self) -> Result<(), GoProxyError> {
        let bytes = files::read(&self.zip)?;
        let facts = read_zip(&bytes, &self.module, &self.version, LIMITS);
        let judged = facts.map_err(|error| self.refused(&error.to_string())).and_then(|facts| {
            let is_it = facts.sum() == self.sum;
            let now = facts.sum().to_owned();
            is_it.then_some(()).ok_or_else(|| GoProxyError::Replaced {
                what: self.what.clone(),
                first: self.sum.clone(),
                now,
            })
        });
        if let Err(error) = judged {
            // It may be only our copy that is damaged.
            files::remove(&self.zip)?;
            return Err(error);
        }
        let unreadable = |error: zip::result::ZipError| self.refused(&error.to_string());
        let mut zip = ZipArchive::new(Cursor::new(&bytes[..])).map_err(unreadable)?;
        let prefix = format!("{}/", self.what);
        files::create_folder(&self.folder)?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(unreadable)?;
            // Names were judged above: none leads out of the folder.
            let name = entry.name().map_err(unreadable)?.into_owned();
            let Some(path) = name.strip_prefix(&prefix).filter(|path| !path.ends_with('/')) else { continue };
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(|error| self.refused(&error.to_string()))?;
            write(&self.folder.join(path), &content)?;
        }
        Ok(())
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    std::fs::write(path, content).map_err(|error| FileError::new("write", path, error))
}
