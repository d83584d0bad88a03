//! Nix as a subscriber uses it, with the sandbox that `hostpkgs` needs: no substituter, no import from derivation.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{Finished, command, run, stdout_of};

/// A way to call Nix for one overlay.
pub struct Nix {
    configuration: String,
}

impl Nix {
    /// With these folders of the host visible in the sandbox.
    pub fn with_sandbox_paths(paths: &[&str]) -> Self {
        let configuration = format!(
            "experimental-features = nix-command flakes\nbuild-users-group =\nsandbox = true\nsandbox-fallback = false\n\
             substituters =\nallow-import-from-derivation = false\nextra-sandbox-paths = {}\n",
            paths.join(" ")
        );
        Self { configuration }
    }

    /// With what the overlay's own `hostpkgs/toolchain.json` says it needs.
    pub fn for_toolchain(toolchain: &str) -> Self {
        let toolchain: Value = serde_json::from_str(toolchain).expect("toolchain.json is JSON");
        let paths = toolchain["sandbox"].as_array().expect("folders for the sandbox");
        let paths: Vec<&str> = paths.iter().filter_map(Value::as_str).collect();
        Self::with_sandbox_paths(&paths)
    }

    /// `nix ARGUMENTS` (or `nix-store …`), not started yet. Caches go to `home`, which a test throws away.
    pub fn command(&self, home: &Path, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(program);
        command.args(arguments).env("NIX_CONFIG", &self.configuration).env("XDG_CACHE_HOME", home);
        command
    }

    /// Runs `nix ARGUMENTS` to its end.
    pub fn call(&self, home: &Path, arguments: &[&str]) -> Finished {
        run(&mut self.command(home, "nix", arguments))
    }

    /// `nix eval --json INSTALLABLE [--apply FUNCTION]`.
    pub fn eval(&self, home: &Path, installable: &str, apply: Option<&str>) -> Value {
        let mut arguments = vec!["eval", "--json", "--no-write-lock-file", installable];
        arguments.extend(apply.iter().flat_map(|function| ["--apply", function]));
        let text = stdout_of(&mut self.command(home, "nix", &arguments));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Builds and gives the path of the output called `out`.
    pub fn build(&self, home: &Path, installable: &str) -> String {
        let arguments = ["build", "--json", "--no-link", "--no-write-lock-file", installable];
        let text = stdout_of(&mut self.command(home, "nix", &arguments));
        let built: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        built[0]["outputs"]["out"].as_str().unwrap_or_else(|| panic!("no output in {text}")).to_owned()
    }
}

/// `nix-instantiate --eval --json --strict FILE`.
pub fn evaluate_file(file: &Path) -> Finished {
    run(command("nix-instantiate").args(["--eval", "--json", "--strict"]).arg(file))
}
