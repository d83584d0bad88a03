//! The files of a Rust package.

pub mod graph_json;
pub mod native;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::CargoGraph;

pub use self::graph_json::Lto;
use super::files::{RenderError, Settings};
use super::meta::{Meta, literal};
use crate::config::NativeInputs;
use crate::model::Strategy;

#[derive(Template)]
#[template(path = "overlay/packages/cargo.nix.askama", escape = "none")]
struct PackageNix {
    meta: Meta,
    strategy: String,
    rust_version: Option<String>,
    /// The folder of a project, where that is not the package's own: a path of Nix.
    project: Option<String>,
    native: Vec<CrateInputs>,
}

/// What the configuration says that a crate needs; every text is a Nix literal.
struct CrateInputs {
    name: String,
    native_build_inputs: Vec<String>,
    build_inputs: Vec<String>,
    env: Vec<(String, String)>,
}

impl CrateInputs {
    fn of(plan: &Plan, name: &str, inputs: &NativeInputs) -> Result<Self, RenderError> {
        let input = |text: &String| literal(plan, "an input", text);
        let variable = |(name, value): (&String, &String)| Ok((name.clone(), literal(plan, "a variable", value)?));
        Ok(Self {
            name: literal(plan, "the name of a crate", name)?,
            native_build_inputs: inputs.native_build_inputs.iter().map(input).collect::<Result<_, _>>()?,
            build_inputs: inputs.build_inputs.iter().map(input).collect::<Result<_, _>>()?,
            env: inputs.env.iter().map(variable).collect::<Result<_, RenderError>>()?,
        })
    }

    fn is_empty(&self) -> bool {
        self.native_build_inputs.is_empty() && self.build_inputs.is_empty() && self.env.is_empty()
    }
}

/// The files of a package's folder, by name.
///
/// # Errors
/// When upstream's text cannot be written to Nix.
pub(super) fn files(
    plan: &Plan,
    graph: &CargoGraph,
    strategy: Strategy,
    settings: Settings<'_>,
) -> Result<BTreeMap<&'static str, String>, RenderError> {
    let Settings { lto, workspace_above: above, native, .. } = settings;
    // What is said of crates that this release does not have is left out: another release may have them.
    let names: BTreeSet<&str> = graph.packages.values().map(|package| package.name.as_str()).collect();
    let native = native.into_iter().flatten().filter(|(name, _)| names.contains(name.as_str()));
    let rust_version = plan.metadata.rust_version.as_deref();
    let package = PackageNix {
        meta: Meta::of(plan)?,
        strategy: literal(plan, "the strategy", strategy.as_str())?,
        rust_version: rust_version.map(|text| literal(plan, "the rust-version", text)).transpose()?,
        project: (above > 0).then(|| format!("./{}", vec![".."; above].join("/"))),
        native: native.map(|(name, inputs)| CrateInputs::of(plan, name, inputs)).collect::<Result<_, _>>()?,
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

#[cfg(test)]
mod tests;
