//! `package-lock.json`, version 3, with the bytes that npm writes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json;
use super::manifest::{Manifest, is_true};
use super::spec::relative;
use super::tree::{Forest, NodeId};

/// The fields of a manifest that an entry repeats.
const REPEATED: [&str; 17] = [
    "version",
    "dependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "optionalDependencies",
    "bundleDependencies",
    "acceptDependencies",
    "funding",
    "engines",
    "os",
    "cpu",
    "libc",
    "license",
    "hasInstallScript",
    "bin",
    "deprecated",
    "workspaces",
];

/// The lock of a tree. `whole` has the manifests of nodes that the registry's short form says too little of.
///
/// `like` is the project's own `package.json`: npm indents the lock as that is indented.
pub(super) fn lock(forest: &Forest, root: NodeId, whole: &BTreeMap<NodeId, Manifest>, like: &str) -> String {
    let package = &forest[root].package;
    let mut packages = Map::new();
    let own = entry(forest, root, root, package);
    if own.as_object().is_some_and(|fields| !fields.is_empty()) {
        packages.insert(String::new(), own);
    }
    for node in entries(forest, root) {
        let manifest = whole.get(&node).unwrap_or(&forest[node].package);
        packages.insert(forest.path(node), entry(forest, root, node, manifest));
    }
    let name = if package.name.is_empty() { forest[root].name.to_string() } else { package.name.clone() };
    let mut lock = Map::from_iter([("name".to_owned(), Value::String(name))]);
    if !package.version.is_empty() {
        lock.insert("version".to_owned(), package.version.clone().into());
    }
    lock.insert("lockfileVersion".to_owned(), json!(3));
    lock.insert("requires".to_owned(), json!(true));
    lock.insert("packages".to_owned(), packages.into());
    json::lock_text(&lock.into(), like)
}

/// The nodes that a lock names, the project itself left out.
pub(super) fn entries(forest: &Forest, root: NodeId) -> Vec<NodeId> {
    let is_named = |node: &NodeId| {
        let node = *node;
        let stray = forest[node].flags.extraneous
            && forest[node].parent.is_none()
            && forest[node].fs_parent.is_none_or(|above| above == root);
        node != root && !stray && !(forest[node].inert && forest.version(node).is_empty())
    };
    forest.all(root).into_iter().filter(is_named).collect()
}

fn entry(forest: &Forest, root: NodeId, node: NodeId, manifest: &Manifest) -> Value {
    let of = &forest[node];
    if let Some(link) = &of.link {
        return json!({ "resolved": relative("", &link.realpath), "link": true });
    }
    let mut entry = Map::new();
    for field in REPEATED {
        if let Some(value) = manifest.fields.get(field).and_then(|value| repeated(field, value)) {
            entry.insert(field.to_owned(), value);
        }
    }
    let folder = forest.path(node);
    let folder = if node == root { &*of.name } else { last_name(&folder) };
    let name = &manifest.name;
    if !name.is_empty() && (node == root || **name != *of.name || folder != name) {
        entry.insert("name".to_owned(), name.clone().into());
    }
    if forest.is_top(node)
        && let Some(development) = manifest.fields.get("devDependencies").filter(|value| is_true(value))
    {
        entry.insert("devDependencies".to_owned(), development.clone());
    }
    let mut say = |word: &str, holds: bool| {
        if holds {
            entry.insert(word.to_owned(), json!(true));
        }
    };
    say("inBundle", forest.in_bundle(node));
    say("hasShrinkwrap", of.has_shrinkwrap);
    say("hasInstallScript", manifest.has_install_script);
    let flags = of.flags;
    say("extraneous", flags.extraneous);
    if !flags.extraneous {
        say("peer", flags.peer);
        say("dev", flags.dev);
        say("optional", flags.optional);
        say("devOptional", flags.dev_optional && !flags.dev && !flags.optional);
    }
    for (word, value) in [("integrity", &of.integrity), ("resolved", &of.resolved)] {
        if let Some(value) = value {
            entry.insert(word.to_owned(), value.clone().into());
        }
    }
    entry.into()
}

/// What an entry repeats of a field: nothing that is empty, and of a licence in the old form its name.
fn repeated(field: &str, value: &Value) -> Option<Value> {
    if field == "license"
        && let Some(kind) = value.get("type").filter(|kind| is_true(kind))
    {
        return Some(kind.clone());
    }
    match value {
        Value::Object(map) if map.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        value => is_true(value).then(|| value.clone()),
    }
}

/// The name that a folder stands for: with its scope, if the folder around it begins with `@`.
pub(super) fn last_name(path: &str) -> &str {
    let mut slashes = path.char_indices().rev().filter(|(_, letter)| *letter == '/').map(|(place, _)| place);
    let Some(last) = slashes.next() else { return path };
    let scope = slashes.next().map_or(0, |place| place + 1);
    if path[scope..].starts_with('@') { &path[scope..] } else { &path[last + 1..] }
}
