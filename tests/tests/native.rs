//! What a crate needs beyond Rust: asked for in the pull request, told by the configuration, given to the build.

use nixwright_tests::fixture::Fixture;
use nixwright_tests::github::GitHub;
use nixwright_tests::on_github::{bot_on, open_pull_of};
use nixwright_tests::process::{command, stdout_of};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::locked;
use nixwright_tests::world::{attribute, nix_of};

const PACKAGE: &str = "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\nautomerge = \"never\"\n";

/// A program whose build script wants a tool and a variable, of which no table knows.
fn matchbox(registry: &Registry) -> nixwright_tests::fixture::PackedCrate {
    let fixture = Fixture::read("matchbox")
        .replace("Cargo.toml", "license", "links = \"phosphorus\"\nbuild = \"build.rs\"\nlicense")
        .file(
            "build.rs",
            r#"fn main() {
                let head = std::env::var("MATCH_HEAD").expect("MATCH_HEAD says which head");
                let script = format!("print 'red' eq '{head}' ? 'cargo::rustc-env=HEAD=ruby' : die");
                let said = std::process::Command::new("perl").args(["-e", &script]).output().expect("perl is a tool");
                println!("{}", String::from_utf8(said.stdout).unwrap());
            }"#,
        )
        .file("src/main.rs", "fn main() { println!(\"a head of {}\", env!(\"HEAD\")); }\n");
    locked(fixture, registry).pack()
}

#[test]
fn a_crate_of_which_nobody_knows_is_named_until_the_configuration_says_what_it_needs() {
    let github = GitHub::start();
    let registry = Registry::start();
    registry.publish(&matchbox(&registry));
    let body = |configuration: &str| {
        let bot = bot_on(&github, &registry, configuration);
        let finished = bot.run_once();
        (bot, finished, open_pull_of(&github, "matches").body.unwrap_or_default())
    };

    let (bot, finished, told) = body(PACKAGE);
    finished.expect_code(1);
    assert!(told.contains("- `matchbox 1.0.0` links `phosphorus`") && told.contains("`[native.NAME]`"), "{told}");
    assert!(told.contains("MATCH_HEAD says which head"), "{told}");

    let asked = "nothing is known of what these link to: matchbox 1.0.0";
    assert!(bot.pages().values().any(|page| page.contains(asked)), "the run's page says it too");

    let native = "[native.matchbox]\nnative_build_inputs = [\"perl\"]\nenv = { MATCH_HEAD = \"red\" }\n\
                  [native.not-here]\nbuild_inputs = [\"openssl\"]\n";
    for strategy in ["shared", "vendored"] {
        let (bot, finished, told) = body(&format!("{native}{PACKAGE}strategy = \"{strategy}\"\n"));
        finished.expect_code(0);
        assert!(!told.contains("Things to check"), "{told}");
        let branch = "nixwright/matches";
        let package = bot.overlay().file(branch, "packages/matches/package.nix").unwrap_or_default();
        assert!(package.contains("nativeBuildInputs = [ \"perl\" ];") && !package.contains("not-here"), "{package}");
        let home = tempfile::tempdir().expect("a folder");
        let installable = format!("{}#{}", bot.overlay().flake(branch), attribute("matches"));
        let out = nix_of(&bot).build(home.path(), &installable);
        assert_eq!(stdout_of(&mut command(format!("{out}/bin/matchbox"))), "a head of ruby\n", "{strategy}");
    }
}
