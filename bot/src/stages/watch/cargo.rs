//! Crates of the registry.

use super::{Candidate, Choice, Origin, Waiting, Wanted, Watched};
use crate::clients::crates_io::{self, CratesIo, CratesIoError, IndexEntry, Policy, newest, why_nothing};
use crate::clients::http::HttpError;
use crate::model::{Failure, FailureClass};

pub(super) async fn watch(crates: &CratesIo, name: &str, wanted: Wanted<'_>) -> Result<Watched, Failure> {
    let Wanted { track, min_age, current, now, .. } = wanted;
    let entries = versions(crates, name).await?;
    let crates_io::Choice { release, waiting } = newest(&entries, Policy { track, current, min_age, now });
    let withdrawn = entries.iter().filter(|entry| entry.yanked).map(|entry| entry.version.to_string()).collect();
    let choice = Choice { release: release.map(candidate), waiting: waiting.map(waits) };
    Ok(Watched { choice, why_nothing: why_nothing(&entries), withdrawn })
}

pub(super) async fn find(crates: &CratesIo, name: &str, version: &str) -> Result<Candidate, Failure> {
    let entries = versions(crates, name).await?;
    let last: Vec<String> = entries.iter().rev().take(5).map(|entry| entry.version.to_string()).collect();
    let found = entries.into_iter().find(|entry| entry.version.to_string() == version);
    found.map(candidate).ok_or_else(|| Failure {
        class: FailureClass::Upstream,
        message: format!(
            "{name} has no version {version} in the registry; the last ones published: {}",
            last.join(", ")
        ),
    })
}

/// The newest release that a Rust of version `rust` builds, as far as releases say which Rust they need (`rust-version`).
///
/// # Errors
/// A [`Failure`] of class upstream, hash or infrastructure.
pub async fn newest_for_rust(
    crates: &CratesIo,
    name: &str,
    wanted: Wanted<'_>,
    rust: &str,
) -> Result<Option<String>, Failure> {
    let Wanted { track, min_age, current, now, .. } = wanted;
    let mut entries = versions(crates, name).await?;
    entries.retain(|entry| entry.rust_version.as_deref().is_none_or(|needs| numbers(needs) <= numbers(rust)));
    let choice = newest(&entries, Policy { track, current, min_age, now });
    Ok(choice.release.map(|entry| entry.version.to_string()))
}

/// `1.85` and `1.85.0-nightly` are both 1.85.0.
fn numbers(rust: &str) -> [u64; 3] {
    let stable = rust.split(['-', '+', ' ']).next().unwrap_or_default();
    let mut parts = stable.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

async fn versions(crates: &CratesIo, name: &str) -> Result<Vec<IndexEntry>, Failure> {
    crates.versions(name).await.map_err(|error| Failure::new(crates_class(&error), &error))
}

fn candidate(entry: IndexEntry) -> Candidate {
    Candidate {
        version: entry.version.to_string(),
        published: entry.published,
        origin: Origin::Cargo { name: entry.name, sha256: entry.sha256 },
    }
}

pub(super) fn waits(waiting: crates_io::Waiting) -> Waiting {
    match waiting {
        crates_io::Waiting::TooYoung { version, ready_at } => {
            Waiting::TooYoung { version: version.to_string(), ready_at }
        }
        crates_io::Waiting::NoTime { version } => Waiting::NoTime { version: version.to_string() },
    }
}

/// Who can mend an error of the registry's client.
pub(in crate::stages) fn crates_class(error: &CratesIoError) -> FailureClass {
    match error {
        CratesIoError::Http(HttpError::HashMismatch { .. }) => FailureClass::Hash,
        CratesIoError::File(_) | CratesIoError::Http(HttpError::File(_)) => FailureClass::Infrastructure,
        _ => FailureClass::Upstream,
    }
}
