//! Which version of a module is the newest, as Go chooses for `@latest`.
//!
//! The rules are those of cmd/go's `modload/query.go`: releases before prereleases before commits that no tag names, retracted
//! versions left out, and `+incompatible` ones only where the newest compatible version has no go.mod.

use std::cmp::Ordering;

use super::modfile::Retract;
use super::version::{pseudo, semver};

/// What is newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest<'a> {
    /// This version.
    Version(&'a str),
    /// It depends on whether this version has a go.mod of its own: call again when that is known.
    Ask(&'a str),
    /// There is none.
    None,
}

/// The newest of a module's versions.
///
/// `listed` is what a proxy lists (`@v/list`), in any order; `latest` is what it says is latest (`@latest`), which counts only where
/// nothing that is listed does. `retracted` comes from the go.mod of the highest version: that is the one which this function
/// gives when nothing is retracted. `has_go_mod` says whether a version has a go.mod of its own, as far as that is known; the one
/// that a proxy makes up for a version without (`GoMod::without_file`) is none.
pub fn newest<'a>(
    listed: &'a [String],
    latest: Option<&'a str>,
    retracted: &[Retract],
    has_go_mod: impl Fn(&str) -> Option<bool>,
) -> Newest<'a> {
    let allowed = |version: &str| !is_retracted(version, retracted);
    let mut versions: Vec<&str> = listed.iter().map(String::as_str).filter(|version| is_listed(version)).collect();
    versions.retain(|version| allowed(version));
    versions.sort_by(|left, right| semver::compare_listed(left, right));
    let first_incompatible = versions.iter().position(|version| semver::is_incompatible(version));
    if let Some(first) = first_incompatible.filter(|first| *first > 0) {
        match has_go_mod(versions[first - 1]) {
            None => return Newest::Ask(versions[first - 1]),
            Some(true) => versions.truncate(first),
            Some(false) => {}
        }
    }
    let release = versions.iter().rev().find(|version| semver::prerelease(version).is_empty());
    let found = release.or(versions.last()).copied();
    found.or(latest.filter(|version| allowed(version))).map_or(Newest::None, Newest::Version)
}

/// Whether a version that a proxy lists is one that can be asked for by `@latest`.
fn is_listed(version: &str) -> bool {
    semver::parse(version).is_some() && !pseudo::is_pseudo(version)
}

/// Whether a version lies in what was retracted.
pub fn is_retracted(version: &str, retracted: &[Retract]) -> bool {
    let up_to = |low: &str, high: &str| semver::compare(low, high) != Ordering::Greater;
    retracted.iter().any(|interval| up_to(&interval.low, version) && up_to(version, &interval.high))
}

#[cfg(test)]
mod tests {
    use super::{Newest, newest};
    use crate::go::modfile::Retract;

    fn versions(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn retracts(low: &str, high: &str) -> Vec<Retract> {
        vec![Retract { low: low.to_owned(), high: high.to_owned(), rationale: String::new() }]
    }

    #[test]
    fn releases_come_before_prereleases_and_these_before_commits() {
        let yes = |_: &str| Some(true);
        assert_eq!(
            newest(&versions("v1.0.0 v1.10.0 v1.9.0 v2.0.0-rc.1 bad"), None, &[], yes),
            Newest::Version("v1.10.0")
        );
        assert_eq!(newest(&versions("v0.1.0-a v0.1.0-b"), None, &[], yes), Newest::Version("v0.1.0-b"));
        let commit = "v0.0.0-20200101120000-abcdefabcdef";
        assert_eq!(newest(&versions(commit), Some(commit), &[], yes), Newest::Version(commit));
        assert_eq!(newest(&[], None, &[], yes), Newest::None);
    }

    #[test]
    fn what_is_retracted_is_left_out() {
        let listed = versions("v1.0.0 v1.1.0 v1.2.0 v1.3.0-rc.1");
        let yes = |_: &str| Some(true);
        assert_eq!(newest(&listed, None, &retracts("v1.2.0", "v1.2.0"), yes), Newest::Version("v1.1.0"));
        assert_eq!(newest(&listed, None, &retracts("v0.0.0", "v1.2.0"), yes), Newest::Version("v1.3.0-rc.1"));
        assert_eq!(newest(&listed, Some("v1.2.0"), &retracts("v0.0.0", "v9.0.0"), yes), Newest::None);
    }

    #[test]
    fn incompatible_versions_count_where_the_newest_compatible_one_has_no_go_mod() {
        let listed = versions("v1.0.0 v1.1.0-rc.1 v2.0.0+incompatible v3.0.0+incompatible");
        assert_eq!(newest(&listed, None, &[], |_| None), Newest::Ask("v1.1.0-rc.1"));
        assert_eq!(newest(&listed, None, &[], |_| Some(true)), Newest::Version("v1.0.0"));
        assert_eq!(newest(&listed, None, &[], |_| Some(false)), Newest::Version("v3.0.0+incompatible"));
        assert_eq!(
            newest(&versions("v2.0.0+incompatible"), None, &[], |_| None),
            Newest::Version("v2.0.0+incompatible")
        );
    }
}
