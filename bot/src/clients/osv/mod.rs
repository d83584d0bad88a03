//! OSV: which advisories there are for exact versions, asked by package URL.
//!
//! First one question for many package URLs (`POST v1/querybatch`), which names advisories and when each was last changed;
//! then one for each advisory that is not known in that state (`GET v1/vulns/ID`). An answer counts for an hour, so that a
//! cycle asks once. There is no guess: whoever cannot be asked has said nothing. <https://google.github.io/osv.dev/api/>

mod document;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

pub use self::document::Advisory;
use self::document::{Reply, parse};
use crate::clients::files::{self, FileError};
use crate::clients::http::{Http, HttpError};
use crate::model::Clock;

/// How many package URLs one question may have: the service's own limit.
const LONGEST_BATCH: usize = 1_000;

/// How often the rest of an answer is asked for.
const MOST_PAGES: usize = 20;

/// How many advisories are looked up for one answer; a graph with more is a sign that the service is confused.
const MOST_ADVISORIES: usize = 2_000;

/// The largest answer that is read, in bytes.
const ANSWER_LIMIT: u64 = 32 << 20;

/// How many advisories are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// How long an answer counts.
const FRESH: SignedDuration = SignedDuration::from_hours(1);

/// Why nothing is known of advisories.
#[derive(Debug, thiserror::Error)]
pub enum OsvError {
    /// It could not be asked.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It said something that is no answer.
    #[error("the advisory database's answer to {question} is not usable: {reason}")]
    Malformed {
        /// What was asked.
        question: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cache.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What the database says of some versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// When it was asked.
    pub at: Timestamp,
    /// By package URL; those without any advisory are absent.
    pub advisories: BTreeMap<String, Vec<Advisory>>,
}

/// The database; clones share connections.
#[derive(Debug, Clone)]
pub struct Osv {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    base: Url,
    cache: PathBuf,
    clock: Clock,
}

/// An advisory, and when it was last changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Mention {
    id: String,
    #[serde(default)]
    modified: String,
}

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    at: Timestamp,
    mentions: BTreeMap<String, BTreeSet<Mention>>,
}

/// An advisory as it is kept; `None` for one that was withdrawn.
#[derive(Debug, Serialize, Deserialize)]
struct KeptAdvisory {
    modified: String,
    advisory: Option<Advisory>,
}

impl Osv {
    /// How its hosts answered since this was last asked for.
    pub fn reports(&self) -> Vec<crate::clients::http::HostReport> {
        self.inner.http.reports()
    }

