//! What the registry knows of a package: its versions, tags and times.
//!
//! A packument of a popular package has megabytes, of which a resolution looks at a few versions. So it is kept in a form
//! of our own: a line for each version with what choosing needs in front, and behind it the manifest with only the fields
//! that a tree or a lock is made of, as JSON that is parsed when the version is chosen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The first line of the kept form; another one means that another program wrote it.
const MARK: &str = "nixwright packument 1";

/// The fields of a manifest that a tree or a lock is made of.
const KEPT: [&str; 28] = [
    "name",
    "version",
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bundleDependencies",
    "bundledDependencies",
    "acceptDependencies",
    "bin",
    "directories",
    "engines",
    "os",
    "cpu",
    "libc",
    "license",
    "licenses",
    "funding",
    "deprecated",
    "hasInstallScript",
    "gypfile",
    "scripts",
    "_hasShrinkwrap",
    "workspaces",
    "dist",
    "description",
    "homepage",
];

/// A registry's answer that is no packument.
#[derive(Debug, thiserror::Error)]
pub enum PackumentError {
    /// Not JSON, or not of the right shape.
    #[error("what the registry says of the package cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("what the registry says of the package is no JSON object")]
    Shape,
    /// Kept by another program, or damaged.
    #[error("what is kept of the package cannot be read")]
    Kept,
}

/// A package's versions, in the registry's order.
#[derive(Debug, Clone)]
pub struct Packument {
    /// The package's name.
    pub name: String,
    /// Versions by tag: `latest`, `next`, …
    pub dist_tags: BTreeMap<String, String>,
    /// Whether manifests carry all that a lock holds: the abbreviated form lacks licence, funding and libc.
    pub full: bool,
    versions: IndexMap<String, Published>,
    text: String,
}

/// One version of a packument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Published {
    time: Span,
    deprecated: bool,
    manifest: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "dist-tags")]
    dist_tags: BTreeMap<String, String>,
    #[serde(default, borrow)]
    versions: IndexMap<String, &'a RawValue>,
    #[serde(default, borrow)]
    time: Option<BTreeMap<String, &'a RawValue>>,
}

impl Packument {
    /// Reads the registry's answer, in its full or its abbreviated form.
    ///
    /// # Errors
    /// When it is not JSON of that shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackumentError> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(PackumentError::Shape);
        }
        let document: Document<'_> = serde_json::from_slice(bytes)?;
        // The abbreviated form has the time of its last change, and no times of versions.
        let full = document.time.is_some();
        let times = document.time.unwrap_or_default();
        let mut text = format!("{MARK}\n{}\n", if full { "full" } else { "abbreviated" });
        let head = serde_json::json!({ "name": document.name, "tags": document.dist_tags });
        let _ = writeln!(text, "{head}");
        for (version, manifest) in &document.versions {
            let fields: IndexMap<String, &RawValue> = serde_json::from_str(manifest.get())?;
            let time = times.get(version.as_str()).and_then(|time| serde_json::from_str::<String>(time.get()).ok());
            let deprecated = fields.get("deprecated").is_some_and(|value| is_true(value.get()));
            if version.contains(['\t', '\n', '\r']) {
                continue;
            }
            let _ = write!(text, "{version}\t{}\t{}\t", time.unwrap_or_default(), if deprecated { "d" } else { "" });
            write_kept(&mut text, &fields);
            text.push('\n');
        }
        Self::from_compact(text)
    }

    /// The form in which it is kept, for [`Self::from_compact`].
    pub fn to_compact(&self) -> &str {
        &self.text
    }

    /// Reads what [`Self::to_compact`] gave.
    ///
    /// # Errors
    /// When another program wrote it, or it is damaged.
    pub fn from_compact(text: String) -> Result<Self, PackumentError> {
        #[derive(Deserialize)]
        struct Head {
            name: String,
            tags: BTreeMap<String, String>,
        }
        let mut lines = lines(&text);
        let mut next = || lines.next().ok_or(PackumentError::Kept);
        let (_, mark) = next()?;
        if mark != MARK {
            return Err(PackumentError::Kept);
        }
        let (_, form) = next()?;
        let (_, head) = next()?;
        let head: Head = serde_json::from_str(head)?;
        let full = form == "full";
        let mut versions = IndexMap::new();
        for (start, line) in lines {
            let (version, published) = row(start, line).ok_or(PackumentError::Kept)?;
            versions.insert(version.to_owned(), published);
        }
        Ok(Self { name: head.name, dist_tags: head.tags, full, versions, text })
    }

    /// Every version, in the registry's order (that of publishing).
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    /// Whether the registry has this version.
    pub fn has(&self, version: &str) -> bool {
        self.versions.contains_key(version)
    }

    /// The registry's spelling of a version, if it has it.
    pub fn get(&self, version: &str) -> Option<&str> {
        self.versions.get_key_value(version).map(|(version, _)| version.as_str())
    }

    /// When a version was published, as the registry writes it (RFC 3339); nothing where it does not say.
    pub fn time(&self, version: &str) -> Option<&str> {
        let span = self.versions.get(version)?.time;
        self.slice(span).filter(|time| !time.is_empty())
    }

    /// Whether upstream warns of this version.
    pub fn is_deprecated(&self, version: &str) -> bool {
        self.versions.get(version).is_some_and(|published| published.deprecated)
    }

    /// The manifest of a version as JSON, with the fields that a tree or a lock is made of.
    pub fn manifest(&self, version: &str) -> Option<&str> {
        self.slice(self.versions.get(version)?.manifest)
    }

    fn slice(&self, span: Span) -> Option<&str> {
        self.text.get(span.start..span.end)
    }
}

