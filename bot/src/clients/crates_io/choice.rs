//! Which of a crate's versions to take. Pure: the same entries, age and time give the same choice.

use jiff::{SignedDuration, Timestamp};
use semver::Version;

use super::IndexEntry;
use crate::model::Track;

/// What makes a version acceptable, beyond not being yanked.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// Which versions count.
    pub track: &'a Track,
    /// The version that is there already, which [`Track::Minor`] stays compatible with.
    pub current: Option<&'a str>,
    /// How long a version must have been public; zero takes versions of unknown age too.
    pub min_age: SignedDuration,
    /// The time now.
    pub now: Timestamp,
}

/// What to take, and what to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The newest acceptable version.
    pub release: Option<IndexEntry>,
    /// The newest version of all, where it is newer than `release` and only its age is against it.
    pub waiting: Option<Waiting>,
}

/// A version that is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// Too new.
    TooYoung {
        /// Which.
        version: Version,
        /// When it is old enough.
        ready_at: Timestamp,
    },
    /// The registry does not say when it was published, so it never gets ready by itself.
    NoTime {
        /// Which.
        version: Version,
    },
}

/// Chooses among a crate's versions, in whatever order they come.
pub fn newest(entries: &[IndexEntry], policy: Policy<'_>) -> Choice {
    let mut stable: Vec<&IndexEntry> =
        entries.iter().filter(|entry| !entry.yanked && is_tracked(&entry.version, policy)).collect();
    stable.sort_by(|a, b| b.version.cmp(&a.version));
    let mut waiting = None;
    for entry in stable {
        match not_ready(&entry.version, entry.published, policy) {
            None => return Choice { release: Some(entry.clone()), waiting },
            Some(reason) => {
                waiting.get_or_insert(reason);
            }
        }
    }
    Choice { release: None, waiting }
}

/// Whether a version counts, whatever else is known of it.
pub fn is_tracked(version: &Version, policy: Policy<'_>) -> bool {
    let stable = version.pre.is_empty();
    match policy.track {
        Track::Major => stable,
        Track::Prerelease => true,
        Track::Exact { version: wanted } => version.to_string() == *wanted,
        Track::Minor => {
            let current = policy.current.and_then(|current| Version::parse(current).ok());
            stable && current.is_none_or(|current| is_compatible(&current, version))
        }
    }
}

/// Cargo's caret rule: the first number that is not 0 stays.
/// <https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html#default-requirements>
pub fn is_compatible(from: &Version, to: &Version) -> bool {
    match (from.major, from.minor) {
        (0, 0) => (to.major, to.minor, to.patch) == (0, 0, from.patch),
        (0, minor) => (to.major, to.minor) == (0, minor),
        (major, _) => to.major == major,
    }
}

/// What a version has to wait for, if anything.
pub fn not_ready(version: &Version, published: Option<Timestamp>, policy: Policy<'_>) -> Option<Waiting> {
    if policy.min_age <= SignedDuration::ZERO {
        return None;
    }
    let version = version.clone();
    let Some(published) = published else { return Some(Waiting::NoTime { version }) };
    // An age beyond the calendar's end: never ready, which is what the largest time says.
    let ready_at = published.checked_add(policy.min_age).unwrap_or(Timestamp::MAX);
    (ready_at > policy.now).then_some(Waiting::TooYoung { version, ready_at })
}

