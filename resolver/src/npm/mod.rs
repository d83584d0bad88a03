//! npm releases: specs, packuments, version choice, npm's ideal tree, and lockfiles.

pub mod catalog;
mod collate;
mod json;
pub mod lockfiles;
mod manifest;
pub mod packument;
mod pick;
pub mod platform;
mod semver;
mod spec;
