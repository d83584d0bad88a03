//! Rule: what a build script generates is compiled in, and lasts.

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

/// Where more was generated: whoever asks while building finds it there.
pub const FOLDER: &str = env!("OUT_DIR");
/// This file, as messages name it.
pub const FILE: &str = file!();
/// The source that comes with the crate.
pub const SOURCE: &str = env!("CARGO_MANIFEST_DIR");
