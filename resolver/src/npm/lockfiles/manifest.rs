//! What a lock's reader wants of a `package.json`, of a registry's manifest, or of a lock's own entry: the same fields.
//!
//! Old packages have anything in any of them. What npm overlooks is overlooked here too.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::LockError;
use super::strict::Unique;
use crate::plan::npm::Entry;

/// The fields of a manifest that decide what stands where, and what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Manifest {
    #[serde(deserialize_with = "text")]
    pub(super) name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) version: Option<String>,
    #[serde(deserialize_with = "names")]
    pub(super) dependencies: BTreeMap<String, String>,
    #[serde(deserialize_with = "names")]
    pub(super) optional_dependencies: BTreeMap<String, String>,
    #[serde(deserialize_with = "names")]
    pub(super) dev_dependencies: BTreeMap<String, String>,
    #[serde(deserialize_with = "names")]
    pub(super) peer_dependencies: BTreeMap<String, String>,
    peer_dependencies_meta: Anything,
    bin: Anything,
    #[serde(deserialize_with = "list")]
    os: Vec<String>,
    #[serde(deserialize_with = "list")]
    cpu: Vec<String>,
    #[serde(deserialize_with = "list")]
    libc: Vec<String>,
    engines: Anything,
    license: Anything,
    deprecated: Anything,
    has_install_script: bool,
    gypfile: Anything,
    scripts: Anything,
    resolutions: Anything,
}

/// A field whose form is looked at later, if at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct Anything(Value);

/// How a package asks for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// `dependencies`.
    Required,
    /// `optionalDependencies`.
    Optional,
    /// `devDependencies` of a folder of the project.
    Dev,
    /// `peerDependencies`.
    Peer,
    /// `peerDependencies` that `peerDependenciesMeta` calls optional.
    PeerOptional,
    /// The lock does not say whether it is required.
    Unsaid,
}

impl Ask {
    /// Whether the one who asks can do without.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::Optional | Self::PeerOptional)
    }
}

impl Manifest {
    /// Reads a `package.json`; `file` is what errors call it.
    ///
    /// # Errors
    /// When it is not JSON, or a key is there twice.
    pub fn parse(file: &str, text: &str) -> Result<Self, LockError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text)
            .map_err(|error| LockError::Syntax { file: file.to_owned(), reason: error.to_string() })
    }

    /// The package's name, where it says one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref().filter(|name| !name.is_empty())
    }

    /// The package's version, where it says one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref().filter(|version| !version.is_empty())
    }

    /// What it asks for by name; a folder of the project (`top`) asks for what it is developed with too.
    ///
    /// Of a name that is asked for twice, the first of these counts: optional, required, for development, peer.
    pub(super) fn asks(&self, top: bool) -> BTreeMap<&str, (Ask, &str)> {
        let mut asks = BTreeMap::new();
        asks.extend(self.peer_dependencies.iter().map(|(name, spec)| {
            let ask = if self.is_optional_peer(name) { Ask::PeerOptional } else { Ask::Peer };
            (name.as_str(), (ask, spec.as_str()))
        }));
        if top {
            asks.extend(self.dev_dependencies.iter().map(|(name, spec)| (name.as_str(), (Ask::Dev, spec.as_str()))));
        }
        asks.extend(self.dependencies.iter().map(|(name, spec)| (name.as_str(), (Ask::Required, spec.as_str()))));
        asks.extend(
            self.optional_dependencies.iter().map(|(name, spec)| (name.as_str(), (Ask::Optional, spec.as_str()))),
        );
        asks
    }

    /// How it asks for a peer of this name, if it does.
    pub(super) fn peer(&self, name: &str) -> Option<Ask> {
        let optional = || if self.is_optional_peer(name) { Ask::PeerOptional } else { Ask::Peer };
        self.peer_dependencies.contains_key(name).then(optional)
    }

    /// The version that yarn's `resolutions` force on a name, wherever it is asked for.
    pub(super) fn resolution(&self, name: &str) -> Option<&str> {
        let resolutions = self.resolutions.0.as_object()?;
        let ends = |key: &str| key == name || key.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
        resolutions.iter().find(|(key, _)| ends(key))?.1.as_str()
    }

    fn is_optional_peer(&self, name: &str) -> bool {
        let meta = self.peer_dependencies_meta.0.get(name);
        meta.and_then(|meta| meta.get("optional")).and_then(Value::as_bool) == Some(true)
    }

    /// Gives an entry what the manifest says of it, apart from where it comes from and what it depends on.
    pub(super) fn describe(&self, entry: &mut Entry) {
        entry.os.clone_from(&self.os);
        entry.cpu.clone_from(&self.cpu);
        entry.libc.clone_from(&self.libc);
        entry.bin = self.programs(&entry.name);
        entry.script = self.runs_at_install();
        entry.node = self.node();
        entry.license = self.license();
        entry.deprecated = self.deprecated.0.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    }

    /// `engines.node`; very old packages have a list of texts, which npm does not read.
    fn node(&self) -> Option<String> {
        self.engines.0.get("node")?.as_str().map(str::to_owned)
    }

    /// A text, or the `type` of an object of old.
    fn license(&self) -> Option<String> {
        let Anything(value) = &self.license;
        value.as_str().or_else(|| value.get("type")?.as_str()).map(str::to_owned)
    }

    /// As npm tells it: one of the three scripts, or `binding.gyp`, which the registry makes an `install` of.
    fn runs_at_install(&self) -> bool {
        let has = |name: &str| self.scripts.0.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        self.has_install_script
            || ["preinstall", "install", "postinstall"].into_iter().any(has)
            || self.gypfile.0.as_bool() == Some(true)
    }

    /// `bin` as npm-normalize-package-bin has it: the last part of each name, and a file within the package.
    fn programs(&self, package: &str) -> BTreeMap<String, String> {
        let last = |name: &str| name.rsplit(['/', '\\', ':']).next().unwrap_or_default().to_owned();
        let pairs: Vec<(String, &str)> = match &self.bin.0 {
            Value::String(file) => vec![(last(package), file)],
            Value::Object(map) => map.iter().filter_map(|(name, file)| Some((last(name), file.as_str()?))).collect(),
            _ => Vec::new(),
        };
        pairs
            .into_iter()
            .map(|(name, file)| (name, within(file)))
            .filter(|(name, file)| !matches!(name.as_str(), "" | "." | "..") && !file.is_empty())
            .collect()
    }
}

/// A file's path within its package: `./` and what would lead out of it are gone.
fn within(file: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(|value| value.as_str().map(str::to_owned))
}

/// One text or several.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(only) if !only.is_empty() => vec![only],
        Value::Array(list) => list.iter().filter_map(|entry| entry.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    })
}

/// Names with what is asked for of them; anything else than an object (`[]` in old manifests) is nothing.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_any(NamesVisitor)
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names of packages with versions")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Unique(map) = Unique::<Value>::deserialize(MapAccessDeserializer::new(map))?;
        Ok(map.into_iter().filter_map(|(name, spec)| Some((name, spec.as_str()?.to_owned()))).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(BTreeMap::new())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }
}
