use std::collections::{BTreeMap, BTreeSet};

use nixwright_resolver::plan::npm::{Entry, Judge, NpmGraph, Source};
use nixwright_resolver::plan::{Graph, Metadata, Plan};

use super::render;
use crate::overlay::files::RenderError;

const SYSTEMS: [&str; 3] = ["aarch64-darwin", "aarch64-linux", "x86_64-linux"];

fn systems(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// An entry of the registry that stands everywhere.
fn entry(name: &str, version: &str, dependencies: &[(&str, &str)]) -> Entry {
    Entry {
        name: name.to_owned(),
        version: version.to_owned(),
        source: Source::Registry { integrity: format!("sha512-{name}==") },
        dependencies: dependencies.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect(),
        on: systems(&SYSTEMS),
        ..Entry::default()
    }
}

fn platform(name: &str, os: &str, cpu: &str, on: &[&str]) -> Entry {
    Entry {
        optional: true,
        os: vec![os.to_owned()],
        cpu: vec![cpu.to_owned()],
        on: systems(on),
        ..entry(name, "2.0.0", &[])
    }
}

fn plan(root: &str, entries: Vec<(&str, Entry)>) -> Plan {
    Plan {
        schema: Plan::SCHEMA,
        purl: "pkg:npm/tool@1.0.0".to_owned(),
        name: "tool".to_owned(),
        version: "1.0.0".to_owned(),
        metadata: Metadata::default(),
        commit: None,
        graph: Graph::Npm(NpmGraph {
            root: root.to_owned(),
            entries: entries.into_iter().map(|(path, entry)| (path.to_owned(), entry)).collect::<BTreeMap<_, _>>(),
            systems: systems(&SYSTEMS),
            judge: Judge::Rules { npm: "11.0.0".to_owned() },
            build: None,
            lock: String::new(),
        }),
    }
}

fn rendered(plan: &Plan) -> Result<String, RenderError> {
    render(plan, plan.npm().unwrap())
}

#[test]
fn a_release_with_platform_packages_and_a_script() {
    let mut tool =
        entry("tool", "1.0.0", &[("fast", "node_modules/fast"), ("one", "node_modules/tool/node_modules/one")]);
    tool.bin = BTreeMap::from([("tool".to_owned(), "bin/tool.js".to_owned())]);
    let mut fast = entry(
        "fast",
        "2.0.0",
        &[
            ("@fast/darwin-arm64", "node_modules/@fast/darwin-arm64"),
            ("@fast/linux-x64", "node_modules/@fast/linux-x64"),
            ("@fast/win32-x64", "node_modules/@fast/win32-x64"),
        ],
    );
    fast.optional_dependencies = fast.dependencies.keys().cloned().collect();
    fast.script = true;
    let mut helper = entry("helper", "1.2.0", &[]);
    helper.optional = true;
    helper.on = systems(&["x86_64-linux"]);
    let plan = plan(
        "node_modules/tool",
        vec![
            ("node_modules/tool", tool),
            ("node_modules/fast", fast),
            ("node_modules/@fast/darwin-arm64", platform("@fast/darwin-arm64", "darwin", "arm64", &["aarch64-darwin"])),
            ("node_modules/@fast/linux-x64", platform("@fast/linux-x64", "linux", "x64", &["x86_64-linux"])),
            ("node_modules/@fast/win32-x64", platform("@fast/win32-x64", "win32", "x64", &[])),
            ("node_modules/helper", helper),
            ("node_modules/tool/node_modules/one", entry("real-one", "3.0.0", &[])),
        ],
    );
    insta::assert_snapshot!(rendered(&plan).unwrap(), @r#"
    {
    "_generated": "by nixwright; edits are overwritten, put yours in overrides.nix",
    "schema": 1,
    "purl": "pkg:npm/tool@1.0.0",
    "root": "tool",
    "systems": ["aarch64-darwin","aarch64-linux","x86_64-linux"],
    "families": {
    "fast": ["@fast/darwin-arm64","@fast/linux-x64"]
    },
    "packages": {
    "@fast/darwin-arm64": {"v":"2.0.0","h":"sha512-@fast/darwin-arm64==","os":"darwin","cpu":"arm64","optional":true},
    "@fast/linux-x64": {"v":"2.0.0","h":"sha512-@fast/linux-x64==","os":"linux","cpu":"x64","optional":true},
    "fast": {"v":"2.0.0","h":"sha512-fast==","script":["@fast/darwin-arm64","@fast/linux-x64"]},
    "helper": {"v":"1.2.0","h":"sha512-helper==","optional":true,"on":["x86_64-linux"]},
    "tool": {"v":"1.0.0","h":"sha512-tool==","bin":{"tool":"bin/tool.js"}},
    "tool//one": {"v":"3.0.0","name":"real-one","h":"sha512-real-one=="}
    }
    }
    "#);
    // What is written once can be written again.
    assert_eq!(rendered(&plan).unwrap(), rendered(&plan).unwrap());
}

#[test]
fn a_project_with_a_workspace_and_every_kind_of_source() {
    let folder = |name: &str, dependencies: &[(&str, &str)]| Entry {
        source: Source::Directory,
        ..entry(name, "1.0.0", dependencies)
    };
    let root = folder("project", &[("@p/one", "node_modules/@p/one"), ("lint", "node_modules/lint")]);
    let link = Entry {
        version: String::new(),
        source: Source::Link { target: "packages/one".to_owned() },
        ..entry("@p/one", "", &[])
    };
    let mut linter = entry("lint", "5.0.0", &[]);
    linter.dev = true;
    linter.source = Source::Tarball {
        url: "https://registry.example/lint.tgz".to_owned(),
        integrity: "sha1-short= sha512-long==?opt".to_owned(),
    };
    let bundled = Entry { source: Source::Bundled, ..entry("inner", "0.1.0", &[]) };
    let git = Entry {
        source: Source::Git {
            url: "https://git.example/dep.git".to_owned(),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            hash: "sha256-tree=".to_owned(),
        },
        ..entry("dep", "0.0.1", &[("inner", "packages/one/node_modules/dep/node_modules/inner")])
    };
    let plan = plan(
        "",
        vec![
            ("", root),
            ("node_modules/@p/one", link),
            ("node_modules/lint", linter),
            ("packages/one", folder("@p/one", &[("dep", "packages/one/node_modules/dep")])),
            ("packages/one/node_modules/dep", git),
            ("packages/one/node_modules/dep/node_modules/inner", bundled),
        ],
    );
    insta::assert_snapshot!(rendered(&plan).unwrap(), @r#"
    {
    "_generated": "by nixwright; edits are overwritten, put yours in overrides.nix",
    "schema": 1,
    "purl": "pkg:npm/tool@1.0.0",
    "root": ".",
    "systems": ["aarch64-darwin","aarch64-linux","x86_64-linux"],
    "families": {},
    "packages": {
    ".": {"v":"1.0.0","name":"project"},
    "./packages/one": {"v":"1.0.0","name":"@p/one"},
    "./packages/one//dep": {"v":"0.0.1","git":"https://git.example/dep.git","rev":"0123456789abcdef0123456789abcdef01234567","h":"sha256-tree="},
    "./packages/one//dep//inner": {"v":"0.1.0","bundled":true},
    "@p/one": {"link":"./packages/one"},
    "lint": {"v":"5.0.0","url":"https://registry.example/lint.tgz","h":"sha512-long==","dev":true}
    }
    }
    "#);
}

#[test]
fn an_entry_that_nix_cannot_check_is_refused_by_name() {
    let mut weak = entry("weak", "1.0.0", &[]);
    weak.source = Source::Registry { integrity: "md5-abc".to_owned() };
    let error = rendered(&plan("node_modules/weak", vec![("node_modules/weak", weak)])).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"tool 1.0.0: weak 1.0.0 (node_modules/weak) has the integrity `md5-abc`, and Nix checks only sha512, sha256 and sha1: it cannot be built without one of these");
}

#[test]
fn what_lies_beside_the_project_is_refused_by_name() {
    let mut packed = entry("packed", "1.0.0", &[]);
    packed.source = Source::Tarball { url: "file:a/../../packed.tgz".to_owned(), integrity: "sha512-x".to_owned() };
    let error = rendered(&plan("", vec![("node_modules/packed", packed)])).unwrap_err();
    assert!(error.to_string().contains("a/../../packed.tgz lies outside"), "{error}");
    let beside = Entry { source: Source::Directory, ..entry("beside", "1.0.0", &[]) };
    let error = rendered(&plan("", vec![("../beside", beside)])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tool 1.0.0: ../beside lies outside of the project, and only what is in its folder can be packaged"
    );
}

#[test]
fn a_row_of_the_usual_kind_takes_at_most_180_bytes() {
    let integrity = format!("sha512-{}==", "x".repeat(86));
    let entries: Vec<(String, Entry)> = (0..100)
        .map(|index| {
            let name = format!("@some-scope/a-usual-name-{index}");
            let mut entry = entry(&name, "10.20.30", &[]);
            entry.source = Source::Registry { integrity: integrity.clone() };
            if index % 5 == 0 {
                entry.bin = BTreeMap::from([("usual-name".to_owned(), "bin/usual-name.js".to_owned())]);
            }
            (format!("node_modules/{name}"), entry)
        })
        .collect();
    let entries = entries.iter().map(|(path, entry)| (path.as_str(), entry.clone())).collect();
    let plan = plan("node_modules/@some-scope/a-usual-name-0", entries);
    let bytes = rendered(&plan).unwrap().len();
    assert!(bytes <= 180 * 100, "{bytes} bytes for 100 rows");
}
