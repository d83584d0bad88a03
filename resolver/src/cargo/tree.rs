//! Packages that lie in a tree: a commit of a git repository, or a project on disk.
//!
//! Unlike a published crate such a package may inherit from the workspace around it; what it inherits is written out when
//! the tree is read, so that from there on it is like any other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::package_facts::PackageFacts;
use crate::archive::{CrateFacts, CrateTexts, is_discovered_target, note_env_names};

/// The name of every manifest.
const MANIFEST: &str = "Cargo.toml";

/// A tree, as far as resolution looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Nix's hash of all of it as an SRI; empty for a project on disk.
    pub hash: String,
    /// The packages, by their folder; that of the top is the empty text.
    pub packages: BTreeMap<String, TreePackage>,
    /// The texts of all manifests, those of mere workspaces included, by their folder.
    pub manifests: BTreeMap<String, String>,
    /// The locks, by their folder.
    pub locks: BTreeMap<String, String>,
}

/// A package of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is known of it.
    pub facts: CrateFacts,
    /// Its texts; the manifest with what it inherits.
    pub texts: CrateTexts,
}

impl Tree {
    /// The folder and the package of this name and version; the version alone decides where the lock's is another.
    pub fn find(&self, name: &str, version: &str) -> Option<(&str, &TreePackage)> {
        let named = self.packages.iter().find(|(_, package)| package.name == name && package.version == version);
        named.map(|(folder, package)| (folder.as_str(), package))
    }

    /// The folder of the workspace that the package in `folder` belongs to.
    pub fn workspace_of(&self, folder: &str) -> Option<String> {
        let manifest = self.manifests.get(folder)?.parse::<Table>().ok()?;
        workspace_folder(folder, &manifest, |folder| {
            self.manifests
                .get(folder)
                .and_then(|text| text.parse().ok())
                .is_some_and(|table: Table| is_workspace(&table))
        })
    }

    /// The names of the members of the workspace in `root` that cargo builds there unless it is told otherwise (the Cargo book,
    /// "The `default-members` field"); none where that is all of them.
    pub fn default_members(&self, root: &str) -> BTreeSet<String> {
        let manifest: Table = self.manifests.get(root).and_then(|text| text.parse().ok()).unwrap_or_default();
        let written = manifest.get("workspace").and_then(|workspace| workspace.get("default-members"));
        let patterns = strings(written);
        let is_meant = |folder: &&str| match written {
            Some(_) => {
                below(root, folder).is_some_and(|place| patterns.iter().any(|pattern| matches_glob(pattern, place)))
            }
            None => *folder == root,
        };
        let members = self.members(root);
        let meant = members.into_iter().filter(is_meant);
        meant.filter_map(|folder| Some(self.packages.get(folder)?.name.clone())).collect()
    }

    /// The folders of the members of the workspace in `root`; a lone package is a workspace of its own.
    pub fn members(&self, root: &str) -> BTreeSet<&str> {
        let manifest: Table = self.manifests.get(root).and_then(|text| text.parse().ok()).unwrap_or_default();
        let workspace = manifest.get("workspace").and_then(Value::as_table);
        let patterns = |key: &str| strings(workspace.and_then(|workspace| workspace.get(key)));
        let (wanted, excluded) = (patterns("members"), patterns("exclude"));
        let is_excluded = |folder: &str| {
            let relative = below(root, folder).unwrap_or(folder);
            excluded.iter().any(|pattern| below(pattern.trim_end_matches('/'), relative).is_some())
        };
        let mut members: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = self
            .packages
            .keys()
            .map(String::as_str)
            .filter(|folder| {
                *folder == root
                    || below(root, folder).is_some_and(|relative| {
                        !is_excluded(folder) && wanted.iter().any(|pattern| matches_glob(pattern, relative))
                    })
            })
            .collect();
        // What members depend on by path is a member too, if it is inside and not excluded.
        while let Some(folder) = open.pop() {
            if !members.insert(folder) || workspace.is_none() {
                continue;
            }
            let facts = self.packages.get(folder).and_then(|package| package.facts.package.as_ref());
            for path in facts.iter().flat_map(|facts| &facts.dependencies).filter_map(|dependency| dependency.path()) {
                let known = join(folder, path).and_then(|folder| self.packages.get_key_value(&folder));
                if let Some((folder, _)) =
                    known.filter(|(folder, _)| below(root, folder).is_some() && !is_excluded(folder))
                {
                    open.push(folder);
                }
            }
        }
        members
    }
}

/// What of a workspace's manifest a glob of `members` means: `*` stands for (a part of) one folder's name.
fn matches_glob(pattern: &str, folder: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let glob = globset::GlobBuilder::new(if pattern == "." { "" } else { pattern }).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(folder))
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What is left of `folder` below `base`, both as in [`Tree::packages`].
fn below<'f>(base: &str, folder: &'f str) -> Option<&'f str> {
    if base.is_empty() || base == "." {
        return Some(folder);
    }
    let rest = folder.strip_prefix(base.trim_start_matches("./"))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// `path` as seen from `folder`; `None` where it leaves the tree.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_workspace(manifest: &Table) -> bool {
    manifest.contains_key("workspace")
}

