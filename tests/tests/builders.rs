//! The overlay's builders, rule by rule: every check of `tests/nix`, built in the sandbox as the bot builds.
//!
//! The graphs there are written by hand, so that a rule is tested even where no published crate needs it
//! (two crates of the same name and version, say). `tests/nix/README.md` says what each check proves.

use std::time::Duration;

use nixwright::clients::nix::{DerivationOutcome, Nix, NixSettings, probe_toolchain};
use nixwright::model::System;
use nixwright_tests::nix::Nix as Caller;
use nixwright_tests::process::stdout_of;
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_builders_is_kept() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let toolchain = probe_toolchain().await.expect("a toolchain");
    let text = toolchain.to_json().expect("toolchain.json");
    let file = home.path().join("toolchain.json");
    nixwright_tests::process::write_file(&file, text.as_bytes());

    let checks = concat!(env!("CARGO_MANIFEST_DIR"), "/nix");
    let argument = format!("builtins.fromJSON (builtins.readFile {})", file.display());
    let arguments = [checks, "-A", "checks", "--arg", "toolchain", &argument];
    let printed = stdout_of(&mut Caller::for_toolchain(&text).command(home.path(), "nix-instantiate", &arguments));
    let drvs: Vec<String> = printed.lines().map(|line| line.split('!').next().unwrap_or(line).to_owned()).collect();
    assert!(drvs.len() >= 20, "only {} checks: {printed}", drvs.len());

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
    .expect("Nix");
    let (events, _ignored) = mpsc::unbounded_channel();
    let report = nix.realise(&drvs, events).await.expect("a build");
    let failed: Vec<String> = report
        .built
        .iter()
        .filter(|built| built.outcome != DerivationOutcome::Built)
        .map(|built| format!("{} {:?}\n{}", built.name, built.outcome, built.log))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
