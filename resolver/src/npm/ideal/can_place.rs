//! Whether a dependency, with the peers that it needs beside it, can stand in a folder's `node_modules`.

use std::rc::Rc;

use crate::npm::tree::{EdgeId, Forest, NodeId};

/// What placing would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing stands there.
    Ok,
    /// What stands there gives way.
    Replace,
    /// What stands there will do.
    Keep,
    /// Somebody would get what they cannot use.
    Conflict,
}

/// A question that has been answered: this dependency, there, for that edge.
#[derive(Debug)]
pub(super) struct CanPlace {
    pub(super) target: NodeId,
    /// With its peers.
    pub(super) verdict: Verdict,
    /// Leaving its peers out of account.
    pub(super) alone: Verdict,
    edge: EdgeId,
    name: Rc<str>,
    parent: Option<Rc<CanPlace>>,
}

impl CanPlace {
    /// The edge that began it all: not a peer's.
    fn entry(&self) -> EdgeId {
        self.parent.as_ref().map_or(self.edge, |parent| parent.entry())
    }

    fn deepest_target(&self, forest: &Forest) -> Option<NodeId> {
        let start = match &self.parent {
            Some(parent) => parent.deepest_target(forest)?,
            None => forest[self.edge].from?,
        };
        Some(forest.deepest_target(start, &self.name))
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) dep: NodeId,
    pub(super) target: NodeId,
    pub(super) edge: EdgeId,
    pub(super) parent: Option<Rc<CanPlace>>,
    pub(super) prefer_dedupe: bool,
    pub(super) peer_path: Vec<NodeId>,
}

/// The state of an answer in the making.
struct Asking<'a> {
    forest: &'a Forest,
    question: Question,
    /// As the peers see it: without verdicts yet.
    own: Rc<CanPlace>,
    prefer_dedupe: bool,
    current: Option<NodeId>,
    alone: Option<Verdict>,
    with_peers: Option<Verdict>,
}

/// Answers a question; changes nothing.
pub(super) fn can_place(forest: &Forest, question: Question) -> Rc<CanPlace> {
    let name = forest[question.edge].name.clone();
    let own = Rc::new(CanPlace {
        target: question.target,
        verdict: Verdict::Conflict,
        alone: Verdict::Conflict,
        edge: question.edge,
        name: name.clone(),
        parent: question.parent.clone(),
    });
    let mut asking = Asking {
        forest,
        prefer_dedupe: question.prefer_dedupe || forest[question.edge].kind.is_peer(),
        current: forest.child(question.target, &name),
        own,
        question,
        alone: None,
        with_peers: None,
    };
    let verdict = asking.judge();
    let alone = asking.alone.unwrap_or(verdict);
    let Question { target, edge, parent, .. } = asking.question;
    Rc::new(CanPlace { target, verdict, alone, edge, name, parent })
}

