//! Which module has a package.

use std::cell::RefCell;
use std::collections::BTreeSet;

use foldhash::HashMap;

use super::error::PackageError;
use super::rules::{check_path, is_standard_path, is_within};
use crate::go::GoError;
use crate::go::catalog::{Known, Lookup, ModuleVersion, Need, Project};
use crate::go::facts::{ModuleFacts, StandardLibrary};
use crate::go::graph::{BuildList, Place, Selected};
use crate::go::sums::{Part, Verdict};

/// Where a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::go) enum Found<'k> {
    /// In the standard library.
    Standard,
    /// In the module of this path.
    Module(&'k str),
    /// That cannot be said before more is known.
    Unknown,
}

/// A module's files, as far as they are known.
enum Files<'k> {
    Known(&'k ModuleFacts),
    Asked,
    Failed(GoError),
}

/// The modules that packages are looked for in.
pub(in crate::go) struct Modules<'k> {
    pub(in crate::go) standard: &'k StandardLibrary,
    pub(in crate::go) list: &'k BuildList,
    project: &'k Project,
    known: &'k Known,
    needs: RefCell<BTreeSet<ModuleVersion>>,
    files: RefCell<HashMap<&'k str, std::rc::Rc<Files<'k>>>>,
}

impl<'k> Modules<'k> {
    pub(in crate::go) fn new(
        project: &'k Project,
        list: &'k BuildList,
        standard: &'k StandardLibrary,
        known: &'k Known,
    ) -> Self {
        Self { standard, list, project, known, needs: RefCell::default(), files: RefCell::default() }
    }

    /// The zips that were missed.
    pub(in crate::go) fn needs(&self) -> Vec<Need> {
        self.needs.borrow().iter().cloned().map(Need::Zip).collect()
    }

    /// The files of a module that was found to have a package.
    pub(in crate::go) fn facts(&self, module: &str) -> Option<&'k ModuleFacts> {
        match self.files.borrow().get(module)?.as_ref() {
            Files::Known(facts) => Some(facts),
            Files::Asked | Files::Failed(_) => None,
        }
    }

    /// The modules whose files were looked at.
    pub(in crate::go) fn searched(&self) -> BTreeSet<String> {
        self.files.borrow().keys().map(|path| (*path).to_owned()).collect()
    }

    /// Where the package of an import path is (`importFromModules` of cmd/go); `importer` is for messages.
    pub(in crate::go) fn find(&self, path: &str, importer: &str) -> Result<Found<'k>, GoError> {
        check_path(path).map_err(|reason| PackageError::import(path, importer, reason))?;
        let standard = is_standard_path(path);
        let in_standard = standard && self.standard.has(path);
        if self.list.roots_first {
            let found = self.among(path, importer, in_standard, |module| module.root)?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        if let Some(found) = self.among(path, importer, in_standard, |_| true)? {
            return Ok(found);
        }
        let (path, importer) = (path.to_owned(), importer.to_owned());
        if standard {
            let rules = self.standard.version().to_owned();
            return Err(PackageError::NotStandard { path, importer, rules }.into());
        }
        if self.list.mains.iter().any(|main| is_within(&path, main)) {
            return Err(
                PackageError::import(&path, &importer, "no Go files are in that folder of the main module").into()
            );
        }
        Err(PackageError::Missing { path, importer }.into())
    }

    /// The one module that has a package, of those that `counts` is true for; nothing if there is none.
    fn among(
        &self,
        path: &str,
        importer: &str,
        in_standard: bool,
        counts: impl Fn(&Selected) -> bool,
    ) -> Result<Option<Found<'k>>, GoError> {
        let mut found: Vec<(&'k str, &'k Selected)> = Vec::new();
        let mut unknown = false;
        let mut prefix = Some(path);
        while let Some(module_path) = prefix {
            prefix = module_path.rsplit_once('/').map(|(above, _)| above);
            let Some((module_path, module)) = self.list.modules.get_key_value(module_path) else { continue };
            if !counts(module) {
                continue;
            }
            let dir = path.get(module_path.len() + 1..).unwrap_or_default();
            match self.files(module_path, module).as_ref() {
                Files::Known(facts) if facts.has_go(dir) => found.push((module_path, module)),
                Files::Known(_) => {}
                Files::Asked => unknown = true,
                Files::Failed(error) => return Err(error.clone()),
            }
        }
        if unknown {
            return Ok(Some(Found::Unknown));
        }
        match (in_standard, found.as_slice()) {
            (true, []) => Ok(Some(Found::Standard)),
            (false, []) => Ok(None),
            (false, [(module, _)]) => Ok(Some(Found::Module(module))),
            (_, several) => {
                let named =
                    several.iter().rev().map(|(path, module)| format!("{path} {}", module.version).trim().to_owned());
                let std = in_standard.then(|| "the standard library".to_owned());
                let modules = std.into_iter().chain(named).collect();
                Err(PackageError::Ambiguous { path: path.to_owned(), importer: importer.to_owned(), modules }.into())
            }
        }
    }

    /// A module's files; they are asked for if they are not there.
    fn files(&self, path: &'k str, module: &'k Selected) -> std::rc::Rc<Files<'k>> {
        if let Some(files) = self.files.borrow().get(path) {
            return files.clone();
        }
        let files = std::rc::Rc::new(self.look_up(&module.source).unwrap_or_else(Files::Failed));
        self.files.borrow_mut().insert(path, files.clone());
        files
    }

    fn look_up(&self, place: &'k Place) -> Result<Files<'k>, GoError> {
        match place {
            Place::Main(dir) => {
                let main = self.project.mains.iter().find(|main| main.dir == *dir);
                main.map(|main| Files::Known(&main.facts)).ok_or_else(|| missing_folder(dir))
            }
            Place::Folder(dir) => {
                let folder = self.project.folders.get(dir);
                folder.map(|folder| Files::Known(&folder.facts)).ok_or_else(|| missing_folder(dir))
            }
            Place::Proxy(version) => self.zip(version),
        }
    }

    fn zip(&self, module: &'k ModuleVersion) -> Result<Files<'k>, GoError> {
        let strict = !self.list.workspace;
        if strict && !self.list.sums.has(&module.path, &module.version, Part::Zip) {
            return Err(GoError::NoSum { module: module.clone() });
        }
        match self.known.zips.get(module) {
            None => {
                self.needs.borrow_mut().insert(module.clone());
                Ok(Files::Asked)
            }
            Some(Lookup::Absent { why }) => Err(GoError::Absent { module: module.clone(), why: why.clone() }),
            Some(Lookup::Found(facts)) => {
                let found = facts.sum();
                match self.list.sums.check(&module.path, &module.version, Part::Zip, found) {
                    Verdict::Wrong { file, expected } => {
                        Err(GoError::WrongSum { module: module.clone(), file, found: found.to_owned(), expected })
                    }
                    Verdict::Unknown if strict => Err(GoError::NoSum { module: module.clone() }),
                    Verdict::Right | Verdict::Unknown => Ok(Files::Known(facts)),
                }
            }
        }
    }
}

fn missing_folder(dir: &str) -> GoError {
    GoError::Invalid { file: "go.mod".to_owned(), reason: format!("replacement directory {dir} does not exist") }
}
