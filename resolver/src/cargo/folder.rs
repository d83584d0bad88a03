//! The folder that cargo may see, where it is asked: manifests, a lock and empty target files, and nothing of anybody else's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Release;
use super::known::{self, Known};
use super::lock;
use super::manifest::{Place, reduce_manifest};
use super::source::Source;
use crate::archive::CrateTexts;
use crate::catalog::{Catalog, CrateVersion};
use crate::error::ResolveError;

/// Files, by their path within the folder.
pub type Folder = BTreeMap<String, String>;

/// The folder for a release: its own manifests below `root/`; with the lock and, if `offline`, everything that it names in
/// folders that stand for the sources, with `home/config.toml` to say so.
///
/// # Errors
/// When a manifest is none, or something has not been read.
pub fn cargo_folder(release: &Release, catalog: &Catalog, offline: bool) -> Result<Folder, ResolveError> {
    let label = release.root.label();
    let mut folder = root_folder(release, catalog)?;
    let lock = match known::own_tree(release, catalog)? {
        Some((project, tree)) => tree.locks.get(&project.workspace),
        None => catalog.texts.get(&release.root.sha256).and_then(|texts| texts.lock.as_ref()),
    };
    let lock = catalog.lock.as_ref().or(release.lock.as_ref()).or(lock);
    if let Some(lock) = lock {
        let workspace = release.project.as_ref().map(|project| prefixed(&project.workspace)).unwrap_or_default();
        folder.insert(format!("root/{workspace}Cargo.lock"), lock.clone());
    }
    if let Some(lock) = lock.filter(|_| offline) {
        let locked = lock::read(&label, lock)?;
        add_sources(&mut folder, &known::gather(release, &locked, catalog)?)?;
    }
    Ok(folder)
}

/// The release's own manifests below `root/`, without a lock.
pub(super) fn root_folder(release: &Release, catalog: &Catalog) -> Result<Folder, ResolveError> {
    let mut folder = Folder::new();
    let label = release.root.label();
    if let Some((project, tree)) = known::own_tree(release, catalog)? {
        let base = if project.workspace.is_empty() { String::new() } else { format!("{}/", project.workspace) };
        for (place, package) in &tree.packages {
            let is_root = *place == project.workspace;
            let reduced = reduce_manifest(&package.name, &package.texts, Place::Project { is_root });
            // Of a package that nobody asks for the manifest may be a fixture of a test.
            if let Ok(reduced) = reduced {
                add(&mut folder, &prefixed(&format!("root/{place}")), reduced.manifest, reduced.target_files);
            }
        }
        let manifest = tree.manifests.get(&project.workspace).cloned().unwrap_or_default();
        folder.entry(format!("root/{base}Cargo.toml")).or_insert(manifest);
    } else {
        let reduced = reduce_manifest(&label, texts_of(&release.root, catalog)?, Place::Root)?;
        add(&mut folder, "root/", reduced.manifest, reduced.target_files);
    }
    Ok(folder)
}

fn texts_of<'c>(id: &CrateVersion, catalog: &'c Catalog) -> Result<&'c CrateTexts, ResolveError> {
    let unread = || ResolveError::Manifest { package: id.label(), reason: "it has not been read".to_owned() };
    catalog.texts.get(&id.sha256).ok_or_else(unread)
}

/// These crates in a folder that stands for the public registry.
pub(super) fn add_pool(
    folder: &mut Folder,
    catalog: &Catalog,
    crates: impl Iterator<Item = CrateVersion>,
) -> Result<(), ResolveError> {
    for id in crates {
        let reduced = reduce_manifest(&id.label(), texts_of(&id, catalog)?, Place::Registry)?;
        let place = format!("vendor-0/{}-{}/", id.name, id.version);
        add(folder, &place, reduced.manifest, reduced.target_files);
        let checksum = serde_json::json!({ "files": {}, "package": id.sha256 });
        folder.insert(format!("{place}.cargo-checksum.json"), checksum.to_string());
    }
    folder.insert("vendor-0/.keep".to_owned(), String::new());
    let replaced = "[source.crates-io]\nreplace-with = \"vendor-0\"\n[source.vendor-0]\ndirectory = \"vendor-0\"\n";
    folder.insert("home/config.toml".to_owned(), replaced.to_owned());
    Ok(())
}

fn prefixed(place: &str) -> String {
    if place.is_empty() || place.ends_with('/') { place.to_owned() } else { format!("{place}/") }
}

fn add(folder: &mut Folder, place: &str, manifest: String, targets: impl IntoIterator<Item = String>) {
    folder.extend(targets.into_iter().map(|path| (format!("{place}{path}"), String::new())));
    folder.insert(format!("{place}Cargo.toml"), manifest);
}

/// A directory source for each source, since two of them may have the same package.
fn add_sources(folder: &mut Folder, known: &[Known<'_>]) -> Result<(), ResolveError> {
    let mut sources: Vec<&Source> = vec![&Source::CratesIo];
    for known in known.iter().filter(|known| known.entry.source != Source::Tree) {
        let source = &known.entry.source;
        let number = sources.iter().position(|other| *other == source).unwrap_or_else(|| {
            sources.push(source);
            sources.len() - 1
        });
        let place = format!("vendor-{number}/{}/", known.id);
        let label = known.label();
        let none = CrateTexts::default();
        let kind = if matches!(source, Source::Git { .. }) { Place::Repository } else { Place::Registry };
        let reduced = reduce_manifest(&label, known.texts.unwrap_or(&none), kind)?;
        add(folder, &place, reduced.manifest, reduced.target_files);
        let checksum = serde_json::json!({ "files": {}, "package": known.entry.sha256 });
        folder.insert(format!("{place}.cargo-checksum.json"), checksum.to_string());
    }
    let mut config = String::new();
    for (number, source) in sources.into_iter().enumerate() {
        let _ = writeln!(config, "{}\nreplace-with = \"vendor-{number}\"", source_table(source));
        let _ = writeln!(config, "[source.vendor-{number}]\ndirectory = \"vendor-{number}\"");
        folder.insert(format!("vendor-{number}/.keep"), String::new());
    }
    folder.insert("home/config.toml".to_owned(), config);
    Ok(())
}

/// The head of the table that configures a source, by cargo's own keys.
fn source_table(source: &Source) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    match source {
        Source::CratesIo | Source::Tree => "[source.crates-io]".to_owned(),
        Source::Registry { index } => format!("[source.{}]\nregistry = {}", quoted(index), quoted(index)),
        Source::Git { url, reference, .. } => {
            let name = source.spelled().unwrap_or_default();
            let mut table = format!("[source.{}]\ngit = {}", quoted(&name), quoted(url));
            if let Some((key @ ("branch" | "tag" | "rev"), value)) =
                reference.as_deref().and_then(|text| text.split_once('='))
            {
                let _ = write!(table, "\n{key} = {}", quoted(value));
            }
            table
        }
    }
}
