//! Which version of a package answers a spec: npm-pick-manifest's rules.

use std::cmp::Reverse;

use serde::Deserialize;

use super::manifest::{Manifest, is_true};
use super::packument::Packument;
use super::semver::{Range, Version};
use super::spec::{Kind, Spec};

/// What npm itself would run with.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    node: Option<Version>,
    npm: Option<Version>,
    /// Only versions published up to this moment (milliseconds since 1970).
    before: Option<i64>,
}

#[derive(Deserialize)]
struct Engines {
    #[serde(default)]
    engines: serde_json::Value,
}

impl Engine {
    pub(super) fn new(node: &str, npm: &str, before: Option<i64>) -> Self {
        Self { node: Version::parse(node), npm: Version::parse(npm), before }
    }

    /// Whether the version that the tag `latest` is at answers a spec before all others, whatever else there is.
    pub(super) fn takes_latest(&self, latest: &Manifest, spec: &Spec) -> bool {
        match &spec.kind {
            Kind::Tag(tag) => tag == "latest",
            Kind::Range { text, range } => {
                let inside =
                    text == "*" || Version::parse(&latest.version).is_some_and(|version| range.contains(&version));
                let deprecated = latest.fields.get("deprecated").is_some_and(is_true);
                inside && !deprecated && self.allows(latest.engine("node"), latest.engine("npm"))
            }
            _ => false,
        }
    }

    /// Whether a manifest's `engines` allow it.
    pub(super) fn suits(&self, manifest: &str) -> bool {
        // Reading a manifest costs more than looking whether it says anything of the kind.
        if !manifest.contains("\"engines\"") {
            return true;
        }
        let Ok(Engines { engines }) = serde_json::from_str(manifest) else { return true };
        let range = |name: &str| engines.get(name).and_then(|range| range.as_str()).filter(|range| !range.is_empty());
        self.allows(range("node"), range("npm"))
    }

    /// Whether these ranges allow it; nothing allows everything.
    pub(super) fn allows(&self, node: Option<&str>, npm: Option<&str>) -> bool {
        let allows = |range: Option<&str>, version: Option<&Version>| match (range, version) {
            (Some(range), Some(version)) => Range::parse(range).is_some_and(|range| range.contains_any(version)),
            _ => true,
        };
        allows(node, self.node.as_ref()) && allows(npm, self.npm.as_ref())
    }

    fn is_before(&self, packument: &Packument, version: &str) -> bool {
        let (Some(before), Some(time)) = (self.before, packument.time(version)) else { return true };
        time.parse::<jiff::Timestamp>().is_ok_and(|time| time.as_millisecond() <= before)
    }

    /// The version that answers, or nothing.
    pub(super) fn pick<'a>(&self, packument: &'a Packument, spec: &Spec) -> Option<&'a str> {
        match &spec.kind {
            Kind::Tag(tag) => {
                let version = packument.dist_tags.get(tag)?;
                if self.is_before(packument, version) {
                    return published(packument, version);
                }
                self.best(packument, &Range::parse(&format!("<={version}"))?, false)
            }
            Kind::Version { text, .. } => {
                let version = Version::parse(text)?.text();
                published(packument, &version).filter(|version| self.is_before(packument, version))
            }
            Kind::Range { text, range } => self.best(packument, range, text == "*"),
            Kind::Alias(_) | Kind::Remote(_) | Kind::File(_) | Kind::Directory(_) | Kind::Git(_) => None,
        }
    }

    fn best<'a>(&self, packument: &'a Packument, range: &Range, anything: bool) -> Option<&'a str> {
        if let Some(latest) = packument.dist_tags.get("latest")
            && (anything || Version::parse(latest).is_some_and(|version| range.contains(&version)))
            && let Some(version) = published(packument, latest)
            && self.is_before(packument, version)
            && !packument.is_deprecated(version)
            && self.suits(packument.manifest(version)?)
        {
            return Some(version);
        }
        let fits = |text: &'a str| {
            let version = Version::parse(text)?;
            (range.contains(&version) && self.is_before(packument, text)).then_some((text, version))
        };
        let mut found: Vec<(&str, Version)> = packument.versions().filter_map(fits).collect();
        // Stable: of two that differ in build metadata only, the first one published wins.
        found.sort_by(|(_, one), (_, other)| other.compare(one));
        let rank = |text: &str| {
            let fresh = !packument.is_deprecated(text);
            let engine = packument.manifest(text).is_some_and(|manifest| self.suits(manifest));
            (fresh && engine, engine, fresh)
        };
        // Most of the time the newest is the best there can be.
        let (first, _) = found.first()?;
        if rank(first) == (true, true, true) {
            return Some(first);
        }
        found.iter().min_by_key(|(text, _)| Reverse(rank(text))).map(|(text, _)| *text)
    }
}

/// The registry's own copy of a version's text, if it has the version.
fn published<'a>(packument: &'a Packument, version: &str) -> Option<&'a str> {
    packument.get(version)
}

#[cfg(test)]
mod tests {
    use super::Engine;
    use crate::npm::packument::Packument;
    use crate::npm::spec::Spec;

    const A: &str = r#"{"name":"a","dist-tags":{"latest":"1.1.0","next":"2.0.0-rc.1"},"time":{
        "1.0.0":"2020-01-01T00:00:00.000Z","1.1.0":"2021-01-01T00:00:00.000Z","1.2.0":"2022-01-01T00:00:00.000Z",
        "1.3.0":"2022-02-01T00:00:00.000Z","2.0.0-rc.1":"2023-01-01T00:00:00.000Z"},"versions":{
        "1.0.0":{},"1.1.0":{},"1.2.0":{"engines":{"node":">=99"}},"1.3.0":{"deprecated":"x"},"2.0.0-rc.1":{}}}"#;

    fn pick(spec: &str, before: Option<&str>) -> Option<String> {
        let before = before.map(|time| time.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        let packument = Packument::parse(A.as_bytes()).unwrap();
        let spec = Spec::resolve("a", spec, "").unwrap();
        Engine::new("20.0.0", "11.0.0", before).pick(&packument, &spec).map(str::to_owned)
    }

    /// Each as npm-pick-manifest answers.
    #[test]
    fn latest_first_then_what_is_neither_deprecated_nor_too_new() {
        assert_eq!(pick("^1", None).as_deref(), Some("1.1.0"));
        assert_eq!(pick("*", None).as_deref(), Some("1.1.0"));
        assert_eq!(pick("next", None).as_deref(), Some("2.0.0-rc.1"));
        assert_eq!(pick("next", Some("2022-12-01T00:00:00Z")).as_deref(), Some("1.1.0"));
        assert_eq!(pick(">=1.1.1", None).as_deref(), Some("1.3.0"));
        assert_eq!(pick("1.2.0", None).as_deref(), Some("1.2.0"));
        assert_eq!(pick("v1.2.0", None).as_deref(), Some("1.2.0"));
        assert_eq!(pick("^1", Some("2020-06-01T00:00:00Z")).as_deref(), Some("1.0.0"));
        assert_eq!(pick("1.1.0", Some("2020-06-01T00:00:00Z")), None);
        assert_eq!(pick("^3", None), None);
        assert_eq!(pick("missing", None), None);
    }
}
