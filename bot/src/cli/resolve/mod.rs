//! `nixwright resolve`: no configuration, nothing written outside the cache.

pub(super) mod cargo;
pub(super) mod go;
mod npm;
mod repository;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::sbom::cyclonedx;

use super::exit::{CliError, Exit};
use super::output::print;
use crate::config::{Reference, Upstream};
use crate::model::System;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright resolve pkg:cargo/ripgrep@15.2.0\n  \
                        nixwright resolve pkg:cargo/ripgrep --format cargo-units --system aarch64-darwin\n  \
                        nixwright resolve pkg:cargo/bottom --no-default-features --features battery\n  \
                        nixwright resolve pkg:cargo/ripgrep --format sbom\n  \
                        nixwright resolve pkg:npm/eslint@10.0.0 --format package-lock\n  \
                        nixwright resolve pkg:golang/github.com/junegunn/fzf@v0.65.2 --format go-build-list\n  \
                        nixwright resolve pkg:golang/mvdan.cc/sh/v3#cmd/shfmt --format go-packages --cgo off\n  \
                        nixwright resolve --dir . --format package-lock --before 2026-01-31")]
pub(super) struct ResolveArgs {
    /// Packages, with or without a version: pkg:cargo/NAME[@VERSION], pkg:npm/NAME[@VERSION],
    /// pkg:golang/MODULE[@VERSION][#FOLDER] or pkg:github/OWNER/REPO[@TAG][#FOLDER]; printed one after the other
    #[arg(value_name = "PURL", required_unless_present = "dir", conflicts_with = "dir")]
    purls: Vec<Reference>,
    /// A project's folder instead: Cargo.toml and its workspace (Cargo), package.json, its workspace, and the lock that is there (npm), or go.mod or go.work (Go)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
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
    /// Take what the registry said before without asking whether it has changed (npm)
    #[arg(long)]
    prefer_offline: bool,
    /// The version of node that the program runs with (npm) [default: that of the node on PATH]
    #[arg(long, value_name = "VERSION")]
    node: Option<semver::Version>,
    #[command(flatten)]
    selection: cargo::SelectionArgs,
    /// All members of a workspace, not only those that cargo would build by default (Cargo)
    #[arg(long, conflicts_with = "package")]
    workspace: bool,
    /// Whether C is compiled (Go)
    #[arg(long, value_enum, default_value_t = go::Cgo::On)]
    cgo: go::Cgo,
    /// Build tags, separated by commas (Go)
    #[arg(long, value_delimiter = ',')]
    tags: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The whole plan as JSON
    Plan,
    /// A line per compiled unit
    CargoUnits,
    /// A line per dependency between units
    CargoEdges,
    /// What is in the program, and what builds it, as a CycloneDX document
    Sbom,
    /// npm's package-lock.json
    PackageLock,
    /// The lines of `go list -m all`
    GoBuildList,
    /// The import paths of `go list -deps`, sorted
    GoPackages,
}

pub(super) async fn run(args: &ResolveArgs) -> Result<Exit, CliError> {
    if let Some(folder) = &args.dir {
        print(&if is_cargo(folder, args.format) {
            cargo::resolve_folder(args, folder).await?
        } else if is_go(folder, args.format) {
            go::resolve_folder(args, folder).await?
        } else {
            npm::resolve_folder(args, folder).await?
        });
    }
    let mut failed = None;
    for reference in &args.purls {
        match package(args, reference).await {
            Ok(text) => print(&text),
            // One that cannot be resolved keeps no other from being printed.
            Err(error) => {
                if let Some(earlier) = failed.replace(error) {
                    earlier.report();
                }
            }
        }
    }
    failed.map_or(Ok(Exit::Done), Err)
}

async fn package(args: &ResolveArgs, reference: &Reference) -> Result<String, CliError> {
    let version = reference.version.as_deref();
    match &reference.upstream {
        Upstream::Cargo { name } => cargo::resolve(args, name, version).await,
        Upstream::Go { module, subpath } => go::resolve(args, module, subpath.as_deref(), version).await,
        Upstream::Npm { name } => npm::resolve(args, name, version).await,
        Upstream::GitHub { repository, subpath } => {
            repository::resolve(args, repository, subpath.as_deref(), version).await
        }
    }
}

/// Whether a project's folder is taken for a Cargo project's. Where there is a package.json too, the format decides.
fn is_cargo(folder: &Path, format: Format) -> bool {
    let is_asked = matches!(format, Format::CargoUnits | Format::CargoEdges);
    is_asked || (folder.join("Cargo.toml").is_file() && !folder.join("package.json").is_file())
}

/// Whether a project's folder is taken for a Go module's. Where there is a package.json too, the format decides.
fn is_go(folder: &Path, format: Format) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    let is_asked = matches!(format, Format::GoBuildList | Format::GoPackages);
    is_asked || ((has("go.mod") || has("go.work")) && !has("package.json"))
}

impl ResolveArgs {
    /// The systems that are asked for: the one that is named, else for a plan all four, for anything else this machine's.
    fn systems(&self) -> Vec<System> {
        let all = ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];
        match (&self.system, self.format) {
            (Some(system), _) => vec![system.clone()],
            (None, Format::Plan) => all.iter().filter_map(|system| system.parse().ok()).collect(),
            (None, _) => vec![System::current()],
        }
    }

    /// That the format is one that the ecosystem has.
    fn require_format(&self, known: &[Format], ecosystem: &str) -> Result<(), CliError> {
        if known.contains(&self.format) {
            return Ok(());
        }
        let name =
            |format: &Format| format.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let names: Vec<String> = known.iter().map(name).collect();
        Err(CliError::usage(format!("--format {}: for {ecosystem} there are {}", name(&self.format), names.join(", "))))
    }
}

/// What is the same for every ecosystem: the bill of materials, else the plan, as JSON.
fn document(format: Format, plan: &Plan) -> Result<String, CliError> {
    let text = match format {
        Format::Sbom => serde_json::to_string_pretty(&cyclonedx(plan)),
        _ => serde_json::to_string_pretty(plan),
    };
    Ok(text.map_err(CliError::failed)? + "\n")
}

/// `$XDG_CACHE_HOME/nixwright`, else `~/.cache/nixwright`.
pub(super) fn cache_folder() -> Result<PathBuf, CliError> {
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
