//! The graph of module versions, numbered: thousands of them, with tens of thousands of requirements, are gone through at each step.

use std::borrow::Cow;

use foldhash::HashMap;

use crate::go::catalog::ModuleVersion;
use crate::go::version;

/// A module version's number.
pub(super) type NodeId = u32;
/// A module path's number.
pub(super) type PathId = u32;

/// A module version.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) path: PathId,
    /// Empty for a main module.
    pub(super) version: Cow<'a, str>,
    /// As a go.mod names it.
    pub(super) module: Option<&'a ModuleVersion>,
    /// What it requires, in the order of its go.mod; nothing if that was not read.
    pub(super) requires: Option<Vec<NodeId>>,
    /// Whether anything requires it.
    reachable: bool,
}

/// A module path.
#[derive(Debug)]
struct Path<'a> {
    name: &'a str,
    /// The highest version that anything requires.
    selected: Option<NodeId>,
}

/// The graph.
#[derive(Debug, Default)]
pub(super) struct Nodes<'a> {
    all: Vec<Node<'a>>,
    paths: Vec<Path<'a>>,
    path_ids: HashMap<&'a str, PathId>,
    by_name: HashMap<&'a ModuleVersion, NodeId>,
    /// Main modules, versions of Go and toolchains: what no `require` line names.
    unnamed: HashMap<(&'a str, Cow<'a, str>), NodeId>,
}

impl<'a> Nodes<'a> {
    /// The number of a module version that a go.mod names.
    pub(super) fn named(&mut self, module: &'a ModuleVersion) -> NodeId {
        if let Some(node) = self.by_name.get(module) {
            return *node;
        }
        let node = self.add(&module.path, Cow::Borrowed(&module.version), Some(module));
        self.by_name.insert(module, node);
        node
    }

    /// The number of a main module (without version), a version of Go or a toolchain.
    pub(super) fn unnamed(&mut self, path: &'a str, version: Cow<'a, str>) -> NodeId {
        if let Some(node) = self.unnamed.get(&(path, Cow::Borrowed(&*version))) {
            return *node;
        }
        let node = self.add(path, version.clone(), None);
        self.unnamed.insert((path, version), node);
        node
    }

    fn add(&mut self, path: &'a str, version: Cow<'a, str>, module: Option<&'a ModuleVersion>) -> NodeId {
        let path = self.path(path);
        self.all.push(Node { path, version, module, requires: None, reachable: false });
        index(self.all.len() - 1)
    }

    /// The number of a path.
    fn path(&mut self, path: &'a str) -> PathId {
        let next = index(self.paths.len());
        let id = *self.path_ids.entry(path).or_insert(next);
        if id == next {
            self.paths.push(Path { name: path, selected: None });
        }
        id
    }

    pub(super) fn get(&self, node: NodeId) -> &Node<'a> {
        &self.all[node as usize]
    }

    /// What a node requires, as far as that was read.
    pub(super) fn required(&self, node: NodeId) -> &[NodeId] {
        self.get(node).requires.as_deref().unwrap_or_default()
    }

    pub(super) fn name(&self, node: NodeId) -> &'a str {
        self.paths[self.get(node).path as usize].name
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// As messages and `go mod graph` write it: without version for a main module.
    pub(super) fn label(&self, node: NodeId) -> String {
        let (path, version) = (self.name(node), &self.get(node).version);
        if version.is_empty() { path.to_owned() } else { format!("{path}@{version}") }
    }

    /// Makes a node count for what is selected.
    pub(super) fn reach(&mut self, node: NodeId) {
        if std::mem::replace(&mut self.all[node as usize].reachable, true) {
            return;
        }
        let path = self.get(node).path as usize;
        let higher = self.paths[path].selected.is_none_or(|selected| self.is_higher(node, selected));
        if higher {
            self.paths[path].selected = Some(node);
        }
    }

    /// Whether a version is higher than another of the same path; a main module is higher than any version.
    pub(super) fn is_higher(&self, left: NodeId, right: NodeId) -> bool {
        let (left_version, right_version) = (&self.get(left).version, &self.get(right).version);
        match (left_version.is_empty(), right_version.is_empty()) {
            (_, true) => false,
            (true, false) => true,
            (false, false) => version::compare(self.name(left), left_version, right_version).is_gt(),
        }
    }

    /// Says what a module version requires.
    pub(super) fn require(&mut self, node: NodeId, requires: Vec<NodeId>) {
        for required in &requires {
            self.reach(*required);
        }
        self.all[node as usize].requires = Some(requires);
    }

    /// The highest version of a node's path that anything requires.
    pub(super) fn selected_of(&self, node: NodeId) -> NodeId {
        self.paths[self.get(node).path as usize].selected.unwrap_or(node)
    }

    /// The highest version of a path that anything requires.
    pub(super) fn selected_at(&self, path: PathId) -> Option<NodeId> {
        self.paths[path as usize].selected
    }

    /// The highest version of each path that anything requires.
    pub(super) fn selected(&self) -> impl Iterator<Item = NodeId> {
        self.paths.iter().filter_map(|path| path.selected)
    }

    /// Goes through the graph breadth first, and tells each node once with the one that it was first seen under. The nodes
    /// `skipped` are as if they were not there.
    ///
    /// As mvs' `WalkBreadthFirst`.
    pub(super) fn walk(&self, roots: &[NodeId], skipped: &[NodeId], mut tell: impl FnMut(NodeId, Option<NodeId>)) {
        let mut seen = vec![false; self.all.len()];
        for node in skipped {
            seen[*node as usize] = true;
        }
        let mut queue: std::collections::VecDeque<(NodeId, Option<NodeId>)> = std::collections::VecDeque::new();
        for root in roots {
            if !std::mem::replace(&mut seen[*root as usize], true) {
                queue.push_back((*root, None));
            }
        }
        while let Some((node, from)) = queue.pop_front() {
            tell(node, from);
            for required in self.required(node) {
                if !std::mem::replace(&mut seen[*required as usize], true) {
                    queue.push_back((*required, Some(node)));
                }
            }
        }
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
