//! Repositories on GitHub: their tags are releases, and GitHub says when those were published.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use semver::Version;
use url::Url;

use super::{Candidate, Choice, Origin, Wanted, Watched, cargo};
use crate::clients::crates_io::{Policy, is_tracked, not_ready};
use crate::clients::endpoints;
use crate::clients::git::{GitSourceError, GitSources};
use crate::clients::github::ListedRelease;
use crate::model::{Failure, FailureClass, RepositoryName, Track};
use crate::stages::resolve::Resolver;

/// What may stand between a name and a version in a tag.
const SEPARATORS: [char; 4] = ['-', '_', '/', '@'];

/// What tags begin with that only say that they are releases.
const WORDS: [&str; 2] = ["release", "releases"];

/// What is followed.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    /// The repository.
    pub repository: &'a RepositoryName,
    /// The folder of the project in it; nothing means the top.
    pub subpath: Option<&'a str>,
    /// What its tags begin with before the version; nothing means: what is usual.
    pub prefix: Option<&'a str>,
}

/// A tag that is a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The version in it.
    pub version: Version,
    /// All of it.
    pub tag: String,
    /// The full id of its commit.
    pub commit: String,
}

pub(super) async fn watch(resolver: &Resolver, followed: Followed<'_>, wanted: Wanted<'_>) -> Result<Watched, Failure> {
    let Wanted { track, min_age, current, now, .. } = wanted;
    let listed = listed(resolver, followed.repository, min_age).await?;
    let tags = tags(&resolver.npm.git, followed).await?;
    let all = releases(&tags, followed, &listed);
    let policy = Policy { track, current, min_age, now };
    let said = |tagged: &Tagged| listed.get(&tagged.tag);
    // One that its makers call a trial is one, whatever its version says.
    let is_trial = |tagged: &Tagged| said(tagged).is_some_and(|listed| listed.prerelease);
    let counts = |tagged: &&Tagged| {
        let fits_kind = !is_trial(tagged) || matches!(track, Track::Prerelease | Track::Exact { .. });
        fits_kind && is_tracked(&tagged.version, policy)
    };
    let (mut release, mut waiting) = (None, None);
    for tagged in all.iter().rev().filter(counts) {
        // One that has to wait is seen already, and may not be another when its time comes.
        unmoved(&resolver.npm.git, followed, tagged)?;
        let published = said(tagged).and_then(|listed| listed.published);
        match not_ready(&tagged.version, published, policy) {
            None => {
                release = Some(candidate(followed, tagged, published));
                break;
            }
            Some(reason) => drop(waiting.get_or_insert(cargo::waits(reason))),
        }
    }
    let is_there = |current: &&str| all.iter().any(|tagged| tagged.version.to_string() == **current);
    let withdrawn: BTreeSet<String> =
        current.filter(|current| !is_there(current)).map(str::to_owned).into_iter().collect();
    Ok(Watched { choice: Choice { release, waiting }, why_nothing: why_nothing(&tags, &all), withdrawn })
}

pub(super) async fn find(resolver: &Resolver, followed: Followed<'_>, version: &str) -> Result<Candidate, Failure> {
    let tagged = find_tag(&resolver.npm.git, followed, Some(version)).await?;
    Ok(candidate(followed, &tagged, None))
}

/// The release of this version, or with this tag; without one the newest that is no prerelease.
///
/// # Errors
/// A [`Failure`] of class upstream.
pub async fn find_tag(git: &GitSources, followed: Followed<'_>, version: Option<&str>) -> Result<Tagged, Failure> {
    let tags = tags(git, followed).await?;
    let all = releases(&tags, followed, &BTreeMap::new());
    let found = match version {
        Some(version) => {
            let known = all.iter().find(|tagged| tagged.version.to_string() == version || tagged.tag == version);
            known.cloned().or_else(|| by_name(&tags, version))
        }
        None => all.iter().rev().find(|tagged| tagged.version.pre.is_empty()).cloned(),
    };
    let found = found.ok_or_else(|| {
        let message = match version {
            Some(version) => {
                let last: Vec<&str> = all.iter().rev().take(5).map(|tagged| tagged.tag.as_str()).collect();
                let last =
                    if last.is_empty() { why_nothing(&tags, &all) } else { format!("the newest: {}", last.join(", ")) };
                format!("{} has no tag that is version {version}; {last}", followed.repository)
            }
            None => format!("{}: {}", followed.repository, why_nothing(&tags, &all)),
        };
        Failure { class: FailureClass::Upstream, message }
    })?;
    unmoved(git, followed, &found)?;
    Ok(found)
}

