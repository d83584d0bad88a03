//! Which files of a package's folder are copied.

use std::collections::BTreeSet;

use crate::go::constraint::header_constraint;
use crate::go::facts::{FactsError, Folder, ModuleFacts};
use crate::go::version::gover;

/// From here on go.mod and go.sum of what is vendored are left out: they made their folders look like modules.
const WITHOUT_GO_MOD: &str = "1.17";

/// How the names of files begin that are copied from the folders above a package too, up to its module's root.
const METADATA: [&str; 9] =
    ["AUTHORS", "CONTRIBUTORS", "COPYLEFT", "COPYING", "COPYRIGHT", "LEGAL", "LICENSE", "NOTICE", "PATENTS"];

/// Why the files of a module cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What Go says of a pattern that cannot be embedded.
    #[error("{package}: {reason}")]
    Embed {
        /// The package.
        package: String,
        /// As Go has it.
        reason: String,
    },
    /// The facts.
    #[error(transparent)]
    Facts(#[from] FactsError),
}

/// Which files of a module are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copies {
    /// The folders of its packages, relative to the module; empty for its root.
    folders: BTreeSet<String>,
    embedded: BTreeSet<String>,
    go: String,
}

impl Copies {
    /// For the packages of the module `path` whose import paths these are. `go` is the go line that counts
    /// ([`BuildList::go`](crate::go::graph::BuildList::go)).
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn of<'a>(
        path: &str,
        packages: impl IntoIterator<Item = &'a str>,
        facts: &ModuleFacts,
        go: &str,
    ) -> Result<Self, CopyError> {
        let (mut folders, mut embedded) = (BTreeSet::new(), BTreeSet::new());
        for package in packages {
            let folder = package.get(path.len() + 1..).unwrap_or_default();
            let facts = facts.folder(folder)?.unwrap_or_default();
            let files = self::embedded(&facts)
                .map_err(|reason| CopyError::Embed { package: package.to_owned(), reason: reason.to_owned() })?;
            embedded.extend(files.into_iter().map(|file| joined(folder, file)));
            folders.insert(folder.to_owned());
        }
        Ok(Self { folders, embedded, go: go.to_owned() })
    }

    /// The folders of the module's packages, relative to the module; empty for its root.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// Whether a regular file may be copied, which its content decides ([`has`](Self::has)).
    pub fn may_have(&self, path: &str) -> bool {
        self.folders.contains(split(path).0) || self.has_anyway(path)
    }

    /// Whether a regular file is copied.
    pub fn has(&self, path: &str, content: &[u8]) -> bool {
        let (folder, name) = split(path);
        self.folders.contains(folder) && is_copied(name, content, &self.go) || self.has_anyway(path)
    }

    /// Whether a file is copied whatever is in it.
    fn has_anyway(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        self.embedded.contains(path)
            || is_metadata(name) && self.folders.iter().any(|package| is_above(folder, package))
    }

    /// Every file that is embedded, wherever it is.
    pub fn embedded(&self) -> impl Iterator<Item = &str> {
        self.embedded.iter().map(String::as_str)
    }
}

/// Folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn is_above(folder: &str, package: &str) -> bool {
    folder != package && (folder.is_empty() || package.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// Whether a regular file of a package's folder is copied. `go` is the go line that counts ([`BuildList::go`]). What `//go:embed` lines
/// match is copied beside these.
///
/// As cmd/go's `matchPotentialSourceFile`.
///
/// [`BuildList::go`]: crate::go::graph::BuildList::go
fn is_copied(name: &str, content: &[u8], go: &str) -> bool {
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
fn is_metadata(name: &str) -> bool {
    METADATA.iter().any(|start| name.starts_with(start))
}

/// The files that `//go:embed` lines of a package's folder match, relative to it, in whatever file the lines are. Those of its tests,
/// which Go copies where the go line is below 1.22, are left out.
///
/// # Errors
///
/// What Go says of a pattern that cannot be embedded.
fn embedded<'a>(folder: &'a Folder<&'a str>) -> Result<BTreeSet<&'a str>, &'a str> {
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
