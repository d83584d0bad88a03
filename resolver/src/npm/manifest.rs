//! A manifest as npm reads it: put into its usual form, and with what a tree asks of it at hand.

use serde_json::{Map, Value, json};

use super::semver::Version;

/// A `package.json`, or what the registry made of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) semver: Option<Version>,
    /// Dependencies by section, each name with its spec and what else it accepts, in the order in which npm makes edges.
    pub(super) dependencies: Vec<Dependency>,
    pub(super) bundled: Vec<String>,
    /// Where the tarball is, as the registry says.
    pub(super) resolved: Option<String>,
    pub(super) integrity: Option<String>,
    pub(super) has_shrinkwrap: bool,
    pub(super) has_install_script: bool,
    /// Made of an entry of a lock.
    pub(super) is_locked: bool,
    /// Why npm cannot make edges of it.
    pub(super) fault: Option<String>,
    /// All fields in their usual form, for the lock.
    pub(super) fields: Map<String, Value>,
}

/// A dependency of a manifest.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) spec: String,
    pub(super) kind: EdgeKind,
    /// A second spec that will do as well (`acceptDependencies`).
    pub(super) accept: Option<String>,
}

/// The kinds of dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EdgeKind {
    Prod,
    Dev,
    Optional,
    Peer,
    PeerOptional,
    Workspace,
}

impl EdgeKind {
    pub(super) fn is_peer(self) -> bool {
        matches!(self, Self::Peer | Self::PeerOptional)
    }

    pub(super) fn is_optional(self) -> bool {
        matches!(self, Self::Optional | Self::PeerOptional)
    }
}

impl Manifest {
    /// A manifest from JSON text.
    ///
    /// # Errors
    /// When it is not JSON, or no object.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self::of)
    }

    /// A manifest of the fields that it has.
    pub(super) fn of(mut fields: Map<String, Value>) -> Self {
        normalise(&mut fields);
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let dist = fields.get("dist").and_then(Value::as_object);
        let of_dist = |name: &str| dist.and_then(|dist| dist.get(name)).and_then(Value::as_str);
        let integrity = of_dist("integrity").filter(|text| !text.is_empty()).map(str::to_owned);
        let integrity = integrity.or_else(|| of_dist("shasum").and_then(sha1_integrity));
        let (name, version) = (text("name"), text("version"));
        Self {
            semver: Version::parse(&version),
            dependencies: dependencies(&fields),
            bundled: texts(fields.get("bundleDependencies")),
            resolved: of_dist("tarball").map(str::to_owned),
            integrity,
            has_shrinkwrap: fields.get("_hasShrinkwrap").is_some_and(is_true),
            has_install_script: has_install_script(&fields),
            is_locked: false,
            fault: fault(&fields),
            name,
            version,
            fields,
        }
    }

    /// The overrides of a project.
    pub(super) fn overrides(&self) -> Option<&Map<String, Value>> {
        self.fields.get("overrides").and_then(Value::as_object).filter(|overrides| !overrides.is_empty())
    }

    /// What `name` is asked for with in the sections that a reference (`$name`) looks into.
    pub(super) fn referred(&self, name: &str) -> Option<&str> {
        ["devDependencies", "optionalDependencies", "dependencies", "peerDependencies"]
            .iter()
            .find_map(|section| self.fields.get(*section)?.get(name)?.as_str().filter(|spec| !spec.is_empty()))
    }

    /// `engines.node` and `engines.npm`.
    pub(super) fn engine(&self, of: &str) -> Option<&str> {
        self.fields.get("engines")?.get(of)?.as_str().filter(|range| !range.is_empty())
    }
}

/// What JavaScript takes for true.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn has_install_script(fields: &Map<String, Value>) -> bool {
    let scripts = fields.get("scripts").and_then(Value::as_object);
    fields.get("hasInstallScript").is_some_and(is_true)
        || ["install", "preinstall", "postinstall"]
            .iter()
            .any(|name| scripts.and_then(|scripts| scripts.get(*name)).is_some_and(is_true))
}

/// A list of words, which may be written as a single one.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(word)) => vec![word.clone()],
        value => texts(value),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn sha1_integrity(hex: &str) -> Option<String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?;
    Some(format!("sha1-{}", data_encoding::BASE64.encode(&bytes)))
}

/// The edges of a manifest in npm's order; a later section takes the place of an earlier one.
fn dependencies(fields: &Map<String, Value>) -> Vec<Dependency> {
    let section = |name: &str| fields.get(name).and_then(Value::as_object).into_iter().flatten();
    let accepted = |name: &str| {
        let accept = fields.get("acceptDependencies")?.get(name)?.as_str()?;
        Some(if accept.is_empty() { "*".to_owned() } else { accept.to_owned() })
    };
    let is_optional = |name: &str| {
        let meta = fields.get("peerDependenciesMeta").and_then(|meta| meta.get(name)?.get("optional"));
        meta.is_some_and(is_true)
    };
    let edge = |kind: EdgeKind| {
        move |(name, spec): (&String, &Value)| {
            Some(Dependency { name: name.clone(), spec: spec.as_str()?.to_owned(), kind, accept: None })
        }
    };
    let (optional, required): (Vec<_>, Vec<_>) =
        section("peerDependencies").partition(|(name, _)| is_optional(name.as_str()));
    let mut all: Vec<Dependency> = required.into_iter().filter_map(edge(EdgeKind::Peer)).collect();
    all.extend(optional.into_iter().filter_map(edge(EdgeKind::PeerOptional)));
    all.extend(section("dependencies").filter_map(edge(EdgeKind::Prod)));
    all.extend(section("optionalDependencies").filter_map(edge(EdgeKind::Optional)));
    all.extend(section("devDependencies").filter_map(edge(EdgeKind::Dev)));
    for dependency in &mut all {
        dependency.accept = accepted(&dependency.name);
    }
    all
}

