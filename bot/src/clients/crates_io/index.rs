//! The sparse index of a registry: where a crate's file is, what a line of it says, and where crates are fetched.
//!
//! The forms are those of the Cargo book, "Registry Index".

use std::collections::BTreeMap;

use jiff::Timestamp;
use semver::Version;
use serde::Deserialize;
use url::Url;

use super::CratesIoError;

/// The newest form of a line that is understood here (`v` in the index): others are left out, as cargo does.
const NEWEST_FORM: u32 = 2;

/// One published version of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The crate's name, spelled as it was published.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// SHA-256 of the `.crate` file, lower-case hexadecimal.
    pub sha256: String,
    /// Whether its authors took it back.
    pub yanked: bool,
    /// When it was published, where the registry says so.
    pub published: Option<Timestamp>,
    /// The oldest rustc it says it supports.
    pub rust_version: Option<String>,
    /// Its `links` key.
    pub links: Option<String>,
    /// Its features, those with the newer syntax included.
    pub features: BTreeMap<String, Vec<String>>,
}

/// A line, as JSON.
#[derive(Deserialize)]
struct Line {
    name: String,
    vers: String,
    cksum: String,
    #[serde(default)]
    yanked: Option<bool>,
    #[serde(default)]
    pubtime: Option<String>,
    #[serde(default)]
    rust_version: Option<String>,
    #[serde(default)]
    links: Option<String>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    features2: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    v: Option<u32>,
}

impl Line {
    /// Nothing for a form or a version that this program does not know.
    fn into_entry(self) -> Option<IndexEntry> {
        let sha256 = self.cksum.to_ascii_lowercase();
        let known = self.v.unwrap_or(1) <= NEWEST_FORM
            && sha256.len() == 64
            && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
            && is_crate_name(&self.name);
        let version = Version::parse(&self.vers).ok().filter(|_| known)?;
        let mut features = self.features;
        features.extend(self.features2.unwrap_or_default());
        Some(IndexEntry {
            name: self.name,
            version,
            sha256,
            yanked: self.yanked.unwrap_or(false),
            published: self.pubtime.and_then(|time| time.parse().ok()),
            rust_version: self.rust_version,
            links: self.links,
            features,
        })
    }
}

/// Reads a crate's file of the index.
///
/// A line that is JSON of a form unknown here is left out (registries grow new forms); one that is no JSON is an error,
/// because then the file is damaged and what it lacks is unknown. Lines of another crate are an error too.
pub(super) fn parse(name: &str, body: &[u8]) -> Result<Vec<IndexEntry>, CratesIoError> {
    let mut entries = Vec::new();
    for (number, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let damaged = |reason: String| CratesIoError::Index { name: name.to_owned(), line: number + 1, reason };
        let value: serde_json::Value =
            serde_json::from_slice(line).map_err(|error| damaged(format!("no JSON at column {}", error.column())))?;
        let Some(entry) = serde_json::from_value::<Line>(value).ok().and_then(Line::into_entry) else {
            tracing::debug!(crate.name = name, index.line = number + 1, "a line of the index has an unknown form");
            continue;
        };
        if !entry.name.eq_ignore_ascii_case(name) {
            return Err(damaged(format!("it is about the crate {:?}", entry.name)));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What crates.io allows as a name; it also keeps a name from leaving its folder or its place in an address.
pub(crate) fn is_crate_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The folders of a crate's file: `1/`, `2/`, `3/f/`, or the first two and the second two letters.
fn prefix(name: &str) -> String {
    match name.len() {
        0..=2 => name.len().to_string(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    }
}

/// The path of a crate's file within the index.
pub(super) fn path(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    format!("{}/{name}", prefix(&name))
}

/// The `dl` key of the index's `config.json`: an address with markers, or one to which `/CRATE/VERSION/download` is
/// added.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RegistryConfig {
    dl: String,
}

impl RegistryConfig {
    pub(super) fn parse(index: &Url, body: &[u8]) -> Result<Self, CratesIoError> {
        serde_json::from_slice(body)
            .map_err(|error| CratesIoError::RegistryConfig { index: index.to_string(), reason: error.to_string() })
    }

    /// Where this registry has a crate.
    pub(super) fn download(&self, index: &Url, name: &str, version: &str, sha256: &str) -> Result<Url, CratesIoError> {
        let lower = name.to_ascii_lowercase();
        let markers = [
            ("{crate}", name.to_owned()),
            ("{version}", version.to_owned()),
            ("{prefix}", prefix(name)),
            ("{lowerprefix}", prefix(&lower)),
            ("{sha256-checksum}", sha256.to_owned()),
        ];
        let mut text = self.dl.clone();
        if markers.iter().any(|(marker, _)| text.contains(marker)) {
            for (marker, value) in markers {
                text = text.replace(marker, &value);
            }
        } else {
            text = format!("{}/{name}/{version}/download", text.trim_end_matches('/'));
        }
        let invalid = |reason: String| CratesIoError::RegistryConfig { index: index.to_string(), reason };
        let url = Url::parse(&text).map_err(|error| invalid(format!("`dl` is {:?}: {error}", self.dl)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!("`dl` is {:?}, which is not an http or https address", self.dl)));
        }
        Ok(url)
    }
}
