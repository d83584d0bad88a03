//! `nixwright doctor`: does this machine have what the bot needs? Every check is made, whatever the others say.

use std::path::Path;

use clap::Args;
use jiff::SignedDuration;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::forge::github;
use super::output::{Tone, print, toned};
use super::wiring::{Addresses, State, environment, limits, load_config, nix, open_overlay, resolver};
use crate::config::{Config, Forge};
use crate::model::Clock;
use crate::stages::watch::{Wanted, watch};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright doctor\n  nixwright doctor --json")]
pub(super) struct DoctorArgs {
    /// As JSON: an array of {check, ok, detail}
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Check {
    #[serde(rename = "check")]
    name: &'static str,
    ok: bool,
    detail: String,
}

pub(super) async fn run(config: Option<&Path>, args: &DoctorArgs) -> Result<Exit, CliError> {
    let config = load_config(config)?;
    let mut checks = vec![Check { name: "configuration", ok: true, detail: config.file.display().to_string() }];
    check_nix(&config, &mut checks).await;
    check_registry(&config, &mut checks).await;
    check_forge(&config, &mut checks).await;
    check_state(&config, &mut checks).await;
    let text = if args.json {
        serde_json::to_string_pretty(&checks).map_err(CliError::failed)? + "\n"
    } else {
        checks.iter().map(line).collect()
    };
    print(&text);
    match checks.iter().filter(|check| !check.ok).count() {
        0 => Ok(Exit::Done),
        missing => Err(CliError::machine(format!("{missing} of {} checks failed", checks.len()))),
    }
}

fn line(check: &Check) -> String {
    let word = if check.ok { toned(Tone::Good, "ok  ") } else { toned(Tone::Bad, "FAIL") };
    format!("{word}  {:<14} {}\n", check.name, check.detail)
}

fn outcome(name: &'static str, result: Result<String, String>) -> Check {
    match result {
        Ok(detail) => Check { name, ok: true, detail },
        Err(detail) => Check { name, ok: false, detail },
    }
}

async fn check_nix(config: &Config, checks: &mut Vec<Check>) {
    let (nix, toolchain) = match nix(config).await {
        Ok(found) => found,
        Err(error) => return checks.push(outcome("nix", Err(error.to_string()))),
    };
    checks.push(outcome("nix", Ok(nix.version().to_owned())));
    if let Some(toolchain) = toolchain {
        let rustc = toolchain.fingerprint.lines().next().unwrap_or_default().to_owned();
        checks.push(outcome("toolchain", Ok(rustc)));
    }
    let canary = nix.canary().await.map(|report| report.proven.join("; ")).map_err(|error| error.to_string());
    checks.push(outcome("sandbox", canary));
}

/// Asks for the newest release of the first package, which a cycle would do too.
async fn check_registry(config: &Config, checks: &mut Vec<Check>) {
    let resolver = match resolver(Addresses::of(config), &State::of(config).cache(), limits(config)).await {
        Ok((resolver, _)) => resolver,
        Err(error) => return checks.push(outcome("upstream", Err(error.to_string()))),
    };
    let Some(package) = config.packages.values().next() else { return };
    let wanted = Wanted {
        track: &package.policy.track,
        min_age: SignedDuration::ZERO,
        current: None,
        now: Clock::system().now(),
        repository: None,
        tag_prefix: package.tag_prefix.as_deref(),
    };
    let found = watch(&resolver, &package.upstream, wanted).await.map_err(|failure| failure.message);
    let found = found.and_then(|watched| match watched.choice.release {
        Some(release) => Ok(format!("the newest release of {} is {}", package.upstream, release.version)),
        None => Err(format!("{}: {}", package.upstream, watched.why_nothing)),
    });
    checks.push(outcome("upstream", found));
}

/// Whether the repository is there, and what the bot lacks to write to it.
async fn check_forge(config: &Config, checks: &mut Vec<Check>) {
    let Forge::Github(settings) = &config.forge else { return };
    let github = match github(settings, &environment()) {
        Ok(github) => github,
        Err(error) => return checks.push(outcome("forge", Err(error.to_string()))),
    };
    let found = github.access().await.map_err(|error| error.to_string()).and_then(|access| {
        let automerge = match access.auto_merge {
            Some(true) => "on",
            Some(false) => "off",
            None => "not known",
        };
        if access.missing.is_empty() {
            Ok(format!("{}, automatic merges {automerge}", access.full_name))
        } else {
            Err(format!("{}: {}", access.full_name, access.missing.join("; ")))
        }
    });
    checks.push(outcome("forge", found));
}

async fn check_state(config: &Config, checks: &mut Vec<Check>) {
    let state = State::of(config);
    let store = match state.store().await {
        Ok(store) => {
            store.close().await;
            Ok(state.database().display().to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    checks.push(outcome("store", store));
    let overlay = open_overlay(&state).map(|overlay| overlay.path().display().to_string());
    checks.push(outcome("overlay", overlay.map_err(|error| error.to_string())));
}
