//! `graph.json`: a plan as the overlay's builders read it.
//!
//! One row a line, sorted, defaults left out, so that a changed dependency is a changed line or two. Rows that hold on
//! every system are written once; the rest are grouped by the systems they hold on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::{Binary, CargoGraph, Origin, Package, Profile, Selection, Unit, UnitKind};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::overlay::{GENERATED, commit_row};

/// The `lto` of a package's configuration; cargo's own words.
pub type Lto<'a> = Option<&'a str>;

/// Renders a plan; `lto` is the configuration's choice, upstream's is recorded but not applied.
pub fn render(plan: &Plan, graph: &CargoGraph, lto: Lto<'_>) -> String {
    let mut text = String::from("{\n");
    let mut field = |name: &str, value: &Value| {
        let _ = writeln!(text, "\"{name}\": {value},");
    };
    field("_generated", &GENERATED.into());
    field("schema", &plan.schema.into());
    field("purl", &plan.purl.as_str().into());
    field("root", &graph.root.as_str().into());
    if let Some(commit) = &plan.commit {
        field("commit", &commit_row(commit, &plan.version));
    }
    if graph.members.len() > 1 {
        field("members", &json!(graph.members));
    }
    field("systems", &json!(graph.units.keys().collect::<Vec<_>>()));
    for (name, object) in [
        ("class", class(&graph.profile, lto)),
        ("profile", profile(&graph.profile)),
        ("selection", selection(&graph.selection)),
    ] {
        if !object.is_empty() {
            field(name, &object.into());
        }
    }
    text.push_str("\"packages\": {\n");
    let packages = graph.packages.iter().map(|(id, package)| (id.as_str(), package_row(id, package)));
    push_rows(&mut text, packages);
    text.push_str("},\n\"units\": {\n");
    let names = UnitNames::new(graph);
    let (everywhere, only) = group(graph, &names);
    push_rows(&mut text, everywhere);
    text.push_str("},\n\"only\": [");
    for (index, (systems, rows)) in only.into_iter().enumerate() {
        let _ = write!(text, "{}\n{{\"systems\":{},\"units\":{{\n", if index == 0 { "" } else { "," }, json!(systems));
        push_rows(&mut text, rows);
        text.push_str("}}");
    }
    text.push_str("\n]\n}\n");
    text
}

fn push_rows<'a>(text: &mut String, rows: impl IntoIterator<Item = (&'a str, Value)>) {
    let rows: Vec<String> = rows.into_iter().map(|(id, row)| format!("{}: {row}", Value::from(id))).collect();
    text.push_str(&rows.join(",\n"));
    text.push('\n');
}

type Rows<'p> = BTreeMap<&'p str, Value>;

/// The rows of every system, and the others by the set of systems they hold on.
fn group<'p>(graph: &'p CargoGraph, names: &UnitNames<'p>) -> (Rows<'p>, BTreeMap<Vec<&'p str>, Rows<'p>>) {
    let mut variants: BTreeMap<&str, Vec<(Value, Vec<&str>)>> = BTreeMap::new();
    for (system, units) in &graph.units {
        for (id, unit) in units {
            let row = unit_row(graph, units, id, unit, names);
            let known = variants.entry(id).or_default();
            match known.iter_mut().find(|(other, _)| *other == row) {
                Some((_, systems)) => systems.push(system),
                None => known.push((row, vec![system])),
            }
        }
    }
    let mut everywhere = Rows::new();
    let mut only: BTreeMap<Vec<&str>, Rows<'_>> = BTreeMap::new();
    for (id, rows) in variants {
        for (row, systems) in rows {
            if systems.len() == graph.units.len() {
                everywhere.insert(id, row);
            } else {
                only.entry(systems).or_default().insert(id, row);
            }
        }
    }
    (everywhere, only)
}

/// What is known of a package; of most that is nothing but a checksum, which then stands alone.
fn package_row(id: &str, package: &Package) -> Value {
    let mut row = Map::new();
    if id != format!("{}-{}", package.name, package.version) {
        row.insert("name".to_owned(), package.name.as_str().into());
        row.insert("version".to_owned(), package.version.as_str().into());
    }
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            row.insert(key.to_owned(), value.into());
        }
    };
    text("sha256", &package.sha256);
    match &package.origin {
        Origin::CratesIo => {}
        Origin::Registry { index, download } => {
            text("registry", index);
            text("url", download);
        }
        Origin::Git { url, reference, commit, hash, folder, manifest } => {
            text("git", url);
            text("ref", reference.as_deref().unwrap_or_default());
            text("rev", commit);
            text("h", hash);
            text("at", folder);
            text("manifest", manifest.as_deref().unwrap_or_default());
        }
        // The top of a project is told from a crate by having no hash.
        Origin::Project { folder } => text("at", folder),
    }
    if let Some(links) = &package.links {
        row.insert("links".to_owned(), links.as_str().into());
    }
    if !package.env.is_empty() {
        row.insert("env".to_owned(), json!(package.env));
    }
    match row.get("sha256") {
        Some(sha256) if row.len() == 1 => sha256.clone(),
        _ => row.into(),
    }
}

/// How edges are spelled: by the package's name where only one library of the whole table has it.
struct UnitNames<'p> {
    libraries: BTreeMap<&'p str, BTreeSet<&'p str>>,
}

impl<'p> UnitNames<'p> {
    fn new(graph: &'p CargoGraph) -> Self {
        let mut libraries: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (id, unit) in graph.units.values().flatten() {
            if matches!(unit.kind, UnitKind::Lib | UnitKind::ProcMacro) {
                libraries.entry(package_name(graph, unit)).or_default().insert(id);
            }
        }
        Self { libraries }
    }

