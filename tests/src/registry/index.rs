//! Lines of the sparse index, made from a manifest as crates.io makes them when a crate is published.

use serde_json::{Map, Value, json};

use crate::fixture::PackedCrate;

/// One line of a crate's file in the index.
pub(super) fn line(packed: &PackedCrate, published: &str, yanked: bool) -> Value {
    let manifest = Value::deserialize_from(&packed.manifest);
    let package = &manifest["package"];
    let (plain, extended) = features(&manifest["features"]);
    let mut line = json!({
        "name": packed.name,
        "vers": packed.version,
        "deps": dependencies(&manifest),
        "cksum": packed.sha256,
        "features": plain,
        "yanked": yanked,
        "links": package["links"],
        "rust_version": package["rust-version"],
        "pubtime": published,
    });
    if !extended.is_empty() {
        line["features2"] = Value::Object(extended);
        line["v"] = json!(2);
    }
    line
}

/// Where a crate's file lies in the index: `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd`.
pub(super) fn path_of(name: &str) -> String {
    let name = name.to_lowercase();
    format!("{}/{name}", prefix_of(&name))
}

/// The folders of a name, in the name's own case: `1`, `2`, `3/a`, `ab/cd`.
pub(super) fn prefix_of(name: &str) -> String {
    match name.len() {
        1 | 2 => name.len().to_string(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    }
}

trait FromToml {
    fn deserialize_from(table: &toml::Table) -> Value;
}

impl FromToml for Value {
    fn deserialize_from(table: &toml::Table) -> Value {
        serde_json::to_value(table).expect("TOML without dates is JSON")
    }
}

/// Features that older cargo can read, and those with `dep:` or `?`, which go into a field of their own.
fn features(table: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let all = table.as_object().cloned().unwrap_or_default();
    all.into_iter().partition(|(_, values)| {
        let values = values.as_array().expect("a feature is a list");
        !values.iter().filter_map(Value::as_str).any(|value| value.starts_with("dep:") || value.contains('?'))
    })
}

fn dependencies(manifest: &Value) -> Vec<Value> {
    let mut rows = section(manifest, &Value::Null);
    if let Some(targets) = manifest["target"].as_object() {
        for (target, tables) in targets {
            rows.extend(section(tables, &json!(target)));
        }
    }
    rows
}

fn section(tables: &Value, target: &Value) -> Vec<Value> {
    let kinds = [("dependencies", "normal"), ("build-dependencies", "build"), ("dev-dependencies", "dev")];
    let mut rows = Vec::new();
    for (key, kind) in kinds {
        for (name, dependency) in tables[key].as_object().into_iter().flatten() {
            rows.push(json!({
                "name": name,
                "req": requirement(&dependency["version"]),
                "features": or(&dependency["features"], json!([])),
                "optional": or(&dependency["optional"], json!(false)),
                "default_features": or(&dependency["default-features"], json!(true)),
                "target": target,
                "kind": kind,
                "package": dependency["package"],
            }));
        }
    }
    rows
}

/// crates.io stores requirements with their operator.
fn requirement(version: &Value) -> String {
    let version = version.as_str().expect("fixtures write a dependency as a table with a version");
    semver::VersionReq::parse(version).unwrap_or_else(|error| panic!("{version}: {error}")).to_string()
}

fn or(value: &Value, default: Value) -> Value {
    if value.is_null() { default } else { value.clone() }
}
