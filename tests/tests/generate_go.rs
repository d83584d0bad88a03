//! `nixwright generate` for Go: a module and a workspace, from go.mod to programs whose bytes are those of `go build`.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nixwright::clients::nix::probe_toolchain;
use nixwright_tests::bot::nixwright;
use nixwright_tests::go::judge::Go;
use nixwright_tests::go::proxy::{all_sums, write_proxy};
use nixwright_tests::go::universe::Universe;
use nixwright_tests::nix::Nix;
use nixwright_tests::process::{Finished, files_below, run, stdout_of, write_file};
use tempfile::TempDir;

/// Two releases of the same library, and one that only a test needs.
const PROXY: &str = r#"
-- proxy/forge.example/library@v1.1.0/go.mod --
module forge.example/library

go 1.21
-- proxy/forge.example/library@v1.1.0/words/words.go --
package words

import _ "embed"

//go:embed word.txt
var Word string
-- proxy/forge.example/library@v1.1.0/words/word.txt --
one point one
-- proxy/forge.example/library@v1.1.0/words/words_windows.go --
package words

import _ "strings"
-- proxy/forge.example/library@v1.1.0/LICENSE --
as you like
"#;

const MODULE: &str = r#"
-- go.mod --
module forge.example/demo

go 1.21

require forge.example/library v1.1.0

require forge.example/local v0.0.0

replace forge.example/local => ./local
-- cmd/hello/main.go --
package main

import (
	"fmt"

	"forge.example/library/words"
	"forge.example/local"
)

func main() { fmt.Print(words.Word, local.Word, "\n") }
-- local/go.mod --
module forge.example/local

go 1.21
-- local/local.go --
package local

const Word = "and local"
"#;

const WORKSPACE: &str = r#"
-- go.work --
go 1.21

use (
	./one
	./two
)
-- one/go.mod --
module forge.example/one

go 1.21

require forge.example/library v1.1.0
-- one/main.go --
package main

import (
	"forge.example/library/words"
	"forge.example/two/both"
)

func main() { print(words.Word, both.Both) }
-- two/go.mod --
module forge.example/two

go 1.21
-- two/both/both.go --
package both

const Both = "both"
-- two/cmd/second/main.go --
package main

import "forge.example/two/both"

func main() { print("second ", both.Both) }
"#;

/// A project, the proxy it is made with, and a home that a test throws away.
struct Place {
    home: TempDir,
    universe: Universe,
}

impl Place {
    fn new(project: &str) -> Self {
        let mut universe = Universe::parse("demo", &format!("{}{}", project.trim_start(), PROXY.trim_start()));
        let sums = all_sums(&universe);
        for folder in [".", "one", "two"] {
            let path = if folder == "." { "go.mod".to_owned() } else { format!("{folder}/go.mod") };
            if universe.files.contains_key(&path) {
                universe.files.insert(path.replace("go.mod", "go.sum"), sums.clone());
            }
        }
        let home = tempfile::tempdir().unwrap();
        let place = Self { home, universe };
        place.universe.write_project(&place.project());
        write_proxy(&place.universe, &place.home.path().join("proxy"));
        place
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("demo")
    }

    fn proxy(&self) -> String {
        format!("file://{}", self.home.path().join("proxy").display())
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
        command.env("NIXWRIGHT_GOPROXY", self.proxy()).env("NIXWRIGHT_GOSUMDB", "off");
        run(command.env("XDG_CACHE_HOME", self.home.path()))
    }

    /// Puts the proxy's modules into the store under the names that the builders ask for, as fetching them would.
    fn add_modules(&self, nix: &Nix) {
        for (id, files) in self.universe.releases() {
            let name = format!("go-{}", id.replace(['/', '@'], "-"));
            let folder = self.home.path().join("sources").join(name);
            for (path, content) in files {
                write_file(&folder.join(path), content);
            }
            let folder = folder.display().to_string();
            stdout_of(&mut nix.command(
                self.home.path(),
                "nix-store",
                &["--add-fixed", "--recursive", "sha256", &folder],
            ));
        }
    }