/// Why [`newest`] found nothing to take and nothing to wait for, as the end of a sentence about the crate.
pub fn why_nothing(entries: &[IndexEntry]) -> String {
    let yanked = entries.iter().filter(|entry| entry.yanked).count();
    match (entries.len(), yanked) {
        (0, _) => "it has no version in a form that this program knows".to_owned(),
        (all, yanked) if all == yanked => format!("every version ({all}) is yanked"),
        (all, 0) => format!("every version ({all}) is a prerelease"),
        (all, yanked) => format!("of its {all} versions, {yanked} are yanked and the others are prereleases"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};
    use proptest::prelude::*;

    use super::{Choice, IndexEntry, Policy, Track, Waiting, newest, why_nothing};

    const NOW: &str = "2026-01-10T00:00:00Z";

    fn entry(version: &str, published: Option<&str>, yanked: bool) -> IndexEntry {
        IndexEntry {
            name: "a".to_owned(),
            version: version.parse().unwrap(),
            sha256: "0".repeat(64),
            yanked,
            published: published.map(|time| time.parse().unwrap()),
            rust_version: None,
            links: None,
            features: BTreeMap::new(),
        }
    }

    fn days(days: i64) -> Policy<'static> {
        Policy {
            track: &Track::Major,
            current: None,
            min_age: SignedDuration::from_hours(24 * days),
            now: NOW.parse().unwrap(),
        }
    }

    fn taken(choice: &Choice) -> Option<String> {
        choice.release.as_ref().map(|entry| entry.version.to_string())
    }

    #[test]
    fn the_newest_by_semver_is_taken_whatever_the_order() {
        let old = Some("2025-01-01T00:00:00Z");
        let entries = [entry("1.9.0", old, false), entry("1.10.0", old, false), entry("1.2.0", old, false)];
        assert_eq!(taken(&newest(&entries, days(3))).unwrap(), "1.10.0");
    }

    #[test]
    fn prereleases_and_yanked_versions_are_never_taken() {
        let old = Some("2025-01-01T00:00:00Z");
        let entries = [entry("2.0.0-rc.1", old, false), entry("1.1.0", old, true), entry("1.0.0", old, false)];
        let choice = newest(&entries, days(3));
        assert_eq!((taken(&choice).unwrap().as_str(), choice.waiting), ("1.0.0", None));
        assert_eq!(newest(&entries[..2], days(0)), Choice { release: None, waiting: None });
    }

    #[test]
    fn a_track_says_which_versions_count() {
        let versions = ["2.0.0", "1.10.0", "1.9.0", "3.0.0-rc.1", "0.9.9", "0.3.1", "0.3.0", "0.4.0"];
        let entries = versions.map(|version| entry(version, Some("2025-01-01T00:00:00Z"), false));
        let taken = |track: Track, current: Option<&str>| {
            taken(&newest(&entries, Policy { track: &track, current, ..days(3) })).unwrap_or_default()
        };
        assert_eq!(taken(Track::Major, Some("1.9.0")), "2.0.0");
        assert_eq!(taken(Track::Minor, Some("1.9.0")), "1.10.0");
        assert_eq!(taken(Track::Minor, Some("0.3.0")), "0.3.1");
        assert_eq!(taken(Track::Minor, Some("0.0.7")), "");
        assert_eq!(taken(Track::Minor, None), "2.0.0");
        assert_eq!(taken(Track::Prerelease, None), "3.0.0-rc.1");
        assert_eq!(taken(Track::Exact { version: "0.9.9".to_owned() }, Some("1.9.0")), "0.9.9");
        assert_eq!(taken(Track::Exact { version: "9.9.9".to_owned() }, None), "");
    }

    #[test]
    fn a_young_version_waits_and_the_one_before_it_is_taken() {
        let entries =
            [entry("1.1.0", Some("2026-01-08T00:00:00Z"), false), entry("1.0.0", Some("2025-01-01T00:00:00Z"), false)];
        let choice = newest(&entries, days(3));
        assert_eq!(taken(&choice).unwrap(), "1.0.0");
        let ready_at = "2026-01-11T00:00:00Z".parse().unwrap();
        assert_eq!(choice.waiting, Some(Waiting::TooYoung { version: "1.1.0".parse().unwrap(), ready_at }));
        assert_eq!(taken(&newest(&entries, days(2))).unwrap(), "1.1.0");
    }

    #[test]
    fn a_version_of_unknown_age_is_ready_only_if_no_age_is_asked_for() {
        let entries = [entry("1.0.0", None, false)];
        let choice = newest(&entries, days(1));
        assert_eq!(choice.release, None);
        assert_eq!(choice.waiting, Some(Waiting::NoTime { version: "1.0.0".parse().unwrap() }));
        assert_eq!(taken(&newest(&entries, days(0))).unwrap(), "1.0.0");
    }

    #[test]
    fn nothing_to_take_is_explained() {
        let all = [entry("1.0.0-rc.1", None, false), entry("1.0.0", None, true)];
        let said = [&all[..0], &all[..1], &all[1..], &all[..]].map(why_nothing).join("\n");
        insta::assert_snapshot!(said, @r#"
it has no version in a form that this program knows
every version (1) is a prerelease
every version (1) is yanked
of its 2 versions, 1 are yanked and the others are prereleases
"#);
    }

    proptest! {
        #[test]
        fn no_acceptable_version_is_newer_than_the_choice(
            rows in proptest::collection::vec((0..3_u64, 0..3_u64, any::<bool>(), any::<bool>(), -5..15_i64), 0..12),
            min_age in 0..8_i64,
        ) {
            let now: Timestamp = NOW.parse().unwrap();
            let entries: Vec<IndexEntry> = rows
                .iter()
                .map(|(major, minor, pre, yanked, age)| {
                    let version = format!("{major}.{minor}.0{}", if *pre { "-rc.1" } else { "" });
                    let mut entry = entry(&version, None, *yanked);
                    entry.published = Some(now - SignedDuration::from_hours(24 * age));
                    entry
                })
                .collect();
            let choice = newest(&entries, days(min_age));
            let acceptable = |entry: &&IndexEntry| {
                let age = now.duration_since(entry.published.unwrap());
                let old_enough = min_age == 0 || age >= SignedDuration::from_hours(24 * min_age);
                !entry.yanked && entry.version.pre.is_empty() && old_enough
            };
            let best = entries.iter().filter(acceptable).map(|entry| &entry.version).max();
            prop_assert_eq!(choice.release.as_ref().map(|entry| &entry.version), best);
            if let Some(Waiting::TooYoung { version, ready_at }) = choice.waiting {
                prop_assert!(ready_at > now && best.is_none_or(|best| version >= *best));
            }
        }
    }
}
