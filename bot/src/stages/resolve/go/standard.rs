//! The standard library: what the sources of the Go that this machine has teach, read once for each version.

use std::path::Path;
use std::sync::Arc;

use nixwright_resolver::go::facts::{Content, StandardBuilder, StandardLibrary};

use super::GoGraphs;
use crate::clients::files::{self, FileError};
use crate::clients::go_toolchain::{GoToolchain, GoToolchainError};
use crate::model::{Failure, FailureClass};

/// Changes when what an older program read must not be used any more.
const FORM: &str = "1";

/// Why there is no toolchain.
#[derive(Debug, thiserror::Error)]
pub enum NoToolchain {
    /// There is none.
    #[error(
        "there is no Go on PATH, and which packages a Go program is made of depends on its standard library; install Go \
         (`make deps` brings the one that this project is tested with, in target/go/bin)"
    )]
    Absent,
    /// It is not one that can be used.
    #[error(transparent)]
    Broken(#[from] GoToolchainError),
}

impl GoGraphs {
    /// The Go that this machine has.
    ///
    /// # Errors
    /// When there is none, or it does not say what it is.
    pub async fn toolchain(&self) -> Result<GoToolchain, NoToolchain> {
        GoToolchain::find(&self.search).await?.ok_or(NoToolchain::Absent)
    }

    /// The version whose rules are followed, which is the toolchain's.
    ///
    /// # Errors
    /// A [`Failure`] of class infrastructure when there is no toolchain.
    pub async fn rules(&self) -> Result<String, Failure> {
        let toolchain = self.toolchain().await;
        Ok(toolchain.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?.version)
    }

    pub(super) async fn standard(&self) -> Result<Arc<StandardLibrary>, Failure> {
        let toolchain = self.toolchain().await;
        let toolchain = toolchain.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        let cache = self.cache.join("go/standard").join(format!("{}-{FORM}", toolchain.version));
        let read = tokio::task::spawn_blocking(move || read(&toolchain, &cache));
        read.await.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?.map(Arc::new)
    }
}

/// The kept facts, else those that the sources teach.
fn read(toolchain: &GoToolchain, cache: &Path) -> Result<StandardLibrary, Failure> {
    let infrastructure = |error: &dyn std::error::Error| Failure::new(FailureClass::Infrastructure, error);
    let kept = files::read_optional(cache).map_err(|error| infrastructure(&error))?;
    if let Some(standard) = kept.and_then(|bytes| StandardLibrary::from_bytes(&bytes).ok()) {
        return Ok(standard);
    }
    let source = toolchain.root.join("src");
    let mut builder = StandardLibrary::builder();
    take(&source, &mut builder).map_err(|error| infrastructure(&error))?;
    let standard = builder.finish().map_err(|error| infrastructure(&error))?;
    let bytes = standard.to_bytes().map_err(|error| infrastructure(&error))?;
    files::write(cache, &bytes).map_err(|error| infrastructure(&error))?;
    Ok(standard)
}

/// Takes all files of `GOROOT/src` that are looked at.
fn take(source: &Path, builder: &mut StandardBuilder) -> Result<(), FileError> {
    let mut waiting = vec![(source.to_owned(), String::new())];
    while let Some((folder, base)) = waiting.pop() {
        let failed = |error| FileError::new("read the folder", &folder, error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if base.is_empty() { name } else { format!("{base}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && StandardBuilder::wants(&format!("{path}/x.go")) {
                waiting.push((entry.path(), path));
            } else if kind.is_file() && StandardBuilder::wants(&path) {
                builder.add(&path, Content::Bytes(&files::read(&entry.path())?));
            }
        }
    }
    Ok(())
}
