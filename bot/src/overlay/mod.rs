//! From a plan to the files of the overlay: a pure function of configuration, plan and templates.

pub mod cargo;
mod files;
pub mod go;
mod meta;
mod nix_string;
pub mod npm;
mod previous;

pub use files::{Files, PackageSet, RenderError, Settings, common_files, has_marker, package_files};
pub use nix_string::{NotNixText, nix_string};
pub use previous::PublishedGraph;

/// The marker without which a file is never overwritten.
pub const GENERATED: &str = "by nixwright; edits are overwritten, put yours in overrides.nix";
