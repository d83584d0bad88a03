//! `nixwright lock`: what an overlay lock would save. Nothing is written outside the cache.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;
use nixwright_resolver::cargo::Release;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::Selection;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output::print;
use super::progress::Bars;
use super::resolve::cargo;
use super::wiring::load_config;
use crate::config::{Config, Lock, Reference, Upstream};
use crate::message::text::one_line;
use crate::model::{System, Track};
use crate::stages::lock::{Gain, Member, unify};
use crate::stages::resolve::{native, selection};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nixwright lock\n  nixwright lock pkg:cargo/ripgrep pkg:cargo/fd-find --system aarch64-darwin\n\n\
                        The bot makes the lock itself, in a pull request of its own, for packages with `lock = \"overlay\"`."
)]
pub(super) struct LockArgs {
    /// Crates, with or without a version: pkg:cargo/NAME[@VERSION] [default: the packages of the configuration that share the overlay's lock]
    #[arg(value_name = "PURL")]
    purls: Vec<Reference>,
    /// The system whose units are counted [default: this machine's]
    #[arg(long)]
    system: Option<System>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    system: String,
    /// `units_before` with a lock each, `units_after` with the overlay lock.
    #[serde(flatten)]
    gain: Gain,
    packages: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    package: String,
    version: String,
    /// How many of its dependencies have another version than in its own lock.
    changed: usize,
    /// Why it stays with its own lock, if it does.
    alone: Option<String>,
}

pub(super) async fn run(config: Option<&Path>, args: &LockArgs) -> Result<Exit, CliError> {
    let plain = |reference: &Reference| (reference.clone(), Selection::default());
    let asked =
        if args.purls.is_empty() { configured(&load_config(config)?)? } else { args.purls.iter().map(plain).collect() };
    let system = args.system.clone().unwrap_or_else(System::current);
    let releases = cargo::releases().await?;
    let bar = Bars::default().bar("resolving");
    let reported = async {
        let mut wanted = Vec::new();
        for (Reference { upstream, version }, selection) in asked {
            let Upstream::Cargo { name } = &upstream else {
                return Err(CliError::usage(format!("{upstream}: only crates (`pkg:cargo/NAME`) can share a lock")));
            };
            let root = cargo::choose(&releases.crates, name, version.as_deref(), None).await?;
            wanted.push(Release { root, project: None, lock: None, systems: vec![native(&system)], selection });
        }
        let mut before = Vec::new();
        for release in &wanted {
            before.push(releases.plan(release, &bar).await?);
        }
        let lock = unify(&releases, wanted, &bar).await?;
        let gain = Gain::of(before.iter(), lock.members.iter().map(|member| &member.plan), system.as_str());
        let rows = before.iter().zip(&lock.members).map(|(before, member)| row(before, member)).collect();
        Ok(Report { system: system.to_string(), gain, packages: rows })
    };
    let reported = reported.await;
    bar.finish_and_clear();
    let report = reported?;
    print(&if args.json {
        serde_json::to_string_pretty(&report).map_err(CliError::failed)? + "\n"
    } else {
        table(&report)
    });
    Ok(Exit::Done)
}

/// The packages that share the overlay's lock, each as it is configured.
fn configured(config: &Config) -> Result<Vec<(Reference, Selection)>, CliError> {
    let sharing = config.packages.values().filter(|package| package.lock == Lock::Overlay);
    let wanted: Vec<(Reference, Selection)> = sharing
        .map(|package| {
            let version = match &package.policy.track {
                Track::Exact { version } => Some(version.clone()),
                _ => None,
            };
            (Reference { upstream: package.upstream.clone(), version }, selection(package))
        })
        .collect();
    if wanted.is_empty() {
        let message = format!(
            "no package of {} has `lock = \"overlay\"`; name crates to see what it would save",
            config.file.display()
        );
        return Err(CliError::usage(message));
    }
    Ok(wanted)
}

fn row(before: &Plan, member: &Member) -> Row {
    Row {
        package: before.name.clone(),
        version: before.version.clone(),
        changed: member.changed_from(before),
        alone: member.alone.as_deref().map(one_line),
    }
}

fn table(report: &Report) -> String {
    let width = report.packages.iter().map(|row| row.package.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Row { package, version, changed, alone } in &report.packages {
        let what = match alone {
            Some(reason) => format!("stays with its own lock: {reason}"),
            None if *changed == 0 => "as its own lock has it".to_owned(),
            None => format!("{changed} dependencies of another version"),
        };
        let _ = writeln!(text, "{package:<width$}  {version:<10}  {what}");
    }
    let Report { system, gain, packages } = report;
    let (Gain { before, after }, percent) = (*gain, gain.percent());
    let _ = writeln!(
        text,
        "\n{} programs together: {before} units with a lock each, {after} with one for all ({percent} % fewer; {system})",
        packages.len()
    );
    text
}
