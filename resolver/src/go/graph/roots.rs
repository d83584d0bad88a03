//! Selecting by the lines of the main module's go.mod alone.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::RootsStep;
use super::build_list::BuildList;
use super::inputs::Inputs;
use super::nodes::NodeId;
use super::select::Selection;
use crate::go::GoError;
use crate::go::catalog::Known;
use crate::go::version::{self, gover};

/// Selects what the lines of the main module's go.mod say, if that is what they say of the modules `used` too.
pub(super) fn roots<'a>(
    inputs: &'a Inputs<'a>,
    known: &'a Known,
    rules: &'a str,
    used: &BTreeSet<&str>,
) -> Result<RootsStep, GoError> {
    if inputs.single().is_none() || !gover::prunes(Some(inputs.go())) {
        return Ok(RootsStep::Whole);
    }
    let mut selection = Selection::new(inputs, known, rules);
    selection.begin_module()?;
    selection.check_roots()?;
    let agree = selection.agree(used)?;
    if !selection.needs.is_empty() {
        return Ok(RootsStep::Need(selection.needs.into_iter().collect()));
    }
    if !agree {
        return Ok(RootsStep::Whole);
    }
    BuildList::new(&selection).map(|list| RootsStep::Done(Box::new(list)))
}

impl<'a> Selection<'a> {
    /// Whether the go.mod files of the modules `used`, as far as they are known, require nothing higher than the roots.
    fn agree(&mut self, used: &BTreeSet<&str>) -> Result<bool, GoError> {
        let roots: Vec<NodeId> = self.nodes.selected().collect();
        let versions: HashMap<&str, Cow<'a, str>> =
            roots.iter().map(|root| (self.nodes.name(*root), self.nodes.get(*root).version.clone())).collect();
        let of_used = |root: &NodeId| used.contains(self.nodes.name(*root)) && self.nodes.get(*root).module.is_some();
        let of_used: Vec<NodeId> = roots.iter().copied().filter(of_used).collect();
        let mut agree = true;
        for root in of_used {
            let Some((required, _)) = self.requirements(root)? else { continue };
            agree &= required.iter().all(|node| {
                let (path, version) = (self.nodes.name(*node), &self.nodes.get(*node).version);
                let at_root = versions.get(path).filter(|at_root| !at_root.is_empty());
                at_root.is_none_or(|at_root| version::compare(path, at_root, version).is_ge())
            });
        }
        Ok(agree)
    }
}
