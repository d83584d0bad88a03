//! `nixwright run`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{CliError, Exit};
use super::output::{Tone, duration, print, toned};
use super::progress::Bars;
use super::wiring::{State, actions, bot, load_config};
use crate::dashboard::{Site, export};
use crate::model::AttrPath;
use crate::pipeline::{Bot, CycleError, CycleSummary, PackageResult, PackageSummary};
use crate::service::{self, Shown};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nixwright run                     the service: looks by its schedule and shows its pages\n  \
                        nixwright run --once              one full cycle\n  \
                        nixwright run --once ripgrep      one package, now\n  \
                        nixwright run --once --dry-run    what a cycle would do"
)]
pub(super) struct RunArgs {
    /// One full cycle, then exit
    #[arg(long)]
    once: bool,
    /// Only these packages, even those that rest after a failure
    #[arg(requires = "once", value_name = "ATTR")]
    packages: Vec<AttrPath>,
    /// Watch only: say what would be updated, write nothing but caches
    #[arg(long, requires = "once")]
    dry_run: bool,
}

pub(super) async fn run(config: Option<&Path>, args: &RunArgs) -> Result<Exit, CliError> {
    let started = Instant::now();
    let config = load_config(config)?;
    if config.packages.is_empty() {
        return Err(CliError::usage(format!(
            "{}: there is no package in it; add one: [packages.ripgrep] with purl = \"pkg:cargo/ripgrep\"",
            config.file.display()
        )));
    }
    if let Some(unknown) = args.packages.iter().find(|attr| !config.packages.contains_key(*attr)) {
        let configured: Vec<&str> = config.packages.keys().map(AttrPath::as_str).collect();
        return Err(CliError::usage(format!(
            "there is no package {unknown} in {}; it has: {}",
            config.file.display(),
            configured.join(", ")
        )));
    }
    let state = State::of(&config);
    let bars = Bars::default();
    let listen = config.service.listen;
    let bot = bot(config, Arc::new(move |what| bars.bar(what))).await?;
    if !args.once {
        return Box::pin(serve(&bot, listen)).await;
    }
    let summary = Box::pin(bot.cycle(&args.packages, args.dry_run)).await;
    let summary = match summary {
        Ok(summary) => summary,
        Err(error) => {
            bot.store.clone().close().await;
            return Err(match error {
                CycleError::Machine(error) => CliError::machine(error),
                CycleError::Failed(failure) => CliError::failed(failure),
                CycleError::Lost(lost) => CliError::failed(lost),
            });
        }
    };
    let mut text = describe(&summary);
    if !args.dry_run {
        export(&bot.store, &state.dashboard(), &site(&bot)).await.map_err(CliError::failed)?;
        text.push_str(&where_to_look(&state, &summary));
    }
    bot.store.clone().close().await;
    text.push_str(&toned(Tone::Quiet, &format!("{} in all\n", duration(started.elapsed()))));
    print(&text);
    Ok(if summary.has_failures() { Exit::Failed } else { Exit::Done })
}

fn site(bot: &Bot) -> Site {
    super::wiring::site(&bot.config, &bot.builder.overlay)
}

/// Becomes true when the process is asked to end.
pub(super) fn asked_to_stop() -> Result<watch::Receiver<bool>, CliError> {
    let (sender, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::machine)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::machine)?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        sender.send_replace(true);
    });
    Ok(stop)
}

/// The service, until the process is asked to end.
async fn serve(bot: &Bot, listen: SocketAddr) -> Result<Exit, CliError> {
    let listener = service::bind(listen).await.map_err(CliError::machine)?;
    let address = listener.local_addr().map_err(CliError::machine)?;
    let stop = asked_to_stop()?;
    print(&format!("pages    http://{address}/\noverlay  {}\nstop it with SIGTERM or Ctrl-C\n", site(bot).overlay));
    let shown = Shown { listener, site: site(bot), actions: actions(&bot.config)? };
    let ended = Box::pin(service::run(bot, shown, stop)).await;
    bot.store.clone().close().await;
    ended.map_err(CliError::failed)?;
    print("stopped; what was under way goes on at the next start\n");
    Ok(Exit::Done)
}

fn describe(summary: &CycleSummary) -> String {
    let mut text = String::new();
    let width = summary.packages.iter().map(|package| package.attr.as_str().len()).max().unwrap_or(0);
    for package in &summary.packages {
        text.push_str(&line(package, width));
    }
    for shared in [&summary.common, &summary.lock].into_iter().flatten() {
        let _ = writeln!(text, "{shared}");
    }
    let counted =
        |wanted: &[PackageResult]| summary.packages.iter().filter(|package| wanted.contains(&package.result)).count();
    let _ = writeln!(
        text,
        "\n{} {}: {} merged, {} opened, {} up to date, {} waiting, {} failed; {}{}",
        summary.packages.len(),
        if summary.packages.len() == 1 { "package" } else { "packages" },
        counted(&[PackageResult::Merged]),
        counted(&[PackageResult::Opened, PackageResult::WouldUpdate]),
        counted(&[PackageResult::UpToDate]),
        counted(&[PackageResult::Waiting]),
        counted(&[PackageResult::Failed]),
        match summary.commits {
            0 => "no commit".to_owned(),
            1 => "1 commit".to_owned(),
            commits => format!("{commits} commits"),
        },
        if summary.stable_moved { ", stable moved" } else { "" },
    );
    let order = ["watch", "resolve", "write", "evaluate", "fetch", "build", "publish"];
    let stages = order.iter().filter_map(|stage| {
        let elapsed = summary.stages.get(stage)?;
        Some(format!("{stage} {}", duration(*elapsed)))
    });
    let _ = writeln!(text, "{}", stages.collect::<Vec<_>>().join(", "));
    text
}

fn line(package: &PackageSummary, width: usize) -> String {
    let (tone, word) = match package.result {
        PackageResult::UpToDate => (Tone::Quiet, "up to date"),
        PackageResult::Waiting => (Tone::Quiet, "waiting"),
        PackageResult::Opened => (Tone::Good, "opened"),
        PackageResult::Merged => (Tone::Good, "merged"),
        PackageResult::Failed => (Tone::Bad, "failed"),
        PackageResult::WouldUpdate => (Tone::Good, "would update"),
    };
    let version = package.version.as_deref().unwrap_or("-");
    let build = package.build.map(|build| format!(", built in {}", duration(build))).unwrap_or_default();
    let detail = if package.detail == word { String::new() } else { format!("  {}{build}", package.detail) };
    let word = toned(tone, &format!("{word:<10}"));
    format!("{:width$}  {version:<10} {word}{detail}\n", package.attr.as_str()).replace(" \n", "\n")
}

fn where_to_look(state: &State, summary: &CycleSummary) -> String {
    let overlay = std::path::absolute(state.overlay()).unwrap_or_else(|_| state.overlay());
    // One that is there, if any is.
    let is_there =
        |package: &&PackageSummary| matches!(package.result, PackageResult::Merged | PackageResult::UpToDate);
    let shown = summary.packages.iter().find(is_there).or(summary.packages.first());
    let program = shown.map_or("PACKAGE", |package| package.attr.as_str());
    format!(
        "\npages    {}\noverlay  git+file://{}?ref=main\ntry it   nix --extra-experimental-features 'nix-command flakes' \
         run 'git+file://{}?ref=main#{program}' -- --version\n",
        state.dashboard().join("index.html").display(),
        overlay.display(),
        overlay.display(),
    )
}
