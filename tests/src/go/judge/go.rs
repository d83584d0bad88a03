//! Go, apart from the settings of the person who runs the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::answer::{Answer, PackageSet, Variant};
use crate::process::{command, files_below, run, write_file};

/// What is asked of each package.
const FIELDS: &str = "-json=ImportPath,Name,Dir,Standard,DepOnly,Module,Deps,Error,Imports,GoFiles,CgoFiles,CFiles,CXXFiles,\
MFiles,FFiles,HFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,IgnoredGoFiles,EmbedPatterns,EmbedFiles,CgoCFLAGS,CgoCPPFLAGS,\
CgoCXXFLAGS,CgoFFLAGS,CgoLDFLAGS,CgoPkgConfig";

/// A Go with caches of its own, and a proxy.
#[derive(Debug, Clone)]
pub struct Go {
    program: PathBuf,
    /// `GOPROXY`.
    proxy: String,
    /// `GOMODCACHE`.
    modules: PathBuf,
    /// `HOME`, with the build cache: Go keeps there what it knows of the standard library.
    home: PathBuf,
}

impl Go {
    /// Go with its home in one folder, its module cache in another.
    pub fn new(home: &Path, modules: &Path, proxy: &str) -> Self {
        // Else Go starts a process now and then that counts what it was used for.
        write_file(&home.join(".config/go/telemetry/mode"), "off 2024-01-01\n");
        Self { program: Self::program(), proxy: proxy.to_owned(), modules: modules.to_owned(), home: home.to_owned() }
    }

    /// The pinned toolchain: that of `make deps`, else the one on `PATH`, which `make` has made sure of.
    pub fn program() -> PathBuf {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/go/bin/go");
        if own.exists() { own } else { PathBuf::from("go") }
    }

    /// `go` with its settings, in a folder.
    pub fn command(&self, folder: &Path) -> Command {
        let mut go = command(&self.program);
        go.env_clear().current_dir(folder);
        for kept in ["PATH", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            if let Some(value) = std::env::var_os(kept) {
                go.env(kept, value);
            }
        }
        go.env("HOME", &self.home)
            .env("GOENV", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", &self.proxy)
            .env("GOSUMDB", "off")
            .env("GOFLAGS", "-mod=readonly -modcacherw")
            .env("GOMODCACHE", &self.modules)
            .env("GOCACHE", self.home.join("build-cache"))
            .env("GOPATH", self.home.join("go"));
        go
    }

    /// `go list -m all` and `go mod graph`.
    pub fn modules(&self, folder: &Path) -> (Answer<Vec<String>>, Answer<BTreeSet<String>>) {
        let lines = |arguments: &[&str]| -> Answer<Vec<String>> {
            let finished = run(self.command(folder).args(arguments));
            if finished.code == Some(0) {
                Ok(finished.stdout.lines().map(str::to_owned).collect())
            } else {
                Err(finished.stderr.trim().to_owned())
            }
        };
        let graph = lines(&["mod", "graph"]).map(|lines| lines.into_iter().collect());
        (lines(&["list", "-m", "all"]), graph)
    }

    /// What the programs of a project are linked from: the main packages of the main modules, with all below them. As
    /// `go list -deps` says it of these; that it is told `-e` and all packages spares a call that finds out which are main.
    pub fn packages(&self, folder: &Path, variant: &Variant) -> Answer<PackageSet> {
        // In a workspace, `./...` is only what is below the main module that the folder belongs to.
        let all = if folder.join("go.work").exists() { "work" } else { "./..." };
        self.list(folder, variant, &["-e", all], true).or_else(|words| {
            // What no program needs may be what Go stumbles over; and a pattern makes it look at the whole graph.
            let folders = if all == "work" { vec![all.to_owned()] } else { folders_with_go(folder) };
            let mut found = String::new();
            for of in folders {
                let mut find = self.command(folder);
                find.args(["list", "-e", "-find", "-f", "{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}", &of]);
                let finished = run(with_variant(&mut find, variant));
                if finished.code != Some(0) && says_main(&folder.join(&of)) {
                    return Err(words);
                }
                found += &finished.stdout;
            }
            let programs: Vec<&str> = found.lines().filter(|line| !line.is_empty()).collect();
            if programs.is_empty() { Err(words) } else { self.packages_of(folder, variant, &programs) }
        })
    }

    /// The same for packages by name, without `-e`.
    pub fn packages_of(&self, folder: &Path, variant: &Variant, programs: &[&str]) -> Answer<PackageSet> {
        self.list(folder, variant, programs, false)
    }

    /// `go list -deps -json` as it comes.
    pub fn listing(&self, folder: &Path, variant: &Variant, arguments: &[&str]) -> Command {
        let mut list = self.command(folder);
        list.args(["list", "-deps", FIELDS]).args(arguments);
        list.env("GOOS", variant.os)
            .env("GOARCH", variant.arch)
            .env("CGO_ENABLED", if variant.cgo { "1" } else { "0" });
        list
    }

    fn list(&self, folder: &Path, variant: &Variant, arguments: &[&str], mains: bool) -> Answer<PackageSet> {
        let finished = run(&mut self.listing(folder, variant, arguments));
        if finished.code != Some(0) {
            return Err(finished.stderr.trim().to_owned());
        }
        let mut packages = BTreeMap::new();
        for package in serde_json::Deserializer::from_str(&finished.stdout).into_iter::<Value>() {
            let package = package.unwrap_or_else(|error| panic!("go list: {error}"));
            packages.insert(text(&package, "ImportPath").to_owned(), package);
        }
        let is_root =
            |package: &&Value| package["DepOnly"] != Value::Bool(true) && (!mains || text(package, "Name") == "main");
        let mut wanted = BTreeSet::new();
        for root in packages.values().filter(is_root) {
            wanted.insert(text(root, "ImportPath"));
            wanted.extend(root["Deps"].as_array().into_iter().flatten().filter_map(Value::as_str));
        }
        if wanted.is_empty() {
            return Err("there is no main package".to_owned());
        }
        let mut set = PackageSet::default();
        for path in wanted {
            let Some(package) = packages.get(path) else { return Err(format!("{path} is not listed")) };
            if let Some(error) = package["Error"]["Err"].as_str() {
                return Err(error.trim().to_owned());
            }
            if package["Standard"] == Value::Bool(true) {
                set.standard.insert(path.to_owned());
            } else {
                set.others.insert(path.to_owned(), line(package, &packages));
            }
        }
        // A part of every program's closure, and no package that is compiled.
        set.standard.remove("unsafe");
        Ok(set)
    }
}

/// Whether a Go file of a folder is of a program, whatever system it is for.
fn says_main(folder: &Path) -> bool {
    let is_go = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "go");
    let says = |file: PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains("package main\n"));
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(is_go).any(says)
}

