//! Moving nodes: into somebody's `node_modules`, into another tree, out of every tree. Every move lets the edges that it
//! may concern look again.

use super::{Forest, Link, Name, NodeId};
use crate::npm::spec::join;

impl Forest {
    /// Puts a node into `parent`'s `node_modules`; one of that name that stands there is pushed out.
    pub(in crate::npm) fn set_parent(&mut self, id: NodeId, parent: NodeId) {
        let parent = self.target(parent);
        if id == parent || self[id].parent == Some(parent) {
            return;
        }
        self.leave_parents(id);
        let root = self[parent].root;
        self.settle(id, root, Some(parent), None);
    }

    /// Puts a node that stands in nobody's `node_modules` into a tree, at its own path.
    pub(in crate::npm) fn enter(&mut self, id: NodeId, root: NodeId) {
        let root = self[root].root;
        if root == id {
            return;
        }
        let path = self.path(id);
        let around = self.folder_around(root, &path, id);
        self.leave_parents(id);
        if let Some(current) = self.at_path(root, &path, id) {
            self.detach(current);
        }
        self[id].path = Some(path);
        self.settle(id, root, None, around);
    }

    /// Takes a node, with all that stands in it, out of its tree.
    pub(in crate::npm) fn detach(&mut self, id: NodeId) {
        let path = self.path(id);
        self.delist(id);
        self.leave_parents(id);
        self[id].path = Some(path);
        self.unlink(id);
        self[id].root = id;
        self.list(id);
        self.reload_around(id);
        self.bring_family(id);
    }

    /// Puts a node where another one stands, with all that stands in that one.
    pub(in crate::npm) fn replace(&mut self, id: NodeId, old: NodeId) {
        self.delist(id);
        self[id].path = Some(self.path(old));
        self.list(id);
        if self[id].link.is_none() {
            for kid in self[old].children.values().copied().collect::<Vec<_>>() {
                self.set_parent(kid, id);
            }
        }
        let (parent, root) = (self[old].parent, self[old].root);
        match parent {
            Some(parent) => self.set_parent(id, parent),
            None => self.enter(id, root),
        }
    }

    fn leave_parents(&mut self, id: NodeId) {
        if let Some(parent) = self[id].parent.take() {
            let key = self[id].key.clone();
            if self[parent].children.get(&key) == Some(&id) {
                self[parent].children.shift_remove(&key);
            }
        }
        if let Some(parent) = self[id].fs_parent.take() {
            self[parent].fs_children.retain(|child| *child != id);
        }
    }

    /// The common end of every move into a tree.
    fn settle(&mut self, id: NodeId, root: NodeId, parent: Option<NodeId>, around: Option<NodeId>) {
        self.delist(id);
        let target = self.unlink(id);
        let (name, key) = (self[id].name.clone(), self[id].key.clone());
        if let Some(parent) = parent
            && let Some(current) = self[parent].children.get(&key).copied()
            && current != id
        {
            self.detach(current);
        }
        self[id].root = root;
        self[id].parent = parent;
        self.list(id);
        if let Some(parent) = parent {
            self[parent].children.shift_remove(&key);
            self[parent].children.insert(key, id);
            if self[id].link.is_none() {
                self.reload_named(parent, &name);
            }
        } else if let Some(around) = around {
            self[id].fs_parent = Some(around);
            self[around].fs_children.push(id);
        }
        self.meet_links(id, root);
        self.reload_around(id);
        self.bring_family(id);
        if let Some(target) = target
            && self[id].link.as_ref().is_some_and(|link| link.target.is_none())
        {
            self.enter(target, root);
        }
    }

    /// Links of the tree that lead here find their target, and a link finds what it leads to.
    fn meet_links(&mut self, id: NodeId, root: NodeId) {
        if let Some(link) = &self[id].link {
            let realpath = link.realpath.clone();
            let target = self.at_path(root, &realpath, id).filter(|target| self[*target].link.is_none());
            if let Some(target) = target {
                self.link(id, target);
                if let Some(parent) = self[id].parent {
                    let name = self[id].name.clone();
                    self.reload_named(parent, &name);
                }
            }
            return;
        }
        if self[root].links.is_empty() {
            return;
        }
        let path = self.path(id);
        for link in self[root].links.iter().copied().collect::<Vec<_>>() {
            if self[link].link.as_ref().is_some_and(|link| link.realpath == path) {
                self.link(link, id);
                if let Some(parent) = self[link].parent {
                    let name = self[link].name.clone();
                    self.reload_named(parent, &name);
                }
            }
        }
    }

    fn link(&mut self, link: NodeId, target: NodeId) {
        self[link].package = self[target].package.clone();
        if let Some(Link { target: old, .. }) = &mut self[link].link {
            *old = Some(target);
        }
        if !self[target].links_in.contains(&link) {
            self[target].links_in.push(link);
        }
    }

