//! Packages that import each other.

use super::error::PackageError;
use super::load::Node;
use crate::go::GoError;
use crate::go::constraint::Mask;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Adds the cycles to what is wrong. First all systems are looked at together, which is enough where there are none.
pub(super) fn find(nodes: &[Node<'_>], problems: &mut Vec<(Mask, GoError)>) {
    if first(nodes, Mask::MAX).is_none() {
        return;
    }
    for bit in 0..Mask::BITS {
        let system = 1 << bit;
        if let Some(chain) = first(nodes, system) {
            problems.push((system, PackageError::Cycle { chain }.into()));
        }
    }
}

/// A cycle on one of some systems: from a package on, back to it.
fn first(nodes: &[Node<'_>], on: Mask) -> Option<Vec<String>> {
    let mut states = vec![State::New; nodes.len()];
    for start in 0..nodes.len() {
        // The way from the start, each with the place of the import that is looked at next.
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            let state = states.get_mut(*node)?;
            if *state == State::Done {
                way.pop();
                continue;
            }
            *state = State::Open;
            let import = nodes.get(*node).and_then(|entry| entry.imports.iter().chain(&entry.implied).nth(*next));
            let Some((target, mask)) = import else {
                *state = State::Done;
                way.pop();
                continue;
            };
            *next += 1;
            if mask & on == 0 {
                continue;
            }
            match states.get(*target) {
                Some(State::New) => way.push((*target, 0)),
                Some(State::Open) => return Some(chain(nodes, &way, *target)),
                Some(State::Done) | None => {}
            }
        }
    }
    None
}

fn chain(nodes: &[Node<'_>], way: &[(usize, usize)], target: usize) -> Vec<String> {
    let name = |node: usize| nodes.get(node).map(|node| node.path.clone()).unwrap_or_default();
    let inside = way.iter().skip_while(|(node, _)| *node != target).map(|(node, _)| name(*node));
    inside.chain([name(target)]).collect()
}
