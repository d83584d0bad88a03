//! What a crate's manifest says, in the terms of `cargo metadata`: read once, with the archive, and kept.
//!
//! The rules are those of the Cargo book ("The manifest format", "Cargo targets", "Features"). Where one of them could be
//! read in two ways for a manifest, nothing is said ([`PackageFacts::read`] gives `None`) and cargo itself is asked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The part of a manifest that decides the graph, defaults filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFacts {
    /// `package.edition`.
    pub edition: String,
    /// `package.links`.
    pub links: Option<String>,
    /// `package.rust-version`, as it is written.
    pub rust_version: Option<String>,
    /// Features, those that optional dependencies imply included.
    pub features: BTreeMap<String, Vec<String>>,
    /// Dependencies of every kind and target.
    pub dependencies: Vec<DependencyFacts>,
    /// The library.
    pub library: Option<TargetFacts>,
    /// The build script's path.
    pub build_script: Option<String>,
    /// The binaries; `None` where only cargo can say which there are.
    pub binaries: Option<Vec<TargetFacts>>,
    /// `authors`, and the texts of `description`, `homepage`, `license`, `license-file`, `readme`, `repository`.
    pub described: Described,
}

/// Descriptive keys, which become `CARGO_PKG_*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// `package.authors`.
    pub authors: Vec<String>,
    /// The others, by key.
    pub texts: BTreeMap<String, String>,
}

/// A dependency as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyFacts {
    /// The package's name.
    pub name: String,
    /// The key, where it is not the package's name.
    pub rename: Option<String>,
    /// The requirement.
    pub req: String,
    /// `dev`, `build`, or nothing.
    pub kind: Option<String>,
    /// The expression or triple of `[target.…]`.
    pub target: Option<String>,
    /// `optional`.
    pub optional: bool,
    /// `default-features`.
    pub default_features: bool,
    /// `features`.
    pub features: Vec<String>,
    /// Where it is asked from, unless that is the public registry.
    pub from: Option<From>,
}

/// Where a dependency is asked from. A patch may put something else in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum From {
    /// The address of another registry's index, or what the project's configuration calls it.
    Registry(String),
    /// A git repository.
    Git {
        /// Its address.
        url: String,
        /// `branch=…`, `tag=…`, `rev=…`, or nothing.
        reference: Option<String>,
    },
    /// A folder, as seen from the package's own.
    Path(String),
}

impl DependencyFacts {
    /// The folder that it is asked from.
    pub fn path(&self) -> Option<&str> {
        match &self.from {
            Some(From::Path(path)) => Some(path),
            _ => None,
        }
    }
}

/// Something that is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// Its name.
    pub name: String,
    /// Its root source file.
    pub path: String,
    /// `lib`, `rlib`, …, `proc-macro`, `bin`.
    pub crate_types: Vec<String>,
    /// The target's own edition.
    pub edition: String,
    /// `required-features`.
    pub required_features: Vec<String>,
}

impl PackageFacts {
    /// Reads a published manifest; `target_files` are the files that cargo would discover targets from.
    pub fn read(manifest: &str, target_files: &BTreeSet<String>) -> Option<Self> {
        Self::of(&manifest.parse().ok()?, target_files)
    }

    /// The same for a manifest that is a table already.
    pub(super) fn of(manifest: &Table, target_files: &BTreeSet<String>) -> Option<Self> {
        let package = manifest.get("package").or_else(|| manifest.get("project"))?.as_table()?;
        if package.values().any(is_inherited) || manifest.contains_key("cargo-features") {
            return None;
        }
        let edition = optional_text(package, "edition")?.unwrap_or("2015");
        let dependencies = dependencies(manifest)?;
        let reader = Targets { name: package.get("name")?.as_str()?, edition, files: target_files };
        Some(Self {
            edition: edition.to_owned(),
            links: optional_text(package, "links")?.map(str::to_owned),
            rust_version: optional_text(package, "rust-version")?.map(str::to_owned),
            features: features(manifest.get("features"), &dependencies)?,
            library: reader.library(package, manifest.get("lib"))?,
            build_script: reader.build_script(package.get("build"))?,
            binaries: reader.binaries(package, manifest.get("bin")),
            described: described(package)?,
            dependencies,
        })
    }
}

/// `{ workspace = true }`, which publishing replaces.
fn is_inherited(value: &Value) -> bool {
    value.get("workspace").is_some()
}

/// The outer `None` is for a value of another kind.
#[expect(clippy::option_option, reason = "absent and malformed are told apart")]
fn optional_text<'t>(table: &'t Table, key: &str) -> Option<Option<&'t str>> {
    match table.get(key) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    }
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn described(package: &Table) -> Option<Described> {
    let mut described = Described { authors: texts(package.get("authors"))?, texts: BTreeMap::new() };
    for key in ["description", "homepage", "license", "license-file", "readme", "repository"] {
        let text = match package.get(key) {
            Some(Value::Boolean(true)) if key == "readme" => "README.md",
            None | Some(Value::Boolean(false)) => continue,
            Some(value) => value.as_str()?,
        };
        described.texts.insert(key.to_owned(), text.to_owned());
    }
    Some(described)
}

