//! Placing a dependency: as high as it can stand without taking from anybody what they have, and its peers beside it.

use std::rc::Rc;

use indexmap::IndexSet;

use super::can_place::{CanPlace, Question, Verdict, can_place};
use crate::npm::collate;
use crate::npm::tree::{EdgeId, Forest, Link, Name, NewNode, NodeId};

/// What came of placing one dependency.
#[derive(Debug)]
pub(super) struct Placed {
    /// What was put into the tree; nothing if what was there will do, or a peer's wish was overridden.
    pub(super) node: Option<NodeId>,
    pub(super) edge: EdgeId,
    /// The verdict on it alone.
    pub(super) alone: Verdict,
    /// Whose dependencies have to be looked at again.
    pub(super) look_again: IndexSet<NodeId>,
}

/// A dependency that can stand nowhere, and that the project itself wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoPlace {
    pub(super) edge: EdgeId,
    pub(super) dep: NodeId,
}

/// A dependency that is being placed for the sake of another one's peers.
#[derive(Debug, Clone)]
struct Above {
    /// Who asked for the first of them, and the names on the way here: where the search begins is worked out anew for each, as
    /// what was placed before may have pushed somebody out.
    from: NodeId,
    names: Vec<Name>,
    verdict: Option<Rc<CanPlace>>,
    top: EdgeId,
    top_dep: NodeId,
}

/// Places `dep` for `edge`, then the peers that come with it; what was done, in order.
pub(super) fn place(forest: &mut Forest, edge: EdgeId, dep: NodeId) -> Result<Vec<Placed>, NoPlace> {
    let mut done = Vec::new();
    place_below(forest, edge, dep, None, &mut done)?;
    Ok(done)
}

fn place_below(
    forest: &mut Forest,
    edge: EdgeId,
    dep: NodeId,
    above: Option<&Above>,
    done: &mut Vec<Placed>,
) -> Result<(), NoPlace> {
    let mut placed = Placed { node: None, edge, alone: Verdict::Conflict, look_again: IndexSet::new() };
    if forest[edge].to.is_some() && forest.is_valid(edge) {
        done.push(placed);
        return Ok(());
    }
    let Some(from) = forest[edge].from else { return Ok(()) };
    let own = Above {
        from: above.map_or(from, |above| above.from),
        names: above
            .into_iter()
            .flat_map(|above| above.names.iter().cloned())
            .chain([forest[edge].name.clone()])
            .collect(),
        verdict: None,
        top: above.map_or(edge, |above| above.top),
        top_dep: above.map_or(dep, |above| above.top_dep),
    };
    let start = own.names.iter().fold(own.from, |start, name| forest.deepest_target(start, name));
    let (best, alone) = find_place(forest, edge, dep, start, above);
    let verdict = match (best, alone) {
        (Some(verdict), _) => verdict,
        (None, _) if is_mine(forest, own.top) => return Err(NoPlace { edge: own.top, dep: own.top_dep }),
        (None, None) => {
            forest[edge].peer_conflicted = true;
            done.push(placed);
            return Ok(());
        }
        (None, Some(alone)) => alone,
    };
    placed.alone = verdict.alone;
    let target = verdict.target;
    let kind = if verdict.verdict == Verdict::Conflict { verdict.alone } else { verdict.verdict };
    if kind == Verdict::Keep {
        if forest[edge].kind.is_peer() && !forest.is_valid(edge) {
            forest[edge].peer_conflicted = true;
        }
        prune_dedupable(forest, target, true);
        done.push(placed);
        return Ok(());
    }
    let own_twin = forest.ancestry(target).find(|node| forest.matches(*node, dep) && !forest.is_top(*node));
    if let Some(own) = own_twin {
        // A package that needs itself is led back to itself.
        let link = Link { realpath: forest.path(own), target: Some(own) };
        let name = forest[own].name.to_string();
        let node = forest.add(NewNode { name, parent: Some(target), link: Some(link), ..NewNode::default() });
        forest.lead(node, own);
        placed.node = Some(node);
        done.push(placed);
        return Ok(());
    }
    let virtual_root = forest[dep].parent;
    let node = put(forest, edge, dep, target, &mut placed.look_again);
    placed.node = Some(node);
    done.push(placed);
    place_peers(forest, node, virtual_root, &Above { verdict: Some(verdict), ..own }, done)
}

