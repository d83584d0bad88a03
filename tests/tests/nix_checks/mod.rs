//! Nix files whose attributes are checks, built as the bot builds.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::time::Duration;

use nixwright::clients::nix::{BuildReport, DerivationOutcome, Nix, NixSettings, probe_toolchain};
use nixwright::model::System;
use nixwright_tests::nix::Nix as Caller;
use nixwright_tests::process::{Finished, run, write_file};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// One such file, with this machine's toolchain.
pub(crate) struct Checks {
    folder: &'static str,
    home: TempDir,
    caller: Caller,
    nix: Nix,
}

impl Checks {
    /// Those of `folder`'s default.nix.
    pub(crate) async fn open(folder: &'static str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let toolchain = probe_toolchain().await.unwrap();
        let text = toolchain.to_json().unwrap();
        write_file(&home.path().join("toolchain.json"), text.as_bytes());
        let nix = Nix::open(NixSettings {
            system: System::current(),
            sandbox_paths: toolchain.sandbox,
            timeout: Duration::from_secs(1200),
            max_silent: Duration::ZERO,
            max_log_bytes: 16 << 20,
            memory_limit_bytes: None,
            max_jobs: 2,
            cores: 2,
            cache_dir: home.path().join("nix"),
        })
        .await
        .unwrap();
        Self { folder, caller: Caller::for_toolchain(&text), home, nix }
    }

    /// Evaluates the derivations below an attribute.
    pub(crate) fn instantiate(&self, attribute: &str) -> Finished {
        let file = self.home.path().join("toolchain.json");
        let argument = format!("builtins.fromJSON (builtins.readFile {})", file.display());
        let arguments = [self.folder, "-A", attribute, "--arg", "toolchain", &argument];
        run(&mut self.caller.command(self.home.path(), "nix-instantiate", &arguments))
    }

    /// The paths of these derivations.
    pub(crate) fn derivations(&self, attribute: &str) -> Vec<String> {
        let printed = self.instantiate(attribute).expect_code(0).stdout;
        printed.lines().map(|line| line.split('!').next().unwrap_or(line).to_owned()).collect()
    }

    /// Builds them.
    pub(crate) async fn build(&self, derivations: &[String]) -> BuildReport {
        let (events, _ignored) = mpsc::unbounded_channel();
        self.nix.realise(derivations, events).await.unwrap()
    }

    /// Builds every check below an attribute, of which there are at least so many; the test fails with what they said.
    pub(crate) async fn hold(&self, attribute: &str, at_least: usize) {
        let derivations = self.derivations(attribute);
        assert!(derivations.len() >= at_least, "only {} checks: {derivations:?}", derivations.len());
        let report = self.build(&derivations).await;
        let failed: Vec<String> = report
            .built
            .iter()
            .filter(|built| built.outcome != DerivationOutcome::Built)
            .map(|built| format!("{} {:?}\n{}", built.name, built.outcome, built.log))
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }

    /// Calls Nix as a person would.
    pub(crate) fn call(&self, program: &str, arguments: &[&str]) -> Finished {
        run(&mut self.caller.command(self.home.path(), program, arguments))
    }
}
