//! npm releases: specs, packuments, version choice, npm's ideal tree, and lockfiles.

pub mod catalog;
pub mod packument;
