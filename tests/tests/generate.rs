//! `nixwright generate`: a project on disk, from its manifest or its lock to a program that runs, and what is left alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::{Path, PathBuf};

use nixwright::clients::nix::probe_toolchain;
use nixwright_tests::bot::nixwright;
use nixwright_tests::nix::Nix;
use nixwright_tests::npm::judge::{FLAGS, npm};
use nixwright_tests::npm::registry::NpmRegistry;
use nixwright_tests::npm::release::Release;
use nixwright_tests::process::{Finished, run, stdout_of, write_file};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A registry, a project, and a home that a test throws away.
struct Place {
    registry: NpmRegistry,
    home: TempDir,
}

/// Every package of these tests, by `NAME@VERSION`.
fn releases() -> Vec<Release> {
    let says =
        |text: &str| json!({ "main": "index.js", "$files": { "index.js": format!("module.exports = '{text}';\n") } });
    let for_os = |os: &str| json!({ "os": [os], "main": "index.js", "$files": { "index.js": format!("module.exports = '{os}';\n") } });
    let with = |mut fields: Value, key: &str, value: Value| {
        fields[key] = value;
        fields
    };
    vec![
        Release::new("leaf", "1.0.0", &says("leaf 1.0")),
        Release::new("leaf", "2.0.0", &says("leaf 2.0")),
        Release::new(
            "@scope/branch",
            "1.0.0",
            &json!({
                "dependencies": { "leaf": "^1.0.0" },
                "$files": { "index.js": "module.exports = 'branch with ' + require('leaf');\n" },
            }),
        ),
        Release::new(
            "fast",
            "1.0.0",
            &json!({
                "optionalDependencies": { "fast-linux": "1.0.0", "fast-darwin": "1.0.0", "fast-win32": "1.0.0" },
                "$files": { "index.js": "module.exports = 'fast on ' + require('fast-' + process.platform);\n" },
            }),
        ),
        Release::new("fast-linux", "1.0.0", &for_os("linux")),
        Release::new("fast-darwin", "1.0.0", &for_os("darwin")),
        Release::new("fast-win32", "1.0.0", &for_os("win32")),
        Release::new("tool", "1.0.0", &with(says("tool"), "bin", json!("index.js"))),
    ]
}

const MANIFEST: &str = r#"{
  "name": "@me/demo",
  "version": "1.2.3",
  "description": "Prints what it was made of",
  "license": "MIT",
  "bin": { "demo": "./cli.js" },
  "workspaces": ["packages/*"],
  "dependencies": {
    "@scope/branch": "^1.0.0",
    "alias": "npm:leaf@^1.0.0",
    "fast": "^1.0.0",
    "leaf": "^2.0.0",
    "member": "^1.0.0"
  },
  "devDependencies": {
    "tool": "*"
  }
}
"#;

const PROGRAM: &str = "#!/usr/bin/env node
for (const name of ['@scope/branch', 'alias', 'fast', 'leaf', 'member']) console.log(require(name));
";

impl Place {
    fn new() -> Self {
        let registry = NpmRegistry::start();
        for release in releases() {
            registry.publish(&release);
        }
        let home = tempfile::tempdir().unwrap();
        let place = Self { registry, home };
        place.write("package.json", MANIFEST);
        place.write("cli.js", PROGRAM);
        place.write(
            "packages/member/package.json",
            r#"{ "name": "member", "version": "1.0.0", "dependencies": { "leaf": "^1.0.0" } }"#,
        );
        place.write("packages/member/index.js", "module.exports = 'member with ' + require('leaf');\n");
        place
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("demo")
    }

    fn write(&self, path: &str, text: &str) {
        write_file(&self.project().join(path), text);
    }

