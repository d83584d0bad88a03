//! The files of a Go package.

mod graph_json;
#[cfg(test)]
mod tests;

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
    let mut meta = Meta::of(plan)?;
    meta.pname = literal(plan, "the name", program(plan, graph))?;
    // Nix takes what follows `-` for a version only where it begins with a digit.
    let version = plan.version.strip_prefix('v').unwrap_or(&plan.version);
    meta.version = literal(plan, "the version", version)?;
    let package = PackageNix {
        meta,
        strategy: literal(plan, "the strategy", strategy.as_str())?,
        ldflags: ldflags.iter().map(|flag| literal(plan, "ldflags", flag)).collect::<Result<_, _>>()?,
    };
    Ok(BTreeMap::from([("package.nix", package.render()? + "\n"), ("graph.json", graph_json::render(plan, graph)?)]))
}

/// What people call the package: its program, or, where there are several, the end of its module's path.
fn program<'a>(plan: &'a Plan, graph: &'a GoGraph) -> &'a str {
    let names = graph.binaries();
    if let (1, Some(only)) = (names.len(), names.first()) {
        only
    } else {
        let is_major = |element: &&str| element.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
        plan.name.split('/').rev().find(|element| !is_major(element)).unwrap_or(&plan.name)
    }
}
