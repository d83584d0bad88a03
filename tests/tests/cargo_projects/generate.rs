//! `nixwright generate` for a package and for a workspace, from Cargo.toml to programs that say what cargo's say.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::Path;

use nixwright_tests::process::write_file;

use crate::workbench::{Place, here, printed};

/// Two programs in three packages: what both need is compiled once.
const WORKSPACE: &str = r#"
-- Cargo.toml --
[workspace]
members = ["cli", "tools/*"]
resolver = "2"

[workspace.package]
version = "0.3.1"
edition = "2021"
license = "MIT"

[workspace.dependencies]
tint = { version = "1", default-features = false }
words = { path = "words" }

[profile.release]
overflow-checks = true
-- words/Cargo.toml --
[package]
name = "words"
version.workspace = true
edition.workspace = true

[features]
default = ["pale"]
pale = ["tint/pale"]

[dependencies]
tint = { workspace = true }
-- words/build.rs --
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let folder = std::env::current_dir().unwrap();
    std::fs::write(format!("{out}/folder.txt"), folder.file_name().unwrap().to_str().unwrap()).unwrap();
    println!("cargo::rustc-env=WORDS_NUMBER=7");
}
-- words/src/lib.rs --
pub fn words() -> String {
    let folder = include_str!(concat!(env!("OUT_DIR"), "/folder.txt"));
    format!("{} in {folder}, {} {}", tint::name(), env!("WORDS_NUMBER"), include_str!("../../shared.txt").trim())
}
-- shared.txt --
from above
-- cli/Cargo.toml --
[package]
name = "cli"
version.workspace = true
edition.workspace = true
license.workspace = true
description = "The first"

[features]
loud = []

[dependencies]
words.workspace = true
lamp-derive = "1"
lamp-gen = "1"
wick = { version = "1", features = ["short"] }
-- cli/src/main.rs --
trait Describe {
    fn describe() -> &'static str;
}

#[derive(lamp_derive::Describe)]
struct Cli;

