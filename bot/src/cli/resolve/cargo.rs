//! Crates: plans, units and edges.
//!
//! Starting anything takes longer than resolving, so nothing is started or loaded here that the answer does not need, and a
//! plan is made anew each time instead of being kept.

use std::path::Path;

use clap::Args;
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::archive::Limits;
use nixwright_resolver::cargo::{Release, SystemTriple, lines};
use nixwright_resolver::catalog::CrateVersion;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::Selection;

use super::{Format, ResolveArgs, cache_folder, document, timestamp};
use crate::cli::exit::CliError;
use crate::cli::progress::Bars;
use crate::cli::wiring::{environment, git_sources};
use crate::clients::cargo::Cargo;
use crate::clients::crates_io::{
    CratesIo, IndexEntry, OtherRegistries, Policy, newest, registry_variables, why_nothing,
};
use crate::clients::endpoints;
use crate::clients::http::{Http, HttpSettings};
use crate::model::{Clock, System, Track};
use crate::stages::resolve::{CrateReleases, read_cargo_project};

/// Features, as cargo's own options say them.
#[derive(Debug, Args)]
pub(in crate::cli) struct FeatureArgs {
    /// Cargo: features to switch on, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(in crate::cli) features: Vec<String>,
    /// Cargo: switch the default features off
    #[arg(long)]
    pub(in crate::cli) no_default_features: bool,
    /// Cargo: switch all features on
    #[arg(long, conflicts_with_all = ["features", "no_default_features"])]
    pub(in crate::cli) all_features: bool,
}

/// What of a package or workspace is compiled.
#[derive(Debug, Args)]
pub(in crate::cli) struct SelectionArgs {
    #[command(flatten)]
    features: FeatureArgs,
    /// Cargo: only this binary; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) bin: Vec<String>,
    /// Cargo: only this member of the workspace; may be repeated
    #[arg(long, short, value_name = "NAME")]
    pub(in crate::cli) package: Vec<String>,
}

impl SelectionArgs {
    /// Whether anything is said of features.
    pub(in crate::cli) fn has_features(&self) -> bool {
        let FeatureArgs { features, no_default_features, all_features } = &self.features;
        *no_default_features || *all_features || !features.is_empty()
    }

    pub(in crate::cli) fn selection(&self) -> Selection {
        Selection {
            features: self.features.features.iter().cloned().collect(),
            no_default_features: self.features.no_default_features,
            all_features: self.features.all_features,
            binaries: self.bin.iter().cloned().collect(),
            members: self.package.iter().cloned().collect(),
        }
    }
}

/// The formats that a graph of units has.
pub(super) const FORMATS: [Format; 4] = [Format::Plan, Format::CargoUnits, Format::CargoEdges, Format::Sbom];

/// What `nixwright resolve` prints for a crate.
pub(super) async fn resolve(args: &ResolveArgs, name: &str, version: Option<&str>) -> Result<String, CliError> {
    args.require_format(&FORMATS, "crates")?;
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let releases = releases().await?;
    let release = release(args, choose(&releases.crates, name, version, before).await?);
    let system = release.systems[0].system.clone();
    let bar: ProgressBar = Bars::default().bar("resolving");
    let plan = releases.plan(&release, &bar).await;
    bar.finish_and_clear();
    render(args.format, &plan?, &system)
}

pub(in crate::cli) async fn releases() -> Result<CrateReleases, CliError> {
    let index = endpoints::crates_index(&environment()).map_err(CliError::usage)?;
    let (cache, limits) = (cache_folder()?, Limits::default());
    let http = Http::when_needed(HttpSettings::default(), Clock::system());
    let crates = CratesIo::new(http.clone(), index, &cache).with_archive_limit(limits.compressed);
    let github = endpoints::github_upstreams(&environment()).map_err(CliError::usage)?;
    let git = git_sources(&cache, limits, &github);
    let variables = registry_variables(environment());
    let registries = OtherRegistries::new(http, git.clone(), &cache, limits.compressed, &variables);
    let cargo = Cargo::open(&cache.join("work")).await.map_err(CliError::machine)?.with_registries(&variables);
    Ok(CrateReleases { crates, registries, git, cargo, cache, limits })
}

