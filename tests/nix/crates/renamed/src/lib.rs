//! Rule: a dependency is known by the name that the manifest gives it, and two versions of a crate are two crates.

/// The major versions of both.
pub fn majors() -> (u32, u32) {
    (leaf_old::major(), leaf_new::major())
}
