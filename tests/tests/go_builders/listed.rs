//! A graph from what Go itself lists, for builders to be tried with: they are judged apart from the resolver.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nixwright_resolver::plan::go::{Cgo, Files, GoGraph, Module, Package, Replacement, Source};
use nixwright_tests::process::{command, stdout_of};
use serde_json::Value;

/// How Go is called.
pub(crate) struct Go {
    /// GOROOT.
    pub(crate) root: PathBuf,
    /// Where modules come from, and where they are unpacked.
    pub(crate) proxy: String,
    pub(crate) modules: PathBuf,
    pub(crate) cache: PathBuf,
}

impl Go {
    /// `go ARGUMENTS` in a folder, with only what is said here in its environment.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> std::process::Command {
        let mut call = command(self.root.join("bin/go").to_str().unwrap());
        call.args(arguments).current_dir(folder).env_clear();
        call.env("PATH", "/usr/bin:/bin").env("HOME", &self.cache).env("GOENV", "off").env("GOTOOLCHAIN", "local");
        call.env("GOPROXY", &self.proxy).env("GOSUMDB", "off").env("GOMODCACHE", &self.modules).env("LC_ALL", "C");
        call.env("GOCACHE", self.cache.join("build")).env("GOFLAGS", "-modcacherw");
        call
    }

    fn values(&self, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<Value> {
        let mut call = self.command(folder, arguments);
        call.envs(environment.iter().copied());
        let text = stdout_of(&mut call);
        serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().unwrap()
    }
}

/// What is listed.
pub(crate) struct Wanted<'a> {
    /// The project's folder, and the folder of the module in it that is built.
    pub(crate) project: &'a Path,
    pub(crate) folder: &'a Path,
    /// As on a command line: `.`, `./cmd/x`.
    pub(crate) patterns: &'a [&'a str],
    /// `(system, GOOS, GOARCH)`.
    pub(crate) systems: &'a [(&'a str, &'a str, &'a str)],
    pub(crate) tags: &'a [&'a str],
    pub(crate) cgo: bool,
    pub(crate) environment: &'a [(&'static str, String)],
    /// The hash of a module's unpacked tree.
    pub(crate) hash_of: &'a dyn Fn(&Path) -> String,
}

pub(crate) fn graph(go: &Go, wanted: &Wanted<'_>) -> GoGraph {
    let sums = sums(wanted.folder);
    let listed = go.values(wanted.folder, &["list", "-m", "-json", "all"], &[]);
    let mut graph = GoGraph {
        roots: listed.iter().filter(|module| module["Main"] == true).map(|module| text(module, "Path")).collect(),
        rules: std::fs::read_to_string(go.root.join("VERSION")).unwrap().lines().next().unwrap()[2..].to_owned(),
        go: String::new(),
        toolchain: None,
        cgo: wanted.cgo,
        tags: wanted.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        godebug: BTreeMap::new(),
        systems: wanted.systems.iter().map(|(system, ..)| (*system).to_owned()).collect(),
        refused: BTreeMap::new(),
        modules: BTreeMap::new(),
        mod_files: BTreeMap::new(),
        searched: BTreeMap::new(),
        programs: BTreeMap::new(),
        packages: BTreeMap::new(),
        standard: BTreeMap::new(),
    };
    for (system, os, arch) in wanted.systems {
        packages(go, wanted, &mut graph, (system, os, arch));
    }
    let used: BTreeSet<&String> = graph.packages.values().flatten().map(|package| &package.module).collect();
    for module in &listed {
        let path = text(module, "Path");
        let counts = module.get("Replace").filter(|replace| !replace.is_null()).unwrap_or(module);
        let source = (used.contains(&path) || module["Main"] == true).then(|| {
            let dir = PathBuf::from(text(counts, "Dir"));
            match text(counts, "Version") {
                version if version.is_empty() => {
                    let inside = dir.strip_prefix(wanted.project).unwrap().to_str().unwrap().to_owned();
                    Source::Directory { path: if inside.is_empty() { ".".to_owned() } else { inside } }
                }
                version => Source::Proxy {
                    hash: (wanted.hash_of)(&dir),
                    sum: sums[&format!("{} {version}", text(counts, "Path"))].clone(),
                },
            }
        });
        let replace = module.get("Replace").map(|other| match text(other, "Version") {
            version if version.is_empty() => Replacement::Directory { path: text(other, "Path") },
            version => Replacement::Module { path: text(other, "Path"), version },
        });
        let go = counts["GoVersion"].as_str().map(str::to_owned);
        if module["Main"] == true {
            graph.go = go.clone().unwrap_or_default();
        }
        let version = text(module, "Version");
        graph.modules.insert(path, Module { version, replace, go, source, ..Module::default() });
    }
    graph.godebug = godebug(&go.values(wanted.folder, &["mod", "edit", "-json"], &[])[0]["GoDebug"]);
    graph.mod_files = mod_files(go, &graph);
    graph
}

