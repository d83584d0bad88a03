//! The second of two versions of one crate.

/// The major version.
pub fn major() -> u32 {
    2
}
