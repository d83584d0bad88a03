//! `nixwright build`: one package of the overlay, as `main` has it.

use std::path::Path;

use clap::Args;

use super::exit::{CliError, Exit};
use super::output::print;
use super::progress::Bars;
use super::wiring::{bot, load_config};
use crate::message::text::tail;
use crate::model::AttrPath;

#[derive(Debug, Args)]
#[command(after_help = "Example: nixwright build ripgrep")]
pub(super) struct BuildArgs {
    /// The package's name in the overlay
    attr: AttrPath,
}

/// How much of a failed log is shown.
const LOG_LINES: usize = 40;
const LOG_BYTES: usize = 16 << 10;

pub(super) async fn run(config: Option<&Path>, args: &BuildArgs) -> Result<Exit, CliError> {
    let bars = Bars::default();
    let bot = bot(load_config(config)?, std::sync::Arc::new(move |what| bars.bar(what))).await?;
    bot.builder.nix.canary().await.map_err(CliError::machine)?;
    let built = bot.build_published(&args.attr).await?;
    if let Some(failure) = built.failure {
        let log = tail(&failure.log, LOG_LINES, LOG_BYTES);
        return Err(CliError::Failed(format!(
            "{}\n\nthe end of the log of {}:\n{log}",
            failure.failure, failure.derivation
        )));
    }
    print(&format!("{}\n", built.out));
    Ok(Exit::Done)
}
