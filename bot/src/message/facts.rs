//! What a pull request knows beyond its build: why it comes now, advisories, what runs code, what its upstream says.

use std::borrow::Borrow;

use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::plan::changes::Novelty;

/// Why a pull request comes now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNow {
    /// There is a newer release, and it has been public for as long as the policy asks.
    NewRelease {
        /// How long it has been public, where its upstream says so.
        age: Option<SignedDuration>,
        /// How long it had to be.
        min_age: SignedDuration,
        /// Which releases are taken, in words.
        track: String,
    },
    /// What the overlay has was withdrawn by its upstream.
    Withdrawn {
        /// Which version.
        version: String,
    },
    /// What it was built with has changed since it was built last.
    Stale,
    /// The files of the release that the overlay has would be others now.
    Changed,
}

/// What is known of advisories. Not to be able to ask is not the same as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advisories {
    /// Nobody could be asked.
    Unavailable,
    /// The answer.
    Known {
        /// When it was given.
        at: Timestamp,
        /// Those of what the overlay has that are gone.
        fixed: Vec<AdvisoryRow>,
        /// Those that come.
        brought: Vec<AdvisoryRow>,
        /// Those that stay.
        remaining: Vec<AdvisoryRow>,
    },
}

/// An advisory, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdvisoryRow {
    /// `RUSTSEC-2026-0001`.
    pub id: String,
    /// `name version`, sorted.
    pub packages: Vec<String>,
    /// How bad, in the database's word.
    pub severity: Option<String>,
    /// One line.
    pub summary: Option<String>,
}

/// A package that runs code of its own while it is built or installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRun {
    /// `name-version`.
    pub package: String,
    /// What kind of code: `build script`, `procedural macro`.
    pub kind: &'static str,
    /// Whether the last release had it.
    pub novelty: Novelty,
}

/// A crate that stands for a native library, and of which nobody said what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeCheck {
    /// `name version`.
    pub package: String,
    /// The library, by the crate's own word.
    pub links: String,
}

/// How much there is to fetch for somebody who has nothing yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosureSize {
    /// It would say nothing.
    NotMeasured {
        /// Why, as a clause.
        reason: &'static str,
    },
    /// In bytes.
    Measured {
        /// Of what this brings.
        bytes: u64,
        /// Of what the overlay has.
        before: Option<u64>,
    },
}

impl WhyNow {
    /// A sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::NewRelease { age, min_age, track } => {
                let waited = match (age, min_age.is_zero()) {
                    (_, true) => "no age is asked for".to_owned(),
                    (Some(age), false) => format!("public for {}, and {} are asked for", days(*age), days(*min_age)),
                    (None, false) => "its age is not known".to_owned(),
                };
                format!("the newest of {track}; {waited}.")
            }
            Self::Withdrawn { version } => {
                format!("{version}, which the overlay has, was withdrawn by its upstream: this goes back.")
            }
            Self::Stale => {
                "what it is built with has changed in the overlay, so the older evidence was worth nothing.".to_owned()
            }
            Self::Changed => {
                "the configuration, or this program, makes other files of the same release now.".to_owned()
            }
        }
    }
}

fn days(span: SignedDuration) -> String {
    let hours = span.as_hours();
    if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) }
}

/// Bytes for a person.
pub(super) fn size(bytes: impl Borrow<u64>) -> String {
    let bytes = *bytes.borrow();
    let mib = bytes / (1 << 20);
    if mib >= 10 { format!("{mib} MiB") } else { format!("{} KiB", bytes / 1024) }
}
