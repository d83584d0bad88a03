//! A universe: a project, and everything that its registry has, as data.
//!
//! As JSON it is
//!
//! ```json
//! {
//!   "project": {"name": "x", "dependencies": {"a": "^1.0.0"}},
//!   "files": {"packages/one/package.json": {"name": "one"}},
//!   "registry": {"a@1.0.0": {"dependencies": {"b": "*"}}, "b@2.0.0": {}},
//!   "tags": {"b": {"latest": "2.0.0"}},
//!   "before": "2026-01-03T00:00:00.000Z"
//! }
//! ```
//!
//! `project` is the project's package.json (text where its form matters), `files` what else lies in its folder; a file
//! `{"$tarball": {…}}` is a tarball made from that manifest. Manifests have the further keys that
//! [`Release`] describes. `{registry}` in any text becomes the registry's address, without a slash at its end.
//! All but `registry` may be left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::release::{Release, bytes_of};
use crate::process::write_file;

/// A project and its registry.
#[derive(Debug, Clone)]
pub struct Universe {
    /// What it is called in reports and on the command line.
    pub name: String,
    content: Value,
}

impl Universe {
    /// From the form that this module describes.
    pub fn new(name: &str, content: Value) -> Self {
        Self { name: name.to_owned(), content }
    }

    /// The whole of it, for looking at.
    pub fn content(&self) -> &Value {
        &self.content
    }

    /// What the registry has only before this time, if that matters.
    pub fn before(&self) -> Option<&str> {
        self.content["before"].as_str()
    }

    /// The releases of a registry at this address.
    pub fn releases(&self, address: &str) -> Vec<Release> {
        let releases = self.at(address, "registry");
        releases.as_object().into_iter().flatten().map(|(id, fields)| Release::from_id(id, fields)).collect()
    }

    /// The tags that are set on purpose, by package.
    pub fn tags(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let texts = |tags: &Value| {
            let tags = tags.as_object().into_iter().flatten();
            tags.map(|(tag, version)| (tag.clone(), version.as_str().expect("a version").to_owned())).collect()
        };
        let packages = self.content["tags"].as_object().into_iter().flatten();
        packages.map(|(name, tags)| (name.clone(), texts(tags))).collect()
    }

    /// Writes the project into a folder, for a registry at this address.
    pub fn write_project(&self, folder: &Path, address: &str) {
        let project = self.at(address, "project");
        if !project.is_null() {
            write_file(&folder.join("package.json"), bytes_of(&project));
        }
        for (path, content) in self.at(address, "files").as_object().into_iter().flatten() {
            let bytes = match content.get("$tarball") {
                Some(manifest) => {
                    let text = |key: &str| manifest[key].as_str().unwrap_or_default();
                    Release::new(text("name"), text("version"), manifest).tarball()
                }
                None => bytes_of(content),
            };
            write_file(&folder.join(path), bytes);
        }
    }

    fn at(&self, address: &str, key: &str) -> Value {
        let text = self.content[key].to_string().replace("{registry}", address.trim_end_matches('/'));
        serde_json::from_str(&text).expect("an address needs no escapes")
    }
}