fn main() {
    let words = words::words();
    let words = if cfg!(feature = "loud") { words.to_uppercase() } else { words };
    println!("{} {}: {words}; {}; {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), Cli::describe(), wick::features());
}
-- tools/second/Cargo.toml --
[package]
name = "second"
version = "2.0.0"
edition = "2021"

[[bin]]
name = "second"
path = "main.rs"

[[bin]]
name = "third"
path = "third.rs"

[dependencies]
words.workspace = true
-- tools/second/main.rs --
fn main() { println!("second {} {}", env!("CARGO_PKG_VERSION"), words::words()); }
-- tools/second/third.rs --
fn main() { println!("third of {}", env!("CARGO_BIN_NAME")); }
"#;

/// A package that has no lock.
const PACKAGE: &str = r#"
-- Cargo.toml --
[package]
name = "lone"
version = "1.4.0"
edition = "2021"

[dependencies]
tint = "1"
-- src/main.rs --
fn main() { println!("lone {} {}", env!("CARGO_PKG_VERSION"), tint::name()); }
"#;

/// When what is generated was written.
fn modified(folder: &Path) -> Vec<std::time::SystemTime> {
    ["package.nix", "graph.json"].map(|name| std::fs::metadata(folder.join(name)).unwrap().modified().unwrap()).into()
}

#[test]
fn running_again_changes_nothing_and_check_says_what_is_stale() {
    let place = Place::new(PACKAGE);
    place.lock();
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json, package.nix", "nixwright generate"]);
    place.generate(&["--dry-run"]).expect_code(0).expect_words(&["would write graph.json", "would write package.nix"]);
    assert!(!place.project().join("graph.json").exists());
    let said = place.generate(&[]).expect_code(0);
    said.expect_words(&[
        "lone 1.4.0 (Cargo), 2 units of 1 member and 1 package that are fetched: lone",
        "nix-build -E",
    ]);
    let times = modified(&place.project());
    place.generate(&["--check"]).expect_code(0).expect_words(&["up to date"]);
    place.generate(&[]).expect_code(0).expect_words(&["nothing to change"]);
    assert_eq!(modified(&place.project()), times);
    assert!(!place.read("graph.json").contains(place.home.path().to_str().unwrap()), "{}", place.read("graph.json"));
    // The text of a program is nothing of the graph, another dependency is; then the lock is stale too.
    place.write("src/main.rs", "fn main() {}\n");
    place.generate(&["--check"]).expect_code(0);
    place.write("Cargo.toml", &(place.read("Cargo.toml") + "oil = \"1\"\n"));
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: Cargo.lock, graph.json"]);
    place.generate(&[]).expect_code(0).expect_words(&["changed Cargo.lock", "changed graph.json"]);
    place.generate(&["--check"]).expect_code(0);
    place.compare(&[], &[]);
}

#[test]
fn without_a_lock_cargos_is_written() {
    let place = Place::new(PACKAGE);
    place.generate(&["--with-builders"]).expect_code(0).expect_words(&["wrote Cargo.lock"]);
    let ours = place.read("Cargo.lock");
    place.lock();
    assert_eq!(place.read("Cargo.lock"), ours);
    place.generate(&["--check"]).expect_code(0);
    let expected = printed(&place.build_by_cargo(&[]).join("lone"), &[]);
    assert_eq!(expected, "lone 1.4.0 tint 1.0.1 pale\n");
    for strategy in ["shared", "vendored"] {
        assert_eq!(printed(&place.build(strategy).join("bin/lone"), &[]), expected, "{strategy}");
    }
}

#[test]
fn a_crate_of_which_nobody_knows_what_it_links_to_is_named() {
    let place = Place::new(PACKAGE);
    place.write("Cargo.toml", "[package]\nname = \"lone\"\nversion = \"1.0.0\"\n[dependencies]\nlamp-sys = \"1\"\n");
    place.generate(&[]).expect_code(0).expect_words(&[
        "to check: lamp-sys 1.0.0 links lamp; if that is a library, name it in overrides.nix: crates.lamp-sys.buildInputs",
    ]);
}

#[test]
fn a_workspace_is_built_with_all_its_programs_and_what_they_share_once() {
    let place = Place::new(WORKSPACE);
    place.lock();
    let said = place.generate(&["--with-builders"]).expect_code(0);
    said.expect_words(&["demo 0.0.0 (Cargo)", "of 3 members and 5 packages that are fetched: cli, second, third"]);
    place.generate(&["--check"]).expect_code(0);
    place.compare(&["--workspace"], &["--workspace"]);
    place.compare(&["-p", "cli", "--features", "loud"], &["-p", "cli", "--features", "loud"]);
    assert_eq!(place.derivations(), place.units(here().0).len());
    let by_cargo = place.build_by_cargo(&["--workspace"]);
    for strategy in ["shared", "vendored"] {
        let out = place.build(strategy);
        for name in ["cli", "second", "third"] {
            let expected = printed(&by_cargo.join(name), &[]);
            assert_eq!(printed(&out.join("bin").join(name), &[]), expected, "{name} {strategy}");
        }
        assert_eq!(std::fs::read_dir(out.join("bin")).unwrap().count(), 3, "{strategy}");
    }
}

#[test]
fn members_features_and_programs_are_chosen_as_cargo_chooses_them() {
    let place = Place::new(WORKSPACE);
    place.lock();
    let loud = ["-p", "cli", "--features", "loud"];
    place
        .generate(&[&loud[..], &["--with-builders"]].concat())
        .expect_code(0)
        .expect_words(&["of 1 member", ": cli\n"]);
    place.generate(&loud).expect_code(0).expect_words(&["nothing to change"]);
    let expected = printed(&place.build_by_cargo(&loud).join("cli"), &[]);
    assert!(expected.starts_with("cli 0.3.1: TINT 1.0.1 PALE IN WORDS"), "{expected}");
    for strategy in ["shared", "vendored"] {
        let out = place.build(strategy);
        assert_eq!(printed(&out.join("bin/cli"), &[]), expected, "{strategy}");
        assert_eq!(std::fs::read_dir(out.join("bin")).unwrap().count(), 1, "{strategy}");
    }
    place.generate(&["--bin", "third"]).expect_code(0).expect_words(&[": third\n"]);
    place
        .generate(&["-p", "absent"])
        .expect_code(1)
        .expect_words(&["no member named \"absent\"; it has: cli, second, words"]);
    place.generate(&["--features", "absent"]).expect_code(1).expect_words(&["no feature named \"absent\""]);
    place.generate(&["-p", "words"]).expect_code(1).expect_words(&["no binary to build"]);
    place.generate(&["--vendor"]).expect_code(2).expect_words(&["only Go has a folder for this"]);
}

#[test]
fn in_the_folder_of_a_member_it_is_that_member() {
    let place = Place::new(WORKSPACE);
    place.lock();
    place.generate(&["--with-builders"]).expect_code(0);
    place.generate_in("cli", &[]).expect_code(0).expect_words(&["cli 0.3.1 (Cargo)", ": cli\n"]);
    assert!(place.read("cli/package.nix").contains("  project = ./..;\n"), "{}", place.read("cli/package.nix"));
    let expected = printed(&place.build_by_cargo(&["-p", "cli"]).join("cli"), &[]);
    assert_eq!(printed(&place.build_in("cli", "shared").join("bin/cli"), &[]), expected);
    assert!(!place.project().join("cli/Cargo.lock").exists());
}

#[test]
fn what_is_no_project_is_named() {
    let place = Place::new(PACKAGE);
    place.write("package.json", "{}");
    place.generate(&[]).expect_code(2).expect_words(&["several kinds (cargo, npm)", "--ecosystem"]);
    std::fs::remove_file(place.project().join("package.json")).unwrap();
    place.write("Cargo.toml", "[package\n");
    place.generate(&[]).expect_code(2).expect_words(&["Cargo.toml: ", "unclosed table"]);
    place.write("Cargo.toml", "[dependencies]\n");
    place.generate(&[]).expect_code(2).expect_words(&["it has neither [package] nor [workspace]"]);
    write_file(&place.project().join("package.nix"), "{ }");
    place.write_all(PACKAGE);
    place.generate(&[]).expect_code(1).expect_words(&["package.nix was not written by nixwright"]);
    assert_eq!(place.read("package.nix"), "{ }");
}
