//! What counts for a package beyond how it is built: which releases are taken, when, and who decides.
//!
//! Later says more than earlier: built in, `[defaults]`, each `[[policy]]` whose pattern matches, the package itself.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use jiff::SignedDuration;
use toml_span::Value;

use super::reader::{Section, boolean, duration, parsed, text};
use super::{GoOptions, Lock, Lto, Package, Upstream};
use crate::model::{AttrPath, Automerge, GroupName, Login, Strategy, Track};
use crate::schedule::{Cron, QuietHours};

/// Which releases are taken, when, and who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Which releases count.
    pub track: Track,
    /// How long a release must have been public before it is taken.
    pub min_age: SignedDuration,
    /// Which green pull requests are merged without a person.
    pub automerge: Automerge,
    /// Packages of one group come in one pull request.
    pub group: Option<GroupName>,
    /// Why nothing is to be done for now.
    pub hold: Option<String>,
    /// Who is asked, by login.
    pub maintainers: Vec<Login>,
    /// When nothing is published.
    pub quiet_hours: Vec<QuietHours>,
    /// When the upstream is asked, if not with all the others.
    pub cron: Option<Cron>,
}

/// What can be said for all packages, for some, and for each.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    strategy: Option<Strategy>,
    lto: Lto,
    lock: Lock,
    policy: Policy,
}

/// A `[[policy]]`: for which packages, and what.
pub(super) struct Rule<'r, 'a, 'v, 'de> {
    patterns: Vec<(String, GlobMatcher)>,
    section: Section<'r, 'a, 'v, 'de>,
}

impl Settings {
    /// What counts where nobody says anything.
    pub(super) fn built_in(automerge: Automerge) -> Self {
        let policy = Policy {
            track: Track::Major,
            min_age: SignedDuration::from_hours(3 * 24),
            automerge,
            group: None,
            hold: None,
            maintainers: Vec::new(),
            quiet_hours: Vec::new(),
            cron: None,
        };
        Self { strategy: None, lto: Lto::Off, lock: Lock::Upstream, policy }
    }

    /// With what a section says.
    pub(super) fn overridden(&self, section: &mut Section<'_, '_, '_, '_>) -> Self {
        let strategy = |text: &str| if text == "auto" { Some(None) } else { text.parse().ok().map(Some) };
        let lto = |text: &str| [Lto::Off, Lto::Thin, Lto::Fat].into_iter().find(|lto| lto.as_str() == text);
        let lock = |text: &str| [Lock::Upstream, Lock::Overlay].into_iter().find(|lock| lock.as_str() == text);
        let known = self.policy.clone();
        Self {
            strategy: section
                .get("strategy", |value| text(value, "\"auto\", \"shared\" or \"vendored\"", strategy))
                .unwrap_or(self.strategy),
            lock: section.get("lock", |value| text(value, "\"upstream\" or \"overlay\"", lock)).unwrap_or(self.lock),
            lto: section.get("lto", |value| text(value, "\"off\", \"thin\" or \"fat\"", lto)).unwrap_or(self.lto),
            policy: Policy {
                track: track(section).unwrap_or(known.track),
                min_age: section.get("min_age", min_age).unwrap_or(known.min_age),
                automerge: section.get("automerge", automerge).unwrap_or(known.automerge),
                group: section.get("group", |value| parsed(value, "a group's name")).or(known.group),
                hold: section.get("hold", hold).unwrap_or(known.hold),
                maintainers: section
                    .list("maintainers", "a list of logins", |value| parsed(value, "a login"))
                    .unwrap_or(known.maintainers),
                quiet_hours: section
                    .list("quiet_hours", "a list such as [\"22:00-07:00\"]", |value| parsed(value, "quiet hours"))
                    .unwrap_or(known.quiet_hours),
                cron: section.get("cron", |value| parsed(value, "a cron expression")).or(known.cron),
            },
        }
    }

    /// The rule of merging.
    pub(super) fn automerge(&self) -> Automerge {
        self.policy.automerge
    }

    /// A package whose own keys have been read.
    pub(super) fn package(self, upstream: Upstream) -> Package {
        Package {
            upstream,
            features: Vec::new(),
            no_default_features: false,
            all_features: false,
            binaries: Vec::new(),
            members: Vec::new(),
            tag_prefix: None,
            native: BTreeMap::new(),
            go: GoOptions::default(),
            strategy: self.strategy,
            lto: self.lto,
            lock: self.lock,
            policy: self.policy,
        }
    }
}

