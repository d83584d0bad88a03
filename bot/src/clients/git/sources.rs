//! Packages that come from a git repository.
//!
//! A repository is kept bare, one for each address, and only what a spec names is brought over, without its history where the
//! server can. npm would try ssh as well; here nobody's key is used, so that what is resolved can be fetched by anyone.

mod submodules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use git2::{Commit, ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};
use nixwright_resolver::npm::catalog::{GitFiles, PackageFiles};
use nixwright_resolver::npm::tags::newest_tag;
use sha2::{Digest as _, Sha256};
use url::Url;

use self::submodules::SUBMODULES_WITHIN;
use crate::clients::endpoints;
use crate::clients::files::{self, FileError};
use crate::clients::git::{GitError, Overlay, Remote, RemoteRef, TreeLimits, TreeTrouble, export, nar_hash, within};

/// How long bringing one repository over may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The mode of a symbolic link in a tree.
const LINK: i32 = 0o120_000;

/// Contents, by path from the top.
pub type CommitFiles = Vec<(String, Vec<u8>)>;

/// A package of a git repository that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GitSourceError {
    /// An address that is not fetched from.
    #[error("{spec}: {reason}")]
    Address {
        /// As the dependency asks for it.
        spec: String,
        /// Why not, and what would do.
        reason: &'static str,
    },
    /// No such commit, branch or tag.
    #[error("{spec}: the repository {url} has no {what}")]
    NoSuchCommit {
        /// As the dependency asks for it.
        spec: String,
        /// The repository's address.
        url: String,
        /// What was looked for.
        what: String,
    },
    /// A tag that was moved.
    #[error(
        "the tag {tag} of {url} was commit {first} when it was first seen, and is {now} now: a published version never changes, so it is \
         refused; ask upstream what happened"
    )]
    Moved {
        /// The repository's address.
        url: String,
        /// The tag.
        tag: String,
        /// The commit that it was first.
        first: String,
        /// The commit that it is.
        now: String,
    },
    /// The commit is no package.
    #[error("{spec}: commit {commit} has no package.json")]
    NoManifest {
        /// As the dependency asks for it.
        spec: String,
        /// Its full id.
        commit: String,
    },
    /// The commit's files are not taken.
    #[error("{spec}: the commit {commit} is refused: {source}")]
    Tree {
        /// As the dependency asks for it.
        spec: String,
        /// Its full id.
        commit: String,
        /// Why.
        source: TreeTrouble,
    },
    /// The copy that is kept.
    #[error("cannot read the copy of {url}: {}; remove {} to fetch it anew", source.message(), path.display())]
    Copy {
        /// The repository's address.
        url: String,
        /// Where the copy is.
        path: PathBuf,
        /// git's words.
        source: git2::Error,
    },
    /// The repository over there.
    #[error(transparent)]
    Remote(#[from] GitError),
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

impl GitSourceError {
    /// Whether the repository was asked and does not have it, or does not give it to us.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Address { .. }
                | Self::NoSuchCommit { .. }
                | Self::NoManifest { .. }
                | Self::Remote(GitError::RemoteRefused { .. })
        )
    }
}

/// Repositories that packages come from, and the copies of them.
#[derive(Debug, Clone)]
pub struct GitSources {
    cache: PathBuf,
    limits: TreeLimits,
    local: bool,
    /// Where repositories are fetched from that are below the first address: below the second.
    instead: Option<(Url, Url)>,
}

impl GitSources {
    /// `cache` is a folder for its own use.
    pub fn new(cache: &Path, limits: TreeLimits) -> Self {
        Self { cache: cache.join("git"), limits, local: false, instead: None }
    }

    /// The same for a project of this machine's own user, who may refer to repositories on this machine; what a registry says
    /// may not.
    #[must_use]
    pub fn with_local(self) -> Self {
        Self { local: true, ..self }
    }

    /// The same with another server in the place of a public one, as git's `url.<base>.insteadOf` has it; both addresses end in `/`.
    #[must_use]
    pub fn with_instead(self, public: Url, actual: Url) -> Self {
        Self { instead: (public != actual).then_some((public, actual)), ..self }
    }