/// `package.workspace`, else the nearest folder with a workspace, itself included.
fn workspace_folder(folder: &str, manifest: &Table, is_root: impl Fn(&str) -> bool) -> Option<String> {
    if is_workspace(manifest) {
        return Some(folder.to_owned());
    }
    let written = manifest.get("package").and_then(|package| package.get("workspace")).and_then(Value::as_str);
    if let Some(written) = written {
        return join(folder, written);
    }
    let mut above = folder;
    while !above.is_empty() {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        if is_root(above) {
            return Some(above.to_owned());
        }
    }
    None
}

/// Takes the files of a tree one after the other.
#[derive(Debug, Default)]
pub struct TreeReader {
    manifests: BTreeMap<String, String>,
    locks: BTreeMap<String, String>,
    sources: BTreeSet<String>,
    /// By the file that names them.
    env_names: Vec<(String, BTreeSet<String>)>,
}

impl TreeReader {
    /// Whether the content of a file matters.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == MANIFEST
            || name == "Cargo.lock"
            || name.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
    }

    /// Takes a file that [is wanted](Self::wants), by its path from the top, with `/` between its parts.
    pub fn file(&mut self, path: &str, content: &[u8]) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            MANIFEST | "Cargo.lock" => {
                // A manifest that is no text is a fixture of a test.
                let Ok(text) = std::str::from_utf8(content) else { return };
                let texts = if name == MANIFEST { &mut self.manifests } else { &mut self.locks };
                texts.insert(folder.to_owned(), text.to_owned());
            }
            _ => {
                self.sources.insert(path.to_owned());
                let mut names = BTreeSet::new();
                note_env_names(content, &mut names);
                if !names.is_empty() {
                    self.env_names.push((path.to_owned(), names));
                }
            }
        }
    }

    /// The tree, when all files were seen.
    pub fn finish(self) -> Tree {
        let tables: BTreeMap<&str, Table> =
            self.manifests.iter().filter_map(|(folder, text)| Some((folder.as_str(), text.parse().ok()?))).collect();
        let is_root = |folder: &str| tables.get(folder).is_some_and(is_workspace);
        let mut packages = BTreeMap::new();
        for (folder, manifest) in &tables {
            let root = workspace_folder(folder, manifest, is_root);
            let workspace =
                root.as_deref().and_then(|root| Some((root, tables.get(root)?.get("workspace")?.as_table()?)));
            if let Some(package) = self.package(folder, manifest.clone(), workspace) {
                packages.insert((*folder).to_owned(), package);
            }
        }
        for (path, names) in self.env_names {
            let mut folder = path.as_str();
            while !folder.is_empty() {
                folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
                if let Some(package) = packages.get_mut(folder) {
                    package.facts.env_names.extend(names);
                    break;
                }
            }
        }
        Tree { hash: String::new(), packages, manifests: self.manifests, locks: self.locks }
    }

    fn package(&self, folder: &str, mut manifest: Table, workspace: Option<(&str, &Table)>) -> Option<TreePackage> {
        manifest.get("package")?;
        if let Some((root, workspace)) = workspace {
            inherit(&mut manifest, workspace, &up(root, folder));
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let target_files: BTreeSet<String> = self
            .sources
            .range(prefix.clone()..)
            .take_while(|path| path.starts_with(&prefix))
            .filter_map(|path| path.strip_prefix(&prefix))
            .filter(|path| is_discovered_target(path))
            .map(str::to_owned)
            .collect();
        let package = manifest.get("package")?;
        let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(TreePackage {
            name: text("name")?,
            version: text("version").unwrap_or_else(|| "0.0.0".to_owned()),
            facts: CrateFacts { package: PackageFacts::of(&manifest, &target_files), env_names: BTreeSet::new() },
            texts: CrateTexts { manifest: toml::to_string(&manifest).ok()?, lock: None, target_files },
        })
    }
}

/// The way from `folder` to the folder `root` above or beside it: `../..`, or nothing.
fn up(root: &str, folder: &str) -> String {
    if let Some(rest) = below(root, folder) {
        vec![".."; rest.split('/').filter(|part| !part.is_empty()).count()].join("/")
    } else {
        let depth = folder.split('/').filter(|part| !part.is_empty()).count();
        [vec![".."; depth].join("/").as_str(), root].join("/")
    }
}

