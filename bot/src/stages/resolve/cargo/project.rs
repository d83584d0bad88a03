//! A Cargo project on disk: its workspace, read as a tree, and nothing of it run.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use nixwright_resolver::cargo::Project;
use nixwright_resolver::cargo::tree::{Tree, TreeReader};

use crate::clients::files::FileError;

/// How many files and folders are looked at.
const MOST_ENTRIES: usize = 200_000;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The name of the project's tree among those of a resolution.
const KEY: &str = "project";

/// A folder that is no project that can be read.
#[derive(Debug, thiserror::Error)]
pub enum CargoProjectError {
    /// No manifest.
    #[error("there is no Cargo.toml in {}; name the folder of a project", folder.display())]
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// One that is none.
    #[error("{}: {reason}", file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Too many files.
    #[error("{} has more than {MOST_ENTRIES} files; name the folder of the project itself", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A project, ready to be resolved.
#[derive(Debug)]
pub struct CargoProject {
    /// Its place in its tree.
    pub project: Project,
    /// The workspace around it.
    pub tree: Tree,
    /// What it is called: its package, else the folder of its workspace.
    pub name: String,
    /// The version of its package; of a workspace that of its members, if they have the same one.
    pub version: String,
    /// The members that are meant: the one in the folder, or none for all of them.
    pub members: BTreeSet<String>,
    /// Those that cargo builds in the folder unless it is told otherwise; none for all of them.
    pub default_members: BTreeSet<String>,
    /// How many folders above the one that was named the workspace is.
    pub above: usize,
}

/// Reads the project in `folder`, with the workspace that it is a member of.
///
/// # Errors
/// When there is no manifest, or what is there cannot be read.
pub fn read_cargo_project(folder: &Path) -> Result<CargoProject, CargoProjectError> {
    if !folder.join("Cargo.toml").is_file() {
        return Err(CargoProjectError::NoManifest { folder: folder.to_owned() });
    }
    require_manifest(&folder.join("Cargo.toml"))?;
    let folder = std::path::absolute(folder).map_err(|error| FileError::new("find", folder, error))?;
    let own = read_tree(&folder)?;
    if own.workspace_of("").is_none() {
        // Only a workspace that knows the folder is its own.
        for above in folder.ancestors().skip(1).filter(|above| is_workspace(above)) {
            let tree = read_tree(above)?;
            let place = folder.strip_prefix(above).unwrap_or(&folder).to_string_lossy().into_owned();
            if let Some(package) = tree.packages.get(&place).filter(|_| tree.members("").contains(place.as_str())) {
                let (name, version) = (package.name.clone(), package.version.clone());
                let members = BTreeSet::from([name.clone()]);
                let (default_members, above) = (members.clone(), Path::new(&place).components().count());
                let project = project();
                return Ok(CargoProject { project, tree, name, version, members, default_members, above });
            }
        }
    }
    let (name, version) = match own.packages.get("") {
        Some(package) => (package.name.clone(), package.version.clone()),
        None => (folder.file_name().unwrap_or_default().to_string_lossy().into_owned(), common_version(&own)),
    };
    let default_members = own.default_members("");
    let members = BTreeSet::new();
    Ok(CargoProject { project: project(), tree: own, name, version, members, default_members, above: 0 })
}

/// That a file says which package or workspace it is of.
fn require_manifest(file: &Path) -> Result<(), CargoProjectError> {
    let invalid = |reason: String| CargoProjectError::Manifest { file: file.to_owned(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| FileError::new("read", file, error))?;
    let manifest: toml::Table = text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
    if ["package", "project", "workspace"].iter().any(|key| manifest.contains_key(*key)) {
        return Ok(());
    }
    Err(invalid("it has neither [package] nor [workspace]".to_owned()))
}

impl CargoProject {
    /// The project in a folder of a repository's tree, with the workspace that it is a member of; nothing if there is none. A workspace
    /// without a package at its top is called `name`.
    pub(in crate::stages) fn in_tree(key: &str, tree: Tree, folder: &str, name: &str) -> Option<Self> {
        let workspace = tree.workspace_of(folder).filter(|workspace| tree.members(workspace).contains(folder));
        let workspace = workspace.unwrap_or_else(|| folder.to_owned());
        let members = match tree.packages.get(folder) {
            Some(package) if workspace != folder => BTreeSet::from([package.name.clone()]),
            _ => BTreeSet::new(),
        };
        if tree.members(&workspace).is_empty() {
            return None;
        }
        let default_members = if members.is_empty() { tree.default_members(&workspace) } else { members.clone() };
        let (name, version) = match tree.packages.get(folder) {
            Some(package) => (package.name.clone(), package.version.clone()),
            None => (name.to_owned(), common_version(&tree)),
        };
        let project = Project { tree: key.to_owned(), workspace };
        Some(Self { project, tree, name, version, members, default_members, above: 0 })
    }

    /// The key of the tree among those of a resolution.
    pub fn key(&self) -> &str {
        &self.project.tree
    }
}

fn project() -> Project {
    Project { tree: KEY.to_owned(), workspace: String::new() }
}

fn is_workspace(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    text.parse::<toml::Table>().is_ok_and(|manifest| manifest.contains_key("workspace"))
}

fn common_version(tree: &Tree) -> String {
    let members = tree.members("");
    let mut versions = members.iter().filter_map(|folder| Some(&tree.packages.get(*folder)?.version));
    match versions.next() {
        Some(first) if versions.all(|version| version == first) => first.clone(),
        _ => "0.0.0".to_owned(),
    }
}

/// Reads what matters below a folder; not what builds left there, and through no link.
fn read_tree(top: &Path) -> Result<Tree, CargoProjectError> {
    let mut reader = TreeReader::default();
    let mut waiting = vec![String::new()];
    let mut left = MOST_ENTRIES;
    while let Some(folder) = waiting.pop() {
        let path = top.join(&folder);
        let failed = |error: io::Error| FileError::new("read", &path, error);
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            left = left.checked_sub(1).ok_or_else(|| CargoProjectError::TooMany { folder: top.to_owned() })?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_err(failed)?;
            let place = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_made = name == "target" && top.join(&place).join("CACHEDIR.TAG").is_file();
            if kind.is_dir() && !name.starts_with('.') && !is_made {
                waiting.push(place);
            } else if kind.is_file()
                && TreeReader::wants(&place)
                && entry.metadata().map_err(failed)?.len() <= LARGEST_FILE
            {
                reader.file(&place, &std::fs::read(entry.path()).map_err(failed)?);
            }
        }
    }
    Ok(reader.finish())
}
