//! The files of a Go package.

mod graph_json;

use std::collections::BTreeMap;

use askama::Template;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::go::GoGraph;

use super::files::RenderError;
use super::meta::{Meta, literal};
use crate::model::Strategy;

#[derive(Template)]
#[template(path = "overlay/packages/go.nix.askama", escape = "none")]
struct PackageNix {
    meta: Meta,
    strategy: String,
    ldflags: Vec<String>,
}

/// The files of a package's folder, by name: `package.nix` and `graph.json`. `ldflags` are further arguments of Go's linker, in
/// the form of `go build -ldflags`.
///
/// # Errors
/// When upstream's text cannot be written to Nix, or a file's name leads out of its module.
pub fn files(
    plan: &Plan,
    graph: &GoGraph,
    strategy: Strategy,
    ldflags: &[String],
) -> Result<BTreeMap<&'static str, String>, RenderError> {
    let package = PackageNix {
        meta: Meta::of(plan)?,
        strategy: literal(plan, "the strategy", strategy.as_str())?,
        ldflags: ldflags.iter().map(|flag| literal(plan, "ldflags", flag)).collect::<Result<_, _>>()?,
    };
    Ok(BTreeMap::from([("package.nix", package.render()? + "\n"), ("graph.json", graph_json::render(plan, graph)?)]))
}
