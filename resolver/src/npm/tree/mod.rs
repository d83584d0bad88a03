//! A tree of folders as npm's arborist keeps it: nodes that stand in one another's `node_modules`, and edges that say who
//! needs what and by whom that is answered.
//!
//! Everything is in one arena, as nodes move between trees: a dependency is first tried out in a virtual tree of its own
//! with its peers, and what is placed in the ideal tree may push others out, which then stand alone. Which tree a node is in
//! is its `root`. Order matters in every collection, as npm's answer depends on it.

mod attach;
mod edges;
mod overrides;
mod sets;
mod validity;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};

use super::manifest::{EdgeKind, Manifest};
use super::spec::{Spec, SpecError};

pub(super) use self::overrides::OverrideId;
use self::overrides::OverrideSet;

/// A node's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(u32);

impl NodeId {
    /// No node at all.
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// An edge's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EdgeId(u32);

/// A package's name, and how it is compared: file systems may take `A` and `a` for one.
pub(super) type Name = Rc<str>;

/// A spec that was read, or why it cannot be.
type ReadSpec = Rc<Result<Spec, SpecError>>;

/// All nodes and edges, in whatever tree they are.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    override_sets: Vec<OverrideSet>,
    /// Whether any package brings others in its tarball; most trees have none, and asking is dear.
    has_bundles: bool,
    specs: RefCell<HashMap<(Name, Name), ReadSpec>>,
    fault: RefCell<Option<String>>,
}

/// A folder.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: Name,
    key: Name,
    pub(super) package: Rc<Manifest>,
    pub(super) parent: Option<NodeId>,
    pub(super) fs_parent: Option<NodeId>,
    pub(super) root: NodeId,
    /// The path of a node without parent, relative to the project; nothing as long as it stands nowhere.
    path: Option<String>,
    pub(super) children: IndexMap<Name, NodeId>,
    pub(super) fs_children: Vec<NodeId>,
    pub(super) edges_out: IndexMap<Name, EdgeId>,
    pub(super) edges_in: IndexSet<EdgeId>,
    pub(super) resolved: Option<String>,
    pub(super) integrity: Option<String>,
    pub(super) has_shrinkwrap: bool,
    pub(super) overrides: Option<OverrideId>,
    /// The node that this virtual root or target stands for.
    pub(super) source: Option<NodeId>,
    /// Where a link leads.
    pub(super) link: Option<Link>,
    links_in: Vec<NodeId>,
    /// Why it could not be loaded.
    pub(super) error: Option<String>,
    pub(super) flags: Flags,
    /// Optional and not to be installed here.
    pub(super) inert: bool,
    /// Of a root only: its nodes by name, and those that stand in nobody's `node_modules`.
    by_name: HashMap<Name, IndexSet<NodeId>>,
    tops: IndexSet<NodeId>,
    links: IndexSet<NodeId>,
}

/// Where a link leads.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) realpath: String,
    pub(super) target: Option<NodeId>,
}

/// What a lock says of why an entry is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the lock")]
pub(super) struct Flags {
    pub(super) dev: bool,
    pub(super) optional: bool,
    pub(super) dev_optional: bool,
    pub(super) peer: bool,
    pub(super) extraneous: bool,
}

impl Flags {
    pub(super) const UNSET: Self =
        Self { dev: false, optional: false, dev_optional: false, peer: false, extraneous: false };
    pub(super) const SET: Self = Self { dev: true, optional: true, dev_optional: true, peer: true, extraneous: true };
}

/// A dependency of a node.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) name: Name,
    pub(super) raw: Name,
    accept: Option<String>,
    pub(super) kind: EdgeKind,
    pub(super) from: Option<NodeId>,
    pub(super) to: Option<NodeId>,
    pub(super) overrides: Option<OverrideId>,
    /// The tree has somebody else's choice here, knowingly.
    pub(super) peer_conflicted: bool,
    state: std::cell::Cell<State>,
}

/// What is known of an edge's validity; asked for once until something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    Valid,
    Missing,
    PeerLocal,
    Invalid,
    Detached,
}

