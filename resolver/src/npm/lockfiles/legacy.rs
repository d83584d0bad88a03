//! npm's locks of version 1: a tree of `dependencies`, in which `version` may be an address.
//!
//! Read as arborist does when it converts one (`Shrinkwrap`'s `metaFromLock` and `loadAll`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::LockError;
use super::manifest::Ask;
use super::origins::{Origins, Said};
use super::package_lock::is_bundled;
use super::places::{check_name, folder_name, inside, join, look_up};
use super::strict::Unique;
use super::tree::Folder;
use crate::plan::npm::{Entry, Source};

/// An entry of `dependencies`.
#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are npm's flags")]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Legacy {
    version: String,
    /// `false` for what is bundled.
    resolved: Value,
    integrity: Option<String>,
    bundled: bool,
    dev: bool,
    optional: bool,
    dev_optional: bool,
    /// Names with ranges, of dependencies both required and optional; `true` in very old locks.
    requires: Value,
    dependencies: Unique<Legacy>,
}

/// The folders of the tree, by place.
pub(super) fn folders(root: &Unique<Legacy>, origins: Origins<'_>) -> Result<BTreeMap<String, Folder>, LockError> {
    let mut places = BTreeMap::new();
    collect("", root, origins.file, &mut places)?;
    let mut folders = BTreeMap::new();
    for (path, entry) in &places {
        let name = folder_name(path).unwrap_or(path);
        let mut folder = Folder { asks: asks(entry), ..Folder::default() };
        folder.entry = Entry {
            name: name.to_owned(),
            dev: entry.dev,
            optional: entry.optional || entry.dev_optional,
            ..Entry::default()
        };
        if let Some(target) = linked(entry) {
            let target = join(origins.file, "", target)?;
            folders.entry(target.clone()).or_insert_with(|| folder.clone());
            folder.entry.source = Source::Link { target };
            folder.asks.clear();
            folder.whole = true;
        } else {
            let bundled = is_bundled(path, |place| places.get(place).is_some_and(|entry| entry.bundled));
            folder.whole = bundled;
            describe(&mut folder.entry, path, entry, bundled, origins)?;
        }
        folders.insert(path.clone(), folder);
    }
    say_optional(&mut folders);
    Ok(folders)
}

/// Name, version and source of what is no link.
fn describe(
    folder: &mut Entry,
    path: &str,
    entry: &Legacy,
    bundled: bool,
    origins: Origins<'_>,
) -> Result<(), LockError> {
    let is_address = entry.version.contains(':') && !entry.version.starts_with("npm:");
    let alias = entry.version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@'));
    if let Some((name, version)) = alias {
        name.clone_into(&mut folder.name);
        version.clone_into(&mut folder.version);
    } else if !is_address {
        folder.version.clone_from(&entry.version);
    }
    let resolved = if is_address { Some(entry.version.as_str()) } else { entry.resolved.as_str() };
    folder.source = if bundled {
        Source::Bundled
    } else {
        origins.source(Said {
            entry: path,
            name: &folder.name,
            version: &folder.version,
            resolved,
            integrity: entry.integrity.as_deref(),
        })?
    };
    Ok(())
}

/// Names of what is required, or optional: the lock does not tell.
fn asks(entry: &Legacy) -> BTreeMap<String, Ask> {
    let names = entry.requires.as_object();
    names.into_iter().flat_map(|names| names.keys()).map(|name| (name.clone(), Ask::Unsaid)).collect()
}

/// npm's guess: what is optional, asked for by what is not, is asked for as optional.
fn say_optional(folders: &mut BTreeMap<String, Folder>) {
    let mut optional: Vec<(String, String)> = Vec::new();
    for (path, folder) in folders.iter().filter(|(_, folder)| !folder.entry.optional) {
        for name in folder.asks.keys() {
            let target = look_up(folders, path, name).and_then(|target| folders.get(&target));
            if target.is_some_and(|target| target.entry.optional) {
                optional.push((path.clone(), name.clone()));
            }
        }
    }
    for (path, name) in optional {
        if let Some(folder) = folders.get_mut(&path) {
            folder.asks.insert(name, Ask::Optional);
        }
    }
}

/// The entries by place; what stands below a link stands in its target.
fn collect<'a>(
    folder: &str,
    Unique(entries): &'a Unique<Legacy>,
    file: &str,
    places: &mut BTreeMap<String, &'a Legacy>,
) -> Result<(), LockError> {
    for (name, entry) in entries {
        check_name(file, name)?;
        let place = inside(folder, name);
        let within = match linked(entry) {
            Some(target) => join(file, "", target)?,
            None => place.clone(),
        };
        places.insert(place, entry);
        collect(&within, &entry.dependencies, file, places)?;
    }
    Ok(())
}

/// The folder that an entry is a link to.
fn linked(entry: &Legacy) -> Option<&str> {
    let target = entry.version.strip_prefix("file:")?;
    let is_tarball = [".tgz", ".tar.gz", ".tar"].iter().any(|end| target.ends_with(end));
    (!is_tarball).then_some(target)
}
