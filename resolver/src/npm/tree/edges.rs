//! Edges: who needs what, and by whom it is answered.

use std::cell::Cell;

use super::{Edge, EdgeId, Forest, Name, NodeId, State, key};
use crate::npm::manifest::EdgeKind;

impl Forest {
    /// Makes an edge; one of that name that was there is gone.
    pub(in crate::npm) fn add_edge(
        &mut self,
        from: NodeId,
        name: &str,
        raw: &str,
        kind: EdgeKind,
        accept: Option<String>,
    ) -> EdgeId {
        let key = key(name);
        if let Some(old) = self[from].edges_out.get(&key).copied() {
            self.detach_edge(old);
        }
        let id = EdgeId(u32::try_from(self.edges.len()).unwrap_or(u32::MAX));
        self.edges.push(Edge {
            name: name.into(),
            raw: raw.into(),
            accept,
            kind,
            from: Some(from),
            to: None,
            overrides: None,
            peer_conflicted: false,
            state: Cell::new(State::Unknown),
        });
        if let Some(overrides) = self[from].overrides {
            self[id].overrides = Some(self.edge_rule(overrides, id));
        }
        self[from].edges_out.insert(key, id);
        self.reload(id, true);
        id
    }

    fn detach_edge(&mut self, id: EdgeId) {
        if let Some(to) = self[id].to.take() {
            self.delete_edge_in(to, id);
        }
        if let Some(from) = self[id].from.take() {
            let key = key(&self[id].name);
            self[from].edges_out.shift_remove(&key);
        }
        self[id].state.set(State::Detached);
    }

    /// Looks again who answers an edge; `hard` forgets what was known of its validity even if that is the same one.
    pub(super) fn reload(&mut self, id: EdgeId, hard: bool) {
        let Some(from) = self[id].from else { return };
        let mut changed = None;
        match self[from].overrides {
            Some(overrides) => {
                let rule = self.edge_rule(overrides, id);
                if self[id].overrides.is_none_or(|current| !self.same_rule(rule, current)) {
                    changed = Some((self[id].overrides, rule));
                    self[id].overrides = Some(rule);
                }
            }
            None => self[id].overrides = None,
        }
        let to = self.resolve(from, &key(&self[id].name));
        let old = self[id].to;
        if to != old {
            if let Some(old) = old {
                self.delete_edge_in(old, id);
            }
            self[id].to = to;
            self[id].state.set(State::Unknown);
            if let Some(to) = to {
                self.add_edge_in(to, id);
            }
        } else if hard {
            self[id].state.set(State::Unknown);
        } else if let (Some((before, after)), Some(to)) = (changed, to) {
            self.override_removed(to, before);
            self.override_added(to, Some(after));
        }
    }

    fn delete_edge_in(&mut self, to: NodeId, edge: EdgeId) {
        self[to].edges_in.shift_remove(&edge);
        if let Some(overrides) = self[edge].overrides {
            self.override_removed(to, Some(overrides));
        }
    }

    fn add_edge_in(&mut self, to: NodeId, edge: EdgeId) {
        let rule = self[edge].overrides;
        let differs = match (self[to].overrides, rule) {
            (Some(one), Some(other)) => !self.same_rule(one, other),
            _ => true,
        };
        if differs {
            self.override_added(to, rule);
        }
        self[to].edges_in.insert(edge);
    }

    /// What an edge asks for: the project's override where there is one, else what the manifest says.
    pub(in crate::npm) fn edge_spec(&self, id: EdgeId) -> Name {
        let edge = &self[id];
        let Some(rule) = edge.overrides.map(|rule| self.rule(rule)) else { return edge.raw.clone() };
        let value = rule.value.as_deref().filter(|value| !value.is_empty() && *value != "*");
        let Some(value) = value.filter(|_| rule.name.as_deref() == Some(&*edge.name)) else { return edge.raw.clone() };
        let Some(reference) = value.strip_prefix('$') else { return value.into() };
        let Some(from) = edge.from else { return edge.raw.clone() };
        let root = self[self[from].source.unwrap_or(from)].root;
        let found = self[root].package.referred(reference).or_else(|| self[from].package.referred(reference));
        found.map_or_else(|| value.into(), Name::from)
    }

    /// A reference of an override to something that nobody has (`$name`).
    pub(in crate::npm) fn dangling_reference(&self, id: EdgeId) -> Option<String> {
        let spec = self.edge_spec(id);
        (spec.starts_with('$') && self[id].raw != spec).then(|| spec.to_string())
    }

    /// Whether the edge is answered well enough.
    pub(in crate::npm) fn is_valid(&self, id: EdgeId) -> bool {
        self.state(id) == State::Valid
    }

    fn state(&self, id: EdgeId) -> State {
        let edge = &self[id];
        if edge.state.get() != State::Unknown {
            return edge.state.get();
        }
        let Some(from) = edge.from else { return State::Detached };
        let state = match edge.to {
            // Not remembered: an optional edge without answer is fine, but has not been judged.
            None if edge.kind.is_optional() => return State::Valid,
            None => State::Missing,
            Some(to) if edge.kind.is_peer() && self[to].parent == Some(from) && !self.is_top(from) => State::PeerLocal,
            Some(to) if !self.satisfied_by(id, to) => State::Invalid,
            Some(to) if self.rules_clash(id, to) => State::Invalid,
            Some(_) => State::Valid,
        };
        edge.state.set(state);
        state
    }

    fn rules_clash(&self, id: EdgeId, to: NodeId) -> bool {
        let (Some(mine), Some(theirs)) = (self[id].overrides, self[to].overrides) else { return false };
        !self[to].edges_out.is_empty() && self.conflict(mine, theirs)
    }
}
