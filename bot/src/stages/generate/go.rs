//! Go modules and workspaces: the graph that go.mod, go.work and go.sum fix, which no registry can change.

use indicatif::ProgressBar;
use nixwright_resolver::go::catalog::Project;
use nixwright_resolver::plan::go::{GoGraph, Source};
use nixwright_resolver::plan::{Graph, Metadata, Plan};

use super::{GenerateError, Generated, Request, files_of};
use crate::config::Upstream;
use crate::stages::resolve::{GoGraphs, GoTarget, read_go_project};

/// The version of what has none: Go gives a module that is a folder none, and Nix wants one that begins with a digit.
const NO_VERSION: &str = "0";

pub(super) async fn generate(
    request: Request<'_>,
    graphs: &GoGraphs,
    target: &GoTarget,
    progress: &ProgressBar,
) -> Result<Generated, GenerateError> {
    let project = read_go_project(request.folder)?;
    let place = std::path::absolute(request.folder).unwrap_or_else(|_| request.folder.to_owned());
    let graph = graphs.graph(&project, target, &place.display().to_string(), progress).await?;
    let summary = summary(&project, &graph);
    Ok(Generated { files: files_of(&plan(graph))?, summary })
}

/// What is built, and from how much.
fn summary(project: &Project, graph: &GoGraph) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let fetched = graph.modules.values().filter(|module| matches!(module.source, Some(Source::Proxy { .. }))).count();
    let kind = if project.work.is_some() { "Go workspace" } else { "Go" };
    let programs: Vec<&str> = graph.binaries().into_iter().collect();
    format!(
        "{} ({kind}), {} ({}) of {} and {} from the proxy",
        graph.roots.join(", "),
        counted(programs.len(), "program"),
        programs.join(", "),
        counted(graph.packages.len(), "package"),
        counted(fetched, "module"),
    )
}

fn plan(graph: GoGraph) -> Plan {
    let name = graph.roots.first().cloned().unwrap_or_default();
    Plan {
        schema: Plan::SCHEMA,
        purl: Upstream::Go { module: name.clone(), subpath: None }.to_string(),
        name,
        version: NO_VERSION.to_owned(),
        metadata: Metadata::default(),
        graph: Graph::Go(graph),
    }
}
