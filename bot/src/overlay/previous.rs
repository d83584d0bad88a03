//! What a `graph.json` that is already in the overlay says of its release.

use std::collections::BTreeSet;

use packageurl::PackageUrl;
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

/// Reads the name and the version from a row.
type ReadRow = fn(&str, &Value) -> Option<(String, String)>;

impl PublishedGraph {
    /// Reads the file; `None` if it is not one that we wrote.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let graph: Value = serde_json::from_slice(content).ok()?;
        let purl: PackageUrl<'_> = graph.get("purl")?.as_str()?.parse().ok()?;
        // Of a repository the package URL does not say what it holds, and has the tag in the place of the version.
        let kinds: [(_, _, _, ReadRow); 3] = [
            ("golang", "modules", "modules", of_module),
            ("npm", "families", "packages", in_node_modules),
            ("cargo", "units", "packages", of_crate),
        ];
        let is_of = |kind: &str, sign: &str| purl.ty() == kind || (purl.ty() == "github" && graph.get(sign).is_some());
        let (ecosystem, _, table, name_and_version) = kinds.into_iter().find(|(kind, sign, ..)| is_of(kind, sign))?;
        let rows = graph.get(table)?.as_object()?;
        let packages = rows.iter().filter_map(|(id, row)| name_and_version(id, row)).collect();
        let of_commit = graph.get("commit").and_then(|commit| text(commit, "version"));
        let version = of_commit.or_else(|| purl.version().map(str::to_owned))?;
        Some(Self { ecosystem: ecosystem.to_owned(), version, packages })
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

/// The place in the tree ends with the name; what has no version is a link or the project itself.
fn in_node_modules(place: &str, row: &Value) -> Option<(String, String)> {
    let folder = place.rsplit_once("//").map_or(place, |(_, name)| name);
    Some((text(row, "name").unwrap_or_else(|| folder.to_owned()), text(row, "v")?))
}

/// Modules that are fetched, a replacement under its own name; those without a hash are folders of the project.
fn of_module(path: &str, row: &Value) -> Option<(String, String)> {
    row.get("h")?;
    if let Some(replacement) = text(row, "replace") {
        let (path, version) = replacement.rsplit_once('@')?;
        return Some((path.to_owned(), version.to_owned()));
    }
    Some((path.to_owned(), text(row, "v")?))
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
    fn of_a_repository_the_graph_says_what_it_holds() {
        let head = r#"{"purl":"pkg:github/a/b@v1.2.3","commit":{"git":"x","version":"1.2.3"},"packages":{"#;
        for (rest, ecosystem, expected) in [
            (r#""c-1.0.0":"00"},"units":{}}"#, "cargo", ("c", "1.0.0")),
            (r#""a//d":{"v":"2.0.0"}},"families":{}}"#, "npm", ("d", "2.0.0")),
        ] {
            let graph = PublishedGraph::parse(format!("{head}{rest}").as_bytes()).unwrap();
            assert_eq!((graph.version.as_str(), graph.ecosystem.as_str()), ("1.2.3", ecosystem));
            let packages: Vec<(&str, &str)> =
                graph.packages.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
            assert_eq!(packages, [expected]);
        }
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
    fn modules_of_go_count_where_they_are_fetched_and_under_the_name_that_is() {
        let text = br#"{"purl":"pkg:golang/example.test/a@v1.0.0%2Bincompatible#cmd/b","modules":{
            "example.test/a":{"v":"v1.0.0","h":"sha256-a"},"example.test/c":{"v":"v0.1.0","go":"1.20","h":"sha256-c"},
            "example.test/d":{"v":"v1.0.0","replace":"fork.test/d@v1.1.0","h":"sha256-d"},
            "example.test/e":{"v":"v1.0.0","replace":"./e","dir":"e"},"example.test/f":{"dir":"."}},
            "packages":{"example.test/c":{"":{}}}}"#;
        let graph = PublishedGraph::parse(text).unwrap();
        assert_eq!((graph.ecosystem.as_str(), graph.version.as_str()), ("golang", "v1.0.0+incompatible"));
        let packages: Vec<String> = graph.packages.iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(packages, ["example.test/a v1.0.0", "example.test/c v0.1.0", "fork.test/d v1.1.0"]);
    }

    #[test]
    fn what_is_not_ours_is_none() {
        assert!(PublishedGraph::parse(b"{}").is_none());
    }
}
