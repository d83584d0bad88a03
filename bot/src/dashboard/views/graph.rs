//! The dependency graph of a release: what is in it, what needs what, and what of it had to be built.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::package::ecosystem;
use super::{Source, dependency_path};
use crate::model::AttrPath;
use crate::store::{DerivationState, GraphEdge, GraphNode, ReleaseGraph, RunId, StoreError};

/// What a graph's page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct GraphQuery {
    /// Of which release; the newest that is known without it.
    pub(crate) version: Option<String>,
    /// Only what leads to this package and what it needs.
    pub(crate) focus: Option<String>,
}

/// A graph's page.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct GraphDoc {
    pub(crate) attr: AttrPath,
    pub(crate) ecosystem: String,
    pub(crate) version: String,
    /// Releases whose graph is known.
    pub(crate) versions: Vec<String>,
    /// The run that tells what was built.
    pub(crate) run: Option<RunId>,
    pub(crate) query: GraphQuery,
    pub(crate) root: usize,
    pub(crate) nodes: Vec<NodeDoc>,
    pub(crate) edges: Vec<GraphEdge>,
}

/// A package in the graph.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct NodeDoc {
    pub(crate) purl: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) builds_only: bool,
    pub(crate) runs: Vec<String>,
    /// What became of it in the run; nothing if it has no derivation of its own.
    pub(crate) state: NodeState,
    /// Its longest way from the root.
    pub(crate) depth: usize,
    /// How many it needs itself.
    pub(crate) needs: usize,
    /// How many need it.
    pub(crate) needed_by: usize,
}

/// What became of a package in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NodeState {
    /// It has no derivation of its own, or there was no run.
    Source,
    /// Everything of it was there already.
    Reused,
    /// Something of it had to be built.
    Built,
    /// Something of it failed.
    Failed,
}

impl NodeState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Reused => "reused",
            Self::Built => "built",
            Self::Failed => "failed",
        }
    }

    /// For a person.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Source => "no unit of its own",
            Self::Reused => "reused",
            Self::Built => "rebuilt",
            Self::Failed => "failed",
        }
    }
}

impl NodeDoc {
    pub(crate) fn path(&self) -> String {
        dependency_path(ecosystem(&self.purl), &self.name)
    }
}

/// A row of the table.
pub(crate) struct Shown<'a> {
    /// Its place among all.
    pub(crate) place: usize,
    pub(crate) doc: &'a NodeDoc,
}

impl GraphDoc {
    /// The nodes as the table has them: the root, then by depth and name.
    pub(crate) fn shown(&self) -> Vec<Shown<'_>> {
        let mut shown: Vec<Shown<'_>> =
            self.nodes.iter().enumerate().map(|(place, doc)| Shown { place, doc }).collect();
        shown.sort_by_key(|row| (row.place != self.root, row.doc.depth, row.doc.name.clone()));
        shown
    }

    /// The graph as a picture.
    pub(crate) fn picture(&self) -> String {
        crate::dashboard::charts::graph(self)
    }

    /// Nothing if no graph of the package is known.
    pub(crate) async fn load(
        source: Source<'_>,
        attr: &AttrPath,
        asked: &GraphQuery,
    ) -> Result<Option<Self>, StoreError> {
        let store = source.store;
        let Some(release) = store.release(attr, asked.version.as_deref()).await? else { return Ok(None) };
        let run = store.last_run(attr, &release.version).await?;
        let states = match &run {
            Some(run) => states(&store.derivations(run.id).await?),
            None => BTreeMap::new(),
        };
        let ReleaseGraph { root, nodes, edges } = release.graph;
        let depths = depths(root, nodes.len(), &edges);
        let mut docs: Vec<NodeDoc> =
            nodes.into_iter().zip(depths).map(|(node, depth)| node_doc(node, depth, &states)).collect();
        for edge in &edges {
            docs[edge.from].needs += 1;
            docs[edge.to].needed_by += 1;
        }
        Ok(Some(Self {
            attr: attr.clone(),
            ecosystem: docs.get(root).map_or("", |node| ecosystem(&node.purl)).to_owned(),
            versions: store.release_versions(attr).await?,
            version: release.version,
            run: run.map(|run| run.id),
            query: asked.clone(),
            root,
            nodes: docs,
            edges,
        }))
    }

    pub(crate) fn count(&self, state: NodeState) -> usize {
        self.nodes.iter().filter(|node| node.state == state).count()
    }
}