    fn reference(&self, name: &'p str, id: &'p str) -> &'p str {
        match self.libraries.get(name) {
            Some(ids) if ids.len() == 1 => name,
            _ => id,
        }
    }
}

fn package_name<'p>(graph: &'p CargoGraph, unit: &'p Unit) -> &'p str {
    graph.packages.get(&unit.package).map_or(unit.package.as_str(), |package| package.name.as_str())
}

#[derive(Serialize)]
struct UnitRow<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'p str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'p str>,
    #[serde(rename = "crate", skip_serializing_if = "Option::is_none")]
    crate_name: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<&'p [String]>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    features: BTreeSet<&'p str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deps: Vec<String>,
    #[serde(rename = "dep-runs", skip_serializing_if = "<[String]>::is_empty")]
    dep_runs: &'p [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bins: BTreeMap<&'p str, Value>,
}

fn unit_row<'p>(
    graph: &'p CargoGraph,
    units: &'p BTreeMap<String, Unit>,
    id: &str,
    unit: &'p Unit,
    names: &UnitNames<'p>,
) -> Value {
    let (crate_default, path_default) = match unit.kind {
        UnitKind::Run => ("build_script_build".to_owned(), "build.rs"),
        UnitKind::Bins => (String::new(), ""),
        UnitKind::Lib | UnitKind::ProcMacro => (package_name(graph, unit).replace('-', "_"), "src/lib.rs"),
    };
    let owner = ["-bins", "-run", "-host"].iter().fold(id, |id, suffix| id.strip_suffix(suffix).unwrap_or(id));
    let is_plain = unit.crate_types == ["lib"] || unit.kind != UnitKind::Lib;
    let row = UnitRow {
        package: (owner != unit.package).then_some(unit.package.as_str()),
        kind: (unit.kind == UnitKind::ProcMacro).then_some("proc-macro"),
        crate_name: (unit.crate_name != crate_default && unit.kind != UnitKind::Run)
            .then_some(unit.crate_name.as_str()),
        path: (unit.path != path_default).then_some(unit.path.as_str()),
        edition: (unit.edition != "2021").then_some(unit.edition.as_str()),
        types: (!is_plain).then_some(unit.crate_types.as_slice()),
        features: match unit.kind {
            UnitKind::Run => BTreeSet::new(),
            _ => unit.features.iter().map(String::as_str).collect(),
        },
        deps: edges(graph, units, unit, names),
        dep_runs: &unit.link_runs,
        bins: unit.binaries.iter().map(|binary| (binary.name.as_str(), binary_row(unit, binary))).collect(),
    };
    // A map of plain strings always serialises.
    serde_json::to_value(row).unwrap_or_default()
}

fn binary_row(unit: &Unit, binary: &Binary) -> Value {
    if binary.edition == unit.edition {
        binary.path.as_str().into()
    } else {
        json!({ "path": binary.path, "edition": binary.edition })
    }
}

fn edges<'p>(
    graph: &'p CargoGraph,
    units: &'p BTreeMap<String, Unit>,
    unit: &'p Unit,
    names: &UnitNames<'p>,
) -> Vec<String> {
    let mut edges: Vec<String> = unit
        .dependencies
        .iter()
        .map(|dependency| {
            let to = units.get(&dependency.unit);
            let reference = to.map_or(dependency.unit.as_str(), |to| {
                names.reference(package_name(graph, to), dependency.unit.as_str())
            });
            if to.is_some_and(|to| to.crate_name == dependency.extern_name) {
                reference.to_owned()
            } else {
                format!("{}={reference}", dependency.extern_name)
            }
        })
        .collect();
    edges.sort();
    edges
}

/// What changes the meaning of every unit's code, and so belongs to every unit's key.
fn class(profile: &Profile, lto: Lto<'_>) -> Map<String, Value> {
    let mut class = Map::new();
    if let Some(panic) = profile.panic.as_deref().filter(|panic| *panic != "unwind") {
        class.insert("panic".to_owned(), panic.into());
    }
    for (name, flag) in [("overflow-checks", profile.overflow_checks), ("debug-assertions", profile.debug_assertions)] {
        if flag == Some(true) {
            class.insert(name.to_owned(), true.into());
        }
    }
    if let Some(lto) = lto.filter(|lto| *lto != "off") {
        class.insert("lto".to_owned(), lto.into());
    }
    class
}

/// What of upstream's profile is for the root package alone.
fn profile(profile: &Profile) -> Map<String, Value> {
    let mut object = Map::new();
    let mut text = |name: &str, value: &Option<String>, default: &str| {
        if let Some(value) = value.as_deref().filter(|value| *value != default) {
            object.insert(name.to_owned(), value.into());
        }
    };
    text("opt-level", &profile.opt_level, "3");
    text("lto", &profile.lto, "false");
    text("strip", &profile.strip, "none");
    text("debug", &profile.debug, "0");
    if let Some(units) = profile.codegen_units {
        object.insert("codegen-units".to_owned(), units.into());
    }
    object
}

fn selection(selection: &Selection) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, values) in [("features", &selection.features), ("binaries", &selection.binaries)] {
        if !values.is_empty() {
            object.insert(name.to_owned(), json!(values));
        }
    }
    for (name, flag) in
        [("no-default-features", selection.no_default_features), ("all-features", selection.all_features)]
    {
        if flag {
            object.insert(name.to_owned(), true.into());
        }
    }
    object
}

#[cfg(test)]
mod tests;
