//! npm: plans and locks, of releases and of projects.
//!
//! Most of what npm needs for this is its own start, so nothing is started or loaded here that the answer does not need.

use std::path::Path;

use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::archive::Limits;
use nixwright_resolver::npm::catalog::{Project, Target};
use nixwright_resolver::npm::packument::Packument;
use nixwright_resolver::plan::npm::NpmGraph;
use nixwright_resolver::plan::{Graph, Metadata, Plan};
use serde_json::Value;

use super::{Format, ResolveArgs, cache_folder, document, timestamp};
use crate::cli::exit::CliError;
use crate::cli::progress::Bars;
use crate::cli::wiring::{environment, git_sources, npm_trees};
use crate::clients::crates_io::Policy;
use crate::clients::endpoints;
use crate::clients::http::{Http, HttpSettings};
use crate::clients::npm::{Form, NpmVersion, newest, versions, why_nothing};
use crate::config::Upstream;
use crate::model::{Clock, System, Track};
use crate::stages::resolve::{NpmTrees, has_others_lock, read_project};

/// The formats that a tree has.
pub(super) const FORMATS: [Format; 3] = [Format::Plan, Format::Sbom, Format::PackageLock];

/// What `nixwright resolve` prints for a release.
pub(super) async fn resolve(args: &ResolveArgs, name: &str, version: Option<&str>) -> Result<String, CliError> {
    args.require_format(&FORMATS, "npm packages")?;
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let trees = trees(args).await?;
    let chosen = match version {
        Some(version) => version.to_owned(),
        None => choose(&trees, name, before).await?,
    };
    let bar = Bars::default().bar("resolving");
    let graph = tree(args, &trees, &Project::of_release(name, &chosen), Path::new(""), before, &bar).await;
    let text = match (graph, args.format) {
        (Ok(graph), Format::PackageLock) => Ok(graph.lock),
        (Ok(graph), format) => {
            let plan = trees.plan_of(name, &chosen, graph).await;
            plan.map_err(CliError::from).and_then(|plan| document(format, &plan))
        }
        (Err(error), _) => Err(error),
    };
    bar.finish_and_clear();
    text
}

/// What `nixwright resolve --dir` prints for a project.
pub(super) async fn resolve_folder(args: &ResolveArgs, folder: &Path) -> Result<String, CliError> {
    args.require_format(&FORMATS, "npm projects")?;
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let project = read_project(folder).map_err(CliError::usage)?;
    let mut trees = trees(args).await?;
    // A project of this machine's own user may depend on repositories here.
    trees.git = trees.git.with_local();
    let bar = Bars::default().bar("resolving");
    let graph = tree(args, &trees, &project, folder, before, &bar).await;
    bar.finish_and_clear();
    let graph = graph?;
    match args.format {
        Format::PackageLock => Ok(graph.lock),
        format => document(format, &plan_of(&project, graph)),
    }
}

async fn tree(
    args: &ResolveArgs,
    trees: &NpmTrees,
    project: &Project,
    folder: &Path,
    before: Option<Timestamp>,
    bar: &ProgressBar,
) -> Result<NpmGraph, CliError> {
    let target = Target {
        node: args.node.as_ref().map_or_else(|| trees.node.clone(), ToString::to_string),
        systems: args.systems().iter().map(System::to_string).collect(),
        before: before.map(Timestamp::as_millisecond),
    };
    // What yarn or pnpm locked stands, unless it is npm whose answer is asked for.
    if has_others_lock(project)
        && args.format != Format::PackageLock
        && let Some(graph) = trees.locked(project, &target, folder, bar).await?
    {
        return Ok(graph);
    }
    Ok(trees.tree(project, &target, folder, bar).await?)
}

pub(super) async fn trees(args: &ResolveArgs) -> Result<NpmTrees, CliError> {
    let registry = endpoints::npm_registry(&environment()).map_err(CliError::usage)?;
    let http = Http::when_needed(HttpSettings::default(), Clock::system());
    let github = endpoints::github_upstreams(&environment()).map_err(CliError::usage)?;
    let (cache, limits) = (cache_folder()?, Limits::default());
    let git = git_sources(&cache, limits, &github);
    let mut trees = npm_trees(http, registry, git, &cache, limits).await;
    trees.registry = trees.registry.with_prefer_offline(args.prefer_offline);
    Ok(trees)
}

/// The newest release, as the bot would take it.
async fn choose(trees: &NpmTrees, name: &str, before: Option<Timestamp>) -> Result<String, CliError> {
    let form = if before.is_some() { Form::Full } else { Form::Abbreviated };
    let packument = trees.registry.packument(name, form).await.map_err(CliError::failed)?;
    let latest = packument.dist_tags.get("latest").map(String::as_str);
    let versions = known_before(&packument, before);
    let policy =
        Policy { track: &Track::Major, current: None, min_age: SignedDuration::ZERO, now: Clock::system().now() };
    let found = newest(&versions, latest, policy).release;
    let found = found.ok_or_else(|| CliError::failed(format!("{name}: {}", why_nothing(&versions, latest))))?;
    Ok(found.version.to_string())
}

fn known_before(packument: &Packument, before: Option<Timestamp>) -> Vec<NpmVersion> {
    let mut versions = versions(packument);
    if let Some(before) = before {
        versions.retain(|version| version.published.is_some_and(|published| published < before));
    }
    versions
}

/// A project's graph with what its manifest says of it.
fn plan_of(project: &Project, graph: NpmGraph) -> Plan {
    let manifest: Value = serde_json::from_str(&project.manifest).unwrap_or_default();
    let text = |key: &str| manifest.get(key).and_then(Value::as_str).map(str::to_owned);
    let name = text("name").unwrap_or_else(|| project.folder.clone());
    let version = text("version").unwrap_or_default();
    Plan {
        schema: Plan::SCHEMA,
        purl: Upstream::Npm { name: name.clone() }.release(&version),
        name,
        version,
        metadata: Metadata {
            description: text("description"),
            homepage: text("homepage"),
            repository: None,
            license: text("license"),
            rust_version: None,
        },
        commit: None,
        graph: Graph::Npm(graph),
    }
}