    /// The database at `base` (an address from [`endpoints`](crate::clients::endpoints), ending in `/`); `cache` is a folder
    /// for its own use.
    pub fn new(http: Http, base: Url, cache: &Path, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { http, base, cache: cache.to_owned(), clock }) }
    }

    /// What is known of these package URLs, each with a version.
    ///
    /// # Errors
    /// When the database could not be asked for all of them: a part of an answer would read as "none" for the rest.
    pub async fn advisories(&self, purls: &BTreeSet<String>) -> Result<Answer, OsvError> {
        let Kept { at, mentions } = self.mentions(purls).await?;
        let distinct: BTreeSet<&Mention> = mentions.values().flatten().collect();
        if distinct.len() > MOST_ADVISORIES {
            return Err(malformed("a batch of package URLs", format!("it names {} advisories", distinct.len())));
        }
        let known: BTreeMap<&str, Option<Advisory>> = stream::iter(distinct)
            .map(|mention| async move { Ok::<_, OsvError>((mention.id.as_str(), self.advisory(mention).await?)) })
            .buffer_unordered(PARALLEL_FETCHES)
            .try_collect()
            .await?;
        let mut advisories = BTreeMap::new();
        for (purl, mentions) in &mentions {
            let all = mentions.iter().filter_map(|mention| known.get(mention.id.as_str())?.clone());
            let merged = document::merged(all.collect());
            if !merged.is_empty() {
                advisories.insert(purl.clone(), merged);
            }
        }
        Ok(Answer { at, advisories })
    }

    /// Which advisories there are, from an answer that still counts or a new one.
    async fn mentions(&self, purls: &BTreeSet<String>) -> Result<Kept, OsvError> {
        let mut hasher = Sha256::new();
        for purl in purls {
            hasher.update(purl.as_bytes());
            hasher.update(b"\n");
        }
        let name = data_encoding::HEXLOWER.encode(&hasher.finalize());
        let file = self.inner.cache.join("answers").join(format!("{name}.json"));
        let now = self.inner.clock.now();
        let kept = read::<Kept>(&file)?.filter(|kept| kept.at <= now && now.duration_since(kept.at) < FRESH);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let mut mentions = BTreeMap::new();
        let purls: Vec<&String> = purls.iter().collect();
        for batch in purls.chunks(LONGEST_BATCH) {
            self.ask(batch, &mut mentions).await?;
        }
        let kept = Kept { at: now, mentions };
        write(&file, &kept)?;
        Ok(kept)
    }

    /// One batch, and the rest of the answers that came in pages.
    async fn ask(&self, purls: &[&String], mentions: &mut BTreeMap<String, BTreeSet<Mention>>) -> Result<(), OsvError> {
        const QUESTION: &str = "a batch of package URLs";
        let url = self.address("v1/querybatch", QUESTION)?;
        let mut open: Vec<(String, Option<String>)> = purls.iter().map(|purl| ((*purl).clone(), None)).collect();
        for _ in 0..MOST_PAGES {
            let queries: Vec<serde_json::Value> = open
                .iter()
                .map(|(purl, page)| match page {
                    None => serde_json::json!({ "package": { "purl": purl } }),
                    Some(page) => serde_json::json!({ "package": { "purl": purl }, "page_token": page }),
                })
                .collect();
            let question = serde_json::json!({ "queries": queries }).to_string().into_bytes();
            let body = self.inner.http.ask_json(&url, question, ANSWER_LIMIT).await?;
            let reply: Reply = parse(&body).map_err(|reason| malformed(QUESTION, reason))?;
            if reply.results.len() != open.len() {
                let reason = format!("{} results for {} questions", reply.results.len(), open.len());
                return Err(malformed(QUESTION, reason));
            }
            let mut rest = Vec::new();
            for ((purl, _), found) in open.into_iter().zip(reply.results) {
                if let Some(bad) = found.vulns.iter().find(|mention| !document::is_id(&mention.id)) {
                    return Err(malformed(QUESTION, format!("{:?} is no advisory's id", bad.id)));
                }
                if !found.vulns.is_empty() {
                    mentions.entry(purl.clone()).or_default().extend(found.vulns);
                }
                if let Some(page) = found.next_page_token.filter(|page| !page.is_empty()) {
                    rest.push((purl, Some(page)));
                }
            }
            if rest.is_empty() {
                return Ok(());
            }
            open = rest;
        }
        Err(malformed(QUESTION, format!("it does not end after {MOST_PAGES} pages")))
    }

    /// What an advisory says; nothing if it was withdrawn.
    async fn advisory(&self, mention: &Mention) -> Result<Option<Advisory>, OsvError> {
        let file = self.inner.cache.join("advisories").join(format!("{}.json", mention.id));
        let kept = read::<KeptAdvisory>(&file)?;
        if let Some(kept) = kept.filter(|kept| !mention.modified.is_empty() && kept.modified == mention.modified) {
            return Ok(kept.advisory);
        }
        let url = self.address(&format!("v1/vulns/{}", mention.id), &mention.id)?;
        let body = self.inner.http.get_bytes(&url, ANSWER_LIMIT).await?;
        let document: document::Document = parse(&body).map_err(|reason| malformed(&mention.id, reason))?;
        let kept = KeptAdvisory { modified: mention.modified.clone(), advisory: document.advisory(&mention.id) };
        write(&file, &kept)?;
        Ok(kept.advisory)
    }

    fn address(&self, path: &str, question: &str) -> Result<Url, OsvError> {
        self.inner.base.join(path).map_err(|error| malformed(question, error.to_string()))
    }
}

fn malformed(question: &str, reason: String) -> OsvError {
    OsvError::Malformed { question: question.to_owned(), reason }
}

/// What was kept; a file that cannot be read as such is as good as none.
fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>, OsvError> {
    Ok(files::read_optional(file)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn write(file: &Path, value: &impl Serialize) -> Result<(), OsvError> {
    // Structs of strings and times always become JSON.
    Ok(files::write(file, &serde_json::to_vec(value).unwrap_or_default())?)
}
