//! Whether npm takes a lock for what it is: `npm ci` installs from it, and `npm ls` finds nothing wrong with it.

use std::path::Path;

use super::npm::npm;
use crate::process::{run, write_file};

/// What npm says of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// `npm ci --ignore-scripts` installs what it says; else the first line of why not.
    pub ci: Result<(), String>,
    /// `npm ls --all` finds no problem; else the first that it finds.
    pub ls: Result<(), String>,
}

/// Asks npm about a lock of the project in `folder`, which is changed: the lock and what is installed stay there.
pub fn acceptance(folder: &Path, lock: &str, registry: Option<&str>, home: &Path) -> Acceptance {
    write_file(&folder.join("package-lock.json"), lock);
    let ask = |arguments: &[&str]| {
        let mut command = npm(home);
        command.args(arguments).args(["--no-audit", "--no-fund", "--no-progress", "--logs-max=0"]).current_dir(folder);
        if let Some(registry) = registry {
            command.args(["--registry", registry]);
        }
        let finished = run(&mut command);
        if finished.code == Some(0) {
            return Ok(());
        }
        let mut errors = finished.stderr.lines().filter_map(|line| line.strip_prefix("npm error "));
        Err(errors.find(|line| !line.starts_with("code ")).unwrap_or("no reason given").to_owned())
    };
    let ls = ask(&["ls", "--all", "--package-lock-only"]);
    Acceptance { ci: ask(&["ci", "--ignore-scripts", "--prefer-offline"]), ls }
}
