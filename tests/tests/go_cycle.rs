//! Cycles of the bot with programs of Go: a proxy that is a folder, real builds by Nix, and what the pages say.

use std::collections::BTreeMap;
use std::path::Path;

use nixwright_tests::bot::Bot;
use nixwright_tests::go::proxy::{all_sums, write_proxy};
use nixwright_tests::go::universe::Universe;
use nixwright_tests::process::run;
use nixwright_tests::world::{attribute, nix_of};
use tempfile::TempDir;

/// A library of two packages, new to every store by its comment, and programs that use it.
const RELEASES: &str = "\
-- proxy/registry.example/library@v1.0.0/go.mod --
module registry.example/library

go 1.21
-- proxy/registry.example/library@v1.0.0/base/base.go --
package base

// SALT
var Name = \"base\"
-- proxy/registry.example/library@v1.0.0/user/user.go --
package user

import \"registry.example/library/base\"

func Name() string { return base.Name + \" user\" }
";

/// A proxy's folder and a configuration for it.
struct World {
    folder: TempDir,
    library: Universe,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = RELEASES.replace("SALT", &folder.path().display().to_string());
        Self { library: Universe::parse("library", &text), folder }
    }

    /// Publishes a program that says the library's name, with this go line.
    fn publish(&self, program: &str, version: &str, go: &str) {
        let path = format!("registry.example/{program}");
        let mut universe = self.library.clone();
        let sums = all_sums(&universe);
        let go_mod = format!("module {path}\n\ngo {go}\n\nrequire registry.example/library v1.0.0\n");
        let main = format!(
            "package main\n\nimport \"registry.example/library/user\"\n\nfunc main() {{ println(\"{program}\", user.Name()) }}\n"
        );
        for (file, content) in [("go.mod", go_mod), ("go.sum", sums), ("main.go", main)] {
            universe.files.insert(format!("proxy/{path}@{version}/{file}"), content);
        }
        write_proxy(&universe, &self.folder.path().join("proxy"));
    }

    /// A bot that follows these programs.
    fn bot(&self, programs: &[&str], strategy: &str) -> Bot {
        let packages: Vec<String> = programs
            .iter()
            .map(|program| format!("[packages.{program}]\npurl = \"pkg:golang/registry.example/{program}\"\n"))
            .collect();
        let proxy = self.folder.path().join("proxy");
        Bot::with(&format!(
            "state_dir = \"var\"\n\n[registries]\ngo_proxy = \"file://{}\"\ngo_sumdb = \"off\"\nosv_api = \"http://127.0.0.1:9/\"\n\n\
             [defaults]\nstrategy = \"{strategy}\"\n{}",
            proxy.display(),
            packages.concat()
        ))
    }
}

/// The pages of a package's runs.
fn run_pages(bot: &Bot, program: &str) -> BTreeMap<String, String> {
    let mut pages = bot.pages();
    pages.retain(|path, text| path.starts_with("runs/") && text.contains(&format!(": {program} ")));
    pages
}

/// What a built program says.
fn said(bot: &Bot, program: &str) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    let out = nix_of(bot).build(home.path(), &format!("{}#{}", bot.overlay().flake("main"), attribute(program)));
    run(&mut nixwright_tests::process::command(format!("{out}/bin/{program}"))).expect_code(0).stderr
}

#[test]
fn a_second_program_reuses_the_packages_of_the_first_and_its_run_says_so() {
    let world = World::new();
    world.publish("first", "v1.0.0", "1.21");
    let bot = world.bot(&["first"], "shared");
    bot.run_once().expect_code(0);
    let row = bot.status_of("first");
    // The standard library may have been in the store.
    let (built, reused) = (row["built"].as_u64().unwrap_or_default(), row["reused"].as_u64().unwrap_or_default());
    assert!(built >= 3 && built + reused == 4, "{row}");
    assert_eq!(said(&bot, "first"), "first base user\n");

    world.publish("second", "v2.0.0+incompatible", "1.21");
    world.publish("second", "v1.1.0", "1.21");
    let both = world.bot(&["first", "second"], "shared");
    bot.write_configuration(&std::fs::read_to_string(both.configuration()).expect("a configuration"));
    bot.run_once().expect_code(0);
    let row = bot.status_of("second");
    assert_eq!(
        (row["version"].as_str(), row["built"].as_u64(), row["reused"].as_u64()),
        (Some("v1.1.0"), Some(1), Some(3)),
        "{row}"
    );
    assert_eq!(said(&bot, "second"), "second base user\n");
    let pages = run_pages(&bot, "second");
    assert_eq!(pages.len(), 1, "{:?}", pages.keys());
    let page = pages.values().next().expect("the page");
    assert!(
        page.contains("<span class=\"reused\">3 units reused</span> <span class=\"built\">1 built</span>"),
        "{page}"
    );
    let pull_request = bot.pages().remove("pull-requests/2.html").expect("the pull request's page");
    assert!(pull_request.contains("3 units reused, 1 built"), "{pull_request}");
}

