//! What goes wrong outside: each with a message that names it, the right exit code, and the other packages unharmed.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::hostile;
use nixwright_tests::process::write_file;
use nixwright_tests::registry::{Fault, Registry};
use nixwright_tests::shelf::shelf;

const MATCHES: &str = "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n";

#[test]
fn a_wrong_key_is_named_with_its_place_and_the_right_one() {
    let registry = Registry::start();
    let bot = Bot::new(&registry, "");
    bot.write_configuration("[packages.matches]\npurl = \"pkg:cargo/matchbox\"\nmin_agee = \"1d\"\n");
    for arguments in [&["check-config"][..], &["run", "--once"]] {
        let run = bot.call(arguments).expect_code(2);
        run.expect_words(&["nixwright.toml:3:1", "min_agee", "min_age"]);
    }
    assert!(!bot.state().join("overlay.git").exists(), "nothing was begun");
    assert!(registry.take_requests().is_empty());
}

#[test]
fn several_mistakes_are_told_at_once() {
    let bot = Bot::new(&Registry::start(), "");
    bot.write_configuration(
        "[defaults]\nmin_age = \"soon\"\n\n[packages.matches]\npurl = \"pkg:gem/matchbox\"\n\n[packages.\"a/b\"]\npurl = \"pkg:cargo/x\"\n",
    );
    let run = bot.call(&["check-config"]).expect_code(2);
    run.expect_words(&["nixwright.toml:2:", "soon", "nixwright.toml:5:", "gem", "cargo", "a/b"]);
}

#[test]
fn a_configuration_that_is_missing_or_no_toml_is_said_by_name() {
    let bot = Bot::new(&Registry::start(), "");
    bot.write_configuration("[packages\n");
    bot.call(&["run", "--once"]).expect_code(2).expect_words(&["nixwright.toml:1:"]);
    std::fs::remove_file(bot.configuration()).unwrap();
    bot.call(&["run", "--once"]).expect_code(2).expect_words(&["nixwright.toml"]);
}

#[test]
fn an_unknown_option_is_bad_usage() {
    let bot = Bot::new(&Registry::start(), "");
    bot.call(&["run", "--twice"]).expect_code(2).expect_words(&["--twice"]);
}

#[test]
fn an_unknown_package_fails_alone() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, &format!("{MATCHES}\n[packages.nowhere]\npurl = \"pkg:cargo/no-such-crate\"\n"));
    bot.run_once().expect_code(1).expect_words(&["no-such-crate"]);
    assert_only_matches_is_there(&bot);
    let reason = bot.status_of("nowhere")["reason"].to_string();
    assert!(reason.contains("no-such-crate"), "{reason}");
}

#[test]
fn a_library_is_refused_as_it_has_no_program() {
    let registry = with_matchbox();
    registry.publish(shelf().get("tint", "1.0.0"));
    let bot = Bot::new(&registry, &format!("{MATCHES}{}", package("tint")));
    bot.run_once().expect_code(1).expect_words(&["tint", "binar"]);
    assert_only_matches_is_there(&bot);
}

#[test]
fn a_registry_that_is_down_is_named_and_the_next_cycle_makes_up_for_it() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, MATCHES);
    registry.go_down();
    bot.run_once().expect_code(1).expect_words(&[registry.host()]);
    assert!(!has_package(&bot, "matches"));
    registry.heal();
    bot.run_once().expect_code(0);
    assert!(has_package(&bot, "matches"));
}

#[test]
fn downloads_that_break_off_lie_or_fail_do_not_reach_the_overlay() {
    let registry = with_matchbox();
    let faults = [("cutoff", Fault::CutOff), ("liar", Fault::WrongBytes), ("ill", Fault::Status(404))];
    let mut configuration = MATCHES.to_owned();
    for (name, fault) in faults {
        registry.publish(&small_program(name));
        registry.fail(&format!("/{name}/1.0.0/"), fault);
        configuration += &package(name);
    }
    let bot = Bot::new(&registry, &configuration);
    let run = bot.run_once().expect_code(1).expect_words(&["cutoff", "liar", "ill"]);
    assert_only_matches_is_there(&bot);
    let liar = small_program("liar");
    let said = format!("{}\n{}", run.output(), bot.status_of("liar")["reason"]);
    assert!(said.contains(&liar.sha256), "the promised checksum is named: {said}");

    for (name, _) in faults {
        let row = bot.status_of(name);
        assert!(row["state"] == "failed" && row["next_attempt"].is_string(), "it is tried again later: {row}");
    }
}

