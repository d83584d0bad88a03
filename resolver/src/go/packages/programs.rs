//! Which programs are built.

use std::collections::BTreeMap;

use super::error::PackageError;
use super::load::Loader;
use super::rules::{is_ignored, is_passed_over, program_name};
use crate::go::GoError;
use crate::go::catalog::Project;
use crate::go::constraint::Mask;
use crate::go::modfile::{GoMod, Reading};

/// Who imports the packages that are built, in messages.
const ASKED: &str = "the command line";

/// Wants the packages that were asked for, or all main packages of the main modules (`./...` of cmd/go), and gives their places.
pub(super) fn roots(project: &Project, loader: &mut Loader<'_>) -> Result<Vec<usize>, GoError> {
    let mut roots = Vec::new();
    if project.programs.is_empty() {
        let (mut unknown, mut any) = (false, 0);
        for path in candidates(project)? {
            // A folder of another main module that has the same path is an error, as it is to Go.
            let Some(node) = loader.find(&path, ASKED)? else {
                unknown = true;
                continue;
            };
            let main = loader.nodes.get(node).map_or(0, |node| node.selection.main());
            any |= main;
            if main != 0 {
                loader.want(node, main);
                roots.push(node);
            }
        }
        let without = loader.context.systems.all() & !any;
        if without != 0 && !unknown {
            loader.problems.push((without, none(project)));
        }
        return if roots.is_empty() && !unknown { Err(none(project)) } else { Ok(roots) };
    }
    for path in &project.programs {
        let Some(node) = loader.find(path, ASKED)? else { continue };
        let all = loader.context.systems.all();
        let main = loader.nodes.get(node).map_or(0, |node| node.selection.main());
        let there = loader.there(node);
        if there & !main != 0 {
            let error = PackageError::broken(path, "this is not a main package, so no program can be made of it");
            loader.problems.push((there & !main, error.into()));
        }
        loader.want(node, all);
        roots.push(node);
    }
    Ok(roots)
}

/// The import paths of the main modules' folders that `./...` looks into.
fn candidates(project: &Project) -> Result<Vec<String>, GoError> {
    let mut paths = Vec::new();
    for main in &project.mains {
        let read = GoMod::parse(&main.go_mod, Reading::Main);
        let file = read.map_err(|error| GoError::Syntax {
            file: format!("{}/go.mod", main.dir),
            line: error.line,
            reason: error.reason,
        })?;
        let dirs = main.facts.go_folders().filter(|dir| !is_passed_over(dir) && !is_ignored(dir, &file.ignore));
        paths.extend(dirs.map(|dir| match dir {
            "" => file.module.clone(),
            dir => format!("{}/{dir}", file.module),
        }));
    }
    Ok(paths)
}

/// There is no program at all.
pub(super) fn none(project: &Project) -> GoError {
    let modules = project.mains.iter().map(|main| main.dir.as_str()).collect::<Vec<_>>().join(", ");
    PackageError::NoProgram { modules }.into()
}

/// The programs' names and paths, of those that are there on one of the systems in `good`.
pub(super) fn named(loader: &Loader<'_>, roots: &[usize], good: Mask) -> Result<BTreeMap<String, String>, GoError> {
    let mut programs: BTreeMap<String, String> = BTreeMap::new();
    for node in roots.iter().filter_map(|root| loader.nodes.get(*root)) {
        if node.wanted & good == 0 {
            continue;
        }
        let name = program_name(&node.path).to_owned();
        if let Some(first) = programs.insert(name.clone(), node.path.clone()).filter(|first| *first != node.path) {
            return Err(PackageError::SameName { name, first, second: node.path.clone() }.into());
        }
    }
    Ok(programs)
}
