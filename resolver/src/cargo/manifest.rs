//! A crate's manifest, reduced to what decides the graph.
//!
//! Cargo inside an upstream tree runs what that tree names, so it never sees one. What is dropped here: tests, examples
//! and benches (their files are not there), everything that points out of the folder (`workspace`, `path`), and tables
//! that change how cargo itself works.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::archive::CrateTexts;
use crate::error::ResolveError;
use crate::plan::cargo::Profile;

/// Whose manifest it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The crate that is resolved: it becomes a workspace of its own, so that cargo looks for none above it.
    Root,
    /// A package of the project that is resolved, the one in the folder of the workspace's root or another.
    Project {
        /// Whether it is the one in the workspace's folder.
        is_root: bool,
    },
    /// A package of a repository, where a path means another of the same commit.
    Repository,
    /// A crate of a registry.
    Registry,
}

/// A manifest that cargo may see, and the target files that have to exist beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReducedManifest {
    /// TOML.
    pub(super) manifest: String,
    /// Paths relative to the manifest.
    pub(super) target_files: BTreeSet<String>,
}

/// Reduces the manifest of the crate called `label` in messages.
///
/// # Errors
/// When it is not TOML or has no `[package]`.
pub(super) fn reduce_manifest(label: &str, texts: &CrateTexts, place: Place) -> Result<ReducedManifest, ResolveError> {
    let mut manifest = parse(label, &texts.manifest)?;
    let is_project = matches!(place, Place::Project { .. });
    let package = manifest
        .get_mut("package")
        .and_then(Value::as_table_mut)
        .ok_or_else(|| invalid(label, "there is no [package]"))?;
    if !is_project {
        package.remove("workspace");
    }
    for key in ["autotests", "autoexamples", "autobenches"] {
        package.insert(key.to_owned(), false.into());
    }
    let build = package.get("build").and_then(Value::as_str).map(str::to_owned);
    for key in ["test", "example", "bench", "lints", "badges"] {
        manifest.remove(key);
    }
    if place != (Place::Project { is_root: true }) {
        for key in ["patch", "replace", "workspace"] {
            manifest.remove(key);
        }
    }
    if matches!(place, Place::Registry | Place::Repository) {
        manifest.remove("profile");
    }
    let mut target_files = texts.target_files.clone();
    target_files.extend(build);
    for key in ["lib", "bin"] {
        target_files.extend(declared_paths(manifest.get(key)));
    }
    if let Some(path) = target_files.iter().find(|path| !stays_inside(path)) {
        return Err(invalid(label, format!("the target file {path:?} is outside the package")));
    }
    if matches!(place, Place::Registry | Place::Root) {
        without_paths(&mut manifest);
    }
    if place == Place::Root {
        manifest.insert("workspace".to_owned(), Value::Table(Table::new()));
    }
    let manifest = toml::to_string(&manifest).map_err(|error| invalid(label, error.to_string()))?;
    Ok(ReducedManifest { manifest, target_files })
}

/// What a root's manifest decides beside the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootManifest {
    /// The root's `[profile.release]`, as far as it changes the result.
    pub(super) profile: Profile,
    /// `package.rust-version`, as it is written.
    pub(super) rust_version: Option<String>,
    /// `workspace.resolver`, else `package.resolver`, as it is written.
    pub(super) resolver: Option<String>,
    /// Whether it is a workspace without a package of its own.
    pub(super) is_virtual: bool,
}

impl RootManifest {
    /// # Errors
    /// When the manifest is not TOML.
    pub(super) fn read(label: &str, manifest: &str) -> Result<Self, ResolveError> {
        let manifest = parse(label, manifest)?;
        let written = |table: &str| manifest.get(table).and_then(|table| table.get("resolver")).and_then(Value::as_str);
        let resolver = written("workspace").or_else(|| written("package"));
        Ok(Self {
            profile: profile(&manifest),
            rust_version: rust_version(&manifest),
            resolver: resolver.map(str::to_owned),
            is_virtual: !manifest.contains_key("package") && !manifest.contains_key("project"),
        })
    }
}

/// `package.rust-version` as it is written there (`1.85`), which is what cargo exports; guppy completes it.
pub(super) fn rust_version(manifest: &Table) -> Option<String> {
    manifest.get("package")?.get("rust-version")?.as_str().map(str::to_owned)
}

