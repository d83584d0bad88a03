//! Which files of a package's folder are copied.

use std::collections::BTreeSet;

use crate::go::constraint::header_constraint;
use crate::go::facts::Folder;
use crate::go::version::gover;

/// From here on go.mod and go.sum of what is vendored are left out: they made their folders look like modules.
const WITHOUT_GO_MOD: &str = "1.17";

/// How the names of files begin that are copied from the folders above a package too, up to its module's root.
const METADATA: [&str; 9] =
    ["AUTHORS", "CONTRIBUTORS", "COPYLEFT", "COPYING", "COPYRIGHT", "LEGAL", "LICENSE", "NOTICE", "PATENTS"];

/// Whether a regular file of a package's folder is copied. `go` is the go line that counts ([`BuildList::go`]). What `//go:embed` lines
/// match is copied beside these.
///
/// As cmd/go's `matchPotentialSourceFile`.
///
/// [`BuildList::go`]: crate::go::graph::BuildList::go
pub fn is_copied(name: &str, content: &[u8], go: &str) -> bool {
    if name.ends_with("_test.go") {
        return false;
    }
    if matches!(name, "go.mod" | "go.sum") {
        return gover::compare(go, WITHOUT_GO_MOD).is_lt();
    }
    name.rsplit_once('.').is_none_or(|(_, ending)| ending != "go")
        || header_constraint(content).is_ok_and(|constraint| constraint.may_hold())
}

/// Whether a regular file in a folder above a package, in its module, is copied.
pub fn is_metadata(name: &str) -> bool {
    METADATA.iter().any(|start| name.starts_with(start))
}

/// The files that `//go:embed` lines of a package's folder match, relative to it, in whatever file the lines are. Those of its tests,
/// which Go copies where the go line is below 1.22, are left out.
///
/// # Errors
///
/// What Go says of a pattern that cannot be embedded.
pub fn embedded<'a>(folder: &'a Folder<&'a str>) -> Result<BTreeSet<&'a str>, &'a str> {
    let mut files = BTreeSet::new();
    for embed in &folder.embeds {
        files.extend(embed.files.as_ref().map_err(|reason| *reason)?.iter().copied());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{is_copied, is_metadata};

    #[test]
    fn tests_and_what_is_ignored_are_not_copied() {
        assert!(!is_copied("a_test.go", b"package a", "1.22"));
        assert!(!is_copied("a.go", b"//go:build ignore\n\npackage a", "1.22"));
        assert!(!is_copied("a.go", b"//go:build linux && ignore\n\npackage a", "1.22"));
        assert!(is_copied("a.go", b"//go:build linux && !linux\n\npackage a", "1.22"));
        assert!(is_copied("a.go", b"//go:build !ignore || x\n\npackage a", "1.22"));
        assert!(
            is_copied("README.md", b"", "1.22")
                && is_copied("go.mod", b"", "1.16")
                && !is_copied("go.mod", b"", "1.17")
        );
        assert!(is_metadata("LICENSE.txt") && !is_metadata("license"));
    }
}
