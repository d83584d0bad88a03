//! A project with registries, repositories and a cargo home that a test throws away.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nixwright::clients::nix::probe_toolchain;
use nixwright_tests::bot::nixwright;
use nixwright_tests::fixture::PackedCrate;
use nixwright_tests::nix::Nix;
use nixwright_tests::process::{Finished, cargo, command, files_of, run, stdout_of, write_file};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::{shelf, use_registry};
use nixwright_tests::unit_graph::{SYSTEMS, UnitGraph};
use serde_json::Value;
use tempfile::TempDir;

/// The triple of this machine's system, and its name in Nix.
pub(crate) fn here() -> (&'static str, &'static str) {
    let current = nixwright::model::System::current().to_string();
    *SYSTEMS.iter().find(|(system, _)| *system == current).unwrap()
}

/// What surrounds a project.
pub(crate) struct Place {
    pub(crate) home: TempDir,
    pub(crate) registry: Registry,
    /// Variables for cargo and for nixwright.
    variables: Vec<(String, String)>,
    /// Where the archives of crates and the checkouts of commits are, as the store is to have them.
    sources: PathBuf,
}

impl Place {
    /// The files of a text in which each begins with a line `-- PATH --`; crates come from the shelf.
    pub(crate) fn new(files: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let registry = shelf().registry();
        use_registry(&home.path().join("cargo"), &registry);
        let sources = home.path().join("sources");
        let place = Self { home, registry, variables: Vec::new(), sources };
        place.write_all(files);
        place
    }

    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.home.path().join("demo")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        write_file(&self.project().join(path), text);
    }

    pub(crate) fn write_all(&self, files: &str) {
        write_files(&self.project(), files);
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.project().join(path)).unwrap()
    }

    fn cargo(&self) -> std::process::Command {
        let mut cargo = cargo(&self.home.path().join("cargo"));
        cargo.envs(self.variables.iter().cloned()).current_dir(self.project());
        cargo
    }

    /// The lock that cargo makes.
    pub(crate) fn lock(&self) {
        run(self.cargo().args(["generate-lockfile", "--quiet"])).expect_code(0);
    }

    /// `cargo build` with these arguments; gives the folder of the programs.
    pub(crate) fn build_by_cargo(&self, arguments: &[&str]) -> PathBuf {
        let target = self.home.path().join("by-cargo");
        run(self.cargo().args(["build", "--release", "--quiet", "--target-dir"]).arg(&target).args(arguments))
            .expect_code(0);
        target.join("release")
    }

    fn ours(&self, subcommand: &str, arguments: &[&str]) -> Finished {
        let mut command = nixwright();
        command.arg(subcommand).args(arguments).current_dir(self.home.path());
        command.env("NIXWRIGHT_CRATES_INDEX", self.registry.index_url()).env("XDG_CACHE_HOME", self.home.path());
        run(command.envs(self.variables.iter().cloned()))
    }

    pub(crate) fn generate(&self, arguments: &[&str]) -> Finished {
        self.generate_in("", arguments)
    }

    pub(crate) fn generate_in(&self, folder: &str, arguments: &[&str]) -> Finished {
        let folder = self.project().join(folder);
        self.ours("generate", &[&[folder.to_str().unwrap()], arguments].concat())
    }

    pub(crate) fn resolve(&self, arguments: &[&str]) -> Finished {
        let folder = self.project();
        self.ours("resolve", &[&["--dir", folder.to_str().unwrap()], arguments].concat())
    }

    /// Compares units and edges with cargo's own on the four systems; `ours` is said to resolve, `theirs` to cargo.
    #[track_caller]
    pub(crate) fn compare(&self, ours: &[&str], theirs: &[&str]) {
        for (system, triple) in SYSTEMS {
            let expected = UnitGraph::from_command(self.cargo(), triple, theirs);
            for (format, expected) in [("cargo-units", expected.units), ("cargo-edges", expected.edges)] {
                let said = self.resolve(&[&["--system", system, "--format", format], ours].concat()).expect_code(0);
                let lines: Vec<&str> = said.stdout.lines().collect();
                let missing: Vec<&String> = expected.iter().filter(|line| !lines.contains(&line.as_str())).collect();
                let extra: Vec<&&str> = lines.iter().filter(|line| !expected.contains(&(**line).to_owned())).collect();
                assert!(
                    missing.is_empty() && extra.is_empty(),
                    "{system} {format}: missing {missing:#?}, extra {extra:#?}"
                );
            }
        }
    }

    /// Another registry, which manifests call `corp` and which wants a login.
    pub(crate) fn another_registry<'a>(&mut self, crates: impl IntoIterator<Item = &'a PackedCrate>) -> Registry {
        let other = Registry::with(crates);
        other.require_token("open sesame");
        self.set("CARGO_REGISTRIES_CORP_INDEX", &other.index_url());
        self.set("CARGO_REGISTRIES_CORP_TOKEN", "open sesame");
        // cargo's own way is to be asked for this first.
        self.set("CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS", "cargo:token");
        other
    }

    /// A bare repository with these files on its branch `main`, and a submodule at a path; gives its address and the commit.
    pub(crate) fn repository(&self, name: &str, files: &str, submodule: Option<(&str, &str)>) -> (String, String) {
        let work = self.home.path().join("upstream").join(name);
        let bare = self.home.path().join("git").join(format!("{name}.git"));
        write_files(&work, files);
        let git = |arguments: &[&str]| stdout_of(git(&work).args(arguments));
        git(&["init", "-q", "-b", "main"]);
        if let Some((path, url)) = submodule {
            git(&["submodule", "--quiet", "add", url, path]);
        }
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "a commit"]);
        git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        (format!("file://{}", bare.display()), git(&["rev-parse", "HEAD"]).trim().to_owned())
    }

    /// The graph that was generated.
    pub(crate) fn graph(&self) -> Value {
        serde_json::from_str(&self.read("graph.json")).unwrap()
    }

    /// The units for a system, of every table.
    pub(crate) fn units(&self, system: &str) -> BTreeSet<String> {
        let graph = self.graph();
        let keys = |table: &Value| table["units"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let only = graph["only"].as_array().unwrap();
        let only = only.iter().filter(|group| group["systems"].as_array().unwrap().iter().any(|it| it == system));
        keys(&graph).into_iter().chain(only.flat_map(keys)).collect()
    }

    /// Puts what the graph names into the store under the names that the builders ask for, as fetching it would.
    fn add_sources(&self, nix: &Nix) {
        let graph = self.graph();
        for (id, row) in graph["packages"].as_object().unwrap() {
            let text = |key: &str| row[key].as_str();
            let (name, version) = id.split_once('-').map_or((id.as_str(), ""), |_| {
                let at = id
                    .char_indices()
                    .position(|(at, it)| it == '-' && id[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
                at.map_or((id.as_str(), ""), |at| (&id[..at], &id[at + 1..]))
            });
            let (name, version) = (text("name").unwrap_or(name), text("version").unwrap_or(version));
            if let (Some(url), Some(revision)) = (text("git"), text("rev")) {
                let repository = url.rsplit('/').next().unwrap().trim_end_matches(".git");
                let folder = self.sources.join(format!("{repository}-{}", &revision[..12]));
                checkout(url, revision, &folder);
                self.add(nix, &folder, true);
            } else if let Some(sha256) = row.as_str().or(text("sha256")) {
                let archive = find_archive(self.home.path(), sha256);
                let file = self.sources.join(format!("crate-{name}-{version}.tar.gz"));
                write_file(&file, std::fs::read(archive).unwrap());
                self.add(nix, &file, false);
            }
        }
    }

    fn add(&self, nix: &Nix, path: &Path, recursive: bool) {
        let path = path.display().to_string();
        let arguments: &[&str] = if recursive {
            &["--add-fixed", "--recursive", "sha256", &path]
        } else {
            &["--add-fixed", "sha256", &path]
        };
        stdout_of(&mut nix.command(self.home.path(), "nix-store", arguments));
    }

    /// Builds what the report says, with the package set of this machine in place of <nixpkgs>.
    pub(crate) fn build(&self, strategy: &str) -> PathBuf {
        self.build_in("", strategy)
    }

    pub(crate) fn build_in(&self, folder: &str, strategy: &str) -> PathBuf {
        let nix = self.nix();
        let expression = format!("({}).strategies.{strategy}", self.expression());
        let mut build = nix.command(self.home.path(), "nix-build", &["--no-out-link", "-E", &expression]);
        stdout_of(build.current_dir(self.project().join(folder))).trim().into()
    }

    fn expression(&self) -> String {
        format!(
            "(import {}/.nixwright {{ pkgs = import {}/../templates/hostpkgs {{
                toolchain = builtins.fromJSON (builtins.readFile {}/toolchain.json); }}; }}).callPackage ./package.nix {{ }}",
            self.project().display(),
            env!("CARGO_MANIFEST_DIR"),
            self.home.path().display()
        )
    }

    fn nix(&self) -> Nix {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let toolchain = runtime.block_on(probe_toolchain()).unwrap().to_json().unwrap();
        write_file(&self.home.path().join("toolchain.json"), &toolchain);
        let nix = Nix::for_toolchain(&toolchain);
        self.add_sources(&nix);
        nix
    }

    /// How many derivations of units the package is made of.
    pub(crate) fn derivations(&self) -> usize {
        let nix = self.nix();
        let expression = format!("builtins.length (builtins.attrNames ({}).units)", self.expression());
        let mut eval = nix.command(self.home.path(), "nix-instantiate", &["--eval", "-E", &expression]);
        stdout_of(eval.current_dir(self.project())).trim().parse().unwrap()
    }
}

