//! Go modules: the newest release as Go itself chooses it, for what is old enough and not taken back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nixwright_resolver::go::modfile::{GoMod, Reading, Retract};
use nixwright_resolver::go::paths;
use nixwright_resolver::go::retract::{Newest, is_retracted, newest};
use nixwright_resolver::go::version::{pseudo, semver as go};
use url::Url;

use super::{Candidate, Choice, Origin, Waiting, Wanted, Watched, cargo};
use crate::clients::crates_io::{Policy, is_compatible, not_ready};
use crate::clients::git::GitSources;
use crate::clients::go::{GoModules, GoProxyError};
use crate::model::{Failure, FailureClass, Track};

/// How many versions are looked at for one that is old enough.
const MOST_YOUNG: usize = 50;

/// What is known of a module's versions.
struct Module<'a> {
    modules: &'a GoModules,
    path: &'a str,
    /// What the proxy lists, versions only, in Go's order.
    listed: Vec<String>,
    /// What it takes for the newest, where it lists none.
    latest: Option<String>,
    /// Whether versions have a go.mod of their own, as far as it was asked.
    own_files: BTreeMap<String, bool>,
}

/// How many tags that a proxy does not list are asked for.
const MOST_TAGS: usize = 5;

/// The versions of a module that are tagged in its repository. <https://go.dev/ref/mod#vcs-version>
///
/// # Errors
/// A [`Failure`] of class upstream.
pub(super) async fn tagged(git: &GitSources, repository: &Url, module: &str) -> Result<Vec<String>, Failure> {
    let tags = git.tags(repository).await.map_err(|error| Failure::new(FailureClass::Upstream, &error))?;
    let Some((prefix, major)) = paths::split_major(module) else { return Ok(Vec::new()) };
    let folder = folder_within(prefix, repository);
    let is_version = |version: &&str| {
        go::canonical(version).as_deref() == Some(*version)
            && !pseudo::is_pseudo(version)
            && paths::check_major(version, major).is_ok()
    };
    let versions = tags.keys().filter_map(|tag| tag.strip_prefix(&folder)).filter(is_version);
    Ok(versions.map(str::to_owned).collect())
}

/// What a module proxy says of a module's releases; `tagged` are versions that it may list only later.
///
/// # Errors
/// A [`Failure`] of class upstream (or infrastructure, for the cache).
pub async fn watch(
    modules: &GoModules,
    path: &str,
    subpath: Option<&str>,
    wanted: Wanted<'_>,
    tagged: &[String],
) -> Result<Watched, Failure> {
    let mut module = Module::read(modules, path).await?;
    module.add_tagged(tagged).await?;
    let retracted = module.retractions().await?;
    let mut taken_back: BTreeSet<String> =
        module.listed.iter().filter(|version| is_retracted(version, &retracted)).cloned().collect();
    taken_back.extend(wanted.current.filter(|current| is_retracted(current, &retracted)).map(str::to_owned));
    let why_nothing = module.why_nothing(&retracted);
    let (mut release, mut waiting) = (None, None);
    for version in module.candidates(&wanted, &retracted).await?.into_iter().take(MOST_YOUNG) {
        let published = module.published(&version).await?;
        match waits(&version, published, wanted) {
            None => {
                release = Some(candidate(path, subpath, version, published));
                break;
            }
            Some(reason) => {
                waiting.get_or_insert(reason);
            }
        }
    }
    Ok(Watched { choice: Choice { release, waiting }, why_nothing, withdrawn: taken_back })
}

pub(super) async fn find(
    modules: &GoModules,
    path: &str,
    subpath: Option<&str>,
    version: &str,
) -> Result<Candidate, Failure> {
    match modules.info(path, version).await {
        Ok(info) => Ok(candidate(path, subpath, info.version, info.time)),
        Err(error @ GoProxyError::NotFound { .. }) => {
            let mut listed = modules.versions(path).await.unwrap_or_default();
            listed.sort_by(|a, b| go::compare_listed(b, a));
            let last: Vec<&str> = listed.iter().take(5).map(String::as_str).collect();
            let last =
                if last.is_empty() { String::new() } else { format!("; the highest versions: {}", last.join(", ")) };
            Err(Failure { class: FailureClass::Upstream, message: format!("{error}{last}") })
        }
        Err(error) => Err(failure(&error)),
    }
}

