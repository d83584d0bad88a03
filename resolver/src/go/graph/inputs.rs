//! What a project says of itself: its go.mod files, go.work and go.sum, read and checked.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::replacements::Replacements;
use crate::go::GoError;
use crate::go::catalog::{ModuleVersion, Project};
use crate::go::modfile::{GoMod, Reading, SyntaxError};
use crate::go::paths;
use crate::go::sums::Sums;
use crate::go::version::{gover, is_toolchain};
use crate::go::workfile::GoWork;

/// A main module.
#[derive(Debug)]
pub(in crate::go) struct Main {
    /// Its go.mod.
    pub(in crate::go) file: GoMod,
    /// Its folder, relative to the project's root.
    pub(in crate::go) dir: String,
}

/// All that a project says of itself.
#[derive(Debug)]
pub(in crate::go) struct Inputs<'a> {
    /// The main module, or the workspace's members in the order of go.work.
    pub(in crate::go) mains: Vec<Main>,
    /// The workspace.
    pub(in crate::go) work: Option<GoWork>,
    /// What is replaced.
    pub(in crate::go) replacements: Replacements,
    /// What no module may require.
    pub(in crate::go) excluded: HashSet<ModuleVersion>,
    /// The go.mod files of other folders that `replace` lines lead to, by the folder; what is wrong with those that cannot be read
    /// counts only if they are needed.
    pub(in crate::go) folders: HashMap<String, Result<GoMod, SyntaxError>>,
    /// go.sum, or go.work.sum and the members' go.sum.
    pub(in crate::go) sums: Sums<'a>,
}

/// The folders that `replace` lines of the main modules and the workspace lead to, relative to the project's root (or rooted):
/// the keys of [`Project::folders`].
///
/// # Errors
///
/// Files that Go does not read either.
pub fn folders(project: &Project) -> Result<BTreeSet<String>, GoError> {
    let work = project.work.as_ref().map(|(text, _)| read_work(text)).transpose()?;
    let in_work = work.iter().flat_map(|work| &work.replace).map(|replace| (".", &replace.by));
    let mut found: BTreeSet<String> = in_work.filter_map(|(dir, by)| folder_of(dir, by)).collect();
    for main in &project.mains {
        let file = read_main(&main.dir, &main.go_mod)?;
        found.extend(file.replace.iter().filter_map(|replace| folder_of(&main.dir, &replace.by)));
    }
    Ok(found)
}

/// The folder that a replacement is, relative to the project's root.
fn folder_of(dir: &str, by: &ModuleVersion) -> Option<String> {
    by.version.is_empty().then(|| paths::join(dir, &by.path))
}

fn read_work(text: &str) -> Result<GoWork, GoError> {
    GoWork::parse(text).map_err(|wrong| syntax("go.work", wrong))
}

fn read_main(dir: &str, text: &str) -> Result<GoMod, GoError> {
    GoMod::parse(text, Reading::Main).map_err(|wrong| syntax(&name_of(dir, "go.mod"), wrong))
}

fn syntax(file: &str, wrong: SyntaxError) -> GoError {
    GoError::Syntax { file: file.to_owned(), line: wrong.line, reason: wrong.reason }
}

/// How a file of the project is called in messages.
pub(in crate::go) fn name_of(dir: &str, file: &str) -> String {
    paths::clean(&format!("{dir}/{file}"))
}

impl<'a> Inputs<'a> {
    /// Reads and checks what a project says of itself.
    pub(in crate::go) fn read(project: &'a Project, rules: &str) -> Result<Self, GoError> {
        let work = project.work.as_ref().map(|(text, _)| read_work(text)).transpose()?;
        if let Some(work) = &work {
            check_work(work, project, rules)?;
        }
        let mut mains = Vec::new();
        for main in &project.mains {
            let file = read_main(&main.dir, &main.go_mod)?;
            check_main(&file, &main.dir, rules)?;
            match &work {
                Some(work) => check_member(&file, &main.dir, work)?,
                None => check_godebug(&name_of(&main.dir, "go.mod"), &file.godebug, rules)?,
            }
            mains.push(Main { file, dir: main.dir.clone() });
        }
        check_mains(&mains, work.is_some())?;
        let replacements = Replacements::read(&mains, work.as_ref())?;
        let excluded = mains.iter().flat_map(|main| main.file.exclude.iter().cloned()).collect();
        let read = |text: &str| GoMod::parse(text, Reading::Dependency);
        let folders = project.folders.iter().map(|(dir, module)| (dir.clone(), read(&module.go_mod))).collect();
        Ok(Self { sums: read_sums(project)?, mains, work, replacements, excluded, folders })
    }

    /// The go line that counts for all: the workspace's or the main module's.
    pub(in crate::go) fn go(&self) -> &str {
        match &self.work {
            Some(work) => work.go.as_deref().unwrap_or(gover::DEFAULT_WORK),
            None => self.mains.first().and_then(|main| main.file.go.as_deref()).unwrap_or(gover::DEFAULT_MOD),
        }
    }

