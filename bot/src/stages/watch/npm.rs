//! Packages of the npm registry.

use nixwright_resolver::npm::packument::Packument;

use super::{Candidate, Choice, Origin, Wanted, Watched, cargo};
use crate::clients::crates_io::Policy;
use crate::clients::http::HttpError;
use crate::clients::npm::{Form, Npm, NpmChoice, NpmError, NpmVersion, newest, versions, why_nothing};
use crate::model::{Failure, FailureClass};

pub(super) async fn watch(registry: &Npm, name: &str, wanted: Wanted<'_>) -> Result<Watched, Failure> {
    let Wanted { track, min_age, current, now } = wanted;
    let packument = packument(registry, name).await?;
    let (versions, latest) = (versions(&packument), packument.dist_tags.get("latest").map(String::as_str));
    let NpmChoice { release, waiting } = newest(&versions, latest, Policy { track, current, min_age, now });
    let mut withdrawn: std::collections::BTreeSet<String> =
        versions.iter().filter(|entry| entry.deprecated).map(|entry| entry.version.to_string()).collect();
    // What was published and is not there any more was removed: the registry keeps no other trace that every mirror has.
    withdrawn.extend(current.filter(|current| !packument.has(current)).map(str::to_owned));
    let release = release.map(|release| candidate(name, release)).transpose()?;
    let choice = Choice { release, waiting: waiting.map(cargo::waits) };
    Ok(Watched { choice, why_nothing: why_nothing(&versions, latest), withdrawn })
}

pub(super) async fn find(registry: &Npm, name: &str, version: &str) -> Result<Candidate, Failure> {
    let packument = packument(registry, name).await?;
    let versions = versions(&packument);
    let last: Vec<String> = versions.iter().rev().take(5).map(|entry| entry.version.to_string()).collect();
    match versions.into_iter().find(|entry| entry.version.to_string() == version) {
        Some(entry) => candidate(name, entry),
        None => Err(Failure {
            class: FailureClass::Upstream,
            message: format!(
                "{name} has no version {version} in the registry; the last ones published: {}",
                last.join(", ")
            ),
        }),
    }
}

/// With the times, which only the full form has.
async fn packument(registry: &Npm, name: &str) -> Result<Packument, Failure> {
    let packument = registry.packument(name, Form::Full).await;
    packument.map_err(|error| Failure::new(npm_class(&error), &error))
}

fn candidate(name: &str, entry: NpmVersion) -> Result<Candidate, Failure> {
    let version = entry.version.to_string();
    let Some(integrity) = entry.integrity else {
        let message =
            format!("the registry has neither integrity nor SHA-1 of {name} {version}: nobody vouches for it");
        return Err(Failure { class: FailureClass::Upstream, message });
    };
    Ok(Candidate { version, published: entry.published, origin: Origin::Npm { name: name.to_owned(), integrity } })
}

/// Who can mend an error of the registry's client.
pub(in crate::stages) fn npm_class(error: &NpmError) -> FailureClass {
    match error {
        NpmError::Http(HttpError::IntegrityMismatch { .. }) | NpmError::Replaced { .. } => FailureClass::Hash,
        NpmError::File(_) | NpmError::Http(HttpError::File(_)) => FailureClass::Infrastructure,
        _ => FailureClass::Upstream,
    }
}