    fn read(&self, path: &str) -> String {
        let path = self.project().join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.project().join(path)).unwrap();
    }

    fn generate(&self, arguments: &[&str]) -> Finished {
        let mut command = nixwright();
        command.arg("generate").arg(self.project()).args(arguments).current_dir(self.home.path());
        command.env("NIXWRIGHT_NPM_REGISTRY", self.registry.url()).env("XDG_CACHE_HOME", self.home.path());
        run(&mut command)
    }

    /// What `nixwright resolve --dir` prints.
    fn resolve(&self, format: &str) -> String {
        let mut command = nixwright();
        command.args(["resolve", "--format", format, "--dir"]).arg(self.project()).current_dir(self.home.path());
        command.env("NIXWRIGHT_NPM_REGISTRY", self.registry.url()).env("XDG_CACHE_HOME", self.home.path());
        stdout_of(&mut command)
    }

    /// npm's own lock of this version.
    fn lock(&self, version: u8) -> String {
        let mut install = npm(self.home.path());
        install.arg("install").args(FLAGS).args(["--registry", self.registry.url(), "--lockfile-version"]);
        run(install.arg(version.to_string()).current_dir(self.project())).expect_code(0);
        let lock = self.read("package-lock.json");
        self.remove("package-lock.json");
        lock
    }
}

/// A graph without the fingerprint of what it was resolved for.
fn without_inputs(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("\"inputs\"")).collect::<Vec<_>>().join("\n")
}

/// When what is generated was written.
fn modified(folder: &Path) -> Vec<std::time::SystemTime> {
    ["package.nix", "graph.json"].map(|name| std::fs::metadata(folder.join(name)).unwrap().modified().unwrap()).into()
}

