use std::collections::{BTreeMap, BTreeSet};

use nixwright_resolver::plan::go::{Cgo, Files, GoGraph, Module, Package, Replacement, Source};
use nixwright_resolver::plan::{Graph, Metadata, Plan};
use serde_json::{Value, json};

use super::files;
use crate::model::Strategy;

const MAIN: &str = "forge.example/tool/v2";
const LINUX: [&str; 2] = ["aarch64-linux", "x86_64-linux"];
const ALL: [&str; 3] = ["aarch64-darwin", "aarch64-linux", "x86_64-linux"];

fn texts<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn on(systems: &[&str]) -> BTreeSet<String> {
    systems.iter().map(|system| (*system).to_owned()).collect()
}

fn proxy(digit: &str) -> Source {
    Source::Proxy { hash: format!("sha256-{digit}="), sum: format!("h1:{digit}=") }
}

/// A package of these Go files, the same on all systems.
fn package<const N: usize>(module: &str, dir: &str, go: [&str; N]) -> Package {
    let files = Files { go: texts(go), ..Files::default() };
    Package {
        on: on(&ALL),
        name: "p".to_owned(),
        module: module.to_owned(),
        dir: dir.to_owned(),
        files,
        ..Package::default()
    }
}

/// A program of three packages in two modules.
fn graph() -> GoGraph {
    let module = |version: &str, digit| Module {
        version: version.to_owned(),
        go: Some("1.22".to_owned()),
        source: Some(proxy(digit)),
        ..Module::default()
    };
    let import = |path: &str| vec![path.to_owned()];
    let packages = [
        (MAIN.to_owned(), Package { imports: import(&format!("{MAIN}/own")), ..package(MAIN, "", ["main.go"]) }),
        (format!("{MAIN}/own"), Package { imports: import("other.example/o"), ..package(MAIN, "own", ["own.go"]) }),
        ("other.example/o".to_owned(), package("other.example/o", "", ["o.go"])),
    ];
    GoGraph {
        roots: texts([MAIN]),
        rules: "1.27.3".to_owned(),
        go: "1.22".to_owned(),
        toolchain: None,
        cgo: true,
        tags: BTreeSet::new(),
        godebug: BTreeMap::new(),
        systems: on(&ALL),
        refused: BTreeMap::new(),
        modules: BTreeMap::from([
            (MAIN.to_owned(), module("v2.1.0", "a")),
            ("other.example/o".to_owned(), module("v0.3.0", "b")),
            // Selected, and no package of it is used.
            ("unused.example/u".to_owned(), Module { source: None, ..module("v1.0.0", "c") }),
        ]),
        mod_files: ["unused.example/u@v1.0.0", "unused.example/u@v0.9.0", "unused.example/u/v2@v2.0.0"]
            .map(|id| (id.to_owned(), "sha256-d=".to_owned()))
            .into(),
        searched: BTreeMap::from([("unused.example/u@v1.0.0".to_owned(), "h1:c=".to_owned())]),
        programs: BTreeMap::from([("tool".to_owned(), MAIN.to_owned())]),
        packages: packages.into_iter().map(|(path, package)| (path, vec![package])).collect(),
        standard: BTreeMap::new(),
    }
}

fn written(graph: &GoGraph) -> Result<BTreeMap<&'static str, String>, String> {
    let plan = Plan {
        schema: Plan::SCHEMA,
        purl: format!("pkg:golang/{MAIN}@v2.1.0"),
        name: MAIN.to_owned(),
        version: "v2.1.0".to_owned(),
        metadata: Metadata::default(),
        commit: None,
        graph: Graph::Go(graph.clone()),
    };
    files(&plan, graph, Strategy::Shared, &[]).map_err(|error| error.to_string())
}

/// graph.json, read back.
fn read(graph: &GoGraph) -> Value {
    serde_json::from_str(&written(graph).unwrap()["graph.json"]).unwrap()
}

/// The graph with its other module's package changed.
fn with(change: impl FnOnce(&mut Package)) -> GoGraph {
    let mut graph = graph();
    change(&mut graph.packages.get_mut("other.example/o").unwrap()[0]);
    graph
}

/// The row of that package.
fn row(change: impl FnOnce(&mut Package)) -> Value {
    read(&with(change))["packages"]["other.example/o"][""].clone()
}

