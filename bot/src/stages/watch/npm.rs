//! Packages of the npm registry.

use nixwright_resolver::npm::packument::Packument;

use super::{Candidate, Choice, Origin, Wanted, Watched, cargo};
use crate::clients::crates_io::Policy;
use crate::clients::http::HttpError;
use crate::clients::npm::{Form, Npm, NpmChoice, NpmError, NpmVersion, newest, versions, why_nothing};
use crate::model::{Failure, FailureClass};

pub(super) async fn watch(registry: &Npm, name: &str, wanted: Wanted<'_>) -> Result<Watched, Failure> {
    let Wanted { track, min_age, current, now, .. } = wanted;
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};
    use wiremock::{MockServer, ResponseTemplate};

    use super::{Origin, Wanted, find, watch};
    use crate::clients::npm::tests::{registry, serve};
    use crate::model::{FailureClass, Track};

    fn packument() -> Value {
        let dist = json!({ "integrity": "sha512-rYerwe+0LgMgfzqYuPQR2tCVOqI9TTGaQkiAznBaEhke4sc3DCJOLYpoG4dctq+kYb25moaTst23SyXfAAINTQ==" });
        let version = |deprecated: Value| json!({ "dist": dist, "deprecated": deprecated });
        json!({
            "name": "@a/tool", "dist-tags": { "latest": "1.2.0" },
            "time": { "1.0.0": "2025-01-01T00:00:00.000Z", "1.1.0": "2025-01-02T00:00:00.000Z",
                      "1.2.0": "2026-01-09T00:00:00.000Z", "2.0.0": "2025-01-04T00:00:00.000Z" },
            "versions": { "1.0.0": version(Value::Null), "1.1.0": version(json!("broken")), "1.2.0": version(Value::Null),
                          "2.0.0": version(Value::Null), "0.1.0": {} },
        })
    }

    async fn served(packument: &Value) -> (MockServer, tempfile::TempDir) {
        let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
        serve(&server, "/npm/@a%2ftool", ResponseTemplate::new(200).set_body_json(packument)).await;
        (server, folder)
    }

    fn wanted<'a>(track: &'a Track, current: Option<&'a str>) -> Wanted<'a> {
        let now = "2026-01-10T00:00:00Z".parse().unwrap();
        Wanted { track, min_age: SignedDuration::from_hours(72), current, now, repository: None, tag_prefix: None }
    }

    #[tokio::test]
    async fn the_newest_that_is_old_enough_is_taken_and_what_upstream_took_back_is_told() {
        let (server, folder) = served(&packument()).await;
        let registry = registry(&server, folder.path());
        let watched = watch(&registry, "@a/tool", wanted(&Track::Major, Some("1.0.1"))).await.unwrap();
        let release = watched.choice.release.unwrap();
        assert_eq!(release.version, "1.0.0");
        assert_eq!(release.published, Some("2025-01-01T00:00:00Z".parse().unwrap()));
        let Origin::Npm { name, integrity } = release.origin else { panic!("{:?}", release.origin) };
        assert!(name == "@a/tool" && integrity.starts_with("sha512-rYer"), "{name} {integrity}");
        assert!(watched.choice.waiting.is_some());
        assert_eq!(watched.withdrawn.into_iter().collect::<Vec<_>>(), ["1.0.1", "1.1.0"]);
    }

    #[tokio::test]
    async fn a_release_that_nobody_vouches_for_is_refused_by_name() {
        let (server, folder) = served(&packument()).await;
        let registry = registry(&server, folder.path());
        let exact = Track::Exact { version: "0.1.0".to_owned() };
        let any_age = Wanted { min_age: SignedDuration::ZERO, ..wanted(&exact, None) };
        let failure = watch(&registry, "@a/tool", any_age).await.unwrap_err();
        insta::assert_snapshot!(failure, @"upstream: the registry has neither integrity nor SHA-1 of @a/tool 0.1.0: nobody vouches for it");
    }

    #[tokio::test]
    async fn a_release_is_found_by_its_version_deprecated_or_not() {
        let (server, folder) = served(&packument()).await;
        let registry = registry(&server, folder.path());
        assert_eq!(find(&registry, "@a/tool", "1.1.0").await.unwrap().version, "1.1.0");
        let failure = find(&registry, "@a/tool", "3.0.0").await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Upstream);
        insta::assert_snapshot!(failure.message, @"@a/tool has no version 3.0.0 in the registry; the last ones published: 0.1.0, 2.0.0, 1.2.0, 1.1.0, 1.0.0");
        assert_eq!(find(&registry, "@a/other", "3.0.0").await.unwrap_err().class, FailureClass::Upstream);
    }

    #[tokio::test]
    async fn a_package_with_nothing_to_take_says_why() {
        let mut packument = packument();
        for (_, version) in packument["versions"].as_object_mut().unwrap() {
            version["deprecated"] = json!("use another");
        }
        let (server, folder) = served(&packument).await;
        let watched = watch(&registry(&server, folder.path()), "@a/tool", wanted(&Track::Major, None)).await.unwrap();
        assert_eq!((watched.choice.release, watched.choice.waiting), (None, None));
        assert_eq!(watched.why_nothing, "every version (5) is deprecated");
    }
}