/// The go.mod files in the module cache that are in no source of the graph.
fn mod_files(go: &Go, graph: &GoGraph) -> BTreeMap<String, String> {
    let with_source: BTreeSet<(&str, &str)> = graph.versions();
    let folder = go.modules.join("cache/download");
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return files;
    }
    for file in nixwright_tests::process::files_below(&folder) {
        let Some((path, version)) = file.to_str().and_then(|file| file.strip_suffix(".mod")?.split_once("/@v/")) else {
            continue;
        };
        let (path, version) = (plain(path), plain(version));
        let is_inside = |root: &Path| root.join(format!("{path}@{version}/go.mod")).exists();
        if !with_source.contains(&(path.as_str(), version.as_str())) || !is_inside(&go.modules) {
            let content = std::fs::read(folder.join(&file)).unwrap();
            files.insert(format!("{path}@{version}"), super::fixtures::flat_hash(&content));
        }
    }
    files
}

/// `!x` as `X`.
fn plain(escaped: &str) -> String {
    let mut upper = false;
    let mut plain = String::new();
    for letter in escaped.chars() {
        match letter {
            '!' => upper = true,
            letter => {
                plain.push(if upper { letter.to_ascii_uppercase() } else { letter });
                upper = false;
            }
        }
    }
    plain
}

fn packages(go: &Go, wanted: &Wanted<'_>, graph: &mut GoGraph, (system, os, arch): (&str, &str, &str)) {
    let tags = format!("-tags={}", wanted.tags.join(","));
    let mut arguments = vec!["list", "-deps", "-json", &tags];
    arguments.extend(wanted.patterns);
    let cgo = if wanted.cgo { "1" } else { "0" };
    let mut environment = vec![("GOOS", os), ("GOARCH", arch), ("CGO_ENABLED", cgo)];
    environment.extend(wanted.environment.iter().map(|(name, value)| (*name, value.as_str())));
    let listed = go.values(wanted.folder, &arguments, &environment);
    let standard: BTreeSet<String> = listed.iter().filter(|row| row["Standard"] == true).map(import_path).collect();
    for row in listed.iter().filter(|row| row["Standard"] != true) {
        let mut package = package(row, &standard);
        let path = import_path(row);
        if row["DepOnly"] != true && package.name == "main" {
            let name = path.rsplit('/').find(|part| !is_major(part)).unwrap().to_owned();
            graph.programs.insert(name, path.clone());
        }
        let forms = graph.packages.entry(path).or_default();
        if let Some(form) = forms.iter_mut().find(|form| Package { on: BTreeSet::new(), ..(*form).clone() } == package)
        {
            form.on.insert(system.to_owned());
        } else {
            package.on.insert(system.to_owned());
            forms.push(package);
        }
    }
    graph.standard.insert(system.to_owned(), standard);
}

fn is_major(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok())
}

