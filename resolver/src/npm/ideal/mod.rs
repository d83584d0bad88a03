//! The ideal tree: npm's answer to what stands where, by the rules of its arborist.
//!
//! From a queue of nodes, shallow ones first, each edge that has no good answer gets one: the version that the registry has
//! for it is first tried out with its peers in a virtual tree that has the same needs as the node that asks, and is then
//! placed. What is not known yet ends the attempt; the caller fetches it, and the next attempt gets further.

mod bundles;
mod can_place;
mod fetch;
mod locked;
mod peers;
mod place;
mod problems;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use indexmap::IndexSet;

use self::can_place::Verdict;
pub(super) use self::fetch::Answers;
use self::place::{NoPlace, place};
use super::catalog::{Need, Project};
use super::collate;
use super::error::NpmError;
use super::manifest::{EdgeKind, Manifest};
use super::spec::{Kind, join};
use super::tree::{EdgeId, Forest, Link, NewNode, NodeId};

/// How often one place of the tree is looked at before it is clear that there is no end. Ordinary trees need a handful.
const MOST_VISITS: u32 = 500;

/// How deep peers may bring in peers, and packages stand in packages. Real ones go to a tenth of it; what goes on for ever would
/// end with the stack.
const DEEPEST: usize = 120;

/// Why an attempt ends without a tree.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something has to be fetched first.
    Need(Vec<Need>),
    /// There is none.
    Failed(NpmError),
}

impl From<NpmError> for Stop {
    fn from(error: NpmError) -> Self {
        Self::Failed(error)
    }
}

/// An ideal tree in the making.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    project: &'a Project,
    answers: &'a Answers<'a>,
    pub(super) forest: Forest,
    pub(super) root: NodeId,
    queue: Queue,
    seen: HashSet<NodeId>,
    links: IndexSet<NodeId>,
    pub(super) failures: IndexSet<NodeId>,
    /// For each node of a peer set, what brought the set in.
    peer_set_source: HashMap<NodeId, NodeId>,
    virtual_roots: HashMap<NodeId, NodeId>,
    folders: HashMap<String, Rc<Manifest>>,
    /// Whether the tree began with the project's lock: then what nobody needs any more goes.
    from_lock: bool,
    visits: HashMap<String, u32>,
    /// How many peers are being brought in for one another.
    peer_depth: usize,
}

/// Nodes to look at: shallow ones first, then by path.
#[derive(Debug, Default)]
struct Queue {
    nodes: Vec<NodeId>,
    sorted: bool,
}

impl Queue {
    fn push(&mut self, node: NodeId) {
        if !self.nodes.contains(&node) {
            self.nodes.push(node);
            self.sorted = false;
        }
    }

    fn pop(&mut self, forest: &Forest) -> Option<NodeId> {
        if !self.sorted {
            let mut keyed: Vec<(usize, String, NodeId)> =
                self.nodes.iter().map(|node| (forest.depth(*node), forest.path(*node), *node)).collect();
            keyed.sort_by(|one, other| one.0.cmp(&other.0).then_with(|| collate::compare(&one.1, &other.1)));
            self.nodes = keyed.into_iter().map(|(_, _, node)| node).collect();
            self.sorted = true;
        }
        (!self.nodes.is_empty()).then(|| self.nodes.remove(0))
    }
}

impl<'a> Builder<'a> {
    /// The tree of a project, before anything was added to it.
    pub(super) fn new(project: &'a Project, answers: &'a Answers<'a>) -> Result<Self, Stop> {
        // A project without package.json is an empty one.
        let text = if project.manifest.is_empty() { "{}" } else { &project.manifest };
        let manifest = parse("package.json", text)?;
        if let Some(reason) = manifest.fault.clone() {
            return Err(NpmError::Spec { from: "the project".to_owned(), reason }.into());
        }
        let mut forest = Forest::default();
        let overrides = match manifest.overrides() {
            Some(overrides) => Some(forest.read_overrides(overrides).map_err(|reason| NpmError::Overrides { reason })?),
            None => None,
        };
        let root = forest.add(NewNode {
            name: project.folder.clone(),
            package: Rc::new(manifest),
            path: Some(String::new()),
            overrides,
            ..NewNode::default()
        });
        let mut builder = Self {
            project,
            answers,
            forest,
            root,
            queue: Queue::default(),
            seen: HashSet::new(),
            links: IndexSet::new(),
            failures: IndexSet::new(),
            peer_set_source: HashMap::new(),
            virtual_roots: HashMap::new(),
            folders: HashMap::new(),
            from_lock: false,
            visits: HashMap::new(),
            peer_depth: 0,
        };
        builder.load_workspaces()?;
        builder.from_lock = builder.load_lock()?;
        if !builder.from_lock {
            builder.load_members()?;
        }
        Ok(builder)
    }

