//! Why an entry is there: `dev`, `optional`, `devOptional`, `peer`, or nothing reaches it at all.

use std::collections::HashSet;

use super::manifest::EdgeKind;
use super::tree::{Flags, Forest, NodeId};

/// Works out the flags of a tree whose nodes all have every flag set, or were left as they were when nothing changed.
pub(super) fn calculate(forest: &mut Forest, root: NodeId) {
    forest[root].flags = Flags::UNSET;
    let mut seen = HashSet::new();
    let mut queue = vec![root];
    while let Some(node) = queue.pop() {
        seen.insert(node);
        let flags = forest[node].flags;
        if !flags.extraneous {
            let mut above = forest.resolve_parent(node);
            while let Some(id) = above.filter(|id| forest[*id].flags.extraneous) {
                forest[id].flags.extraneous = false;
                above = forest.resolve_parent(id);
            }
        }
        if forest[node].link.is_some() {
            let target = forest.target(node);
            if target == node {
                continue;
            }
            let of = &mut forest[target].flags;
            let before = *of;
            of.dev &= flags.dev;
            of.optional &= flags.optional;
            of.dev_optional &= flags.dev_optional;
            of.peer &= flags.peer;
            of.extraneous &= flags.extraneous;
            if *of != before || !seen.contains(&target) {
                queue.push(target);
            }
            continue;
        }
        for edge in forest.edges_out(node) {
            let (kind, to) = (forest[edge].kind, forest[edge].to);
            let Some(to) = to else { continue };
            let after = through(kind, flags, forest[to].flags);
            if after != forest[to].flags {
                forest[to].flags = after;
                queue.push(to);
            }
        }
    }
    for node in seen {
        let flags = &mut forest[node].flags;
        if node != root && flags.dev || flags.optional {
            flags.dev_optional = false;
        }
    }
}

/// The flags of a node that is reached over an edge of this kind from one with flags of its own.
fn through(kind: EdgeKind, from: Flags, mut to: Flags) -> Flags {
    let (peer, optional, dev) = (kind.is_peer(), kind.is_optional(), kind == EdgeKind::Dev);
    to.extraneous &= from.extraneous || (peer && optional);
    to.dev &= from.dev || dev;
    to.optional &= from.optional || optional;
    to.dev_optional &= from.dev_optional || from.dev || from.optional || dev || optional;
    to.peer &= from.peer || peer;
    to
}
