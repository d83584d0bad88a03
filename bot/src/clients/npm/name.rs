//! Names of packages and spellings of versions, as far as they become part of a path or an address.

use std::path::{Path, PathBuf};

/// The longest name that the registry takes.
const LONGEST_NAME: usize = 214;

/// The longest spelling of a version that npm reads.
const LONGEST_VERSION: usize = 256;

/// Whether a package of the registry can be called so; <https://docs.npmjs.com/cli/configuring-npm/package-json#name>.
///
/// Old names may have capital letters and more signs than new ones; none leaves its folder or its place in an address.
pub(crate) fn is_package_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!'()*".contains(c);
    let part = |part: &str| !part.is_empty() && part.chars().all(allowed) && !part.starts_with(['.', '_']);
    let (scope, name_part) = match name.strip_prefix('@') {
        Some(scoped) => match scoped.split_once('/') {
            Some((scope, rest)) => (Some(scope), rest),
            None => return false,
        },
        None => (None, name),
    };
    let scope = scope.is_none_or(|scope| !scope.is_empty() && scope.chars().all(allowed) && !scope.starts_with('.'));
    scope && part(name_part) && name.len() <= LONGEST_NAME
}

/// Whether a registry can have a version that is spelled so.
pub(super) fn is_version(version: &str) -> bool {
    version.len() <= LONGEST_VERSION
        && version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || "-.+".contains(c))
}

/// The name as one element of an address: the slash after a scope is escaped, as npm does it.
pub(super) fn escaped(name: &str) -> String {
    name.replace('/', "%2f")
}

/// A folder below `folder` for what belongs to a package: the scope is a folder of its own.
pub(super) fn folder(folder: &Path, name: &str) -> PathBuf {
    name.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

#[cfg(test)]
mod tests {
    use super::{escaped, is_package_name, is_version};

    #[test]
    fn names_are_those_of_the_registry_and_stay_in_their_place() {
        for good in ["svgo", "@angular/cli", "JSONStream", "a.b", "a_b~c", "@a/b", "0", "@_a/b"] {
            assert!(is_package_name(good), "{good}");
        }
        for bad in
            ["", ".", "..", "a/b", "@a", "@a/", "@/b", "@a/b/c", "@../b", "a b", "_a", "a\n", "ä", "a%2fb", "a?b"]
        {
            assert!(!is_package_name(bad), "{bad}");
        }
        assert!(!is_package_name(&"a".repeat(215)));
        assert_eq!(escaped("@a/b"), "@a%2fb");
    }

    #[test]
    fn versions_stay_in_their_place() {
        for good in ["1.0.0", "1.0.0-rc.1+x", "v1", "1.0.0-0.3.7"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", ".", "../1", "1/2", "1.0.0 ", "-1", "1?"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
