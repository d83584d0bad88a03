//! `nixwright dashboard`: the status pages.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{CliError, Exit};
use super::output::print;
use super::wiring::{State, load_config};
use crate::dashboard::{Site, export};

#[derive(Debug, Args)]
#[command(after_help = "Example: nixwright dashboard --export public")]
pub(super) struct DashboardArgs {
    /// Write the pages as static files to this folder
    #[arg(long, value_name = "DIR")]
    export: PathBuf,
}

pub(super) async fn run(config: Option<&Path>, args: &DashboardArgs) -> Result<Exit, CliError> {
    let config = load_config(config)?;
    let state = State::of(&config);
    let store = state.store().await?;
    let overlay = std::path::absolute(state.overlay()).map_err(CliError::machine)?;
    let site = Site { overlay: format!("git+file://{}", overlay.display()) };
    let exported = export(&store, &args.export, &site).await;
    store.close().await;
    let exported = exported.map_err(CliError::failed)?;
    print(&format!(
        "{} files written, {} unchanged: {}\n",
        exported.written,
        exported.unchanged,
        args.export.join("index.html").display()
    ));
    Ok(Exit::Done)
}
