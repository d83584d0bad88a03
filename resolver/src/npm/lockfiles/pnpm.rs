//! `pnpm-lock.yaml`, versions 5.4, 6 and 9: packages by id, with the peers that each copy sees.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::error::LockError;
use super::hoist::{Instance, Wanted};
use super::manifest::{Ask, Manifest};
use super::origins::{Origins, Said};
use super::places::{check_name, join};
use super::strict::Unique;
use super::tree::{Flags, Locked, Project, assemble, out_of_date};
use crate::plan::npm::{Entry, Source};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Value,
    /// By folder; a lock of one project alone may have the project's own at the top instead.
    #[serde(default)]
    importers: Unique<Importer>,
    #[serde(default)]
    packages: Unique<Package>,
    /// Version 9: what each copy of a package uses.
    #[serde(default)]
    snapshots: Option<Unique<Snapshot>>,
    #[serde(default)]
    overrides: Unique<Value>,
    #[serde(default)]
    patched_dependencies: Unique<Value>,
    #[serde(flatten)]
    alone: Importer,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Importer {
    /// Version 5: what the manifest asks for.
    specifiers: Unique<String>,
    dependencies: Unique<Used>,
    optional_dependencies: Unique<Used>,
    dev_dependencies: Unique<Used>,
}

/// What answers a dependency of a folder.
#[derive(Deserialize)]
#[serde(untagged)]
enum Used {
    /// Version 5.
    Version(String),
    /// Later ones.
    Both { specifier: String, version: String },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    resolution: Resolution,
    /// `name` and `version` only where the id does not say them.
    #[serde(flatten)]
    manifest: Manifest,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Resolution {
    integrity: Option<String>,
    tarball: Option<String>,
    repo: Option<String>,
    commit: Option<String>,
    directory: Option<String>,
    path: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Snapshot {
    dependencies: Unique<String>,
    optional_dependencies: Unique<String>,
}

/// How a version of the format writes ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `/name/1.0.0_peers`
    Five,
    /// `/name@1.0.0(peers)`
    Six,
    /// `name@1.0.0(peers)`, in `snapshots`; `packages` has them without peers.
    Nine,
}

/// Reads `pnpm-lock.yaml`.
pub(super) fn read(text: &str, project: &Project, origins: Origins<'_>) -> Result<Locked, LockError> {
    let file = origins.file;
    let lock = parse(file, text)?;
    let form = lock.form(file)?;
    if let Some((entry, patch)) = lock.patched_dependencies.0.first_key_value() {
        let reason = "patches are not applied here; put the patched package into a folder and depend on that";
        let origin = patch.as_str().or_else(|| patch.get("path")?.as_str()).unwrap_or("a patch").to_owned();
        return Err(LockError::Origin { file: file.to_owned(), entry: entry.clone(), origin, reason });
    }
    let reader = Reader { lock: &lock, form, origins };
    let mut wanted = Wanted::default();
    for (id, uses) in reader.ids() {
        reader.add(id, uses, &mut wanted)?;
    }
    let alone = [(".", &lock.alone)].into_iter().filter(|_| !lock.importers.0.contains_key("."));
    for (folder, importer) in lock.importers.0.iter().map(|(folder, importer)| (folder.as_str(), importer)).chain(alone)
    {
        reader.import(folder, importer, project, &mut wanted)?;
    }
    link_members(project, &mut wanted);
    let mut locked = assemble(file, wanted.placed(file)?, project, String::new(), Flags::Reached)?;
    locked.all_edges = true;
    Ok(locked)
}

/// The folders that the lock is for.
pub(super) fn folders(file: &str, text: &str) -> Result<BTreeSet<String>, LockError> {
    let lock = parse(file, text)?;
    let folders = lock.importers.0.keys();
    folders.map(|folder| if folder == "." { Ok(String::new()) } else { join(file, "", folder) }).collect()
}

fn parse(file: &str, text: &str) -> Result<Lock, LockError> {
    serde_saphyr::from_str(text).map_err(|error| LockError::Syntax { file: file.to_owned(), reason: error.to_string() })
}

/// Every member stands in the project's `node_modules` too, as with npm: its programs are found there.
fn link_members(project: &Project, wanted: &mut Wanted) {
    for member in &project.members {
        if let Some(name) = project.folders.get(member).and_then(Manifest::name) {
            let link = wanted.link(member);
            wanted.folders.entry(String::new()).or_default().entry(name.to_owned()).or_insert(link);
        }
    }
}

impl Lock {
    fn form(&self, file: &str) -> Result<Form, LockError> {
        let version = match &self.lockfile_version {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match version.split('.').next() {
            Some("5") if matches!(version.as_str(), "5.3" | "5.4") => Ok(Form::Five),
            Some("6") => Ok(Form::Six),
            Some("9") => Ok(Form::Nine),
            _ => Err(LockError::Version { file: file.to_owned(), version, known: "5.3, 5.4, 6 and 9" }),
        }
    }
}

struct Reader<'a> {
    lock: &'a Lock,
    form: Form,
    origins: Origins<'a>,
}

impl<'a> Reader<'a> {
    /// Every copy of a package: its id and, where they stand apart from the package, its uses.
    fn ids(&self) -> Vec<(&'a str, Option<&'a Snapshot>)> {
        match &self.lock.snapshots {
            Some(Unique(snapshots)) if self.form == Form::Nine => {
                snapshots.iter().map(|(id, uses)| (id.as_str(), Some(uses))).collect()
            }
            _ => self.lock.packages.0.keys().map(|id| (id.as_str(), None)).collect(),
        }
    }

