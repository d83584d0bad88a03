//! What a `graph.json` that is already in the overlay says of its release.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The part of a published graph that later releases are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedGraph {
    /// The release's version.
    pub version: String,
    /// `(name, version)` of every package.
    pub packages: BTreeSet<(String, String)>,
    /// Ids of the packages whose build script is run on some system.
    pub build_scripts: BTreeSet<String>,
}

impl PublishedGraph {
    /// Reads the file; `None` if it is not one that we wrote.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let graph: Value = serde_json::from_slice(content).ok()?;
        let rows = graph.get("packages")?.as_object()?;
        let (_, version) = graph.get("purl")?.as_str()?.rsplit_once('@')?;
        let packages = rows.iter().filter_map(|(id, row)| name_and_version(id, row)).collect();
        let only = graph.get("only").and_then(Value::as_array).into_iter().flatten();
        let units = only.filter_map(|group| group.get("units")).chain(graph.get("units")).filter_map(Value::as_object);
        let build_scripts = units.flat_map(Map::keys).filter_map(|id| script_owner(id)).collect();
        Some(Self { version: version.to_owned(), packages, build_scripts })
    }
}

fn name_and_version(id: &str, row: &Value) -> Option<(String, String)> {
    let explicit = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    if let (Some(name), Some(version)) = (explicit("name"), explicit("version")) {
        return Some((name, version));
    }
    // Crate names have no dot, so the version begins after the last `-` before the first one.
    let name_end = id.find('.').and_then(|dot| id.get(..dot)?.rfind('-'))?;
    Some((id.get(..name_end)?.to_owned(), id.get(name_end + 1..)?.to_owned()))
}

fn script_owner(id: &str) -> Option<String> {
    let unit = id.strip_suffix("-run")?;
    Some(unit.strip_suffix("-host").unwrap_or(unit).to_owned())
}

#[cfg(test)]
mod tests {
    use super::PublishedGraph;

    #[test]
    fn reads_names_versions_and_scripts_of_every_system() {
        let text = br#"{"purl":"pkg:cargo/a@1.0.0-rc.1","packages":{"windows-sys-0.59.0":{},"b-1.0.0-alpha.2":{}},
            "units":{"b-1.0.0-alpha.2-host-run":{}},"only":[{"systems":[],"units":{"c-1.0.0-run":{}}}]}"#;
        let graph = PublishedGraph::parse(text).unwrap();
        assert_eq!(graph.version, "1.0.0-rc.1");
        assert!(graph.packages.contains(&("windows-sys".to_owned(), "0.59.0".to_owned())));
        assert!(graph.packages.contains(&("b".to_owned(), "1.0.0-alpha.2".to_owned())));
        assert_eq!(Vec::from_iter(graph.build_scripts), ["b-1.0.0-alpha.2", "c-1.0.0"]);
    }

    #[test]
    fn what_is_not_ours_is_none() {
        assert!(PublishedGraph::parse(b"{}").is_none());
    }
}