#[test]
fn a_server_that_always_fails_is_given_up_with_its_status() {
    let registry = with_matchbox();
    registry.fail("/index/ma/", Fault::Status(500));
    let bot = Bot::new(&registry, MATCHES);
    bot.run_once().expect_code(1).expect_words(&["500", registry.host()]);
    assert!(!has_package(&bot, "matches"));
}

#[test]
fn hostile_archives_are_refused_each_for_its_own_reason() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("absolute");
    let registry = with_matchbox();
    let hostile = hostile::all(outside.to_str().unwrap());
    let mut configuration = format!("[limits]\n{}\n{MATCHES}", hostile::LIMITS);
    for evil in &hostile {
        registry.publish(&evil.packed);
        configuration += &package(&evil.packed.name);
    }
    let bot = Bot::new(&registry, &configuration);
    bot.run_once().expect_code(1);
    assert_only_matches_is_there(&bot);
    let status = bot.status();
    for evil in &hostile {
        let row = &status[&evil.packed.name];
        let reason = row["reason"].as_str().unwrap_or_default();
        assert_eq!(row["state"], "failed", "{row}");
        assert!(!reason.contains(|c: char| c.is_control() || c == '\u{fffd}'), "upstream's bytes in {reason:?}");
        assert!(reason.contains(&evil.packed.name), "{reason:?} does not name the archive of {row}");
        let reasons = evil.words;
        assert!(reasons.iter().any(|word| reason.contains(word)), "{reason:?} has none of {reasons:?}");
    }
    assert!(!outside.exists());
    let escaped = nixwright_tests::process::files_below(&bot.state());
    assert!(!escaped.iter().any(|path| path.ends_with("nixwright-escape")), "{escaped:?}");
}

#[test]
fn without_nix_it_says_what_to_install() {
    let registry = with_matchbox();
    let mut bot = Bot::new(&registry, MATCHES);
    let tools = tempfile::tempdir().unwrap();
    link_all_tools_but(tools.path(), |name| name.starts_with("nix"));
    bot.set_env("PATH", tools.path());
    for arguments in [&["run", "--once"][..], &["doctor"]] {
        bot.call(arguments).expect_code(3).expect_words(&["nix", "install"]);
    }
    assert!(!has_package(&bot, "matches"));
}

#[test]
fn without_a_working_sandbox_nothing_is_built() {
    let registry = with_matchbox();
    let mut bot = Bot::new(&registry, MATCHES);
    let tools = tempfile::tempdir().unwrap();
    link_all_tools_but(tools.path(), |name| name == "unshare");
    let refusal = "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n";
    write_program(&tools.path().join("unshare"), refusal);
    bot.set_env("PATH", tools.path());
    for arguments in [&["run", "--once"][..], &["doctor"]] {
        bot.call(arguments).expect_code(3).expect_words(&["namespaces", "Operation not permitted"]);
    }
    assert!(bot.state().join("overlay.git").exists().then(|| bot.overlay().tip("stable")).flatten().is_none());
}

fn with_matchbox() -> Registry {
    Registry::with([shelf().get("matchbox", "1.0.0")])
}

/// A program like `matchbox` under another name, without dependencies.
fn small_program(name: &str) -> PackedCrate {
    let lock = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    Fixture::read("matchbox").replace("Cargo.toml", "matchbox", name).file("Cargo.lock", lock).pack()
}

/// Lines of the configuration for a package that is called as upstream calls it.
fn package(name: &str) -> String {
    format!("\n[packages.{name}]\npurl = \"pkg:cargo/{name}\"\n")
}

fn has_package(bot: &Bot, attr: &str) -> bool {
    let path = format!("packages/{attr}/package.nix");
    bot.state().join("overlay.git").exists()
        && bot.overlay().tip("main").is_some()
        && bot.overlay().file("main", &path).is_some()
}

#[track_caller]
fn assert_only_matches_is_there(bot: &Bot) {
    assert_eq!(bot.status_of("matches")["state"], "up_to_date");
    let files = bot.overlay().files("main");
    let foreign: Vec<&String> =
        files.keys().filter(|path| path.starts_with("packages/") && !path.starts_with("packages/matches/")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(has_package(bot, "matches"));
}

/// A folder of links to every program on `PATH`, some left out.
fn link_all_tools_but(folder: &Path, unwanted: impl Fn(&str) -> bool) {
    let path = std::env::var_os("PATH").expect("a PATH");
    for entry in std::env::split_paths(&path).filter_map(|place| std::fs::read_dir(place).ok()).flatten() {
        let entry = entry.unwrap();
        if !unwanted(&entry.file_name().to_string_lossy()) {
            // The first on PATH wins, as for a shell.
            let _ = symlink(entry.path(), folder.join(entry.file_name()));
        }
    }
}

fn write_program(path: &Path, text: &str) {
    write_file(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
