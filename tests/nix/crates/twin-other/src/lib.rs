//! Rule: two crates of the same name and version, from two sources, are two crates.

/// Which of them it is.
pub fn which() -> &'static str {
    "other"
}
