//! From a plan to the files of the overlay: a pure function of configuration, plan and templates.

mod files;
pub mod graph_json;
mod nix_string;
mod previous;

pub use files::{Files, PackageSet, RenderError, common_files, has_marker, package_files};
pub use nix_string::{NotNixText, nix_string};
pub use previous::PublishedGraph;
