//! The default configuration against the public registry: what `make run` does, in a state folder of its own.

use nixwright_tests::bot::Bot;
use nixwright_tests::process::{command, stdout_of};
use nixwright_tests::world::{attribute, nix_of};

#[test]
fn the_default_configuration_builds_runs_and_merges_its_programs() {
    if std::env::var_os("NIXWRIGHT_OFFLINE").is_some_and(|value| value == "1") {
        println!("skipped: NIXWRIGHT_OFFLINE=1, and this test asks the public registry");
        return;
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../config/nixwright.toml")).unwrap();
    let mut configuration: toml::Table = text.parse().unwrap();
    configuration.insert("state_dir".to_owned(), "var".into());
    let bot = Bot::with(&configuration.to_string());
    bot.run_once().expect_code(0);

    let overlay = bot.overlay();
    let branches = overlay.branches();
    assert_eq!(branches["stable"], branches["main"]);
    let home = tempfile::tempdir().unwrap();
    for (attr, program) in [
        ("ripgrep", "rg"),
        ("hexyl", "hexyl"),
        ("fd-find", "fd"),
        ("svgo", "svgo"),
        ("eslint", "eslint"),
        ("fzf", "fzf"),
    ] {
        let row = bot.status_of(attr);
        assert_eq!(row["state"], "up_to_date", "{row}");
        let out = nix_of(&bot).build(home.path(), &format!("{}#{}", overlay.flake("main"), attribute(attr)));
        let said = stdout_of(command(format!("{out}/bin/{program}")).arg("--version"));
        let version = row["version"].as_str().unwrap();
        assert!(said.contains(version.strip_prefix('v').unwrap_or(version)), "{row} says {said}");
    }

    bot.run_once().expect_code(0);
    assert_eq!(bot.overlay().branches(), branches, "a second cycle commits nothing");
}