/// The newest version that was there before a moment, as `go get` at that moment would have taken it.
///
/// # Errors
/// A [`Failure`] of class upstream (or infrastructure, for the cache).
pub async fn newest_before(modules: &GoModules, path: &str, before: Timestamp) -> Result<Option<String>, Failure> {
    let mut module = Module::read(modules, path).await?;
    let mut known = Vec::new();
    for version in std::mem::take(&mut module.listed) {
        if module.published(&version).await?.is_some_and(|published| published < before) {
            known.push(version);
        }
    }
    module.listed = known;
    if let Some(latest) = module.latest.take()
        && module.published(&latest).await?.is_some_and(|published| published < before)
    {
        module.latest = Some(latest);
    }
    let retracted = module.retractions().await?;
    module.newest(&retracted).await
}

impl<'a> Module<'a> {
    async fn read(modules: &'a GoModules, path: &'a str) -> Result<Self, Failure> {
        let (listed, absent) = match modules.versions(path).await {
            Ok(listed) => (listed, None),
            Err(error @ GoProxyError::NotFound { .. }) => (Vec::new(), Some(error)),
            Err(error) => return Err(failure(&error)),
        };
        let mut listed: Vec<String> =
            listed.into_iter().filter(|version| go::parse(version).is_some() && !pseudo::is_pseudo(version)).collect();
        listed.sort_by(|a, b| go::compare_listed(a, b));
        listed.dedup();
        let mut latest = None;
        if listed.is_empty() {
            latest = modules.latest(path).await.map_err(|error| failure(&error))?.map(|info| info.version);
            if let (None, Some(error)) = (&latest, absent) {
                return Err(failure(&error));
            }
        }
        Ok(Self { modules, path, listed, latest, own_files: BTreeMap::new() })
    }

    /// Takes what is tagged and newer than all that is listed: a proxy lists a release some time after it is there. Being asked for it,
    /// it fetches it; if it cannot, the release has to wait.
    async fn add_tagged(&mut self, tagged: &[String]) -> Result<(), Failure> {
        let highest = self.listed.last().cloned();
        let is_new =
            |version: &&String| highest.as_ref().is_none_or(|highest| go::compare_listed(version, highest).is_gt());
        let mut new: Vec<&String> = tagged.iter().filter(is_new).collect();
        new.sort_by(|a, b| go::compare_listed(b, a));
        for version in new.into_iter().take(MOST_TAGS) {
            match self.modules.info(self.path, version).await {
                Ok(_) => self.listed.push(version.clone()),
                Err(error) if error.is_absent() => {
                    tracing::debug!(
                        go.module = self.path,
                        go.version = version,
                        "tagged, and not at the proxy: {error}"
                    );
                }
                Err(error) => return Err(failure(&error)),
            }
        }
        self.listed.sort_by(|a, b| go::compare_listed(a, b));
        Ok(())
    }

    /// What the highest version takes back; <https://go.dev/ref/mod#go-mod-file-retract>.
    async fn retractions(&mut self) -> Result<Vec<Retract>, Failure> {
        let Some(highest) = self.newest(&[]).await? else { return Ok(Vec::new()) };
        let text = self.go_mod(&highest).await?;
        let file = GoMod::parse(&text, Reading::Dependency);
        let file = file.map_err(|error| Failure {
            class: FailureClass::Upstream,
            message: format!("the go.mod of {}@{highest} cannot be read: {error}", self.path),
        })?;
        Ok(file.retract)
    }

