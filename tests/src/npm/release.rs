//! One version of a package: its manifest as data, and the tarball that goes with it.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use data_encoding::{BASE64, HEXLOWER};
use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value, json};

/// What a release is said to have come out at, when nothing else is said.
pub const PUBLISHED: &str = "2026-01-02T03:04:05.000Z";

/// A version of a package before it is published.
///
/// The manifest is what the registry gives out. Keys that begin with `$` are not part of it:
///
/// - `$files`: further files of the tarball by path below `package/`, an object is written as JSON; in place of
///   `package.json`: what the tarball has where that differs from the registry's manifest;
/// - `$modes`: modes by path, in octal (`"bin/x.js": "755"`); 644 otherwise;
/// - `$folder`: the folder that the tarball begins with, where that is not `package`;
/// - `$dist`: fields of `dist` in place of those that follow from the tarball; `null` removes one;
/// - `$time`: when it came out;
/// - `$gone`: the registry lists the version and has neither its tarball nor its manifest.
#[derive(Debug, Clone)]
pub struct Release {
    /// The package's name.
    pub name: String,
    /// The version.
    pub version: String,
    manifest: Map<String, Value>,
    extra: Map<String, Value>,
}

impl Release {
    /// A release of `name@version` with these further fields.
    pub fn new(name: &str, version: &str, fields: &Value) -> Self {
        let mut manifest = Map::new();
        manifest.insert("name".to_owned(), json!(name));
        manifest.insert("version".to_owned(), json!(version));
        let mut extra = Map::new();
        for (key, value) in fields.as_object().unwrap_or_else(|| panic!("{name}@{version} is not an object")) {
            let into = if key.starts_with('$') { &mut extra } else { &mut manifest };
            into.insert(key.clone(), value.clone());
        }
        Self { name: name.to_owned(), version: version.to_owned(), manifest, extra }
    }

    /// From `NAME@VERSION`.
    pub fn from_id(id: &str, fields: &Value) -> Self {
        let (name, version) = id.rsplit_once('@').unwrap_or_else(|| panic!("{id} is not NAME@VERSION"));
        Self::new(name, version, fields)
    }

    /// When it came out.
    pub fn published(&self) -> &str {
        self.extra.get("$time").and_then(Value::as_str).unwrap_or(PUBLISHED)
    }

    /// Whether the registry lists it and no longer has it.
    pub fn is_gone(&self) -> bool {
        self.extra.contains_key("$gone")
    }

    /// The path of the tarball below the registry's address.
    pub fn tarball_path(&self) -> String {
        let last = self.name.rsplit('/').next().unwrap_or_default();
        format!("{}/-/{last}-{}.tgz", self.name, self.version)
    }

    /// The manifest as the registry's full metadata has it, for a tarball that is at `address`.
    pub fn document(&self, tarball: &[u8], address: &str) -> Value {
        let mut manifest = self.manifest.clone();
        manifest.insert("_id".to_owned(), json!(format!("{}@{}", self.name, self.version)));
        if self.files().contains_key("npm-shrinkwrap.json") {
            manifest.insert("_hasShrinkwrap".to_owned(), json!(true));
        }
        let mut dist = json!({
            "shasum": HEXLOWER.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, tarball).as_ref()),
            "tarball": address,
            "integrity": format!("sha512-{}", BASE64.encode(digest(&SHA512, tarball).as_ref())),
        });
        for (key, value) in self.extra.get("$dist").and_then(Value::as_object).into_iter().flatten() {
            if value.is_null() {
                dist.as_object_mut().expect("an object").shift_remove(key);
            } else {
                dist[key] = value.clone();
            }
        }
        manifest.insert("dist".to_owned(), dist);
        Value::Object(manifest)
    }

    fn files(&self) -> Map<String, Value> {
        self.extra.get("$files").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// The tarball, the same bytes each time.
    pub fn tarball(&self) -> Vec<u8> {
        let mut files = self.files();
        if !files.contains_key("package.json") {
            let mut own = self.manifest.clone();
            for registrys in ["deprecated", "hasInstallScript"] {
                own.shift_remove(registrys);
            }
            files.shift_insert(0, "package.json".to_owned(), Value::Object(own));
        }
        let modes = self.extra.get("$modes");
        let folder = self.extra.get("$folder").and_then(Value::as_str).unwrap_or("package");
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in &files {
            let mode = modes.and_then(|modes| modes[path].as_str()).unwrap_or("644");
            let mut header = tar::Header::new_gnu();
            let content = bytes_of(content);
            header.set_size(content.len() as u64);
            header.set_mode(u32::from_str_radix(mode, 8).expect("a mode in octal"));
            // The time that npm gives to every member.
            header.set_mtime(499_162_500);
            tar.append_data(&mut header, format!("{folder}/{path}"), content.as_slice()).expect("writing to memory");
        }
        let tar = tar.into_inner().expect("writing to memory");
        let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::none());
        gzip.write_all(&tar).expect("writing to memory");
        gzip.finish().expect("writing to memory")
    }
}

/// A file's content: text as it is, anything else as JSON.
pub fn bytes_of(content: &Value) -> Vec<u8> {
    match content {
        Value::String(text) => text.clone().into_bytes(),
        other => (serde_json::to_string_pretty(other).expect("JSON") + "\n").into_bytes(),
    }
}

/// A validator for a body.
pub(super) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", &HEXLOWER.encode(digest(&SHA256, body).as_ref())[..16])
}