    /// A link that moves has no target until it meets one again; gives the one it had. Links that lead to what moves lose it.
    fn unlink(&mut self, id: NodeId) -> Option<NodeId> {
        for link in std::mem::take(&mut self[id].links_in) {
            if let Some(Link { target, .. }) = &mut self[link].link {
                *target = None;
            }
        }
        let target = self[id].link.as_mut().and_then(|link| link.target.take())?;
        self[target].links_in.retain(|link| *link != id);
        Some(target)
    }

    /// Gives a new link, which stands in a tree, its target.
    pub(in crate::npm) fn lead(&mut self, link: NodeId, target: NodeId) {
        let root = self[link].root;
        self.link(link, target);
        if self[target].root != root {
            self.enter(target, root);
        }
        self.link(link, target);
    }

    /// The edges of what moved, and those into it that come from another tree by now.
    fn reload_around(&mut self, id: NodeId) {
        let root = self[id].root;
        for edge in self.edges_in(id) {
            if self[edge].from.is_some_and(|from| self[from].root != root) {
                self.reload(edge, false);
            }
        }
        for edge in self.edges_out(id) {
            if self[edge].to.is_none_or(|to| self[to].root != root) {
                self.reload(edge, false);
            }
        }
    }

    /// What stands in a node moves with it.
    fn bring_family(&mut self, id: NodeId) {
        let root = self[id].root;
        let family: Vec<(NodeId, bool)> = self[id]
            .fs_children
            .iter()
            .map(|child| (*child, false))
            .chain(self[id].children.values().map(|child| (*child, true)))
            .filter(|(child, _)| self[*child].root != root)
            .collect();
        for (child, is_child) in &family {
            let path = self.path(*child);
            self.delist(*child);
            self.leave_parents(*child);
            if !is_child {
                self[*child].path = Some(path);
            }
        }
        for (child, is_child) in family {
            if self[child].root == root {
                continue;
            }
            if is_child {
                self.settle(child, root, Some(id), None);
            } else {
                self.settle(child, root, None, Some(id));
            }
        }
    }

    pub(super) fn list(&mut self, id: NodeId) {
        let (root, name) = (self[id].root, self[id].name.clone());
        self[root].by_name.entry(name).or_default().insert(id);
        if self[id].parent.is_none() {
            self[root].tops.insert(id);
        }
        if self[id].link.is_some() {
            self[root].links.insert(id);
        }
    }

    fn delist(&mut self, id: NodeId) {
        let (root, name) = (self[id].root, self[id].name.clone());
        if let Some(nodes) = self[root].by_name.get_mut(&name) {
            nodes.shift_remove(&id);
        }
        self[root].tops.shift_remove(&id);
        self[root].links.shift_remove(&id);
    }

    /// What stands in a tree at a path, itself left out.
    pub(in crate::npm) fn at_path(&self, root: NodeId, path: &str, except: NodeId) -> Option<NodeId> {
        let free = |id: &NodeId| *id != except && self[*id].path.as_deref() == Some(path);
        if let Some(found) = std::iter::once(root).chain(self[root].tops.iter().copied()).find(free) {
            return Some(found);
        }
        let (above, name) = path.rsplit_once("node_modules/")?;
        let above = self.at_path(root, above.trim_end_matches('/'), except)?;
        self.child(above, name).filter(|child| *child != except)
    }

    /// The nearest folder of a tree that a path lies in.
    fn folder_around(&self, root: NodeId, path: &str, except: NodeId) -> Option<NodeId> {
        if path.is_empty() || path == ".." || path.starts_with("../") {
            return None;
        }
        let mut above = join(path, "..");
        loop {
            if let Some(found) = self.at_path(root, &above, except)
                && self[found].link.is_none()
            {
                return Some(found);
            }
            if above.is_empty() {
                return None;
            }
            above = join(&above, "..");
        }
    }

    /// Edges of a name look again, from a node downwards, where the answer may have changed.
    pub(super) fn reload_named(&mut self, id: NodeId, name: &Name) {
        let key = super::key(name);
        self.reload_named_below(id, &key, id);
    }

    fn reload_named_below(&mut self, id: NodeId, key: &Name, origin: NodeId) {
        if let Some(edge) = self[id].edges_out.get(key).copied() {
            let to = self[edge].to;
            let just_below = |to: NodeId| self[to].parent == Some(origin) && !self.path(origin).is_empty();
            if to.is_some_and(just_below) || self.resolve(id, key) != to {
                self.reload(edge, true);
            }
        }
        for child in self[id].children.values().copied().collect::<Vec<_>>() {
            self.reload_named_below(child, key, origin);
        }
        for child in self[id].fs_children.clone() {
            self.reload_named_below(child, key, origin);
        }
    }
}
