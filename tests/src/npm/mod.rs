//! npm itself as judge of our resolver: a fake registry, universes of packages, and the two answers side by side.

pub mod cases;
pub mod generator;
pub mod judge;
pub mod registry;
pub mod release;
pub mod universe;
