//! npm releases: specs, packuments, version choice, npm's ideal tree, and lockfiles.

pub mod catalog;
mod collate;
mod json;
mod manifest;
pub mod packument;
mod pick;
mod semver;
mod spec;
