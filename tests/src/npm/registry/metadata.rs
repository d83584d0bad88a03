//! The documents of one package, in the forms that npm's registry has them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::npm::release::{PUBLISHED, Release};

/// The fields of a manifest that the abbreviated form has, by the registry's own description of it
/// (npm/registry, docs/responses/package-metadata.md).
const ABBREVIATED: [&str; 21] = [
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "dist",
    "engines",
    "os",
    "cpu",
    "libc",
    "funding",
    "hasInstallScript",
    "_hasShrinkwrap",
];

/// A package of the registry.
pub(super) struct Package {
    name: String,
    /// Manifests in the order of publication, as the registry lists them.
    versions: Vec<(String, Value)>,
    gone: Vec<String>,
    tags: BTreeMap<String, String>,
    times: BTreeMap<String, String>,
}

impl Package {
    pub(super) fn new(name: &str) -> Self {
        let (versions, gone) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), versions, gone, tags: BTreeMap::new(), times: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, release: &Release, document: Value) {
        self.versions.push((release.version.clone(), document));
        self.times.insert(release.version.clone(), release.published().to_owned());
        if release.is_gone() {
            self.gone.push(release.version.clone());
        }
    }

    pub(super) fn tag(&mut self, tag: &str, version: &str) {
        self.tags.insert(tag.to_owned(), version.to_owned());
    }

    pub(super) fn amend(&mut self, version: &str, key: &str, value: Value) {
        let (_, document) = self.versions.iter_mut().find(|(has, _)| has == version).expect("it was published");
        document[key] = value;
    }

    pub(super) fn remove(&mut self, version: &str) {
        self.versions.retain(|(has, _)| has != version);
        self.tags.retain(|_, points_at| points_at != version);
    }

    /// The metadata of all versions.
    pub(super) fn document(&self, abbreviated: bool) -> Value {
        let tags = self.all_tags();
        let newest = self.times.values().max().map_or(PUBLISHED, String::as_str);
        let versions = self.versions.iter().map(|(version, manifest)| {
            (version.clone(), if abbreviated { abbreviate(manifest) } else { manifest.clone() })
        });
        let versions: Map<String, Value> = versions.collect();
        if abbreviated {
            return json!({"name": self.name, "modified": newest, "dist-tags": tags, "versions": versions});
        }
        let mut time = json!({"created": PUBLISHED, "modified": newest});
        for (version, published) in &self.times {
            time[version] = json!(published);
        }
        json!({"_id": self.name, "name": self.name, "dist-tags": tags, "versions": versions, "time": time})
    }

    /// The full manifest of one version, or of what a tag points at.
    pub(super) fn manifest(&self, version: &str) -> Option<Value> {
        let tags = self.all_tags();
        let version = tags.get(version).map_or(version, String::as_str);
        if self.gone.iter().any(|gone| gone == version) {
            return None;
        }
        self.versions.iter().find(|(has, _)| has == version).map(|(_, manifest)| manifest.clone())
    }

    fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        if !tags.contains_key("latest") {
            let parsed = self.versions.iter().filter_map(|(version, _)| semver::Version::parse(version).ok());
            if let Some(latest) = parsed.max_by_key(|version| (version.pre.is_empty(), version.clone())) {
                tags.insert("latest".to_owned(), latest.to_string());
            }
        }
        tags
    }
}

fn abbreviate(manifest: &Value) -> Value {
    let all = manifest.as_object().expect("a manifest is an object");
    let mut short: Map<String, Value> = all.clone();
    short.retain(|key, _| ABBREVIATED.contains(&key.as_str()));
    let scripts = &manifest["scripts"];
    if ["preinstall", "install", "postinstall"].iter().any(|script| scripts[script].is_string()) {
        short.insert("hasInstallScript".to_owned(), json!(true));
    }
    Value::Object(short)
}
