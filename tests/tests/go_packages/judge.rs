//! The pinned Go as the judge, and its standard library as the resolver has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use nixwright_resolver::go::catalog::{GoSystem, Target};
use nixwright_resolver::go::facts::{Content, StandardBuilder, StandardLibrary};
use nixwright_resolver::plan::go::Package;
use nixwright_tests::process::{command, files_below, stdout_of};
use serde_json::Value;

/// The Go that `make deps` brings, if it did; otherwise that on `PATH`.
pub(crate) fn go() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/go/bin/go");
    let mut go = if root.exists() { command(root) } else { command("go") };
    go.env("GOTOOLCHAIN", "local").env("GOENV", "off").env("GOWORK", "off").env("GOFLAGS", "-mod=readonly");
    go
}

fn goroot() -> PathBuf {
    stdout_of(go().args(["env", "GOROOT"])).trim().into()
}

/// The standard library, read once.
pub(crate) fn standard() -> Arc<StandardLibrary> {
    static STANDARD: OnceLock<Arc<StandardLibrary>> = OnceLock::new();
    let read = || {
        let source = goroot().join("src");
        let mut builder = StandardLibrary::builder();
        for path in files_below(&source) {
            let name = path.to_str().expect("a name in UTF-8");
            let bytes = StandardBuilder::wants(name)
                .then(|| std::fs::read(source.join(&path)).expect("a file of the toolchain"));
            builder.add(name, bytes.as_deref().map_or(Content::Unread, Content::Bytes));
        }
        let standard = builder.finish().expect("a toolchain");
        // What is kept says the same as what was read.
        let bytes = standard.to_bytes().expect("facts that are not too large");
        let kept = StandardLibrary::from_bytes(&bytes).expect("what was kept");
        assert_eq!(kept, standard);
        Arc::new(kept)
    };
    STANDARD.get_or_init(read).clone()
}

/// Systems by GOOS and GOARCH.
pub(crate) fn target(systems: &[(&str, &str)], cgo: bool, tags: &[&str]) -> Target {
    let system = |(os, arch): &(&str, &str)| GoSystem {
        system: format!("{os}/{arch}"),
        os: (*os).to_owned(),
        arch: (*arch).to_owned(),
    };
    Target {
        systems: systems.iter().map(system).collect(),
        cgo,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        standard: standard(),
        go: None,
    }
}

/// `go list -deps -json` in a folder.
pub(crate) fn list(folder: &Path, system: &GoSystem, target: &Target, what: &[&str]) -> Command {
    let mut list = go();
    list.current_dir(folder).args(["list", "-deps", "-json"]);
    if !target.tags.is_empty() {
        list.arg(format!("-tags={}", target.tags.join(",")));
    }
    list.args(what).env("GOOS", &system.os).env("GOARCH", &system.arch);
    list.env("CGO_ENABLED", if target.cgo { "1" } else { "0" });
    list
}

/// What Go lists in a folder: packages by import path.
pub(crate) fn listed(folder: &Path, system: &GoSystem, target: &Target, what: &[&str]) -> BTreeMap<String, Value> {
    parse(&stdout_of(&mut list(folder, system, target, what)))
}

/// The packages of Go's output by import path.
pub(crate) fn parse(output: &str) -> BTreeMap<String, Value> {
    let packages =
        serde_json::Deserializer::from_str(output).into_iter::<Value>().map(|package| package.expect("what Go prints"));
    packages.map(|package| (text(&package["ImportPath"]), package)).collect()
}

