//! A project's folder, as far as its tree depends on it: manifests, a lock, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use nixwright_resolver::npm::catalog::Project;
use nixwright_resolver::npm::local::{Local, references};
use nixwright_resolver::npm::lockfiles::LockFile;
use serde_json::Value;

use crate::clients::files::{self, FileError};

/// How many folders are looked into for members of a workspace.
const MOST_FOLDERS: usize = 100_000;

/// A folder that is no project that can be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No manifest.
    #[error("there is no package.json in {}; name the folder of a project", folder.display())]
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// A manifest that is not JSON.
    #[error("{} is not JSON: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern of `workspaces`.
    #[error("{}: `workspaces` has {pattern:?}, which is no pattern of folders: {reason}", path.display())]
    Pattern {
        /// The manifest.
        path: PathBuf,
        /// As written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Too many folders.
    #[error("{} has more than {MOST_FOLDERS} folders; narrow the patterns of `workspaces` in its package.json", folder.display())]
    TooManyFolders {
        /// The project.
        folder: PathBuf,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads a project's folder: its manifest, those of its workspace and of the folders that it depends on, and its lock.
///
/// # Errors
/// When there is no manifest, or what is there cannot be read.
pub fn read_project(folder: &Path) -> Result<Project, ProjectError> {
    let path = folder.join("package.json");
    let Some(manifest) = read_text(&path)? else {
        return Err(ProjectError::NoManifest { folder: folder.to_owned() });
    };
    let value: Value = serde_json::from_str(&manifest)
        .map_err(|error| ProjectError::Manifest { path: path.clone(), reason: error.to_string() })?;
    let mut folders = BTreeMap::new();
    for candidate in candidates(folder, &path, &value)? {
        if let Some(text) = read_text(&folder.join(&candidate).join("package.json"))? {
            folders.insert(candidate, text);
        }
    }
    let tarballs = follow_references(folder, &manifest, &mut folders)?;
    let mut lock = None;
    for file in LockFile::by_preference(&manifest) {
        if lock.is_none()
            && let Some(text) = read_text(&folder.join(file.name()))?
        {
            // A lock that cannot be read is refused by whoever builds from it.
            for member in file.folders(&text).unwrap_or_default() {
                if let Some(text) = read_text(&folder.join(&member).join("package.json"))? {
                    folders.entry(member).or_insert(text);
                }
            }
            lock = Some((file.name().to_owned(), text));
        }
    }
    folders.remove("");
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let tarballs = tarballs.into_iter().collect();
    Ok(Project { folder: name, manifest, folders, tarballs, lock, ..Project::default() })
}

/// Reads the folders that manifests depend on, and those that theirs do; gives the tarballs.
fn follow_references(
    folder: &Path,
    manifest: &str,
    folders: &mut BTreeMap<String, String>,
) -> Result<BTreeSet<String>, ProjectError> {
    let mut tarballs = BTreeSet::new();
    let mut waiting = references(manifest, "");
    waiting.extend(folders.iter().flat_map(|(base, manifest)| references(manifest, base)));
    while let Some(local) = waiting.pop() {
        match local {
            Local::Tarball(path) => drop(tarballs.insert(path)),
            Local::Folder(path) if path.is_empty() || folders.contains_key(&path) => {}
            Local::Folder(path) => {
                // A folder without a manifest is the resolution's to refuse: it knows who wants it.
                if let Some(text) = read_text(&folder.join(&path).join("package.json"))? {
                    waiting.extend(references(&text, &path));
                    folders.insert(path, text);
                }
            }
        }
    }
    Ok(tarballs)
}

/// A text without a byte order mark; nothing where there is no such file.
fn read_text(path: &Path) -> Result<Option<String>, ProjectError> {
    let bytes = match files::read_optional(path) {
        Err(FileError::Other { source, .. }) if source.kind() == io::ErrorKind::NotADirectory => None,
        read => read?,
    };
    Ok(bytes.map(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
    }))
}

/// A pattern of `workspaces`.
struct Pattern {
    matcher: GlobMatcher,
    /// How deep its folders can lie; nothing: anywhere.
    depth: Option<usize>,
}

/// The folders that may be members of the workspace, never in `node_modules`. Which of them are, and under which names, the
/// resolution says: here patterns that take folders away again only cost the reading of a manifest.
fn candidates(folder: &Path, path: &Path, manifest: &Value) -> Result<Vec<String>, ProjectError> {
    let workspaces = manifest.get("workspaces");
    let texts = workspaces.and_then(|workspaces| workspaces.get("packages")).or(workspaces).and_then(Value::as_array);
    let texts: Vec<&str> = texts.into_iter().flatten().filter_map(Value::as_str).collect();
    let adding = texts.iter().filter(|text| !text.starts_with('!') || text.starts_with("!!"));
    let patterns = adding.map(|text| pattern(text, path)).collect::<Result<Vec<_>, _>>()?;
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let depth = patterns.iter().try_fold(0, |most: usize, pattern| Some(most.max(pattern.depth?)));
    let with_hidden = texts.iter().any(|text| text.split('/').any(|part| part.starts_with('.') && part.len() > 2));
    let mut found = folders_below(folder, depth.unwrap_or(usize::MAX), with_hidden)?;
    found.retain(|candidate| patterns.iter().any(|pattern| pattern.matcher.is_match(candidate)));
    Ok(found)
}

fn pattern(text: &str, path: &Path) -> Result<Pattern, ProjectError> {
    let plain = text.trim_start_matches('!').replace('\\', "/");
    let plain = plain.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(&plain);
    let plain = plain.trim_matches('/');
    let glob = GlobBuilder::new(plain).literal_separator(true).build().map_err(|error| ProjectError::Pattern {
        path: path.to_owned(),
        pattern: text.to_owned(),
        reason: error.kind().to_string(),
    })?;
    let depth = (!plain.contains("**")).then(|| plain.split('/').count());
    Ok(Pattern { matcher: glob.compile_matcher(), depth })
}

/// The folders below one, by path relative to it, sorted; links to folders are named, but not followed.
fn folders_below(folder: &Path, depth: usize, with_hidden: bool) -> Result<Vec<String>, ProjectError> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_owned(), String::new(), 1)];
    while let Some((place, base, level)) = waiting.pop() {
        if level > depth {
            continue;
        }
        let failed = |error| FileError::new("read the folder", &place, error);
        let entries = match std::fs::read_dir(&place) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && !base.is_empty() => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name == "node_modules" || name == ".git" || (name.starts_with('.') && !with_hidden) {
                continue;
            }
            let kind = entry.file_type().map_err(failed)?;
            let path = if base.is_empty() { name } else { format!("{base}/{name}") };
            if kind.is_dir() {
                waiting.push((entry.path(), path.clone(), level + 1));
            } else if !kind.is_symlink() || !entry.path().is_dir() {
                continue;
            }
            found.push(path);
            if found.len() > MOST_FOLDERS {
                return Err(ProjectError::TooManyFolders { folder: folder.to_owned() });
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read_project;
    use crate::clients::files;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            files::write(&folder.path().join(path), text.as_bytes()).unwrap();
        }
        folder
    }

    fn members(workspaces: &str, folders: &[&str]) -> Vec<String> {
        let folder = project(&[("package.json", &format!(r#"{{"workspaces":{workspaces}}}"#))]);
        for path in folders {
            files::write(&folder.path().join(path).join("package.json"), b"{}").unwrap();
        }
        files::create_folder(&folder.path().join("packages/empty")).unwrap();
        read_project(folder.path()).unwrap().folders.into_keys().collect()
    }

    #[test]
    fn folders_that_the_patterns_of_a_workspace_name_are_read() {
        let folders =
            ["packages/b", "packages/a", "packages/a/deep", "tools/t", "packages/a/node_modules/x", ".hidden/h"];
        assert_eq!(members(r#"["tools/*","./packages/*/"]"#, &folders), ["packages/a", "packages/b", "tools/t"]);
        assert_eq!(members(r#"{"packages":["packages/a"]}"#, &folders), ["packages/a"]);
        assert_eq!(members(r#"["packages/**"]"#, &folders), ["packages/a", "packages/a/deep", "packages/b"]);
        assert_eq!(members(r#"[".hidden/*","!packages/b"]"#, &folders), [".hidden/h"]);
        assert_eq!(members("[]", &folders), [""; 0]);
    }

    #[test]
    fn folders_that_are_depended_on_are_read_and_so_are_theirs() {
        let folder = project(&[
            (
                "one/package.json",
                r#"{"dependencies":{"two":"file:../two","three":"file:three.tgz","none":"file:none"}}"#,
            ),
            ("two/package.json", r#"{"dependencies":{"three":"file:./three"}}"#),
            ("two/three/package.json", r#"{"dependencies":{"two":"file:../../two"}}"#),
            ("two/npm-shrinkwrap.json", "shrinkwrap"),
            ("two/package-lock.json", "lock"),
            ("one/package-lock.json", "\u{feff}lock"),
        ]);
        let one = read_project(&folder.path().join("one")).unwrap();
        assert_eq!(one.folder, "one");
        assert_eq!(one.folders.keys().collect::<Vec<_>>(), ["../two", "../two/three"]);
        assert_eq!(one.tarballs, ["three.tgz"]);
        assert_eq!(one.lock, Some(("package-lock.json".to_owned(), "lock".to_owned())));
        let two = read_project(&folder.path().join("two")).unwrap();
        assert_eq!(two.lock, Some(("npm-shrinkwrap.json".to_owned(), "shrinkwrap".to_owned())));
    }

    #[test]
    fn what_is_no_project_is_said() {
        let folder = project(&[("bad/package.json", "{"), ("glob/package.json", r#"{"workspaces":["a[","b"]}"#)]);
        let said = ["absent", "bad", "glob"]
            .map(|name| read_project(&folder.path().join(name)).unwrap_err().to_string())
            .join("\n")
            .replace(&folder.path().display().to_string(), "");
        insta::assert_snapshot!(said, @r#"
there is no package.json in /absent; name the folder of a project
/bad/package.json is not JSON: EOF while parsing an object at line 1 column 1
/glob/package.json: `workspaces` has "a[", which is no pattern of folders: unclosed character class; missing ']'
"#);
        assert!(read_project(Path::new("/proc/absent")).is_err());
    }
}