/// A repository with these tags, and its address.
fn tagged(folder: &Path, tags: &[&str]) -> String {
    let git = |arguments: &[&str]| {
        let mut git = nixwright_tests::process::command("git");
        git.arg("--git-dir").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@tool.example"]).args(arguments);
        run(&mut git).expect_code(0).stdout.trim().to_owned()
    };
    git(&["init", "--quiet", "--bare", &folder.display().to_string()]);
    let tree = git(&["mktree"]);
    let commit = git(&["commit-tree", &tree, "-m", "all of it"]);
    for tag in tags {
        git(&["tag", "-m", tag, tag, &commit]);
    }
    format!("file://{}", folder.display())
}

#[test]
fn a_tag_is_a_release_before_the_proxy_lists_it_and_not_before_the_proxy_has_it() {
    let world = World::new();
    // The proxy lists what was published last.
    world.publish("early", "v1.1.0", "1.21");
    world.publish("early", "v1.0.0", "1.21");
    let bot = world.bot(&["early"], "shared");
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("early")["version"], "v1.0.0");
    let tags = ["v1.0.0", "v1.1.0", "v1.2.0", "v2.0.0", "v1.3", "tip", "part/v1.9.0"];
    let address = tagged(&world.folder.path().join("early.git"), &tags);
    let configuration = std::fs::read_to_string(bot.configuration()).expect("a configuration");
    bot.write_configuration(&format!("{configuration}repository = \"{address}\"\n"));
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("early")["version"], "v1.1.0");
    assert_eq!(said(&bot, "early"), "early base user\n");
    let nowhere = format!("{configuration}repository = \"{address}.away\"\n");
    bot.write_configuration(&nowhere);
    bot.run_once().expect_code(1).expect_words(&["early.git.away"]);
}

#[test]
fn what_go_only_looks_into_is_no_download() {
    let world = World::new();
    // The package could be one of either module, by its path.
    let releases = "\
-- proxy/registry.example/Nest@v1.0.0/go.mod --
module registry.example/Nest

go 1.21
-- proxy/registry.example/Nest@v1.0.0/other/other.go --
package other
-- proxy/registry.example/Nest/egg@v1.0.0/go.mod --
module registry.example/Nest/egg

go 1.21
-- proxy/registry.example/Nest/egg@v1.0.0/shell/shell.go --
package shell

const Name = \"shell\"
";
    let mut universe = Universe::parse("nest", releases);
    let path = "registry.example/bird";
    let go_mod = format!(
        "module {path}\n\ngo 1.21\n\nrequire (\n\tregistry.example/Nest v1.0.0\n\tregistry.example/Nest/egg v1.0.0\n)\n"
    );
    let main = "package main\n\nimport \"registry.example/Nest/egg/shell\"\n\nfunc main() { println(shell.Name) }\n";
    for (file, content) in [("go.sum", all_sums(&universe)), ("go.mod", go_mod), ("main.go", main.to_owned())] {
        universe.files.insert(format!("proxy/{path}@v1.0.0/{file}"), content);
    }
    write_proxy(&universe, &world.folder.path().join("proxy"));
    for strategy in ["vendored", "shared"] {
        let bot = world.bot(&["bird"], strategy);
        bot.run_once().expect_code(0);
        assert_eq!(said(&bot, "bird"), "shell\n", "{strategy}");
        let graph = bot.overlay().file("main", "packages/bird/graph.json").expect("a graph");
        assert!(graph.contains("\"registry.example/Nest@v1.0.0\": \"h1:"), "{graph}");
    }
}

#[test]
fn a_program_that_needs_a_newer_go_is_not_built_and_its_pull_request_and_the_pages_say_which() {
    let world = World::new();
    world.publish("late", "v1.0.0", "1.21");
    let bot = world.bot(&["late"], "vendored");
    bot.run_once().expect_code(0);
    assert_eq!(said(&bot, "late"), "late base user\n");
    let main = bot.overlay().branches()["main"].clone();

    world.publish("late", "v1.1.0", "1.99");
    let needs = "late 1.1.0 needs Go 1.99, and this package set has ";
    bot.run_once().expect_code(1).expect_words(&[needs]);
    let row = bot.status_of("late");
    assert_eq!((row["state"].as_str(), row["built"].as_u64()), (Some("failed"), Some(0)), "{row}");
    assert_eq!(bot.overlay().branches()["main"], main);
    let pages = bot.pages();
    let number = row["pull_request"].as_u64().expect("a pull request that says so");
    for page in ["packages/late.html".to_owned(), "runs/2.html".to_owned(), format!("pull-requests/{number}.html")] {
        assert!(pages[&page].contains(needs), "{page}: {}", pages[&page]);
    }
}
