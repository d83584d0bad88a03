//! `nixwright status`: what is where, and why.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;

use super::exit::{CliError, Exit};
use super::output::print;
use super::wiring::{State, load_config};
use crate::model::AttrPath;
use crate::store::StatusRow;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright status\n  nixwright status ripgrep --json")]
pub(super) struct StatusArgs {
    /// Only this package
    attr: Option<AttrPath>,
    /// As JSON: an array of objects
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Option<&Path>, args: &StatusArgs) -> Result<Exit, CliError> {
    let config = load_config(config)?;
    let state = State::of(&config);
    let mut rows = if state.database().exists() {
        let store = state.store().await?;
        let rows = store.status().await.map_err(CliError::failed)?;
        store.close().await;
        rows
    } else {
        Vec::new()
    };
    if let Some(attr) = &args.attr {
        rows.retain(|row| row.attr == *attr);
        if rows.is_empty() {
            return Err(CliError::usage(format!(
                "there is no package {attr} here; `nixwright status` lists them, {} configures them",
                config.file.display()
            )));
        }
    }
    if args.json {
        print(&(serde_json::to_string_pretty(&rows).map_err(CliError::failed)? + "\n"));
    } else if rows.is_empty() {
        print("nothing has happened yet; start with `nixwright run --once`\n");
    } else {
        print(&table(&rows));
    }
    Ok(Exit::Done)
}

fn table(rows: &[StatusRow]) -> String {
    let width = rows.iter().map(|row| row.attr.as_str().len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let version = row.version.as_deref().unwrap_or("-");
        let next = row.next_attempt.map(|next| format!(" (next attempt {next:.0})")).unwrap_or_default();
        let (attr, state) = (row.attr.as_str(), row.state.as_str());
        let _ = writeln!(text, "{attr:width$}  {version:<10} {state:<10}  {}{next}", row.reason);
    }
    text
}
