//! Cargo projects: the graph of the lock that is there, as cargo would build the chosen members from it.
//!
//! Where there is no lock, or one that does not fit, the one that cargo makes is written as cargo would write it; from then on it
//! decides, so that running again changes nothing.

use indicatif::ProgressBar;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::{CargoGraph, Judge, Package, Selection};

use super::{GenerateError, Generated, Request, files_of};
use crate::model::{Failure, FailureClass, System};
use crate::overlay::Settings;
use crate::overlay::cargo::native::unknown;
use crate::stages::resolve::{CrateReleases, native, read_cargo_project};

/// The lock, which is cargo's and lies in the folder of the workspace.
const LOCK: &str = "Cargo.lock";

pub(super) async fn generate(
    request: Request<'_>,
    releases: &CrateReleases,
    selection: &Selection,
    progress: &ProgressBar,
) -> Result<Generated, GenerateError> {
    let project = read_cargo_project(request.folder)?;
    let workspace_above = project.above;
    let systems = request.systems.iter().map(native).collect();
    let plan = releases.project_plan(project, systems, selection.clone(), progress).await?;
    let Some(graph) = plan.cargo() else { return Err(other_graph(&plan)) };
    if !has_outputs(graph) {
        plan.require_binaries().map_err(|error| Failure::new(FailureClass::Resolve, &error))?;
    }
    let summary = summary(&plan, graph);
    let to_check = to_check(graph);
    let mut files = files_of(&plan, Settings { workspace_above, ..Settings::default() })?;
    if let Some(lock) = files.remove(LOCK) {
        files.insert(format!("{}{LOCK}", "../".repeat(workspace_above)), lock);
    }
    Ok(Generated { files, vendor: None, summary, to_check })
}

fn other_graph(plan: &Plan) -> GenerateError {
    GenerateError::Graph(Failure {
        class: FailureClass::Resolve,
        message: format!("{} has no graph of cargo's; this is a bug", plan.name),
    })
}

/// Programs, or libraries that C programs could link to.
fn has_outputs(graph: &CargoGraph) -> bool {
    let is_c = |kind: &String| matches!(kind.as_str(), "cdylib" | "staticlib");
    let mut units = graph.units.values().flat_map(|units| units.values());
    units.any(|unit| !unit.binaries.is_empty() || unit.crate_types.iter().any(is_c))
}

fn summary(plan: &Plan, graph: &CargoGraph) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let fetched = graph.packages.values().filter(|package| package.origin.is_fetched()).count();
    let units = graph.units.values().map(std::collections::BTreeMap::len).max().unwrap_or_default();
    let judge = match graph.judge {
        Judge::Facts => "",
        Judge::Cargo => ", by cargo's own word",
    };
    let binaries = Vec::from_iter(graph.binaries());
    format!(
        "{} {} (Cargo), {} of {} and {} that are fetched{judge}: {}",
        plan.name,
        plan.version,
        counted(units, "unit"),
        counted(graph.members.len(), "member"),
        counted(fetched, "package"),
        if binaries.is_empty() { "libraries for C".to_owned() } else { binaries.join(", ") }
    )
}

/// The crates that may need a library which nobody named.
fn to_check(graph: &CargoGraph) -> Vec<String> {
    let line = |package: &Package| {
        let (name, version) = (&package.name, &package.version);
        let links = package.links.as_deref().unwrap_or_default().escape_debug();
        format!(
            "{name} {version} links {links}; if that is a library, name it in overrides.nix: crates.{name}.buildInputs"
        )
    };
    unknown(graph, &[System::current()]).into_iter().map(line).collect()
}
