//! The table of what crates need beyond Rust, as far as the bot reads it: whether a crate is in it.
//!
//! What stands there is used by the overlay's builders (`lib/cargo/native.nix`), which have the package set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use nixwright_resolver::plan::cargo::{CargoGraph, Package};
use serde::Deserialize;
use serde_json::Value;

use crate::model::System;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // A file of this program's own; the tests read it too.
    serde_json::from_str(include_str!("../../../../templates/overlay/lib/cargo/native.json")).unwrap_or_default()
});

/// The crates that something is known of.
#[derive(Debug, Default, Deserialize)]
struct Table {
    /// Those that need something.
    crates: BTreeMap<String, Value>,
    /// Those that need nothing; a `*` at the end stands for anything.
    nothing: Vec<String>,
}

impl Table {
    fn knows(&self, name: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        };
        self.crates.contains_key(name) || self.nothing.iter().any(fits)
    }
}

/// The packages with `links` that are compiled for one of these systems, and of which the table says nothing.
pub fn unknown<'g>(graph: &'g CargoGraph, systems: &[System]) -> Vec<&'g Package> {
    let units = systems.iter().filter_map(|system| graph.units.get(system.as_str())).flat_map(BTreeMap::values);
    let compiled: BTreeSet<&str> = units.map(|unit| unit.package.as_str()).collect();
    let packages = compiled.into_iter().filter_map(|id| graph.packages.get(id));
    packages.filter(|package| package.links.is_some() && !TABLE.knows(&package.name)).collect()
}

#[cfg(test)]
mod tests;
