//! npm releases: specs, packuments, version choice, npm's ideal tree, and lockfiles.

pub mod catalog;
mod collate;
mod error;
mod explain;
mod flags;
mod graph;
mod ideal;
mod json;
pub mod local;
mod lock_write;
pub mod lockfiles;
mod manifest;
pub mod packument;
mod pick;
pub mod platform;
mod prefetch;
mod semver;
mod spec;
pub mod tags;
pub mod tarball;
mod tree;
mod workspaces;

use std::collections::BTreeMap;

use self::catalog::{Known, Project, Step, Target};
pub use self::error::NpmError;
use self::ideal::{Answers, Builder, Stop};
use crate::error::ResolveError;
use crate::plan::npm::Judge;

/// The version of npm whose rules these are.
pub const NPM: &str = "11.19.1";

/// Resolves a project as far as `known` allows.
///
/// # Errors
/// When it cannot be resolved, however much is known: npm would refuse it too, or the rules here do not cover it
/// ([`NpmError::NotCovered`]).
pub fn step(project: &Project, target: &Target, known: &Known) -> Result<Step, ResolveError> {
    let answers = Answers::new(known, target, NPM);
    let needs = prefetch::needs(project, &answers);
    if !needs.is_empty() {
        return Ok(Step::Need(needs));
    }
    match resolve(project, target, known, &answers) {
        Ok(step) => Ok(step),
        Err(Stop::Need(needs)) => Ok(Step::Need(needs)),
        Err(Stop::Failed(error)) => Err(error.into()),
    }
}

fn resolve(project: &Project, target: &Target, known: &Known, answers: &Answers<'_>) -> Result<Step, Stop> {
    let mut builder = Builder::new(project, answers)?;
    builder.build()?;
    let (forest, root) = (&builder.forest, builder.root);
    let mut needs = Vec::new();
    let mut whole = BTreeMap::new();
    for node in lock_write::entries(forest, root) {
        let package = &forest[node].package;
        if forest[node].link.is_some() || forest[node].resolved.is_none() || package.is_locked {
            continue;
        }
        match answers.whole(&package.name, &package.version) {
            Ok(Some(manifest)) => {
                whole.insert(node, manifest);
            }
            Ok(None) => {}
            Err(need) => needs.push(need),
        }
    }
    if !needs.is_empty() {
        needs.sort();
        needs.dedup();
        return Ok(Step::Need(needs));
    }
    let lock = lock_write::lock(forest, root, &whole, &project.manifest);
    let tree = graph::Tree { project, target, known, forest, root, whole: &whole };
    let graph = tree.graph(Judge::Rules { npm: NPM.to_owned() }, lock);
    Ok(Step::Done(Box::new(graph)))
}
