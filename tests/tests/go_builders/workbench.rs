//! A place where programs are built by the overlay's builders and by Go itself, and compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nixwright::clients::nix::{BuildReport, DerivationOutcome, FixedFile, Nix, NixSettings, probe_toolchain};
use nixwright::model::{Strategy, System};
use nixwright::overlay::go;
use nixwright::stages::build::Evaluated;
use nixwright_resolver::plan::go::GoGraph;
use nixwright_resolver::plan::{Graph, Metadata, Plan};
use nixwright_tests::nix::Nix as Caller;
use nixwright_tests::process::{Finished, files_below, run, stdout_of, write_file};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::fixtures::{Tree, publish, write_tree};
use super::listed::{self, Go, Wanted};

pub(crate) const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates");

/// The system that everything is built for here.
const HERE: [(&str, &str, &str); 1] = [("x86_64-linux", "linux", "amd64")];

pub(crate) struct Workbench {
    pub(crate) home: TempDir,
    pub(crate) go: Go,
    caller: Caller,
    nix: Nix,
}

/// A program in the making.
#[derive(Clone)]
pub(crate) struct Project {
    /// Its folder's name on the workbench.
    pub(crate) name: &'static str,
    pub(crate) files: Tree,
    /// As on Go's command line.
    pub(crate) patterns: &'static [&'static str],
    pub(crate) tags: &'static [&'static str],
    pub(crate) ldflags: &'static [&'static str],
    pub(crate) cgo: bool,
    /// The environment that Go is given as judge, as far as Nix's builds get it from the package set.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Overrides, as Nix.
    pub(crate) overrides: &'static str,
}

impl Project {
    pub(crate) fn new<const N: usize>(name: &'static str, files: [(&str, &str); N]) -> Self {
        Self {
            name,
            files: super::fixtures::tree(files),
            patterns: &["."],
            tags: &[],
            ldflags: &[],
            cgo: true,
            environment: vec![],
            overrides: "{ }",
        }
    }
}