/// The folders of a module that have Go files, as `./...` takes them.
fn folders_with_go(module: &Path) -> Vec<String> {
    let files = files_below(module);
    let folders = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "go"));
    let folders: BTreeSet<&Path> = folders.filter_map(|file| file.parent()).collect();
    let is_own = |folder: &Path| {
        let hidden = |name: &str| name.starts_with(['_', '.']) || name == "testdata" || name == "vendor";
        let below = folder.ancestors().filter(|above| !above.as_os_str().is_empty());
        below.into_iter().all(|above| {
            let name = above.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            !hidden(name) && !module.join(above).join("go.mod").exists()
        })
    };
    folders.into_iter().filter(|folder| is_own(folder)).map(|folder| format!("./{}", folder.display())).collect()
}

fn with_variant<'a>(go: &'a mut Command, variant: &Variant) -> &'a mut Command {
    go.env("GOOS", variant.os).env("GOARCH", variant.arch).env("CGO_ENABLED", if variant.cgo { "1" } else { "0" })
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

/// A package in one line: its module, its folder there, its name, and every list that is not empty.
fn line(package: &Value, all: &BTreeMap<String, Value>) -> String {
    let module = &package["Module"];
    // The folder of a replacement is that of the module that is replaced.
    let root = module["Dir"].as_str().unwrap_or_default();
    let dir = text(package, "Dir").strip_prefix(root).unwrap_or("?").trim_start_matches('/');
    let mut line = format!("module={} dir={dir} name={}", text(module, "Path"), text(package, "Name"));
    let mut list = |key: &str, values: Vec<&str>| {
        if !values.is_empty() {
            // Flags of C name the folder where it happens to be.
            let values = values.join(" ").replace(text(package, "Dir"), "${SRCDIR}");
            line = format!("{line} {key}=[{values}]");
        }
    };
    let values =
        |key: &str| -> Vec<&str> { package[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let compiles_c = !values("CgoFiles").is_empty();
    for (key, field) in LISTS {
        // Where C is not compiled, Go lists flags that nobody uses.
        if compiles_c || !field.starts_with("Cgo") {
            list(key, values(field));
        }
    }
    list("ignored", values("IgnoredGoFiles").into_iter().filter(|file| is_seen(file)).collect());
    let outside =
        |path: &&str| *path != "C" && all.get(*path).is_none_or(|other| other["Standard"] != Value::Bool(true));
    list("imports", values("Imports").into_iter().filter(outside).collect());
    line
}

/// Tests are no business of ours.
fn is_seen(file: &str) -> bool {
    !file.ends_with("_test.go")
}

/// Our word for a list, and that of `go list`.
pub(super) const LISTS: [(&str, &str); 19] = [
    ("go", "GoFiles"),
    ("cgo", "CgoFiles"),
    ("c", "CFiles"),
    ("cxx", "CXXFiles"),
    ("m", "MFiles"),
    ("f", "FFiles"),
    ("h", "HFiles"),
    ("s", "SFiles"),
    ("swig", "SwigFiles"),
    ("swig_cxx", "SwigCXXFiles"),
    ("syso", "SysoFiles"),
    ("patterns", "EmbedPatterns"),
    ("embed", "EmbedFiles"),
    ("cflags", "CgoCFLAGS"),
    ("cppflags", "CgoCPPFLAGS"),
    ("cxxflags", "CgoCXXFLAGS"),
    ("fflags", "CgoFFLAGS"),
    ("ldflags", "CgoLDFLAGS"),
    ("pkg_config", "CgoPkgConfig"),
];
