//! Units and edges as sorted lines that can be compared with cargo's own unit graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::cargo::{CargoGraph, Side, Unit, UnitKind};

/// A line per compiled unit of one system: side, name, version, features; no build scripts.
pub fn units(graph: &CargoGraph, system: &str) -> BTreeSet<String> {
    compiled(graph, system).map(|(_, unit)| line(graph, unit)).collect()
}

/// A line per dependency between these units: `UNIT > EXTERN = UNIT`.
pub fn edges(graph: &CargoGraph, system: &str) -> BTreeSet<String> {
    let units: BTreeMap<&str, &Unit> = compiled(graph, system).collect();
    units
        .values()
        .flat_map(|unit| unit.dependencies.iter().map(move |dependency| (unit, dependency)))
        .filter_map(|(unit, dependency)| {
            let to = units.get(dependency.unit.as_str())?;
            Some(format!("{} > {} = {}", line(graph, unit), dependency.extern_name, line(graph, to)))
        })
        .collect()
}

fn compiled<'p>(graph: &'p CargoGraph, system: &str) -> impl Iterator<Item = (&'p str, &'p Unit)> {
    graph
        .units
        .get(system)
        .into_iter()
        .flatten()
        .filter(|(_, unit)| unit.kind != UnitKind::Run)
        .map(|(id, unit)| (id.as_str(), unit))
}

fn line(graph: &CargoGraph, unit: &Unit) -> String {
    let (name, version) = graph
        .packages
        .get(&unit.package)
        .map_or((unit.package.as_str(), ""), |package| (package.name.as_str(), package.version.as_str()));
    let side = match unit.side {
        Side::Host => "host",
        Side::Target => "target",
    };
    let features: Vec<&str> = unit.features.iter().map(String::as_str).collect();
    let features = features.join(",");
    format!("{side} {name} {version} {features}")
}
