//! Go itself as judge of our resolver: a proxy of files, universes of modules, and the two answers side by side.

pub mod cases;
pub mod generator;
pub mod judge;
pub mod program;
pub mod proxy;
pub mod universe;
