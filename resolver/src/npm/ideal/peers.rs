//! Peer sets: a package and what must stand beside it, tried out together before any of it is placed.

use std::collections::HashSet;

use super::{Builder, DEEPEST, Stop};
use crate::npm::collate;
use crate::npm::error::NpmError;
use crate::npm::manifest::EdgeKind;
use crate::npm::tree::{EdgeId, NewNode, NodeId};

impl Builder<'_> {
    /// A tree with the same needs as a node, in which candidates for them are tried out.
    pub(super) fn virtual_root(&mut self, node: NodeId, reuse: bool) -> NodeId {
        if reuse && let Some(known) = self.virtual_roots.get(&node) {
            return *known;
        }
        let root = self.forest.add(NewNode {
            name: self.forest[node].name.to_string(),
            path: Some(self.forest.realpath(node)),
            source: Some(node),
            overrides: self.forest[node].overrides,
            ..NewNode::default()
        });
        for child in self.forest[node].children.values().copied().collect::<Vec<_>>() {
            let Some(link) = self.forest[child].link.clone() else { continue };
            let Some(target) = link.target else { continue };
            if link.realpath.is_empty() {
                continue;
            }
            let name = link.realpath.rsplit('/').next().unwrap_or_default().to_owned();
            self.forest.add(NewNode {
                name,
                path: Some(link.realpath),
                source: Some(target),
                root: Some(root),
                ..NewNode::default()
            });
        }
        self.virtual_roots.insert(node, root);
        root
    }

    /// The node that answers an edge, in a virtual tree, with all of its peers. `second` is another edge of the same name that
    /// should be answered as well, if one version can do both.
    pub(super) fn node_from_edge(
        &mut self,
        edge: EdgeId,
        parent: Option<NodeId>,
        second: Option<EdgeId>,
        required: &mut HashSet<NodeId>,
    ) -> Result<NodeId, Stop> {
        let from = self.from(edge);
        let parent = match parent {
            Some(parent) => parent,
            None => self.virtual_root(from, false),
        };
        let first = self.node_from_spec(edge, edge, parent)?;
        let other = match second.filter(|second| !self.forest.is_valid(*second)) {
            Some(second) => Some(self.node_from_spec(edge, second, parent)?),
            None => None,
        };
        let node = other.filter(|_| self.forest.is_valid(edge)).unwrap_or(first);
        self.forest.set_parent(node, parent);
        let asks = |builder: &Self, edge: EdgeId| builder.forest[edge].kind != EdgeKind::PeerOptional;
        let is_required = |builder: &Self, edge: EdgeId, required: &HashSet<NodeId>| {
            required.contains(&builder.from(edge)) && asks(builder, edge)
        };
        if is_required(self, edge, required) || second.is_some_and(|second| is_required(self, second, required)) {
            required.insert(node);
        }
        if let Some(source) = self.forest[parent].source {
            self.peer_set_source.insert(node, source);
        }
        self.peer_depth += 1;
        if self.peer_depth > DEEPEST {
            return Err(NpmError::Endless { package: self.label(node) }.into());
        }
        self.load_peer_set(node, required)?;
        self.peer_depth -= 1;
        Ok(node)
    }

    fn from(&self, edge: EdgeId) -> NodeId {
        self.forest[edge].from.unwrap_or(self.root)
    }

    /// Brings the peers of a node, and theirs, into its virtual tree.
    fn load_peer_set(&mut self, node: NodeId, required: &mut HashSet<NodeId>) -> Result<(), Stop> {
        let mut edges: Vec<EdgeId> = self
            .forest
            .edges_out(node)
            .into_iter()
            .filter(|edge| self.forest[*edge].kind.is_peer() && !self.is_answered(*edge))
            .collect();
        edges.sort_by(|one, other| collate::compare(&self.forest[*one].name, &self.forest[*other].name));
        for edge in edges {
            let Some(parent) = self.forest[node].parent else { break };
            if self.is_answered(edge) {
                continue;
            }
            let name = self.forest[edge].name.clone();
            let parent_edge = self.forest.edge_out(parent, &name);
            let source = self.forest[parent].source.unwrap_or(parent);
            let is_mine = self.forest.is_project_root(source) || self.forest.is_workspace(source);
            if self.forest[edge].to.is_none() {
                let Some(parent_edge) = parent_edge else {
                    self.node_from_edge(edge, Some(parent), None, required)?;
                    continue;
                };
                let dep = self.node_from_edge(parent_edge, Some(parent), Some(edge), required)?;
                if self.forest.is_valid(edge) {
                    continue;
                }
                if !is_mine || !required.contains(&dep) {
                    self.forest[edge].peer_conflicted = true;
                    continue;
                }
                if self.forest[node].parent.is_none() {
                    break;
                }
                return Err(self.peer_conflict(edge, Some(parent_edge)));
            }
            let Some(current) = self.forest[edge].to else { continue };
            let dep = self.node_from_edge(edge, None, None, required)?;
            if self.forest.can_replace(dep, current, &[]) {
                self.node_from_edge(edge, Some(parent), None, required)?;
                continue;
            }
            if !is_mine || !required.contains(&self.from(edge)) {
                continue;
            }
            return Err(self.peer_conflict(edge, parent_edge));
        }
        Ok(())
    }

    fn is_answered(&self, edge: EdgeId) -> bool {
        self.forest[edge].to.is_some() && self.forest.is_valid(edge)
    }

    fn peer_conflict(&self, edge: EdgeId, current: Option<EdgeId>) -> Stop {
        let explanation = crate::npm::explain::peer_conflict(&self.forest, edge, current);
        Stop::Failed(NpmError::Conflict { explanation })
    }
}
