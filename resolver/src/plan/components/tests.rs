use std::collections::{BTreeMap, BTreeSet};

use crate::plan::cargo::{CargoGraph, Dependency, Judge, Origin, Package, Profile, Selection, Side, Unit, UnitKind};
use crate::plan::components::CodeKind;
use crate::plan::{Graph, Metadata, Plan};

fn package(name: &str, version: &str, license: Option<&str>) -> (String, Package) {
    let package = Package {
        origin: Origin::default(),
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: "ab".repeat(32),
        links: None,
        build_script: false,
        proc_macro: false,
        license: license.map(str::to_owned),
        env: BTreeMap::new(),
    };
    (format!("{name}-{version}"), package)
}

fn unit(package: &str, kind: UnitKind, side: Side, needs: &[&str]) -> Unit {
    let dependency = |unit: &&str| Dependency { extern_name: "x".to_owned(), unit: (*unit).to_owned() };
    Unit {
        package: package.to_owned(),
        kind,
        side,
        crate_name: String::new(),
        path: String::new(),
        edition: "2024".to_owned(),
        crate_types: Vec::new(),
        features: BTreeSet::new(),
        dependencies: needs.iter().map(dependency).collect(),
        run: None,
        link_runs: Vec::new(),
        binaries: Vec::new(),
    }
}

/// A program with a library that has a build script, which needs a crate of its own, and a crate nothing uses.
pub(in crate::plan) fn plan() -> Plan {
    let packages = [
        package("root", "1.0.0", Some("MIT OR Apache-2.0")),
        package("lib", "0.2.0+x", Some("MIT")),
        package("cc", "1.2.3", Some("see the file LICENSE")),
        package("derive", "0.1.0", None),
        package("unused", "9.9.9", Some("GPL-3.0-only")),
    ];
    let units = [
        ("root-1.0.0-bins", unit("root-1.0.0", UnitKind::Bins, Side::Target, &["lib-0.2.0+x", "derive-0.1.0"])),
        ("lib-0.2.0+x", unit("lib-0.2.0+x", UnitKind::Lib, Side::Target, &[])),
        ("lib-0.2.0+x-run", unit("lib-0.2.0+x", UnitKind::Run, Side::Target, &["cc-1.2.3-host"])),
        ("cc-1.2.3-host", unit("cc-1.2.3", UnitKind::Lib, Side::Host, &[])),
        ("derive-0.1.0", unit("derive-0.1.0", UnitKind::ProcMacro, Side::Host, &[])),
    ];
    let units = units.into_iter().map(|(id, unit)| (id.to_owned(), unit)).collect();
    Plan {
        schema: Plan::SCHEMA,
        purl: "pkg:cargo/root@1.0.0".to_owned(),
        name: "root".to_owned(),
        version: "1.0.0".to_owned(),
        metadata: Metadata {
            description: Some("Does \"things\"".to_owned()),
            homepage: Some("https://registry.example/root".to_owned()),
            repository: Some("not an address".to_owned()),
            license: Some("MIT OR Apache-2.0".to_owned()),
            rust_version: None,
        },
        commit: None,
        graph: Graph::Cargo(CargoGraph {
            members: Vec::new(),
            root: "root-1.0.0".to_owned(),
            packages: packages.into_iter().collect(),
            units: [("x86_64-linux".to_owned(), units)].into(),
            profile: Profile::default(),
            selection: Selection::default(),
            judge: Judge::Facts,
            lock: None,
        }),
    }
}

#[test]
fn only_what_is_used_is_a_component_and_what_only_builds_is_told_apart() {
    let components = plan().components();
    let purls: Vec<&str> = components.by_purl.keys().map(String::as_str).collect();
    let [cc, derive, lib, root] =
        ["pkg:cargo/cc@1.2.3", "pkg:cargo/derive@0.1.0", "pkg:cargo/lib@0.2.0%2Bx", "pkg:cargo/root@1.0.0"];
    assert_eq!(purls, [cc, derive, lib, root]);
    assert_eq!(components.root, root);
    let only_builds = |purl: &str| components.by_purl[purl].builds_only;
    assert_eq!([cc, derive, lib, root].map(only_builds), [true, true, false, false]);
    assert_eq!(Vec::from_iter(&components.edges[root]), [derive, lib]);
    assert_eq!(Vec::from_iter(&components.edges[lib]), [cc], "a build script's dependencies are the package's");
    assert_eq!(Vec::from_iter(&components.by_purl[lib].runs), [&CodeKind::BuildScript]);
    assert_eq!(Vec::from_iter(&components.by_purl[derive].runs), [&CodeKind::ProcMacro]);
}
