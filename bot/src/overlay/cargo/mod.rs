//! The files of a Rust package.

pub mod graph_json;

use std::collections::BTreeMap;

use askama::Template;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::CargoGraph;

pub use self::graph_json::Lto;
use super::files::RenderError;
use super::meta::{Meta, literal};
use crate::model::Strategy;

#[derive(Template)]
#[template(path = "overlay/packages/cargo.nix.askama", escape = "none")]
struct PackageNix {
    meta: Meta,
    strategy: String,
    rust_version: Option<String>,
    /// The folder of a project, where that is not the package's own: a path of Nix.
    project: Option<String>,
}

/// The files of a package's folder, by name. The project of a package that is one lies as many folders `above` it.
///
/// # Errors
/// When upstream's text cannot be written to Nix.
pub(super) fn files(
    plan: &Plan,
    graph: &CargoGraph,
    strategy: Strategy,
    lto: Lto<'_>,
    above: usize,
) -> Result<BTreeMap<&'static str, String>, RenderError> {
    let rust_version = plan.metadata.rust_version.as_deref();
    let package = PackageNix {
        meta: Meta::of(plan)?,
        strategy: literal(plan, "the strategy", strategy.as_str())?,
        rust_version: rust_version.map(|text| literal(plan, "the rust-version", text)).transpose()?,
        project: (above > 0).then(|| format!("./{}", vec![".."; above].join("/"))),
    };
    let mut files = BTreeMap::from([
        ("package.nix", package.render()? + "\n"),
        ("graph.json", graph_json::render(plan, graph, lto)),
    ]);
    if let Some(lock) = &graph.lock {
        files.insert("Cargo.lock", lock.clone());
    }
    Ok(files)
}