    async fn go_mod(&self, version: &str) -> Result<String, Failure> {
        let bytes = self.modules.go_mod(self.path, version).await.map_err(|error| failure(&error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What Go would take.
    async fn newest(&mut self, retracted: &[Retract]) -> Result<Option<String>, Failure> {
        loop {
            let has_own = |version: &str| self.own_files.get(version).copied();
            let asked = match newest(&self.listed, self.latest.as_deref(), retracted, has_own) {
                Newest::Version(version) => return Ok(Some(version.to_owned())),
                Newest::None => return Ok(None),
                Newest::Ask(version) => version.to_owned(),
            };
            let made_up = GoMod::without_file(self.path);
            let own = self.go_mod(&asked).await? != made_up;
            self.own_files.insert(asked, own);
        }
    }

    /// When the version's commit was made; nothing where the proxy does not say.
    async fn published(&self, version: &str) -> Result<Option<Timestamp>, Failure> {
        match self.modules.info(self.path, version).await {
            Ok(info) => Ok(info.time),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    /// What the package's track allows, best first. Of releases, prereleases and bare commits the kind that Go would take
    /// counts, unless prereleases are asked for: one that has to wait is not stood in for by one of the next kind.
    async fn candidates(&mut self, wanted: &Wanted<'_>, retracted: &[Retract]) -> Result<Vec<String>, Failure> {
        if let Track::Exact { version } = wanted.track {
            // One that is not listed may be there all the same.
            let version = format!("v{}", version.strip_prefix('v').unwrap_or(version));
            return match self.modules.info(self.path, &version).await {
                Ok(_) => Ok(vec![version]),
                Err(error) if error.is_absent() => Ok(Vec::new()),
                Err(error) => Err(failure(&error)),
            };
        }
        let Some(first) = self.newest(retracted).await? else { return Ok(Vec::new()) };
        if !self.listed.contains(&first) {
            return Ok(vec![first]);
        }
        let parse = |version: &str| semver::Version::parse(version.strip_prefix('v')?).ok();
        let current = wanted.current.and_then(parse).filter(|_| *wanted.track == Track::Minor);
        let is_release = |version: &str| go::prerelease(version).is_empty();
        let counts = |version: &&String| {
            let same_kind = *wanted.track == Track::Prerelease || is_release(version) == is_release(&first);
            let same_rules = go::is_incompatible(&first) || !go::is_incompatible(version);
            let fits = current
                .as_ref()
                .is_none_or(|current| parse(version).is_some_and(|version| is_compatible(current, &version)));
            same_kind && same_rules && fits && !is_retracted(version, retracted)
        };
        Ok(self.listed.iter().rev().filter(counts).cloned().collect())
    }

    /// Why there is nothing to take and nothing to wait for, as the end of a sentence about the module.
    fn why_nothing(&self, retracted: &[Retract]) -> String {
        let all = self.listed.len();
        let gone = self.listed.iter().filter(|version| is_retracted(version, retracted)).count();
        match (all, gone) {
            (0, _) => "the module proxy knows no version of it".to_owned(),
            (all, gone) if all == gone => format!("every version ({all}) is retracted"),
            _ => format!("none of its {all} versions is wanted"),
        }
    }
}

/// What tags of a module begin with: its folder in the repository, where its path is below the repository's address.
fn folder_within(module: &str, repository: &Url) -> String {
    let path = repository.path().trim_end_matches('/');
    let root = format!("{}{}", repository.host_str().unwrap_or_default(), path.strip_suffix(".git").unwrap_or(path));
    match module.strip_prefix(&root).and_then(|below| below.strip_prefix('/')) {
        Some(folder) => format!("{folder}/"),
        None => String::new(),
    }
}

/// What a version has to wait for, if anything.
fn waits(version: &str, published: Option<Timestamp>, wanted: Wanted<'_>) -> Option<Waiting> {
    let Wanted { track, min_age, current, now, .. } = wanted;
    let parsed = semver::Version::parse(version.strip_prefix('v').unwrap_or(version)).ok()?;
    let reason = not_ready(&parsed, published, Policy { track, current, min_age, now })?;
    Some(match cargo::waits(reason) {
        Waiting::TooYoung { ready_at, .. } => Waiting::TooYoung { version: version.to_owned(), ready_at },
        Waiting::NoTime { .. } => Waiting::NoTime { version: version.to_owned() },
    })
}

fn candidate(path: &str, subpath: Option<&str>, version: String, published: Option<Timestamp>) -> Candidate {
    let origin = Origin::Go { module: path.to_owned(), subpath: subpath.map(str::to_owned) };
    Candidate { version, published, origin }
}

fn failure(error: &GoProxyError) -> Failure {
    Failure::new(go_class(error), error)
}

/// Who can mend an error of the modules' client.
pub(in crate::stages) fn go_class(error: &GoProxyError) -> FailureClass {
    use crate::clients::http::HttpError;

    match error {
        GoProxyError::Replaced { .. } => FailureClass::Hash,
        GoProxyError::File(_) | GoProxyError::Netrc(_) | GoProxyError::Http(HttpError::File(_)) => {
            FailureClass::Infrastructure
        }
        _ => FailureClass::Upstream,
    }
}
