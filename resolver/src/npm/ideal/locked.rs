//! Trees that were fixed before: by the project's own lock, or by the shrinkwrap of a package.

use std::rc::Rc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Builder, Stop};
use crate::npm::catalog::PackageFiles;
use crate::npm::error::NpmError;
use crate::npm::manifest::{Manifest, is_true};
use crate::npm::spec::{Kind, Spec, join};
use crate::npm::tree::{Link, NewNode, NodeId};

/// A lock: `packages` since version 2, `dependencies` in version 1.
#[derive(Deserialize)]
struct Lock {
    #[serde(default, rename = "lockfileVersion")]
    version: u64,
    #[serde(default)]
    packages: IndexMap<String, Map<String, Value>>,
    #[serde(default)]
    dependencies: IndexMap<String, Old>,
}

/// An entry of a lock of version 1.
#[derive(Deserialize)]
struct Old {
    #[serde(default)]
    dependencies: IndexMap<String, Old>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl Builder<'_> {
    /// Starts from the project's own lock, where there is one.
    pub(super) fn load_lock(&mut self) -> Result<bool, Stop> {
        let Some((file, text)) = &self.project.lock else { return Ok(false) };
        let lock = read(file, text)?;
        let is_old = lock.version < 2;
        let packages = packages(file, lock)?;
        let mut links = Vec::new();
        for (path, fields) in packages {
            if fields.get("link").is_some_and(is_true) {
                let target = fields.get("resolved").and_then(Value::as_str).unwrap_or_default();
                links.push((path, join("", target)));
            } else if !path.is_empty() {
                self.add_locked(&path, fields, is_old)?;
            }
        }
        for (path, target) in links {
            self.add_locked_link(file, &path, &target)?;
        }
        Ok(true)
    }

    fn add_locked(&mut self, path: &str, fields: Map<String, Value>, is_old: bool) -> Result<(), Stop> {
        let mut new = locked(crate::npm::lock_write::last_name(path), fields);
        if is_old {
            // A lock of version 1 says too little of what it locks.
            new.package = self.inflated(&new)?;
        }
        let Some((above, _)) = path.rsplit_once("node_modules/") else {
            let package = self.folder(path)?;
            let new = NewNode { path: Some(path.to_owned()), root: Some(self.root), package, ..new };
            self.forest.add(new);
            return Ok(());
        };
        let parent = self.forest.at_path(self.root, above.trim_end_matches('/'), NodeId::NONE);
        if let Some(parent) = parent {
            self.forest.add(NewNode { parent: Some(parent), ..new });
        }
        Ok(())
    }

    fn inflated(&self, new: &NewNode) -> Result<Rc<Manifest>, Stop> {
        let (name, version) = (&new.package.name, &new.package.version);
        let Ok(spec) = Spec::resolve(name, version, "") else { return Ok(new.package.clone()) };
        if !matches!(spec.kind, Kind::Version { .. }) {
            return Ok(new.package.clone());
        }
        let found = self.answers.manifest(&spec).map_err(|need| Stop::Need(vec![need]))?;
        Ok(found.unwrap_or_else(|_| new.package.clone()))
    }

    fn add_locked_link(&mut self, file: &str, path: &str, target: &str) -> Result<(), Stop> {
        let Some((above, name)) = path.rsplit_once("node_modules/") else { return Ok(()) };
        let parent = self.forest.at_path(self.root, above.trim_end_matches('/'), NodeId::NONE);
        let found = self.forest.at_path(self.root, target, NodeId::NONE);
        let Some(found) = found else {
            let reason = format!("{path} is a link to {target}, which it does not have");
            return Err(NpmError::Unreadable { file: file.to_owned(), reason }.into());
        };
        let Some(parent) = parent else { return Ok(()) };
        let link = Link { realpath: target.to_owned(), target: None };
        let package = self.forest[found].package.clone();
        let node = self.forest.add(NewNode {
            name: name.to_owned(),
            package,
            parent: Some(parent),
            link: Some(link),
            ..NewNode::default()
        });
        self.forest.lead(node, found);
        Ok(())
    }

    /// Puts what a package's shrinkwrap names into the tree.
    pub(super) fn load_shrinkwrap(&mut self, node: NodeId, files: &PackageFiles) -> Result<(), Stop> {
        let Some(text) = &files.shrinkwrap else { return Ok(()) };
        let file = format!("npm-shrinkwrap.json of {}", self.label(node));
        let lock = read(&file, text)?;
        for (path, fields) in packages(&file, lock)? {
            if path.is_empty() || fields.get("link").is_some_and(is_true) {
                continue;
            }
            let Some((above, name)) = path.rsplit_once("node_modules/") else { continue };
            let Some(parent) = self.below(node, above.trim_end_matches('/')) else { continue };
            self.forest.add(NewNode { parent: Some(parent), ..locked(name, fields) });
        }
        Ok(())
    }
}