/// The version that is asked for; one that is named is looked up once, as it never changes.
pub(in crate::cli) async fn choose(
    crates: &CratesIo,
    name: &str,
    version: Option<&str>,
    before: Option<Timestamp>,
) -> Result<CrateVersion, CliError> {
    if let (Some(version), None) = (version, before)
        && let Some(sha256) = crates.known_version(name, version).map_err(CliError::failed)?
    {
        return Ok(CrateVersion { name: name.to_owned(), version: version.to_owned(), sha256 });
    }
    let mut entries = crates.versions(name).await.map_err(CliError::failed)?;
    if let Some(before) = before {
        entries.retain(|entry| entry.published.is_some_and(|published| published < before));
    }
    let Some(version) = version else {
        let policy =
            Policy { track: &Track::Major, current: None, min_age: SignedDuration::ZERO, now: Clock::system().now() };
        let found = newest(&entries, policy).release.map(|entry| crate_version(&entry));
        return found.ok_or_else(|| CliError::failed(format!("{name}: {}", why_nothing(&entries))));
    };
    let Some(found) = entries.iter().find(|entry| entry.version.to_string() == version).map(crate_version) else {
        let newest: Vec<String> = entries.iter().rev().take(5).map(|entry| entry.version.to_string()).collect();
        return Err(CliError::failed(format!(
            "{name} has no version {version} in the registry; the last ones published: {}",
            newest.join(", ")
        )));
    };
    crates.keep_version(&found.name, &found.version, &found.sha256).map_err(CliError::failed)?;
    Ok(found)
}

fn crate_version(entry: &IndexEntry) -> CrateVersion {
    CrateVersion { name: entry.name.clone(), version: entry.version.to_string(), sha256: entry.sha256.clone() }
}

/// What `nixwright resolve --dir` prints for a project.
pub(super) async fn resolve_folder(args: &ResolveArgs, folder: &Path) -> Result<String, CliError> {
    args.require_format(&FORMATS, "Cargo projects")?;
    let project = read_cargo_project(folder).map_err(CliError::usage)?;
    let releases = releases().await?.with_local_repositories();
    let systems = triples(args);
    let system = systems[0].system.clone();
    let mut selection = args.selection.selection();
    if selection.members.is_empty() && !args.workspace {
        selection.members.clone_from(&project.default_members);
    }
    let bar = Bars::default().bar("resolving");
    let plan = releases.project_plan(project, systems, selection, &bar).await;
    bar.finish_and_clear();
    render(args.format, &plan?, &system)
}

fn release(args: &ResolveArgs, root: CrateVersion) -> Release {
    Release { root, project: None, lock: None, systems: triples(args), selection: args.selection.selection() }
}

pub(super) fn triples(args: &ResolveArgs) -> Vec<SystemTriple> {
    let host = |system: &System| match (&args.host, args.format) {
        (Some(host), _) => host.triple(),
        (None, Format::Plan) => system.triple(),
        (None, _) => System::current().triple(),
    };
    let triple = |system: &System| SystemTriple {
        system: system.to_string(),
        target: system.triple().to_owned(),
        host: host(system).to_owned(),
    };
    args.systems().iter().map(triple).collect()
}

pub(super) fn render(format: Format, plan: &Plan, system: &str) -> Result<String, CliError> {
    let joined = |lines: std::collections::BTreeSet<String>| lines.into_iter().map(|line| line + "\n").collect();
    Ok(match (format, plan.cargo()) {
        (Format::CargoUnits, Some(graph)) => joined(lines::units(graph, system)),
        (Format::CargoEdges, Some(graph)) => joined(lines::edges(graph, system)),
        _ => document(format, plan)?,
    })
}
