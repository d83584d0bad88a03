//! See the build script.

pub use native::{file, number};
