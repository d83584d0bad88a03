//! `replace` lines of the main modules and the workspace: what is read in place of a module version.

use std::collections::{HashMap, HashSet};

use super::inputs::{Main, name_of};
use crate::go::GoError;
use crate::go::catalog::ModuleVersion;
use crate::go::modfile::Replace;
use crate::go::paths;
use crate::go::workfile::GoWork;

/// A module path, and the version that is replaced; nothing means each of them.
type Old = (String, Option<String>);

/// What is replaced.
#[derive(Debug, Default)]
pub(in crate::go) struct Replacements {
    work: HashMap<Old, ModuleVersion>,
    /// Each main module's, with its folder.
    mains: Vec<(String, HashMap<Old, ModuleVersion>)>,
    workspace: bool,
    /// Paths that some line speaks of.
    paths: HashSet<String>,
}

/// What stands in a module version's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::go) enum Instead {
    /// Another module version.
    Module(ModuleVersion),
    /// A folder.
    Folder {
        /// As `go list -m` prints it: as it is written, or relative to the workspace.
        shown: String,
        /// Relative to the project's root, or rooted.
        dir: String,
    },
}

impl Replacements {
    /// Reads the lines, and checks that they do not contradict each other.
    pub(in crate::go) fn read(mains: &[Main], work: Option<&GoWork>) -> Result<Self, GoError> {
        let mut all = Self { workspace: work.is_some(), ..Self::default() };
        let lines = work.map(|work| work.replace.as_slice()).unwrap_or_default();
        all.work = by_old("go.work", lines)?;
        for main in mains {
            let lines = by_old(&name_of(&main.dir, "go.mod"), &main.file.replace)?;
            all.mains.push((main.dir.clone(), lines));
        }
        let members = mains.iter().flat_map(|main| &main.file.replace);
        all.paths = lines.iter().chain(members).map(|line| line.path.clone()).collect();
        let wildcard = |main: &&Main| all.work.contains_key(&(main.file.module.clone(), None));
        if let Some(main) = mains.iter().find(wildcard) {
            let reason = format!("workspace module {} is replaced at all versions", main.file.module);
            return Err(GoError::Invalid { file: "go.work".to_owned(), reason });
        }
        if all.workspace {
            all.check_members(mains)?;
        }
        Ok(all)
    }

    /// Two members may not replace the same by different things, unless the workspace speaks of that module.
    fn check_members(&self, mains: &[Main]) -> Result<(), GoError> {
        let decided: HashSet<&str> = self.work.keys().map(|(path, _)| path.as_str()).collect();
        let mut seen: HashMap<(&str, Option<&str>), String> = HashMap::new();
        for main in mains {
            let mut own = HashSet::new();
            for line in main.file.replace.iter().filter(|line| !decided.contains(line.path.as_str())) {
                let old = (line.path.as_str(), line.version.as_deref());
                let target = match line.by.version.as_str() {
                    "" => paths::join(&main.dir, &line.by.path),
                    _ => line.by.to_string(),
                };
                let known = seen.get(&old).filter(|known| !own.contains(&old) && **known != target);
                if let Some(known) = known {
                    return Err(conflict("go.work", line, known, &target));
                }
                own.insert(old);
                seen.insert(old, target);
            }
        }
        Ok(())
    }

    /// What stands in the place of a version of a module; nothing if it is not replaced.
    ///
    /// As modload's `replacementFrom` and `canonicalizeReplacePath`, with the order in which members of a workspace are asked.
    pub(in crate::go) fn of(&self, path: &str, version: &str) -> Result<Option<Instead>, GoError> {
        if !self.paths.contains(path) {
            return Ok(None);
        }
        if let Some((_, by)) = look_up(&self.work, path, version) {
            return Ok(Some(instead(by, ".", None)));
        }
        let mut found: Option<(&ModuleVersion, &str)> = None;
        for (dir, lines) in &self.mains {
            let Some((versioned, by)) = look_up(lines, path, version) else { continue };
            if let Some((before, _)) = found.filter(|(before, _)| versioned && *before != by) {
                let reason = format!("conflicting replacements for {path}@{version}: {before} and {by}");
                return Err(GoError::Invalid { file: "go.work".to_owned(), reason });
            }
            found = Some((by, dir));
        }
        Ok(found.map(|(by, dir)| instead(by, dir, self.workspace.then_some(dir))))
    }
}

/// The line that counts for a version, and whether it names that version.
fn look_up<'a>(lines: &'a HashMap<Old, ModuleVersion>, path: &str, version: &str) -> Option<(bool, &'a ModuleVersion)> {
    let exact = lines.get(&(path.to_owned(), Some(version.to_owned()))).map(|by| (true, by));
    exact.or_else(|| lines.get(&(path.to_owned(), None)).map(|by| (false, by)))
}

/// `member` is the folder of the workspace's member that says so.
fn instead(by: &ModuleVersion, dir: &str, member: Option<&str>) -> Instead {
    if !by.version.is_empty() {
        return Instead::Module(by.clone());
    }
    let whole = paths::join(dir, &by.path);
    let shown = match member {
        Some(_) if !by.path.starts_with('/') && !paths::is_directory(&whole) => format!("./{whole}"),
        Some(_) if !by.path.starts_with('/') => whole.clone(),
        _ => by.path.clone(),
    };
    Instead::Folder { shown, dir: whole }
}

fn by_old(file: &str, lines: &[Replace]) -> Result<HashMap<Old, ModuleVersion>, GoError> {
    let mut map: HashMap<Old, ModuleVersion> = HashMap::new();
    for line in lines {
        let before = map.insert((line.path.clone(), line.version.clone()), line.by.clone());
        if let Some(before) = before.filter(|before| *before != line.by) {
            return Err(conflict(file, line, &target(&before), &target(&line.by)));
        }
    }
    Ok(map)
}

fn target(by: &ModuleVersion) -> String {
    if by.version.is_empty() { by.path.clone() } else { by.to_string() }
}

fn conflict(file: &str, line: &Replace, first: &str, second: &str) -> GoError {
    let version = line.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
    let reason = format!("conflicting replacements for {}{version}: {first} and {second}", line.path);
    GoError::Invalid { file: file.to_owned(), reason }
}
