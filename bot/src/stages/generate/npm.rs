//! npm projects: the graph of the lock that is there, else the one that npm would make.
//!
//! What npm would make changes with the registry. So that running again changes nothing, a graph without a lock keeps a
//! fingerprint of the manifests that it was made for, and stays as long as these do.

use std::collections::BTreeSet;
use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::npm::catalog::{Project, Target};
use nixwright_resolver::npm::lockfiles::own_entry;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::{Entry, Judge, NpmGraph, Source};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{GenerateError, Generated, Request, files_of};
use crate::clients::files;
use crate::model::{Failure, FailureClass, System};
use crate::overlay::Settings;
use crate::stages::resolve::{NpmTrees, project_plan, read_project};

/// The file of the resolved graph.
const GRAPH: &str = "graph.json";

pub(super) async fn generate(
    request: Request<'_>,
    trees: &NpmTrees,
    progress: &ProgressBar,
) -> Result<Generated, GenerateError> {
    let project = read_project(request.folder)?;
    let systems = request.systems.iter().map(System::to_string).collect();
    let target = Target { node: trees.node.clone(), systems, before: None };
    if let Some(graph) = trees.locked(&project, &target, request.folder, progress).await? {
        return generated(&project, graph, None);
    }
    let inputs = fingerprint(&project, &target);
    let kept = if request.update { None } else { kept_graph(request.folder, &inputs)? };
    if let Some(graph) = kept {
        let mut generated = generated(&project, root_alone(&project)?, None)?;
        generated.summary = format!("{}, as it was resolved before (look again with --update)", title(&project)?);
        generated.files.insert(GRAPH.to_owned(), graph);
        return Ok(generated);
    }
    let graph = trees.tree(&project, &target, request.folder, progress).await?;
    generated(&project, graph, Some(&inputs))
}

/// The files of a graph.
fn generated(project: &Project, graph: NpmGraph, inputs: Option<&str>) -> Result<Generated, GenerateError> {
    let origin = match &graph.judge {
        Judge::Shipped { file } => format!("as {file} has it"),
        Judge::Rules { npm } | Judge::Npm { npm, .. } => format!("as npm {npm} would install it; there is no lock"),
    };
    let plan = project_plan(project, graph)?;
    let packages = plan.npm().map_or(0, packages);
    let plural = if packages == 1 { "" } else { "s" };
    let summary = format!("{}, {packages} package{plural} {origin}", title(project)?);
    let mut files = files_of(&plan, Settings::default())?;
    if let (Some(inputs), Some(graph)) = (inputs, files.get_mut(GRAPH)) {
        *graph = with_inputs(graph, inputs);
    }
    Ok(Generated { files, vendor: None, summary, to_check: Vec::new() })
}

/// The packages that are fetched.
fn packages(graph: &NpmGraph) -> usize {
    let own = |entry: &&Entry| matches!(entry.source, Source::Directory | Source::Link { .. });
    graph.entries.values().filter(|entry| !own(entry)).count()
}

/// Name and version, for a person.
fn title(project: &Project) -> Result<String, GenerateError> {
    let Plan { name, version, .. } = project_plan(project, root_alone(project)?)?;
    Ok(format!("{name} {version} (npm)"))
}

/// A graph of the project's own entry, for what is said of the project alone.
fn root_alone(project: &Project) -> Result<NpmGraph, GenerateError> {
    let root = own_entry(project).map_err(|error| Failure::new(FailureClass::Resolve, &error))?;
    Ok(NpmGraph {
        root: String::new(),
        entries: [(String::new(), root)].into(),
        systems: BTreeSet::new(),
        judge: Judge::Shipped { file: String::new() },
        build: None,
        lock: String::new(),
    })
}

/// What a graph without a lock is a function of, apart from the registry.
fn fingerprint(project: &Project, target: &Target) -> String {
    let text = format!("{} {} {:?} {:?}", Plan::SCHEMA, project.manifest, project.folders, target.systems);
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// The graph that is there, if it was made for these inputs.
fn kept_graph(folder: &Path, inputs: &str) -> Result<Option<Vec<u8>>, GenerateError> {
    let bytes = files::read_optional(&folder.join(GRAPH))?;
    let made_for = |bytes: &Vec<u8>| {
        let graph: Value = serde_json::from_slice(bytes).unwrap_or_default();
        graph.get("_generated").is_some() && graph.get("inputs").and_then(Value::as_str) == Some(inputs)
    };
    Ok(bytes.filter(made_for))
}

/// The same graph with the fingerprint in a line of its own, behind the marker.
fn with_inputs(graph: &[u8], inputs: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(graph);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let marker = lines.iter().position(|line| line.starts_with("\"_generated\"")).map_or(1, |line| line + 1);
    lines.insert(marker.min(lines.len()), format!("\"inputs\": \"{inputs}\","));
    (lines.join("\n") + "\n").into_bytes()
}
