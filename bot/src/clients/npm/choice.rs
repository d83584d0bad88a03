//! Which of a package's versions to take. Pure: the same packument, policy and time give the same choice.

use jiff::Timestamp;
use nixwright_resolver::npm::packument::Packument;
use semver::Version;
use serde::Deserialize;

use crate::clients::crates_io::{Policy, Waiting, is_tracked, not_ready};
use crate::clients::integrity::Integrity;
use crate::model::Track;

/// One published version of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmVersion {
    /// The version.
    pub version: Version,
    /// When it was published, where the registry says so.
    pub published: Option<Timestamp>,
    /// Whether upstream warns of it.
    pub deprecated: bool,
    /// What its tarball is, as subresource integrity; nothing where the registry does not vouch for it.
    pub integrity: Option<String>,
}

/// What to take, and what to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NpmChoice {
    /// The newest acceptable version.
    pub release: Option<NpmVersion>,
    /// The newest version of all, where it is newer than `release` and only its age is against it.
    pub waiting: Option<Waiting>,
}

/// Every version that is one by the rules of semantic versions, in the registry's order.
pub fn versions(packument: &Packument) -> Vec<NpmVersion> {
    let entry = |text: &str| {
        Some(NpmVersion {
            version: Version::parse(text).ok()?,
            published: packument.time(text).and_then(|time| time.parse().ok()),
            deprecated: packument.is_deprecated(text),
            integrity: packument.manifest(text).and_then(integrity),
        })
    };
    packument.versions().filter_map(entry).collect()
}

/// The integrity that a manifest promises, or its SHA-1 in the same form.
fn integrity(manifest: &str) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Dist {
        integrity: Option<String>,
        shasum: Option<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Manifest {
        dist: Dist,
    }
    let Manifest { dist } = serde_json::from_str(manifest).ok()?;
    let promised = dist.integrity.and_then(|text| text.parse().ok());
    let promised = promised.or_else(|| Integrity::from_shasum(dist.shasum.as_deref()?).ok());
    promised.map(|integrity: Integrity| integrity.to_string())
}

/// Chooses among a package's versions. `latest` is the version that the registry's tag of this name is at.
///
/// Deprecated versions are never taken. A version counts as stable if its number says so and upstream's tag does not stand at an
/// older one: what is published beyond `latest` is for those who ask for it by name.
pub fn newest(versions: &[NpmVersion], latest: Option<&str>, policy: Policy<'_>) -> NpmChoice {
    let ceiling = latest.and_then(|latest| Version::parse(latest).ok());
    let is_bound = matches!(policy.track, Track::Major | Track::Minor);
    let below = |version: &Version| !is_bound || ceiling.as_ref().is_none_or(|ceiling| version <= ceiling);
    let counts = |entry: &&NpmVersion| !entry.deprecated && is_tracked(&entry.version, policy) && below(&entry.version);
    let mut acceptable: Vec<&NpmVersion> = versions.iter().filter(counts).collect();
    acceptable.sort_by(|a, b| b.version.cmp(&a.version));
    let mut waiting = None;
    for entry in acceptable {
        match not_ready(&entry.version, entry.published, policy) {
            None => return NpmChoice { release: Some(entry.clone()), waiting },
            Some(reason) => {
                waiting.get_or_insert(reason);
            }
        }
    }
    NpmChoice { release: None, waiting }
}