    /// Builds what the report says, with the package set of this machine in place of <nixpkgs>.
    fn build(&self, strategy: &str) -> PathBuf {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let toolchain = runtime.block_on(probe_toolchain()).unwrap().to_json().unwrap();
        let nix = Nix::for_toolchain(&toolchain);
        let home = self.home.path();
        self.add_modules(&nix);
        write_file(&home.join("toolchain.json"), &toolchain);
        let expression = format!(
            "((import ./.nixwright {{ pkgs = import {}/../templates/hostpkgs {{
                toolchain = builtins.fromJSON (builtins.readFile {}/toolchain.json); }}; }}).callPackage ./package.nix {{ }})
                .strategies.{strategy}",
            env!("CARGO_MANIFEST_DIR"),
            home.display()
        );
        let mut build = nix.command(home, "nix-build", &["--no-out-link", "-E", &expression]);
        stdout_of(build.current_dir(self.project())).trim().into()
    }

    /// Builds a program as Go does.
    fn build_by_go(&self, package: &str) -> Vec<u8> {
        let home = self.home.path();
        let go = Go::new(home, &home.join("modules"), &self.proxy());
        let out = home.join("by-go");
        let mut build = go.command(&self.project());
        build.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]).arg(&out).arg(package);
        run(&mut build).expect_code(0);
        std::fs::read(out).unwrap()
    }
}

/// When what is generated was written.
fn modified(folder: &Path) -> Vec<std::time::SystemTime> {
    ["package.nix", "graph.json"].map(|name| std::fs::metadata(folder.join(name)).unwrap().modified().unwrap()).into()
}

#[test]
fn running_again_changes_nothing_and_check_says_what_is_stale() {
    let place = Place::new(MODULE);
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json, package.nix", "nixwright generate"]);
    place.generate(&["--dry-run"]).expect_code(0).expect_words(&["would write graph.json", "would write package.nix"]);
    assert!(!place.project().join("graph.json").exists());
    let said = place.generate(&[]).expect_code(0);
    said.expect_words(&[
        "forge.example/demo (Go), 3 packages of 1 module and 1 module that are fetched: hello",
        "nix-build -E",
    ]);
    let times = modified(&place.project());
    place.generate(&["--check"]).expect_code(0).expect_words(&["up to date"]);
    place.generate(&[]).expect_code(0).expect_words(&["nothing to change"]);
    assert_eq!(modified(&place.project()), times);
    assert!(!place.read("graph.json").contains(place.home.path().to_str().unwrap()), "{}", place.read("graph.json"));
    // A file of a package is nothing of the graph, another import is.
    place.write("local/local.go", "package local\n\nimport \"strings\"\n\nvar Word = strings.ToUpper(\"and local\")\n");
    place.generate(&["--check"]).expect_code(0);
    place.write("local/more.go", "package local\n\nimport _ \"forge.example/library/words\"\n");
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json"]);
}

#[test]
fn a_module_is_built_to_the_bytes_of_go_build() {
    let place = Place::new(MODULE);
    place.generate(&["--with-builders"]).expect_code(0);
    let program = place.build("shared").join("bin/hello");
    assert_eq!(stdout_of(&mut nixwright_tests::process::command(&program)), "one point one\nand local\n");
    let by_go = place.build_by_go("./cmd/hello");
    assert_eq!(std::fs::read(&program).unwrap(), by_go, "shared");
    assert_eq!(std::fs::read(place.build("vendored").join("bin/hello")).unwrap(), by_go, "vendored");
}

#[test]
fn a_workspace_is_built_with_all_its_programs() {
    let place = Place::new(WORKSPACE);
    let said = place.generate(&["--with-builders"]).expect_code(0);
    said.expect_words(&["forge.example/one, forge.example/two (Go)", "one, second"]);
    place.generate(&["--check"]).expect_code(0);
    let out = place.build("shared");
    for (name, package) in [("one", "./one"), ("second", "./two/cmd/second")] {
        let by_go = place.build_by_go(package);
        assert_eq!(std::fs::read(out.join("bin").join(name)).unwrap(), by_go, "{name}");
    }
}