/// Writes out what a manifest inherits (the Cargo book, "Workspaces", "The package table" and "The dependencies table").
fn inherit(manifest: &mut Table, workspace: &Table, up: &str) {
    let from_root = |path: &str| if up.is_empty() { path.to_owned() } else { format!("{up}/{path}") };
    if let Some(package) = manifest.get_mut("package").and_then(Value::as_table_mut) {
        let shared = workspace.get("package").and_then(Value::as_table);
        for (key, value) in package.iter_mut() {
            if !is_inherited(value) {
                continue;
            }
            // What is not there is left as it is, and cargo will say so.
            let Some(written) = shared.and_then(|shared| shared.get(key)) else { continue };
            *value = match (key.as_str(), written.as_str()) {
                ("readme" | "license-file", Some(path)) => Value::String(from_root(path)),
                _ => written.clone(),
            };
        }
    }
    if let Some(shared) = workspace.get("dependencies").and_then(Value::as_table) {
        each_dependency(manifest, &mut |key, value| {
            let Some(own) = value.as_table().filter(|_| is_inherited(value)) else { return };
            let Some(written) = shared.get(key) else { return };
            *value = Value::Table(inherited_dependency(own, written, &from_root));
        });
    }
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Features add up; `optional` is the member's; `default-features = false` counts only where the workspace says so too.
fn inherited_dependency(own: &Table, written: &Value, from_root: &dyn Fn(&str) -> String) -> Table {
    let mut table = match written {
        Value::Table(table) => table.clone(),
        other => Table::from_iter([("version".to_owned(), other.clone())]),
    };
    if let Some(path) = table.get("path").and_then(Value::as_str).map(from_root) {
        table.insert("path".to_owned(), path.into());
    }
    for (key, value) in own {
        match key.as_str() {
            "workspace" => {}
            "features" => {
                let more = value.as_array().cloned().unwrap_or_default();
                let features = table.entry("features").or_insert_with(|| Value::Array(Vec::new()));
                if let Some(features) = features.as_array_mut() {
                    features.extend(more);
                }
            }
            "default-features" | "default_features" => {
                let off = ["default-features", "default_features"];
                let is_off = off.iter().any(|key| table.get(*key).and_then(Value::as_bool) == Some(false));
                // A member can switch them on where the workspace has them off, not the other way round.
                if is_off && value.as_bool() == Some(true) {
                    for key in off {
                        table.remove(key);
                    }
                }
            }
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
    table
}

/// Calls `change` with every dependency of a manifest.
fn each_dependency(table: &mut Table, change: &mut dyn FnMut(&str, &mut Value)) {
    for (key, value) in table.iter_mut() {
        let Some(section) = value.as_table_mut() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" | "dev_dependencies" | "build_dependencies" => {
                section.iter_mut().for_each(|(key, value)| change(key, value));
            }
            "target" => {
                for (_, section) in section.iter_mut() {
                    if let Some(section) = section.as_table_mut() {
                        each_dependency(section, change);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, TreeReader};

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut reader = TreeReader::default();
        for (path, content) in files {
            assert!(TreeReader::wants(path), "{path}");
            reader.file(path, content.as_bytes());
        }
        reader.finish()
    }

    #[test]
    fn a_member_has_what_it_inherits() {
        let tree = tree(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/out\"]\n\
                 [workspace.package]\nversion = \"1.2.3\"\nedition = \"2021\"\nreadme = \"README.md\"\n\
                 [workspace.dependencies]\nb = { path = \"lib/b\", features = [\"x\"], default-features = false }\nc = \"2\"\n",
            ),
            (
                "crates/a/Cargo.toml",
                "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\nreadme.workspace = true\n\
                 [dependencies]\nb = { workspace = true, features = [\"y\"], optional = true }\n\
                 [target.'cfg(unix)'.build-dependencies]\nc.workspace = true\n",
            ),
            ("crates/a/src/main.rs", "env!(\"CARGO_PKG_AUTHORS\")"),
            ("crates/out/Cargo.toml", "[package]\nname = \"out\"\n"),
            ("lib/b/Cargo.toml", "[package]\nname = \"b\"\nversion = \"0.1.0\"\n"),
            ("lib/b/src/lib.rs", ""),
        ]);
        let (folder, a) = tree.find("a", "1.2.3").unwrap();
        assert_eq!(folder, "crates/a");
        assert_eq!(Vec::from_iter(&a.facts.env_names), ["AUTHORS"]);
        assert_eq!(Vec::from_iter(&a.texts.target_files), ["src/main.rs"]);
        let facts = a.facts.package.as_ref().unwrap();
        assert_eq!((facts.edition.as_str(), facts.described.texts["readme"].as_str()), ("2021", "../../README.md"));
        let [b, c] = facts.dependencies.as_slice() else { panic!("{facts:?}") };
        assert_eq!(b.path(), Some("../../lib/b"));
        assert_eq!(
            (b.features.as_slice(), b.optional, b.default_features),
            (["x".into(), "y".into()].as_slice(), true, false)
        );
        assert_eq!((c.req.as_str(), c.kind.as_deref(), c.target.as_deref()), ("2", Some("build"), Some("cfg(unix)")));
        assert_eq!(Vec::from_iter(tree.members("")), ["crates/a", "lib/b"]);
        assert_eq!(tree.workspace_of("crates/a").as_deref(), Some(""));
    }

    #[test]
    fn a_path_that_leaves_the_tree_leads_nowhere() {
        assert_eq!(super::join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(super::join("a", "../../c"), None);
        assert_eq!(super::join("a", "/etc"), None);
    }
}