    /// The commit that a spec names (`git+https://host/path.git#committish`), and what its folder holds.
    ///
    /// # Errors
    /// [`GitSourceError`]; [`GitSourceError::is_absent`] tells what is an answer.
    pub async fn find(&self, spec: &str) -> Result<GitFiles, GitSourceError> {
        let (url, committish) = self.address(spec)?;
        let (sources, spec) = (self.clone(), spec.to_owned());
        on_its_thread(url, move |remote| sources.find_blocking(&spec, remote, committish.as_deref())).await
    }

    /// The names of a repository's tags, each with the full id of its commit, asked now.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn tags(&self, repository: &Url) -> Result<BTreeMap<String, String>, GitSourceError> {
        let sources = self.clone();
        on_its_thread(self.fetched_from(repository.clone()), move |remote| {
            let there = sources.mirror(remote.url())?.list_remote(remote)?;
            let mut tags = BTreeMap::new();
            for reference in there {
                match reference.name.strip_prefix("refs/tags/").map(|tag| (tag.strip_suffix("^{}"), tag)) {
                    // What an annotated tag is of counts, not the tag's own object.
                    Some((Some(tag), _)) => drop(tags.insert(tag.to_owned(), reference.id)),
                    Some((None, tag)) => drop(tags.entry(tag.to_owned()).or_insert(reference.id)),
                    None => {}
                }
            }
            Ok(tags)
        })
        .await
    }

    /// Refuses a tag of which another commit was seen before.
    ///
    /// # Errors
    /// [`GitSourceError::Moved`], or when the cache cannot be read or written.
    pub fn first_seen(&self, repository: &Url, tag: &str, commit: &str) -> Result<(), GitSourceError> {
        let pin = self.cache.join("tags").join(hashed(&format!("{repository}#{tag}")));
        match files::read_optional(&pin)? {
            None => Ok(files::write(&pin, commit.as_bytes())?),
            Some(first) if first == commit.as_bytes() => Ok(()),
            Some(first) => Err(GitSourceError::Moved {
                url: repository.to_string(),
                tag: tag.to_owned(),
                first: String::from_utf8_lossy(&first).into_owned(),
                now: commit.to_owned(),
            }),
        }
    }

    /// Where a repository is really fetched from.
    fn fetched_from(&self, url: Url) -> Url {
        let other = || {
            let (public, actual) = self.instead.as_ref()?;
            actual.join(url.as_str().strip_prefix(public.as_str())?).ok()
        };
        other().unwrap_or(url)
    }

    /// The folder of a commit, without git's own files, as Nix's fetcher would check it out. It is to be read only.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn folder(&self, url: &str, commit: &str) -> Result<PathBuf, GitSourceError> {
        let spec = format!("{url}#{commit}");
        let (address, _) = self.address(&spec)?;
        let sources = self.clone();
        let commit = commit.to_owned();
        on_its_thread(address, move |remote| {
            let folder = sources.cache.join("folders").join(hashed(&format!("{}#{commit}", remote.url())));
            let mirror = sources.mirror(remote.url())?;
            let repository = open(&mirror, remote.url())?;
            let found = Self::bring(&spec, &mirror, remote, &repository, Some(&commit))?;
            let tree = sources.whole(&spec, &mirror, remote, &repository, &found, SUBMODULES_WITHIN)?;
            let refused = |source| GitSourceError::Tree { spec: spec.clone(), commit: commit.clone(), source };
            export(&repository, &tree, sources.limits, &folder).map_err(refused)?;
            Ok(folder)
        })
        .await
    }

    /// Nix's hash of a commit with all its submodules, and those of its files that are wanted, by path; without a committish
    /// it is the commit that the repository's `HEAD` is at.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn read(
        &self,
        url: &str,
        committish: Option<&str>,
        wants: fn(&str) -> bool,
    ) -> Result<(String, CommitFiles), GitSourceError> {
        let spec = format!("{url}{}", committish.map(|text| format!("#{text}")).unwrap_or_default());
        let (address, committish) = self.address(&spec)?;
        let sources = self.clone();
        on_its_thread(address, move |remote| {
            let mirror = sources.mirror(remote.url())?;
            let repository = open(&mirror, remote.url())?;
            let commit = Self::bring(&spec, &mirror, remote, &repository, committish.as_deref())?;
            let tree = sources.whole(&spec, &mirror, remote, &repository, &commit, SUBMODULES_WITHIN)?;
            let id = commit.id().to_string();
            let refused = |source| GitSourceError::Tree { spec: spec.clone(), commit: id.clone(), source };
            // The limits are those of the whole tree, so it comes before single files.
            let hash = nar_hash(&repository, &tree, sources.limits).map_err(refused)?;
            let mut files = CommitFiles::new();
            let mut take = |folder: &str, entry: &git2::TreeEntry<'_>| {
                let path = format!("{folder}{}", entry.name().unwrap_or_default());
                if entry.kind() == Some(ObjectType::Blob)
                    && entry.filemode() != LINK
                    && wants(&path)
                    && let Ok(blob) = repository.find_blob(entry.id())
                {
                    files.push((path, blob.content().to_vec()));
                }
                TreeWalkResult::Ok
            };
            let walked = tree.walk(TreeWalkMode::PreOrder, &mut take);
            walked.map_err(|source| copy_failed(&mirror, remote.url(), source))?;
            Ok((hash, files))
        })
        .await
    }

    fn find_blocking(&self, spec: &str, remote: &Remote, committish: Option<&str>) -> Result<GitFiles, GitSourceError> {
        let mirror = self.mirror(remote.url())?;
        let repository = open(&mirror, remote.url())?;
        let commit = Self::bring(spec, &mirror, remote, &repository, committish)?;
        let id = commit.id().to_string();
        let tree = self.whole(spec, &mirror, remote, &repository, &commit, SUBMODULES_WITHIN)?;
        let refused = |source| GitSourceError::Tree { spec: spec.to_owned(), commit: id.clone(), source };
        // The limits are those of the whole tree, so it comes before single files.
        let hash = nar_hash(&repository, &tree, self.limits).map_err(refused)?;
        let text = |name: &str| {
            let blob = repository.find_blob(tree.get_name(name)?.id()).ok()?;
            Some(String::from_utf8_lossy(blob.content()).trim_start_matches('\u{feff}').to_owned())
        };
        let no_manifest = || GitSourceError::NoManifest { spec: spec.to_owned(), commit: id.clone() };
        let files = PackageFiles {
            manifest: text("package.json").ok_or_else(no_manifest)?,
            shrinkwrap: text("npm-shrinkwrap.json"),
            gyp: tree.get_name("binding.gyp").is_some(),
            ..PackageFiles::default()
        };
        Ok(GitFiles { commit: id, hash, files })
    }

    /// The commit that is named, in the copy; what is known by its full id is not asked for again.
    fn bring<'r>(
        spec: &str,
        mirror: &Overlay,
        remote: &Remote,
        repository: &'r Repository,
        committish: Option<&str>,
    ) -> Result<Commit<'r>, GitSourceError> {
        let full_id = committish.filter(|text| text.len() == 40).and_then(|text| Oid::from_str(text).ok());
        if let Some(commit) = full_id.and_then(|id| repository.find_commit(id).ok()) {
            return Ok(commit);
        }
        let refs = mirror.list_remote(remote)?;
        let missing = || GitSourceError::NoSuchCommit {
            spec: spec.to_owned(),
            url: remote.url().to_string(),
            what: committish.map_or_else(|| "HEAD".to_owned(), |text| format!("{text:?}")),
        };
        if let Some(found) = named(&refs, committish) {
            let name = found.name.trim_end_matches("^{}");
            mirror.fetch_tips(remote, &[format!("+{name}:refs/nixwright/{}", found.id)])?;
            let id = Oid::from_str(&found.id).map_err(|source| copy_failed(mirror, remote.url(), source))?;
            let object = repository.find_object(id, None).and_then(|object| object.peel(ObjectType::Commit));
            let commit = object.and_then(|object| repository.find_commit(object.id()));
            return commit.map_err(|source| copy_failed(mirror, remote.url(), source));
        }
        // A commit that no branch or tag is at: only its history has it.
        let committish = committish.filter(|text| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let committish = committish.ok_or_else(missing)?;
        let all = ["+refs/heads/*:refs/nixwright/heads/*", "+refs/tags/*:refs/nixwright/tags/*"].map(str::to_owned);
        mirror.fetch(remote, &all, false)?;
        let object = repository.revparse_single(committish).and_then(|object| object.peel_to_commit());
        object.map_err(|_| missing())
    }

    fn mirror(&self, url: &Url) -> Result<Overlay, GitSourceError> {
        let path = self.cache.join("repositories").join(format!("{}.git", hashed(url.as_str())));
        files::create_folder(path.parent().unwrap_or(&path))?;
        Ok(Overlay::open_or_init(&path)?)
    }

    /// Where a spec's repository is fetched from, and what of it is wanted.
    fn address(&self, spec: &str) -> Result<(Url, Option<String>), GitSourceError> {
        let refused = |reason| GitSourceError::Address { spec: spec.to_owned(), reason };
        let text = spec.strip_prefix("git+").unwrap_or(spec);
        let mut url = Url::parse(text).map_err(|_| refused("this is no address of a git repository"))?;
        let fragment = url.fragment().map(percent_decoded);
        url.set_fragment(None);
        match url.scheme() {
            "https" | "http" | "git" => {}
            "ssh" => {
                let reason = "it is fetched without anybody's key, so an address over https is needed, not ssh";
                url = endpoints::public_git_host(&url).ok_or_else(|| refused(reason))?;
            }
            "file" if self.local => {}
            "file" => return Err(refused("a published package cannot come from a repository on this machine")),
            _ => return Err(refused("repositories are fetched over https")),
        }
        Ok((self.fetched_from(url), fragment.filter(|text| !text.is_empty())))
    }
}

