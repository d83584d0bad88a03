//! What failed, by reason: one thing that is broken makes many packages fail.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Source;
use crate::model::{AttrPath, FailureClass};
use crate::store::{FailedPackage, RunId, StoreError};

/// No more failed packages are grouped.
const MOST: u32 = 2000;

/// No more packages of one group are named on the page.
pub(crate) const NAMED: usize = 50;

/// What failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Failures {
    /// How many packages failed.
    pub(crate) total: usize,
    /// By how many packages fail for the reason, then the oldest first.
    pub(crate) groups: Vec<Group>,
}

/// Packages that fail for one reason.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Group {
    /// Tells the reason from others; the same from day to day.
    pub(crate) key: String,
    pub(crate) class: Option<FailureClass>,
    /// The first derivation that failed in one of them.
    pub(crate) derivation: Option<String>,
    /// The line that says why, in one of them.
    pub(crate) line: String,
    /// Since when the first of them fails.
    pub(crate) since: Timestamp,
    /// When the first of them is tried again.
    pub(crate) next_attempt: Option<Timestamp>,
    pub(crate) packages: Vec<FailedDoc>,
}

/// A package that failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FailedDoc {
    pub(crate) attr: AttrPath,
    pub(crate) version: Option<String>,
    pub(crate) since: Timestamp,
    pub(crate) next_attempt: Option<Timestamp>,
    pub(crate) run: Option<RunId>,
}

/// The place of a reason on the page of failures.
pub(crate) fn reason_place(key: &str) -> String {
    format!("reason-{}", data_encoding::HEXLOWER.encode(&Sha256::digest(key.as_bytes())[..6]))
}

/// Other packages that fail for the reason of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Alike {
    /// How many others.
    pub(crate) others: u32,
    /// Where they are named, below the root.
    pub(crate) page: String,
}

impl Alike {
    /// Nothing if the run did not fail, or nothing else fails so.
    pub(super) async fn load(source: Source<'_>, run: RunId) -> Result<Option<Self>, StoreError> {
        let found = source.store.failing_alike(run).await?.filter(|(_, packages)| *packages > 1);
        Ok(found.map(|(key, packages)| Self {
            others: packages - 1,
            page: format!("failures.html#{}", reason_place(&key)),
        }))
    }
}

impl Group {
    /// The group's place on the page.
    pub(crate) fn place(&self) -> String {
        reason_place(&self.key)
    }

    /// The group in a sentence.
    pub(crate) fn headline(&self) -> String {
        match self.packages.len() {
            1 => "1 package fails for this reason".to_owned(),
            count => format!("These {count} packages fail for one reason"),
        }
    }

    /// Whose turn it is, for a person.
    pub(crate) fn advice(&self) -> &'static str {
        match self.class {
            Some(FailureClass::Upstream) => {
                "The upstream or its registry did not answer as it should; the bot asks again."
            }
            Some(FailureClass::Resolve) => {
                "The release's dependencies do not fit together; a newer release has to mend that."
            }
            Some(FailureClass::Evaluate) => {
                "Nix could not evaluate what was written; overrides.nix of the package may be the cause."
            }
            Some(FailureClass::Build) => {
                "A builder ended with an error: the log says which. overrides.nix can add what is missing."
            }
            Some(FailureClass::Dependency) => "Something that the package needs failed to build; mend that one first.",
            Some(FailureClass::Hash) => {
                "A file is not the one that was promised. Somebody has to look before anything else is done."
            }
            Some(FailureClass::Timeout) => {
                "It took too long or was silent for too long; build.timeout and build.max_silent say how long it may."
            }
            Some(FailureClass::Infrastructure) => {
                "This machine is to blame, not the package; the bot tries again by itself."
            }
            None => "The bot tries again by itself.",
        }
    }

    /// The packages that the page names.
    pub(crate) fn named(&self) -> &[FailedDoc] {
        &self.packages[..self.packages.len().min(NAMED)]
    }
}

impl Failures {
    pub(crate) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        Ok(Self::of(source.store.failed_packages(MOST).await?))
    }

    fn of(failed: Vec<FailedPackage>) -> Self {
        let total = failed.len();
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for package in failed {
            let line = package.line.unwrap_or_else(|| package.reason.clone());
            let key = package.key.unwrap_or_else(|| line.clone());
            let group = groups.entry(key.clone()).or_insert_with(|| Group {
                key,
                class: package.class,
                derivation: package.derivation,
                line,
                since: package.since,
                next_attempt: package.next_attempt,
                packages: Vec::new(),
            });
            group.since = group.since.min(package.since);
            group.next_attempt = match (group.next_attempt, package.next_attempt) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            group.packages.push(FailedDoc {
                attr: package.attr,
                version: package.version,
                since: package.since,
                next_attempt: package.next_attempt,
                run: package.run,
            });
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.packages.len()), group.since));
        Self { total, groups }
    }

    /// The page in a sentence.
    pub(crate) fn headline(&self) -> String {
        match (self.total, self.groups.len()) {
            (0, _) => "Nothing has failed".to_owned(),
            (1, _) => "1 package fails".to_owned(),
            (total, 1) => format!("{total} packages fail for one reason"),
            (total, reasons) => format!("{total} packages fail for {reasons} reasons"),
        }
    }
}
