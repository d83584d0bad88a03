//! Our units and edges against cargo's own unit graph.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use nixwright_tests::bot::{nixwright, resolve};
use nixwright_tests::fixture::PackedCrate;
use nixwright_tests::process::{Finished, run};
use nixwright_tests::shelf::{shelf, use_registry};
use nixwright_tests::unit_graph::{SYSTEMS, UnitGraph, download};
use tempfile::TempDir;

/// Options that cargo and `resolve` spell the same.
const SELECTIONS: [&[&str]; 4] =
    [&[], &["--no-default-features"], &["--all-features"], &["--no-default-features", "--features", "full,shout"]];

#[test]
fn the_fixtures_units_and_edges_are_cargos_on_every_system_with_every_selection() {
    let registry = shelf().registry();
    for (version, selections) in [("1.0.0", &SELECTIONS[..]), ("1.1.0", &SELECTIONS[..1])] {
        let program = shelf().get("lantern", version);
        registry.publish(program);
        let judge = Judge::new(|home| use_registry(home, &registry), program);
        let cache = tempfile::tempdir().unwrap();
        for (system, triple) in SYSTEMS {
            for selection in selections {
                let purl = format!("pkg:cargo/lantern@{version}");
                let ask = |format: &str| {
                    let base = [&purl, "--system", system, "--format", format];
                    resolve(&registry, cache.path(), &[&base, *selection].concat())
                };
                let expected = judge.graph(triple, selection);
                compare(&expected, &ask("cargo-units"), &ask("cargo-edges"), &format!("{system} {selection:?}"));
            }
        }
    }
}

#[test]
fn ripgreps_units_and_edges_are_cargos_on_every_system() {
    if std::env::var_os("NIXWRIGHT_OFFLINE").is_some_and(|value| value == "1") {
        println!("skipped: NIXWRIGHT_OFFLINE=1, and this test asks the public registry");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let package = download(home.path(), "ripgrep", "15.2.0");
    let cache = tempfile::tempdir().unwrap();
    for (system, triple) in SYSTEMS {
        let expected = UnitGraph::from_cargo(&package, home.path(), triple, &[]);
        let ask = |format: &str| {
            let mut command = nixwright();
            command.args(["resolve", "pkg:cargo/ripgrep@15.2.0", "--system", system, "--format", format]);
            run(command.current_dir(cache.path()).env("XDG_CACHE_HOME", cache.path()))
        };
        compare(&expected, &ask("cargo-units"), &ask("cargo-edges"), system);
    }
}

/// A program unpacked for cargo, with a cargo home of its own.
struct Judge {
    folder: TempDir,
    program: PackedCrate,
}

impl Judge {
    fn new(configure: impl FnOnce(&std::path::Path), program: &PackedCrate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path());
        program.unpack(folder.path());
        Self { folder, program: program.clone() }
    }

    fn graph(&self, triple: &str, selection: &[&str]) -> UnitGraph {
        UnitGraph::from_cargo(&self.folder.path().join(self.program.id()), self.folder.path(), triple, selection)
    }
}

#[track_caller]
fn compare(expected: &UnitGraph, units: &Finished, edges: &Finished, context: &str) {
    for (name, expected, ours) in [("units", &expected.units, units), ("edges", &expected.edges, edges)] {
        let ours = ours.clone().expect_code(0).stdout;
        let ours: Vec<&str> = ours.lines().collect();
        let missing: Vec<&String> = expected.iter().filter(|line| !ours.contains(&line.as_str())).collect();
        let extra: Vec<&&str> = ours.iter().filter(|line| !expected.iter().any(|other| other == *line)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{name} {context}\nmissing {missing:#?}\nextra {extra:#?}");
        assert_eq!(ours.len(), expected.len(), "{name} {context}: lines are unique");
        assert!(ours.is_sorted(), "{name} {context}: lines are sorted");
    }
}
