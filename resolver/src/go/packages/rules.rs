//! Who may import what (`disallowInternal`, `disallowVendor` and the checks of `importFromModules` in cmd/go).

use crate::go::paths::check_import;

/// Whether `path` is `prefix` or below it.
pub(super) fn is_within(path: &str, prefix: &str) -> bool {
    prefix.is_empty() || path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path whose first element has no dot: only the standard library has such.
pub(in crate::go) fn is_standard_path(path: &str) -> bool {
    !path.split_once('/').map_or(path, |(first, _)| first).contains('.')
}

/// What is wrong with an import path, whatever modules there are.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    if path.contains('@') {
        return Err("an import path has no @version".to_owned());
    }
    if matches!(path, "." | "..") || path.starts_with("./") || path.starts_with("../") {
        return Err("relative imports are not supported in modules".to_owned());
    }
    if path.starts_with('/') || matches!(path, "std" | "cmd" | "tool" | "work" | "all") || path.starts_with("mod/") {
        return Err("this is not a package path".to_owned());
    }
    check_import(path).map_err(|error| error.to_string())?;
    let last = path.rsplit_once('/').map_or(path, |(_, last)| last);
    if is_safe_argument(path) && is_safe_argument(last) { Ok(()) } else { Err("invalid import path".to_owned()) }
}

/// Whether a name can be handed to a tool without looking like an option.
pub(super) fn is_safe_argument(name: &str) -> bool {
    name.starts_with(|first: char| {
        first.is_ascii_alphanumeric() || matches!(first, '.' | '_' | '/') || !first.is_ascii()
    })
}

/// What an import path says of who may import it. It is looked at once: most packages are imported by many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    /// Where its last element `internal` begins.
    internal: Option<usize>,
    /// Where that begins which is to be written in its place.
    vendored: Option<usize>,
}

impl Guard {
    pub(super) fn new(path: &str) -> Self {
        Self { internal: internal(path), vendored: without_vendor(path).map(|rest| path.len() - rest.len()) }
    }

    /// Whether `importer` may import `path`, as far as folders named `internal` say. Both are in the standard library, or `path` is in a
    /// module.
    pub(super) fn lets_in(self, path: &str, standard: bool, importer: &str, importer_standard: bool) -> bool {
        let Some(start) = self.internal else { return true };
        if standard && is_within(importer, "crypto") && is_within(path, "crypto/internal/fips140") {
            return true;
        }
        if standard && is_within(importer, "crypto/internal/fips140") {
            return is_within(path, "crypto/internal");
        }
        let parent = path.get(..start.saturating_sub(1)).unwrap_or_default();
        (!standard || importer_standard) && is_within(importer, parent)
    }

    /// What must be written in place of a path through a folder named `vendor`.
    pub(super) fn other_name(self, path: &str) -> Option<&str> {
        path.get(self.vendored?..)
    }
}

/// Where the last element `internal` begins.
fn internal(path: &str) -> Option<usize> {
    if path == "internal" || path.ends_with("/internal") {
        return Some(path.len() - "internal".len());
    }
    let last = path.rfind("/internal/").map(|slash| slash + 1);
    last.or_else(|| path.starts_with("internal/").then_some(0))
}

fn without_vendor(path: &str) -> Option<&str> {
    let last = path.rfind("/vendor/").and_then(|slash| path.get(slash + "/vendor/".len()..));
    last.or_else(|| path.strip_prefix("vendor/"))
}

/// Whether a part of a folder's path is one that patterns pass over.
pub(super) fn is_hidden(dir: &str) -> bool {
    dir.split('/').any(|part| part.starts_with(['.', '_']) || part == "testdata")
}

/// Whether `./...` passes over a folder of a module: hidden ones, `testdata`, what is below a `vendor` folder.
pub(in crate::go) fn is_passed_over(dir: &str) -> bool {
    let above = dir.rsplit_once('/').map_or("", |(above, _)| above);
    is_hidden(dir) || above.split('/').any(|part| part == "vendor")
}

/// Whether an `ignore` line of go.mod takes a folder out of `./...`: `./x` only that at the root, `x` each of that name.
pub(in crate::go) fn is_ignored(dir: &str, patterns: &[String]) -> bool {
    if dir.is_empty() {
        return false;
    }
    let whole = slashed(dir);
    patterns.iter().any(|pattern| match pattern.strip_prefix("./") {
        Some(relative) => whole.starts_with(&slashed(relative)),
        None => whole.contains(&slashed(pattern)),
    })
}

fn slashed(path: &str) -> String {
    format!("/{}/", path.strip_prefix('/').unwrap_or(path).strip_suffix('/').unwrap_or(path))
}

/// The name of the program that is made of a main package: the last element of its path, or the one before a major version.
pub(super) fn program_name(path: &str) -> &str {
    let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
    let digits = last.strip_prefix('v').unwrap_or_default();
    let major = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !major || digits.starts_with('0') || digits == "1" || above.is_empty() {
        return last;
    }
    above.rsplit_once('/').map_or(above, |(_, name)| name)
}
