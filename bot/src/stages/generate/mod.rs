//! Generate: the overlay's files for a project on disk, beside its manifest.
//!
//! The project's folder is a person's, so nothing is overwritten that was not written here, and nothing is touched that is
//! already as it should be.

mod cargo;
mod go;
mod npm;
mod vendor;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::Selection;

use super::Failure;
use super::resolve::{CrateReleases, GoGraphs, NpmTrees, VENDOR};
use crate::clients::files::{self, FileError};
use crate::model::{AttrPath, Strategy, System};
use crate::overlay::{PackageSet, RenderError, Settings, common_files, has_marker, package_files};

/// The folder for the builders, where they stand beside the project.
pub const BUILDERS: &str = ".nixwright";

/// What can be generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ecosystem {
    /// A package or workspace with a Cargo.toml
    Cargo,
    /// A module with a go.mod, or a workspace with a go.work
    Go,
    /// A project with a package.json
    Npm,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cargo, Self::Go, Self::Npm];

    /// The files by which a project is known; one of them is enough.
    pub fn manifests(self) -> &'static [&'static str] {
        match self {
            Self::Cargo => &["Cargo.toml"],
            Self::Go => &["go.mod", "go.work"],
            Self::Npm => &["package.json"],
        }
    }

    /// Those of which a folder has a project.
    pub fn found_in(folder: &Path) -> Vec<Self> {
        let has = |names: &[&str]| names.iter().any(|name| folder.join(name).is_file());
        Self::ALL.into_iter().filter(|ecosystem| has(ecosystem.manifests())).collect()
    }
}

/// What is to be generated.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The project's folder.
    pub folder: &'a Path,
    /// The systems that the graph is for.
    pub systems: &'a [System],
    /// Whether the builders are to stand beside it.
    pub builders: bool,
    /// Whether dependencies are to be copied into the project too, where its kind knows that.
    pub vendor: bool,
    /// Whether to look for newer versions where no lock says which, although nothing in the project has changed.
    pub update: bool,
}

/// What resolves the project, which also says what kind of project it is.
#[derive(Debug, Clone, Copy)]
pub enum Resolving<'a> {
    /// A Cargo package or workspace.
    Cargo {
        /// What resolves it.
        releases: &'a CrateReleases,
        /// With which features, and of which members and binaries.
        selection: &'a Selection,
    },
    /// A Go module or workspace.
    Go {
        /// What resolves it.
        graphs: &'a GoGraphs,
        /// Whether C is compiled.
        cgo: bool,
        /// Build tags, sorted.
        tags: &'a [String],
    },
    /// An npm project.
    Npm(&'a NpmTrees),
}

/// What a project's files should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Contents, by path relative to the project.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The files below `vendor`, if it was asked for.
    pub vendor: Option<BTreeMap<String, Vec<u8>>>,
    /// The project and where its graph comes from, for a person.
    pub summary: String,
    /// Things that a person has to look at, a line each.
    pub to_check: Vec<String>,
}

/// How a file differs from what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    New,
    /// It has other content.
    Changed,
    /// It was written by an older version, and is of no use any more.
    Gone,
}

/// Why nothing is generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The graph.
    #[error("{0}")]
    Graph(Failure),
    /// The files.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The project's folder.
    #[error(transparent)]
    Project(#[from] super::resolve::ProjectError),
    /// The folder of a Cargo project.
    #[error(transparent)]
    CargoProject(#[from] super::resolve::CargoProjectError),
    /// The folder of a Go module or workspace.
    #[error(transparent)]
    GoProject(#[from] super::resolve::GoProjectError),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder of a person.
    #[error("{} was not made by `go mod vendor` or nixwright (it has no modules.txt), so it is left alone; move it away", path.display())]
    FolderInTheWay {
        /// The folder.
        path: PathBuf,
    },
    /// A person's file.
    #[error(
        "{} was not written by nixwright (its marker is missing), so it is left alone; move it away, or what is yours \
         in it to overrides.nix", path.display()
    )]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
}

impl From<Failure> for GenerateError {
    fn from(failure: Failure) -> Self {
        Self::Graph(failure)
    }
}

