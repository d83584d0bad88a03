//! The files of an npm package.

mod graph_json;

use std::collections::BTreeMap;

use askama::Template;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::NpmGraph;

use super::files::RenderError;
use super::meta::{Meta, literal};

#[derive(Template)]
#[template(path = "overlay/packages/npm.nix.askama", escape = "none")]
struct PackageNix {
    meta: Meta,
    node_engine: Option<String>,
    build_script: Option<String>,
}

/// The files of a package's folder, by name: `package.nix` and `graph.json`.
///
/// # Errors
/// When upstream's text cannot be written to Nix, or an entry has no hash that Nix can check.
pub fn files(plan: &Plan, graph: &NpmGraph) -> Result<BTreeMap<&'static str, String>, RenderError> {
    let engine = graph.entries.get(&graph.root).and_then(|root| root.node.as_deref());
    let package = PackageNix {
        meta: Meta::of(plan)?,
        node_engine: engine.map(|range| literal(plan, "engines.node", range)).transpose()?,
        build_script: graph.build.as_deref().map(|name| literal(plan, "the build script", name)).transpose()?,
    };
    Ok(BTreeMap::from([("package.nix", package.render()? + "\n"), ("graph.json", graph_json::render(plan, graph)?)]))
}

#[cfg(test)]
mod tests;
