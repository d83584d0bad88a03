//! Words, said aloud with the feature `loud`.

/// The greeting.
pub fn hello() -> &'static str {
    if cfg!(feature = "loud") { "HELLO" } else { "hello" }
}