#[test]
fn what_is_no_module_and_what_go_refuses_is_named() {
    let place = Place::new(MODULE);
    let refused = |path: &str, text: &str, code: i32, words: &[&str]| {
        let before = std::fs::read(place.project().join(path)).ok();
        place.write(path, text);
        place.generate(&[]).expect_code(code).expect_words(words);
        assert!(!place.project().join("graph.json").exists());
        match before {
            Some(before) => write_file(&place.project().join(path), before),
            None => std::fs::remove_file(place.project().join(path)).unwrap(),
        }
    };
    refused("go.mod", "module\n", 2, &["go.mod:1", "module"]);
    refused("go.sum", "", 1, &["go.sum has no line for forge.example/library@v1.1.0"]);
    refused("cmd/hello/more.go", "package main\n\nimport _ \"forge.example/absent\"\n", 1, &["forge.example/absent"]);
    refused("go.work", "go 1.21\n\nuse ./absent\n", 2, &["go.work uses absent, and there is no go.mod in"]);
    refused("package.json", "{}", 2, &["several kinds (go, npm)", "--ecosystem"]);
    std::fs::remove_file(place.project().join("go.mod")).unwrap();
    place
        .generate(&[])
        .expect_code(2)
        .expect_words(&["there is no Cargo.toml or go.mod or go.work or package.json in"]);
}

#[test]
fn tags_choose_files_and_without_cgo_no_c_is_compiled() {
    let place = Place::new(MODULE);
    place.write("local/other.go", "//go:build special\n\npackage local\n\nimport _ \"strings\"\n");
    place.write("local/c.go", "package local\n\n// int one(void) { return 1; }\nimport \"C\"\n\nvar One = C.one()\n");
    place.generate(&["--tags", "special"]).expect_code(0);
    let with = place.read("graph.json");
    assert!(with.contains("\"tags\": [\"special\"]") && with.contains("\"cgo\":[\"c.go\"]"), "{with}");
    place.generate(&["--cgo", "off"]).expect_code(0);
    let without = place.read("graph.json");
    assert!(without.contains("\"cgo\": false") && !without.contains("\"cgo\":["), "{without}");
    place.generate(&["--update"]).expect_code(2).expect_words(&["go.mod itself says which versions"]);
}

/// The content of `vendor`, by path.
fn vendored(folder: &Path) -> BTreeMap<String, String> {
    let root = folder.join("vendor");
    let text = |path: &Path| std::fs::read_to_string(root.join(path)).unwrap();
    files_below(&root).into_iter().map(|path| (path.to_str().unwrap().to_owned(), text(&path))).collect()
}

#[test]
fn vendor_is_what_go_makes() {
    for (project, arguments) in [(MODULE, ["mod", "vendor"]), (WORKSPACE, ["work", "vendor"])] {
        let place = Place::new(project);
        place.generate(&["--vendor", "--check"]).expect_code(1).expect_words(&["vendor"]);
        assert!(!place.project().join("vendor").exists());
        place.generate(&["--vendor"]).expect_code(0).expect_words(&["wrote vendor"]);
        let ours = vendored(&place.project());
        let times = || std::fs::metadata(place.project().join("vendor")).unwrap().modified().unwrap();
        let before = times();
        place.generate(&["--vendor"]).expect_code(0).expect_words(&["nothing to change"]);
        assert_eq!(times(), before);
        place.generate(&["--vendor", "--check"]).expect_code(0);
        std::fs::remove_dir_all(place.project().join("vendor")).unwrap();
        let home = place.home.path();
        let go = Go::new(home, &home.join("modules"), &place.proxy());
        run(go.command(&place.project()).args(arguments)).expect_code(0);
        assert_eq!(ours, vendored(&place.project()), "{arguments:?}");
        assert!(ours.contains_key("forge.example/library/words/word.txt"), "{ours:?}");
        place.generate(&["--vendor", "--check"]).expect_code(0);
        // A change of a person is put right, and a file more is one.
        place.write("vendor/forge.example/library/words/words.go", "package words\n");
        place.generate(&["--vendor", "--check"]).expect_code(1).expect_words(&["stale: vendor"]);
        place.write("vendor/forge.example/more.go", "package more\n");
        place.generate(&["--vendor"]).expect_code(0).expect_words(&["changed vendor"]);
        assert_eq!(ours, vendored(&place.project()));
        let left: Vec<_> = std::fs::read_dir(place.project()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with(".vendor")), "{left:?}");
    }
}

#[test]
fn a_vendor_folder_of_a_person_is_left_alone() {
    let place = Place::new(MODULE);
    place.write("vendor/mine.go", "package mine\n");
    place.generate(&["--vendor"]).expect_code(1).expect_words(&["vendor was not made by", "move it away"]);
    assert_eq!(place.read("vendor/mine.go"), "package mine\n");
    assert!(!place.project().join("graph.json").exists());
}
