//! The project of a universe: what it asks for, its overrides, its workspace.

use serde_json::{Map, Value, json};

use super::packages::insert;
use super::{Chance, Kind, Package};

/// Writes `project`, `files` and `before`.
pub(super) fn write(chance: &mut Chance, packages: &[Package], content: &mut Value) {
    let mut project = Map::new();
    project.insert("name".to_owned(), json!("x"));
    project.insert("version".to_owned(), json!("1.0.0"));
    let most = packages.len().min(8);
    ask(chance, packages, most, &mut project);
    if chance.percent(12) {
        overrides(chance, packages, &mut project);
    }
    let mut files = Map::new();
    if chance.percent(8) {
        project.insert("workspaces".to_owned(), json!(["packages/*"]));
        members(chance, packages, &mut files);
    }
    if chance.percent(4) {
        insert(&mut project, "dependencies", "local", json!("file:local"));
        let mut manifest = Map::new();
        manifest.insert("name".to_owned(), json!("local"));
        manifest.insert("version".to_owned(), json!("0.0.1"));
        ask(chance, packages, 2, &mut manifest);
        files.insert("local/package.json".to_owned(), Value::Object(manifest));
    }
    content["project"] = Value::Object(project);
    content["files"] = Value::Object(files);
    if chance.percent(5) {
        content["before"] = json!(format!("2025-{:02}-15T00:00:00.000Z", chance.between(9, 12)));
    }
}

/// Up to so many packages in the sections of a manifest.
fn ask(chance: &mut Chance, packages: &[Package], most: usize, manifest: &mut Map<String, Value>) {
    for _ in 0..chance.between(1, most) {
        // Packages need those that come after them: the first ones have the larger trees.
        let first = chance.between(0, packages.len() - 1).min(chance.between(0, packages.len() - 1));
        let package = &packages[first];
        let range = if chance.percent(60) { "*".to_owned() } else { package.releases.range(chance) };
        let platform = matches!(package.kind, Kind::Platform(_));
        let section = match chance.0.u32(0..20) {
            _ if platform => "optionalDependencies",
            0..=2 => "devDependencies",
            3 => "optionalDependencies",
            4 => "peerDependencies",
            _ => "dependencies",
        };
        if chance.percent(4) {
            insert(manifest, section, "by-alias", json!(format!("npm:{}@{range}", package.name)));
        } else {
            insert(manifest, section, &package.name, json!(range));
        }
        if section == "peerDependencies" && chance.percent(30) {
            insert(manifest, "peerDependenciesMeta", &package.name, json!({"optional": true}));
        }
    }
}

fn overrides(chance: &mut Chance, packages: &[Package], project: &mut Map<String, Value>) {
    let direct: Vec<String> = project
        .get("dependencies")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    let mut overrides = Map::new();
    for _ in 0..chance.between(1, 3) {
        let package = chance.pick(packages);
        if direct.contains(&package.name) && chance.percent(90) {
            continue; // npm refuses most of these.
        }
        let to = package.releases.some(chance).to_string();
        let key = if chance.percent(25) {
            format!("{}@{}", package.name, package.releases.range(chance))
        } else {
            package.name.clone()
        };
        let value = match chance.0.u32(0..10) {
            0..=4 => json!(to),
            5 if !direct.is_empty() => json!(format!("${}", chance.pick(&direct))),
            6..=7 => {
                let below = chance.pick(packages);
                json!({&below.name: below.releases.some(chance).to_string()})
            }
            8 => {
                let below = chance.pick(packages);
                json!({".": to, &below.name: below.releases.range(chance)})
            }
            _ => json!(package.releases.range(chance)),
        };
        overrides.insert(key, value);
    }
    project.insert("overrides".to_owned(), Value::Object(overrides));
}

fn members(chance: &mut Chance, packages: &[Package], files: &mut Map<String, Value>) {
    let count = chance.between(1, 3);
    let scope = if chance.percent(30) { "@members/" } else { "" };
    for member in 0..count {
        let mut manifest = Map::new();
        manifest.insert("name".to_owned(), json!(format!("{scope}member-{member}")));
        manifest.insert("version".to_owned(), json!(format!("{}.0.0", chance.between(0, 2))));
        ask(chance, packages, 4, &mut manifest);
        if member > 0 {
            let range = *chance.pick(&["*", "*", ">=0.0.0", "0 || 1 || 2", "^1.0.0"]);
            insert(&mut manifest, "dependencies", &format!("{scope}member-{}", member - 1), json!(range));
        }
        files.insert(format!("packages/m{member}/package.json"), Value::Object(manifest));
    }
}
