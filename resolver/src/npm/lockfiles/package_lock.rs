//! npm's own locks, `package-lock.json` and `npm-shrinkwrap.json`: versions 2 and 3, with `packages` by place.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::error::LockError;
use super::legacy::{self, Legacy};
use super::manifest::Manifest;
use super::origins::{Origins, Said};
use super::places::{check_path, folder_name, join, outer};
use super::strict::Unique;
use super::tree::{Flags, Folder, Locked, Project, assemble, check_ranges};
use crate::plan::npm::{Entry, Source};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Option<Value>,
    packages: Option<Unique<Package>>,
    #[serde(default)]
    dependencies: Unique<Legacy>,
}

/// An entry of `packages`.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are npm's flags")]
#[serde(rename_all = "camelCase")]
struct Package {
    /// Older npm wrote `false` here for what was bundled.
    #[serde(default)]
    resolved: Value,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    in_bundle: bool,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(flatten)]
    manifest: Manifest,
}

/// Reads `package-lock.json` or `npm-shrinkwrap.json`.
pub(super) fn read(text: &str, project: &Project, origins: Origins<'_>) -> Result<Locked, LockError> {
    let file = origins.file;
    let lock: Lock = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
        .map_err(|error| LockError::Syntax { file: file.to_owned(), reason: error.to_string() })?;
    let version = match &lock.lockfile_version {
        None => 1,
        Some(version) => version.as_u64().filter(|version| (1..=3).contains(version)).ok_or_else(|| {
            LockError::Version { file: file.to_owned(), version: version.to_string(), known: "1, 2 and 3" }
        })?,
    };
    let locked = match lock.packages {
        Some(Unique(packages)) if version > 1 => {
            assemble(file, folders(&packages, origins)?, project, text.to_owned(), Flags::Said)?
        }
        _ => assemble(file, legacy::folders(&lock.dependencies, origins)?, project, String::new(), Flags::Said)?,
    };
    check_ranges(file, &locked, project)?;
    Ok(locked)
}

fn folders(packages: &BTreeMap<String, Package>, origins: Origins<'_>) -> Result<BTreeMap<String, Folder>, LockError> {
    let mut folders = BTreeMap::new();
    for (path, package) in packages {
        check_path(origins.file, path)?;
        let manifest = &package.manifest;
        let name = manifest.name().or_else(|| folder_name(path)).unwrap_or_else(|| last_part(path));
        let mut folder = Folder {
            entry: Entry {
                name: name.to_owned(),
                version: manifest.version().unwrap_or_default().to_owned(),
                source: source(path, name, package, packages, origins)?,
                dev: package.dev,
                // Needed while developing, and optional otherwise: what is built for use can do without.
                optional: package.optional || package.dev_optional,
                ..Entry::default()
            },
            whole: true,
            ..Folder::default()
        };
        if !package.link {
            manifest.describe(&mut folder.entry);
            folder.ask(manifest, folder_name(path).is_none());
        }
        folders.insert(path.clone(), folder);
    }
    Ok(folders)
}

/// The name that npm gives a folder without one.
fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn source(
    path: &str,
    name: &str,
    package: &Package,
    packages: &BTreeMap<String, Package>,
    origins: Origins<'_>,
) -> Result<Source, LockError> {
    let resolved = package.resolved.as_str().filter(|resolved| !resolved.is_empty());
    if package.link {
        let target = join(origins.file, "", package.resolved.as_str().unwrap_or_default())?;
        return Ok(Source::Link { target });
    }
    if folder_name(path).is_none() {
        return Ok(Source::Directory);
    }
    if is_bundled(path, |place| packages.get(place).is_some_and(|package| package.in_bundle)) {
        return Ok(Source::Bundled);
    }
    origins.source(Said {
        entry: path,
        name,
        version: package.manifest.version().unwrap_or_default(),
        resolved,
        integrity: package.integrity.as_deref(),
    })
}

/// Whether a place is filled by the tarball of a package around it. What the project itself bundles comes from the registry
/// like everything else, until the project is packed.
pub(super) fn is_bundled(path: &str, in_bundle: impl Fn(&str) -> bool) -> bool {
    let mut place = path;
    while in_bundle(place) {
        match outer(place) {
            Some(owner) if folder_name(owner).is_some() => place = owner,
            _ => return false,
        }
    }
    place != path
}
