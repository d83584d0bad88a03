//! `nixwright generate` for Go: a module and a workspace, from go.mod to a program that runs, and what is refused.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::{Path, PathBuf};

use nixwright::clients::nix::probe_toolchain;
use nixwright_tests::bot::nixwright;
use nixwright_tests::go::proxy::{all_sums, write_proxy};
use nixwright_tests::go::universe::Universe;
use nixwright_tests::nix::Nix;
use nixwright_tests::process::{Finished, command, run, stdout_of, write_file};
use tempfile::TempDir;

const MODULE: &str = r#"
-- go.mod --
module registry.example/demo

go 1.21

require (
	registry.example/leaf v1.0.0
	registry.example/near v0.0.0
)

replace registry.example/near => ./near
-- main.go --
package main

import (
	_ "embed"

	"registry.example/demo/inner"
	"registry.example/leaf"
	"registry.example/near"
)

//go:embed words.txt
var words string

func main() { println(inner.Name, leaf.Name, near.Name, words) }
-- words.txt --
embedded
-- inner/inner.go --
package inner

const Name = "inner"
-- near/go.mod --
module registry.example/near
-- near/near.go --
package near

const Name = "near"
"#;

const WORKSPACE: &str = r#"
-- go.work --
go 1.21

use (
	./api
	./cmd
)
-- api/go.mod --
module registry.example/api

go 1.21

require registry.example/leaf v1.0.0
-- api/api.go --
package api

import "registry.example/leaf"

const Name = "api with " + leaf.Name
-- cmd/go.mod --
module registry.example/cmd

go 1.21
-- cmd/one/main.go --
package main

import "registry.example/api"

func main() { println("one:", api.Name) }
-- cmd/two/main.go --
package main

import "registry.example/api"

func main() { println("two:", api.Name) }
"#;

const PROXY: &str = r#"
-- proxy/registry.example/leaf@v1.0.0/go.mod --
module registry.example/leaf
-- proxy/registry.example/leaf@v1.0.0/leaf.go --
package leaf

const Name = "leaf"
"#;

/// A project, a proxy that is a folder, and a home that a test throws away.
struct Place {
    universe: Universe,
    home: TempDir,
}

impl Place {
    fn new(project: &str) -> Self {
        let universe = Universe::parse("generate", &format!("{project}{PROXY}"));
        let place = Self { universe, home: tempfile::tempdir().unwrap() };
        write_proxy(&place.universe, &place.home.path().join("proxy"));
        place.universe.write_project(&place.project());
        for folder in place.universe.module_folders() {
            place.write(&format!("{folder}/go.sum"), &all_sums(&place.universe));
        }
        place
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("demo")
    }

    fn write(&self, path: &str, text: &str) {
        write_file(&self.project().join(path), text);
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.project().join(path)).unwrap()
    }

    fn generate(&self, arguments: &[&str]) -> Finished {
        let mut command = nixwright();
        command.arg("generate").arg(self.project()).args(arguments).current_dir(self.home.path());
        command.env("NIXWRIGHT_GOPROXY", format!("file://{}", self.home.path().join("proxy").display()));
        command.env("NIXWRIGHT_GOSUMDB", "off").env("XDG_CACHE_HOME", self.home.path().join("cache"));
        run(&mut command)
    }

    /// Builds what was generated, as the report says but with the package set of this machine.
    fn build(&self) -> PathBuf {
        let home = self.home.path();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let toolchain = runtime.block_on(probe_toolchain()).unwrap().to_json().unwrap();
        let nix = Nix::for_toolchain(&toolchain);
        // Under the name that the builders ask for, as fetching it would.
        let leaf = home.join("go-registry.example-leaf-v1.0.0");
        for (path, text) in &self.universe.releases()["registry.example/leaf@v1.0.0"] {
            write_file(&leaf.join(path), text);
        }
        let leaf = leaf.display().to_string();
        stdout_of(&mut nix.command(home, "nix-store", &["--add-fixed", "--recursive", "sha256", &leaf]));
        write_file(&home.join("toolchain.json"), &toolchain);
        let expression = format!(
            "(import ./.nixwright {{ pkgs = import {}/../templates/hostpkgs {{
                toolchain = builtins.fromJSON (builtins.readFile {}/toolchain.json); }}; }}).callPackage ./package.nix {{ }}",
            env!("CARGO_MANIFEST_DIR"),
            home.display()
        );
        let mut build = nix.command(home, "nix-build", &["--no-out-link", "-E", &expression]);
        stdout_of(build.current_dir(self.project())).trim().into()
    }
}

