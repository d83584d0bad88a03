//! The two ways to build a package: the same program, the same bytes each time, and a fallback from one to the other.

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::process::{command, run, stdout_of};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::LANTERN_REPORT;
use nixwright_tests::world::{attribute, nix_of, registry};

#[test]
fn both_strategies_build_the_same_program_and_the_same_bytes_again() {
    let registry = registry();
    for strategy in ["shared", "vendored"] {
        let package = format!("[packages.lantern]\npurl = \"pkg:cargo/lantern\"\nstrategy = \"{strategy}\"\n");
        let bot = Bot::new(&registry, &package);
        bot.run_once().expect_code(0);
        assert_eq!(bot.status_of("lantern")["strategy"], strategy);

        let home = tempfile::tempdir().unwrap();
        let nix = nix_of(&bot);
        let installable = format!("{}#{}", bot.overlay().flake("main"), attribute("lantern"));
        let out = nix.build(home.path(), &installable);
        assert_eq!(stdout_of(&mut command(format!("{out}/bin/lantern"))), LANTERN_REPORT, "{strategy}");

        let derivations = nix.eval(
            home.path(),
            &installable,
            Some(
                "package: [ package.drvPath ] ++ map (unit: unit.drvPath) (builtins.attrValues (package.units or { }))",
            ),
        );
        let mut check = nix.command(home.path(), "nix-store", &["--realise", "--check", "--keep-going"]);
        check.args(derivations.as_array().unwrap().iter().map(|drv| drv.as_str().unwrap()));
        run(&mut check).expect_code(0);
    }
}

#[test]
fn where_shared_fails_vendored_is_taken_and_shared_is_tried_again_for_a_new_release() {
    let registry = Registry::with([&habit("1.0.0", |fixture| fixture)]);
    let bot = Bot::new(&registry, "[packages.habit]\npurl = \"pkg:cargo/habit\"\n");
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("habit")["strategy"], "vendored");
    let pages = bot.pages().into_values().collect::<Vec<_>>().join("\n");
    assert!(pages.contains("OUT_DIR lies below target/release"), "what failed, and why, is shown");

    let good = |fixture: Fixture| fixture.file("build.rs", "fn main() {}\n");
    registry.publish_at(&habit("1.1.0", good), "2026-03-04T05:06:07Z");
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("habit")["version"], "1.1.0");
    assert_eq!(bot.status_of("habit")["strategy"], "shared");
}

#[test]
fn a_strategy_that_is_asked_for_is_not_exchanged() {
    let registry = Registry::with([&habit("1.0.0", |fixture| fixture)]);
    let bot = Bot::new(&registry, "[packages.habit]\npurl = \"pkg:cargo/habit\"\nstrategy = \"shared\"\n");
    bot.run_once().expect_code(1);
    let row = bot.status_of("habit");
    assert_eq!((&row["state"], &row["strategy"]), (&"failed".into(), &"shared".into()), "{row}");
}

/// A release of a program that has no dependencies, changed before it is packed.
fn habit(version: &str, change: impl FnOnce(Fixture) -> Fixture) -> PackedCrate {
    let lock = format!("version = 4\n\n[[package]]\nname = \"habit\"\nversion = \"{version}\"\n");
    change(Fixture::read("habit").version(version).file("Cargo.lock", lock)).pack()
}
