//! Crates: plans, units and edges.

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
use crate::cli::wiring::{Addresses, resolver};
use crate::clients::crates_io::{CratesIo, IndexEntry, Policy, newest, why_nothing};
use crate::model::{Clock, System, Track};
use crate::stages::resolve;

/// What `nixwright resolve` prints for a crate.
pub(super) async fn resolve(args: &ResolveArgs, name: &str, version: Option<&str>) -> Result<String, CliError> {
    args.require_format(&[Format::Plan, Format::CargoUnits, Format::CargoEdges, Format::Sbom], "crates")?;
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let (resolver, _) = resolver(Addresses::of_environment()?, &cache_folder()?, Limits::default()).await?;
    let entry = choose(&resolver.crates, name, version, before).await?;
    let release = release(args, &entry);
    let system = release.systems[0].system.clone();
    let bar: ProgressBar = Bars::default().bar("resolving");
    let plan = resolver.plan(&resolve::Release::Cargo(release), &bar).await;
    bar.finish_and_clear();
    render(args.format, &plan?, &system)
}

async fn choose(
    crates: &CratesIo,
    name: &str,
    version: Option<&str>,
    before: Option<Timestamp>,
) -> Result<IndexEntry, CliError> {
    if let (Some(version), None) = (version, before)
        && let Some(entry) = crates.known_version(name, version).map_err(CliError::failed)?
    {
        return Ok(entry);
    }
    let mut entries = crates.versions(name).await.map_err(CliError::failed)?;
    if let Some(before) = before {
        entries.retain(|entry| entry.published.is_some_and(|published| published < before));
    }
    let Some(version) = version else {
        let policy =
            Policy { track: &Track::Major, current: None, min_age: SignedDuration::ZERO, now: Clock::system().now() };
        let found = newest(&entries, policy).release;
        return found.ok_or_else(|| CliError::failed(format!("{name}: {}", why_nothing(&entries))));
    };
    let found = entries.iter().find(|entry| entry.version.to_string() == version).cloned();
    found.ok_or_else(|| {
        let newest: Vec<String> = entries.iter().rev().take(5).map(|entry| entry.version.to_string()).collect();
        CliError::failed(format!(
            "{name} has no version {version} in the registry; the last ones published: {}",
            newest.join(", ")
        ))
    })
}

fn release(args: &ResolveArgs, entry: &IndexEntry) -> Release {
    let systems = args.systems();
    let host = |system: &System| match (&args.host, args.format) {
        (Some(host), _) => host.triple(),
        (None, Format::Plan) => system.triple(),
        (None, _) => System::current().triple(),
    };
    Release {
        root: CrateVersion {
            name: entry.name.clone(),
            version: entry.version.to_string(),
            sha256: entry.sha256.clone(),
        },
        systems: systems
            .iter()
            .map(|system| SystemTriple {
                system: system.to_string(),
                target: system.triple().to_owned(),
                host: host(system).to_owned(),
            })
            .collect(),
        selection: Selection {
            features: args.features.iter().cloned().collect(),
            no_default_features: args.no_default_features,
            all_features: args.all_features,
            binaries: args.bin.iter().cloned().collect(),
        },
    }
}

fn render(format: Format, plan: &Plan, system: &str) -> Result<String, CliError> {
    let joined = |lines: std::collections::BTreeSet<String>| lines.into_iter().map(|line| line + "\n").collect();
    Ok(match (format, plan.cargo()) {
        (Format::CargoUnits, Some(graph)) => joined(lines::units(graph, system)),
        (Format::CargoEdges, Some(graph)) => joined(lines::edges(graph, system)),
        _ => document(format, plan)?,
    })
}