    fn add(&self, id: &str, uses: Option<&Snapshot>, wanted: &mut Wanted) -> Result<(), LockError> {
        let file = self.origins.file;
        let whole = if self.form == Form::Nine { without_peers(id) } else { id };
        let Some(package) = self.lock.packages.0.get(whole) else {
            return Err(LockError::NoSource { file: file.to_owned(), entry: id.to_owned() });
        };
        let manifest = &package.manifest;
        let none = BTreeMap::new();
        let (required, optional) = match uses {
            Some(uses) => (&uses.dependencies.0, &uses.optional_dependencies.0),
            None if self.form == Form::Nine => (&none, &none),
            None => (&manifest.dependencies, &manifest.optional_dependencies),
        };
        let mut needs = BTreeMap::new();
        for (names, ask) in [(required, Ask::Required), (optional, Ask::Optional)] {
            for (name, reference) in names {
                check_name(file, name)?;
                let ask = manifest.peer(name).unwrap_or(ask);
                needs.insert(name.clone(), (self.answer(id, name, reference, "", wanted)?, ask));
            }
        }
        let (name, version) = self.identity(whole);
        let name = manifest.name().unwrap_or(name);
        check_name(file, name)?;
        if let Some(directory) = &package.resolution.directory {
            let target = join(file, "", directory)?;
            let link = wanted.link(&target);
            let link = wanted.instances.get(&link).cloned().unwrap_or_default();
            wanted.instances.insert(id.to_owned(), link);
            let needs = needs.into_iter().map(|(name, (id, _))| (name, id)).collect();
            wanted.folders.entry(target).or_insert(needs);
            return Ok(());
        }
        let version = manifest.version().unwrap_or(version).to_owned();
        let mut entry = Entry { name: name.to_owned(), version, ..Entry::default() };
        manifest.describe(&mut entry);
        entry.source = self.source(id, &entry, &package.resolution)?;
        wanted.instances.insert(id.to_owned(), Instance { entry, needs });
        Ok(())
    }

    fn source(&self, id: &str, entry: &Entry, resolution: &Resolution) -> Result<Source, LockError> {
        if let Some(path) = &resolution.path {
            let (file, entry, origin) = (self.origins.file.to_owned(), id.to_owned(), path.clone());
            let reason = "a folder within a repository cannot be built from; depend on a release of it";
            return Err(LockError::Origin { file, entry, origin, reason });
        }
        let git = match (&resolution.repo, &resolution.commit) {
            (Some(repository), Some(commit)) => {
                Some(format!("git+{}#{commit}", repository.strip_prefix("git+").unwrap_or(repository)))
            }
            _ => None,
        };
        // What has no version in its id comes from an address that is the id.
        let version = if entry.version.contains(['/', ':']) { "" } else { entry.version.as_str() };
        self.origins.source(Said {
            entry: id,
            name: &entry.name,
            version,
            resolved: git.as_deref().or(resolution.tarball.as_deref()),
            integrity: resolution.integrity.as_deref(),
        })
    }

