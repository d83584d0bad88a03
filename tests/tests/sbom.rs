//! `resolve --format sbom`: the same bytes each time, and valid by CycloneDX's own schema.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use nixwright_tests::bot::{nixwright, resolve};
use nixwright_tests::cyclonedx;
use nixwright_tests::go::proxy::{all_sums, write_proxy};
use nixwright_tests::go::universe::Universe;
use nixwright_tests::npm::registry::NpmRegistry;
use nixwright_tests::npm::release::Release;
use nixwright_tests::process::run;
use nixwright_tests::world::registry;
use serde_json::{Value, json};

fn sbom() -> Value {
    let registry = registry();
    let once = || {
        let cache = tempfile::tempdir().unwrap();
        resolve(&registry, cache.path(), &["pkg:cargo/lantern@1.0.0", "--format", "sbom"]).expect_code(0).stdout
    };
    let text = once();
    assert_eq!(text, once());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_release_has_a_bill_of_materials_with_hashes_and_dependencies() {
    let bom = sbom();
    assert_eq!(bom["metadata"]["component"]["purl"], "pkg:cargo/lantern@1.0.0");
    let rows = bom["components"].as_array().unwrap();
    let oil = rows.iter().find(|row| row["name"] == "oil").unwrap();
    assert_eq!(oil["purl"], "pkg:cargo/oil@0.1.0%2Bpress.2");
    assert!(rows.iter().all(|row| row["hashes"][0]["content"].as_str().is_some_and(|hash| hash.len() == 64)));
    assert!(rows.iter().any(|row| row["scope"] == "excluded"), "what only builds is told apart");
    assert_eq!(bom["dependencies"].as_array().unwrap().len(), rows.len() + 1);
}

#[test]
fn the_bill_of_materials_keeps_to_the_official_schema() {
    assert_eq!(cyclonedx::complaints(&sbom()), [""; 0]);
}

#[test]
fn so_does_that_of_a_go_module() {
    let project = "\
-- go.mod --
module forge.example/demo

go 1.21

require forge.example/library v1.1.0
-- main.go --
package main

import _ \"forge.example/library\"

func main() {}
-- proxy/forge.example/library@v1.1.0/go.mod --
module forge.example/library

go 1.21
-- proxy/forge.example/library@v1.1.0/library.go --
package library
";
    let home = tempfile::tempdir().unwrap();
    let mut universe = Universe::parse("demo", project);
    universe.files.insert("go.sum".to_owned(), all_sums(&universe));
    let folder = home.path().join("demo");
    universe.write_project(&folder);
    write_proxy(&universe, &home.path().join("proxy"));
    let mut command = nixwright();
    command.args(["resolve", "--format", "sbom", "--dir"]).arg(&folder).current_dir(home.path());
    command.env("NIXWRIGHT_GOPROXY", format!("file://{}/proxy", home.path().display())).env("NIXWRIGHT_GOSUMDB", "off");
    let done = run(command.env("XDG_CACHE_HOME", home.path())).expect_code(0);
    let bom: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(cyclonedx::complaints(&bom), [""; 0]);
    // What vouches for a module (h1) is no hash of a file, so that there is none here.
    assert_eq!(bom["components"][0]["purl"], "pkg:golang/forge.example/library@v1.1.0");
}

#[test]
fn so_does_that_of_a_program_of_npm() {
    let registry = NpmRegistry::start();
    registry.publish(&Release::new("@box/leaf", "1.0.0", &json!({ "license": "MIT" })));
    registry.publish(&Release::new(
        "tool",
        "1.0.0",
        &json!({ "bin": "tool.js", "dependencies": { "@box/leaf": "^1.0.0" } }),
    ));
    let cache = tempfile::tempdir().unwrap();
    let mut command = nixwright();
    command.args(["resolve", "pkg:npm/tool@1.0.0", "--format", "sbom"]).current_dir(cache.path());
    let done = run(command.env("XDG_CACHE_HOME", cache.path()).env("NIXWRIGHT_NPM_REGISTRY", registry.url()));
    let bom: Value = serde_json::from_str(&done.expect_code(0).stdout).unwrap();
    assert_eq!(cyclonedx::complaints(&bom), [""; 0]);
    let rows = bom["components"].as_array().unwrap();
    let leaf = rows.iter().find(|row| row["name"] == "@box/leaf").unwrap();
    assert_eq!(leaf["purl"], "pkg:npm/%40box/leaf@1.0.0");
    assert_eq!(leaf["hashes"][0]["alg"], "SHA-512");
}