/// What a program says: `println` writes to stderr.
fn said(program: &Path) -> String {
    run(&mut command(program)).expect_code(0).stderr.clone()
}

fn modified(folder: &Path) -> Vec<std::time::SystemTime> {
    ["package.nix", "graph.json"].map(|name| std::fs::metadata(folder.join(name)).unwrap().modified().unwrap()).into()
}

#[test]
fn running_again_changes_nothing_and_check_says_what_is_stale() {
    let place = Place::new(MODULE);
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json, package.nix", "nixwright generate"]);
    place.generate(&["--dry-run"]).expect_code(0).expect_words(&["would write graph.json"]);
    assert!(!place.project().join("graph.json").exists());
    place.generate(&[]).expect_code(0).expect_words(&[
        "registry.example/demo (Go), 1 program (demo) of 4 packages and 1 module from the proxy",
        "wrote graph.json",
        "wrote package.nix",
        "nix-build -E",
    ]);
    let times = modified(&place.project());
    place.generate(&["--check"]).expect_code(0).expect_words(&["up to date"]);
    place.generate(&[]).expect_code(0).expect_words(&["nothing to change"]);
    assert_eq!(modified(&place.project()), times);
    let home = place.home.path().display().to_string();
    assert!(!place.read("graph.json").contains(&home), "{}", place.read("graph.json"));

    // Another file, and another edge: what is compiled is different.
    place.write("inner/more.go", "package inner\n\nimport _ \"registry.example/leaf\"\n");
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json"]);
    place.generate(&[]).expect_code(0).expect_words(&["changed graph.json"]);
    place.generate(&["--check"]).expect_code(0);
}

#[test]
fn what_go_refuses_is_refused_by_name_and_nothing_is_written() {
    let place = Place::new(MODULE);
    let refused = |code: i32, words: &[&str]| {
        place.generate(&[]).expect_code(code).expect_words(words);
        assert!(!place.project().join("graph.json").exists());
    };
    let sums = place.read("go.sum");
    place.write("go.sum", "");
    refused(1, &["registry.example/leaf", "go.sum"]);
    place.write("go.sum", &sums);
    let go_mod = place.read("go.mod");
    place.write("go.mod", &go_mod.replace("leaf v1.0.0", "leaf v1.9.0"));
    refused(1, &["registry.example/leaf", "v1.9.0"]);
    place.write("go.mod", "module\n");
    refused(2, &["go.mod:1: usage: module"]);
    std::fs::remove_file(place.project().join("go.mod")).unwrap();
    refused(2, &["there is no package.json, go.mod or go.work in"]);
    place.write("go.mod", &go_mod);
    place.write("package.json", "{}");
    refused(2, &["several manifests", "--ecosystem"]);
    std::fs::remove_file(place.project().join("package.json")).unwrap();
    place.write("package.nix", "{ mine }: mine\n");
    refused(1, &["package.nix was not written by nixwright"]);
    assert_eq!(place.read("package.nix"), "{ mine }: mine\n");
}

#[test]
fn a_member_that_is_not_there_is_named() {
    let place = Place::new(WORKSPACE);
    std::fs::remove_dir_all(place.project().join("api")).unwrap();
    place.generate(&[]).expect_code(2).expect_words(&["go.work uses api", "there is no go.mod"]);
}

#[test]
fn a_module_is_built_from_what_was_generated_and_runs() {
    let place = Place::new(MODULE);
    place.generate(&["--with-builders"]).expect_code(0).expect_words(&["(import ./.nixwright { })"]);
    place.generate(&["--check"]).expect_code(0);
    let out = place.build();
    assert_eq!(said(&out.join("bin/demo")), "inner leaf near embedded\n\n");
    // What is no part of the program does not count.
    place.write("notes.md", "mine");
    assert_eq!(place.build(), out);
    place.write("inner/inner.go", "package inner\n\nconst Name = \"changed\"\n");
    assert_eq!(said(&place.build().join("bin/demo")), "changed leaf near embedded\n\n");
}

#[test]
fn a_workspace_is_built_from_what_was_generated_and_runs() {
    let place = Place::new(WORKSPACE);
    place.generate(&["--with-builders"]).expect_code(0).expect_words(&["Go workspace", "2 programs (one, two)"]);
    place.generate(&["--check"]).expect_code(0);
    let out = place.build();
    assert_eq!(said(&out.join("bin/one")), "one: api with leaf\n");
    assert_eq!(said(&out.join("bin/two")), "two: api with leaf\n");
}
