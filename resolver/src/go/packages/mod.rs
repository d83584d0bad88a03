//! The packages that programs are compiled from: for each system which, and of which files.
//!
//! All systems are looked at together: what a constraint, an import or a package is true for is a set of systems.

mod cycles;
pub(super) mod error;
mod form;
mod load;
pub(super) mod modules;
mod programs;
pub(super) mod rules;
mod selection;

use std::collections::{BTreeMap, BTreeSet};

pub use self::error::PackageError;
use self::form::Parts;
use self::load::{Loader, Node};
use self::modules::Modules;
use self::selection::Context;
use super::GoError;
use super::catalog::{Known, Need, Project, Target};
use super::constraint::{Mask, Systems};
use super::graph::BuildList;
use crate::plan::go::Package;

/// Where looking for packages stands.
#[derive(Debug)]
pub enum PackageStep {
    /// Not before these zips are known.
    Need(Vec<Need>),
    /// Finished.
    Done(Box<PackageGraph>),
}

/// What programs are compiled from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageGraph {
    /// What is built: the program's name, and its package's import path.
    pub programs: BTreeMap<String, String>,
    /// Every package outside of the standard library, with one entry for each form that it has on some of the systems.
    pub packages: BTreeMap<String, Vec<Package>>,
    /// The packages of the standard library, by system.
    pub standard: BTreeMap<String, BTreeSet<String>>,
    /// The modules that were looked into: those with a package, and those that could have had one by its path.
    pub searched: BTreeSet<String>,
    /// The systems for which nothing can be built, and why not: another package may be missing there, or have no files.
    pub refused: BTreeMap<String, GoError>,
}

/// Looks for the packages of a project's programs in its build list.
///
/// # Errors
///
/// What Go refuses on all of the systems; what it refuses on some is in [`PackageGraph::refused`].
pub fn step(project: &Project, list: &BuildList, target: &Target, known: &Known) -> Result<PackageStep, GoError> {
    let modules = Modules::new(project, list, &target.standard, known);
    let mut loader = Loader::new(modules, context(target)?, &target.systems);
    let roots = programs::roots(project, &mut loader)?;
    loader.follow();
    let needs = loader.modules.needs();
    if !needs.is_empty() {
        return Ok(PackageStep::Need(needs));
    }
    loader.check_all();
    let all = loader.context.systems.all();
    let refused = refused(&loader, target);
    let good = all & !refused.iter().fold(0, |mask, (index, _)| mask | 1 << index);
    if good == 0 {
        let first = refused.into_iter().next().map(|(_, error)| error);
        return Err(first.unwrap_or_else(|| programs::none(project)));
    }
    list.check_paths()?;
    let mut graph = PackageGraph {
        programs: programs::named(&loader, &roots, good)?,
        searched: loader.modules.searched(),
        ..PackageGraph::default()
    };
    for (index, error) in refused {
        if let Some(system) = target.systems.get(index) {
            graph.refused.insert(system.system.clone(), error);
        }
    }
    for node in &loader.nodes {
        let wanted = node.wanted & good;
        if wanted == 0 {
            continue;
        }
        if node.module.is_some() {
            graph.packages.insert(node.path.clone(), forms(&loader, node, wanted, target));
            continue;
        }
        for system in names(wanted, target) {
            graph.standard.entry(system).or_default().insert(node.path.clone());
        }
    }
    Ok(PackageStep::Done(Box::new(graph)))
}

/// All packages of the standard library, in the forms that they have on the target's systems.
///
/// # Errors
///
/// What Go refuses, which is nothing in a toolchain that works.
pub fn standard(target: &Target) -> Result<BTreeMap<String, Vec<Package>>, GoError> {
    let (project, list, known) = (Project::default(), BuildList::default(), Known::default());
    let modules = Modules::new(&project, &list, &target.standard, &known);
    let mut loader = Loader::new(modules, context(target)?, &target.systems);
    // Those of its own `vendor` folder are part of it; `builtin` is documentation.
    let left_out = |path: &str| rules::is_hidden(path) || path == "builtin" || (path == "runtime/cgo" && !target.cgo);
    for path in target.standard.packages().filter(|path| !left_out(path)) {
        let node = loader.standard(path)?;
        let there = loader.there(node);
        loader.want(node, there);
    }
    loader.follow();
    loader.check_all();
    if let Some((_, error)) = loader.problems.first() {
        return Err(error.clone());
    }
    let nodes = loader.nodes.iter().filter(|node| node.wanted != 0);
    Ok(nodes.map(|node| (node.path.clone(), forms(&loader, node, node.wanted, target))).collect())
}

fn context(target: &Target) -> Result<Context, GoError> {
    let standard = &target.standard;
    let systems: Vec<_> = target
        .systems
        .iter()
        .map(|system| (system.os.as_str(), system.arch.as_str(), standard.tool_tags(&system.os, &system.arch)))
        .collect();
    let systems = Systems::new(&systems, target.cgo, &target.tags, standard.minor())?;
    Ok(Context { systems, cgo: target.cgo })
}

/// What is wrong first, for each system on which something is.
fn refused(loader: &Loader<'_>, target: &Target) -> Vec<(usize, GoError)> {
    let first = |index: usize| loader.problems.iter().find(|(mask, _)| mask & (1 << index) != 0);
    (0..target.systems.len()).filter_map(|index| Some((index, first(index)?.1.clone()))).collect()
}

fn names(mask: Mask, target: &Target) -> impl Iterator<Item = String> {
    let systems = target.systems.iter().enumerate().filter(move |(index, _)| mask & (1 << index) != 0);
    systems.map(|(_, system)| system.system.clone())
}

fn forms(loader: &Loader<'_>, node: &Node<'_>, wanted: Mask, target: &Target) -> Vec<Package> {
    let others = node.imports.iter().filter_map(|(other, mask)| Some((loader.nodes.get(*other)?, *mask)));
    let outside = others.filter(|(other, _)| other.module.is_some() || node.module.is_none());
    let mut imports: Vec<(&str, Mask)> = outside.map(|(other, mask)| (other.path.as_str(), mask)).collect();
    imports.sort_unstable();
    let parts = Parts {
        folder: &node.folder,
        selection: &node.selection,
        context: &loader.context,
        module: node.module.unwrap_or_default(),
        dir: &node.dir,
        imports,
    };
    let forms = parts.forms(wanted).into_iter();
    forms.map(|(mask, package)| Package { on: names(mask, target).collect(), ..package }).collect()
}
