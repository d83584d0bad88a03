//! Packages that come from a git repository.
//!
//! A repository is kept bare, one for each address, and only what a spec names is brought over, without its history where the
//! server can. npm would try ssh as well; here nobody's key is used, so that what is resolved can be fetched by anyone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, ObjectType, Oid, Repository, Tree, TreeWalkMode, TreeWalkResult};
use nixwright_resolver::npm::catalog::{GitFiles, PackageFiles};
use nixwright_resolver::npm::tags::newest_tag;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::clients::endpoints;
use crate::clients::files::{self, FileError};
use crate::clients::git::{GitError, Overlay, Remote, RemoteRef, TreeLimits, TreeTrouble, export, nar_hash, within};

/// How long bringing one repository over may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// How deeply submodules may stand in one another.
const SUBMODULES_WITHIN: u8 = 8;

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
}

impl GitSources {
    /// `cache` is a folder for its own use.
    pub fn new(cache: &Path, limits: TreeLimits) -> Self {
        Self { cache: cache.join("npm/git"), limits, local: false }
    }

    /// The same for a project of this machine's own user, who may refer to repositories on this machine; what a registry says
    /// may not.
    #[must_use]
    pub fn with_local(self) -> Self {
        Self { local: true, ..self }
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

    /// The names of a repository's tags, asked now.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn tags(&self, repository: &Url) -> Result<Vec<String>, GitSourceError> {
        let sources = self.clone();
        on_its_thread(repository.clone(), move |remote| {
            let there = sources.mirror(remote.url())?.list_remote(remote)?;
            let tags = there.iter().filter_map(|reference| reference.name.strip_prefix("refs/tags/"));
            Ok(tags.filter(|tag| !tag.ends_with("^{}")).map(str::to_owned).collect())
        })
        .await
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

    /// The tree of a commit with those of its submodules in their places, which come into the same copy. One that
    /// `.gitmodules` does not know stays the empty folder that git makes of it.
    fn whole<'r>(
        &self,
        spec: &str,
        mirror: &Overlay,
        remote: &Remote,
        repository: &'r Repository,
        commit: &Commit<'_>,
        within: u8,
    ) -> Result<Tree<'r>, GitSourceError> {
        let failed = |source| copy_failed(mirror, remote.url(), source);
        let tree = repository.find_tree(commit.tree_id()).map_err(failed)?;
        let mut links = Vec::new();
        let mut note = |folder: &str, entry: &git2::TreeEntry<'_>| {
            if entry.kind() == Some(ObjectType::Commit) {
                links.push((format!("{folder}{}", entry.name().unwrap_or_default()), entry.id()));
            }
            TreeWalkResult::Ok
        };
        tree.walk(TreeWalkMode::PreOrder, &mut note).map_err(failed)?;
        let modules = tree.get_name(".gitmodules").and_then(|entry| repository.find_blob(entry.id()).ok());
        let addresses = modules.map(|blob| submodules(&String::from_utf8_lossy(blob.content()))).unwrap_or_default();
        // In two steps: git puts no folder in the place of a link to a commit.
        let (mut without, mut update) = (TreeUpdateBuilder::new(), TreeUpdateBuilder::new());
        let mut found = false;
        for (path, id) in links {
            let Some(address) = addresses.get(&path) else { continue };
            let refused = |reason| GitSourceError::Address { spec: format!("{spec}, submodule {path}"), reason };
            let Some(within) = within.checked_sub(1) else {
                return Err(refused("submodules stand in one another too deeply"));
            };
            let address = if address.starts_with("./") || address.starts_with("../") {
                let mut base = remote.url().clone();
                base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
                base.join(address).map_err(|_| refused("this is no address of a git repository"))?.to_string()
            } else {
                address.clone()
            };
            let (url, _) = self.address(&address)?;
            let remote = Remote::new(url, None, PATIENCE);
            let inner = Self::bring(spec, mirror, &remote, repository, Some(&id.to_string()))?;
            let inner = self.whole(spec, mirror, &remote, repository, &inner, within)?;
            without.remove(path.as_str());
            update.upsert(path.as_str(), inner.id(), FileMode::Tree);
            found = true;
        }
        if !found {
            return Ok(tree);
        }
        let tree = without.create_updated(repository, &tree).and_then(|id| repository.find_tree(id)).map_err(failed)?;
        let id = update.create_updated(repository, &tree).map_err(failed)?;
        repository.find_tree(id).map_err(failed)
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
        Ok((url, fragment.filter(|text| !text.is_empty())))
    }
}

/// The addresses in a `.gitmodules`, by path (the form of git's own configuration).
fn submodules(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let (mut path, mut url) = (None, None);
    for line in text.lines().map(str::trim) {
        match line.split_once('=').map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))) {
            _ if line.starts_with('[') => (path, url) = (None, None),
            Some(("path", value)) => path = Some(value.to_owned()),
            Some(("url", value)) => url = Some(value.to_owned()),
            _ => {}
        }
        if let (Some(path), Some(url)) = (&path, &url) {
            all.insert(path.clone(), url.clone());
        }
    }
    all
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
mod tests {
    use git2::{Oid, Repository, Signature, Time};