fn dependencies(manifest: &Table) -> Option<Vec<DependencyFacts>> {
    let mut found = Vec::new();
    sections(manifest, None, &mut found)?;
    if let Some(targets) = manifest.get("target") {
        for (target, section) in targets.as_table()? {
            sections(section.as_table()?, Some(target), &mut found)?;
        }
    }
    Some(found)
}

fn sections(table: &Table, target: Option<&str>, found: &mut Vec<DependencyFacts>) -> Option<()> {
    for (key, old_key, kind) in [
        ("dependencies", "dependencies", None),
        ("build-dependencies", "build_dependencies", Some("build")),
        ("dev-dependencies", "dev_dependencies", Some("dev")),
    ] {
        let Some(section) = table.get(key).or_else(|| table.get(old_key)) else { continue };
        for (name, value) in section.as_table()? {
            found.push(dependency(name, value, kind, target)?);
        }
    }
    Some(())
}

fn dependency(key: &str, value: &Value, kind: Option<&str>, target: Option<&str>) -> Option<DependencyFacts> {
    let simple = DependencyFacts {
        name: key.to_owned(),
        rename: None,
        req: String::new(),
        kind: kind.map(str::to_owned),
        target: target.map(str::to_owned),
        optional: false,
        default_features: true,
        features: Vec::new(),
        from: None,
    };
    if let Some(req) = value.as_str() {
        return Some(DependencyFacts { req: req.to_owned(), ..simple });
    }
    let table = value.as_table()?;
    let odd = ["workspace", "artifact", "public"];
    if odd.iter().any(|key| table.contains_key(*key)) {
        return None;
    }
    let flag = |key: &str, old_key: &str, default: bool| match table.get(key).or_else(|| table.get(old_key)) {
        None => Some(default),
        Some(value) => value.as_bool(),
    };
    let package = optional_text(table, "package")?;
    Some(DependencyFacts {
        name: package.unwrap_or(key).to_owned(),
        rename: package.filter(|package| *package != key).map(|_| key.to_owned()),
        req: optional_text(table, "version")?.unwrap_or("*").to_owned(),
        optional: flag("optional", "optional", false)?,
        default_features: flag("default-features", "default_features", true)?,
        features: texts(table.get("features"))?,
        from: from(table)?,
        ..simple
    })
}

/// A version beside a path or a repository is for those who get it from the registry.
#[expect(clippy::option_option, reason = "the public registry and what only cargo understands are told apart")]
fn from(table: &Table) -> Option<Option<From>> {
    if let Some(url) = optional_text(table, "git")? {
        let chosen = ["branch", "tag", "rev"].into_iter().find_map(|key| Some((key, table.get(key)?)));
        let reference = match chosen {
            Some((key, value)) => Some(format!("{key}={}", value.as_str()?)),
            None => None,
        };
        return Some(Some(From::Git { url: url.to_owned(), reference }));
    }
    if let Some(path) = optional_text(table, "path")? {
        return Some(Some(From::Path(path.to_owned())));
    }
    let registry = optional_text(table, "registry-index")?.or(optional_text(table, "registry")?);
    Some(registry.map(|registry| From::Registry(registry.to_owned())))
}

/// An optional dependency is a feature of its name, unless some feature names it as `dep:NAME`.
fn features(written: Option<&Value>, dependencies: &[DependencyFacts]) -> Option<BTreeMap<String, Vec<String>>> {
    let mut features = BTreeMap::new();
    if let Some(written) = written {
        for (name, values) in written.as_table()? {
            features.insert(name.clone(), texts(Some(values))?);
        }
    }
    let named: BTreeSet<String> =
        features.values().flatten().filter_map(|value| value.strip_prefix("dep:")).map(str::to_owned).collect();
    for dependency in dependencies.iter().filter(|dependency| dependency.optional) {
        let key = dependency.rename.as_ref().unwrap_or(&dependency.name);
        if !named.contains(key) {
            features.entry(key.clone()).or_insert_with(|| vec![format!("dep:{key}")]);
        }
    }
    Some(features)
}

struct Targets<'m> {
    name: &'m str,
    edition: &'m str,
    files: &'m BTreeSet<String>,
}

