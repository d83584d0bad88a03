//! Watch: the newest acceptable release of a package.

use jiff::{SignedDuration, Timestamp};

use super::Failure;
use crate::clients::crates_io::{Choice, CratesIo, Policy, newest, why_nothing};
use crate::model::FailureClass;

/// What the registry has for one package.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The choice, and what is newer but not ready.
    pub choice: Choice,
    /// Why there is no release at all, as the end of a sentence about the crate.
    pub why_nothing: String,
}

/// Asks the registry about one crate.
///
/// # Errors
/// A [`Failure`] of class upstream (or infrastructure, for the cache).
pub async fn watch(crates: &CratesIo, name: &str, min_age: SignedDuration, now: Timestamp) -> Result<Watched, Failure> {
    let entries = crates.versions(name).await.map_err(|error| Failure::new(crates_class(&error), &error))?;
    let choice = newest(&entries, Policy { min_age, now });
    Ok(Watched { choice, why_nothing: why_nothing(&entries) })
}

/// Who can mend an error of the registry's client.
pub(super) fn crates_class(error: &crate::clients::crates_io::CratesIoError) -> FailureClass {
    use crate::clients::crates_io::CratesIoError;
    use crate::clients::http::HttpError;
    match error {
        CratesIoError::Http(HttpError::HashMismatch { .. }) => FailureClass::Hash,
        CratesIoError::File(_) | CratesIoError::Http(HttpError::File(_)) => FailureClass::Infrastructure,
        _ => FailureClass::Upstream,
    }
}
