//! Go: plans, build lists and packages, of releases and of local modules.

use std::path::Path;

use clap::ValueEnum;
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::plan::go::GoGraph;

use super::{Format, ResolveArgs, cache_folder, document, timestamp};
use crate::cli::exit::CliError;
use crate::cli::progress::Bars;
use crate::cli::wiring::{environment, go_graphs};
use crate::clients::go::GoRegistries;
use crate::clients::http::{Http, HttpSettings};
use crate::model::{Clock, Track};
use crate::stages::resolve::{GoGraphs, GoProjectError, GoRelease, GoTarget, go_project_plan, read_go_project};
use crate::stages::watch::{self, Wanted};

/// The formats that a graph has.
const FORMATS: [Format; 4] = [Format::Plan, Format::Sbom, Format::GoBuildList, Format::GoPackages];

/// Whether C is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Cgo {
    /// Yes, as with `CGO_ENABLED=1`
    On,
    /// No, as with `CGO_ENABLED=0`
    Off,
}

/// What `nixwright resolve` prints for a release.
pub(super) async fn resolve(
    args: &ResolveArgs,
    module: &str,
    subpath: Option<&str>,
    version: Option<&str>,
) -> Result<String, CliError> {
    args.require_format(&FORMATS, "Go modules")?;
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let graphs = graphs().await?;
    let version = match version {
        Some(version) => version.to_owned(),
        None => choose(&graphs, module, before).await?,
    };
    let target = target(args);
    let release = GoRelease {
        module: module.to_owned(),
        version,
        subpath: subpath.map(str::to_owned),
        systems: target.systems,
        tags: target.tags,
        cgo: target.cgo,
        even_too_new: false,
    };
    let bar = Bars::default().bar("resolving");
    let text = print(args.format, &graphs, &release, &bar).await;
    bar.finish_and_clear();
    text
}

async fn print(format: Format, graphs: &GoGraphs, release: &GoRelease, bar: &ProgressBar) -> Result<String, CliError> {
    match format {
        Format::GoBuildList => Ok(lines(graphs.release_build_list(release, bar).await?)),
        Format::GoPackages => Ok(packages(&graphs.release_graph(release, bar).await?)),
        format => document(format, &graphs.plan(release, bar).await?),
    }
}

/// What `nixwright resolve --dir` prints for a local module or workspace.
pub(super) async fn resolve_folder(args: &ResolveArgs, folder: &Path) -> Result<String, CliError> {
    args.require_format(&FORMATS, "Go modules")?;
    if args.before.is_some() {
        return Err(CliError::usage("--before: a Go module's go.mod says itself which versions count; leave this out"));
    }
    let project = read_go_project(folder).map_err(|error| match error {
        GoProjectError::File(error) => CliError::failed(error),
        error => CliError::usage(error),
    })?;
    let graphs = graphs().await?;
    let place = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let key = place.display().to_string();
    let bar = Bars::default().bar("resolving");
    let text = match args.format {
        Format::GoBuildList => graphs.build_list(&project, &key, &bar).await.map(lines).map_err(CliError::from),
        format => {
            let graph = graphs.graph(&project, &target(args), &key, &bar).await.map_err(CliError::from);
            graph.and_then(|graph| match format {
                Format::GoPackages => Ok(packages(&graph)),
                format => document(format, &go_project_plan(graph)),
            })
        }
    };
    bar.finish_and_clear();
    text
}

pub(in crate::cli) async fn graphs() -> Result<GoGraphs, CliError> {
    let from = GoRegistries::of_environment(&environment()).map_err(CliError::usage)?;
    let http = Http::when_needed(HttpSettings::default(), Clock::system());
    let graphs = go_graphs(http, from, &cache_folder()?)?;
    graphs.toolchain().await.map_err(CliError::machine)?;
    Ok(graphs)
}

fn target(args: &ResolveArgs) -> GoTarget {
    let mut tags = args.tags.clone();
    tags.sort();
    tags.dedup();
    GoTarget { systems: args.systems(), cgo: args.cgo != Cgo::Off, tags }
}

/// The newest release, as the bot would take it.
async fn choose(graphs: &GoGraphs, module: &str, before: Option<Timestamp>) -> Result<String, CliError> {
    if let Some(before) = before {
        let found = watch::newest_go_before(&graphs.modules, module, before).await?;
        return found.ok_or_else(|| CliError::failed(format!("{module}: no version is known from before {before}")));
    }
    let now = Clock::system().now();
    let wanted = Wanted {
        track: &Track::Major,
        min_age: SignedDuration::ZERO,
        current: None,
        now,
        repository: None,
        tag_prefix: None,
    };
    let watched = watch::watch_go(&graphs.modules, module, None, wanted, &[]).await?;
    let release = watched.choice.release;
    let release = release.ok_or_else(|| CliError::failed(format!("{module}: {}", watched.why_nothing)))?;
    Ok(release.version)
}

fn lines(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The import paths of all packages, sorted by byte as `LC_ALL=C sort` does.
fn packages(graph: &GoGraph) -> String {
    let own = graph.packages.keys();
    let all: std::collections::BTreeSet<&String> = own.chain(graph.standard.values().flatten()).collect();
    all.into_iter().fold(String::new(), |text, path| text + path + "\n")
}
