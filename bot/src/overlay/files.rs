//! The files of the overlay, from templates that are compiled in.

use std::collections::BTreeMap;

use askama::Template;
use include_dir::{Dir, include_dir};
use nixwright_resolver::plan::Plan;

use super::graph_json::{self, Lto};
use super::nix_string::{NotNixText, nix_string};
use crate::model::{AttrPath, Strategy, System};

static OVERLAY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates/overlay");
static HOST_PACKAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates/hostpkgs");

/// Paths within the overlay repository, with contents.
pub type Files = BTreeMap<String, Vec<u8>>;

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

#[derive(Template)]
#[template(path = "overlay/packages/package.nix.askama", escape = "none")]
struct PackageNix {
    pname: String,
    version: String,
    strategy: String,
    rust_version: Option<String>,
    license_spdx: Vec<String>,
    description: Option<String>,
    homepage: Option<String>,
    changelog: Option<String>,
    main_program: Option<String>,
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
pub fn package_files(attr: &AttrPath, plan: &Plan, strategy: Strategy, lto: Lto<'_>) -> Result<Files, RenderError> {
    let folder = format!("packages/{attr}");
    let mut files = Files::new();
    files.insert(format!("{folder}/package.nix"), with_final_newline(package_nix(plan, strategy)?.render()?));
    files.insert(format!("{folder}/graph.json"), graph_json::render(plan, lto).into_bytes());
    if let Some(lock) = &plan.graph.lock {
        files.insert(format!("{folder}/Cargo.lock"), lock.clone().into_bytes());
    }
    Ok(files)
}

fn package_nix(plan: &Plan, strategy: Strategy) -> Result<PackageNix, RenderError> {
    let literal = |field: &'static str, text: &str| {
        let package = format!("{} {}", plan.name, plan.version);
        nix_string(text).map_err(|source| RenderError::Text { field, package, source })
    };
    let optional = |field: &'static str, text: Option<&str>| text.map(|text| literal(field, text)).transpose();
    let metadata = &plan.metadata;
    let homepage = metadata.homepage.as_deref().or(metadata.repository.as_deref()).filter(|url| is_web(url));
    let one_line = metadata.description.as_deref().map(one_line);
    Ok(PackageNix {
        pname: literal("the name", &plan.name)?,
        version: literal("the version", &plan.version)?,
        strategy: literal("the strategy", strategy.as_str())?,
        rust_version: optional("the rust-version", metadata.rust_version.as_deref())?,
        license_spdx: licenses(metadata.license.as_deref().unwrap_or_default())
            .iter()
            .map(|id| literal("the licence", id))
            .collect::<Result<_, _>>()?,
        description: optional("the description", one_line.as_deref())?,
        homepage: optional("the homepage", homepage)?,
        changelog: optional("the changelog", changelog(plan).as_deref())?,
        main_program: optional("the program", main_program(plan))?,
    })
}

/// nixpkgs' rule for descriptions: one line, no full stop at the end.
fn one_line(description: &str) -> String {
    let words: Vec<&str> = description.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Where a repository on GitHub has its releases; elsewhere nobody knows.
fn changelog(plan: &Plan) -> Option<String> {
    let repository = plan.metadata.repository.as_deref()?;
    let path = repository.strip_prefix("https://github.com/")?.trim_end_matches('/');
    let mut parts = path.split('/');
    let (owner, name) = (parts.next()?, parts.next()?.trim_end_matches(".git"));
    Some(format!("https://github.com/{owner}/{name}/releases"))
}

/// The only binary, or the one that is called like the package.
fn main_program(plan: &Plan) -> Option<&str> {
    let binaries = plan.binaries();
    if binaries.len() == 1 {
        return binaries.first().copied();
    }
    binaries.get(plan.name.as_str()).copied()
}

/// The SPDX ids of an expression; none if it is not one.
fn licenses(expression: &str) -> Vec<String> {
    let Ok(expression) = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX) else { return Vec::new() };
    let mut ids: Vec<String> = expression
        .requirements()
        .filter_map(|requirement| requirement.req.license.id().map(|id| id.name.to_owned()))
        .collect();
    ids.sort();
    ids.dedup();
    ids
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
    use super::{PackageSet, common_files, has_marker, licenses};
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

    #[test]
    fn licences_are_spdx_ids_or_nothing() {
        assert_eq!(licenses("MIT OR Apache-2.0"), ["Apache-2.0", "MIT"]);
        assert_eq!(licenses("(MIT OR Apache-2.0) AND Unicode-3.0"), ["Apache-2.0", "MIT", "Unicode-3.0"]);
        assert!(licenses("ask us").is_empty());
    }
}