fn node_doc(node: GraphNode, depth: usize, states: &BTreeMap<String, NodeState>) -> NodeDoc {
    let own = format!("{}-{}", node.name, node.version);
    // A derivation's name is the package's, perhaps with what part of it is meant.
    let parts = states.range(own.clone()..).take_while(|(name, _)| name.starts_with(&own));
    let state = parts
        .filter(|(name, _)| name.len() == own.len() || name[own.len()..].starts_with('-'))
        .map(|(_, state)| *state)
        .max();
    NodeDoc {
        purl: node.purl,
        name: node.name,
        version: node.version,
        license: node.license,
        builds_only: node.builds_only,
        runs: node.runs,
        state: state.unwrap_or(NodeState::Source),
        depth,
        needs: 0,
        needed_by: 0,
    }
}

/// What became of each derivation, by its name.
fn states(records: &[crate::store::DerivationRecord]) -> BTreeMap<String, NodeState> {
    let mut states = BTreeMap::new();
    for record in records {
        let state = match record.outcome {
            DerivationState::Reused => NodeState::Reused,
            DerivationState::Built | DerivationState::Building | DerivationState::Ended => NodeState::Built,
            DerivationState::Failed
            | DerivationState::DependencyFailed
            | DerivationState::TimedOut
            | DerivationState::HashMismatch => NodeState::Failed,
        };
        let known = states.entry(record.name.clone()).or_insert(state);
        *known = (*known).max(state);
    }
    states
}

/// The longest way from the root to each node; 0 for the root and what it does not lead to. A graph of npm may go in circles: an
/// edge back to where the way came from does not count.
pub(crate) fn depths(root: usize, nodes: usize, edges: &[GraphEdge]) -> Vec<usize> {
    let mut needs = vec![Vec::new(); nodes];
    for edge in edges {
        needs[edge.from].push(edge.to);
    }
    // Depth first with a list of its own, so that no depth of a graph is too much: the order in which nodes are left, backwards,
    // puts each before what it needs, but for edges of circles.
    let (mut order, mut seen) = (Vec::with_capacity(nodes), vec![false; nodes]);
    let mut stack = Vec::new();
    if root < nodes {
        seen[root] = true;
        stack.push((root, 0));
    }
    while let Some((node, next)) = stack.pop() {
        if let Some(&to) = needs[node].get(next) {
            stack.push((node, next + 1));
            if !std::mem::replace(&mut seen[to], true) {
                stack.push((to, 0));
            }
        } else {
            order.push(node);
        }
    }
    order.reverse();
    let mut place = vec![usize::MAX; nodes];
    for (at, &node) in order.iter().enumerate() {
        place[node] = at;
    }
    let mut depth = vec![0; nodes];
    for &node in &order {
        for &to in &needs[node] {
            if place[to] > place[node] {
                depth[to] = depth[to].max(depth[node] + 1);
            }
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::depths;
    use crate::store::GraphEdge;

    #[test]
    fn a_depth_is_the_longest_way_and_circles_end() {
        let edge = |(from, to)| GraphEdge { from, to };
        let edges: Vec<GraphEdge> = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 1)].map(edge).into();
        assert_eq!(depths(0, 5, &edges), [0, 1, 2, 3, 0]);
        let long: Vec<GraphEdge> = (0..50_000).map(|node| edge((node, node + 1))).collect();
        assert_eq!(depths(0, 50_001, &long)[50_000], 50_000);
    }
}
