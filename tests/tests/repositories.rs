//! Releases that only a repository has: the bot follows tags of a fake GitHub over real git, and Nix builds what they hold.

use nixwright_tests::bot::{Bot, nixwright};
use nixwright_tests::github::{GitHub, Settings};
use nixwright_tests::npm::registry::NpmRegistry;
use nixwright_tests::npm::release::Release;
use nixwright_tests::on_github::bot_on;
use nixwright_tests::process::{Finished, command, run, stdout_of};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{attribute, nix_of};
use serde_json::{Value, json};

/// A workspace without a lock, in which a program uses a sibling and a crate of the registry. What an upstream says to its own cargo
/// is not for us.
const GARDEN: &str = r#"
-- Cargo.toml --
[workspace]
members = ["crates/*"]
default-members = ["crates/cli"]
resolver = "2"

[workspace.package]
version = "1.0.0"
edition = "2021"
-- .cargo/config.toml --
[build]
rustc = "/nowhere/rustc"
-- crates/cli/Cargo.toml --
[package]
name = "garden"
version.workspace = true
edition.workspace = true
description = "Grows $things"

[features]
loud = []

[dependencies]
soil = { path = "../soil" }
fuse = { package = "wick", version = "1" }
-- crates/cli/src/main.rs --
fn main() {
    let sign = if cfg!(feature = "loud") { "!" } else { "." };
    println!("garden {} on {}{sign}", env!("CARGO_PKG_VERSION"), soil::name());
}
-- crates/soil/Cargo.toml --
[package]
name = "soil"
version.workspace = true
edition.workspace = true
-- crates/soil/src/lib.rs --
pub fn name() -> &'static str { include_str!("../../../kind.txt").trim() }
-- crates/tool/Cargo.toml --
[package]
name = "rake"
version.workspace = true
edition.workspace = true
-- crates/tool/src/main.rs --
fn main() { println!("rake {}", env!("CARGO_PKG_VERSION")); }
-- kind.txt --
loam
"#;

/// An npm project with a script that makes its program.
const CRANK: &str = r#"
-- package.json --
{ "name": "crank", "version": "1.0.0", "bin": { "crank": "dist/crank.js" }, "license": "MIT",
  "scripts": { "build": "node make.js", "prepare": "husky" }, "dependencies": { "dep": "^1.0.0" }, "devDependencies": { "maker": "1" } }
-- make.js --
const made = require('maker');
require('node:fs').mkdirSync('dist');
require('node:fs').writeFileSync('dist/crank.js', '#!/usr/bin/env node\n' + made);
"#;

