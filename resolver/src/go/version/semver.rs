//! Semantic versions as `golang.org/x/mod/semver` reads them: with a leading `v`, and `v1` and `v1.2` for `v1.0.0` and `v1.2.0`.

use std::cmp::Ordering;

/// The parts of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Digits.
    pub major: &'a str,
    /// Digits; `0` where it is not written.
    pub minor: &'a str,
    /// Digits; `0` where it is not written.
    pub patch: &'a str,
    /// With its dash; empty if there is none.
    pub prerelease: &'a str,
    /// With its plus; empty if there is none.
    pub build: &'a str,
    /// What is missing to the three numbers: `.0.0`, `.0` or nothing.
    missing: &'static str,
}

/// The parts of a version; nothing if it is none.
pub fn parse(version: &str) -> Option<Parts<'_>> {
    let (major, rest) = cut_number(version.strip_prefix('v')?)?;
    let short = |minor, missing| Parts { major, minor, patch: "0", prerelease: "", build: "", missing };
    if rest.is_empty() {
        return Some(short("0", ".0.0"));
    }
    let (minor, rest) = cut_number(rest.strip_prefix('.')?)?;
    if rest.is_empty() {
        return Some(short(minor, ".0"));
    }
    let (patch, rest) = cut_number(rest.strip_prefix('.')?)?;
    let (prerelease, build) = rest.split_at(rest.find('+').unwrap_or(rest.len()));
    let well_formed = (prerelease.is_empty()
        || identifiers(prerelease, '-').is_some_and(|mut all| !all.any(zero_padded)))
        && (build.is_empty() || identifiers(build, '+').is_some());
    well_formed.then_some(Parts { major, minor, patch, prerelease, build, missing: "" })
}

/// The dot-separated parts behind `mark`, none of them empty, all of letters, digits and dashes.
fn identifiers(text: &str, mark: char) -> Option<impl Iterator<Item = &str>> {
    let text = text.strip_prefix(mark)?;
    let well_formed =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split('.').all(well_formed).then(|| text.split('.'))
}

/// A number that begins with a zero and is not zero.
fn zero_padded(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_number(identifier)
}

fn is_number(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

/// The decimal number at the start, without superfluous zeros, and what follows.
pub(in crate::go) fn cut_number(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    (end > 0 && !(end > 1 && number.starts_with('0'))).then_some((number, rest))
}

/// The order of decimal numbers of any length.
pub(super) fn compare_numbers(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// The order of versions: what is none is lower than any that is, and build metadata does not count.
pub fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(left), Some(right)) => compare_numbers(left.major, right.major)
            .then_with(|| compare_numbers(left.minor, right.minor))
            .then_with(|| compare_numbers(left.patch, right.patch))
            .then_with(|| compare_prereleases(left.prerelease, right.prerelease)),
    }
}

/// The order in which versions are listed: as [`compare`], then by their text.
pub fn compare_listed(left: &str, right: &str) -> Ordering {
    compare(left, right).then_with(|| left.cmp(right))
}

fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left[1..].split('.'), right[1..].split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (is_number(left), is_number(right)) {
                (true, true) => compare_numbers(left, right),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => left.cmp(right),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The version with its three numbers and without build metadata, except `+incompatible`; nothing if it is none.
///
/// As x/mod's `module.CanonicalVersion`.
pub fn canonical(version: &str) -> Option<String> {
    let parts = parse(version)?;
    if parts.build == "+incompatible" {
        return Some(version.to_owned());
    }
    Some(format!("{}{}", &version[..version.len() - parts.build.len()], parts.missing))
}

/// `v1` of `v1.2.3`; empty if it is no version.
pub fn major(version: &str) -> &str {
    parse(version).map_or("", |parts| &version[..=parts.major.len()])
}

/// `-rc.1` of `v1.2.3-rc.1+meta`; empty if there is none.
pub fn prerelease(version: &str) -> &str {
    parse(version).map_or("", |parts| parts.prerelease)
}

/// `+meta` of `v1.2.3-rc.1+meta`; empty if there is none.
pub fn build(version: &str) -> &str {
    parse(version).map_or("", |parts| parts.build)
}

/// Whether it is a version of a module that has no go.mod, at a major version that its path does not name.
pub fn is_incompatible(version: &str) -> bool {
    version.ends_with("+incompatible")
}