    /// Computes the tree.
    pub(super) fn build(&mut self) -> Result<(), Stop> {
        self.queue_problems();
        self.queue.push(self.root);
        self.assert_overrides()?;
        loop {
            while let Some(node) = self.queue.pop(&self.forest) {
                self.step(node)?;
            }
            self.resolve_links();
            if self.queue.nodes.is_empty() {
                break;
            }
        }
        self.finish()
    }

    fn load_workspaces(&mut self) -> Result<(), Stop> {
        let members = super::workspaces::members(self.project, &self.forest[self.root].package)?;
        if members.is_empty() {
            return Ok(());
        }
        for (name, path) in &members {
            self.forest.add_edge(self.root, name, &format!("file:{path}"), EdgeKind::Workspace, None);
        }
        self.forest.load_edges_again(self.root);
        Ok(())
    }

    /// The members' folders are there before anything is put into the tree; only the links to them are not.
    fn load_members(&mut self) -> Result<(), Stop> {
        let mut members = super::workspaces::members(self.project, &self.forest[self.root].package)?;
        members.sort_by(|(_, one), (_, other)| one.cmp(other));
        for (_, path) in members {
            let package = self.folder(&path)?;
            let overrides = self.forest[self.root].overrides;
            let overrides = overrides.map(|rules| self.forest.node_rule(rules, &package));
            self.forest.add(NewNode {
                name: super::lock_write::last_name(&path).to_owned(),
                package,
                path: Some(path),
                root: Some(self.root),
                overrides,
                ..NewNode::default()
            });
        }
        Ok(())
    }

    /// A direct dependency that an override says otherwise about is a contradiction.
    fn assert_overrides(&self) -> Result<(), NpmError> {
        if self.forest[self.root].overrides.is_none() {
            return Ok(());
        }
        for edge in self.forest.edges_out(self.root) {
            let (spec, raw) = (self.forest.edge_spec(edge), self.forest[edge].raw.clone());
            if let Some(reference) = self.forest.dangling_reference(edge) {
                return Err(NpmError::Overrides { reason: format!("nothing answers the reference {reference}") });
            }
            if spec != raw {
                let reason =
                    format!("{}@{raw} is a direct dependency, and an override says {spec}", self.forest[edge].name);
                return Err(NpmError::Overrides { reason });
            }
        }
        Ok(())
    }

    /// The manifest of a folder that the project refers to; npm takes one without manifest for an empty package.
    fn folder(&mut self, path: &str) -> Result<Rc<Manifest>, Stop> {
        if let Some(known) = self.folders.get(path) {
            return Ok(known.clone());
        }
        let text = self.project.folders.get(path).map_or("{}", String::as_str);
        let manifest = Rc::new(parse(&join(path, "package.json"), text)?);
        self.folders.insert(path.to_owned(), manifest.clone());
        Ok(manifest)
    }

    fn step(&mut self, node: NodeId) -> Result<(), Stop> {
        if self.seen.contains(&node) || self.forest[node].root != self.root {
            return Ok(());
        }
        self.seen.insert(node);
        let visits = self.visits.entry(self.forest.path(node)).or_default();
        *visits += 1;
        if *visits > MOST_VISITS || self.forest.depth(node) > DEEPEST {
            return Err(NpmError::Endless { package: self.label(node) }.into());
        }
        self.open_bundle(node)?;
        let mut tasks = Vec::new();
        let peer_source = self.peer_set_source.get(&node).copied().unwrap_or(node);
        for edge in self.problem_edges(node) {
            if self.forest[edge].peer_conflicted {
                continue;
            }
            tasks.push((edge, self.find_dep(node, edge, peer_source)?));
        }
        tasks.sort_by(|(one, _), (other, _)| collate::compare(&self.forest[*one].name, &self.forest[*other].name));
        for (edge, dep) in tasks {
            let placed = place(&mut self.forest, edge, dep).map_err(|no_place| self.conflict(no_place))?;
            for placed in placed {
                self.after_placing(&placed);
            }
        }
        if let Some(reason) = self.forest.fault() {
            return Err(NpmError::Overrides { reason }.into());
        }
        for edge in self.forest.edges_out(node) {
            if let Some(to) = self.forest[edge].to
                && self.forest[to].link.as_ref().is_some_and(|link| link.target.is_some())
            {
                self.links.insert(to);
            }
        }
        Ok(())
    }

