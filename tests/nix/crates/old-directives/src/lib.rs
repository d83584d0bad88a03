//! Rule: every `cargo:` directive that counts for a library.

#[cfg(not(plain))]
compile_error!("rustc-cfg was not heeded");
#[cfg(not(valued = "a b"))]
compile_error!("rustc-cfg with a value was not heeded");

/// What the build script said.
pub const TOLD: &str = env!("TOLD_BY_SCRIPT");