impl Targets<'_> {
    #[expect(clippy::option_option, reason = "no library and one that only cargo understands are told apart")]
    fn library(&self, package: &Table, written: Option<&Value>) -> Option<Option<TargetFacts>> {
        let found = self.files.contains("src/lib.rs");
        let empty = Table::new();
        let table = match written {
            Some(value) => value.as_table()?,
            None if found && package.get("autolib").is_none_or(|auto| auto.as_bool() != Some(false)) => &empty,
            None => return Some(None),
        };
        let path = match optional_text(table, "path")? {
            Some(path) => path,
            None if found => "src/lib.rs",
            None => return None,
        };
        let macro_key = table.get("proc-macro").or_else(|| table.get("proc_macro"));
        let is_macro = macro_key.is_some_and(|value| value.as_bool() == Some(true));
        let types = texts(table.get("crate-type").or_else(|| table.get("crate_type")))?;
        let crate_types = match (is_macro, types.is_empty()) {
            (true, _) => vec!["proc-macro".to_owned()],
            (false, true) => vec!["lib".to_owned()],
            (false, false) => types,
        };
        let name = optional_text(table, "name")?.map_or_else(|| self.name.replace('-', "_"), str::to_owned);
        self.target(table, &name, path, crate_types).map(Some)
    }

    #[expect(clippy::option_option, reason = "no script and one that only cargo understands are told apart")]
    fn build_script(&self, written: Option<&Value>) -> Option<Option<String>> {
        let default = "build.rs".to_owned();
        match written {
            None => Some(self.files.contains("build.rs").then_some(default)),
            Some(Value::Boolean(flag)) => Some(flag.then_some(default)),
            Some(value) => value.as_str().map(|path| Some(path.to_owned())),
        }
    }

    fn binaries(&self, package: &Table, written: Option<&Value>) -> Option<Vec<TargetFacts>> {
        let mut inferred: BTreeMap<&str, &str> = BTreeMap::new();
        for file in self.files {
            let name = match file.strip_prefix("src/bin/") {
                Some(rest) => rest.strip_suffix("/main.rs").or_else(|| rest.strip_suffix(".rs")),
                None => (file == "src/main.rs").then_some(self.name),
            };
            if let Some(name) = name
                && inferred.insert(name, file).is_some()
            {
                return None;
            }
        }
        let empty = Vec::new();
        let written = written.map_or(Some(&empty), Value::as_array)?;
        let automatic = package.get("autobins").map_or(Some(true), Value::as_bool)?;
        let mut binaries = Vec::new();
        for table in written {
            let table = table.as_table()?;
            let name = table.get("name")?.as_str()?;
            let guess = inferred.remove(name);
            let path = optional_text(table, "path")?.or(guess)?;
            binaries.push(self.target(table, name, path, vec!["bin".to_owned()])?);
        }
        if automatic && !written.is_empty() && !inferred.is_empty() {
            // Whether these count depends on the edition and on which files the written ones have.
            return None;
        }
        if automatic {
            for (name, path) in inferred {
                binaries.push(self.target(&Table::new(), name, path, vec!["bin".to_owned()])?);
            }
        }
        Some(binaries)
    }

    fn target(&self, table: &Table, name: &str, path: &str, crate_types: Vec<String>) -> Option<TargetFacts> {
        Some(TargetFacts {
            name: name.to_owned(),
            path: path.to_owned(),
            crate_types,
            edition: optional_text(table, "edition")?.unwrap_or(self.edition).to_owned(),
            required_features: texts(table.get("required-features"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PackageFacts;

    fn read(manifest: &str, files: &[&str]) -> Option<PackageFacts> {
        let files: BTreeSet<String> = files.iter().map(|file| (*file).to_owned()).collect();
        PackageFacts::read(&format!("[package]\nname = \"a-b\"\nversion = \"1.0.0\"\n{manifest}"), &files)
    }

    #[test]
    fn what_is_not_written_is_discovered() {
        let facts = read("", &["src/lib.rs", "build.rs", "src/main.rs", "src/bin/c.rs", "src/bin/d/main.rs"]).unwrap();
        assert_eq!(facts.library.unwrap().name, "a_b");
        assert_eq!(facts.build_script.as_deref(), Some("build.rs"));
        let names: Vec<String> = facts.binaries.unwrap().into_iter().map(|binary| binary.name).collect();
        assert_eq!(names, ["a-b", "c", "d"]);
        assert_eq!(read("build = false", &["build.rs"]).unwrap().build_script, None);
        assert_eq!(read("autolib = false", &["src/lib.rs"]).unwrap().library, None);
    }

    #[test]
    fn an_optional_dependency_is_a_feature_unless_dep_names_it() {
        let facts = read(
            "[dependencies]\nx = { version = \"1\", optional = true }\ny = { version = \"1\", optional = true, package = \"z\" }\n\
             [features]\nf = [\"dep:y\"]",
            &[],
        )
        .unwrap();
        assert_eq!(facts.features["x"], ["dep:x"]);
        assert!(!facts.features.contains_key("y"));
        let renamed = facts.dependencies.iter().find(|dependency| dependency.name == "z").unwrap();
        assert_eq!(renamed.rename.as_deref(), Some("y"));
    }

    #[test]
    fn what_only_cargo_can_judge_is_left_to_it() {
        for manifest in ["edition.workspace = true", "[dependencies.x]\nartifact = \"bin\"", "[lib]"] {
            assert_eq!(read(manifest, &[]), None, "{manifest}");
        }
        let both = read("[[bin]]\nname = \"c\"\npath = \"src/main.rs\"", &["src/main.rs"]).unwrap();
        assert_eq!(both.binaries, None);
    }
}
