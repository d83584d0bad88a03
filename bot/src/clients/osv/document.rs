//! What of OSV's answers is read. <https://ossf.github.io/osv-schema/>

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Mention;

/// An advisory, as far as a pull request tells of it. Every text is the database's: hostile until escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// `RUSTSEC-2026-0001`, `GHSA-…`, `GO-2026-1234`.
    pub id: String,
    /// Other ids of the same, sorted.
    pub aliases: BTreeSet<String>,
    /// One line, if it has one.
    pub summary: Option<String>,
    /// `CRITICAL`, `HIGH`, `MODERATE`, `LOW`, where the database says so in a word.
    pub severity: Option<String>,
}

/// The answer to a batch.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    #[serde(default)]
    pub(super) results: Vec<Found>,
}

/// What there is for one package URL.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    pub(super) vulns: Vec<Mention>,
    pub(super) next_page_token: Option<String>,
}

/// One advisory, whole.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    id: String,
    #[serde(default)]
    aliases: BTreeSet<String>,
    summary: Option<String>,
    details: Option<String>,
    withdrawn: Option<String>,
    #[serde(default)]
    database_specific: serde_json::Value,
}

impl Document {
    /// What is told of it; nothing if it was withdrawn, or is another one than was asked for.
    pub(super) fn advisory(self, asked: &str) -> Option<Advisory> {
        if self.withdrawn.is_some() || self.id != asked {
            return None;
        }
        let first_line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let severity = self.database_specific.get("severity").and_then(serde_json::Value::as_str);
        Some(Advisory {
            id: self.id,
            aliases: self.aliases,
            summary: self
                .summary
                .as_deref()
                .and_then(first_line)
                .or_else(|| self.details.as_deref().and_then(first_line)),
            severity: severity.filter(|word| !word.is_empty()).map(str::to_owned),
        })
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// An id becomes part of an address and of a file's name.
pub(super) fn is_id(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// One advisory for each thing that has several ids; the ecosystem's own database has the word, for it knows the versions best.
pub(super) fn merged(mut advisories: Vec<Advisory>) -> Vec<Advisory> {
    let from_elsewhere = |id: &str| id.starts_with("GHSA-") || id.starts_with("CVE-");
    advisories.sort_by(|a, b| (from_elsewhere(&a.id), &a.id).cmp(&(from_elsewhere(&b.id), &b.id)));
    let mut kept: Vec<Advisory> = Vec::new();
    for advisory in advisories {
        let same = kept.iter_mut().find(|other| {
            other.id == advisory.id || other.aliases.contains(&advisory.id) || advisory.aliases.contains(&other.id)
        });
        match same {
            Some(other) => {
                other.severity = other.severity.take().or(advisory.severity);
                other.aliases.extend(advisory.aliases.into_iter().chain([advisory.id]));
                other.aliases.remove(&other.id);
            }
            None => kept.push(advisory),
        }
    }
    kept.sort_by(|a, b| a.id.cmp(&b.id));
    kept
}
