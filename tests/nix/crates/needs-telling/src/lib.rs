//! Rule: environment, flags, features and patches of one crate, by overrides.

#[cfg(not(flagged))]
compile_error!("rustflags were not heeded");
#[cfg(not(feature = "extra"))]
compile_error!("features were not heeded");

/// What the environment said.
pub const TOLD: &str = env!("TELLING");
/// What a patch changes.
pub const PATCHED: bool = false;
