//! The packages that are vendored: what those of the main modules import, tests included, whatever the system.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::go::GoError;
use crate::go::catalog::{Known, Need, Project};
use crate::go::facts::{Folder, Kind, StandardLibrary};
use crate::go::graph::BuildList;
use crate::go::graph::inputs::Inputs;
use crate::go::packages::error::PackageError;
use crate::go::packages::modules::{Found, Modules};
use crate::go::packages::rules::{is_ignored, is_passed_over};

/// Packages by import path, with their modules' paths.
type Packages = BTreeMap<String, String>;

/// Who imports a package.
#[derive(Debug, Clone)]
struct Importer {
    path: String,
    /// Whether it is in a main module.
    main: bool,
}

/// What the files of a folder import on any system.
struct Imports<'a> {
    own: BTreeSet<&'a str>,
    tests: BTreeSet<&'a str>,
}

/// All packages outside of the standard library and the main modules; or what must be known first.
///
/// As `all` of modload's `LoadPackages` with `imports.AnyTags`.
pub(super) fn all(
    project: &Project,
    list: &BuildList,
    standard: &StandardLibrary,
    known: &Known,
) -> Result<Result<Packages, Vec<Need>>, GoError> {
    let modules = Modules::new(project, list, standard, known);
    let mut queue: VecDeque<(String, Importer)> = roots(project, standard)?.into();
    let mut seen: BTreeSet<String> = queue.iter().map(|(path, _)| path.clone()).collect();
    let mut packages = Packages::new();
    while let Some((path, importer)) = queue.pop_front() {
        let module = match modules.find(&path, &importer.path) {
            Ok(Found::Module(module)) => module,
            // What is missing in the standard library may be there in another version, or for another compiler.
            Ok(Found::Standard | Found::Unknown) | Err(GoError::Package(PackageError::NotStandard { .. })) => continue,
            Err(error) => return Err(error),
        };
        let dir = path.get(module.len() + 1..).unwrap_or_default();
        let damaged = |reason: String| GoError::Invalid { file: path.clone(), reason };
        let folder = modules.facts(module).map(|facts| facts.folder(dir)).transpose();
        let folder = folder.map_err(|error| damaged(error.to_string()))?.flatten().unwrap_or_default();
        let Some(imports) = imports(&folder) else {
            return Err(damaged(format!("build constraints exclude all Go files, and {} imports it", importer.path)));
        };
        let main = list.mains.iter().any(|main| main == module);
        check_required(list, module, &path, &importer)?;
        let tests = main.then_some(&imports.tests).into_iter().flatten();
        for import in imports.own.iter().chain(tests) {
            if seen.insert((*import).to_owned()) {
                queue.push_back(((*import).to_owned(), Importer { path: path.clone(), main }));
            }
        }
        if !main {
            packages.insert(path, module.to_owned());
        }
    }
    let needs = modules.needs();
    Ok(if needs.is_empty() { Ok(packages) } else { Err(needs) })
}

/// A module with pruning requires all that its packages need, any other what they import; so does a workspace, as far as its members
/// say. Go would have to write it down otherwise.
fn check_required(list: &BuildList, module: &str, path: &str, importer: &Importer) -> Result<(), GoError> {
    let Some(selected) = list.modules.get(module) else { return Ok(()) };
    let required = match (list.workspace, list.roots_first) {
        (true, _) => selected.read || !importer.main,
        (false, true) => selected.root,
        (false, false) => selected.root || !importer.main,
    };
    if required {
        return Ok(());
    }
    let reason = format!("{} imports {path} from {module}, which is not required", importer.path);
    Err(GoError::Untidy { file: "go.mod".to_owned(), reason })
}

/// The packages and tools of the main modules, each with who asks for it.
fn roots(project: &Project, standard: &StandardLibrary) -> Result<Vec<(String, Importer)>, GoError> {
    let inputs = Inputs::read(project, standard.version())?;
    let mut roots = Vec::new();
    for (module, main) in project.mains.iter().zip(&inputs.mains) {
        let path = &main.file.module;
        for dir in module.facts.go_folders() {
            if is_passed_over(dir) || is_ignored(dir, &main.file.ignore) {
                continue;
            }
            let folder = module.facts.folder(dir).ok().flatten().unwrap_or_default();
            if imports(&folder).is_some() {
                let package = if dir.is_empty() { path.clone() } else { format!("{path}/{dir}") };
                roots.push((package, Importer { path: path.clone(), main: false }));
            }
        }
        let tools = main.file.tool.iter();
        roots.extend(tools.map(|tool| (tool.clone(), Importer { path: path.clone(), main: false })));
    }
    Ok(roots)
}

/// What a folder's files import; nothing if no system takes any of them.
fn imports<'a>(folder: &Folder<&'a str>) -> Option<Imports<'a>> {
    let mut found = Imports { own: BTreeSet::new(), tests: BTreeSet::new() };
    let mut any = false;
    for file in folder.files.iter().filter(|file| file.constraint.may_hold()) {
        let (of, places) = match &file.kind {
            Kind::Go(go) => (&mut found.own, &go.imports),
            Kind::Test { imports, .. } => (&mut found.tests, imports),
            Kind::Unreadable { .. } | Kind::Other => continue,
        };
        any = true;
        let paths = places.iter().filter_map(|place| folder.imports.get(*place as usize).copied());
        of.extend(paths.filter(|path| !is_of_app_engine(path)));
    }
    any.then_some(found)
}

/// Packages that old code imports and no module has, which cmd/go passes over.
fn is_of_app_engine(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    matches!(first, "appengine" | "appengine_internal")
}
