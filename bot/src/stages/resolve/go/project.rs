//! A local module or workspace, as far as its graph depends on it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nixwright_resolver::go::catalog::{LocalModule, Project};
use nixwright_resolver::go::facts::{Builder, Content, FactsError, ModuleFacts};
use nixwright_resolver::go::graph::folders;
use nixwright_resolver::go::workfile::GoWork;
use nixwright_resolver::go::{GoError, paths, zip};
use nixwright_resolver::plan::go::GoGraph;
use nixwright_resolver::plan::{Graph, Metadata, Plan};

use crate::clients::files::{self, FileError};
use crate::config::Upstream;

/// A source file of more bytes than this is no source file.
const LARGEST_FILE: u64 = 64 << 20;

/// Folders that hold what no module's package is made of, wherever they are.
const NOT_SOURCES: [&str; 4] = [".git", ".hg", ".svn", ".bzr"];

/// A folder that is no module that can be read.
#[derive(Debug, thiserror::Error)]
pub enum GoProjectError {
    /// Neither go.mod nor go.work.
    #[error("there is neither go.mod nor go.work in {}; name the folder of a Go module or workspace", folder.display())]
    NoModule {
        /// The folder.
        folder: PathBuf,
    },
    /// A member of the workspace that is not there.
    #[error("go.work uses {dir}, and there is no go.mod in {}; mend go.work, or bring the folder", folder.display())]
    NoMember {
        /// As go.work has it.
        dir: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// A file that is not text.
    #[error("{} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A go.work that Go does not read either.
    #[error("{}: {reason}", path.display())]
    Work {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A go.mod that Go does not read either.
    #[error(transparent)]
    Module(#[from] GoError),
    /// More than any module has.
    #[error(
        "{} has more than {limit} {what}; put a file named go.mod into the folder below it that is no part of the module",
        folder.display()
    )]
    TooLarge {
        /// The module's folder.
        folder: PathBuf,
        /// What was counted.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// The facts do not fit into their form.
    #[error("{}: {source}", folder.display())]
    Facts {
        /// The module's folder.
        folder: PathBuf,
        /// Why.
        source: FactsError,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads a local module, or the workspace whose go.work is in the folder, with all folders that `replace` lines lead to.
///
/// # Errors
/// When there is neither, or what is there cannot be read.
pub fn read_go_project(folder: &Path) -> Result<Project, GoProjectError> {
    let work_path = folder.join("go.work");
    let mut project = Project::default();
    if let Some(text) = read_text(&work_path)? {
        let work = GoWork::parse(&text);
        let work = work.map_err(|error| GoProjectError::Work { path: work_path, reason: error.to_string() })?;
        for member in &work.uses {
            let dir = paths::clean(&member.path);
            let module = read_module(folder, &dir)?;
            let no_member = || GoProjectError::NoMember { dir: dir.clone(), folder: folder.join(&dir) };
            project.mains.push(module.ok_or_else(no_member)?);
        }
        project.work = Some((text, read_text(&folder.join("go.work.sum"))?));
    } else {
        let no_module = || GoProjectError::NoModule { folder: folder.to_owned() };
        project.mains.push(read_module(folder, ".")?.ok_or_else(no_module)?);
    }
    for dir in folders(&project)? {
        // A folder without a go.mod is the resolution's to refuse: it knows who wants it.
        if let Some(module) = read_module(folder, &dir)? {
            project.folders.insert(dir, module);
        }
    }
    Ok(project)
}

/// The plan of a local module or workspace. What go.mod says for people is its name; it has no version, and goes by `0`.
pub fn go_project_plan(graph: GoGraph) -> Plan {
    let name = graph.roots.first().cloned().unwrap_or_default();
    let version = "0".to_owned();
    Plan {
        schema: Plan::SCHEMA,
        purl: Upstream::Go { module: name.clone(), subpath: None }.release(&version),
        name,
        version,
        metadata: Metadata::default(),
        commit: None,
        graph: Graph::Go(graph),
    }
}

/// The module in a folder, if there is a go.mod.
fn read_module(root: &Path, dir: &str) -> Result<Option<LocalModule>, GoProjectError> {
    let folder = root.join(dir);
    let Some(go_mod) = read_text(&folder.join("go.mod"))? else { return Ok(None) };
    let go_sum = read_text(&folder.join("go.sum"))?;
    let facts = Arc::new(read_facts(&folder)?);
    Ok(Some(LocalModule { dir: dir.to_owned(), go_mod, go_sum, facts, version: None }))
}

/// A text; nothing where there is no such file.
fn read_text(path: &Path) -> Result<Option<String>, GoProjectError> {
    let bytes = match files::read_optional(path) {
        Err(FileError::Other { source, .. }) if source.kind() == io::ErrorKind::NotADirectory => None,
        read => read?,
    };
    let not_text = |_| GoProjectError::NotText { path: path.to_owned() };
    bytes.map(|bytes| String::from_utf8(bytes).map_err(not_text)).transpose()
}

/// What the module's files teach. Folders that are modules of their own are no part of it, nor is what `go mod vendor` copied.
fn read_facts(module: &Path) -> Result<ModuleFacts, GoProjectError> {
    let mut reader = Reader { module, builder: Builder::local(), files: 0, bytes: 0 };
    let mut waiting = vec![(module.to_owned(), String::new())];
    while let Some((folder, base)) = waiting.pop() {
        let failed = |error| FileError::new("read the folder", &folder, error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // What has no name in UTF-8, Go cannot import or embed.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if base.is_empty() { name.clone() } else { format!("{base}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if !kind.is_dir() {
                reader.take(&path, &entry.path(), kind.is_symlink())?;
            } else if entry.path().join("go.mod").is_file() {
                reader.builder.add(&format!("{path}/go.mod"), Content::Unread);
            } else if !NOT_SOURCES.contains(&name.as_str()) && !is_vendored(&path, &entry.path()) {
                waiting.push((entry.path(), path));
            }
        }
    }
    let facts = reader.builder.finish(String::new(), String::new());
    facts.map_err(|source| GoProjectError::Facts { folder: module.to_owned(), source })
}

fn is_vendored(path: &str, folder: &Path) -> bool {
    path == "vendor" && folder.join("modules.txt").is_file()
}

/// Takes files within limits.
struct Reader<'a> {
    module: &'a Path,
    builder: Builder,
    files: u64,
    bytes: u64,
}

impl Reader<'_> {
    fn take(&mut self, path: &str, file: &Path, is_link: bool) -> Result<(), GoProjectError> {
        self.files += 1;
        if self.files > zip::LIMITS.entries {
            return Err(self.too_large("files", zip::LIMITS.entries));
        }
        let metadata = match std::fs::metadata(file) {
            Ok(metadata) => metadata,
            Err(_) if is_link => {
                self.builder.add(path, Content::Link(None));
                return Ok(());
            }
            Err(error) => return Err(FileError::new("read", file, error).into()),
        };
        if !metadata.is_file() {
            // A link to a folder; pipes and the like are nothing that is compiled.
            if is_link {
                self.builder.add(path, Content::Link(None));
            }
            return Ok(());
        }
        if !Builder::wants(path) || metadata.len() > LARGEST_FILE {
            self.builder.add(path, if is_link { Content::Link(Some(&[])) } else { Content::Unread });
            return Ok(());
        }
        self.bytes += metadata.len();
        if self.bytes > zip::LIMITS.unpacked {
            return Err(self.too_large("bytes of sources", zip::LIMITS.unpacked));
        }
        let bytes = files::read(file)?;
        self.builder.add(path, if is_link { Content::Link(Some(&bytes)) } else { Content::Bytes(&bytes) });
        Ok(())
    }

    fn too_large(&self, what: &'static str, limit: u64) -> GoProjectError {
        GoProjectError::TooLarge { folder: self.module.to_owned(), what, limit }
    }
}