/// What a new node is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct NewNode {
    pub(super) name: String,
    pub(super) package: Rc<Manifest>,
    pub(super) parent: Option<NodeId>,
    pub(super) path: Option<String>,
    /// The tree it becomes part of, if it has no parent.
    pub(super) root: Option<NodeId>,
    pub(super) source: Option<NodeId>,
    pub(super) link: Option<Link>,
    pub(super) overrides: Option<OverrideId>,
    pub(super) error: Option<String>,
    pub(super) resolved: Option<String>,
    pub(super) integrity: Option<String>,
    pub(super) has_shrinkwrap: bool,
}

impl std::ops::Index<NodeId> for Forest {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl std::ops::IndexMut<NodeId> for Forest {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}

impl std::ops::Index<EdgeId> for Forest {
    type Output = Edge;

    fn index(&self, id: EdgeId) -> &Edge {
        &self.edges[id.0 as usize]
    }
}

impl std::ops::IndexMut<EdgeId> for Forest {
    fn index_mut(&mut self, id: EdgeId) -> &mut Edge {
        &mut self.edges[id.0 as usize]
    }
}

/// How npm compares names that are folders.
pub(super) fn key(name: &str) -> Name {
    if name.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        name.to_lowercase().into()
    } else {
        name.into()
    }
}