/// Lines with the place at which each begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', text.as_bytes()).filter_map(move |end| {
        let line = (start, text.get(start..end)?);
        start = end + 1;
        Some(line)
    })
}

fn row(start: usize, line: &str) -> Option<(&str, Published)> {
    let mut tabs = memchr::memchr_iter(b'\t', line.as_bytes());
    let (first, second, third) = (tabs.next()?, tabs.next()?, tabs.next()?);
    let published = Published {
        time: Span { start: start + first + 1, end: start + second },
        deprecated: third > second + 1,
        manifest: Span { start: start + third + 1, end: start + line.len() },
    };
    Some((line.get(..first)?, published))
}

/// What JavaScript takes for true.
fn is_true(json: &str) -> bool {
    !matches!(json, "false" | "null" | "\"\"" | "0")
}

/// Writes the fields that are kept, as one JSON object on one line.
fn write_kept(text: &mut String, fields: &IndexMap<String, &RawValue>) {
    text.push('{');
    let mut first = true;
    for (name, value) in fields {
        let value = match name.as_str() {
            "scripts" => match install_scripts(value.get()) {
                Some(scripts) => scripts,
                None => continue,
            },
            name if KEPT.contains(&name) => value.get().to_owned(),
            _ => continue,
        };
        if !std::mem::take(&mut first) {
            text.push(',');
        }
        // A line break inside of JSON can only stand between its tokens.
        let _ = write!(text, "{}:{}", serde_json::Value::from(name.as_str()), value.replace(['\n', '\r'], " "));
    }
    text.push('}');
}

/// Of a manifest's scripts only those that run when it is installed.
fn install_scripts(json: &str) -> Option<String> {
    let scripts: IndexMap<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    let kept: IndexMap<_, _> = scripts
        .into_iter()
        .filter(|(name, _)| ["preinstall", "install", "postinstall"].contains(&name.as_str()))
        .collect();
    (!kept.is_empty()).then(|| serde_json::to_string(&kept).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::Packument;

    const FULL: &str = r#"{"name":"a","dist-tags":{"latest":"1.1.0"},"time":{"created":"x","1.0.0":"2020-01-01T00:00:00.000Z"},
        "versions":{"1.0.0":{"name":"a","version":"1.0.0","readme":"long","scripts":{"test":"x","postinstall":"node ."},
        "dependencies":{
          "b":"^1"}},"1.1.0":{"name":"a","version":"1.1.0","deprecated":"no more"}}}"#;

    #[test]
    fn what_is_kept_reads_as_what_was_read() {
        let read = Packument::parse(FULL.as_bytes()).unwrap();
        let kept = Packument::from_compact(read.to_compact().to_owned()).unwrap();
        for packument in [&read, &kept] {
            assert!(packument.full);
            assert_eq!(packument.versions().collect::<Vec<_>>(), ["1.0.0", "1.1.0"]);
            assert_eq!(packument.time("1.0.0"), Some("2020-01-01T00:00:00.000Z"));
            assert_eq!(packument.time("1.1.0"), None);
            assert!(packument.is_deprecated("1.1.0") && !packument.is_deprecated("1.0.0"));
            let manifest: serde_json::Value = serde_json::from_str(packument.manifest("1.0.0").unwrap()).unwrap();
            assert_eq!(manifest["dependencies"]["b"], "^1");
            assert_eq!(manifest["scripts"], serde_json::json!({"postinstall": "node ."}));
            assert!(manifest.get("readme").is_none());
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        assert!(Packument::parse(b"[]").is_err());
        assert!(Packument::from_compact("something else\n".to_owned()).is_err());
    }
}
