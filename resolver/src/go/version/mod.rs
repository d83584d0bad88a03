//! Versions as Go has them: of modules ([`semver`], [`pseudo`]) and of Go itself ([`gover`]).

pub mod gover;
pub mod pseudo;
pub mod semver;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

/// The order of two versions of the module `path`: `go` and `toolchain` are modules to cmd/go, with versions of their own kind.
///
/// As cmd/go's `gover.ModCompare`.
pub fn compare(path: &str, left: &str, right: &str) -> Ordering {
    match path {
        "go" => gover::compare(left, right),
        "toolchain" => gover::compare(gover::of_toolchain(left), gover::of_toolchain(right)),
        _ => semver::compare(left, right),
    }
}

/// Whether `path` names the language or the toolchain instead of a module.
pub fn is_toolchain(path: &str) -> bool {
    path == "go" || path == "toolchain"
}