fn profile(manifest: &Table) -> Profile {
    let Some(release) = manifest.get("profile").and_then(|profiles| profiles.get("release")).and_then(Value::as_table)
    else {
        return Profile::default();
    };
    let text = |key: &str| {
        release.get(key).and_then(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Boolean(flag) => Some(flag.to_string()),
            _ => None,
        })
    };
    let flag = |key: &str| release.get(key).and_then(Value::as_bool);
    Profile {
        opt_level: text("opt-level"),
        lto: text("lto"),
        codegen_units: release.get("codegen-units").and_then(Value::as_integer).and_then(|n| u32::try_from(n).ok()),
        panic: text("panic"),
        strip: text("strip"),
        debug: text("debug"),
        overflow_checks: flag("overflow-checks"),
        debug_assertions: flag("debug-assertions"),
    }
}

fn parse(label: &str, manifest: &str) -> Result<Table, ResolveError> {
    manifest.parse().map_err(|error: toml::de::Error| invalid(label, error.message()))
}

fn invalid(label: &str, reason: impl Into<String>) -> ResolveError {
    ResolveError::Manifest { package: label.to_owned(), reason: reason.into() }
}

fn declared_paths(targets: Option<&Value>) -> Vec<String> {
    let tables = match targets {
        Some(Value::Table(table)) => vec![table],
        Some(Value::Array(array)) => array.iter().filter_map(Value::as_table).collect(),
        _ => Vec::new(),
    };
    tables.into_iter().filter_map(|table| table.get("path")?.as_str()).map(str::to_owned).collect()
}

/// Target files become real files in a folder of ours, so a path of upstream's must not lead out of it.
fn stays_inside(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains(['\\', '\0'])
}

/// Published crates depend on registry versions only; a `path` left over would make cargo look for a folder.
fn without_paths(table: &mut Table) {
    for (key, value) in table.iter_mut() {
        let Some(section) = value.as_table_mut() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" | "dev_dependencies" | "build_dependencies" => {
                for dependency in section.iter_mut().filter_map(|(_, value)| value.as_table_mut()) {
                    dependency.remove("path");
                }
            }
            "target" => section.iter_mut().filter_map(|(_, value)| value.as_table_mut()).for_each(without_paths),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CrateTexts, Place, RootManifest, reduce_manifest};

    fn texts(manifest: &str) -> CrateTexts {
        CrateTexts { manifest: manifest.to_owned(), ..CrateTexts::default() }
    }

    #[test]
    fn what_points_out_of_the_folder_is_gone() {
        let reduced = reduce_manifest(
            "a 1.0.0",
            &texts(
                "[package]\nname = \"a\"\nversion = \"1.0.0\"\nworkspace = \"../..\"\n[[bin]]\nname = \"b\"\npath = \"src/b.rs\"\n\
                 [dependencies.d]\nversion = \"1\"\npath = \"../d\"\n\
                 [target.'cfg(unix)'.dependencies.e]\nversion = \"1\"\npath = \"../e\"\n[patch.x.y]\npath = \"../y\"\n",
            ),
            Place::Root,
        )
        .unwrap();
        assert_eq!(Vec::from_iter(reduced.target_files), ["src/b.rs"]);
        for gone in ["../", "patch"] {
            assert!(!reduced.manifest.contains(gone), "{gone}: {}", reduced.manifest);
        }
    }

    #[test]
    fn a_target_file_outside_the_package_is_refused() {
        for targets in ["[package]\nbuild = \"../evil.rs\"", "[package]\n[lib]\npath = \"/etc/x.rs\""] {
            let message = reduce_manifest("a 1.0.0", &texts(targets), Place::Registry).unwrap_err().to_string();
            assert!(message.ends_with("is outside the package"), "{message}");
        }
    }

    #[test]
    fn the_profile_keeps_what_changes_the_result() {
        let text = "[profile.release]\nlto = true\npanic = \"abort\"\ncodegen-units = 1\nopt-level = \"z\"\ndebug = 1";
        let profile = RootManifest::read("a 1.0.0", text).unwrap().profile;
        assert_eq!(profile.lto.as_deref(), Some("true"));
        assert_eq!(profile.panic.as_deref(), Some("abort"));
        assert_eq!(profile.codegen_units, Some(1));
        assert_eq!(profile.opt_level.as_deref(), Some("z"));
        assert_eq!(profile.debug.as_deref(), Some("1"));
    }

    #[test]
    fn a_manifest_without_a_package_is_named() {
        let message = reduce_manifest("a 1.0.0", &texts("[workspace]"), Place::Registry).unwrap_err().to_string();
        assert_eq!(message, "Cargo.toml of a 1.0.0: there is no [package]");
    }
}
