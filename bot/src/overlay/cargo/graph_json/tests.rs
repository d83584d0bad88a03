use std::collections::{BTreeMap, BTreeSet};

use nixwright_resolver::plan::cargo::{
    Binary, CargoGraph, Dependency, Judge, Origin, Package, Profile, Selection, Side, Unit, UnitKind,
};
use nixwright_resolver::plan::{Graph, Metadata, Plan};

use super::render;

fn package(name: &str, version: &str) -> (String, Package) {
    let package = Package {
        origin: Origin::default(),
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: "00".to_owned(),
        links: None,
        build_script: false,
        proc_macro: false,
        license: None,
        env: BTreeMap::new(),
    };
    (format!("{name}-{version}"), package)
}

fn unit(package: &str, kind: UnitKind, dependencies: &[(&str, &str)]) -> Unit {
    let (crate_name, path) = match kind {
        UnitKind::Run => ("build_script_build", "build.rs"),
        UnitKind::Bins => ("", ""),
        UnitKind::Lib | UnitKind::ProcMacro => (package.split_once('-').unwrap().0, "src/lib.rs"),
    };
    Unit {
        package: package.to_owned(),
        kind,
        side: Side::Target,
        crate_name: crate_name.to_owned(),
        path: path.to_owned(),
        edition: "2021".to_owned(),
        crate_types: vec!["lib".to_owned()],
        features: BTreeSet::new(),
        dependencies: dependencies
            .iter()
            .map(|(extern_name, unit)| Dependency { extern_name: (*extern_name).to_owned(), unit: (*unit).to_owned() })
            .collect(),
        run: None,
        link_runs: Vec::new(),
        binaries: Vec::new(),
    }
}

/// A program with one library in two versions, another under a new name, a build script, and a crate for darwin only.
fn plan() -> Plan {
    let mut bins =
        unit("tool-1.0.0", UnitKind::Bins, &[("log", "log-1.0.0"), ("old", "two-1.0.0"), ("two", "two-2.0.0")]);
    bins.binaries =
        vec![Binary { name: "tool".to_owned(), path: "src/main.rs".to_owned(), edition: "2021".to_owned() }];
    bins.features = BTreeSet::from(["default".to_owned()]);
    let mut two = unit("two-2.0.0", UnitKind::Lib, &[]);
    two.edition = "2018".to_owned();
    two.path = "two.rs".to_owned();
    let linux = BTreeMap::from([
        ("log-1.0.0".to_owned(), unit("log-1.0.0", UnitKind::Lib, &[])),
        ("log-1.0.0-run".to_owned(), unit("log-1.0.0", UnitKind::Run, &[("cc", "cc-1.0.0-host")])),
        ("cc-1.0.0-host".to_owned(), unit("cc-1.0.0", UnitKind::Lib, &[])),
        ("tool-1.0.0-bins".to_owned(), bins.clone()),
        ("two-1.0.0".to_owned(), unit("two-1.0.0", UnitKind::Lib, &[])),
        ("two-2.0.0".to_owned(), two),
    ]);
    let mut darwin = linux.clone();
    darwin.insert("mac-1.0.0".to_owned(), unit("mac-1.0.0", UnitKind::Lib, &[]));
    bins.dependencies.push(Dependency { extern_name: "mac".to_owned(), unit: "mac-1.0.0".to_owned() });
    darwin.insert("tool-1.0.0-bins".to_owned(), bins);
    Plan {
        schema: 1,
        purl: "pkg:cargo/tool@1.0.0".to_owned(),
        name: "tool".to_owned(),
        version: "1.0.0".to_owned(),
        metadata: Metadata::default(),
        commit: None,
        graph: Graph::Cargo(CargoGraph {
            members: Vec::new(),
            root: "tool-1.0.0".to_owned(),
            packages: ["tool-1.0.0", "two-1.0.0", "two-2.0.0", "log-1.0.0", "cc-1.0.0", "mac-1.0.0"]
                .into_iter()
                .filter_map(|id| id.split_once('-'))
                .map(|(name, version)| package(name, version))
                .collect(),
            units: BTreeMap::from([("aarch64-darwin".to_owned(), darwin), ("x86_64-linux".to_owned(), linux)]),
            profile: Profile {
                panic: Some("abort".to_owned()),
                lto: Some("fat".to_owned()),
                codegen_units: Some(1),
                ..Profile::default()
            },
            selection: Selection::default(),
            judge: Judge::Facts,
            lock: None,
        }),
    }
}

fn rendered(lto: Option<&str>) -> String {
    let plan = plan();
    render(&plan, plan.cargo().unwrap(), lto)
}

#[test]
fn a_row_is_a_line_without_defaults_and_differences_between_systems_are_apart() {
    insta::assert_snapshot!(rendered(None), @r#"
    {
    "_generated": "by nixwright; edits are overwritten, put yours in overrides.nix",
    "schema": 1,
    "purl": "pkg:cargo/tool@1.0.0",
    "root": "tool-1.0.0",
    "systems": ["aarch64-darwin","x86_64-linux"],
    "class": {"panic":"abort"},
    "profile": {"lto":"fat","codegen-units":1},
    "packages": {
    "cc-1.0.0": "00",
    "log-1.0.0": "00",
    "mac-1.0.0": "00",
    "tool-1.0.0": "00",
    "two-1.0.0": "00",
    "two-2.0.0": "00"
    },
    "units": {
    "cc-1.0.0-host": {},
    "log-1.0.0": {},
    "log-1.0.0-run": {"deps":["cc"]},
    "two-1.0.0": {},
    "two-2.0.0": {"path":"two.rs","edition":"2018"}
    },
    "only": [
    {"systems":["aarch64-darwin"],"units":{
    "mac-1.0.0": {},
    "tool-1.0.0-bins": {"features":["default"],"deps":["log","mac","old=two-1.0.0","two-2.0.0"],"bins":{"tool":"src/main.rs"}}
    }},
    {"systems":["x86_64-linux"],"units":{
    "tool-1.0.0-bins": {"features":["default"],"deps":["log","old=two-1.0.0","two-2.0.0"],"bins":{"tool":"src/main.rs"}}
    }}
    ]
    }
    "#);
}

#[test]
fn lto_is_applied_only_where_the_configuration_asks_for_it() {
    assert!(rendered(Some("thin")).contains(r#""class": {"panic":"abort","lto":"thin"}"#));
}

#[test]
fn the_text_is_json_that_says_what_every_reader_looks_for() {
    let graph: serde_json::Value = serde_json::from_str(&rendered(None)).unwrap();
    assert_eq!(graph["root"], "tool-1.0.0");
    assert!(graph["_generated"].is_string());
}
