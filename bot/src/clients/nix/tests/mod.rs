//! Against the real Nix of this machine; `make deps` installs it.

mod builds;
mod canaries;
mod killed;
mod machine;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{command, run_ok};
use super::{BuildEvent, BuildReport, BuiltDerivation, Nix, NixSettings, config};
use crate::model::System;

/// Settings that let small builds through quickly.
pub(super) fn settings(cache_dir: &Path) -> NixSettings {
    NixSettings {
        system: System::current(),
        sandbox_paths: host_folders(),
        timeout: Duration::from_secs(300),
        max_silent: Duration::from_secs(120),
        max_log_bytes: 1_000_000,
        memory_limit_bytes: None,
        max_jobs: 4,
        cores: 1,
        cache_dir: cache_dir.to_owned(),
    }
}

fn host_folders() -> Vec<PathBuf> {
    ["/bin", "/usr", "/lib", "/lib64"].iter().map(PathBuf::from).filter(|folder| folder.is_dir()).collect()
}

/// Nix with a cache folder of its own, and derivations written in a few words of shell.
struct Bench {
    nix: Nix,
    folder: TempDir,
    nonce: String,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut NixSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("cache"));
        change(&mut settings);
        let nix = Nix::open(settings).await.unwrap();
        let nonce = folder.path().file_name().unwrap().to_string_lossy().replace(|c: char| !c.is_alphanumeric(), "");
        Self { nix, folder, nonce }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Derivations from the attributes of `set`, in which `run NAME SCRIPT INPUTS` is a build, `fetch NAME SCRIPT SHA256`
    /// a fixed-output one, and `nonce` is new in each test; sorted by attribute.
    async fn derivations(&self, set: &str) -> Vec<String> {
        let expression = format!(
            r#"{{ nonce }}: let
              base = name: script: more: derivation ({{ inherit name nonce; system = "{}"; builder = "/bin/sh";
                PATH = "/usr/bin:/bin"; args = [ "-eu" "-c" script ]; }} // more);
              run = name: script: inputs: base name script {{ inherit inputs; }};
              fetch = name: script: hash: base name script {{ outputHash = hash; outputHashAlgo = "sha256"; outputHashMode = "flat"; }};
            in {set}"#,
            System::current()
        );
        let mut call = command(&self.nix.tools.nix_instantiate);
        self.nix.environment(&mut call, &self.nix.config(config::Purpose::Query));
        call.args(["--expr", &expression, "--argstr", "nonce", &self.nonce]);
        run_ok(&mut call, "nix-instantiate", Duration::from_secs(60)).await.unwrap().lines()
    }

    async fn build(&self, drvs: &[String]) -> (BuildReport, Vec<BuildEvent>) {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let report = self.nix.realise(drvs, sender).await.unwrap();
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        (report, events)
    }

    async fn build_set(&self, set: &str) -> (BuildReport, Vec<BuildEvent>) {
        let drvs = self.derivations(set).await;
        self.build(&drvs).await
    }
}

/// The one with this name.
fn named<'a>(report: &'a BuildReport, name: &str) -> &'a BuiltDerivation {
    report.built.iter().find(|built| built.name == name).unwrap_or_else(|| panic!("{name} is not in {report:#?}"))
}
