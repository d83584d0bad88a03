//! What a release is made of, as the store remembers it, as a bill of materials.

use std::collections::BTreeSet;

use nixwright_resolver::plan::Metadata;
use nixwright_resolver::plan::components::{Component, Components, Hash};
use nixwright_resolver::plan::sbom;

use crate::model::AttrPath;
use crate::store::ReleaseRecord;

/// CycloneDX, the same bytes each time.
pub(crate) fn document(attr: &AttrPath, release: &ReleaseRecord) -> String {
    let graph = &release.graph;
    let purl = |place: usize| graph.nodes.get(place).map(|node| node.purl.clone());
    let mut components = Components { root: purl(graph.root).unwrap_or_default(), ..Components::default() };
    for node in &graph.nodes {
        let component = Component {
            name: node.name.clone(),
            version: node.version.clone(),
            purl: node.purl.clone(),
            license: node.license.clone(),
            hash: node.hash.as_deref().map(hash),
            builds_only: node.builds_only,
            runs: BTreeSet::new(),
        };
        components.by_purl.insert(node.purl.clone(), component);
    }
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (purl(edge.from), purl(edge.to)) {
            components.edges.entry(from).or_default().insert(to);
        }
    }
    let metadata = Metadata {
        description: release.description.clone(),
        homepage: release.homepage.clone(),
        repository: release.repository.clone(),
        license: release.license.clone(),
        rust_version: None,
    };
    let document = sbom::of_components(attr.as_str(), &components, &metadata);
    format!("{document:#}\n")
}

fn hash(text: &str) -> Hash {
    match text.strip_prefix("sha256:") {
        Some(digits) => Hash::Sha256(digits.to_owned()),
        None => Hash::Integrity(text.to_owned()),
    }
}