/// The reference that npm would take: for a range the newest of its tags, else by full or short name, tags before branches,
/// else one that is at this commit.
fn named<'a>(refs: &'a [RemoteRef], committish: Option<&str>) -> Option<&'a RemoteRef> {
    let by_name = |name: &str| {
        let peeled = format!("{name}^{{}}");
        refs.iter().find(|found| found.name == peeled).or_else(|| refs.iter().find(|found| found.name == name))
    };
    let Some(committish) = committish else { return by_name("HEAD") };
    if let Some(range) = committish.strip_prefix("semver:") {
        let tags = refs.iter().filter_map(|found| found.name.strip_prefix("refs/tags/"));
        let newest = newest_tag(range, tags.filter(|tag| !tag.ends_with("^{}")))?;
        return by_name(&format!("refs/tags/{newest}"));
    }
    let prefixes = ["refs/tags/", "refs/heads/", "refs/", ""];
    let named = prefixes.iter().find_map(|prefix| by_name(&format!("{prefix}{committish}")));
    named
        .or_else(|| by_name(&format!("refs/{committish}/head")))
        .or_else(|| refs.iter().find(|found| found.id == committish))
}

async fn on_its_thread<T: Send + 'static>(
    url: Url,
    work: impl FnOnce(&Remote) -> Result<T, GitSourceError> + Send + 'static,
) -> Result<T, GitSourceError> {
    within("fetch from", Remote::new(url, None, PATIENCE), move |remote| Ok(work(remote))).await?
}

fn open(mirror: &Overlay, url: &Url) -> Result<Repository, GitSourceError> {
    Repository::open_bare(mirror.path()).map_err(|source| copy_failed(mirror, url, source))
}

fn copy_failed(mirror: &Overlay, url: &Url, source: git2::Error) -> GitSourceError {
    GitSourceError::Copy { url: url.to_string(), path: mirror.path().to_owned(), source }
}

fn hashed(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
