//! Conflicts, explained as chains that a person can follow.

use std::fmt::Write as _;

use super::tree::{EdgeId, Forest, NodeId};

/// How many packages a chain names before it says "…".
const LONGEST_CHAIN: usize = 8;

/// `name@version`, or what the project is called.
pub(super) fn label(forest: &Forest, node: NodeId) -> String {
    let real = forest[node].source.unwrap_or(node);
    if forest.is_project_root(real) {
        return "the project".to_owned();
    }
    let version = forest.version(real);
    if version.is_empty() { forest[real].name.to_string() } else { format!("{}@{version}", forest[real].name) }
}

/// Why a dependency can stand nowhere.
pub(super) fn conflict(forest: &Forest, edge: EdgeId, dep: NodeId) -> String {
    let mut text = format!("{} needs {}, which can stand nowhere in the tree", who(forest, edge), label(forest, dep));
    if let Some(from) = forest[edge].from {
        let there = forest.resolve(from, &super::tree::key(&forest[edge].name));
        if let Some(there) = there {
            let _ = write!(text, ": {} is there ({})", label(forest, there), chain(forest, there));
        }
        for peer in forest.edges_out(dep).into_iter().filter(|peer| forest[*peer].kind.is_peer()) {
            if let Some(there) = forest.resolve(from, &super::tree::key(&forest[peer].name))
                && !forest.satisfied_by(peer, there)
            {
                let (name, spec) = (&forest[peer].name, forest.edge_spec(peer));
                let _ = write!(
                    text,
                    "; it needs {name}@{spec} beside it, and {} is there ({})",
                    label(forest, there),
                    chain(forest, there)
                );
            }
        }
    }
    text
}

/// Why a set of peers contradicts itself.
pub(super) fn peer_conflict(forest: &Forest, edge: EdgeId, current: Option<EdgeId>) -> String {
    let (name, spec) = (forest[edge].name.clone(), forest.edge_spec(edge));
    let mut text = format!("{} needs {name}@{spec} beside it", who(forest, edge));
    if let Some(current) = current {
        let _ = write!(text, ", but {} needs {name}@{}", who(forest, current), forest.edge_spec(current));
    } else if let Some(to) = forest[edge].to {
        let _ = write!(text, ", but {} is there ({})", label(forest, to), chain(forest, to));
    }
    text + "; no version answers both"
}

fn who(forest: &Forest, edge: EdgeId) -> String {
    forest[edge].from.map_or_else(|| "something".to_owned(), |from| label(forest, from))
}

/// Who needs a node, up to the project.
fn chain(forest: &Forest, node: NodeId) -> String {
    let mut names = Vec::new();
    let mut seen = vec![node];
    let mut current = node;
    while let Some(edge) = forest
        .edges_in(current)
        .into_iter()
        .find(|edge| forest[*edge].from.is_some_and(|from| !seen.contains(&from)) && forest.is_valid(*edge))
    {
        let Some(from) = forest[edge].from else { break };
        names.push(format!("{}@{} for {}", forest[edge].name, forest.edge_spec(edge), label(forest, from)));
        if names.len() == LONGEST_CHAIN {
            names.push("…".to_owned());
            break;
        }
        seen.push(from);
        current = from;
    }
    if names.is_empty() { "nobody needs it any more".to_owned() } else { names.join(", ") }
}
