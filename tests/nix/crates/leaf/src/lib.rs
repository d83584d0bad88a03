//! The first of two versions of one crate.

/// The major version.
pub fn major() -> u32 {
    1
}