impl Workbench {
    pub(crate) async fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let toolchain = probe_toolchain().await.unwrap();
        let text = toolchain.to_json().unwrap();
        write_file(&home.path().join("toolchain.json"), text.as_bytes());
        let nix = Nix::open(NixSettings {
            system: System::current(),
            sandbox_paths: toolchain.sandbox,
            timeout: Duration::from_secs(1200),
            max_silent: Duration::ZERO,
            max_log_bytes: 16 << 20,
            memory_limit_bytes: None,
            max_jobs: 2,
            cores: 2,
            cache_dir: home.path().join("nix"),
        });
        let go = Go {
            root: toolchain.go.expect("a Go on PATH (`make deps` brings one)").root,
            proxy: format!("file://{}", home.path().join("proxy").display()),
            modules: home.path().join("modules"),
            // What Go compiled of the standard library is kept for the next run.
            cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-builders"),
        };
        std::fs::create_dir_all(home.path().join("proxy")).unwrap();
        Self { go, caller: Caller::for_toolchain(&text), nix: nix.await.unwrap(), home }
    }

    /// Makes a release available to projects.
    pub(crate) fn publish<const N: usize>(&self, path: &str, version: &str, files: [(&str, &str); N]) {
        self.publish_tree(path, version, &super::fixtures::tree(files));
    }

    pub(crate) fn publish_tree(&self, path: &str, version: &str, files: &Tree) {
        publish(&self.home.path().join("proxy"), path, version, files);
    }

    pub(crate) fn folder(&self, project: &Project) -> PathBuf {
        self.home.path().join(project.name)
    }

    /// Lays a project out, and has Go complete its go.sum.
    pub(crate) fn lay_out_files(&self, project: &Project) {
        let folder = self.folder(project);
        write_tree(&project.files, &folder);
        run(&mut self.go.command(&folder, &["mod", "tidy", "-e"])).expect_code(0);
        self.write_expression(project);
    }

    /// The same, and writes the package's files.
    pub(crate) fn lay_out(&self, project: &Project) -> GoGraph {
        self.lay_out_files(project);
        let folder = self.folder(project);
        let graph = listed::graph(
            &self.go,
            &Wanted {
                project: &folder,
                folder: &folder,
                patterns: project.patterns,
                systems: &HERE,
                tags: project.tags,
                cgo: project.cgo,
                environment: &project.environment,
                hash_of: &|folder| self.tree_hash(folder),
            },
        );
        self.write_package(project, &graph);
        graph
    }

    /// Writes package.nix and graph.json beside the project.
    pub(crate) fn write_package(&self, project: &Project, graph: &GoGraph) {
        let plan = Plan {
            schema: Plan::SCHEMA,
            purl: format!("pkg:golang/example.test/{}@v1.0.0", project.name),
            name: format!("example.test/{}", project.name),
            version: "1.0.0".to_owned(),
            metadata: Metadata::default(),
            commit: None,
            graph: Graph::Go(graph.clone()),
        };
        let ldflags: Vec<String> = project.ldflags.iter().map(|flag| (*flag).to_owned()).collect();
        for (name, content) in go::files(&plan, graph, Strategy::Shared, &ldflags).unwrap() {
            write_file(&self.folder(project).join(name), content);
        }
        self.write_expression(project);
    }

    /// Writes what evaluates a project's package, with its overrides.
    pub(crate) fn write_expression(&self, project: &Project) {
        let expression = format!(
            "let\n  pkgs = import {TEMPLATES}/hostpkgs {{\n    toolchain = builtins.fromJSON (builtins.readFile \
             ../toolchain.json);\n    overlays = [ (import {TEMPLATES}/overlay/lib/overlays.nix).default ];\n  }};\n  \
             native = import ../native.nix {{ inherit pkgs; }};\n  \
             shared = (pkgs.nixwright.callPackage ../{}/package.nix {{ }}).withOverrides ({});\n  \
             said = package: {{ drv = package.drvPath; out = package.outPath; smoke = package.tests.smoke.drvPath;\n    \
             units = builtins.mapAttrs (_: unit: unit.drvPath) (package.units or {{ }}); }};\nin\n\
             {{\n  inherit pkgs native;\n  shared = said shared;\n  vendored = said shared.strategies.vendored;\n  \
             package = shared;\n}}\n",
            project.name, project.overrides
        );
        // Beside the project, not in it.
        write_file(&self.home.path().join(format!("{}.eval/default.nix", project.name)), expression);
        let native = self.home.path().join("native.nix");
        if !native.exists() {
            write_file(&native, "{ pkgs }: { }\n");
        }
    }

    /// The libraries that `overrides` may name as `native.X`.
    pub(crate) fn native(&self, nix: &str) {
        write_file(&self.home.path().join("native.nix"), nix);
    }

    /// Builds such a library, and gives its path.
    pub(crate) async fn build_native(&self, name: &str) -> String {
        write_file(
            &self.home.path().join("library.nix"),
            format!(
                "let\n  pkgs = import {TEMPLATES}/hostpkgs {{ toolchain = builtins.fromJSON (builtins.readFile ./toolchain.json); \
                 }};\nin\n(import ./native.nix {{ inherit pkgs; }}).{name}\n"
            ),
        );
        let file = self.home.path().join("library.nix");
        let derivation =
            self.call("nix-instantiate", &[file.to_str().unwrap()]).expect_code(0).stdout.trim().to_owned();
        self.must_build(std::slice::from_ref(&derivation)).await;
        self.call("nix-store", &["-q", "--outputs", &derivation]).expect_code(0).stdout.trim().to_owned()
    }

    /// The hash of a tree as Nix takes it.
    fn tree_hash(&self, folder: &Path) -> String {
        let folder = folder.to_str().unwrap();
        stdout_of(&mut self.caller.command(self.home.path(), "nix", &["hash", "path", folder])).trim().to_owned()
    }

    /// `nix-instantiate --eval` of an attribute, not required to succeed.
    pub(crate) fn look(&self, project: &Project, attribute: &str) -> Finished {
        let file = self.home.path().join(format!("{}.eval/default.nix", project.name));
        let arguments = ["--eval", "--strict", "--json", "--read-write-mode", "-A", attribute, file.to_str().unwrap()];
        run(&mut self.caller.command(self.home.path(), "nix-instantiate", &arguments))
    }

    pub(crate) fn evaluate(&self, project: &Project, strategy: &str) -> Evaluated {
        serde_json::from_str(&self.look(project, strategy).expect_code(0).stdout).unwrap()
    }

    /// Adds the modules that derivations ask for to the store, as the bot does, and builds.
    pub(crate) async fn build(&self, derivations: &[String]) -> BuildReport {
        let closure = self.nix.closure(derivations).await.unwrap();
        let mut known = BTreeMap::new();
        for (file, folder, recursive) in self.sources() {
            let hash = if recursive {
                self.tree_hash(&folder)
            } else {
                super::fixtures::flat_hash(&std::fs::read(&folder).unwrap())
            };
            known.insert(hash, (file, folder));
        }
        let sources = closure.fixed_outputs();
        let paths: Vec<String> = sources.iter().map(|source| source.path.clone()).collect();
        let missing = self.nix.invalid_paths(&paths).await.unwrap();
        let wanted: Vec<_> = sources.into_iter().filter(|source| missing.contains(&source.path)).collect();
        let files: Vec<FixedFile> = wanted
            .iter()
            .map(|source| {
                let digest = data_encoding::HEXLOWER.decode(source.hash.hex.as_bytes()).unwrap();
                let hash = format!("sha256-{}", data_encoding::BASE64.encode(&digest));
                let (_, file) = known.get(&hash).unwrap_or_else(|| panic!("nothing is {hash} ({})", source.name));
                FixedFile {
                    name: source.name.clone(),
                    file: file.clone(),
                    algo: "sha256".to_owned(),
                    recursive: source.hash.recursive,
                }
            })
            .collect();
        let added = self.nix.add_fixed(&files).await.unwrap();
        assert_eq!(added, wanted.iter().map(|source| source.path.clone()).collect::<Vec<_>>());
        let (events, _ignored) = mpsc::unbounded_channel();
        self.nix.realise(derivations, events).await.unwrap()
    }

    /// Unpacked modules, and the go.mod files of all: name, place, whether it is a tree.
    fn sources(&self) -> Vec<(String, PathBuf, bool)> {
        let mut sources = Vec::new();
        let mut folders = vec![self.go.modules.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if name.contains('@') && !name.starts_with('@') {
                    sources.push((name, path, true));
                } else if path.is_dir() && name != "cache" {
                    folders.push(path);
                }
            }
        }
        let download = self.go.modules.join("cache/download");
        if download.exists() {
            let files =
                files_below(&download).into_iter().filter(|file| file.extension().is_some_and(|end| end == "mod"));
            sources.extend(files.map(|file| (file.display().to_string(), download.join(file), false)));
        }
        sources
    }

    /// Builds, and fails the test with what was said where that fails.
    pub(crate) async fn must_build(&self, derivations: &[String]) -> BuildReport {
        let report = self.build(derivations).await;
        let failed: Vec<String> = report
            .built
            .iter()
            .filter(|built| built.outcome != DerivationOutcome::Built)
            .map(|built| format!("{} {:?}\n{}\n{:?}", built.name, built.outcome, built.log, built.message))
            .collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        report
    }

    /// The programs that Go itself makes of a project, by name.
    pub(crate) fn judge(&self, project: &Project, graph: &GoGraph) -> BTreeMap<String, Vec<u8>> {
        let folder = self.folder(project);
        let to = self.home.path().join(format!("{}.judge", project.name));
        let programs = graph.programs.iter().map(|(name, path)| {
            let output = to.join(name);
            let mut ldflags = vec!["-buildid="];
            ldflags.extend(project.ldflags);
            let ldflags = format!("-ldflags={}", ldflags.join(" "));
            let tags = format!("-tags={}", project.tags.join(","));
            let mut arguments = vec!["build", "-trimpath", "-buildvcs=false", "-pgo=off", &ldflags];
            if !project.tags.is_empty() {
                arguments.push(&tags);
            }
            arguments.extend(["-o", output.to_str().unwrap(), path]);
            let mut go = self.go.command(&folder, &arguments);
            go.env("CGO_ENABLED", if project.cgo { "1" } else { "0" });
            go.envs(project.environment.iter().map(|(name, value)| (name, value)));
            run(&mut go).expect_code(0);
            (name.clone(), std::fs::read(output).unwrap())
        });
        programs.collect()
    }

    /// Builds a project in both ways, and holds both against what Go makes of it. Gives what `shared` made.
    pub(crate) async fn same_as_go(&self, project: &Project) -> Evaluated {
        let graph = self.lay_out(project);
        self.same_bytes(project, &graph).await
    }

    pub(crate) async fn same_bytes(&self, project: &Project, graph: &GoGraph) -> Evaluated {
        let shared = self.evaluate(project, "shared");
        let vendored = self.evaluate(project, "vendored");
        self.must_build(&[shared.drv.clone(), vendored.drv.clone()]).await;
        for (name, expected) in self.judge(project, graph) {
            for (strategy, out) in [("shared", &shared.out), ("vendored", &vendored.out)] {
                let program = Path::new(out).join("bin").join(&name);
                let bytes = std::fs::read(&program).unwrap();
                if bytes != expected {
                    let judged = self.home.path().join(format!("{}.judge/{name}", project.name));
                    panic!("{}", self.difference(strategy, &program, &judged));
                }
            }
        }
        shared
    }

    /// What differs between two programs, as far as Go can tell.
    fn difference(&self, strategy: &str, ours: &Path, judged: &Path) -> String {
        let information = |program: &Path| {
            run(&mut self.go.command(self.home.path(), &["version", "-m", program.to_str().unwrap()])).stdout
        };
        let kept = std::env::temp_dir().join("go-builders-differs");
        let _ = std::fs::copy(judged, &kept);
        format!(
            "{strategy}: {} is not what Go makes, which is kept as {}\n--- ours\n{}\n--- Go's\n{}",
            ours.display(),
            kept.display(),
            information(ours),
            information(judged)
        )
    }

    /// Runs a program that was built.
    pub(crate) fn run(built: &Evaluated, program: &str, arguments: &[&str]) -> Finished {
        let mut command = nixwright_tests::process::command(Path::new(&built.out).join("bin").join(program));
        run(command.args(arguments))
    }

    pub(crate) async fn references(&self, path: &str) -> Vec<String> {
        self.nix.references(path).await.unwrap()
    }

    /// Calls Nix as a person would.
    pub(crate) fn call(&self, program: &str, arguments: &[&str]) -> Finished {
        run(&mut self.caller.command(self.home.path(), program, arguments))
    }
}
