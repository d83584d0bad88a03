//! See the build script.

#[cfg(plain)]
compile_error!("a dependency's rustc-cfg is its own");

/// Another crate's rustc-env is its own.
pub const TOLD: Option<&str> = option_env!("TOLD_BY_SCRIPT");