/// A dependency that npm stumbles over: one that is no text, or that is called like what every object of JavaScript has.
fn fault(fields: &Map<String, Value>) -> Option<String> {
    const INHERITED: [&str; 11] = [
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ];
    ["peerDependencies", "dependencies", "optionalDependencies"].iter().find_map(|section| {
        let mut all = fields.get(*section).and_then(Value::as_object).into_iter().flatten();
        all.find_map(|(name, spec)| match spec {
            Value::String(_) if INHERITED.contains(&name.as_str()) => {
                Some(format!("{name} in its {section}: npm cannot take a dependency of this name"))
            }
            Value::String(_) => None,
            _ => Some(format!("{name} in its {section} is no text")),
        })
    })
}

/// The steps of npm's package-json that matter to a tree and a lock.
fn normalise(fields: &mut Map<String, Value>) {
    if let Some(misspelt) = fields.remove("bundledDependencies")
        && !fields.contains_key("bundleDependencies")
    {
        fields.insert("bundleDependencies".to_owned(), misspelt);
    }
    let keys = |value: Option<&Value>| -> Value {
        value.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    match fields.get("bundleDependencies") {
        Some(Value::Bool(true)) => {
            let all = keys(fields.get("dependencies"));
            fields.insert("bundleDependencies".to_owned(), all);
        }
        Some(Value::Object(_)) => {
            let named = keys(fields.get("bundleDependencies"));
            fields.insert("bundleDependencies".to_owned(), named);
        }
        Some(Value::Bool(false)) => {
            fields.insert("bundleDependencies".to_owned(), json!([]));
        }
        Some(Value::Array(_)) | None => {}
        Some(_) => {
            fields.remove("bundleDependencies");
        }
    }
    leave_out_optional(fields);
    if let Some(Value::String(url)) = fields.get("funding")
        && !url.is_empty()
    {
        let funding = json!({ "url": url });
        fields.insert("funding".to_owned(), funding);
    }
    normalise_bin(fields);
}

/// What is optional is no plain dependency, though old manifests name it twice.
fn leave_out_optional(fields: &mut Map<String, Value>) {
    let Some(optional) = fields.get("optionalDependencies").and_then(Value::as_object) else { return };
    let names: Vec<String> = optional.keys().cloned().collect();
    if let Some(Value::Object(dependencies)) = fields.get_mut("dependencies") {
        for name in names {
            dependencies.shift_remove(&name);
        }
        if dependencies.is_empty() {
            fields.shift_remove("dependencies");
        }
    }
}

fn normalise_bin(fields: &mut Map<String, Value>) {
    let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
    let given: Vec<(String, String)> = match fields.get("bin") {
        Some(Value::String(file)) if !name.is_empty() => vec![(name.to_owned(), file.clone())],
        Some(Value::Array(files)) => {
            files.iter().filter_map(Value::as_str).map(|file| (basename(file).to_owned(), file.to_owned())).collect()
        }
        Some(Value::Object(bin)) => {
            bin.iter().filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    };
    let mut bin = Map::new();
    for (name, file) in given {
        let (name, file) = (below(basename(&below(&name))), below(&file));
        if !name.is_empty() && !file.is_empty() {
            bin.insert(name, file.into());
        }
    }
    if bin.is_empty() {
        fields.shift_remove("bin");
    } else {
        fields.insert("bin".to_owned(), bin.into());
    }
}

fn basename(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// A path that cannot lead out of its folder.
fn below(path: &str) -> String {
    let path = path.replace(['\\', ':'], "/");
    let slash = if path.ends_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { String::new() } else { parts.join("/") + slash }
}

#[cfg(test)]
mod tests {
    use super::{EdgeKind, Manifest};

    #[test]
    fn odd_shapes_become_usual_ones() {
        let manifest = Manifest::parse(
            r#"{"name":"@s/a","version":"1.0.0","bin":"./bin/../cli.js","bundledDependencies":true,
               "dependencies":{"b":"1","c":"2"},"optionalDependencies":{"c":"2"},"funding":"https://forge.example"}"#,
        )
        .unwrap();
        assert_eq!(manifest.fields["bin"], serde_json::json!({"a": "cli.js"}));
        assert_eq!(manifest.bundled, ["b", "c"]);
        assert_eq!(manifest.fields["dependencies"], serde_json::json!({"b": "1"}));
        assert_eq!(manifest.fields["funding"], serde_json::json!({"url": "https://forge.example"}));
    }

    #[test]
    fn edges_come_in_npms_order() {
        let manifest = Manifest::parse(
            r#"{"dependencies":{"d":"1"},"devDependencies":{"e":"1"},"optionalDependencies":{"o":"1"},
               "peerDependencies":{"q":"1","p":"1"},"peerDependenciesMeta":{"q":{"optional":true}}}"#,
        )
        .unwrap();
        let kinds: Vec<_> = manifest.dependencies.iter().map(|edge| (edge.name.as_str(), edge.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("p", EdgeKind::Peer),
                ("q", EdgeKind::PeerOptional),
                ("d", EdgeKind::Prod),
                ("o", EdgeKind::Optional),
                ("e", EdgeKind::Dev)
            ]
        );
    }
}