/// Why [`newest`] found nothing to take and nothing to wait for, as the end of a sentence about the package.
pub fn why_nothing(versions: &[NpmVersion], latest: Option<&str>) -> String {
    let all = versions.len();
    let deprecated = versions.iter().filter(|entry| entry.deprecated).count();
    let prereleases = versions.iter().filter(|entry| !entry.deprecated && !entry.version.pre.is_empty()).count();
    match (all, deprecated, prereleases) {
        (0, ..) => "it has no version in a form that this program knows".to_owned(),
        (all, deprecated, _) if all == deprecated => format!("every version ({all}) is deprecated"),
        (all, 0, prereleases) if all == prereleases => format!("every version ({all}) is a prerelease"),
        (all, deprecated, prereleases) if all == deprecated + prereleases => {
            format!("of its {all} versions, {deprecated} are deprecated and the others are prereleases")
        }
        _ => format!("none of its {all} versions is wanted (its tag `latest` is at {})", latest.unwrap_or("nothing")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use nixwright_resolver::npm::packument::Packument;

    use super::{NpmChoice, NpmVersion, Policy, Waiting, newest, versions, why_nothing};
    use crate::model::Track;

    const OLD: Option<&str> = Some("2025-01-01T00:00:00Z");

    fn entry(version: &str, published: Option<&str>, deprecated: bool) -> NpmVersion {
        let published = published.map(|time| time.parse().unwrap());
        NpmVersion { version: version.parse().unwrap(), published, deprecated, integrity: None }
    }

    fn policy<'a>(track: &'a Track, current: Option<&'a str>) -> Policy<'a> {
        let now = "2026-01-10T00:00:00Z".parse().unwrap();
        Policy { track, current, min_age: SignedDuration::from_hours(72), now }
    }

    fn taken(choice: &NpmChoice) -> &str {
        let version = choice.release.as_ref().map(|entry| entry.version.to_string());
        version.map_or("nothing", |version| Box::leak(version.into_boxed_str()))
    }

    #[test]
    fn a_packument_tells_times_warnings_and_hashes() {
        let document = serde_json::json!({
            "name": "a", "dist-tags": { "latest": "1.0.0" },
            "time": { "1.0.0": "2026-03-23T15:57:06.029000+00:00", "1.1.0": "soon" },
            "versions": {
                "1.0.0": { "dist": { "shasum": "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" } },
                "1.1.0": { "deprecated": "no", "dist": { "integrity": "sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g= md5-x" } },
                "1.2.0": { "deprecated": "" },
                "not semver": {},
            },
        });
        let packument = Packument::parse(document.to_string().as_bytes()).unwrap();
        let found = versions(&packument);
        let shown: Vec<String> = found
            .iter()
            .map(|entry| {
                let NpmVersion { version, published, deprecated, integrity } = entry;
                format!("{version} {published:?} {deprecated} {}", integrity.as_deref().unwrap_or("-"))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
1.0.0 Some(2026-03-23T15:57:06.029Z) false sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g=
1.1.0 None true sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g=
1.2.0 None false -
"#);
    }

    #[test]
    fn stable_is_what_semver_and_the_tag_agree_on() {
        let entries = ["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "3.0.0"].map(|version| entry(version, OLD, false));
        let major = policy(&Track::Major, None);
        assert_eq!(taken(&newest(&entries, Some("2.0.0"), major)), "2.0.0");
        assert_eq!(taken(&newest(&entries, Some("2.0.0-rc.1"), major)), "1.1.0");
        assert_eq!(taken(&newest(&entries, None, major)), "3.0.0");
        assert_eq!(taken(&newest(&entries, Some("nonsense"), major)), "3.0.0");
        assert_eq!(taken(&newest(&entries, Some("2.0.0"), policy(&Track::Minor, Some("1.0.0")))), "1.1.0");
        assert_eq!(taken(&newest(&entries, Some("1.0.0"), policy(&Track::Minor, Some("1.0.0")))), "1.0.0");
    }

    #[test]
    fn whoever_asks_for_prereleases_or_one_version_is_not_bound_to_the_tag() {
        let entries = ["1.0.0", "2.0.0", "3.0.0-rc.1"].map(|version| entry(version, OLD, false));
        assert_eq!(taken(&newest(&entries, Some("1.0.0"), policy(&Track::Prerelease, None))), "3.0.0-rc.1");
        let exact = Track::Exact { version: "2.0.0".to_owned() };
        assert_eq!(taken(&newest(&entries, Some("1.0.0"), policy(&exact, None))), "2.0.0");
    }

    #[test]
    fn deprecated_versions_are_never_taken() {
        let entries = [entry("1.0.0", OLD, false), entry("1.1.0", OLD, true), entry("1.2.0-rc.1", OLD, true)];
        assert_eq!(taken(&newest(&entries, Some("1.1.0"), policy(&Track::Major, None))), "1.0.0");
        assert_eq!(taken(&newest(&entries, Some("1.1.0"), policy(&Track::Prerelease, None))), "1.0.0");
        let exact = Track::Exact { version: "1.1.0".to_owned() };
        assert_eq!(taken(&newest(&entries, Some("1.1.0"), policy(&exact, None))), "nothing");
    }

    #[test]
    fn a_young_version_waits_and_so_does_one_of_unknown_age() {
        let young = [entry("1.0.0", OLD, false), entry("1.1.0", Some("2026-01-09T00:00:00Z"), false)];
        let choice = newest(&young, Some("1.1.0"), policy(&Track::Major, None));
        assert_eq!(taken(&choice), "1.0.0");
        let ready_at = "2026-01-12T00:00:00Z".parse().unwrap();
        assert_eq!(choice.waiting, Some(Waiting::TooYoung { version: "1.1.0".parse().unwrap(), ready_at }));
        let unknown = newest(&[entry("1.0.0", None, false)], None, policy(&Track::Major, None));
        assert_eq!((taken(&unknown), unknown.waiting.is_some()), ("nothing", true));
        let any_age = Policy { min_age: SignedDuration::ZERO, ..policy(&Track::Major, None) };
        assert_eq!(taken(&newest(&[entry("1.0.0", None, false)], None, any_age)), "1.0.0");
    }

    #[test]
    fn nothing_to_take_is_explained() {
        let all = [entry("1.0.0-rc.1", OLD, false), entry("1.0.0", OLD, true), entry("2.0.0", OLD, false)];
        let said = [&all[..0], &all[..1], &all[1..2], &all[..2], &all[..]];
        let said = said.map(|entries| why_nothing(entries, Some("1.0.0"))).join("\n");
        insta::assert_snapshot!(said, @r#"
it has no version in a form that this program knows
every version (1) is a prerelease
every version (1) is deprecated
of its 2 versions, 1 are deprecated and the others are prereleases
none of its 3 versions is wanted (its tag `latest` is at 1.0.0)
"#);
    }
}