/// Writes the files of a text in which each begins with a line `-- PATH --`.
pub(crate) fn write_files(folder: &Path, files: &str) {
    for (path, content) in files_of(files) {
        write_file(&folder.join(path), content);
    }
}

/// What a program prints.
pub(crate) fn printed(program: &Path, arguments: &[&str]) -> String {
    stdout_of(command(program).args(arguments))
}

/// The archive that nixwright fetched.
fn find_archive(home: &Path, sha256: &str) -> PathBuf {
    let ending = format!("-{sha256}.crate");
    let mut waiting = vec![home.join("nixwright")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_str().unwrap().ends_with(&ending) {
                return path;
            }
        }
    }
    panic!("no archive with the hash {sha256}")
}

/// git in a folder, without a person's settings.
fn git(place: &Path) -> std::process::Command {
    let mut git = command("git");
    git.args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"]);
    git.args(["-c", "user.name=A", "-c", "user.email=a@tool.example"]).current_dir(place);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

/// A commit with its submodules, by git itself and without git's own files.
fn checkout(url: &str, revision: &str, folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    let git = |arguments: &[&str], place: &Path| {
        run(git(place).args(arguments)).expect_code(0);
    };
    let place = folder.parent().unwrap();
    std::fs::create_dir_all(place).unwrap();
    git(&["clone", "-q", url, folder.to_str().unwrap()], place);
    git(&["checkout", "-q", revision], folder);
    git(&["submodule", "update", "-q", "--init", "--recursive"], folder);
    run(command("find").arg(folder).args(["-name", ".git", "-prune", "-exec", "rm", "-rf", "{}", "+"])).expect_code(0);
}
