//! From a plan to the files of the overlay: a pure function of configuration, plan and templates.

pub mod graph_json;
mod nix_string;

pub use nix_string::{NotNixText, nix_string};
