//! Minimal version selection, as `cmd/go/internal/modload` does it with `-mod=readonly`.
//!
//! The go.mod of a main module names its direct requirements (the roots). A module whose go line is at least 1.17 names all
//! that its packages need, so that only the go.mod files of the roots are read, and everything below those that are older
//! (pruning). Of each path the highest version that anything requires is selected. A graph whose roots are not what is selected
//! would have to be written into go.mod first: it is refused, as Go does.
//!
//! [`step`] is called again and again with more go.mod files until it needs no more. Each call begins anew: that is cheap, and
//! leaves no state that could go wrong.

mod build_list;
pub(super) mod inputs;
mod nodes;
pub(super) mod replacements;
mod roots;
mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::GoError;
use super::catalog::{Known, ModuleVersion, Need, Project};

pub use self::build_list::{BuildList, Place, Selected};
pub use self::inputs::folders;

/// Where the selection stands.
#[derive(Debug)]
pub enum GraphStep {
    /// Not before these are known: go.mod files, sorted.
    Need(Vec<Need>),
    /// Finished.
    Done(Box<BuildList>),
}

/// Selects the modules of a project by the rules of the Go of version `rules` (`1.27.3`).
///
/// # Errors
///
/// What Go refuses too: files that it does not read, go.mod files that it would have to change, content that go.sum does not
/// speak of or has otherwise, versions that do not exist, modules that need a newer Go.
pub fn step(project: &Project, known: &Known, rules: &str) -> Result<GraphStep, GoError> {
    let inputs = inputs::Inputs::read(project, rules)?;
    select::select(&inputs, known, rules)
}

/// The go.mod files that the selection of a project reads, as far as they are known; not those that are only listed in go.sum.
///
/// # Errors
///
/// As [`step`].
pub fn files(project: &Project, known: &Known, rules: &str) -> Result<Vec<ModuleVersion>, GoError> {
    let inputs = inputs::Inputs::read(project, rules)?;
    Ok(select::Selection::run(&inputs, known, rules)?.fetched_files())
}

/// Where a selection by the lines of the main module's go.mod alone stands.
#[derive(Debug)]
pub(super) enum RootsStep {
    /// Not before these are known: go.mod files, sorted.
    Need(Vec<Need>),
    /// These lines do not do: the whole graph decides.
    Whole,
    /// Finished: the list has nothing but what go.mod names.
    Done(Box<BuildList>),
}

/// Selects modules by the lines of the main module's go.mod alone. That is all that Go looks at where pruning lets it, as long as
/// each package is found there and the modules `used` (paths) require nothing higher of each other than what the lines say: an
/// untidy rest, and one that is not to be had, hinders nobody (`spotCheckRoots` of cmd/go).
///
/// # Errors
///
/// As [`step`].
pub(super) fn roots(
    project: &Project,
    known: &Known,
    rules: &str,
    used: &BTreeSet<&str>,
) -> Result<RootsStep, GoError> {
    let inputs = inputs::Inputs::read(project, rules)?;
    roots::roots(&inputs, known, rules, used)
}

/// The lines of `go mod graph`; nothing while go.mod files are missing.
///
/// # Errors
///
/// As [`step`].
pub fn lines(project: &Project, known: &Known, rules: &str) -> Result<Vec<String>, GoError> {
    let inputs = inputs::Inputs::read(project, rules)?;
    let selection = select::Selection::run(&inputs, known, rules)?;
    let mut lines = Vec::new();
    let skipped = selection.required_of_itself();
    selection.nodes.walk(&selection.roots, &skipped, |node, _| {
        let own = selection.nodes.label(node);
        let required = selection.nodes.required(node).iter().filter(|required| !skipped.contains(required));
        lines.extend(required.map(|required| format!("{own} {}", selection.nodes.label(*required))));
    });
    Ok(lines)
}
