//! `nixwright check-config`.

use std::path::Path;

use super::exit::{CliError, Exit};
use super::output::print;
use super::wiring::load_config;

pub(super) fn run(config: Option<&Path>) -> Result<Exit, CliError> {
    let config = load_config(config)?;
    let packages = config.packages.len();
    let plural = if packages == 1 { "" } else { "s" };
    let listen = config.service.listen;
    if !listen.ip().is_loopback() {
        print(&format!(
            "note: service.listen = {listen} can be reached from other machines; the pages ask nobody who they are\n"
        ));
    }
    print(&format!("{} is valid: {packages} package{plural}\n", config.file.display()));
    Ok(Exit::Done)
}