/// Projects that want what is not theirs, or are none.
const OUTSIDE: &str = r#"
-- far/out/package.json --
{ "name": "out", "version": "1.0.0", "dependencies": { "etc": "file:../../../../etc" } }
-- bad/package.json --
{ "name":
"#;

fn github(name: &str, files: &str) -> GitHub {
    let github = GitHub::with(Settings { name: name.to_owned(), private: false, ..Settings::default() });
    github.push_files(files);
    github
}

/// A bot whose upstreams are at this GitHub.
fn bot(github: &GitHub, registry: &Registry, configuration: &str) -> Bot {
    let mut bot = Bot::new(registry, configuration);
    bot.set_env("NIXWRIGHT_GITHUB_UPSTREAMS", github.api_url());
    bot.set_env("NIXWRIGHT_GITHUB_TOKEN", github.token());
    bot
}

fn purl(github: &GitHub) -> String {
    format!("pkg:github/{}", github.name())
}

fn graph(bot: &Bot, attr: &str) -> Value {
    let text =
        bot.overlay().file("main", &format!("packages/{attr}/graph.json")).expect("the package is in the overlay");
    serde_json::from_str(&text).expect("JSON")
}

fn output_of(bot: &Bot, attr: &str, program: &str) -> String {
    let built = bot.call(&["build", attr]).expect_code(0);
    stdout_of(command(format!("{}/bin/{program}", built.stdout.trim())).arg("--version"))
}

#[test]
fn a_tag_that_holds_a_workspace_is_followed_built_both_ways_and_gone_back_from() {
    let github = github("garden", GARDEN);
    github.release("v1.0.0", "First.", false);
    let registry = shelf().registry();
    let package = |more: &str| format!("[packages.garden]\npurl = \"{}\"\nmin_age = \"0s\"\n{more}", purl(&github));
    let bot = bot(&github, &registry, &package(""));
    bot.run_once().expect_code(0);
    assert_eq!(output_of(&bot, "garden", "garden"), "garden 1.0.0 on loam.\n");

    bot.run_once().expect_code(0).expect_words(&["1 up to date", "no commit"]);
    let written = graph(&bot, "garden");
    assert_eq!(written["purl"], format!("{}@v1.0.0", purl(&github)));
    let address = written["commit"]["git"].as_str().expect("an address");
    assert!(address.starts_with("https://") && address.ends_with(&github.name()), "{address}");
    let units = written["units"].as_object().expect("units");
    assert!(!units.keys().any(|unit| unit.starts_with("rake")), "not a default member: {units:#?}");
    let on_loopback = |text: &str| text.contains("127.0.0.1");
    let files = ["package.nix", "graph.json", "Cargo.lock"].map(|name| format!("packages/garden/{name}"));
    for file in files {
        let text = bot.overlay().file("main", &file).unwrap_or_else(|| panic!("{file} is written"));
        assert!(!on_loopback(&text), "{file}: {text}");
    }
    nix_of(&bot)
        .build(&bot.state(), &format!("{}#{}.strategies.vendored", bot.overlay().flake("main"), attribute("garden")));

    // A trial is none, whatever its version says; then a release comes.
    github.push_to_main("kind.txt", "peat\n");
    github.release("v1.2.0", "A trial.", true);
    bot.run_once().expect_code(0);
    assert_eq!(bot.status()["garden"]["version"], "1.0.0");
    github.release("garden-1.1.0", "Second.", false);
    bot.configure(&registry, &package("features = [\"loud\"]\nmembers = [\"garden\", \"rake\"]\n"));
    bot.run_once().expect_code(0);
    assert_eq!(output_of(&bot, "garden", "garden"), "garden 1.0.0 on peat!\n");
    assert_eq!(output_of(&bot, "garden", "rake"), "rake 1.0.0\n");
    assert_eq!(graph(&bot, "garden")["purl"], format!("{}@garden-1.1.0", purl(&github)));

    github.withdraw("garden-1.1.0");
    bot.run_once().expect_code(0);
    assert_eq!(bot.status()["garden"]["version"], "1.0.0");
    assert_eq!(output_of(&bot, "garden", "garden"), "garden 1.0.0 on loam!\n");
    let again = bot.run_once().expect_code(0);
    again.expect_words(&["1 up to date"]);
}

#[test]
fn a_workspace_may_be_in_a_folder_of_the_repository() {
    let below = GARDEN.replace("-- ", "-- rust/").replace("../../../kind.txt", "../../../../kind.txt");
    let below = below.replace("-- rust/kind.txt --", "-- kind.txt --").replace("-- rust/.cargo/", "-- .cargo/");
    let github = github("garden", &below);
    github.release("v1.0.0", "", false);
    let registry = shelf().registry();
    for strategy in ["shared", "vendored"] {
        let more = format!("min_age = \"0s\"\nstrategy = \"{strategy}\"\n");
        let bot = bot(&github, &registry, &format!("[packages.garden]\npurl = \"{}#rust\"\n{more}", purl(&github)));
        bot.run_once().expect_code(0);
        assert_eq!(output_of(&bot, "garden", "garden"), "garden 1.0.0 on loam.\n", "{strategy}");
        assert_eq!(graph(&bot, "garden")["commit"]["at"], "rust");
    }
}

#[test]
fn a_release_waits_until_it_is_as_old_as_github_says_it_should_be() {
    let github = github("garden", GARDEN);
    let registry = shelf().registry();
    let bot = bot(&github, &registry, &format!("[packages.garden]\npurl = \"{}\"\n", purl(&github)));
    github.release("v1.0.0", "First.", false);
    let said = bot.run_once().expect_code(0);
    said.expect_words(&["1 waiting"]);
    assert!(bot.overlay().file("main", "packages/garden/graph.json").is_none());
}

#[test]
fn a_tag_that_was_moved_is_refused_also_while_it_waits() {
    let github = github("garden", GARDEN);
    github.release("v1.0.0", "First.", false);
    let registry = shelf().registry();
    let package = |more: &str| format!("[packages.garden]\npurl = \"{}\"\n{more}", purl(&github));
    let bot = bot(&github, &registry, &package(""));
    bot.run_once().expect_code(0).expect_words(&["1 waiting"]);
    github.push_to_main("kind.txt", "gravel\n");
    github.move_tag("v1.0.0");
    bot.configure(&registry, &package("min_age = \"0s\"\n"));
    bot.run_once().expect_code(1).expect_words(&["the tag v1.0.0 of", "when it was first seen", "so it is refused"]);
    assert!(bot.overlay().file("main", "packages/garden/graph.json").is_none());
    // The next release is one again.
    github.release("v1.0.1", "Second.", false);
    bot.run_once().expect_code(0);
    assert_eq!(output_of(&bot, "garden", "garden"), "garden 1.0.0 on gravel.\n");
}

#[test]
fn the_token_of_another_forge_is_not_sent_to_the_github_of_upstreams() {
    let (upstream, forge) = (github("garden", GARDEN), GitHub::start());
    upstream.release("v1.0.0", "First.", false);
    let registry = shelf().registry();
    let configuration = format!("[packages.garden]\npurl = \"{}\"\n", purl(&upstream));
    let mut bot = bot_on(&forge, &registry, &configuration);
    bot.set_env("NIXWRIGHT_GITHUB_UPSTREAMS", upstream.api_url());
    bot.call(&["run", "--once", "--dry-run"]);
    // The fake lets nobody ask without a token; what counts here is that there was none.
    upstream.take_violations();
    let asked = upstream.requests();
    assert!(asked.iter().any(|request| request.path.ends_with("/releases")), "{asked:#?}");
    assert!(asked.iter().all(|request| !request.headers.contains_key("authorization")), "{asked:#?}");
}

#[test]
fn what_resolve_prints_of_a_folder_of_a_repository() {
    let github = github("garden", GARDEN);
    github.push_files(OUTSIDE);
    github.release("rake-v2.0.0", "", false);
    github.release("v1.0.0", "", false);
    let home = tempfile::tempdir().expect("a temporary folder");
    let registry = shelf().registry();
    let resolve = |arguments: &[&str]| -> Finished {
        let mut command = nixwright();
        command.arg("resolve").args(arguments).env("XDG_CACHE_HOME", home.path());
        command.env("NIXWRIGHT_CRATES_INDEX", registry.index_url());
        run(command.env("NIXWRIGHT_GITHUB_UPSTREAMS", github.api_url()))
    };
    let purl = purl(&github);
    let rake = resolve(&[&format!("{purl}#crates/tool"), "--format", "cargo-units"]).expect_code(0);
    assert_eq!(rake.stdout.lines().count(), 1, "{rake}");
    let plan = resolve(&[&format!("{purl}@rake-v2.0.0#crates/tool")]).expect_code(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("a plan");
    assert_eq!((&plan["version"], &plan["commit"]["tag"]), (&json!("2.0.0"), &json!("rake-v2.0.0")));
    for (purl, words) in [
        (format!("{purl}@v9.9.9"), &["has no tag that is version v9.9.9", "the newest: v1.0.0"][..]),
        (format!("{purl}#far/out"), &["it depends on ../../../../etc, which is outside"]),
        (format!("{purl}#bad"), &["bad/package.json is not JSON"]),
        (format!("{purl}#crates"), &["neither a Cargo.toml nor a package.json at crates", "pkg:golang/"]),
        ("pkg:github/nobody/nothing".to_owned(), &["nobody/nothing"]),
    ] {
        resolve(&[&purl]).expect_code(1).expect_words(words);
    }
}

/// The same versions in the words of each tool that locks them.
const LOCKS: [(&str, &str); 3] = [
    (
        "package-lock.json",
        r#"{ "name": "crank", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
  "": { "name": "crank", "version": "1.0.0", "license": "MIT", "bin": { "crank": "dist/crank.js" },
        "dependencies": { "dep": "^1.0.0" }, "devDependencies": { "maker": "1" } },
  "node_modules/dep": { "version": "1.0.0", "resolved": "REGISTRYdep/-/dep-1.0.0.tgz", "integrity": "DEP" },
  "node_modules/maker": { "version": "1.0.0", "resolved": "REGISTRYmaker/-/maker-1.0.0.tgz", "integrity": "MAKER", "dev": true } } }"#,
    ),
    (
        "yarn.lock",
        "# yarn lockfile v1\n\n\ndep@^1.0.0:\n  version \"1.0.0\"\n  resolved \"REGISTRYdep/-/dep-1.0.0.tgz#0000000000000000000000000000000000000000\"\n  integrity DEP\n\nmaker@1:\n  version \"1.0.0\"\n  resolved \"REGISTRYmaker/-/maker-1.0.0.tgz#0000000000000000000000000000000000000000\"\n  integrity MAKER\n",
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      dep:\n        specifier: ^1.0.0\n        version: 1.0.0\n    devDependencies:\n      maker:\n        specifier: '1'\n        version: 1.0.0\n\npackages:\n\n  dep@1.0.0:\n    resolution: {integrity: DEP}\n\n  maker@1.0.0:\n    resolution: {integrity: MAKER}\n\nsnapshots:\n\n  dep@1.0.0: {}\n\n  maker@1.0.0: {}\n",
    ),
];