    use super::{GitSources, TreeLimits};

    const LIMITS: TreeLimits = TreeLimits { bytes: 100_000, entries: 100 };

    struct Upstream {
        folder: tempfile::TempDir,
        repository: Repository,
    }

    impl Upstream {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let repository = Repository::init_bare(folder.path().join("up.git")).unwrap();
            repository.set_head("refs/heads/main").unwrap();
            Self { folder, repository }
        }

        fn commit(&self, manifest: &str) -> Oid {
            let repository = &self.repository;
            let mut top = repository.treebuilder(None).unwrap();
            top.insert("package.json", repository.blob(manifest.as_bytes()).unwrap(), 0o100_644).unwrap();
            top.insert("binding.gyp", repository.blob(b"").unwrap(), 0o100_644).unwrap();
            let tree = repository.find_tree(top.write().unwrap()).unwrap();
            let author = Signature::new("a", "a@tool.example", &Time::new(0, 0)).unwrap();
            let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
            let parents: Vec<_> = parent.iter().collect();
            repository.commit(Some("refs/heads/main"), &author, &author, "c", &tree, &parents).unwrap()
        }

        fn tag(&self, name: &str, annotated: bool) {
            let target = self.repository.head().unwrap().peel(git2::ObjectType::Commit).unwrap();
            let author = Signature::new("a", "a@tool.example", &Time::new(0, 0)).unwrap();
            if annotated {
                self.repository.tag(name, &target, &author, "t", false).unwrap();
            } else {
                self.repository.tag_lightweight(name, &target, false).unwrap();
            }
        }

        fn spec(&self, committish: &str) -> String {
            format!("git+file://{}/up.git{committish}", self.folder.path().display())
        }

        async fn found(&self, committish: &str) -> String {
            let sources = GitSources::new(&self.folder.path().join("cache"), LIMITS).with_local();
            match sources.find(&self.spec(committish)).await {
                Ok(found) => format!("{} {}", found.commit, found.files.manifest),
                Err(error) => error.to_string().replace(&self.folder.path().display().to_string(), ""),
            }
        }
    }

    #[tokio::test]
    async fn a_commit_is_found_by_everything_that_npm_finds_it_by() {
        let upstream = Upstream::new();
        let first = upstream.commit("1").to_string();
        upstream.tag("v1.0.0", false);
        let second = upstream.commit("2").to_string();
        upstream.tag("v1.1.0", true);
        let between = upstream.commit("3").to_string();
        let last = upstream.commit("4").to_string();
        assert_eq!(upstream.found("").await, format!("{last} 4"));
        assert_eq!(upstream.found("#main").await, format!("{last} 4"));
        assert_eq!(upstream.found("#refs/heads/main").await, format!("{last} 4"));
        assert_eq!(upstream.found("#v1.0.0").await, format!("{first} 1"));
        assert_eq!(upstream.found("#semver:^1").await, format!("{second} 2"));
        assert_eq!(upstream.found("#semver:~1.0").await, format!("{first} 1"));
        assert_eq!(upstream.found(&format!("#{between}")).await, format!("{between} 3"));
        assert_eq!(upstream.found(&format!("#{}", &between[..9])).await, format!("{between} 3"));
        let said = [upstream.found("#absent").await, upstream.found("#semver:^9").await].join("\n");
        insta::assert_snapshot!(said, @r#"
git+file:///up.git#absent: the repository file:///up.git has no "absent"
git+file:///up.git#semver:^9: the repository file:///up.git has no "semver:^9"
"#);
    }

    #[tokio::test]
    async fn what_was_brought_over_is_there_without_asking_and_as_a_folder() {
        let upstream = Upstream::new();
        let commit = upstream.commit("1").to_string();
        let sources = GitSources::new(&upstream.folder.path().join("cache"), LIMITS).with_local();
        let found = sources.find(&upstream.spec("")).await.unwrap();
        assert!(found.files.gyp && found.hash.starts_with("sha256-"), "{found:?}");
        std::fs::rename(upstream.folder.path().join("up.git"), upstream.folder.path().join("gone.git")).unwrap();
        let again = sources.find(&upstream.spec(&format!("#{commit}"))).await.unwrap();
        assert_eq!(again, found);
        let url = upstream.spec("");
        let folder = sources.folder(url.strip_prefix("git+").unwrap(), &commit).await.unwrap();
        assert_eq!(std::fs::read(folder.join("package.json")).unwrap(), b"1");
    }

    #[tokio::test]
    async fn addresses_that_only_some_can_fetch_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let sources = GitSources::new(folder.path(), LIMITS);
        let mut said = Vec::new();
        for spec in
            ["git+file:///srv/a.git", "git+ssh://git@forge.example/a/b.git#v1", "git+rsync://forge.example/a", "a"]
        {
            let error = sources.find(spec).await.unwrap_err();
            assert!(error.is_absent());
            said.push(error.to_string());
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
git+file:///srv/a.git: a published package cannot come from a repository on this machine
git+ssh://git@forge.example/a/b.git#v1: it is fetched without anybody's key, so an address over https is needed, not ssh
git+rsync://forge.example/a: repositories are fetched over https
a: this is no address of a git repository
"#);
    }
}
