//! From a plan to the files of the overlay: a pure function of configuration, plan and templates.

pub mod cargo;
mod files;
pub mod go;
mod meta;
mod nix_string;
pub mod npm;
mod previous;

use nixwright_resolver::plan::Commit;
use serde_json::{Value, json};

pub use files::{Files, PackageSet, RenderError, Settings, common_files, has_marker, package_files};
pub use nix_string::{NotNixText, nix_string};
pub use previous::PublishedGraph;

/// The marker without which a file is never overwritten.
pub const GENERATED: &str = "by nixwright; edits are overwritten, put yours in overrides.nix";

/// A commit as the builders fetch it, and the version that its tag, which the package URL has, stands for.
fn commit_row(commit: &Commit, version: &str) -> Value {
    let mut row = json!({ "version": version, "git": commit.url, "rev": commit.id, "h": commit.hash });
    if !commit.folder.is_empty() {
        row["at"] = commit.folder.as_str().into();
    }
    row
}