fn place_peers(
    forest: &mut Forest,
    node: NodeId,
    virtual_root: Option<NodeId>,
    own: &Above,
    done: &mut Vec<Placed>,
) -> Result<(), NoPlace> {
    let Some(virtual_root) = virtual_root else { return Ok(()) };
    for edge in forest.edges_out(node) {
        if !forest[edge].kind.is_peer() || forest.is_valid(edge) || forest[edge].peer_conflicted {
            continue;
        }
        let peer = forest.child(virtual_root, &forest[edge].name).filter(|peer| forest.satisfied_by(edge, *peer));
        if let Some(peer) = peer {
            place_below(forest, edge, peer, Some(own), done)?;
        }
    }
    Ok(())
}

/// The highest place where it can stand with its peers, and the highest where it can alone.
fn find_place(
    forest: &Forest,
    edge: EdgeId,
    dep: NodeId,
    start: NodeId,
    above: Option<&Above>,
) -> (Option<Rc<CanPlace>>, Option<Rc<CanPlace>>) {
    let (mut best, mut alone) = (None, None);
    for target in forest.ancestry(start) {
        let own = forest.edge_out(target, &forest[edge].name);
        if !forest.is_top(target) && own.is_some_and(|own| forest[own].kind.is_peer()) {
            continue;
        }
        let parent = above.and_then(|above| above.verdict.clone());
        let question = Question { dep, target, edge, parent, prefer_dedupe: false, peer_path: Vec::new() };
        let verdict = can_place(forest, question);
        if verdict.alone != Verdict::Conflict {
            alone = Some(verdict.clone());
        }
        if verdict.verdict == Verdict::Conflict {
            break;
        }
        best = Some(verdict);
        if forest[dep].error.is_some() {
            break;
        }
    }
    (best, alone)
}

/// Puts a copy of the dependency into the tree, and clears away what nobody needs any more.
fn put(forest: &mut Forest, edge: EdgeId, dep: NodeId, target: NodeId, look_again: &mut IndexSet<NodeId>) -> NodeId {
    let old_link_target = forest[dep].link.as_ref().and_then(|link| link.target);
    let node = forest.add(NewNode {
        name: forest[dep].name.to_string(),
        package: forest[dep].package.clone(),
        resolved: forest[dep].resolved.clone(),
        integrity: forest[dep].integrity.clone(),
        overrides: forest[dep].overrides,
        error: forest[dep].error.clone(),
        link: forest[dep].link.clone(),
        ..NewNode::default()
    });
    let name = forest[edge].name.clone();
    match forest.child(target, &name) {
        Some(old) => replace_old(forest, node, old, dep, look_again),
        None => forest.set_parent(node, target),
    }
    if let Some(to) = old_link_target
        && forest[node].link.as_ref().is_some_and(|link| link.target.is_none())
    {
        forest.lead(node, to);
    }
    if forest[edge].kind.is_peer() && !forest.satisfied_by(edge, node) {
        forest[edge].peer_conflicted = true;
    }
    if let Some(to) = forest[edge].to
        && forest.is_valid(edge)
        && to != node
    {
        prune_dedupable(forest, to, false);
    }
    let root = forest[target].root;
    for twin in forest.named(root, &name) {
        if forest[twin].root != root || !forest.is_descendant_of(twin, target) || forest.is_top(twin) {
            continue;
        }
        prune_dedupable(forest, twin, false);
        if forest[twin].root == root {
            for kid in forest[twin].children.values().copied().collect::<Vec<_>>() {
                prune_dedupable(forest, kid, false);
            }
        }
    }
    node
}