/// That a tag is the commit that it was when it was first seen.
fn unmoved(git: &GitSources, followed: Followed<'_>, tagged: &Tagged) -> Result<(), Failure> {
    let seen = git.first_seen(&address(followed.repository)?, &tagged.tag, &tagged.commit);
    seen.map_err(|error| failure(&error))
}

fn failure(error: &GitSourceError) -> Failure {
    let class = match error {
        GitSourceError::Moved { .. } => FailureClass::Hash,
        GitSourceError::File(_) | GitSourceError::Copy { .. } => FailureClass::Infrastructure,
        _ => FailureClass::Upstream,
    };
    Failure::new(class, error)
}

fn address(repository: &RepositoryName) -> Result<Url, Failure> {
    endpoints::github_repository(repository.as_str()).ok_or_else(|| Failure {
        class: FailureClass::Upstream,
        message: format!("{repository} has no address; this is a bug"),
    })
}

async fn tags(git: &GitSources, followed: Followed<'_>) -> Result<BTreeMap<String, String>, Failure> {
    git.tags(&address(followed.repository)?).await.map_err(|error| failure(&error))
}

/// What GitHub says of releases, by tag. Where age does not count it is only good to know.
async fn listed(
    resolver: &Resolver,
    repository: &RepositoryName,
    min_age: SignedDuration,
) -> Result<BTreeMap<String, ListedRelease>, Failure> {
    match resolver.github.releases(repository).await {
        Ok(releases) => {
            Ok(releases.unwrap_or_default().into_iter().map(|release| (release.tag.clone(), release)).collect())
        }
        Err(error) if min_age <= SignedDuration::ZERO => {
            tracing::info!(%repository, "releases cannot be asked for, so its tags alone count: {error}");
            Ok(BTreeMap::new())
        }
        Err(error) => Err(Failure::new(FailureClass::Upstream, &error)),
    }
}

/// The tags that are versions, lowest first. Of two with the same version the one counts that GitHub knows as a release.
fn releases(
    tags: &BTreeMap<String, String>,
    followed: Followed<'_>,
    listed: &BTreeMap<String, ListedRelease>,
) -> Vec<Tagged> {
    let repo = followed.repository.name();
    let folder = followed.subpath.map(|subpath| subpath.rsplit('/').next().unwrap_or(subpath));
    let read = |name: Option<&str>| -> Vec<Tagged> {
        let version = |tag: &str| match followed.prefix {
            Some(prefix) => Version::parse(tag.strip_prefix(prefix)?).ok(),
            None => usual(tag, name),
        };
        let read = |(tag, commit): (&String, &String)| {
            Some(Tagged { version: version(tag)?, tag: tag.clone(), commit: commit.clone() })
        };
        tags.iter().filter_map(read).collect()
    };
    // A repository of several packages names them in its tags; those of a folder's package are its own then.
    let named = folder.map(|folder| {
        let mut named = read(Some(folder));
        named.retain(|tagged| strip_name(&tagged.tag, folder).is_some());
        named
    });
    let mut all = named.filter(|named| !named.is_empty()).unwrap_or_else(|| read(Some(repo)));
    let is_listed = |tagged: &Tagged| listed.contains_key(&tagged.tag);
    all.sort_by(|a, b| a.version.cmp(&b.version).then(is_listed(b).cmp(&is_listed(a))));
    all.dedup_by(|later, first| later.version == first.version);
    all
}

/// A tag that is asked for by its whole name, whatever stands before the version in it.
fn by_name(tags: &BTreeMap<String, String>, tag: &str) -> Option<Tagged> {
    let commit = tags.get(tag)?;
    let mut starts = tag.match_indices(SEPARATORS).map(|(at, _)| at + 1);
    let version = starts.find_map(|start| usual(tag.get(start..)?, None))?;
    Some(Tagged { version, tag: tag.to_owned(), commit: commit.clone() })
}

