//! The dependency graph of a release: what is in it, what needs what, and what of it had to be built.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::package::ecosystem;
use super::{Source, dependency_path};
use crate::model::AttrPath;
use crate::store::{DerivationRecord, DerivationState, GraphEdge, GraphNode, ReleaseGraph, RunId, StoreError};

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
        let records = match &run {
            Some(run) => store.derivations(run.id).await?,
            None => Vec::new(),
        };
        let states = states(attr, &release.graph, &records);
        let ReleaseGraph { root, nodes, edges } = release.graph;
        let depths = depths(root, nodes.len(), &edges);
        let nodes = nodes.into_iter().zip(depths).zip(states);
        let mut docs: Vec<NodeDoc> = nodes.map(|((node, depth), state)| node_doc(node, depth, state)).collect();
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

fn node_doc(node: GraphNode, depth: usize, state: NodeState) -> NodeDoc {
    NodeDoc {
        purl: node.purl,
        name: node.name,
        version: node.version,
        license: node.license,
        builds_only: node.builds_only,
        runs: node.runs,
        state,
        depth,
        needs: 0,
        needed_by: 0,
    }
}

/// What became of each package of a graph, from the derivations of a run.
fn states(attr: &AttrPath, release: &ReleaseGraph, records: &[DerivationRecord]) -> Vec<NodeState> {
    let mut owners: BTreeMap<String, usize> =
        release.nodes.iter().enumerate().map(|(place, node)| (derivation_name(node), place)).collect();
    if let Some(root) = release.nodes.get(release.root) {
        owners.insert(format!("{attr}-{}", root.version), release.root);
    }
    let mut states = vec![NodeState::Source; release.nodes.len()];
    for record in records {
        let state = match record.outcome {
            DerivationState::Reused => NodeState::Reused,
            DerivationState::Built | DerivationState::Building | DerivationState::Ended => NodeState::Built,
            DerivationState::Failed
            | DerivationState::DependencyFailed
            | DerivationState::TimedOut
            | DerivationState::HashMismatch => NodeState::Failed,
        };
        if let Some(place) = owner(&record.name, &owners, &release.nodes) {
            states[place] = states[place].max(state);
        }
    }
    states
}

/// How the names of a package's derivations begin, as the overlay's builders make them (`lib/cargo/units.nix`, `lib/npm/scripts.nix`,
/// `lib/go/names.nix`). Those of Go have the module's version at their end.
fn derivation_name(node: &GraphNode) -> String {
    match ecosystem(&node.purl) {
        "golang" => format!("go-{}", store_name(&node.name)),
        "npm" => format!("npm-{}-{}", store_name(&node.name), store_name(&node.version)),
        _ => format!("{}-{}", node.name, node.version),
    }
}

/// A name for the store: what a store path cannot have becomes `-`, and falls away at an end.
fn store_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | '?' | '=');
    name.split(|c| !fits(c)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The package that a derivation is of: the one whose name is the longest beginning of its own.
fn owner(derivation: &str, owners: &BTreeMap<String, usize>, nodes: &[GraphNode]) -> Option<usize> {
    let mut beginning = derivation;
    loop {
        if let Some(&place) = owners.get(beginning) {
            let node = nodes.get(place)?;
            let is_go = beginning.starts_with("go-") && ecosystem(&node.purl) == "golang";
            if !is_go || derivation[beginning.len()..].ends_with(&format!("-{}", store_name(&node.version))) {
                return Some(place);
            }
        }
        beginning = beginning.rsplit_once('-')?.0;
    }
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
    use super::{NodeState, depths, states};
    use crate::store::{DerivationRecord, DerivationState, GraphEdge, GraphNode, ReleaseGraph};

    #[test]
    fn a_depth_is_the_longest_way_and_circles_end() {
        let edge = |(from, to)| GraphEdge { from, to };
        let edges: Vec<GraphEdge> = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 1)].map(edge).into();
        assert_eq!(depths(0, 5, &edges), [0, 1, 2, 3, 0]);
        let long: Vec<GraphEdge> = (0..50_000).map(|node| edge((node, node + 1))).collect();
        assert_eq!(depths(0, 50_001, &long)[50_000], 50_000);
    }

    #[test]
    fn derivations_are_told_from_one_another_by_the_names_that_the_builders_give_them() {
        use DerivationState::{Built, Failed, Reused};

        let node = |(purl, name, version): &(&str, &str, &str)| GraphNode {
            purl: format!("pkg:{purl}"),
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            license: None,
            hash: None,
            builds_only: false,
            runs: Vec::new(),
        };
        let check = |nodes: &[(&str, &str, &str)], records: &[(&str, DerivationState)]| {
            let release = ReleaseGraph { root: 0, nodes: nodes.iter().map(node).collect(), edges: Vec::new() };
            let record = |(name, outcome): &(&str, DerivationState)| DerivationRecord {
                drv: String::new(),
                name: (*name).to_owned(),
                outcome: *outcome,
                elapsed: None,
            };
            let records: Vec<DerivationRecord> = records.iter().map(record).collect();
            states(&"tool".parse().unwrap(), &release, &records)
        };
        let cargo = [
            ("cargo/upstream", "upstream", "1.0.0"),
            ("cargo/serde", "serde", "1.0.0"),
            ("cargo/serde", "serde", "1.0.0-rc.1"),
            ("cargo/plain", "plain", "2.0.0"),
        ];
        let records =
            [("tool-1.0.0", Built), ("serde-1.0.0-run", Built), ("serde-1.0.0", Reused), ("serde-1.0.0-rc.1", Failed)];
        assert_eq!(check(&cargo, &records), [NodeState::Built, NodeState::Built, NodeState::Failed, NodeState::Source]);
        let go = [
            ("golang/forge.example/a/tool", "forge.example/a/tool", "v0.65.2"),
            ("golang/forge.example/x", "forge.example/x", "v0.1.0"),
            ("golang/forge.example/x/sys", "forge.example/x/sys", "v0.30.0"),
        ];
        let records = [
            ("go-forge.example-a-tool-src-v0.65.2", Failed),
            ("go-forge.example-x-sys-unix-v0.30.0", Built),
            ("go-forge.example-x-deep-v0.1.0", Reused),
        ];
        assert_eq!(check(&go, &records), [NodeState::Failed, NodeState::Reused, NodeState::Built]);
        let npm = [("npm/tool", "tool", "1.0.0"), ("npm/%40scope/native", "@scope/native", "3.0.0")];
        let records = [("tool-1.0.0", Built), ("npm-scope-native-3.0.0", Reused)];
        assert_eq!(check(&npm, &records), [NodeState::Built, NodeState::Reused]);
    }
}
