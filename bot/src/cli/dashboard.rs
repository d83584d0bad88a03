//! `nixwright dashboard`: the status pages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::exit::{CliError, Exit};
use super::output::print;
use super::wiring::{State, actions, load_config, site};
use crate::config::Config;
use crate::dashboard::{App, Oversight, export, router};
use crate::model::Clock;
use crate::service;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright dashboard --export public          static files\n  \
                        nixwright dashboard --listen 127.0.0.1:8711  a server that only shows, beside the bot or without it")]
pub(super) struct DashboardArgs {
    /// Write the pages as static files to this folder
    #[arg(long, value_name = "DIR", required_unless_present = "listen")]
    export: Option<PathBuf>,
    /// Show the pages at this address until the process is asked to end
    #[arg(long, value_name = "ADDRESS", conflicts_with = "export")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(config: Option<&Path>, args: &DashboardArgs) -> Result<Exit, CliError> {
    let config = load_config(config)?;
    let state = State::of(&config);
    let store = state.store().await?;
    let overlay = std::path::absolute(state.overlay()).map_err(CliError::machine)?;
    let site = site(&config, &overlay);
    if let Some(listen) = args.listen {
        let clock = Clock::system();
        let mut app = App::new(store, site, clock);
        (app.oversight, app.actions) = (Some(oversight(&config, app.clock.now())), actions(&config)?);
        return serve(app, listen).await;
    }
    let folder = args.export.as_deref().unwrap_or(Path::new("."));
    let exported = export(&store, folder, &site).await;
    store.close().await;
    let exported = exported.map_err(CliError::failed)?;
    print(&format!(
        "{} files written, {} unchanged: {}\n",
        exported.written,
        exported.unchanged,
        folder.join("index.html").display()
    ));
    Ok(Exit::Done)
}

/// What the alarm of a configuration's bot goes by.
fn oversight(config: &Config, since: Timestamp) -> Oversight {
    Oversight { schedule: config.service.schedule.clone(), alarm_after: config.service.alarm_after, since }
}

async fn serve(app: App, listen: SocketAddr) -> Result<Exit, CliError> {
    let listener = service::bind(listen).await.map_err(CliError::machine)?;
    let address = listener.local_addr().map_err(CliError::machine)?;
    let stop = super::run::asked_to_stop()?;
    print(&format!("pages    http://{address}/\nstop it with SIGTERM or Ctrl-C\n"));
    let store = app.store.clone();
    let served = service::show(listener, router(app), stop).await;
    store.close().await;
    served.map_err(CliError::failed)?;
    Ok(Exit::Done)
}
