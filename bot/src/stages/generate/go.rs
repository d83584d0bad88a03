//! Go modules and workspaces: the graph that go.mod, go.sum and the sources ask for. It is the same for ever, so there is nothing
//! to be kept.

use indicatif::ProgressBar;
use nixwright_resolver::plan::go::{GoGraph, Source};

use super::{GenerateError, Generated, Request, files_of};
use crate::overlay::Settings;
use crate::stages::resolve::{GoGraphs, GoTarget, go_project_plan, read_go_project};

pub(super) async fn generate(
    request: Request<'_>,
    graphs: &GoGraphs,
    (cgo, tags): (bool, &[String]),
    progress: &ProgressBar,
) -> Result<Generated, GenerateError> {
    let project = read_go_project(request.folder)?;
    let target = GoTarget { systems: request.systems.to_vec(), cgo, tags: tags.to_vec() };
    let place = std::path::absolute(request.folder).unwrap_or_else(|_| request.folder.to_owned());
    let key = place.display().to_string();
    let graph = graphs.graph(&project, &target, &key, progress).await?;
    let vendor =
        if request.vendor { Some(graphs.vendored(&project, request.folder, &key, progress).await?) } else { None };
    let summary = summary(&graph);
    let plan = go_project_plan(graph);
    Ok(Generated { files: files_of(&plan, Settings::default())?, vendor, summary, to_check: Vec::new() })
}

fn summary(graph: &GoGraph) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let fetched = graph.modules.values().filter(|module| matches!(module.source, Some(Source::Proxy { .. }))).count();
    let programs: Vec<&str> = graph.programs.keys().map(String::as_str).collect();
    format!(
        "{} (Go), {} of {} and {} that are fetched: {}",
        graph.roots.join(", "),
        counted(graph.packages.len(), "package"),
        counted(graph.roots.len(), "module"),
        counted(fetched, "module"),
        programs.join(", ")
    )
}