    /// A candidate for an edge, with its peers beside it in a virtual tree.
    fn find_dep(&mut self, node: NodeId, edge: EdgeId, peer_source: NodeId) -> Result<NodeId, Stop> {
        let is_peer = self.forest[edge].kind.is_peer();
        let virtual_root = self.virtual_root(if is_peer { peer_source } else { node }, true);
        let name = self.forest[edge].name.clone();
        let tried = self
            .forest
            .edge_out(virtual_root, &name)
            .filter(|edge| self.forest.is_valid(*edge))
            .and_then(|edge| self.forest[edge].to);
        if let Some(dep) = tried.filter(|dep| self.forest.satisfied_by(edge, *dep)) {
            return Ok(dep);
        }
        if self.forest[edge].kind == EdgeKind::PeerOptional {
            let start = self.forest.resolve_parent(node).unwrap_or(node);
            if let Some(dep) = self.hoistable(start, edge) {
                return Ok(dep);
            }
        }
        let mut required = HashSet::from([node]);
        self.node_from_edge(edge, is_peer.then_some(virtual_root), None, &mut required)
    }

    /// The nearest to the root that an optional peer may be answered with, without fetching anything.
    fn hoistable(&self, start: NodeId, edge: EdgeId) -> Option<NodeId> {
        let mut queue: Vec<NodeId> = self.forest[start].children.values().copied().collect();
        let mut next = 0;
        while let Some(node) = queue.get(next).copied() {
            next += 1;
            if self.forest[node].name == self.forest[edge].name
                && !self.forest.in_dep_bundle(node)
                && self.forest.satisfied_by(edge, node)
            {
                return Some(node);
            }
            queue.extend(self.forest[node].children.values().copied());
        }
        None
    }

    fn after_placing(&mut self, placed: &place::Placed) {
        let Some(node) = placed.node else { return };
        if self.forest[node].error.is_some() {
            self.failures.insert(node);
        }
        for edge in self.forest.edges_in(node) {
            if edge == placed.edge || self.forest[edge].peer_conflicted || self.forest.is_valid(edge) {
                continue;
            }
            let Some(from) = self.forest[edge].from else { continue };
            if matches!(placed.alone, Verdict::Ok | Verdict::Replace) {
                self.seen.remove(&from);
                self.queue.push(from);
            }
        }
        self.queue.push(node);
        for dep in &placed.look_again {
            self.seen.remove(dep);
            self.queue.push(*dep);
        }
    }

    /// The folders that links lead to are looked at when nothing else is left.
    fn resolve_links(&mut self) {
        for link in std::mem::take(&mut self.links) {
            if self.forest[link].root != self.root {
                continue;
            }
            let target = self.forest.target(link);
            let inside = self.forest.resolve_parent(target).is_some();
            if target == link || !self.forest.is_descendant_of(target, self.root) || !inside {
                continue;
            }
            if self.seen.contains(&target) {
                continue;
            }
            let rule = self.forest[link].overrides;
            self.forest.override_added(target, rule);
            self.queue.push(target);
        }
    }

    fn conflict(&self, no_place: NoPlace) -> NpmError {
        NpmError::Conflict { explanation: super::explain::conflict(&self.forest, no_place.edge, no_place.dep) }
    }

    fn link_to(&mut self, name: &str, parent: NodeId, path: &str) -> Result<NodeId, Stop> {
        let package = self.folder(path)?;
        let link = Link { realpath: path.to_owned(), target: None };
        let node = self.forest.add(NewNode {
            name: name.to_owned(),
            package: package.clone(),
            parent: Some(parent),
            link: Some(link),
            ..NewNode::default()
        });
        let root = self.forest[node].root;
        if self.forest[node].link.as_ref().is_some_and(|link| link.target.is_none()) {
            let target = if path.is_empty() {
                root
            } else {
                self.forest.add(NewNode {
                    name: name.to_owned(),
                    package,
                    path: Some(path.to_owned()),
                    root: Some(root),
                    ..NewNode::default()
                })
            };
            self.forest.lead(node, target);
        }
        self.links.insert(node);
        Ok(node)
    }

    /// Whether a spec is answered by a folder, and by which.
    fn folder_of(kind: &Kind) -> Option<&str> {
        match kind {
            Kind::Directory(path) => Some(path),
            _ => None,
        }
    }
}

fn parse(file: &str, text: &str) -> Result<Manifest, NpmError> {
    let text = text.trim_start_matches('\u{feff}');
    Manifest::parse(text).map_err(|error| NpmError::Unreadable { file: file.to_owned(), reason: error.to_string() })
}