fn read(file: &str, text: &str) -> Result<Lock, NpmError> {
    serde_json::from_str(text)
        .map_err(|error| NpmError::Unreadable { file: file.to_owned(), reason: error.to_string() })
}

/// The entries of a lock by path, as version 2 has them.
fn packages(file: &str, lock: Lock) -> Result<IndexMap<String, Map<String, Value>>, NpmError> {
    if !lock.packages.is_empty() || lock.dependencies.is_empty() {
        return Ok(lock.packages);
    }
    let mut packages = IndexMap::new();
    for (name, old) in lock.dependencies {
        modernise(file, "", &name, old, &mut packages)?;
    }
    let paths: Vec<String> = packages.keys().cloned().collect();
    for path in paths {
        let sections = packages.get(&path).map(|fields| sections(&packages, &path, fields)).unwrap_or_default();
        if let Some(fields) = packages.get_mut(&path) {
            fields.shift_remove("requires");
            fields.extend(sections);
        }
    }
    Ok(packages)
}

fn modernise(
    file: &str,
    above: &str,
    name: &str,
    old: Old,
    packages: &mut IndexMap<String, Map<String, Value>>,
) -> Result<(), NpmError> {
    let slash = if above.is_empty() { "" } else { "/" };
    let path = format!("{above}{slash}node_modules/{name}");
    let text = |field: &str| old.fields.get(field).and_then(Value::as_str);
    let spec = Spec::resolve(name, text("version").unwrap_or_default(), "");
    let mut entry = Map::new();
    for field in ["integrity", "requires", "optional", "dev"] {
        if let Some(value) = old.fields.get(field).filter(|value| is_true(value)) {
            entry.insert(field.to_owned(), value.clone());
        }
    }
    match spec.map(|spec| spec.kind) {
        Ok(Kind::Alias(inner)) => {
            entry.insert("name".to_owned(), inner.name.clone().into());
            entry.insert("version".to_owned(), inner.text().into());
        }
        Ok(Kind::Version { text, .. }) => {
            entry.insert("version".to_owned(), text.into());
        }
        Ok(Kind::Remote(url)) => {
            entry.insert("resolved".to_owned(), url.into());
        }
        _ => {
            let what = format!("{path} in {file}, of the first version of locks,");
            return Err(NpmError::NotCovered { what });
        }
    }
    if let Some(resolved) = text("resolved") {
        entry.insert("resolved".to_owned(), resolved.into());
    }
    if old.fields.get("bundled").is_some_and(is_true) {
        entry.insert("inBundle".to_owned(), json!(true));
    }
    packages.insert(path.clone(), entry);
    for (name, old) in old.dependencies {
        modernise(file, &path, &name, old, packages)?;
    }
    Ok(())
}

/// The dependencies of an entry of version 1, which says what it requires but not how.
fn sections(
    packages: &IndexMap<String, Map<String, Value>>,
    path: &str,
    fields: &Map<String, Value>,
) -> Map<String, Value> {
    let mut sections: Map<String, Value> = Map::new();
    let is = |fields: &Map<String, Value>, flag: &str| fields.get(flag).is_some_and(is_true);
    for (name, spec) in fields.get("requires").and_then(Value::as_object).into_iter().flatten() {
        let found = std::iter::successors(Some(path), |path| {
            (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(above, _)| above))
        })
        .find_map(|path| {
            let slash = if path.is_empty() { "" } else { "/" };
            packages.get(&format!("{path}{slash}node_modules/{name}"))
        });
        let section = match found {
            Some(dep) if is(dep, "optional") && !is(fields, "optional") => "optionalDependencies",
            Some(dep) if is(dep, "dev") && !is(fields, "dev") => "devDependencies",
            _ => "dependencies",
        };
        if let Some(section) = sections.entry(section).or_insert_with(|| json!({})).as_object_mut() {
            section.insert(name.clone(), spec.clone());
        }
    }
    sections
}

/// A node of what a lock says of an entry.
fn locked(name: &str, mut fields: Map<String, Value>) -> NewNode {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let (resolved, integrity) = (text("resolved"), text("integrity"));
    let has_shrinkwrap = fields.get("hasShrinkwrap").is_some_and(is_true);
    fields.entry("name").or_insert_with(|| name.into());
    let package = Rc::new(Manifest { is_locked: true, ..Manifest::of(fields) });
    NewNode { name: name.to_owned(), package, resolved, integrity, has_shrinkwrap, ..NewNode::default() }
}