    /// The name and version in an id without peers.
    fn identity<'t>(&self, id: &'t str) -> (&'t str, &'t str) {
        let id = id.strip_prefix('/').unwrap_or(id);
        let separator = if self.form == Form::Five { '/' } else { '@' };
        let scope = if id.starts_with('@') { id.find('/').map_or(0, |slash| slash + 1) } else { 0 };
        let Some(end) = id[scope..].find(separator).map(|end| scope + end) else { return (id, "") };
        let version = &id[end + 1..];
        let peers = if self.form == Form::Five { version.find('_') } else { version.find('(') };
        (&id[..end], &version[..peers.unwrap_or(version.len())])
    }

    /// The id that a name and a reference in a folder or package lead to.
    fn answer(
        &self,
        who: &str,
        name: &str,
        reference: &str,
        folder: &str,
        wanted: &mut Wanted,
    ) -> Result<String, LockError> {
        let file = self.origins.file;
        if let Some(path) = reference.strip_prefix("link:") {
            return Ok(wanted.link(&join(file, folder, path)?));
        }
        let of_registry = match self.form {
            Form::Five => format!("/{name}/{reference}"),
            Form::Six => format!("/{name}@{reference}"),
            Form::Nine => format!("{name}@{reference}"),
        };
        let known = |id: &str| match &self.lock.snapshots {
            Some(Unique(snapshots)) if self.form == Form::Nine => snapshots.contains_key(id),
            _ => self.lock.packages.0.contains_key(id),
        };
        [of_registry.as_str(), reference].into_iter().find(|id| known(id)).map(str::to_owned).ok_or_else(|| {
            let (file, entry) = (file.to_owned(), who.to_owned());
            LockError::Missing { file, entry, dependency: format!("{name} {reference}") }
        })
    }

    /// What a folder of the project uses.
    fn import(
        &self,
        folder: &str,
        importer: &Importer,
        project: &Project,
        wanted: &mut Wanted,
    ) -> Result<(), LockError> {
        let file = self.origins.file;
        let path = if folder == "." { String::new() } else { join(file, "", folder)? };
        let manifest = if path.is_empty() { Some(&project.manifest) } else { project.folders.get(&path) };
        // A folder that is gone does not matter to what is there.
        let Some(manifest) = manifest else { return Ok(()) };
        let asks = manifest.asks(true);
        let mut needs = BTreeMap::new();
        let all = [&importer.dependencies, &importer.dev_dependencies, &importer.optional_dependencies];
        for (name, used) in all.into_iter().flat_map(|Unique(names)| names) {
            check_name(file, name)?;
            let (specifier, reference) = match used {
                Used::Version(version) => (importer.specifiers.0.get(name).map(String::as_str), version),
                Used::Both { specifier, version } => (Some(specifier.as_str()), version),
            };
            // Overrides change what the lock takes for the manifest's word.
            if let (Some((_, wanted)), Some(locked)) = (asks.get(name.as_str()), specifier)
                && self.lock.overrides.0.is_empty()
                && *wanted != locked
            {
                return Err(out_of_date(file, &path, name, wanted, locked));
            }
            let who = if path.is_empty() { "the project" } else { path.as_str() };
            needs.insert(name.clone(), self.answer(who, name, reference, &path, wanted)?);
        }
        wanted.folders.insert(path, needs);
        Ok(())
    }
}

/// An id without the peers in brackets behind it.
fn without_peers(id: &str) -> &str {
    // A path of an address may have brackets too, so only those that end the id are peers'.
    let mut id = id;
    while let Some(open) = id.ends_with(')').then(|| matching(id)).flatten() {
        id = &id[..open];
    }
    id
}

/// Where the bracket that closes at the end opens.
fn matching(id: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, character) in id.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
