//! Questions about groups of nodes: what can go together, what can take whose place, what is left over.

use std::cmp::Ordering;

use indexmap::{IndexMap, IndexSet};

use super::{EdgeId, Forest, NodeId, key};
use crate::npm::manifest::EdgeKind;

impl Forest {
    /// All that is reached from `set` over edges of the kind asked for, less what somebody outside needs too.
    pub(in crate::npm) fn gather(
        &self,
        set: impl IntoIterator<Item = NodeId>,
        follows: impl Fn(&Self, EdgeId) -> bool,
    ) -> IndexSet<NodeId> {
        let mut deps: IndexSet<NodeId> = set.into_iter().collect();
        let mut next = 0;
        while let Some(id) = deps.get_index(next).copied() {
            next += 1;
            for edge in self[id].edges_out.values() {
                if let Some(to) = self[*edge].to
                    && follows(self, *edge)
                {
                    deps.insert(to);
                }
            }
        }
        loop {
            let before = deps.len();
            for id in deps.iter().copied().collect::<Vec<_>>() {
                let needed = self[id]
                    .edges_in
                    .iter()
                    .any(|edge| self[*edge].from.is_some_and(|from| !deps.contains(&from)) && follows(self, *edge));
                if needed {
                    deps.shift_remove(&id);
                }
            }
            if deps.len() == before || deps.is_empty() {
                return deps;
            }
        }
    }

    /// Whether `new` would do for everyone who is content with `old` now. `peers`: names that are replaced with it.
    pub(in crate::npm) fn can_replace(&self, new: NodeId, old: NodeId, peers: &[&str]) -> bool {
        if self[new].name != self[old].name || self.package_name(new) != self.package_name(old) {
            return false;
        }
        if !self[old].edges_out.is_empty() {
            let same = match (self[new].overrides, self[old].overrides) {
                (Some(new), Some(old)) => self.same_rules(Some(new), Some(old)),
                (None, None) => true,
                _ => false,
            };
            if !same {
                return false;
            }
        }
        let own = self.gather([old], |forest, edge| forest[edge].to != Some(old) && forest.is_valid(edge));
        self[old].edges_in.iter().all(|edge| {
            let Some(from) = self[*edge].from else { return true };
            let replaced_too = !self.is_top(old)
                && self[from].parent == self[old].parent
                && self[*edge].kind.is_peer()
                && peers.contains(&&*self[from].name);
            replaced_too || own.contains(&from) || self.satisfied_by(*edge, new)
        })
    }

    fn package_name(&self, id: NodeId) -> &str {
        &self[self.target(id)].package.name
    }

    /// Whether a node may go, as what stands further up does as well.
    pub(in crate::npm) fn can_dedupe(&self, node: NodeId, prefer: bool) -> bool {
        if self.in_dep_bundle(node) || self.in_shrinkwrap(node) {
            return false;
        }
        let Some(above) = self.resolve_parent(node).and_then(|parent| self.resolve_parent(parent)) else {
            return false;
        };
        if self[node].edges_in.is_empty() {
            return true;
        }
        let Some(other) = self.resolve(above, &self[node].key) else { return false };
        if self.matches(other, node) {
            return true;
        }
        if !self.can_replace(other, node, &[]) {
            return false;
        }
        let versions = |id: NodeId| self[self.target(id)].package.semver.clone();
        let order = versions(other).zip(versions(node)).map(|(other, node)| other.compare(&node));
        prefer || order == Some(Ordering::Equal) || (!self.overridden(node) && order == Some(Ordering::Greater))
    }

    /// Whether the project's overrides chose its version.
    fn overridden(&self, node: NodeId) -> bool {
        let is_own = |rule: super::OverrideId| {
            let rule = self.rule(rule);
            rule.name.as_deref() == Some(&*self[node].name) && rule.value.is_some()
        };
        self[node].overrides.is_some_and(is_own)
            && self[node].edges_in.iter().any(|edge| {
                let Some(rule) = self[*edge].overrides else { return false };
                let chosen = self.rule(rule);
                chosen.name.as_deref() == Some(&*self[node].name)
                    && chosen.value.as_deref() == Some(self.version(node))
                    && !self.same_rules(Some(rule), self[*edge].from.and_then(|from| self[from].overrides))
            })
    }

    /// The peer sets that a node is part of, by the edge through which each came in.
    pub(in crate::npm) fn peer_entry_sets(&self, node: NodeId) -> IndexMap<EdgeId, IndexSet<NodeId>> {
        let peers_of = |id: NodeId| {
            self[id].edges_out.values().filter(|edge| self[**edge].kind.is_peer() && self.is_valid(**edge))
        };
        let mut union: IndexSet<NodeId> = IndexSet::from([node]);
        let mut next = 0;
        while let Some(id) = union.get_index(next).copied() {
            next += 1;
            union.extend(peers_of(id).filter_map(|edge| self[*edge].to));
            let incoming = self[id].edges_in.iter().filter(|edge| self[**edge].kind.is_peer() && self.is_valid(**edge));
            union.extend(incoming.filter_map(|edge| self[*edge].from));
        }
        let mut sets = IndexMap::new();
        for peer in union {
            for edge in &self[peer].edges_in {
                let Some(from) = self[*edge].from else { continue };
                if !self.is_valid(*edge) || (self[*edge].kind.is_peer() && !self.is_top(from)) {
                    continue;
                }
                let mut set: IndexSet<NodeId> = IndexSet::from([peer]);
                let mut next = 0;
                while let Some(id) = set.get_index(next).copied() {
                    next += 1;
                    set.extend(peers_of(id).filter_map(|edge| self[*edge].to));
                }
                if set.contains(&node) {
                    sets.insert(*edge, set);
                }
            }
        }
        sets
    }

    /// The deepest place from which `name` could be found by a node: its own `node_modules`, except for peers.
    pub(in crate::npm) fn deepest_target(&self, start: NodeId, name: &str) -> NodeId {
        let key = key(name);
        for target in self.ancestry(start) {
            if self.is_project_root(target) || self.resolve_parent(target).is_none() {
                return target;
            }
            let edge = self[target].edges_out.get(&key);
            if edge.is_none_or(|edge| !self[*edge].kind.is_peer()) {
                return target;
            }
        }
        start
    }

    /// All that goes when one optional package cannot be had.
    pub(in crate::npm) fn optional_set(&self, node: NodeId) -> IndexSet<NodeId> {
        let mut set: IndexSet<NodeId> = IndexSet::from([node]);
        let mut next = 0;
        while let Some(id) = set.get_index(next).copied() {
            next += 1;
            for edge in &self[id].edges_in {
                if !self[*edge].kind.is_optional()
                    && let Some(from) = self[*edge].from
                {
                    set.insert(from);
                }
            }
        }
        let first = set.clone();
        self.gather(set, |forest, edge| {
            let edge = &forest[edge];
            edge.to.is_none_or(|to| !first.contains(&to)) && edge.from.is_none_or(|from| !forest[from].inert)
        })
    }

    /// Whether an edge is the project's own word for a member of its workspace.
    pub(in crate::npm) fn is_workspace_edge(&self, id: EdgeId) -> bool {
        self[id].kind == EdgeKind::Workspace
    }
}