/// The version in a tag in one of the usual forms: `1.2.3`, `v1.2.3`, `NAME-1.2.3`, `NAME/v1.2.3`, `release-1.2.3`.
fn usual(tag: &str, name: Option<&str>) -> Option<Version> {
    let after_name = name.and_then(|name| strip_name(tag, name)).unwrap_or(tag);
    let after_word = WORDS.iter().find_map(|word| strip_name(after_name, word)).unwrap_or(after_name);
    Version::parse(after_word.strip_prefix(['v', 'V']).unwrap_or(after_word)).ok()
}

/// What follows a name and a separator.
fn strip_name<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (start, rest) = tag.split_at_checked(name.len())?;
    if start.eq_ignore_ascii_case(name) { rest.strip_prefix(SEPARATORS) } else { None }
}

fn candidate(followed: Followed<'_>, tagged: &Tagged, published: Option<Timestamp>) -> Candidate {
    let origin = Origin::GitHub {
        repository: followed.repository.clone(),
        subpath: followed.subpath.map(str::to_owned),
        tag: tagged.tag.clone(),
        commit: tagged.commit.clone(),
    };
    Candidate { version: tagged.version.to_string(), published, origin }
}

/// Why there is nothing to take and nothing to wait for, as the end of a sentence about the repository.
fn why_nothing(tags: &BTreeMap<String, String>, all: &[Tagged]) -> String {
    match (tags.len(), all.len()) {
        (0, _) => "it has no tags".to_owned(),
        (count, 0) => {
            let example = tags.keys().next_back().map(String::as_str).unwrap_or_default();
            format!("none of its {count} tags is a version (`{example}`); say with `tag_prefix` what stands before it")
        }
        (_, count) => format!("none of its {count} releases is wanted"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Followed, releases, why_nothing};

    fn tags(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "0".repeat(40))).collect()
    }

    fn found(names: &[&str], subpath: Option<&str>, prefix: Option<&str>) -> Vec<String> {
        let repository = "owner/tool".parse().unwrap();
        let followed = Followed { repository: &repository, subpath, prefix };
        let all = releases(&tags(names), followed, &BTreeMap::new());
        all.into_iter().map(|tagged| format!("{} {}", tagged.tag, tagged.version)).collect()
    }

    #[test]
    fn a_version_is_found_in_the_usual_forms_of_tags() {
        let names = [
            "v1.9.0",
            "1.10.0",
            "tool-1.11.0",
            "Tool-v1.12.0-rc.1",
            "tool/v1.12.0",
            "release-1.13.0",
            "nightly",
            "v2",
            "other-3.0.0",
        ];
        assert_eq!(
            found(&names, None, None),
            [
                "v1.9.0 1.9.0",
                "1.10.0 1.10.0",
                "tool-1.11.0 1.11.0",
                "Tool-v1.12.0-rc.1 1.12.0-rc.1",
                "tool/v1.12.0 1.12.0",
                "release-1.13.0 1.13.0"
            ]
        );
    }

    #[test]
    fn a_folders_own_tags_count_where_there_are_any() {
        let names = ["v1.0.0", "cli-v2.0.0", "cli@2.1.0", "lib-v3.0.0"];
        assert_eq!(found(&names, Some("crates/cli"), None), ["cli-v2.0.0 2.0.0", "cli@2.1.0 2.1.0"]);
        assert_eq!(found(&names, Some("crates/other"), None), ["v1.0.0 1.0.0"]);
        assert_eq!(found(&names, None, Some("lib-v")), ["lib-v3.0.0 3.0.0"]);
    }

    #[test]
    fn of_two_tags_with_one_version_the_first_counts() {
        assert_eq!(found(&["1.0.0", "v1.0.0"], None, None), ["1.0.0 1.0.0"]);
    }

    #[test]
    fn nothing_to_take_is_explained() {
        let repository = "owner/tool".parse().unwrap();
        let followed = Followed { repository: &repository, subpath: None, prefix: None };
        let said = [&[][..], &["nightly", "weekly"], &["v1.0.0-rc.1"]].map(|names| {
            let tags = tags(names);
            why_nothing(&tags, &releases(&tags, followed, &BTreeMap::new()))
        });
        insta::assert_snapshot!(said.join("\n"), @r"
        it has no tags
        none of its 2 tags is a version (`weekly`); say with `tag_prefix` what stands before it
        none of its 1 releases is wanted
        ");
    }
}
