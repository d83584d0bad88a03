//! Units and edges as sorted lines that can be compared with cargo's own unit graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Plan, Side, Unit, UnitKind};

/// A line per compiled unit of one system: side, name, version, features; no build scripts.
pub fn units(plan: &Plan, system: &str) -> BTreeSet<String> {
    compiled(plan, system).map(|(_, unit)| line(plan, unit)).collect()
}

/// A line per dependency between these units: `UNIT > EXTERN = UNIT`.
pub fn edges(plan: &Plan, system: &str) -> BTreeSet<String> {
    let units: BTreeMap<&str, &Unit> = compiled(plan, system).collect();
    units
        .values()
        .flat_map(|unit| unit.dependencies.iter().map(move |dependency| (unit, dependency)))
        .filter_map(|(unit, dependency)| {
            let to = units.get(dependency.unit.as_str())?;
            Some(format!("{} > {} = {}", line(plan, unit), dependency.extern_name, line(plan, to)))
        })
        .collect()
}

fn compiled<'p>(plan: &'p Plan, system: &str) -> impl Iterator<Item = (&'p str, &'p Unit)> {
    plan.graph
        .units
        .get(system)
        .into_iter()
        .flatten()
        .filter(|(_, unit)| unit.kind != UnitKind::Run)
        .map(|(id, unit)| (id.as_str(), unit))
}

fn line(plan: &Plan, unit: &Unit) -> String {
    let (name, version) = plan
        .graph
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
