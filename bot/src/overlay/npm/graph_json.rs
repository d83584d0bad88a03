//! `graph.json` of an npm package: the tree as the overlay's builders read it.
//!
//! One row a line, sorted, what can be worked out left out. What could stand on none of the systems has no row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nixwright_resolver::npm::platform;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::{Entry, NpmGraph, Source};
use serde_json::{Map, Value, json};

use super::super::files::RenderError;
use super::super::{GENERATED, commit_row};

/// Renders a plan.
pub(super) fn render(plan: &Plan, graph: &NpmGraph) -> Result<String, RenderError> {
    let kept = kept(graph);
    let mut text = String::from("{\n");
    let mut field = |name: &str, value: &Value| {
        let _ = writeln!(text, "\"{name}\": {value},");
    };
    field("_generated", &GENERATED.into());
    field("schema", &plan.schema.into());
    field("purl", &plan.purl.as_str().into());
    field("root", &key(&graph.root).into());
    if let Some(commit) = &plan.commit {
        field("commit", &commit_row(commit, &plan.version));
    }
    field("systems", &json!(graph.systems));
    text.push_str("\"families\": {");
    let families: Vec<String> = families(graph, &kept)
        .into_iter()
        .map(|(parent, members)| format!("\n{}: {}", Value::from(key(parent)), json!(members)))
        .collect();
    let _ = writeln!(text, "{}{}}},", families.join(","), if families.is_empty() { "" } else { "\n" });
    text.push_str("\"packages\": {\n");
    let mut rows = BTreeMap::new();
    for (path, entry) in &kept {
        let file = match &entry.source {
            Source::Tarball { url, .. } => url.strip_prefix("file:"),
            _ => None,
        };
        if let Some(outside) = [Some(*path), file].into_iter().flatten().find(|place| leads_out(place)) {
            let package = format!("{} {}", plan.name, plan.version);
            return Err(RenderError::Outside { package, path: outside.to_owned() });
        }
        rows.insert(key(path), row(plan, graph, &kept, path, entry)?);
    }
    let rows: Vec<String> =
        rows.into_iter().map(|(key, row)| format!("{}: {}", Value::from(key), Value::from(row))).collect();
    text.push_str(&rows.join(",\n"));
    text.push_str("\n}\n}\n");
    Ok(text)
}

type Entries<'p> = BTreeMap<&'p str, &'p Entry>;

/// The entries that have a row.
fn kept(graph: &NpmGraph) -> Entries<'_> {
    let is_release = !graph.root.is_empty();
    let entries = graph.entries.iter().filter(|(_, entry)| !(entry.on.is_empty() || is_release && entry.dev));
    entries.map(|(path, entry)| (path.as_str(), entry)).collect()
}

/// The row's key of a lock path.
fn key(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let inner = match path.strip_prefix("node_modules/") {
        Some(rest) => rest.to_owned(),
        None => format!("./{path}"),
    };
    inner.replace("/node_modules/", "//")
}

/// Packages that ship a part of themselves for each platform as optional dependencies, with the rows of these: without one
/// that fits they start and fail, so builders refuse. Two at least, for different platforms: a single one (`fsevents`) is
/// an extra. Those that have one for every system are left out.
fn families<'p>(graph: &NpmGraph, kept: &Entries<'p>) -> BTreeMap<&'p str, Vec<String>> {
    let mut families = BTreeMap::new();
    for (path, entry) in kept {
        let members: Vec<(&String, &Entry)> = entry
            .optional_dependencies
            .iter()
            .filter_map(|name| graph.entries.get_key_value(entry.dependencies.get(name)?))
            .filter(|(_, member)| !(member.os.is_empty() && member.cpu.is_empty()))
            .collect();
        let platforms: BTreeSet<_> =
            members.iter().map(|(_, member)| (&member.os, &member.cpu, &member.libc)).collect();
        let covers = |system: &String| members.iter().any(|(_, member)| member.on.contains(system));
        if platforms.len() > 1 && !entry.optional && !entry.on.iter().all(covers) {
            let stand = members.into_iter().filter(|(path, _)| kept.contains_key(path.as_str()));
            families.insert(*path, stand.map(|(path, _)| key(path)).collect());
        }
    }
    families
}

