//! What a `graph.json` that is already in the overlay says of its release.

use std::collections::BTreeSet;

use serde_json::Value;

/// The part of a published graph that later releases are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedGraph {
    /// The type of its package URLs: `cargo`, `golang`, `npm`.
    pub ecosystem: String,
    /// The release's version.
    pub version: String,
    /// `(name, version)` of every package.
    pub packages: BTreeSet<(String, String)>,
}

/// Reads the name and version off a row and its key; some rows have none.
type NameAndVersion = fn(&str, &Value) -> Option<(String, String)>;

impl PublishedGraph {
    /// Reads the file; `None` if it is not one that we wrote.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let graph: Value = serde_json::from_slice(content).ok()?;
        let purl = graph.get("purl")?.as_str()?;
        // A Go program's folder comes after its version.
        let (purl, _) = purl.split_once('#').unwrap_or((purl, ""));
        let (_, version) = purl.rsplit_once('@')?;
        let (ecosystem, _) = purl.strip_prefix("pkg:")?.split_once('/')?;
        let (table, name_and_version): (_, NameAndVersion) = match ecosystem {
            "golang" => ("modules", of_module),
            "npm" => ("packages", in_node_modules),
            _ => ("packages", of_crate),
        };
        let rows = graph.get(table)?.as_object()?;
        let packages = rows.iter().filter_map(|(id, row)| name_and_version(id, row)).collect();
        Some(Self { ecosystem: ecosystem.to_owned(), version: version.to_owned(), packages })
    }
}

fn text(row: &Value, key: &str) -> Option<String> {
    row.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn of_crate(id: &str, row: &Value) -> Option<(String, String)> {
    if let (Some(name), Some(version)) = (text(row, "name"), text(row, "version")) {
        return Some((name, version));
    }
    // Crate names have no dot, so the version begins after the last `-` before the first one.
    let name_end = id.find('.').and_then(|dot| id.get(..dot)?.rfind('-'))?;
    Some((id.get(..name_end)?.to_owned(), id.get(name_end + 1..)?.to_owned()))
}

/// A module that comes from a proxy, by its own name where it stands for another.
fn of_module(path: &str, row: &Value) -> Option<(String, String)> {
    row.get("h")?;
    let replacement = text(row, "replace");
    let (path, version) = match replacement.as_deref().and_then(|module| module.rsplit_once('@')) {
        Some((path, version)) => (path, version.to_owned()),
        None => (path, text(row, "v")?),
    };
    Some((path.to_owned(), version))
}

/// The place in the tree ends with the name; what has no version is a link or the project itself.
fn in_node_modules(place: &str, row: &Value) -> Option<(String, String)> {
    let folder = place.rsplit_once("//").map_or(place, |(_, name)| name);
    Some((text(row, "name").unwrap_or_else(|| folder.to_owned()), text(row, "v")?))
}

#[cfg(test)]
mod tests {
    use super::PublishedGraph;

    #[test]
    fn reads_names_and_versions_of_every_package() {
        let text = br#"{"purl":"pkg:cargo/a@1.0.0-rc.1","packages":{"windows-sys-0.59.0":{},"b-1.0.0-alpha.2":{}},
            "units":{"b-1.0.0-alpha.2-host-run":{}},"only":[{"systems":[],"units":{"c-1.0.0-run":{}}}]}"#;
        let graph = PublishedGraph::parse(text).unwrap();
        assert_eq!(graph.version, "1.0.0-rc.1");
        assert!(graph.packages.contains(&("windows-sys".to_owned(), "0.59.0".to_owned())));
        assert!(graph.packages.contains(&("b".to_owned(), "1.0.0-alpha.2".to_owned())));
    }

    #[test]
    fn a_place_in_node_modules_ends_with_the_name() {
        let text = br#"{"purl":"pkg:npm/a@1.0.0","packages":{"a":{"v":"1.0.0"},"a//@s/b":{"v":"2.0.0"},"c":{"v":"3.0.0","name":"d"},
            "e":{"link":"./e"},"./e":{}}}"#;
        let graph = PublishedGraph::parse(text).unwrap();
        let packages: Vec<String> = graph.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(packages, ["@s/b 2.0.0", "a 1.0.0", "d 3.0.0"]);
    }

    #[test]
    fn a_module_that_is_replaced_goes_by_the_other_name() {
        let text = br#"{"purl":"pkg:golang/forge.example/a/v2@v2.1.0#cmd/a","modules":{"forge.example/a/v2":{"v":"v2.1.0","h":"x","sum":"y"},
            "forge.example/b":{"v":"v1.0.0","replace":"forge.example/c@v0.9.0","h":"x","sum":"y"},
            "forge.example/d":{"v":"v1.0.0","replace":"./d","dir":"d"}},"packages":{"forge.example/b":{"":{}}}}"#;
        let graph = PublishedGraph::parse(text).unwrap();
        assert_eq!((graph.ecosystem.as_str(), graph.version.as_str()), ("golang", "v2.1.0"));
        let packages: Vec<String> = graph.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(packages, ["forge.example/a/v2 v2.1.0", "forge.example/c v0.9.0"]);
    }

    #[test]
    fn what_is_not_ours_is_none() {
        assert!(PublishedGraph::parse(b"{}").is_none());
    }
}
