//! Versions of Go: `1.21`, `1.21rc2`, `1.22.3`, as `internal/gover` orders them.

use std::cmp::Ordering;

use super::semver::{compare_numbers, cut_number};

/// The go line that a go.mod without one has.
pub const DEFAULT_MOD: &str = "1.16";
/// The go line that a go.work without one has.
pub const DEFAULT_WORK: &str = "1.18";
/// From here on a go.mod names all that its packages need, so that the rest of its graph can be pruned.
pub const PRUNING: &str = "1.17";
/// From here on a go line is a requirement: no module may need a newer Go than the main module.
pub const STRICT: &str = "1.21";

/// The parts of a version of Go, as text; all of them empty if it is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Parts<'a> {
    major: &'a str,
    minor: &'a str,
    patch: &'a str,
    kind: &'a str,
    prerelease: &'a str,
}

fn parse(version: &str) -> Parts<'_> {
    parts(version).unwrap_or_default()
}

fn parts(version: &str) -> Option<Parts<'_>> {
    let (major, rest) = cut_number(version)?;
    let mut parts = Parts { major, minor: "0", patch: "0", ..Parts::default() };
    if rest.is_empty() {
        return Some(parts);
    }
    let (minor, rest) = cut_number(rest.strip_prefix('.')?)?;
    parts.minor = minor;
    // Since 1.21 the language version is lower than the first release.
    parts.patch = "";
    if rest.is_empty() {
        if compare_numbers(minor, "21").is_lt() {
            parts.patch = "0";
        }
        return Some(parts);
    }
    if let Some(rest) = rest.strip_prefix('.') {
        let (patch, rest) = cut_number(rest)?;
        parts.patch = patch;
        return rest.is_empty().then_some(parts);
    }
    let end = rest.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(rest.len());
    let (kind, rest) = rest.split_at(end);
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    parts.kind = kind;
    if rest.is_empty() {
        return Some(parts);
    }
    let (prerelease, rest) = cut_number(rest)?;
    parts.prerelease = prerelease;
    rest.is_empty().then_some(parts)
}

/// The order of versions of Go; what is none is lower than any that is.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (parse(left), parse(right));
    compare_numbers(left.major, right.major)
        .then_with(|| compare_numbers(left.minor, right.minor))
        .then_with(|| compare_numbers(left.patch, right.patch))
        .then_with(|| left.kind.cmp(right.kind))
        .then_with(|| compare_numbers(left.prerelease, right.prerelease))
}

/// Whether it is a version of Go.
pub fn is_valid(version: &str) -> bool {
    parts(version).is_some()
}

/// The version of Go of a toolchain: `1.22.3` of `go1.22.3-custom`; a version stays what it is; empty if it is neither.
///
/// As cmd/go's `maybeToolchainVersion`.
pub fn of_toolchain(name: &str) -> &str {
    if is_valid(name) {
        return name;
    }
    if name.contains(['\\', '/']) {
        return "";
    }
    let Some(version) = name.strip_prefix("go") else { return "" };
    let version = version.split([' ', '\t', '-']).next().unwrap_or_default();
    if is_valid(version) { version } else { "" }
}

/// The version of the language that a version of Go speaks: `1.22` of `1.22.3`; empty if it is none.
pub fn language(version: &str) -> String {
    let parts = parse(version);
    if parts.minor.is_empty() || parts.major == "1" && parts.minor == "0" {
        return parts.major.to_owned();
    }
    format!("{}.{}", parts.major, parts.minor)
}

/// Whether a module with this go line names in its go.mod all that its packages need.
pub fn prunes(go: Option<&str>) -> bool {
    go.is_some_and(|go| compare(go, PRUNING).is_ge())
}
