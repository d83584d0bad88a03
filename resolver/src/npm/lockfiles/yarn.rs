//! `yarn.lock` of yarn 1: for each range that somebody asks for, the version that answers.

use std::collections::BTreeMap;

use super::error::LockError;
use super::hoist::{Instance, Wanted};
use super::manifest::{Ask, Manifest};
use super::origins::{Origins, Said};
use super::places::{check_name, join};
use super::tree::{Flags, Locked, Project, assemble, out_of_date};
use super::yarn_syntax::{Block, parse};
use crate::plan::npm::Entry;

/// Reads `yarn.lock`.
pub(super) fn read(text: &str, project: &Project, origins: Origins<'_>) -> Result<Locked, LockError> {
    let file = origins.file;
    let blocks = parse(file, text)?;
    let lock = Lock { blocks: &blocks, project, file };
    let mut wanted = Wanted::default();
    for (key, block) in blocks.iter().filter(|(key, block)| **key == block.id) {
        let instance = lock.instance(key, block, &mut wanted, origins)?;
        wanted.instances.insert(key.clone(), instance);
    }
    // The project, its members, and the folders that any of these or a package is linked to.
    let mut waiting: Vec<String> = project.members.iter().cloned().chain([String::new()]).collect();
    while let Some(path) = waiting.pop() {
        let manifest = if path.is_empty() { Some(&project.manifest) } else { project.folders.get(&path) };
        if let Some(manifest) = manifest.filter(|_| !wanted.folders.contains_key(&path)) {
            let needs = lock.needs(&path, manifest, &mut wanted)?;
            wanted.folders.insert(path, needs);
            waiting.extend(wanted.linked().filter(|path| !wanted.folders.contains_key(*path)).map(str::to_owned));
        }
    }
    assemble(file, wanted.placed(file)?, project, String::new(), Flags::Reached)
}

struct Lock<'a> {
    blocks: &'a BTreeMap<String, Block>,
    project: &'a Project,
    file: &'a str,
}

impl Lock<'_> {
    /// What a folder of the project needs: names and ids.
    fn needs(
        &self,
        path: &str,
        manifest: &Manifest,
        wanted: &mut Wanted,
    ) -> Result<BTreeMap<String, String>, LockError> {
        let mut needs = BTreeMap::new();
        if path.is_empty() {
            for member in &self.project.members {
                if let Some(name) = self.project.folders.get(member).and_then(Manifest::name) {
                    needs.insert(name.to_owned(), wanted.link(member));
                }
            }
        }
        for (name, (ask, spec)) in manifest.asks(path.is_empty() || self.project.members.contains(path)) {
            check_name(self.file, name)?;
            match self.answer(name, spec, path, wanted)? {
                Some(id) => {
                    needs.insert(name.to_owned(), id);
                }
                // Peers of the project are for those who use it.
                None if ask.is_optional() || ask == Ask::Peer => {}
                None => return Err(out_of_date(self.file, path, name, spec, "missing")),
            }
        }
        Ok(needs)
    }

    fn instance(
        &self,
        key: &str,
        block: &Block,
        wanted: &mut Wanted,
        origins: Origins<'_>,
    ) -> Result<Instance, LockError> {
        let (name, spec) = split(key);
        check_name(self.file, name)?;
        if let Some(folder) = folder_of(spec).filter(|_| !block.fields.contains_key("resolved")) {
            let target = join(self.file, "", folder)?;
            let id = wanted.link(&target);
            return Ok(wanted.instances.get(&id).cloned().unwrap_or_default());
        }
        let real = spec.strip_prefix("npm:").map_or(name, |alias| split(alias).0);
        check_name(self.file, real)?;
        let version = block.fields.get("version").map(String::as_str).unwrap_or_default();
        let source = origins.source(Said {
            entry: key,
            name: real,
            version,
            resolved: block.fields.get("resolved").map(String::as_str),
            integrity: block.fields.get("integrity").map(String::as_str),
        })?;
        let mut instance = Instance {
            entry: Entry { name: real.to_owned(), version: version.to_owned(), source, ..Entry::default() },
            needs: BTreeMap::new(),
        };
        for (names, ask) in [(&block.dependencies, Ask::Required), (&block.optional_dependencies, Ask::Optional)] {
            for (name, spec) in names {
                check_name(self.file, name)?;
                match self.answer(name, spec, "", wanted)? {
                    Some(id) => {
                        instance.needs.insert(name.clone(), (id, ask));
                    }
                    None if ask.is_optional() => {}
                    None => {
                        let (file, entry) = (self.file.to_owned(), key.to_owned());
                        return Err(LockError::Missing { file, entry, dependency: format!("{name}@{spec}") });
                    }
                }
            }
        }
        Ok(instance)
    }

    /// The id of what answers a name and range that a folder asks for.
    fn answer(&self, name: &str, spec: &str, from: &str, wanted: &mut Wanted) -> Result<Option<String>, LockError> {
        if let Some(folder) = spec.strip_prefix("link:").or_else(|| folder_of(spec)) {
            let target = join(self.file, from, folder)?;
            return Ok(Some(wanted.link(&target)));
        }
        let key = format!("{name}@{spec}");
        if let Some(block) = self.blocks.get(&key) {
            return Ok(Some(block.id.clone()));
        }
        let is_it = |path: &&String| self.project.folders.get(*path).and_then(Manifest::name) == Some(name);
        if let Some(member) = self.project.members.iter().find(is_it) {
            return Ok(Some(wanted.link(member)));
        }
        let forced = self.project.manifest.resolution(name).map(|spec| format!("{name}@{spec}"));
        Ok(forced.and_then(|key| self.blocks.get(&key)).map(|block| block.id.clone()))
    }
}

/// A key's name and what is asked for of it.
fn split(key: &str) -> (&str, &str) {
    let at = key.char_indices().skip(1).find(|(_, character)| *character == '@').map(|(at, _)| at);
    at.map_or((key, ""), |at| (&key[..at], &key[at + 1..]))
}

/// The folder that a spec names; yarn copies it, and here it is linked, as npm does.
fn folder_of(spec: &str) -> Option<&str> {
    let path = spec.strip_prefix("file:").or_else(|| spec.starts_with(['.', '/']).then_some(spec))?;
    let is_tarball = [".tgz", ".tar.gz", ".tar"].iter().any(|end| path.ends_with(end));
    (!is_tarball).then_some(path)
}