impl Asking<'_> {
    fn judge(&mut self) -> Verdict {
        let Question { dep, target, edge, .. } = self.question;
        if self.forest[dep].error.is_some() {
            return if self.current.is_some() { Verdict::Replace } else { Verdict::Ok };
        }
        let target_edge = self.forest.edge_out(target, &self.own.name);
        if let Some(own) = target_edge {
            if self.forest[own].kind.is_peer() && !self.forest.is_top(target) {
                return Verdict::Conflict;
            }
            if self.current.is_none() && own != edge && !self.forest.satisfied_by(own, dep) {
                return Verdict::Conflict;
            }
        }
        match self.current {
            Some(current) => self.judge_current(current),
            None => self.judge_empty(),
        }
    }

    fn judge_current(&mut self, current: NodeId) -> Verdict {
        let forest = self.forest;
        let Question { dep, target, edge, .. } = self.question;
        let satisfied = forest.satisfied_by(edge, current);
        if forest.matches(dep, current) && (satisfied || !forest.satisfied_by(edge, dep)) {
            return Verdict::Keep;
        }
        let version = |id: NodeId| forest[forest.target(id)].package.semver.as_ref();
        let newer = version(dep).zip(version(current)).is_some_and(|(new, old)| new.compare(old).is_ge());
        if newer && forest.can_replace(dep, current, &[]) {
            let verdict = self.judge_peers(Verdict::Replace);
            if verdict != Verdict::Conflict {
                return verdict;
            }
        }
        if satisfied {
            return Verdict::Keep;
        }
        if self.prefer_dedupe && !newer && forest.can_replace(dep, current, &[]) {
            let verdict = self.judge_peers(Verdict::Replace);
            if verdict != Verdict::Conflict {
                return verdict;
            }
        }
        // No deeper place, so it stands here or nowhere.
        if self.own.deepest_target(forest) != Some(target) {
            return Verdict::Conflict;
        }
        let is_peer = forest[edge].kind.is_peer();
        if !is_peer && forest[edge].from == Some(target) {
            return self.judge_peers(Verdict::Replace);
        }
        if self.question.parent.is_none() && !is_peer {
            return Verdict::Conflict;
        }
        if self.may_push_out(current) { self.judge_peers(Verdict::Replace) } else { Verdict::Conflict }
    }

    /// Whether every peer set that the present one belongs to is content with the new one, or can move deeper.
    fn may_push_out(&self, current: NodeId) -> bool {
        let forest = self.forest;
        let Question { dep, target, edge, .. } = self.question;
        let mut may = true;
        let Some(virtual_root) = forest[dep].parent else { return true };
        for (entry, peers) in forest.peer_entry_sets(current) {
            if entry == edge || entry == self.own.entry() {
                continue;
            }
            let Some(entry_node) = forest[entry].to else { continue };
            let replacement = forest.child(virtual_root, &forest[entry_node].name);
            if let Some(replacement) = replacement {
                let names: Vec<&str> = forest[virtual_root].children.values().map(|kid| &*forest[*kid].name).collect();
                if forest.can_replace(replacement, entry_node, &names) {
                    continue;
                }
            } else if self.peers_are_content(entry_node, virtual_root) {
                continue;
            }
            let Some(from) = forest[entry].from else { continue };
            for peer in peers {
                let deepest = forest.deepest_target(from, &forest[peer].name);
                if deepest == target || forest.is_descendant_of(target, deepest) {
                    may = false;
                    break;
                }
            }
        }
        may
    }

    fn peers_are_content(&self, entry: NodeId, virtual_root: NodeId) -> bool {
        let forest = self.forest;
        let mut walk = vec![entry];
        let mut next = 0;
        while let Some(peer) = walk.get(next).copied() {
            next += 1;
            for edge in forest.edges_out(peer) {
                if !forest[edge].kind.is_peer() || !forest.is_valid(edge) {
                    continue;
                }
                match forest.child(virtual_root, &forest[edge].name) {
                    Some(replacement) if !forest.satisfied_by(edge, replacement) => return false,
                    Some(_) => {}
                    None => {
                        if let Some(to) = forest[edge].to
                            && !walk.contains(&to)
                        {
                            walk.push(to);
                        }
                    }
                }
            }
        }
        true
    }

    fn judge_empty(&mut self) -> Verdict {
        let forest = self.forest;
        let Question { dep, target, .. } = self.question;
        if forest[self.own.entry()].from != Some(target)
            && let Some(shadowed) = forest.resolve(target, &crate::npm::tree::key(&self.own.name))
        {
            for edge in &forest[shadowed].edges_in {
                let below = forest[*edge].from.is_some_and(|from| forest.is_descendant_of(from, target));
                if below && forest.is_valid(*edge) && !forest.satisfied_by(*edge, dep) {
                    return Verdict::Conflict;
                }
            }
        }
        self.judge_peers(Verdict::Ok)
    }

    fn judge_peers(&mut self, alone: Verdict) -> Verdict {
        self.alone = Some(alone);
        if let Some(known) = self.with_peers {
            return known;
        }
        let forest = self.forest;
        let Question { dep, target, .. } = self.question;
        let mut path = self.question.peer_path.clone();
        path.push(dep);
        let mut conflict = false;
        for edge in forest.edges_out(dep) {
            let Some(peer) = forest[edge].to.filter(|_| forest[edge].kind.is_peer()) else { continue };
            if path.contains(&peer) {
                continue;
            }
            let question = Question {
                dep: peer,
                target: forest.deepest_target(target, &forest[peer].name),
                edge,
                parent: Some(self.own.clone()),
                prefer_dedupe: true,
                peer_path: path.clone(),
            };
            conflict |= can_place(forest, question).verdict == Verdict::Conflict;
        }
        let verdict = if conflict { Verdict::Conflict } else { alone };
        self.with_peers = Some(verdict);
        verdict
    }
}