fn package(row: &Value, standard: &BTreeSet<String>) -> Package {
    let dir = text(row, "Dir");
    let module = text(&row["Module"], "Path");
    let imports: BTreeSet<String> = list(row, "Imports").into_iter().map(|path| mapped(row, path)).collect();
    // Paths as they were written: Go lists those of other folders of the module as absolute ones.
    let root = text(&row["Module"], "Dir");
    let depth = dir.strip_prefix(&root).map_or(0, |below| below.matches('/').count());
    let up = vec![".."; depth].join("/");
    let flags = |name: &str| -> Vec<String> {
        list(row, name).into_iter().map(|flag| flag.replace(&dir, "${SRCDIR}").replace(&root, &up)).collect()
    };
    let mut ignored: Vec<String> =
        list(row, "IgnoredGoFiles").into_iter().filter(|name| !name.ends_with("_test.go")).collect();
    ignored.sort();
    let godebug =
        if text(row, "Name") == "main" { godebug_lines(Path::new(&dir), &list(row, "GoFiles")) } else { vec![] };
    Package {
        on: BTreeSet::new(),
        name: text(row, "Name"),
        dir: import_path(row)[module.len()..].trim_start_matches('/').to_owned(),
        module,
        files: Files {
            go: list(row, "GoFiles"),
            cgo: list(row, "CgoFiles"),
            c: list(row, "CFiles"),
            cxx: list(row, "CXXFiles"),
            m: list(row, "MFiles"),
            f: list(row, "FFiles"),
            h: list(row, "HFiles"),
            s: list(row, "SFiles"),
            swig: list(row, "SwigFiles"),
            swig_cxx: list(row, "SwigCXXFiles"),
            syso: list(row, "SysoFiles"),
        },
        ignored,
        imports: imports.into_iter().filter(|path| path != "C" && !standard.contains(path)).collect(),
        embed: embed(row),
        cgo: Cgo {
            cflags: flags("CgoCFLAGS"),
            cppflags: flags("CgoCPPFLAGS"),
            cxxflags: flags("CgoCXXFLAGS"),
            fflags: flags("CgoFFLAGS"),
            ldflags: flags("CgoLDFLAGS"),
            pkg_config: flags("CgoPkgConfig"),
        },
        godebug,
    }
}

fn mapped(row: &Value, path: String) -> String {
    row["ImportMap"][&path].as_str().map_or(path, str::to_owned)
}

fn embed(row: &Value) -> BTreeMap<String, Vec<String>> {
    let files = list(row, "EmbedFiles");
    let matching = |pattern: &str| -> Vec<String> {
        let plain = pattern.strip_prefix("all:").unwrap_or(pattern);
        let depth = plain.split('/').count();
        let head = |file: &str| file.split('/').take(depth).collect::<Vec<_>>().join("/");
        let hidden = |file: &str| file.split('/').skip(depth).any(|part| part.starts_with(['.', '_']));
        let fits = |file: &&String| {
            (plain == "." || globs(plain, &head(file))) && (pattern.starts_with("all:") || !hidden(file))
        };
        files.iter().filter(fits).cloned().collect()
    };
    list(row, "EmbedPatterns").into_iter().map(|pattern| (pattern.clone(), matching(&pattern))).collect()
}

/// `*` and `?` within a part of a path.
fn globs(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), next) => {
            globs(&pattern[1..], name)
                || next.is_some_and(|next| next != '/' && globs(pattern, &name[next.len_utf8()..]))
        }
        (Some(wanted), Some(next)) if wanted == next || wanted == '?' => {
            globs(&pattern[wanted.len_utf8()..], &name[next.len_utf8()..])
        }
        _ => false,
    }
}

fn godebug_lines(folder: &Path, files: &[String]) -> Vec<String> {
    let texts = files.iter().map(|file| std::fs::read_to_string(folder.join(file)).unwrap());
    let lines = |text: String| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("//go:debug ").map(|rest| rest.trim().to_owned())).collect()
    };
    texts.flat_map(lines).collect()
}

fn godebug(rows: &Value) -> BTreeMap<String, String> {
    rows.as_array().into_iter().flatten().map(|row| (text(row, "Key"), text(row, "Value"))).collect()
}

/// The `h1:` of each `path version` in go.sum.
fn sums(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join("go.sum")).unwrap_or_default();
    let line = |line: &str| line.rsplit_once(' ').map(|(key, sum)| (key.to_owned(), sum.to_owned()));
    text.lines().filter_map(line).collect()
}

fn import_path(row: &Value) -> String {
    text(row, "ImportPath")
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_owned()
}

fn list(row: &Value, key: &str) -> Vec<String> {
    row[key].as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}
