//! The files of the overlay, from templates that are compiled in.

use std::collections::BTreeMap;

use askama::Template;
use include_dir::{Dir, include_dir};
use nixwright_resolver::plan::{Graph, Plan};

use super::cargo::{self, Lto};
use super::nix_string::{NotNixText, nix_string};
use super::{go, npm};
use crate::config::NativeInputs;
use crate::model::{AttrPath, Strategy, System};

static OVERLAY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates/overlay");
static HOST_PACKAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates/hostpkgs");

/// Paths within the overlay repository, with contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a package's configuration changes in its files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Link-time optimisation of a Rust program.
    pub lto: Lto<'a>,
    /// What crates of a Rust program need beyond Rust, by name, as the configuration has it.
    pub native: Option<&'a BTreeMap<String, NativeInputs>>,
    /// Further arguments of the linker of a Go program, in the form of `go build -ldflags`.
    pub ldflags: &'a [String],
    /// How many folders above that of the package the workspace is that it is a member of, for a Rust project on disk.
    pub workspace_above: usize,
}

/// Where `pkgs` comes from.
#[derive(Debug, Clone, Copy)]
pub enum PackageSet<'a> {
    /// The host's toolchains; the content of `hostpkgs/toolchain.json`.
    Host(&'a str),
    /// A flake reference of nixpkgs.
    Nixpkgs(&'a str),
}

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Upstream's text has something that Nix cannot hold.
    #[error("{field} of {package}: {source}")]
    Text {
        /// Which field.
        field: &'static str,
        /// Name and version.
        package: String,
        /// What it has.
        source: NotNixText,
    },
    /// A source has no hash that Nix can check.
    #[error(
        "{package}: {entry} has the integrity `{integrity}`, and Nix checks only sha512, sha256 and sha1: \
         it cannot be built without one of these"
    )]
    Integrity {
        /// Name and version.
        package: String,
        /// Name, version and place of the entry.
        entry: String,
        /// What is known of it.
        integrity: String,
    },
    /// A folder that is not part of what is packaged.
    #[error("{package}: {path} lies outside of the project, and only what is in its folder can be packaged")]
    Outside {
        /// Name and version.
        package: String,
        /// Where it lies.
        path: String,
    },
    /// A name or a flag that cannot stand in a list of lines, which is how the builders hand it on.
    #[error(
        "{package}: {text} has a line break or another control character, which the builders cannot hand on; look at what \
         upstream means by it"
    )]
    NoLine {
        /// Name and version.
        package: String,
        /// The text, escaped.
        text: String,
    },
    /// A module whose packages are compiled, and no files of it.
    #[error("{package}: the plan does not say where the files of {module} come from; resolve the release again")]
    NoSource {
        /// Name and version.
        package: String,
        /// The module's path.
        module: String,
    },
    /// A template failed.
    #[error("a template cannot be rendered: {0}")]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "overlay/flake.nix.askama", escape = "none")]
struct Flake<'a> {
    build_systems: &'a [System],
    host_pkgs: bool,
    nixpkgs_url: String,
}

/// The files that all packages share: flake, builders, documentation, and the host's package set if it is used.
///
/// # Errors
/// When the flake reference of nixpkgs has a NUL byte.
pub fn common_files(build_systems: &[System], packages: PackageSet<'_>) -> Result<Files, RenderError> {
    let mut files = Files::new();
    add_folder(&mut files, "", &OVERLAY);
    let (host_pkgs, nixpkgs) = match packages {
        PackageSet::Host(toolchain) => {
            add_folder(&mut files, "hostpkgs/", &HOST_PACKAGES);
            files.insert("hostpkgs/toolchain.json".to_owned(), toolchain.as_bytes().to_vec());
            (true, "")
        }
        PackageSet::Nixpkgs(url) => (false, url),
    };
    let literal = nix_string(nixpkgs).map_err(|source| RenderError::Text {
        field: "the reference",
        package: "nixpkgs".to_owned(),
        source,
    })?;
    let nixpkgs_url = literal.trim_matches('"').to_owned();
    let flake = Flake { build_systems, host_pkgs, nixpkgs_url }.render()?;
    files.insert("flake.nix".to_owned(), with_final_newline(flake));
    Ok(files)
}

fn add_folder(files: &mut Files, prefix: &str, folder: &Dir<'_>) {
    for file in folder.files() {
        let is_template = file.path().extension().is_some_and(|extension| extension == "askama");
        if !is_template && let Some(path) = file.path().to_str() {
            files.insert(format!("{prefix}{path}"), file.contents().to_vec());
        }
    }
    for child in folder.dirs() {
        add_folder(files, prefix, child);
    }
}

/// The files of one package.
///
/// # Errors
/// When upstream's text cannot be written to Nix.
pub fn package_files(
    attr: &AttrPath,
    plan: &Plan,
    strategy: Strategy,
    settings: Settings<'_>,
) -> Result<Files, RenderError> {
    let files = match &plan.graph {
        Graph::Cargo(graph) => cargo::files(plan, graph, strategy, settings)?,
        Graph::Go(graph) => go::files(plan, graph, strategy, settings.ldflags)?,
        Graph::Npm(graph) => npm::files(plan, graph)?,
    };
    Ok(files.into_iter().map(|(name, content)| (format!("packages/{attr}/{name}"), content.into_bytes())).collect())
}

fn with_final_newline(mut text: String) -> Vec<u8> {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.into_bytes()
}

/// Whether the bot wrote this file: then it may write it again.
pub fn has_marker(content: &[u8]) -> bool {
    let head = String::from_utf8_lossy(content.get(..400.min(content.len())).unwrap_or_default());
    head.contains("Generated by nixwright") || head.contains("\"_generated\"") || head.contains("@generated by Cargo")
}

#[cfg(test)]
mod tests {
    use super::{PackageSet, common_files, has_marker};
    use crate::model::System;

    #[test]
    fn every_common_file_carries_the_marker_and_no_template_is_left() {
        let files = common_files(&[System::current()], PackageSet::Host("{\n\"_generated\": \"x\"}")).unwrap();
        assert!(files.contains_key("lib/registries.nix"));
        for (path, content) in &files {
            assert!(has_marker(content), "{path} has no marker");
            assert!(!path.contains("askama"), "{path}");
        }
    }

    #[test]
    fn a_persons_file_has_no_marker() {
        assert!(!has_marker(b"{ pkgs }: { }"));
    }
}
