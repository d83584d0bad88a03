//! Where packages come from beside the public registry: repositories, other registries, folders, patches.

use nixwright_tests::fixture::Fixture;
use nixwright_tests::process::files_below;
use nixwright_tests::shelf::shelf;

use crate::workbench::{Place, printed};

/// A repository that a submodule brings in.
const SEEDS: &str = "
-- list.txt --
poppy
";

/// A workspace whose members inherit, with a sibling by path and a file of the submodule.
const GARDEN: &str = r#"
-- Cargo.toml --
[workspace]
members = ["crates/*"]
resolver = "2"

[workspace.package]
version = "2.1.0"
edition = "2021"
authors = ["A Gardener <garden@tool.example>"]

[workspace.dependencies]
thorn = { path = "crates/thorn", default-features = false }
tint = { version = "1", default-features = false, features = ["bright"] }
-- crates/rose/Cargo.toml --
[package]
name = "rose"
version.workspace = true
edition.workspace = true
authors.workspace = true

[features]
default = ["sharp"]
sharp = ["thorn/sharp"]

[dependencies]
thorn.workspace = true
tint = { workspace = true, features = ["pale"] }
-- crates/rose/src/lib.rs --
pub fn rose() -> String {
    let seeds = include_str!("../../../seeds/list.txt").trim();
    format!("{} of {}, {seeds}, {}, {}", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_AUTHORS"), thorn::thorn(), tint::name())
}
-- crates/thorn/Cargo.toml --
[package]
name = "thorn"
version = "0.4.0"
edition.workspace = true

[features]
sharp = []
-- crates/thorn/build.rs --
fn main() {
    println!("cargo::rustc-env=THORN={}", if cfg!(feature = "sharp") { "sharp" } else { "blunt" });
}
-- crates/thorn/src/lib.rs --
pub fn thorn() -> &'static str { env!("THORN") }
-- crates/unused/Cargo.toml --
[package]
name = "unused"
version.workspace = true
-- crates/unused/src/lib.rs --
"#;

/// A package at the top of its repository, which stands for one of the registry.
const MEADOW: &str = r#"
-- Cargo.toml --
[package]
name = "oil"
version = "1.3.0"
edition = "2021"
-- src/lib.rs --
pub fn grade() -> &'static str { "oil of the meadow" }
"#;

const PROJECT: &str = r#"
-- Cargo.toml --
[package]
name = "flower"
version = "0.1.0"
edition = "2021"

[features]
default = ["roses"]
roses = ["dep:rose"]

[dependencies]
rose = { git = "@garden@", rev = "@commit@", optional = true }
blunt = { git = "@garden@", rev = "@commit@", package = "thorn" }
local = { path = "parts/local", features = ["more"] }
oil = "1"
lamp-derive = "1"
bellows = { version = "1", registry = "corp" }
tint = { version = "1", registry = "corp" }

[patch.crates-io]
oil = { git = "@meadow@", branch = "main" }
wick = { path = "parts/wick" }
-- src/main.rs --
#[cfg(not(feature = "roses"))]
mod rose {
    pub fn rose() -> String { "none".to_owned() }
}

trait Describe {
    fn describe() -> &'static str;
}

#[derive(lamp_derive::Describe)]
struct Flower;

fn main() {
    println!("rose: {}", rose::rose());
    println!("thorn: {}", blunt::thorn());
    println!("local: {}", local::local());
    println!("oil: {}", oil::grade());
    println!("patched: {}", Flower::describe());
    println!("bellows: {}", bellows::blow());
    println!("tint: {}", tint::name());
}
-- parts/local/Cargo.toml --
[package]
name = "local"
version = "0.0.1"
edition = "2018"

[features]
more = []
-- parts/local/src/lib.rs --
pub fn local() -> &'static str { if cfg!(feature = "more") { "more" } else { "less" } }
-- parts/wick/Cargo.toml --
[package]
name = "wick"
version = "1.0.7"
edition = "2021"

[features]
short = []
tall = []
-- parts/wick/src/lib.rs --
pub fn features() -> String { "patched".to_owned() }
"#;

/// Another crate than the public registry's of the same name and version.
fn other_tint() -> nixwright_tests::fixture::PackedCrate {
    let tint = shelf().get("tint", "1.0.1");
    let fixture = Fixture::read("tint").version(&tint.version);
    fixture.file("src/lib.rs", "pub fn name() -> &'static str { \"the other tint\" }\n").pack()
}

fn bellows() -> nixwright_tests::fixture::PackedCrate {
    Fixture::read("tint")
        .replace("Cargo.toml", "name = \"tint\"", "name = \"bellows\"")
        .file("src/lib.rs", "pub fn blow() -> &'static str { concat!(\"bellows \", env!(\"CARGO_PKG_VERSION\")) }\n")
        .pack()
}

#[test]
fn packages_of_every_source_resolve_and_build_as_with_cargo() {
    let mut place = Place::new("");
    let (tint, bellows) = (other_tint(), bellows());
    let other = place.another_registry([&tint, &bellows]);
    let (seeds, _) = place.repository("seeds", SEEDS, None);
    let (garden, commit) = place.repository("garden", GARDEN, Some(("seeds", &seeds)));
    let (meadow, _) = place.repository("meadow", MEADOW, None);
    let project = PROJECT.replace("@garden@", &garden).replace("@commit@", &commit).replace("@meadow@", &meadow);
    place.write_all(&project);
    place.lock();
    place.compare(&[], &[]);
    place.compare(&["--no-default-features"], &["--no-default-features"]);

    place.generate(&["--with-builders"]).expect_code(0).expect_words(&["flower 0.1.0 (Cargo)", ": flower\n"]);
    place.generate(&["--check"]).expect_code(0);
    let graph = place.read("graph.json");
    assert!(graph.contains(&other.archive_url(&bellows)), "the address that the registry's template gives: {graph}");
    let expected = printed(&place.build_by_cargo(&[]).join("flower"), &[]);
    insta::assert_snapshot!(expected, @r"
rose: 2.1.0 of A Gardener <garden@tool.example>, poppy, sharp, tint 1.0.1 bright+pale
thorn: sharp
local: more
oil: oil of the meadow
patched: Flower with a patched wick
bellows: bellows 1.0.0
tint: the other tint
");
    for strategy in ["shared", "vendored"] {
        assert_eq!(printed(&place.build(strategy).join("bin/flower"), &[]), expected, "{strategy}");
    }
    let kept: Vec<_> = files_below(&place.home.path().join("nixwright")).into_iter().collect();
    let has_token = |path: &std::path::PathBuf| {
        let content = std::fs::read(place.home.path().join("nixwright").join(path)).unwrap_or_default();
        content.windows(11).any(|window| window == b"open sesame")
    };
    assert!(!kept.iter().any(has_token) && !graph.contains("open sesame"), "the token is nowhere");
}

#[test]
fn without_its_token_a_registry_is_named() {
    let mut place = Place::new("");
    let bellows = bellows();
    let other = place.another_registry([&bellows]);
    place.write_all(
        "-- Cargo.toml --\n[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nbellows = { version = \"1\", registry = \"corp\" }\n-- src/main.rs --\nfn main() {}\n",
    );
    place.lock();
    place.set("CARGO_REGISTRIES_CORP_TOKEN", "guessed");
    place.resolve(&[]).expect_code(1).expect_words(&["401 Unauthorized", other.host()]);
}

#[test]
fn what_lies_outside_of_the_project_is_named() {
    let place = Place::new(
        "-- Cargo.toml --\n[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
         [dependencies]\nbeside = { path = \"../beside\" }\n-- src/main.rs --\nfn main() {}\n\
         -- ../beside/Cargo.toml --\n[package]\nname = \"beside\"\nversion = \"0.1.0\"\n-- ../beside/src/lib.rs --\n",
    );
    place.lock();
    place.generate(&[]).expect_code(1).expect_words(&["beside 0.1.0", "not in the project"]);
}
