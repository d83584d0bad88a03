//! Versions and ranges as node-semver reads them in its loose mode, which is the one that npm uses.
//!
//! The grammar is `deno_semver`'s. What it reads differently is put right here: parts of a range that make no sense are left
//! out instead of refused, and an exact version needs its three numbers.

use std::cmp::Ordering;

use deno_semver::{Version as Inner, VersionRange, VersionReq};

/// node-semver's `MAX_LENGTH`.
const LONGEST: usize = 256;

/// node's `Number.MAX_SAFE_INTEGER`.
const GREATEST_NUMBER: u64 = (1 << 53) - 1;

/// A version with its three numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(Inner);

impl Version {
    /// A version as the registry or a manifest writes it; nothing if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let inner = Inner::parse_from_npm(text).ok()?;
        let numbers = [inner.major, inner.minor, inner.patch];
        numbers.iter().all(|number| *number <= GREATEST_NUMBER).then_some(Self(inner))
    }

    /// The order of semantic versions; build metadata does not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    /// As node-semver prints it: without `v` and without build metadata.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}.{}.{}", self.0.major, self.0.minor, self.0.patch);
        if !self.0.pre.is_empty() {
            let parts: Vec<&str> = self.0.pre.iter().map(deno_semver::SmallStackString::as_str).collect();
            text = format!("{text}-{}", parts.join("."));
        }
        text
    }
}

/// A range of versions.
#[derive(Debug, Clone)]
pub(super) struct Range {
    ranges: Vec<VersionRange>,
    everything: bool,
}

impl Range {
    /// A range as a manifest writes it; nothing if no part of it is one (then it is a tag).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut ranges = Vec::new();
        let mut everything = false;
        for part in text.split("||") {
            let part = part.trim();
            everything |= matches!(part, "" | "*" | "x" | "X");
            ranges.extend(parse_part(part)?);
        }
        (!ranges.is_empty()).then_some(Self { ranges, everything })
    }

    /// Whether a version is in the range; a prerelease only if the range names one of the same three numbers.
    pub(super) fn contains(&self, version: &Version) -> bool {
        if self.everything && version.0.pre.is_empty() {
            return true;
        }
        self.ranges.iter().any(|range| range.satisfies(&version.0))
    }

    /// The same with prereleases taken for ordinary versions: node-semver's `includePrerelease`.
    pub(super) fn contains_any(&self, version: &Version) -> bool {
        self.everything || self.ranges.iter().any(|range| range.intersects_version(&version.0))
    }

    /// Whether some version is in both.
    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.ranges.iter().any(|one| other.ranges.iter().any(|two| overlap(one, two)))
    }
}

/// One of the alternatives of a range. Comparators that make no sense are left out; with none left it is no range.
fn parse_part(part: &str) -> Option<Vec<VersionRange>> {
    let ranges = |text: &str| {
        let request = VersionReq::parse_from_npm(text).ok()?;
        Some(request.range()?.0.iter().cloned().collect::<Vec<_>>())
    };
    if let Some(found) = ranges(part) {
        return Some(found);
    }
    let sensible: Vec<&str> = part.split_whitespace().filter(|word| ranges(word).is_some()).collect();
    if sensible.is_empty() { Some(Vec::new()) } else { ranges(&sensible.join(" ")) }
}

/// Whether two ranges share a version. `deno_semver` takes the question for one-sided where neither has a lower bound.
fn overlap(one: &VersionRange, two: &VersionRange) -> bool {
    one == two || one.intersects_range(two) || two.intersects_range(one)
}

#[cfg(test)]
mod tests {
    use super::{Range, Version};

    fn holds(version: &str, range: &str) -> bool {
        Range::parse(range).unwrap().contains(&Version::parse(version).unwrap())
    }

    #[test]
    fn what_is_no_range_is_a_tag() {
        for tag in ["latest", "next", "beta-1", "canary"] {
            assert!(Range::parse(tag).is_none(), "{tag}");
        }
        for range in ["", "*", "1", "1.x", "^1.2", "~1", ">=1 <2", "1 - 2", "1 || 2", "v1.2.3", ">= 1.0.0", "=1.0.0"] {
            assert!(Range::parse(range).is_some(), "{range}");
        }
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert!(Version::parse("1.2").is_none());
        assert_eq!(Version::parse("v1.2.3+build").unwrap().text(), "1.2.3");
        assert_eq!(Version::parse("1.2.3-beta.1").unwrap().text(), "1.2.3-beta.1");
    }

    #[test]
    fn prereleases_are_only_in_ranges_that_name_one() {
        assert!(!holds("2.0.0-rc.1", "*"));
        assert!(!holds("2.0.0-rc.1", ">=1.0.0"));
        assert!(holds("2.0.0-rc.2", "^2.0.0-rc.1"));
        assert!(!holds("2.1.0-rc.2", "^2.0.0-rc.1"));
    }

    #[test]
    fn what_makes_no_sense_in_a_range_is_left_out() {
        assert!(holds("1.2.0", "^1.0.0 || nonsense"));
        assert!(holds("1.2.0", "^1.0.0 nonsense"));
    }

    #[test]
    fn ranges_that_share_a_version_intersect() {
        let meet = |one: &str, two: &str| Range::parse(one).unwrap().intersects(&Range::parse(two).unwrap());
        assert!(meet("^1", "1.5.0"));
        assert!(meet("<2", "<1"));
        assert!(!meet("^1", "^2"));
        assert!(!meet("<1.0.0", ">=1.0.0"));
        assert!(meet("*", "3"));
    }
}