fn row(
    plan: &Plan,
    graph: &NpmGraph,
    kept: &Entries<'_>,
    path: &str,
    entry: &Entry,
) -> Result<Map<String, Value>, RenderError> {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    if !entry.version.is_empty() {
        put("v", entry.version.as_str().into());
    }
    if entry.name != folder_name(path) {
        put("name", entry.name.as_str().into());
    }
    let hash =
        |integrity: &str| checkable(integrity).map(Value::from).ok_or_else(|| no_hash(plan, path, entry, integrity));
    match &entry.source {
        Source::Registry { integrity } => {
            put("h", hash(integrity)?);
        }
        Source::Tarball { url, integrity } => {
            put("url", url.as_str().into());
            put("h", hash(integrity)?);
        }
        Source::Git { url, commit, hash: tree } => {
            put("git", url.as_str().into());
            put("rev", commit.as_str().into());
            put("h", hash(tree)?);
        }
        Source::Bundled => {
            put("bundled", true.into());
        }
        Source::Link { target } => {
            put("link", key(target).into());
        }
        Source::Directory => {}
    }
    for (name, list) in [("os", &entry.os), ("cpu", &entry.cpu), ("libc", &entry.libc)] {
        match list.as_slice() {
            [] => {}
            [only] => {
                put(name, only.as_str().into());
            }
            several => {
                put(name, json!(several));
            }
        }
    }
    for (name, flag) in [("optional", entry.optional), ("dev", entry.dev)] {
        if flag {
            put(name, true.into());
        }
    }
    if !entry.bin.is_empty() {
        put("bin", json!(entry.bin));
    }
    if entry.script {
        put("script", json!(closure(kept, path)));
    }
    let expected: BTreeSet<&String> =
        graph.systems.iter().filter(|system| !entry.optional || fits(entry, system)).collect();
    if entry.on.iter().collect::<BTreeSet<_>>() != expected {
        put("on", json!(entry.on));
    }
    Ok(row)
}

/// Whether a path may lead out of the project's folder.
fn leads_out(path: &str) -> bool {
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

fn fits(entry: &Entry, system: &str) -> bool {
    platform::fits(&entry.os, &entry.cpu, &entry.libc, system)
}

/// The name that a folder in `node_modules` says, scope included.
fn folder_name(path: &str) -> &str {
    path.rsplit_once("node_modules/").map_or(path, |(_, name)| name)
}

/// The strongest hash of an integrity that Nix can check, without options.
fn checkable(integrity: &str) -> Option<&str> {
    let hashes = || integrity.split_whitespace().map(|hash| hash.split('?').next().unwrap_or(hash));
    ["sha512-", "sha256-", "sha1-"].iter().find_map(|algorithm| hashes().find(|hash| hash.starts_with(algorithm)))
}

fn no_hash(plan: &Plan, path: &str, entry: &Entry, integrity: &str) -> RenderError {
    RenderError::Integrity {
        package: format!("{} {}", plan.name, plan.version),
        entry: format!("{} {} ({path})", entry.name, entry.version),
        integrity: integrity.to_owned(),
    }
}

/// The keys of everything that an entry needs, itself left out.
fn closure(kept: &Entries<'_>, path: &str) -> Vec<String> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut ahead = vec![path];
    while let Some(next) = ahead.pop() {
        let Some((next, entry)) = kept.get_key_value(next) else { continue };
        if reached.insert(*next) {
            ahead.extend(entry.dependencies.values().map(String::as_str));
            if let Source::Link { target } = &entry.source {
                ahead.push(target);
            }
        }
    }
    reached.remove(path);
    reached.into_iter().map(key).collect()
}

#[cfg(test)]
mod tests;