/// The paths of the standard library, and the other packages.
pub(crate) fn apart(listed: BTreeMap<String, Value>) -> (BTreeSet<String>, BTreeMap<String, Value>) {
    let is_standard = |package: &Value| package["Standard"] == Value::Bool(true);
    let (standard, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        listed.into_iter().partition(|(_, package)| is_standard(package));
    (standard.into_keys().collect(), others)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// What Go says of a package, as ours is shown by [`shown`].
pub(crate) fn go_shows(package: &Value) -> String {
    let dir = package["Dir"].as_str().unwrap_or_default();
    let flags = |name: &str| {
        let resolved = texts(&package[name]).into_iter().map(|flag| flag.replace(dir, "${SRCDIR}"));
        resolved.map(|flag| cleaned(&flag)).collect::<Vec<_>>()
    };
    let standard = package["Standard"] == Value::Bool(true);
    let outside =
        |path: &String| path != "C" && (standard || path.split('/').next().is_some_and(|first| first.contains('.')));
    let imports: BTreeSet<String> = texts(&package["Imports"]).into_iter().filter(outside).collect();
    let ignored: Vec<String> =
        texts(&package["IgnoredGoFiles"]).into_iter().filter(|name| !name.ends_with("_test.go")).collect();
    let mut text = format!("name {}\n", package["Name"].as_str().unwrap_or_default());
    let lists = [
        "GoFiles",
        "CgoFiles",
        "CFiles",
        "CXXFiles",
        "MFiles",
        "FFiles",
        "HFiles",
        "SFiles",
        "SwigFiles",
        "SwigCXXFiles",
        "SysoFiles",
    ];
    for list in lists {
        line(&mut text, list, texts(&package[list]));
    }
    line(&mut text, "ignored", ignored);
    line(&mut text, "imports", imports);
    line(&mut text, "patterns", texts(&package["EmbedPatterns"]));
    line(&mut text, "embedded", texts(&package["EmbedFiles"]));
    for list in ["CgoCFLAGS", "CgoCPPFLAGS", "CgoCXXFLAGS", "CgoFFLAGS", "CgoLDFLAGS", "CgoPkgConfig"] {
        line(&mut text, list, flags(list));
    }
    text
}

fn line(text: &mut String, name: &str, values: impl IntoIterator<Item = String>) {
    let values: Vec<String> = values.into_iter().collect();
    if !values.is_empty() {
        text.extend([name, " ", &values.join(" "), "\n"]);
    }
}

/// Go makes some paths of flags absolute and so cleans them, which cannot be done to a folder that is only named.
fn cleaned(flag: &str) -> String {
    let parts: Vec<&str> = flag.split('/').collect();
    let mut kept: Vec<&str> = Vec::new();
    for part in parts {
        if part == ".."
            && kept.last().is_some_and(|last| !last.ends_with("${SRCDIR}") && !last.is_empty() && *last != "..")
        {
            kept.pop();
        } else {
            kept.push(part);
        }
    }
    kept.join("/")
}

/// What ours says of a package on one system.
pub(crate) fn shown(package: &Package) -> String {
    let files = &package.files;
    let mut text = format!("name {}\n", package.name);
    let lists = [
        ("GoFiles", &files.go),
        ("CgoFiles", &files.cgo),
        ("CFiles", &files.c),
        ("CXXFiles", &files.cxx),
        ("MFiles", &files.m),
        ("FFiles", &files.f),
        ("HFiles", &files.h),
        ("SFiles", &files.s),
        ("SwigFiles", &files.swig),
        ("SwigCXXFiles", &files.swig_cxx),
        ("SysoFiles", &files.syso),
        ("ignored", &package.ignored),
        ("imports", &package.imports),
    ];
    for (name, list) in lists {
        line(&mut text, name, list.iter().cloned());
    }
    line(&mut text, "patterns", package.embed.keys().cloned());
    line(&mut text, "embedded", package.embed.values().flatten().cloned().collect::<BTreeSet<_>>());
    let cgo = &package.cgo;
    let lists = [
        ("CgoCFLAGS", &cgo.cflags),
        ("CgoCPPFLAGS", &cgo.cppflags),
        ("CgoCXXFLAGS", &cgo.cxxflags),
        ("CgoFFLAGS", &cgo.fflags),
        ("CgoLDFLAGS", &cgo.ldflags),
        ("CgoPkgConfig", &cgo.pkg_config),
    ];
    for (name, list) in lists {
        line(&mut text, name, list.iter().map(|flag| cleaned(flag)));
    }
    text
}

/// The packages that ours has on one system.
pub(crate) fn on<'a>(packages: &'a BTreeMap<String, Vec<Package>>, system: &str) -> BTreeMap<&'a str, &'a Package> {
    let form = |forms: &'a Vec<Package>| forms.iter().find(|form| form.on.contains(system));
    packages.iter().filter_map(|(path, forms)| Some((path.as_str(), form(forms)?))).collect()
}

/// Where the two differ, in words.
pub(crate) fn differences(go: &BTreeMap<String, Value>, ours: &BTreeMap<&str, &Package>) -> Vec<String> {
    let mut different = Vec::new();
    for path in ours.keys().filter(|path| !go.contains_key(**path)) {
        different.push(format!("{path}: only ours"));
    }
    for (path, package) in go {
        match ours.get(path.as_str()) {
            None => different.push(format!("{path}: only Go's")),
            Some(our) if shown(our) != go_shows(package) => {
                different.push(format!("{path}\nours:\n{}Go's:\n{}", shown(our), go_shows(package)));
            }
            Some(_) => {}
        }
    }
    different
}