#[test]
fn running_again_changes_nothing_and_check_says_what_is_stale() {
    let place = Place::new();
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json, package.nix", "nixwright generate"]);
    place.generate(&["--dry-run"]).expect_code(0).expect_words(&["would write graph.json", "would write package.nix"]);
    assert!(!place.project().join("graph.json").exists());
    place.generate(&[]).expect_code(0).expect_words(&["@me/demo 1.2.3 (npm)", "wrote graph.json", "nix-build -E"]);
    let (graph, times) = (place.read("graph.json"), modified(&place.project()));
    assert!(!graph.contains(place.registry.host()), "{graph}");
    place.generate(&["--check"]).expect_code(0).expect_words(&["up to date"]);
    place.generate(&[]).expect_code(0).expect_words(&["nothing to change"]);
    assert_eq!(modified(&place.project()), times);

    // A newer version in the registry does not make the graph of the same manifests stale.
    place.registry.publish(&Release::new("leaf", "2.1.0", &json!({})));
    place.generate(&["--check"]).expect_code(0);
    place.generate(&["--check", "--update"]).expect_code(1).expect_words(&["stale: graph.json"]);
    place.generate(&["--update"]).expect_code(0).expect_words(&["changed graph.json"]);
    assert!(place.read("graph.json").contains(r#""leaf": {"v":"2.1.0""#), "{}", place.read("graph.json"));

    // Another manifest does.
    place.write("package.json", &MANIFEST.replace(r#""leaf": "^2.0.0""#, r#""leaf": "2.0.0""#));
    place.generate(&["--check"]).expect_code(1).expect_words(&["stale: graph.json"]);
    place.generate(&[]).expect_code(0);
    assert_eq!(place.read("graph.json").matches("inputs").count(), 1);
}

#[test]
fn every_version_of_a_lock_gives_the_graph_that_npm_would_install() {
    let place = Place::new();
    place.generate(&[]).expect_code(0).expect_words(&["there is no lock"]);
    let resolved = without_inputs(&place.read("graph.json"));
    for version in 1..=3 {
        let lock = place.lock(version);
        place.write("package-lock.json", &lock);
        place.generate(&[]).expect_code(0).expect_words(&["as package-lock.json has it"]);
        assert_eq!(without_inputs(&place.read("graph.json")), resolved, "version {version}");
        place.remove("package-lock.json");
    }
}

/// The hash of a release's tarball.
fn integrity(id: &str) -> String {
    let release = releases().into_iter().find(|release| format!("{}@{}", release.name, release.version) == id);
    let release = release.unwrap_or_else(|| panic!("{id} is not published"));
    let document = release.document(&release.tarball(), "");
    document["dist"]["integrity"].as_str().unwrap().to_owned()
}

#[test]
fn locks_of_yarn_and_pnpm_are_completed_from_the_registry() {
    let place = Place::new();
    place.write(
        "package.json",
        r#"{ "name": "small", "version": "1.0.0", "bin": "cli.js",
             "dependencies": { "@scope/branch": "^1.0.0", "leaf": "^2.0.0" }, "devDependencies": { "tool": "*" } }"#,
    );
    place.generate(&[]).expect_code(0);
    let resolved = without_inputs(&place.read("graph.json"));
    let ids = ["leaf@1.0.0", "leaf@2.0.0", "@scope/branch@1.0.0", "tool@1.0.0"];
    let [leaf_1, leaf_2, branch, tool] = ids.map(integrity);

    place.write(
        "yarn.lock",
        &format!(
            "# yarn lockfile v1\n\n\"@scope/branch@^1.0.0\":\n  version \"1.0.0\"\n  integrity {branch}\n  \
             dependencies:\n    leaf \"^1.0.0\"\n\nleaf@^1.0.0:\n  version \"1.0.0\"\n  integrity {leaf_1}\n\n\
             leaf@^2.0.0:\n  version \"2.0.0\"\n  integrity {leaf_2}\n\ntool@*:\n  version \"1.0.0\"\n  \
             integrity {tool}\n"
        ),
    );
    place.generate(&[]).expect_code(0).expect_words(&["4 packages as yarn.lock has it"]);
    assert_eq!(without_inputs(&place.read("graph.json")), resolved);
    // The plan is that of the lock, and npm's own lock what npm says, which does not read yarn's.
    let plan: Value = serde_json::from_str(&place.resolve("plan")).unwrap();
    assert_eq!(plan["graph"]["judge"]["shipped"]["file"], "yarn.lock", "{plan:#}");
    assert!(place.resolve("package-lock").contains("\"lockfileVersion\": 3"));
    place.remove("yarn.lock");

    let package = |id: &str, integrity: &str| format!("  '{id}':\n    resolution: {{integrity: {integrity}}}\n");
    let uses = |name: &str, specifier: &str, version: &str| {
        format!("      '{name}':\n        specifier: '{specifier}'\n        version: {version}\n")
    };
    place.write(
        "pnpm-lock.yaml",
        &[
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n".to_owned(),
            [uses("@scope/branch", "^1.0.0", "1.0.0"), uses("leaf", "^2.0.0", "2.0.0")].concat(),
            format!("    devDependencies:\n{}packages:\n", uses("tool", "*", "1.0.0")),
            [package(ids[0], &leaf_1), package(ids[1], &leaf_2), package(ids[2], &branch), package(ids[3], &tool)]
                .concat(),
            "snapshots:\n  leaf@1.0.0: {}\n  leaf@2.0.0: {}\n  tool@1.0.0: {}\n".to_owned(),
            "  '@scope/branch@1.0.0':\n    dependencies:\n      leaf: 1.0.0\n".to_owned(),
        ]
        .concat(),
    );
    place.generate(&[]).expect_code(0).expect_words(&["4 packages as pnpm-lock.yaml has it"]);
    assert_eq!(without_inputs(&place.read("graph.json")), resolved);
}

#[test]
fn the_files_of_a_person_and_folders_without_a_project_are_left_alone() {
    let place = Place::new();
    place.write("package.nix", "{ mine }: mine\n");
    place.generate(&[]).expect_code(1).expect_words(&["package.nix was not written by nixwright", "overrides.nix"]);
    assert_eq!(place.read("package.nix"), "{ mine }: mine\n");
    assert!(!place.project().join("graph.json").exists());
    for (option, words) in
        [("--vendor", "only Go has a folder"), ("--tags=a", "build tags"), ("--cgo=off", "compiles C")]
    {
        place.generate(&[option]).expect_code(2).expect_words(&[words, "leave it out"]);
    }
    place.remove("package.json");
    place
        .generate(&[])
        .expect_code(2)
        .expect_words(&["there is no Cargo.toml or go.mod or go.work or package.json in"]);
    place.write("package.json", "{");
    place.generate(&[]).expect_code(2).expect_words(&["package.json is not JSON"]);
}

#[test]
fn a_lock_that_cannot_be_believed_is_refused_by_name() {
    let place = Place::new();
    let lock: Value = serde_json::from_str(&place.lock(3)).unwrap();
    let with = |key: &str, change: &dyn Fn(&mut Value)| {
        let mut lock = lock.clone();
        change(&mut lock["packages"][key]);
        place.write("package-lock.json", &lock.to_string());
        place.generate(&[]).expect_code(1)
    };
    with("node_modules/leaf", &|entry| drop(entry.as_object_mut().unwrap().shift_remove("integrity")))
        .expect_words(&["node_modules/leaf of package-lock.json has no hash"]);
    with("node_modules/../../escaped", &|entry| *entry = json!({ "version": "1.0.0" }))
        .expect_words(&["it leaves the project's folder"]);
    with("node_modules/leaf", &|entry| entry["version"] = json!("1.0.0"))
        .expect_words(&["package-lock.json is not of this package.json: leaf is ^2.0.0 there and 1.0.0 in the lock"]);
}

#[test]
fn help_has_examples() {
    let help = run(nixwright().args(["generate", "--help"])).expect_code(0);
    help.expect_words(&["nixwright generate . --with-builders", "--check", "overrides.nix", "yarn.lock"]);
}

/// Puts a registry's tarballs into the store under the names that the builders ask for, as fetching them would.
fn add_tarballs(nix: &Nix, home: &Path) {
    for release in releases() {
        let name = format!("{}-{}.tgz", release.name.trim_start_matches('@').replace('/', "-"), release.version);
        let file = home.join("tarballs").join(name);
        write_file(&file, release.tarball());
        let file = file.display().to_string();
        stdout_of(&mut nix.command(home, "nix-store", &["--add-fixed", "sha512", &file]));
    }
}

#[test]
fn a_workspace_is_built_from_what_was_generated_and_runs() {
    let place = Place::new();
    // What is in the way of nobody: an installation, and what Git keeps.
    place.write("node_modules/leaf/index.js", "throw new Error('from the working tree');\n");
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    place
        .generate(&["--with-builders"])
        .expect_code(0)
        .expect_words(&["(import ./.nixwright { }).callPackage ./package.nix { }"]);
    place.generate(&["--check"]).expect_code(0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let toolchain = runtime.block_on(probe_toolchain()).unwrap().to_json().unwrap();
    let nix = Nix::for_toolchain(&toolchain);
    let home = place.home.path();
    add_tarballs(&nix, home);
    write_file(&home.join("toolchain.json"), &toolchain);
    // As the report says, with the package set of this machine in place of <nixpkgs>.
    let expression = format!(
        "(import ./.nixwright {{ pkgs = import {}/../templates/hostpkgs {{
            toolchain = builtins.fromJSON (builtins.readFile {}/toolchain.json); }}; }}).callPackage ./package.nix {{ }}",
        env!("CARGO_MANIFEST_DIR"),
        home.display()
    );
    let build = || {
        let mut build = nix.command(home, "nix-build", &["--no-out-link", "-E", &expression]);
        stdout_of(build.current_dir(place.project())).trim().to_owned()
    };
    let out = build();
    let printed = stdout_of(&mut nixwright_tests::process::command(format!("{out}/bin/demo")));
    let platform = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let expected = format!("branch with leaf 1.0\nleaf 1.0\nfast on {platform}\nleaf 2.0\nmember with leaf 1.0\n");
    assert_eq!(printed, expected);
    let tree = Path::new(&out).join("libexec/me-demo");
    for left_out in [".nixwright", ".git", "package.nix", "graph.json", "node_modules/tool", "node_modules/fast-win32"]
    {
        assert!(!tree.join(left_out).exists(), "{left_out} is in {}", tree.display());
    }
    // What is not the project's own does not count.
    place.write("node_modules/leaf/more.js", "");
    place.write(".nixwright/notes.md", "mine");
    assert_eq!(build(), out);
}
