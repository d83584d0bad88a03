//! From a spec to a candidate: what the registry, a tarball, a folder or a repository says of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{Builder, Stop};
use crate::npm::catalog::{Known, Lookup, Need, PackageFiles, Tarball, Target};
use crate::npm::error::NpmError;
use crate::npm::manifest::Manifest;
use crate::npm::packument::Packument;
use crate::npm::pick::Engine;
use crate::npm::platform;
use crate::npm::semver::Version;
use crate::npm::spec::{Git, Kind, Spec};
use crate::npm::tree::{EdgeId, NewNode, NodeId};

/// What a spec came to: a manifest, or why there is none.
pub(crate) type Found = Result<Rc<Manifest>, String>;

/// What is known, and what was made of it so far.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    known: &'a Known,
    engine: Engine,
    system: String,
    /// Whether it matters when a version was published.
    dated: bool,
    found: RefCell<HashMap<String, Found>>,
    chosen: RefCell<HashMap<(String, String), Rc<Manifest>>>,
}

impl<'a> Answers<'a> {
    pub(crate) fn new(known: &'a Known, target: &Target, npm: &str) -> Self {
        Self {
            known,
            engine: Engine::new(&target.node, npm, target.before),
            dated: target.before.is_some(),
            system: target.systems.first().cloned().unwrap_or_default(),
            found: RefCell::default(),
            chosen: RefCell::default(),
        }
    }

    /// Whether a manifest is for the platform that npm itself would run on.
    pub(super) fn fits_platform(&self, fields: &Map<String, Value>) -> bool {
        let list = |field: &str| crate::npm::manifest::list(fields.get(field));
        platform::fits(&list("os"), &list("cpu"), &list("libc"), &self.system)
    }

    pub(super) fn suits_engine(&self, manifest: &Manifest) -> bool {
        self.engine.allows(manifest.engine("node"), manifest.engine("npm"))
    }

    /// The manifest that answers a spec; what has to be fetched first otherwise.
    pub(crate) fn manifest(&self, spec: &Spec) -> Result<Found, Need> {
        let key = format!("{}@{}", spec.name, spec.text());
        if let Some(found) = self.found.borrow().get(&key) {
            return Ok(found.clone());
        }
        let found = match &spec.target().kind {
            Kind::Version { .. } | Kind::Range { .. } | Kind::Tag(_) => self.of_registry(spec.target())?,
            Kind::Remote(url) => self.of_tarball(url)?,
            Kind::File(path) => self.of_tarball(&format!("file:{path}"))?,
            Kind::Git(git) => self.of_git(git)?,
            Kind::Directory(path) => Err(format!("{path} is a folder")),
            Kind::Alias(_) => Err("an alias of an alias".to_owned()),
        };
        self.found.borrow_mut().insert(key, found.clone());
        Ok(found)
    }

    fn of_registry(&self, spec: &Spec) -> Result<Found, Need> {
        let packument = match self.known.packuments.get(&spec.name) {
            None if !self.dated => return self.without_packument(spec),
            None => return Err(Need::Packument { name: spec.name.clone() }),
            Some(Lookup::Absent { why }) => return Ok(Err(why.clone())),
            Some(Lookup::Found(packument)) => packument,
        };
        let Some(version) = self.engine.pick(packument, spec) else { return Ok(Err(no_version(packument, spec))) };
        let key = (spec.name.clone(), version.to_owned());
        if let Some(manifest) = self.chosen.borrow().get(&key) {
            return Ok(Ok(manifest.clone()));
        }
        Ok(self.choose(key, packument.manifest(version).unwrap_or("{}")))
    }

    /// One exact version, or the latest one, without the packument: that of a popular package has megabytes, and nothing else
    /// in it matters where the version is named, or where the latest one answers, which then comes before all others.
    fn without_packument(&self, spec: &Spec) -> Result<Found, Need> {
        match &spec.kind {
            Kind::Version { text, .. } => match Version::parse(text) {
                Some(version) => self.of_exact((spec.name.clone(), version.text())),
                None => Err(Need::Packument { name: spec.name.clone() }),
            },
            Kind::Tag(tag) if tag != "latest" => Err(Need::Packument { name: spec.name.clone() }),
            _ => self.of_latest(spec),
        }
    }

    fn of_exact(&self, key: (String, String)) -> Result<Found, Need> {
        if let Some(manifest) = self.chosen.borrow().get(&key) {
            return Ok(Ok(manifest.clone()));
        }
        let text = match self.known.manifests.get(&key) {
            None => return Err(Need::Manifest { name: key.0, version: key.1 }),
            Some(Lookup::Absent { why }) => return Ok(Err(why.clone())),
            Some(Lookup::Found(text)) => text,
        };
        Ok(self.choose(key, text))
    }

    fn of_latest(&self, spec: &Spec) -> Result<Found, Need> {
        let name = spec.name.clone();
        let manifest = match self.known.latest.get(&name) {
            None => return Err(Need::Latest { name }),
            Some(Lookup::Absent { .. }) => None,
            Some(Lookup::Found(text)) => Manifest::parse(text).ok(),
        };
        let answers = |latest: &Manifest| !latest.version.is_empty() && self.engine.takes_latest(latest, spec);
        let Some(latest) = manifest.filter(answers) else { return Err(Need::Packument { name }) };
        let mut chosen = self.chosen.borrow_mut();
        Ok(Ok(chosen.entry((name, latest.version.clone())).or_insert_with(|| Rc::new(latest)).clone()))
    }

