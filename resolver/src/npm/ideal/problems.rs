//! Edges that have no good answer, and how an attempt ends.

use indexmap::IndexSet;

use super::{Builder, Stop};
use crate::npm::error::NpmError;
use crate::npm::flags;
use crate::npm::manifest::EdgeKind;
use crate::npm::tree::{EdgeId, NodeId};

impl Builder<'_> {
    /// Nodes of a tree that was there before whose edges have no good answer.
    pub(super) fn queue_problems(&mut self) {
        let mut reached = IndexSet::from([self.root]);
        let mut next = 0;
        while let Some(node) = reached.get_index(next).copied() {
            next += 1;
            reached.extend(self.forest.edges_out(node).iter().filter_map(|edge| self.forest[*edge].to));
            let bad = |edge: &EdgeId| self.forest[*edge].to.is_none() || !self.forest.is_valid(*edge);
            if self.forest.edges_out(node).iter().any(bad) {
                self.queue.push(node);
            }
        }
    }

    /// The edges of a node that have to be answered anew.
    pub(super) fn problem_edges(&self, node: NodeId) -> Vec<EdgeId> {
        let own = self.forest.is_project_root(node) || self.forest.is_workspace(node);
        let bundled: &[String] = if own { &[] } else { &self.forest[node].package.bundled };
        let is_problem = |edge: &EdgeId| {
            let id = *edge;
            let edge = &self.forest[id];
            if bundled.iter().any(|name| **name == *edge.name) {
                return false;
            }
            let Some(to) = edge.to else { return edge.kind != EdgeKind::PeerOptional };
            !self.failures.contains(&to) && !self.forest.in_shrinkwrap(to) && !self.forest.is_valid(id)
        };
        self.forest.edges_out(node).into_iter().filter(is_problem).collect()
    }

    /// Flags, what cannot be had, and what is not for this platform.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        flags::calculate(&mut self.forest, self.root);
        if self.from_lock {
            for node in self.forest.all(self.root) {
                if self.forest[node].flags.extraneous && self.forest[node].root == self.root && node != self.root {
                    self.forest.detach(node);
                }
            }
        }
        for node in self.failures.clone() {
            if self.forest[node].root != self.root {
                continue;
            }
            if !self.forest[node].flags.optional {
                return Err(self.unavailable(node).into());
            }
            for node in self.forest.optional_set(node) {
                self.forest[node].inert = true;
            }
        }
        self.check_platform()
    }

    fn unavailable(&self, node: NodeId) -> NpmError {
        let edge = self.forest.edges_in(node).into_iter().find(|edge| !self.forest[*edge].kind.is_optional());
        let spec = edge.map_or_else(String::new, |edge| format!("@{}", self.forest.edge_spec(edge)));
        let from = edge.and_then(|edge| self.forest[edge].from).map(|from| self.label(from));
        NpmError::Unavailable {
            spec: format!("{}{spec}", self.forest[node].name),
            required_by: from.unwrap_or_else(|| "the project".to_owned()),
            reason: self.forest[node].error.clone().unwrap_or_default(),
        }
    }

    pub(super) fn label(&self, node: NodeId) -> String {
        crate::npm::explain::label(&self.forest, node)
    }

    fn check_platform(&mut self) -> Result<(), Stop> {
        for node in self.forest.all(self.root) {
            if self.forest[node].link.is_some() {
                continue;
            }
            let package = self.forest[node].package.clone();
            let fits = self.answers.fits_platform(&package.fields);
            let optional = self.forest[node].flags.optional;
            if !optional && !fits {
                let wanted = ["os", "cpu", "libc"]
                    .iter()
                    .filter_map(|field| package.fields.get(*field).map(|wanted| format!("{field} {wanted}")));
                let wanted = wanted.collect::<Vec<_>>().join(", ");
                return Err(NpmError::Platform { package: self.label(node), wanted }.into());
            }
            if optional && !self.forest[node].inert && !(fits && self.answers.suits_engine(&package)) {
                for node in self.forest.optional_set(node) {
                    self.forest[node].inert = true;
                }
            }
        }
        Ok(())
    }
}
