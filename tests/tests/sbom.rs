//! `resolve --format sbom`: the same bytes each time, and valid by CycloneDX's own schema.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::Path;

use jsonschema::{Draft, Registry as Schemas};
use nixwright_tests::bot::resolve;
use nixwright_tests::process::{command, stdout_of};
use nixwright_tests::world::registry;
use serde_json::Value;

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
    if std::env::var_os("NIXWRIGHT_OFFLINE").is_some() {
        println!("skipped: the schema is in a package of the npm registry");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let package = "@cyclonedx/cyclonedx-library@10.3.0";
    let archive = stdout_of(command("npm").args(["pack", "--silent", package]).current_dir(folder.path()));
    stdout_of(command("tar").args(["xzf", archive.trim()]).current_dir(folder.path()));
    let schema = |name: &str| -> Value {
        let file = folder.path().join("package/res/schema").join(format!("{name}.SNAPSHOT.schema.json"));
        serde_json::from_str(&std::fs::read_to_string(Path::new(&file)).unwrap()).unwrap()
    };
    let main = schema("bom-1.6");
    // References in it are relative to its own address.
    let (base, _) = main["$id"].as_str().unwrap().rsplit_once('/').unwrap();
    let others = ["spdx", "jsf-0.82"].map(|name| (format!("{base}/{name}.SNAPSHOT.schema.json"), schema(name)));
    let schemas = Schemas::new().extend(others).unwrap().prepare().unwrap();
    let validator = jsonschema::options().with_draft(Draft::Draft7).with_registry(&schemas).build(&main).unwrap();
    let bom = sbom();
    let errors: Vec<String> = validator.iter_errors(&bom).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert!(!validator.is_valid(&serde_json::json!({ "bomFormat": "else" })), "the schema does judge");
}