    fn choose(&self, key: (String, String), text: &str) -> Found {
        let (name, version) = &key;
        let manifest = Manifest::parse(text).map(Rc::new);
        let manifest = manifest.map_err(|error| format!("the manifest of {name} {version} cannot be read: {error}"))?;
        if manifest.version.is_empty() {
            return Err(format!("the registry's manifest of {name} lacks its version"));
        }
        self.chosen.borrow_mut().insert(key, manifest.clone());
        Ok(manifest)
    }

    /// What a tarball holds.
    pub(super) fn files(&self, url: &str, integrity: Option<&str>) -> Result<Result<&PackageFiles, String>, Need> {
        match self.known.tarballs.get(url) {
            None => Err(Need::Tarball(Tarball { url: url.to_owned(), integrity: integrity.map(str::to_owned) })),
            Some(Lookup::Absent { why }) => Ok(Err(why.clone())),
            Some(Lookup::Found(files)) => Ok(Ok(files)),
        }
    }

    fn of_tarball(&self, url: &str) -> Result<Found, Need> {
        let files = match self.files(url, None)? {
            Ok(files) => files,
            Err(why) => return Ok(Err(why)),
        };
        Ok(from_files(files, url.to_owned(), Some(files.integrity.clone()).filter(|hash| !hash.is_empty())))
    }

    fn of_git(&self, git: &Git) -> Result<Found, Need> {
        let found = match self.known.gits.get(&git.save) {
            None => return Err(Need::Git { spec: git.save.clone() }),
            Some(Lookup::Absent { why }) => return Ok(Err(why.clone())),
            Some(Lookup::Found(found)) => found,
        };
        let resolved = format!("git+{}#{}", git.repository, found.commit);
        Ok(from_files(&found.files, resolved, None))
    }

    /// The whole manifest of a version that was chosen, for the lock: an abbreviated one lacks some of its fields.
    pub(crate) fn whole(&self, name: &str, version: &str) -> Result<Option<Manifest>, Need> {
        let is_short = matches!(self.known.packuments.get(name), Some(Lookup::Found(packument)) if !packument.full);
        if !is_short {
            return Ok(None);
        }
        match self.known.manifests.get(&(name.to_owned(), version.to_owned())) {
            None => Err(Need::Manifest { name: name.to_owned(), version: version.to_owned() }),
            Some(Lookup::Absent { .. }) => Ok(None),
            Some(Lookup::Found(text)) => Ok(Manifest::parse(text).ok()),
        }
    }
}

/// The manifest in a tarball or repository, with what is known of where it came from.
fn from_files(files: &PackageFiles, resolved: String, integrity: Option<String>) -> Found {
    let mut manifest =
        Manifest::parse(&files.manifest).map_err(|error| format!("its package.json cannot be read: {error}"))?;
    manifest.resolved = Some(resolved);
    manifest.integrity = integrity;
    manifest.has_shrinkwrap = files.shrinkwrap.is_some();
    let scripts = manifest.fields.get("scripts");
    let has = |name: &str| scripts.and_then(|scripts| scripts.get(name)).is_some();
    manifest.has_install_script |= files.gyp && !has("install") && !has("preinstall");
    Ok(Rc::new(manifest))
}

fn no_version(packument: &Packument, spec: &Spec) -> String {
    let newest: Vec<&str> = packument.versions().rev().take(3).collect();
    let wanted = spec.text();
    if newest.is_empty() {
        return format!("the registry has no version of {}", spec.name);
    }
    format!(
        "the registry has no version of {} that answers {wanted:?}; the last ones published: {}",
        spec.name,
        newest.join(", ")
    )
}

impl Builder<'_> {
    /// A node for what `asks` asks for, under the name of `edge`, in a virtual tree.
    pub(super) fn node_from_spec(&mut self, edge: EdgeId, asks: EdgeId, parent: NodeId) -> Result<NodeId, Stop> {
        let name = self.forest[edge].name.clone();
        let text = self.forest.edge_spec(asks);
        let from = self.forest[asks].from.unwrap_or(self.root);
        let spec = self.forest.spec_of(&name, &text, &self.forest.base_of(asks, from));
        let spec = match &*spec {
            Ok(spec) => spec,
            Err(error) => {
                return Err(NpmError::Spec { from: self.label(from), reason: error.to_string() }.into());
            }
        };
        if let Some(path) = Self::folder_of(&spec.kind) {
            let path = path.to_owned();
            return self.link_to(&name, parent, &path);
        }
        if let Some(member) = self.workspace_member(&name).filter(|member| self.forest.satisfied_by(edge, *member)) {
            return Ok(member);
        }
        let found = self.answers.manifest(spec).map_err(|need| Stop::Need(vec![need]))?;
        let (package, error) = match found {
            Ok(manifest) => {
                if let Some(reason) = &manifest.fault {
                    let from = format!("{}@{}", manifest.name, manifest.version);
                    return Err(NpmError::Spec { from, reason: reason.clone() }.into());
                }
                (manifest, None)
            }
            Err(why) => (Rc::default(), Some(why)),
        };
        let name = name.to_string();
        Ok(self.forest.add(NewNode { name, package, error, parent: Some(parent), ..NewNode::default() }))
    }

    /// The member of the project's workspace that goes by this name.
    fn workspace_member(&self, name: &str) -> Option<NodeId> {
        let edge = self.forest.edge_out(self.root, name).filter(|edge| self.forest.is_workspace_edge(*edge))?;
        self.forest[edge].to.filter(|to| self.forest.is_workspace(*to))
    }
}
