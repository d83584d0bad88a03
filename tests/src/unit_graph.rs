//! cargo as the judge: its own unit graph, turned into the `cargo-units` and `cargo-edges` formats.
//!
//! Written from cargo's description of `--unit-graph` alone; shares no code with the resolver that it judges.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{cargo, stdout_of, write_file};

/// Units and the dependencies between them, as sorted lines.
#[derive(Debug, PartialEq, Eq)]
pub struct UnitGraph {
    /// The lines of `cargo-units`.
    pub units: Vec<String>,
    /// The lines of `cargo-edges`.
    pub edges: Vec<String>,
}

impl UnitGraph {
    /// Asks cargo about the package in `folder`; compiles nothing.
    pub fn from_cargo(folder: &Path, cargo_home: &Path, triple: &str, selection: &[&str]) -> Self {
        let mut cargo = cargo(cargo_home);
        cargo.current_dir(folder);
        Self::from_command(cargo, triple, selection)
    }

    /// Asks this cargo, which is in the project's folder.
    pub fn from_command(mut cargo: Command, triple: &str, selection: &[&str]) -> Self {
        cargo.args(["build", "--release", "--unit-graph", "-Zunstable-options", "--locked"]);
        // What would be compiled does not depend on whether this toolchain is new enough for it.
        cargo.args(["--ignore-rust-version", "--target", triple]);
        cargo.args(selection).env("RUSTC_BOOTSTRAP", "1");
        let text = stdout_of(&mut cargo);
        let graph: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("cargo's unit graph: {error}"));
        Self::from_json(&graph)
    }

    fn from_json(graph: &Value) -> Self {
        assert_eq!(graph["version"], 1, "the version of cargo's unit graph");
        let units = graph["units"].as_array().expect("a list of units");
        let lines: Vec<Option<String>> = units.iter().map(line).collect();
        let mut edges = BTreeSet::new();
        for (unit, from) in units.iter().zip(&lines) {
            let Some(from) = from else { continue };
            for dependency in unit["dependencies"].as_array().expect("a list of dependencies") {
                let index = usize::try_from(dependency["index"].as_u64().expect("an index")).expect("a small index");
                if let Some(to) = &lines[index] {
                    let name = dependency["extern_crate_name"].as_str().expect("an extern name");
                    edges.insert(format!("{from} > {name} = {to}"));
                }
            }
        }
        let units: BTreeSet<String> = lines.into_iter().flatten().collect();
        Self { units: units.into_iter().collect(), edges: edges.into_iter().collect() }
    }
}

/// The line of a compiled unit; nothing for build scripts, compiled or run.
fn line(unit: &Value) -> Option<String> {
    let kinds = unit["target"]["kind"].as_array().expect("kinds of a target");
    if unit["mode"] != "build" || kinds.iter().any(|kind| kind == "custom-build") {
        return None;
    }
    let side = if unit["platform"].is_null() { "host" } else { "target" };
    let (name, version) = name_and_version(unit["pkg_id"].as_str().expect("a package id"));
    let features: Vec<&str> = unit["features"].as_array().expect("features").iter().filter_map(Value::as_str).collect();
    Some(format!("{side} {name} {version} {}", features.join(",")))
}

/// From `registry+URL#name@version`, or `path+file:///…/name#version` where the folder is called like the package.
fn name_and_version(id: &str) -> (&str, &str) {
    let (place, fragment) = id.rsplit_once('#').unwrap_or_else(|| panic!("{id} is not a package id"));
    fragment.split_once('@').unwrap_or_else(|| (place.rsplit('/').next().unwrap_or(place), fragment))
}

/// Nix systems with the triples that cargo knows them by.
pub const SYSTEMS: [(&str, &str); 4] = [
    ("x86_64-linux", "x86_64-unknown-linux-gnu"),
    ("aarch64-linux", "aarch64-unknown-linux-gnu"),
    ("x86_64-darwin", "x86_64-apple-darwin"),
    ("aarch64-darwin", "aarch64-apple-darwin"),
];

/// A published program's own folder, by the ordinary client: cargo downloads it as a dependency of an empty project.
pub fn download(home: &std::path::Path, name: &str, version: &str) -> std::path::PathBuf {
    let project = home.join("project");
    let dependency = format!("[dependencies]\n{name} = \"={version}\"\n");
    let package = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n";
    write_file(&project.join("Cargo.toml"), format!("{package}{dependency}"));
    write_file(&project.join("src/lib.rs"), "");
    stdout_of(cargo(home).args(["fetch", "--quiet"]).current_dir(&project));
    let sources = home.join("registry/src");
    let registry = std::fs::read_dir(&sources)
        .expect("cargo unpacked")
        .next()
        .and_then(Result::ok)
        .expect("cargo unpacked into a registry's folder");
    let unpacked = registry.path().join(format!("{name}-{version}"));
    // Cargo takes a folder below its home for a dependency's; a program of one's own lies elsewhere.
    let folder = home.join(format!("{name}-{version}"));
    std::fs::rename(unpacked, &folder).expect("the unpacked program is moved");
    folder
}

#[cfg(test)]
mod tests {
    use super::{UnitGraph, name_and_version};

    #[test]
    fn both_forms_of_package_ids_are_read() {
        assert_eq!(name_and_version("registry+https://registry.example/index#a-b@1.0.0+c.1"), ("a-b", "1.0.0+c.1"));
        assert_eq!(name_and_version("path+file:///tmp/lantern#1.0.0"), ("lantern", "1.0.0"));
    }

    #[test]
    fn build_scripts_and_edges_to_them_are_left_out() {
        let graph = serde_json::json!({"version": 1, "units": [
            {"pkg_id": "r#a@1.0.0", "mode": "build", "platform": null, "features": ["y", "x"],
             "target": {"kind": ["lib"]}, "dependencies": [{"index": 1, "extern_crate_name": "b"}]},
            {"pkg_id": "r#b@1.0.0", "mode": "run-custom-build", "platform": null, "features": [],
             "target": {"kind": ["custom-build"]}, "dependencies": []},
            {"pkg_id": "p#c@2.0.0", "mode": "build", "platform": "t", "features": [],
             "target": {"kind": ["bin"]}, "dependencies": [{"index": 0, "extern_crate_name": "z"}]},
        ]});
        let graph = UnitGraph::from_json(&graph);
        assert_eq!(graph.units, ["host a 1.0.0 y,x", "target c 2.0.0 "]);
        assert_eq!(graph.edges, ["target c 2.0.0  > z = host a 1.0.0 y,x"]);
    }
}
