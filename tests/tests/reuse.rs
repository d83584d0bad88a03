//! What the next release reuses, compared with what the graph says has to be built anew.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::{BTreeMap, BTreeSet};

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::shelf::{Shelf, locked};
use nixwright_tests::world::{attribute, nix_of, system};
use serde_json::Value;

#[test]
fn bumped_leaves_rebuild_exactly_the_units_above_them() {
    // Salted, so that this run of the test builds, whatever is in the store.
    let folder = tempfile::tempdir().unwrap();
    let salt = format!("# {} {}\n", std::process::id(), folder.path().display());
    let shelf = Shelf::with_salt(&salt);
    let registry = shelf.registry();
    registry.publish(shelf.get("lantern", "1.0.0"));
    let configuration = "[packages.lantern]\npurl = \"pkg:cargo/lantern\"\nstrategy = \"shared\"\n";
    let bot = Bot::new(&registry, configuration);
    bot.run_once().expect_code(0);
    let before = units(&bot);
    let row = bot.status_of("lantern");
    assert_eq!((row["built"].as_u64(), row["reused"].as_u64()), (Some(distinct(before.values())), Some(0)), "{row}");

    // One leaf that little depends on, which the shelf has already, and one on both sides and deep down.
    registry.publish(&Fixture::read("wick").version("1.0.1").append("Cargo.toml", &salt).pack());
    let unpacked = shelf.get("lantern", "1.0.0").unpack(folder.path());
    let next = Fixture::read_folder(&unpacked).version("1.0.1");
    registry.publish_at(&locked(next, &registry).pack(), "2026-03-04T05:06:07Z");
    bot.run_once().expect_code(0);
    let after = units(&bot);

    let graph: Value =
        serde_json::from_str(&bot.overlay().file("main", "packages/lantern/graph.json").unwrap()).unwrap();
    let expected = above(&rows(&graph), &["tint-1.0.1", "wick-1.0.1", "wick-1.0.1-host"]);
    let old: BTreeSet<&String> = before.values().collect();
    let changed: BTreeSet<String> =
        after.iter().filter(|(_, drv)| !old.contains(drv)).map(|(id, _)| id.clone()).collect();
    assert_eq!(changed, expected);
    assert!(expected.contains("lamp-gen-1.0.0") && !expected.contains("lamp-sys-1.0.0"), "{expected:?}");
    let row = bot.status_of("lantern");
    let built = distinct(expected.iter().map(|id| &after[id]));
    let reused = distinct(after.values()) - built;
    assert_eq!((row["built"].as_u64(), row["reused"].as_u64()), (Some(built), Some(reused)), "{row}");
}

/// A unit for the host and its twin for the target are one derivation where nothing tells them apart.
fn distinct<'d>(derivations: impl Iterator<Item = &'d String>) -> u64 {
    derivations.collect::<BTreeSet<_>>().len() as u64
}

/// The derivation of each unit on this machine, by unit id.
fn units(bot: &Bot) -> BTreeMap<String, String> {
    let home = tempfile::tempdir().unwrap();
    let installable = format!("{}#{}.units", bot.overlay().flake("main"), attribute("lantern"));
    let units = nix_of(bot).eval(home.path(), &installable, Some("builtins.mapAttrs (id: unit: unit.drvPath)"));
    serde_json::from_value(units).unwrap()
}

/// The rows of this machine's system.
fn rows(graph: &Value) -> BTreeMap<String, Value> {
    let mut rows = serde_json::Map::new();
    rows.extend(graph["units"].as_object().unwrap().clone());
    for group in graph["only"].as_array().into_iter().flatten() {
        if group["systems"].as_array().unwrap().iter().any(|name| *name == system()) {
            rows.extend(group["units"].as_object().unwrap().clone());
        }
    }
    rows.into_iter().collect()
}

/// The given units with all that need them, directly or not. The root's own units always change with its version.
fn above(rows: &BTreeMap<String, Value>, leaves: &[&str]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = leaves.iter().map(|leaf| (*leaf).to_owned()).collect();
    found.extend(rows.keys().filter(|id| id.starts_with("lantern-")).cloned());
    found.retain(|id| rows.contains_key(id));
    loop {
        let more: Vec<String> = rows
            .iter()
            .filter(|(id, row)| !found.contains(*id) && needs(id, row, rows).iter().any(|need| found.contains(need)))
            .map(|(id, _)| id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Ids of the units that a row needs: its edges, its own run, and the runs that tell it their metadata.
fn needs(id: &str, row: &Value, rows: &BTreeMap<String, Value>) -> Vec<String> {
    let edges = row["deps"].as_array().into_iter().flatten().map(|edge| unit_of(edge.as_str().unwrap(), rows));
    let told = row["dep-runs"].as_array().into_iter().flatten().map(|run| run.as_str().unwrap().to_owned());
    edges.chain(told).chain([format!("{id}-run")]).collect()
}

/// An edge is `[extern=]REFERENCE`, a reference a unit's id or the name of a package with one library only.
fn unit_of(edge: &str, rows: &BTreeMap<String, Value>) -> String {
    let reference = edge.rsplit('=').next().unwrap();
    if rows.contains_key(reference) {
        return reference.to_owned();
    }
    let is_library = |id: &&String| !id.ends_with("-run") && !id.ends_with("-bins");
    let of_name = |id: &&String| {
        let version = id.strip_prefix(reference).and_then(|rest| rest.strip_prefix('-'));
        version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut found = rows.keys().filter(is_library).filter(of_name);
    let unit = found.next().unwrap_or_else(|| panic!("{edge} names no unit"));
    assert!(found.next().is_none(), "{edge} is ambiguous");
    unit.clone()
}
