//! Releases that are honest and unusual, in one cycle.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::Path;
use std::sync::LazyLock;

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::process::{Finished, command, stdout_of};
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{attribute, nix_of};

const CONFIGURATION: &str = "\
[packages.nolock]
purl = \"pkg:cargo/nolock\"

[packages.plus]
purl = \"pkg:cargo/plus\"

[packages.my-tool]
purl = \"pkg:cargo/My_Tool\"

[packages.dump]
purl = \"pkg:cargo/lantern\"
features = [\"full\"]
binaries = [\"lantern-dump\"]

[packages.bare]
purl = \"pkg:cargo/lantern\"
no_default_features = true

[packages.stale]
purl = \"pkg:cargo/stale\"
";

static CYCLE: LazyLock<(Bot, Finished)> = LazyLock::new(|| {
    let registry = shelf().registry();
    registry.publish(shelf().get("lantern", "1.0.0"));
    let wick = "\n[dependencies.wick]\nversion = \"1\"\n";
    let nolock = Fixture::read("matchbox").replace("Cargo.toml", "matchbox", "nolock").append("Cargo.toml", wick);
    let main = "fn main() {\n    println!(\"nolock {} {}\", env!(\"CARGO_PKG_VERSION\"), wick::r#async());\n}\n";
    registry.publish(&nolock.file("src/main.rs", main).pack());
    registry.publish(&small_program("plus", "1.0.0+build.5"));
    registry.publish(&small_program("My_Tool", "1.0.0"));
    // Its lock does not know the dependency that its manifest has.
    let stale = Fixture::read("matchbox").replace("Cargo.toml", "matchbox", "stale").append("Cargo.toml", wick);
    registry.publish(&stale.file("Cargo.lock", lock("stale", "1.0.0")).pack());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("odd-releases");
    let bot = Bot::in_fresh(&folder, &registry, CONFIGURATION);
    let run = bot.run_once();
    (bot, run)
});

#[test]
fn without_a_lock_cargo_makes_one_and_it_is_kept_with_the_package() {
    let (bot, _) = &*CYCLE;
    assert_eq!(run_program("nolock", "nolock", &[]), "nolock 1.0.0 2015\n");
    let lock = bot.overlay().file("main", "packages/nolock/Cargo.lock").expect("the lock is in the overlay");
    assert!(lock.contains("name = \"wick\"") && lock.contains(&shelf().get("wick", "1.0.0").sha256), "{lock}");
    assert!(!lock.contains("127.0.0.1"), "{lock}");
}

#[test]
fn a_version_with_build_metadata_goes_all_the_way() {
    assert_eq!(run_program("plus", "plus", &[]), "plus 1.0.0+build.5\n");
    assert_eq!(CYCLE.0.status_of("plus")["version"], "1.0.0+build.5");
}

#[test]
fn a_name_with_capitals_and_underscores_is_found_in_the_index() {
    assert_eq!(run_program("my-tool", "My_Tool", &[]), "My_Tool 1.0.0\n");
}

#[test]
fn chosen_features_and_binaries_are_what_is_built() {
    let report = run_program("dump", "lantern-dump", &[]);
    assert!(report.contains("weak=loud\n") && report.contains("no-default-features=red and blue\n"), "{report}");
    assert!(!program("dump", "lantern").exists(), "only the chosen binary is there");
    let bare = run_program("bare", "lantern", &[]);
    assert!(bare.contains("optional=none\n") && bare.contains("tinted: false\n"), "{bare}");
}

#[test]
fn in_place_of_a_stale_lock_cargo_makes_one() {
    let (bot, run) = &*CYCLE;
    run.clone().expect_code(0);
    assert_eq!(run_program("stale", "stale", &[]), "matchbox 1.0.0\n");
    let lock = bot.overlay().file("main", "packages/stale/Cargo.lock").expect("the lock is in the overlay");
    assert!(lock.contains("name = \"wick\"") && lock.contains(&shelf().get("wick", "1.0.0").sha256), "{lock}");
}

fn small_program(name: &str, version: &str) -> PackedCrate {
    let fixture = Fixture::read("matchbox").version(version).replace("Cargo.toml", "matchbox", name);
    fixture.replace("src/main.rs", "matchbox", name).file("Cargo.lock", lock(name, version)).pack()
}

fn lock(name: &str, version: &str) -> String {
    format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
}

fn program(attr: &str, name: &str) -> std::path::PathBuf {
    let home = tempfile::tempdir().unwrap();
    let bot = &CYCLE.0;
    let out = nix_of(bot).build(home.path(), &format!("{}#{}", bot.overlay().flake("main"), attribute(attr)));
    Path::new(&out).join("bin").join(name)
}

fn run_program(attr: &str, name: &str, arguments: &[&str]) -> String {
    stdout_of(command(program(attr, name)).args(arguments))
}
