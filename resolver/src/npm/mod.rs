//! npm releases: specs, packuments, version choice, npm's ideal tree, and lockfiles.

pub mod catalog;
mod collate;
mod error;
mod explain;
mod flags;
mod graph;
mod ideal;
mod json;
mod lock_write;
pub mod lockfiles;
mod manifest;
pub mod packument;
mod pick;
pub mod platform;
mod prefetch;
mod semver;
mod spec;
