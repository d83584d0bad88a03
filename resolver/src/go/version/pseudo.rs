//! Pseudo-versions: names of commits that no tag names, `v1.2.4-0.20200101120000-abcdefabcdef`.
//!
//! The forms are those of x/mod's `module/pseudo.go`.

use super::semver;

/// The digits of `yyyymmddhhmmss`.
const TIME: usize = 14;

/// The parts of a pseudo-version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What stands before the time: `v0.0.0`, `v1.2.4-0`, `v1.2.3-rc.1.0`.
    pub before: &'a str,
    /// `yyyymmddhhmmss`, in UTC; fourteen digits, but not always a real time.
    pub time: &'a str,
    /// The commit, shortened.
    pub revision: &'a str,
    /// With its plus; empty if there is none.
    pub build: &'a str,
}

/// The parts of a pseudo-version; nothing if it is none.
pub fn parse(version: &str) -> Option<Parts<'_>> {
    let build = semver::parse(version)?.build;
    let (rest, revision) = version[..version.len() - build.len()].rsplit_once('-')?;
    if revision.is_empty() || !revision.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let time = rest.get(rest.len().checked_sub(TIME)?..)?;
    if !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let head = &rest[..rest.len() - TIME];
    let before = if let Some(before) = head.strip_suffix('-') {
        // Nothing was tagged before: `v1.0.0-time`.
        let numbers = semver::parse(before)?;
        (before.split('.').count() == 3
            && numbers.minor == "0"
            && numbers.patch == "0"
            && numbers.prerelease.is_empty())
        .then_some(before)?
    } else {
        let before = head.strip_suffix('.')?;
        let prerelease = semver::parse(before)?.prerelease;
        (prerelease == "-0" || prerelease.ends_with(".0")).then_some(before)?
    };
    Some(Parts { before, time, revision, build })
}

/// Whether it is a pseudo-version.
pub fn is_pseudo(version: &str) -> bool {
    parse(version).is_some()
}

/// The tagged version that a pseudo-version comes after: `v1.2.3` of `v1.2.4-0.time-commit`; nothing if none was tagged before,
/// or if it is no pseudo-version that can be.
pub fn base(version: &str) -> Option<String> {
    let parts = parse(version)?;
    match semver::prerelease(parts.before) {
        "" => None,
        "-0" => {
            let numbers = parts.before.strip_suffix("-0")?;
            let (start, patch) = numbers.rsplit_once('.')?;
            Some(format!("{start}.{}{}", one_less(patch)?, parts.build))
        }
        _ => Some(format!("{}{}", parts.before.strip_suffix(".0")?, parts.build)),
    }
}

/// The decimal number before this one; nothing for zero.
fn one_less(decimal: &str) -> Option<String> {
    let kept = decimal.trim_end_matches('0');
    let last = kept.chars().next_back()?.to_digit(10)?;
    let nines = "9".repeat(decimal.len() - kept.len());
    let digits = format!("{}{}{nines}", &kept[..kept.len() - 1], last - 1);
    let trimmed = digits.trim_start_matches('0');
    Some(if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() })
}