#[test]
fn a_graph_is_one_row_a_line_and_leaves_out_what_goes_without_saying() {
    let text = &written(&graph()).unwrap()["graph.json"];
    insta::assert_snapshot!(text.replace(super::super::GENERATED, "MARKER"), @r#"
    {
    "_generated": "MARKER",
    "schema": 1,
    "purl": "pkg:golang/forge.example/tool/v2@v2.1.0",
    "roots": ["forge.example/tool/v2"],
    "rules": "1.27.3",
    "go": "1.22",
    "cgo": true,
    "systems": ["aarch64-darwin","aarch64-linux","x86_64-linux"],
    "programs": {"tool":"forge.example/tool/v2"},
    "modules": {
    "forge.example/tool/v2": {"v":"v2.1.0","go":"1.22","h":"sha256-a=","sum":"h1:a="},
    "other.example/o": {"v":"v0.3.0","go":"1.22","h":"sha256-b=","sum":"h1:b="}
    },
    "searched": {
    "unused.example/u@v1.0.0": "h1:c="
    },
    "mod-files": {
    "unused.example/u": {"v0.9.0":"sha256-d=","v1.0.0":"sha256-d="},
    "unused.example/u/v2": {"v2.0.0":"sha256-d="}
    },
    "packages": {
    "forge.example/tool/v2": {
    "": {"imports":["./own"]},
    "own": {"imports":["other.example/o"]}},
    "other.example/o": {
    "": {}}
    },
    "only": [
    ]
    }
    "#);
}

#[test]
fn go_files_are_named_by_the_shorter_of_two_lists() {
    assert_eq!(row(|package| package.ignored = texts(["x.go"])), json!({ "but": ["x.go"] }));
    assert_eq!(row(|package| package.ignored = texts(["long_windows.go", "x.go"])), json!({ "files": ["o.go"] }));
    // What no list of a folder's Go files has is not left out of it either.
    assert_eq!(row(|package| package.ignored = texts([".a.go", "_b.go", "c_test.go"])), json!({}));
    // A folder of C alone has nothing to compile but that.
    let only_c = row(|package| {
        package.files = Files { cgo: texts(["c.go"]), c: texts(["c.c"]), ..Files::default() };
        package.ignored = texts(["x.go"]);
        package.cgo = Cgo { ldflags: texts(["-lm"]), pkg_config: texts(["zlib"]), ..Cgo::default() };
    });
    assert_eq!(
        only_c,
        json!({ "files": [], "cgo": ["c.go"], "c": ["c.c"], "ldflags": ["-lm"], "pkg-config": ["zlib"] })
    );
}

#[test]
fn embedded_files_stand_under_their_patterns() {
    let embed = row(|package| {
        let patterns = [("all:data", texts(["data/.x", "data/y"])), ("logo.svg", texts(["logo.svg"]))];
        package.embed = patterns.map(|(pattern, files)| (pattern.to_owned(), files)).into();
    });
    assert_eq!(embed, json!({ "embed": { "all:data": ["data/.x", "data/y"], "logo.svg": true } }));
}

#[test]
fn an_import_is_short_within_its_module_only() {
    let mut graph = graph();
    // A module below another one, and one whose path only begins with the same letters.
    for path in ["forge.example/tool/v2/nested", "forge.example/tool/v2x"] {
        graph.packages.insert(path.to_owned(), vec![package(path, "", ["n.go"])]);
        let module = Module { version: "v1.0.0".to_owned(), source: Some(proxy("e")), ..Module::default() };
        graph.modules.insert(path.to_owned(), module);
    }
    graph.packages.get_mut(&format!("{MAIN}/own")).unwrap()[0].imports =
        texts([MAIN, "forge.example/tool/v2/nested", "forge.example/tool/v2x"]);
    let read = read(&graph);
    assert_eq!(
        read["packages"][MAIN]["own"]["imports"],
        json!([".", "forge.example/tool/v2/nested", "forge.example/tool/v2x"])
    );
    // Without a go line there is none.
    assert_eq!(read["modules"]["forge.example/tool/v2x"], json!({ "v": "v1.0.0", "h": "sha256-e=", "sum": "h1:e=" }));
}

#[test]
fn what_holds_on_some_systems_stands_with_their_names() {
    let mut graph = graph();
    let forms = graph.packages.get_mut("other.example/o").unwrap();
    forms[0].on = on(&LINUX);
    let darwin = Package {
        on: on(&ALL[..1]),
        ignored: texts(["o_linux.go"]),
        ..package("other.example/o", "", ["o.go", "z.go", "y.go"])
    };
    forms.push(darwin);
    let read = read(&graph);
    assert_eq!(read["packages"].as_object().unwrap().keys().collect::<Vec<_>>(), [MAIN]);
    assert_eq!(
        read["only"],
        json!([
            { "systems": ["aarch64-darwin"], "packages": { "other.example/o": { "": { "but": ["o_linux.go"] } } } },
            { "systems": LINUX, "packages": { "other.example/o": { "": {} } } },
        ])
    );
}

#[test]
fn replacements_folders_and_settings_are_said() {
    let mut graph = graph();
    graph.tags = on(&["netgo"]);
    graph.godebug = BTreeMap::from([("default".to_owned(), "go1.21".to_owned())]);
    let fork = Replacement::Module { path: "fork.example/o".to_owned(), version: "v0.3.1".to_owned() };
    graph.modules.get_mut("other.example/o").unwrap().replace = Some(fork);
    let main = graph.modules.get_mut(MAIN).unwrap();
    main.version = String::new();
    main.source = Some(Source::Directory { path: ".".to_owned() });
    let mut with_debug = graph.packages[MAIN][0].clone();
    with_debug.godebug = texts(["panicnil=1"]);
    graph.packages.insert(MAIN.to_owned(), vec![with_debug]);
    // Of what is no program these lines say nothing.
    graph.packages.get_mut("other.example/o").unwrap()[0].godebug = texts(["panicnil=0"]);
    let read = read(&graph);
    assert_eq!((&read["tags"], &read["godebug"]), (&json!(["netgo"]), &json!({ "default": "go1.21" })));
    assert_eq!(read["modules"][MAIN], json!({ "go": "1.22", "dir": "." }));
    assert_eq!(read["modules"]["other.example/o"]["replace"], "fork.example/o@v0.3.1");
    assert_eq!(read["packages"][MAIN][""]["godebug"], json!(["panicnil=1"]));
    assert_eq!(read["packages"]["other.example/o"][""], json!({}));
}

#[test]
fn names_that_lead_out_or_are_no_line_are_refused() {
    let refused = |change: fn(&mut Package)| written(&with(change)).unwrap_err();
    let said = [
        refused(|package| package.files.go = texts(["../o.go"])),
        refused(|package| package.files.c = texts(["/etc/passwd"])),
        refused(|package| package.files.swig = texts(["a/../../x.swig"])),
        refused(|package| package.ignored = texts(["a\nb.go"])),
        refused(|package| package.dir = "..".to_owned()),
        refused(|package| package.embed = BTreeMap::from([("*".to_owned(), texts(["../secret"]))])),
        refused(|package| package.cgo.ldflags = texts(["-lm\n-lz"])),
        refused(|package| package.embed = BTreeMap::from([("a\n".to_owned(), texts(["a"]))])),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    forge.example/tool/v2 v2.1.0: ../o.go lies outside of the project, and only what is in its folder can be packaged
    forge.example/tool/v2 v2.1.0: /etc/passwd lies outside of the project, and only what is in its folder can be packaged
    forge.example/tool/v2 v2.1.0: a/../../x.swig lies outside of the project, and only what is in its folder can be packaged
    forge.example/tool/v2 v2.1.0: a\nb.go has a line break or another control character, which the builders cannot hand on; look at what upstream means by it
    forge.example/tool/v2 v2.1.0: .. lies outside of the project, and only what is in its folder can be packaged
    forge.example/tool/v2 v2.1.0: ../secret lies outside of the project, and only what is in its folder can be packaged
    forge.example/tool/v2 v2.1.0: -lm\n-lz has a line break or another control character, which the builders cannot hand on; look at what upstream means by it
    forge.example/tool/v2 v2.1.0: a\n has a line break or another control character, which the builders cannot hand on; look at what upstream means by it
    ");
    // What the resolver never gives: a module whose package is used, and no source.
    let mut graph = graph();
    graph.modules.get_mut(MAIN).unwrap().source = None;
    assert!(written(&graph).unwrap_err().contains("where the files of forge.example/tool/v2 come from"));
}

#[test]
fn the_expression_names_the_program_and_the_version_as_nix_has_it() {
    let expression = &written(&graph()).unwrap()["package.nix"];
    for line in ["pname = \"tool\";", "version = \"2.1.0\";", "strategy = \"shared\";", "mainProgram = \"tool\";"] {
        assert!(expression.contains(line), "{line} is not in {expression}");
    }
    // Of several programs none lends its name: the module's does, without the major version.
    let mut several = graph();
    several.programs.insert("toolctl".to_owned(), format!("{MAIN}/own"));
    assert!(written(&several).unwrap()["package.nix"].contains("pname = \"tool\";"));
}
