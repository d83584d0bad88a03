//! Versions that a package has had, and ranges that others write for them.

use serde_json::{Map, Value, json};

use super::Chance;

/// A version as numbers; a prerelease has a number too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u64,
    minor: u64,
    patch: u64,
    pre: Option<u64>,
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { major, minor, patch, pre } = self;
        write!(formatter, "{major}.{minor}.{patch}")?;
        pre.map_or(Ok(()), |pre| write!(formatter, "-beta.{pre}"))
    }
}

/// All versions of a package, from the oldest on.
pub(super) struct Releases(Vec<Version>);

impl Releases {
    /// One to eight versions, each a step on from the one before.
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let major = *chance.pick(&[0, 1, 1, 1, 2]);
        let mut version = Version { major, minor: chance.0.u64(0..3), patch: chance.0.u64(0..2), pre: None };
        let mut all = vec![version];
        for _ in 1..chance.between(1, 8) {
            if version.pre.is_some() {
                version.pre = if chance.percent(40) { version.pre.map(|pre| pre + 1) } else { None };
            } else {
                match chance.0.u32(0..10) {
                    0..=3 => version.patch += 1,
                    4..=6 => (version.minor, version.patch) = (version.minor + 1, 0),
                    _ => (version.major, version.minor, version.patch) = (version.major + 1, 0, 0),
                }
                version.pre = chance.percent(8).then_some(0);
            }
            all.push(version);
        }
        Self(all)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Version> + '_ {
        self.0.iter().copied()
    }

    /// One of them, rather a newer one.
    pub(super) fn some(&self, chance: &mut Chance) -> Version {
        let last = self.0.len() - 1;
        self.0[if chance.percent(50) { last } else { chance.between(0, last) }]
    }

    /// Tags beside those that the registry sets itself.
    pub(super) fn tags(&self, chance: &mut Chance) -> Map<String, Value> {
        let mut tags = Map::new();
        if chance.percent(6) {
            tags.insert("latest".to_owned(), json!(chance.pick(&self.0).to_string()));
        }
        if chance.percent(40) {
            tags.insert("next".to_owned(), json!(self.0[self.0.len() - 1].to_string()));
        }
        tags
    }

    /// A range that an author writes who has one of the versions before the eyes.
    pub(super) fn range(&self, chance: &mut Chance) -> String {
        let version = self.some(chance);
        let Version { major, minor, .. } = version;
        match chance.0.u32(0..100) {
            0..=44 => format!("^{version}"),
            45..=54 => format!("~{version}"),
            55..=59 => version.to_string(),
            60..=67 => format!(">={version}"),
            68..=72 => format!("{major}.x"),
            73..=76 => major.to_string(),
            77..=82 => "*".to_owned(),
            83..=86 => {
                let other = self.some(chance);
                format!("^{other} || ^{version}")
            }
            87 => format!("{major}.{minor}"),
            88 => String::new(),
            89 => format!(">={version} <{}", major + 2),
            90 => format!("{} - {version}", self.0[0]),
            91 => format!("<={version}"),
            92 => format!("{major} || {}", major + 1),
            93 => format!("^{major}.{minor}.0-0"),
            94 => "latest".to_owned(),
            95 => format!("={version}"),
            96 => format!("~{major}.{minor}"),
            97 => "x".to_owned(),
            98 if major > self.0[0].major => format!(">{}", self.0[0].major),
            99 if version != self.0[0] => format!("<{version}"),
            _ => format!(">={major}"),
        }
    }

    /// A range for a peer: mostly a wide one, or all of a major version.
    pub(super) fn peer_range(&self, chance: &mut Chance, clumsy: u32) -> String {
        if chance.percent(clumsy) {
            return self.range(chance);
        }
        let newest = self.0[self.0.len() - 1];
        let oldest = self.0[0];
        match chance.0.u32(0..10) {
            0..=2 => "*".to_owned(),
            3..=4 => format!(">={oldest}"),
            5..=6 => format!("{}.x", newest.major),
            7 => format!(">={}", oldest.major),
            _ => {
                let majors: Vec<String> = (oldest.major..=newest.major).map(|major| format!("{major}.x")).collect();
                majors.join(" || ")
            }
        }
    }
}
