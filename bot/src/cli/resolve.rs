//! `nixwright resolve`: no configuration, nothing written outside the cache.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::archive::Limits;
use nixwright_resolver::cargo::{Release, SystemTriple, lines};
use nixwright_resolver::catalog::CrateVersion;
use nixwright_resolver::plan::{Plan, Selection};

use super::exit::{CliError, Exit};
use super::output::print;
use super::progress::Bars;
use super::wiring::{environment, resolver};
use crate::clients::crates_io::{CratesIo, IndexEntry, Policy, newest, why_nothing};
use crate::clients::endpoints;
use crate::config::Reference;
use crate::model::{Clock, System};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright resolve pkg:cargo/ripgrep@15.2.0\n  \
                        nixwright resolve pkg:cargo/ripgrep --format cargo-units --system aarch64-darwin\n  \
                        nixwright resolve pkg:cargo/bottom --no-default-features --features battery")]
pub(super) struct ResolveArgs {
    /// The package, with or without a version: pkg:cargo/NAME[@VERSION]
    purl: Reference,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Plan)]
    format: Format,
    /// The system that the program is for [default: this machine's; for a plan, all four]
    #[arg(long)]
    system: Option<System>,
    /// Where build scripts and proc macros run [default: this machine; for a plan, the system itself]
    #[arg(long, value_name = "SYSTEM")]
    host: Option<System>,
    /// Only releases that were published before (2026-01-31 or a full timestamp)
    #[arg(long, value_name = "DATE")]
    before: Option<String>,
    /// Features of the package to switch on, separated by commas
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Switch the default features off
    #[arg(long)]
    no_default_features: bool,
    /// Switch all features on
    #[arg(long, conflicts_with_all = ["features", "no_default_features"])]
    all_features: bool,
    /// Only this binary; may be repeated
    #[arg(long, value_name = "NAME")]
    bin: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The whole plan as JSON
    Plan,
    /// A line per compiled unit
    CargoUnits,
    /// A line per dependency between units
    CargoEdges,
}

pub(super) async fn run(args: &ResolveArgs) -> Result<Exit, CliError> {
    let before = args.before.as_deref().map(timestamp).transpose()?;
    let index = endpoints::crates_index(&environment()).map_err(CliError::usage)?;
    let (resolver, _) = resolver(index, &cache_folder()?, Limits::default()).await?;
    let entry = choose(&resolver.crates, &args.purl, before).await?;
    let release = release(args, &entry);
    let bar: ProgressBar = Bars::default().bar("resolving");
    let plan = resolver.plan(&release, &bar).await;
    bar.finish_and_clear();
    print(&render(args.format, &plan?, &release.systems[0].system)?);
    Ok(Exit::Done)
}

/// `$XDG_CACHE_HOME/nixwright`, else `~/.cache/nixwright`.
fn cache_folder() -> Result<PathBuf, CliError> {
    let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = xdg
        .or_else(home)
        .ok_or_else(|| CliError::machine("there is neither XDG_CACHE_HOME nor HOME; set one of them"))?;
    Ok(cache.join("nixwright"))
}

fn timestamp(text: &str) -> Result<Timestamp, CliError> {
    let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse()
        .ok()
        .or_else(|| date().map(|date| date.timestamp()))
        .ok_or_else(|| CliError::usage(format!("--before {text}: not a date such as 2026-01-31")))
}

async fn choose(crates: &CratesIo, reference: &Reference, before: Option<Timestamp>) -> Result<IndexEntry, CliError> {
    let name = reference.upstream.name();
    let mut entries = crates.versions(name).await.map_err(CliError::failed)?;
    if let Some(before) = before {
        entries.retain(|entry| entry.published.is_some_and(|published| published < before));
    }
    let Some(version) = &reference.version else {
        let policy = Policy { min_age: SignedDuration::ZERO, now: Clock::system().now() };
        let found = newest(&entries, policy).release;
        return found.ok_or_else(|| CliError::failed(format!("{name}: {}", why_nothing(&entries))));
    };
    let found = entries.iter().find(|entry| entry.version.to_string() == *version).cloned();
    found.ok_or_else(|| {
        let newest: Vec<String> = entries.iter().rev().take(5).map(|entry| entry.version.to_string()).collect();
        CliError::failed(format!(
            "{name} has no version {version} in the registry; the last ones published: {}",
            newest.join(", ")
        ))
    })
}

fn release(args: &ResolveArgs, entry: &IndexEntry) -> Release {
    let all = ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];
    let systems: Vec<System> = match (&args.system, args.format) {
        (Some(system), _) => vec![system.clone()],
        (None, Format::Plan) => all.iter().filter_map(|system| system.parse().ok()).collect(),
        (None, _) => vec![System::current()],
    };
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
    Ok(match format {
        Format::Plan => serde_json::to_string_pretty(plan).map_err(CliError::failed)? + "\n",
        Format::CargoUnits => joined(lines::units(plan, system)),
        Format::CargoEdges => joined(lines::edges(plan, system)),
    })
}