fn replace_old(forest: &mut Forest, node: NodeId, old: NodeId, dep: NodeId, look_again: &mut IndexSet<NodeId>) {
    let target = forest[old].parent;
    let mut left_over = Vec::new();
    for edge in forest.edges_out(old) {
        let (name, to) = (forest[edge].name.clone(), forest[edge].to);
        if let Some(to) = to
            && forest.edge_out(node, &name).is_none()
        {
            left_over.extend(forest.gather([to], |forest, edge| forest[edge].to != Some(to)));
        }
    }
    let mut pushed_out = Vec::new();
    for edge in forest.edges_in(old) {
        let Some(from) = forest[edge].from else { continue };
        let content = forest.satisfied_by(edge, node) || !forest[edge].kind.is_peer();
        if content || forest[from].parent != target || forest[edge].peer_conflicted {
            continue;
        }
        for entry in forest.peer_entry_sets(from).into_keys() {
            let (Some(entry_node), Some(entry_from)) = (forest[entry].to, forest[entry].from) else { continue };
            let deepest = forest.deepest_target(entry_node, &forest[entry_node].name);
            let is_mine = forest.is_project_root(entry_from) || forest.is_workspace(entry_from);
            if Some(deepest) != target && !is_mine {
                pushed_out.extend(forest.gather([entry_node], |forest, edge| {
                    forest[edge].to != Some(entry_node) && !forest[edge].peer_conflicted
                }));
            } else {
                forest[edge].peer_conflicted = true;
            }
        }
    }
    let _ = dep;
    forest.replace(node, old);
    prune_for_replacement(forest, node, &left_over);
    for dep in pushed_out {
        for edge in forest.edges_in(dep) {
            look_again.extend(forest[edge].from);
        }
        forest.detach(dep);
    }
}

fn prune_for_replacement(forest: &mut Forest, node: NodeId, left_over: &[NodeId]) {
    let mut invalid: IndexSet<NodeId> = forest
        .edges_out(node)
        .into_iter()
        .filter(|edge| !forest.is_valid(*edge))
        .filter_map(|edge| forest[edge].to)
        .collect();
    for dep in left_over {
        invalid.extend(forest.gather([*dep], |forest, edge| forest[edge].to != Some(*dep) && forest.is_valid(edge)));
    }
    let gone = forest.gather(invalid, |forest, edge| {
        forest[edge].from != Some(node) && forest[edge].to != Some(node) && forest.is_valid(edge)
    });
    for dep in gone {
        forest.detach(dep);
    }
}

/// Takes a node out, with what only it needs, if the one further up does as well; else asks the same of what stands in it.
fn prune_dedupable(forest: &mut Forest, node: NodeId, descend: bool) {
    if forest.can_dedupe(node, false) {
        let gone = forest.gather([node], |forest, edge| forest[edge].to != Some(node) && forest.is_valid(edge));
        for node in gone {
            forest.detach(node);
        }
        return;
    }
    if !descend {
        return;
    }
    let sorted = |forest: &Forest, nodes: Vec<NodeId>| {
        let mut nodes: Vec<(String, NodeId)> = nodes.into_iter().map(|node| (forest.path(node), node)).collect();
        nodes.sort_by(|(one, _), (other, _)| collate::compare(one, other));
        nodes.into_iter().map(|(_, node)| node).collect::<Vec<_>>()
    };
    let children = |forest: &Forest, node: NodeId| sorted(forest, forest[node].children.values().copied().collect());
    for child in children(forest, node) {
        prune_dedupable(forest, child, true);
    }
    for member in sorted(forest, forest[node].fs_children.clone()) {
        for child in children(forest, member) {
            prune_dedupable(forest, child, true);
        }
    }
}

/// Whether the project itself, or a member of its workspace, asks for it: then a conflict is an error.
fn is_mine(forest: &Forest, edge: EdgeId) -> bool {
    let own = |node: NodeId| forest.is_workspace(node) || forest.is_project_root(node);
    let Some(from) = forest[edge].from else { return false };
    if own(from) {
        return true;
    }
    if !forest[edge].kind.is_peer() {
        return false;
    }
    let mut has_peers = false;
    for edge in &forest[from].edges_in {
        if forest[*edge].kind.is_peer() {
            has_peers = true;
        } else if forest[*edge].from.is_some_and(own) {
            return true;
        }
    }
    has_peers && forest.peer_entry_sets(from).keys().any(|entry| forest[*entry].from.is_some_and(own))
}