impl<'r, 'a, 'v, 'de> Rule<'r, 'a, 'v, 'de> {
    pub(super) fn read(mut section: Section<'r, 'a, 'v, 'de>) -> Self {
        let pattern = |value: &Value<'_>| {
            text(value, "a pattern such as \"fd-*\"", |text| {
                let glob = GlobBuilder::new(text).literal_separator(true).build().ok()?;
                Some(Pattern(text.to_owned(), glob.compile_matcher()))
            })
        };
        let patterns = section.list("match", "a list of patterns such as [\"fd-*\"]", pattern).unwrap_or_default();
        if patterns.is_empty() {
            section.problem("match", "it says for which packages this counts: a list of names or patterns");
        }
        Self { patterns: patterns.into_iter().map(|Pattern(text, glob)| (text, glob)).collect(), section }
    }

    /// What counts for a package after this rule.
    pub(super) fn apply(&mut self, attr: &str, settings: Settings) -> Settings {
        if self.patterns.iter().any(|(_, pattern)| pattern.is_match(attr)) {
            settings.overridden(&mut self.section)
        } else {
            settings
        }
    }

    /// Notes what is wrong with it: unknown keys, and patterns that no package has.
    pub(super) fn finish(mut self, names: &[String], built_in: &Settings) {
        for (text, pattern) in &self.patterns {
            if !names.iter().any(|name| pattern.is_match(name)) {
                self.section.problem("match", &format!("no package is called {text:?}"));
            }
        }
        // Once more, so that each key is known and what is wrong with its value is said, whether it matched or not.
        let _ = built_in.overridden(&mut self.section);
        self.section.finish();
    }
}

/// Sorted by its text: what a list needs.
struct Pattern(String, GlobMatcher);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// `track`, with the `version` that belongs to `exact`.
fn track(section: &mut Section<'_, '_, '_, '_>) -> Option<Track> {
    let word = section.get("track", |value| {
        text(value, "\"major\", \"minor\", \"prerelease\" or \"exact\"", |text| {
            ["major", "minor", "prerelease", "exact"].into_iter().find(|known| *known == text)
        })
    });
    let version = section.get("version", |value| {
        text(value, "a version such as \"1.2.3\"", |text| {
            semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok().map(|_| text.to_owned())
        })
    });
    match (word?, version) {
        ("exact", Some(version)) => Some(Track::Exact { version }),
        ("exact", None) => {
            section.problem("version", "`track = \"exact\"` needs the version to stay at");
            None
        }
        (_, Some(_)) => {
            section.problem("version", "this has a meaning only with `track = \"exact\"`");
            None
        }
        ("minor", None) => Some(Track::Minor),
        ("prerelease", None) => Some(Track::Prerelease),
        _ => Some(Track::Major),
    }
}

fn automerge(value: &Value<'_>) -> Result<Automerge, String> {
    if boolean(value).is_ok() {
        return Err("this is a word by now: \"never\", \"patch\", \"minor\" or \"always\"".to_owned());
    }
    parsed(value, "\"never\", \"patch\", \"minor\" or \"always\"")
}

fn min_age(value: &Value<'_>) -> Result<SignedDuration, String> {
    duration(value).map(|age: Duration| SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX))
}

/// `false` takes a hold away that a wider rule has set.
fn hold(value: &Value<'_>) -> Result<Option<String>, String> {
    if boolean(value) == Ok(false) {
        return Ok(None);
    }
    text(value, "the reason, as a text (or false)", |text| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty() && !line.contains(char::is_control)).then_some(Some(line))
    })
}

/// Whether a group's members agree in what counts for the pull request as a whole.
pub(super) fn disagreement<'p>(
    packages: impl Iterator<Item = (&'p AttrPath, &'p Package)>,
) -> Option<(&'p AttrPath, &'p AttrPath)> {
    let mut first: std::collections::BTreeMap<&GroupName, (&AttrPath, Automerge)> = std::collections::BTreeMap::new();
    for (attr, package) in packages {
        let Some(group) = &package.policy.group else { continue };
        let (other, automerge) = *first.entry(group).or_insert((attr, package.policy.automerge));
        if automerge != package.policy.automerge {
            return Some((other, attr));
        }
    }
    None
}