/// What the files of a project should be.
///
/// # Errors
/// When its graph cannot be had, or its texts cannot be written to Nix.
pub async fn generate(
    request: Request<'_>,
    resolving: Resolving<'_>,
    progress: &ProgressBar,
) -> Result<Generated, GenerateError> {
    let mut generated = match resolving {
        Resolving::Cargo { releases, selection } => cargo::generate(request, releases, selection, progress).await?,
        Resolving::Go { graphs, cgo, tags } => go::generate(request, graphs, (cgo, tags), progress).await?,
        Resolving::Npm(trees) => npm::generate(request, trees, progress).await?,
    };
    if request.builders {
        generated.files.extend(builders()?);
    }
    Ok(generated)
}

/// The overlay's files of a package, without their folder there.
fn files_of(plan: &Plan, settings: Settings<'_>) -> Result<BTreeMap<String, Vec<u8>>, RenderError> {
    // No name of a folder shows in them.
    let attr: AttrPath = match "project".parse() {
        Ok(attr) => attr,
        Err(error) => unreachable!("a name of our own: {error}"),
    };
    let prefix = format!("packages/{attr}/");
    let files = package_files(&attr, plan, Strategy::Shared, settings)?;
    Ok(files.into_iter().map(|(path, content)| (path.trim_start_matches(&prefix).to_owned(), content)).collect())
}

/// The builders, with an entry that gives their scope for a package set.
fn builders() -> Result<BTreeMap<String, Vec<u8>>, RenderError> {
    let mut files = common_files(&[], PackageSet::Nixpkgs(""))?;
    files.retain(|path, _| path == "default.nix" || path.starts_with("lib/"));
    Ok(files.into_iter().map(|(path, content)| (format!("{BUILDERS}/{path}"), content)).collect())
}

/// What is not as it should be, by path.
///
/// # Errors
/// When a file of a person is in the way, or the folder cannot be read.
pub fn differences(folder: &Path, generated: &Generated) -> Result<BTreeMap<String, Difference>, GenerateError> {
    let mut found = BTreeMap::new();
    for (name, content) in &generated.files {
        let path = folder.join(name);
        match files::read_optional(&path)? {
            None => {
                found.insert(name.clone(), Difference::New);
            }
            Some(existing) if !has_marker(&existing) => return Err(GenerateError::InTheWay { path }),
            Some(existing) if existing != *content => {
                found.insert(name.clone(), Difference::Changed);
            }
            Some(_) => {}
        }
    }
    if let Some(files) = &generated.vendor {
        found.extend(vendor::difference(folder, files)?.map(|difference| (VENDOR.to_owned(), difference)));
    }
    if generated.files.keys().any(|name| name.starts_with(BUILDERS)) {
        for name in files_below(folder, BUILDERS)? {
            if !generated.files.contains_key(&name) && has_marker(&files::read(&folder.join(&name))?) {
                found.insert(name, Difference::Gone);
            }
        }
    }
    Ok(found)
}

/// Makes the files what they should be.
///
/// # Errors
/// When one cannot be written.
pub fn write(
    folder: &Path,
    generated: &Generated,
    differences: &BTreeMap<String, Difference>,
) -> Result<(), GenerateError> {
    for (name, difference) in differences {
        let path = folder.join(name);
        if let (VENDOR, Some(files)) = (name.as_str(), &generated.vendor) {
            vendor::write(folder, files)?;
            continue;
        }
        match generated.files.get(name) {
            Some(content) if *difference != Difference::Gone => files::write(&path, content)?,
            _ => files::remove(&path)?,
        }
    }
    Ok(())
}

/// The files below a folder of the project, by path relative to it.
fn files_below(root: &Path, folder: &str) -> Result<Vec<String>, FileError> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let path = root.join(&folder);
        let failed = |error| FileError::new("read the folder", &path, error);
        let entries = match std::fs::read_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_err(failed)?;
            let name = format!("{folder}/{name}");
            if kind.is_dir() {
                waiting.push(name);
            } else if kind.is_file() {
                found.push(name);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