    /// The toolchain line that counts for all.
    pub(in crate::go) fn toolchain(&self) -> Option<&str> {
        match &self.work {
            Some(work) => work.toolchain.as_deref(),
            None => self.mains.first().and_then(|main| main.file.toolchain.as_deref()),
        }
    }

    /// The go.mod whose lines are the roots, if there is no workspace.
    pub(in crate::go) fn single(&self) -> Option<&Main> {
        if self.work.is_some() { None } else { self.mains.first() }
    }
}

fn read_sums(project: &Project) -> Result<Sums<'_>, GoError> {
    let mut sums = Sums::default();
    if let Some((_, text)) = &project.work {
        sums.read("go.work.sum", text.as_deref().unwrap_or_default())?;
    }
    for main in &project.mains {
        sums.read(&name_of(&main.dir, "go.sum"), main.go_sum.as_deref().unwrap_or_default())?;
    }
    Ok(sums)
}

fn check_work(work: &GoWork, project: &Project, rules: &str) -> Result<(), GoError> {
    let go = work.go.as_deref().unwrap_or(gover::DEFAULT_WORK);
    check_rules("go.work", go, rules)?;
    check_godebug("go.work", &work.godebug, rules)?;
    let mut seen = HashSet::new();
    for used in &work.uses {
        if !seen.insert(paths::clean(&used.path)) {
            let reason = format!("path {} appears multiple times in workspace", used.path);
            return Err(GoError::Syntax { file: "go.work".to_owned(), line: used.line, reason });
        }
    }
    let missing = seen.iter().find(|path| !project.mains.iter().any(|main| paths::clean(&main.dir) == **path));
    match missing {
        Some(path) => Err(GoError::Invalid { file: "go.work".to_owned(), reason: format!("{path} has no go.mod") }),
        None => Ok(()),
    }
}

/// As modload's `CheckGodebug`, but that names which no version knows are left to the compiler's Go.
fn check_godebug(file: &str, lines: &[(String, String)], rules: &str) -> Result<(), GoError> {
    for (key, value) in lines {
        let go = value.strip_prefix("go").filter(|go| gover::is_valid(go));
        let wrong = match go {
            _ if key != "default" => None,
            None => Some("is no goVERSION"),
            Some(go) => gover::compare(go, rules).is_gt().then_some("is too new"),
        };
        if let Some(wrong) = wrong {
            let reason = format!("godebug: {key}={value} {wrong}");
            return Err(GoError::Invalid { file: file.to_owned(), reason });
        }
    }
    Ok(())
}

fn check_rules(what: &str, go: &str, rules: &str) -> Result<(), GoError> {
    if gover::compare(go, rules).is_gt() {
        return Err(GoError::TooNew { what: what.to_owned(), needs: go.to_owned(), rules: rules.to_owned() });
    }
    Ok(())
}

fn check_main(file: &GoMod, dir: &str, rules: &str) -> Result<(), GoError> {
    let name = name_of(dir, "go.mod");
    if let Some(go) = &file.go {
        check_rules(&name, go, rules)?;
    }
    let invalid = |reason: String| Err(GoError::Invalid { file: name.clone(), reason });
    if file.module.is_empty() {
        return invalid("missing module declaration".to_owned());
    }
    if is_toolchain(&file.module) {
        return invalid(format!("invalid module path: {:?}", file.module));
    }
    if let Err(wrong) = paths::check_import(&file.module) {
        return invalid(wrong.to_string());
    }
    if let Some(wrong) = file.tool.iter().find_map(|tool| paths::check_import(tool).err()) {
        return invalid(format!("tool: {wrong}"));
    }
    Ok(())
}

/// No member may need a newer Go than the workspace says.
fn check_member(file: &GoMod, dir: &str, work: &GoWork) -> Result<(), GoError> {
    let member = file.go.as_deref().unwrap_or(gover::DEFAULT_MOD);
    let whole = work.go.as_deref().unwrap_or(gover::DEFAULT_WORK);
    if gover::compare(member, whole).is_gt() && gover::compare(member, gover::STRICT).is_ge() {
        let reason =
            format!("module {dir} requires go >= {member}, but go.work says go {whole}; to change it: go work use");
        return Err(GoError::Invalid { file: "go.work".to_owned(), reason });
    }
    Ok(())
}

fn check_mains(mains: &[Main], workspace: bool) -> Result<(), GoError> {
    let file = if workspace { "go.work" } else { "go.mod" };
    let invalid = |reason: String| Err(GoError::Invalid { file: file.to_owned(), reason });
    if mains.is_empty() {
        return invalid("there is no main module".to_owned());
    }
    if !workspace && mains.len() > 1 {
        return invalid("there are several main modules, and no go.work".to_owned());
    }
    let mut seen = HashSet::new();
    match mains.iter().find(|main| !seen.insert(main.file.module.as_str())) {
        Some(twice) => invalid(format!("module {} appears multiple times in workspace", twice.file.module)),
        None => Ok(()),
    }
}