impl Forest {
    /// Makes a node, puts it where it belongs, and makes its edges.
    pub(super) fn add(&mut self, new: NewNode) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let package = match (new.source, &new.link) {
            (Some(source), _) => self[source].package.clone(),
            (None, Some(Link { target: Some(target), .. })) => self[*target].package.clone(),
            (None, _) => new.package,
        };
        let resolved = new.resolved.or_else(|| package.resolved.clone());
        let integrity = new.integrity.or_else(|| package.integrity.clone());
        self.has_bundles |= !package.bundled.is_empty();
        let stands = new.path.is_some() || new.parent.is_some();
        self.nodes.push(Node {
            key: key(&new.name),
            name: new.name.into(),
            parent: None,
            fs_parent: None,
            root: id,
            path: new.path,
            children: IndexMap::new(),
            fs_children: Vec::new(),
            edges_out: IndexMap::new(),
            edges_in: IndexSet::new(),
            resolved,
            integrity,
            has_shrinkwrap: new.has_shrinkwrap || package.has_shrinkwrap,
            package,
            overrides: new.overrides,
            source: new.source,
            link: new.link.map(|link| Link { target: None, ..link }),
            links_in: Vec::new(),
            error: new.error,
            flags: Flags::SET,
            inert: false,
            by_name: HashMap::new(),
            tops: IndexSet::new(),
            links: IndexSet::new(),
        });
        if stands {
            match (new.parent, new.root) {
                (Some(parent), _) => self.set_parent(id, parent),
                (None, Some(root)) => self.enter(id, root),
                (None, None) => self.list(id),
            }
        }
        self.load_edges(id);
        id
    }

    /// Makes the edges of a project anew, after those to its members.
    pub(super) fn load_edges_again(&mut self, id: NodeId) {
        self.load_edges(id);
    }

    fn load_edges(&mut self, id: NodeId) {
        if self[id].link.is_some() {
            return;
        }
        let package = self[id].package.clone();
        let has_dev = self.has_dev_edges(id);
        for dependency in &package.dependencies {
            if dependency.kind == EdgeKind::Dev && !has_dev {
                continue;
            }
            let current = self[id].edges_out.get(&key(&dependency.name));
            if current.is_some_and(|edge| self[*edge].kind == EdgeKind::Workspace) {
                continue;
            }
            self.add_edge(id, &dependency.name, &dependency.spec, dependency.kind, dependency.accept.clone());
        }
    }

    /// Only what a person develops has development dependencies: what stands in nobody's `node_modules`.
    fn has_dev_edges(&self, id: NodeId) -> bool {
        let stands_free = |id: NodeId| self[id].parent.is_none() && self[id].path.is_some();
        stands_free(id) && self[id].source.is_none_or(stands_free)
    }

    /// A spec, read once.
    pub(super) fn spec_of(&self, name: &Name, raw: &Name, base: &str) -> ReadSpec {
        let cached = self.specs.borrow().get(&(name.clone(), raw.clone())).cloned();
        if let Some(spec) = cached {
            return spec;
        }
        let spec = Rc::new(Spec::resolve(name, if raw.is_empty() { "*" } else { raw }, base));
        // A path means another folder for everyone who says it.
        let is_path =
            matches!(&*spec, Ok(Spec { kind: super::spec::Kind::File(_) | super::spec::Kind::Directory(_), .. }));
        if !is_path {
            self.specs.borrow_mut().insert((name.clone(), raw.clone()), spec.clone());
        }
        spec
    }

    /// The path relative to the project; empty for the project itself.
    pub(super) fn path(&self, id: NodeId) -> String {
        match self[id].parent {
            Some(parent) => {
                let above = self.path(parent);
                let slash = if above.is_empty() { "" } else { "/" };
                format!("{above}{slash}node_modules/{}", self[id].name)
            }
            None => self[id].path.clone().unwrap_or_default(),
        }
    }

    /// Where a link leads, else the path.
    pub(super) fn realpath(&self, id: NodeId) -> String {
        match &self[id].link {
            Some(link) => link.realpath.clone(),
            None => self.path(id),
        }
    }

    /// How many `node_modules` it stands in.
    pub(super) fn depth(&self, id: NodeId) -> usize {
        std::iter::successors(self[id].parent, |parent| self[*parent].parent).count()
    }

    /// A link's target, else the node itself.
    pub(super) fn target(&self, id: NodeId) -> NodeId {
        self[id].link.as_ref().and_then(|link| link.target).unwrap_or(id)
    }

    /// The version; a link has its target's.
    pub(super) fn version(&self, id: NodeId) -> &str {
        &self[self.target(id)].package.version
    }

    /// Whose `node_modules` is looked into next.
    pub(super) fn resolve_parent(&self, id: NodeId) -> Option<NodeId> {
        self[id].parent.or(self[id].fs_parent)
    }

    /// Itself and all that its imports may be answered from, from near to far.
    pub(super) fn ancestry(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(id), |id| self.resolve_parent(*id))
    }

    pub(super) fn is_top(&self, id: NodeId) -> bool {
        self[id].parent.is_none()
    }

    pub(super) fn is_project_root(&self, id: NodeId) -> bool {
        self[id].root == id
    }

    pub(super) fn is_descendant_of(&self, id: NodeId, other: NodeId) -> bool {
        self.ancestry(id).any(|ancestor| ancestor == other)
    }

    /// The child of this name.
    pub(super) fn child(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self[id].children.get(&key(name)).copied()
    }

    /// The edge of this name.
    pub(super) fn edge_out(&self, id: NodeId, name: &str) -> Option<EdgeId> {
        self[id].edges_out.get(&key(name)).copied()
    }

    /// What an import of this name would find.
    pub(super) fn resolve(&self, id: NodeId, key: &Name) -> Option<NodeId> {
        self.ancestry(id).find_map(|ancestor| self[ancestor].children.get(key).copied())
    }

    /// Whether it is a member of its project's workspace.
    pub(super) fn is_workspace(&self, id: NodeId) -> bool {
        if self.is_project_root(id) {
            return false;
        }
        let name = &self[id].package.name;
        let Some(edge) = self.edge_out(self[id].root, name) else { return false };
        let edge = &self[edge];
        edge.kind == EdgeKind::Workspace && edge.to.is_some_and(|to| to == id || self.target(to) == id)
    }

    /// The nodes of a tree that go by this name, in the order in which they came.
    pub(super) fn named(&self, root: NodeId, name: &Name) -> Vec<NodeId> {
        self[root].by_name.get(name).map(|nodes| nodes.iter().copied().collect()).unwrap_or_default()
    }

    /// All nodes of a tree, the root first.
    pub(super) fn all(&self, root: NodeId) -> Vec<NodeId> {
        let mut found = vec![root];
        found.extend(self[root].tops.iter().copied().filter(|top| *top != root));
        let mut next = 0;
        while let Some(id) = found.get(next).copied() {
            found.extend(self[id].children.values().copied());
            next += 1;
        }
        found
    }

    /// The edges out of a node, in order.
    pub(super) fn edges_out(&self, id: NodeId) -> Vec<EdgeId> {
        self[id].edges_out.values().copied().collect()
    }

    /// The edges into a node, in order.
    pub(super) fn edges_in(&self, id: NodeId) -> Vec<EdgeId> {
        self[id].edges_in.iter().copied().collect()
    }
}
