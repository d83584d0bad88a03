//! What Go says, and what ours says, in the same words.

use std::collections::{BTreeMap, BTreeSet};

/// Something, or the words of a refusal.
pub type Answer<T> = Result<T, String>;

/// What packages are listed for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// As Nix calls it.
    pub system: &'static str,
    /// `GOOS`.
    pub os: &'static str,
    /// `GOARCH`.
    pub arch: &'static str,
    /// `CGO_ENABLED`.
    pub cgo: bool,
}

/// The systems, as Nix and as Go call them.
pub const SYSTEMS: [(&str, &str, &str); 4] = [
    ("x86_64-linux", "linux", "amd64"),
    ("aarch64-linux", "linux", "arm64"),
    ("x86_64-darwin", "darwin", "amd64"),
    ("aarch64-darwin", "darwin", "arm64"),
];

/// All of them: every system, with and without C.
pub fn variants() -> Vec<Variant> {
    let both = |(system, os, arch)| [true, false].map(|cgo| Variant { system, os, arch, cgo });
    SYSTEMS.into_iter().flat_map(both).collect()
}

/// What programs are linked from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageSet {
    /// Packages outside of the standard library: what is to be known of each, in a line.
    pub others: BTreeMap<String, String>,
    /// Import paths of the standard library.
    pub standard: BTreeSet<String>,
}

/// All that is asked about a project.
#[derive(Debug, Clone)]
pub struct Answers {
    /// `go list -m all`.
    pub list: Answer<Vec<String>>,
    /// `go mod graph`, in no order.
    pub graph: Answer<BTreeSet<String>>,
    /// `go list -deps`.
    pub packages: BTreeMap<Variant, Answer<PackageSet>>,
}

impl Answers {
    /// Whether there is a build list, and packages on all systems.
    pub fn resolves(&self) -> bool {
        self.list.is_ok() && self.graph.is_ok() && self.packages.values().all(Result::is_ok)
    }

    /// The words of each refusal.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        let packages = self.packages.values().map(|answer| answer.as_ref().err());
        let modules = [self.list.as_ref().err(), self.graph.as_ref().err()];
        modules.into_iter().chain(packages).flatten().map(String::as_str)
    }
}