#[test]
fn an_npm_project_is_built_by_its_own_script_from_whatever_lock_it_has() {
    let npm = NpmRegistry::start();
    let source = "module.exports = \"console.log('crank', require('dep'), process.argv[2])\";";
    let maker = Release::new("maker", "1.0.0", &json!({ "$files": { "index.js": source } }));
    let dep = |version| {
        Release::new("dep", version, &json!({ "$files": { "index.js": format!("module.exports = '{version}';") } }))
    };
    let integrity = |release: &Release| {
        release.document(&release.tarball(), npm.url())["dist"]["integrity"].as_str().expect("an integrity").to_owned()
    };
    let releases = [dep("1.0.0"), dep("1.1.0"), maker];
    for release in &releases {
        npm.publish(release);
    }
    let without = [("", String::new(), "1.1.0")];
    let locks = LOCKS.map(|(name, text)| {
        let text = text.replace("REGISTRY", npm.url());
        (name, text.replace("DEP", &integrity(&releases[0])).replace("MAKER", &integrity(&releases[2])), "1.0.0")
    });
    for (name, text, expected) in without.into_iter().chain(locks) {
        let github = github("crank", CRANK);
        if !name.is_empty() {
            github.push_to_main(name, &text);
        }
        github.release("v1.0.0", "", false);
        let configuration = format!("[packages.crank]\npurl = \"{}\"\nmin_age = \"0s\"\n", purl(&github));
        let mut bot = bot(&github, &shelf().registry(), &configuration);
        bot.set_env("NIXWRIGHT_NPM_REGISTRY", npm.url());
        bot.run_once().expect_code(0);
        assert_eq!(output_of(&bot, "crank", "crank"), format!("crank {expected} --version\n"), "{name:?}");
        bot.run_once().expect_code(0).expect_words(&["1 up to date", "no commit"]);
        let package = bot.overlay().file("main", "packages/crank/package.nix").expect("the package");
        assert!(package.contains("buildScript = \"build\";"), "{name:?}: {package}");
    }
}
