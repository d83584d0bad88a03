//! What the registry's index says of crates that locks name.
//!
//! A program's own lock counts for itself, whatever became of the versions in it. What others take from it must be what the
//! registry has, and not have been taken back.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use nixwright_resolver::catalog::CrateVersion;

use super::{CrateReleases, PARALLEL_FETCHES, crates_failure};
use crate::clients::crates_io::{CratesIoError, IndexEntry};
use crate::model::Failure;

/// What the index has of some crates.
#[derive(Debug, Default)]
pub struct Vouched {
    entries: BTreeMap<String, Vec<IndexEntry>>,
}

impl Vouched {
    /// Whether the registry has it and nobody took it back.
    pub fn stands(&self, id: &CrateVersion) -> bool {
        self.entry(id).is_some_and(|entry| !entry.yanked)
    }

    fn entry(&self, id: &CrateVersion) -> Option<&IndexEntry> {
        let mut entries = self.entries.get(&id.name)?.iter();
        entries
            .find(|entry| entry.name == id.name && entry.sha256 == id.sha256 && entry.version.to_string() == id.version)
    }
}

impl CrateReleases {
    /// Asks the index for what it has of some crates, each once.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream or infrastructure; that it does not know a crate is an answer.
    pub async fn vouched(&self, crates: &[CrateVersion]) -> Result<Vouched, Failure> {
        let names: BTreeSet<String> = crates.iter().map(|id| id.name.clone()).collect();
        let asked = stream::iter(names).map(|name| async move {
            match self.crates.versions(&name).await {
                Ok(entries) => Ok((name, entries)),
                Err(CratesIoError::NotFound { .. } | CratesIoError::InvalidName { .. }) => Ok((name, Vec::new())),
                Err(error) => Err(crates_failure(&error)),
            }
        });
        let entries = asked.buffer_unordered(PARALLEL_FETCHES).try_collect().await?;
        Ok(Vouched { entries })
    }
}
