//! Write: files to a commit on a branch, straight into the bare repository.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Failure;
use crate::clients::git::{Author, Change, CommitText, GitError, Overlay};
use crate::model::{AttrPath, BranchName, CommitSha, FailureClass, GroupName};
use crate::overlay::{Files, has_marker};

/// The overlay repository, and who the bot is there.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The bare repository.
    pub overlay: Overlay,
    /// Author and committer of every commit of the bot.
    pub author: Author,
}

/// The branch that people subscribe to.
pub const MAIN: &str = "main";

/// The branch that moves only when all that is advertised was built.
pub const STABLE: &str = "stable";

/// Folders of files that all packages share; what is in them and not ours any more is removed.
const COMMON_FOLDERS: [&str; 2] = ["lib", "hostpkgs"];

/// A lock of git that stays for so long is nobody's.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

impl Writer {
    /// The head of a branch.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn head(&self, branch: &BranchName) -> Result<Option<CommitSha>, Failure> {
        let branch = branch.clone();
        self.blocking(move |overlay, _| overlay.branch(&branch)).await
    }

    /// A file of a commit or branch.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn file(&self, at: &CommitSha, path: String) -> Result<Option<Vec<u8>>, Failure> {
        let at = at.clone();
        self.blocking(move |overlay, _| overlay.read_file(at.as_str(), &path)).await
    }

    /// The packages of a commit.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn packages(&self, at: &CommitSha) -> Result<Vec<AttrPath>, Failure> {
        let at = at.clone();
        let names = self.blocking(move |overlay, _| overlay.list(at.as_str(), "packages")).await?;
        Ok(names.iter().filter_map(|name| name.strip_suffix('/')?.parse().ok()).collect())
    }

    /// The commit that gives `files` to `base`, in which `owned` folders hold nothing else of ours; `None` if `base` has
    /// all of it. No branch moves.
    ///
    /// # Errors
    /// When a file of a person is in the way, or the repository cannot be written.
    pub async fn commit(
        &self,
        base: Option<&CommitSha>,
        files: Files,
        message: String,
        time: Timestamp,
    ) -> Result<Option<CommitSha>, Failure> {
        let base = base.cloned();
        self.blocking(move |overlay, author| {
            let mut changes: BTreeMap<String, Change> = BTreeMap::new();
            if let Some(base) = &base {
                for path in stale(overlay, base, &files)? {
                    changes.insert(path, Change::Delete);
                }
            }
            for (path, bytes) in files {
                let existing = match &base {
                    Some(base) => overlay.read_file(base.as_str(), &path)?,
                    None => None,
                };
                if existing.is_some_and(|existing| !has_marker(&existing)) {
                    return Ok(Err(in_the_way(&path)));
                }
                changes.insert(path, Change::Write { bytes, executable: false });
            }
            overlay.write_commit(base.as_ref(), &changes, CommitText { message: &message, author, time }).map(Ok)
        })
        .await?
    }

    /// Refuses a commit in which more packages of `base` are missing than is allowed: no update takes packages away, so that
    /// would be a mistake of this program or a repository that is not what it was.
    ///
    /// # Errors
    /// When it drops too many, or the repository cannot be read.
    pub async fn refuse_dropping(
        &self,
        base: Option<&CommitSha>,
        commit: &CommitSha,
        allowed: usize,
    ) -> Result<(), Failure> {
        let Some(base) = base else { return Ok(()) };
        let after = self.packages(commit).await?;
        let mut dropped = self.packages(base).await?;
        dropped.retain(|attr| !after.contains(attr));
        if dropped.len() <= allowed {
            return Ok(());
        }
        let names: Vec<&str> = dropped.iter().map(AttrPath::as_str).collect();
        Err(Failure {
            class: FailureClass::Infrastructure,
            message: format!(
                "the change would drop {} packages from the overlay ({}), and limits.dropped_packages allows {allowed}; no \
                 branch was moved",
                names.len(),
                names.join(", ")
            ),
        })
    }

    /// Removes locks of git that a killed bot left. The caller knows that no other is at work.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub async fn release_stale_locks(&self) -> Result<(), Failure> {
        let overlay = self.overlay.clone();
        let removed = tokio::task::spawn_blocking(move || overlay.release_stale_locks(LOCK_PATIENCE))
            .await
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        for lock in removed {
            tracing::warn!(file.path = %lock.display(), "removed a lock of git that a killed process had left");
        }
        Ok(())
    }

    /// Whether two commits differ in what a package is built with: its own folder, and what all packages share.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn differs(&self, one: &CommitSha, other: &CommitSha, attrs: &[AttrPath]) -> Result<bool, Failure> {
        let (one, other) = (one.clone(), other.clone());
        let shared = ["lib", "hostpkgs", "flake.nix", "flake.lock", "default.nix"].map(str::to_owned);
        let paths: Vec<String> = attrs.iter().map(|attr| format!("packages/{attr}")).chain(shared).collect();
        self.blocking(move |overlay, _| overlay.differs(&one, &other, &paths)).await
    }

    /// The newest commit that leads to both.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn common_ancestor(&self, one: &CommitSha, other: &CommitSha) -> Result<Option<CommitSha>, Failure> {
        let (one, other) = (one.clone(), other.clone());
        self.blocking(move |overlay, _| overlay.common_ancestor(&one, &other)).await
    }

    /// Points a branch of the bot's at a commit.
    ///
    /// # Errors
    /// When a person has commits there, or the repository cannot be written.
    pub async fn publish_branch(&self, branch: &BranchName, commit: &CommitSha) -> Result<(), Failure> {
        let (branch, commit) = (branch.clone(), commit.clone());
        self.blocking(move |overlay, author| {
            overlay.publish_branch(&branch, &commit, &main_branch(), author).map(|_| ())
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Overlay, &Author) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, Failure> {
        let Self { overlay, author } = self.clone();
        tokio::task::spawn_blocking(move || work(&overlay, &author))
            .await
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?
            .map_err(|error| Failure::new(FailureClass::Infrastructure, &error))
    }
}

/// `main`, as a branch name.
///
/// # Panics
/// Never: the name is a constant that the tests cover.
pub fn main_branch() -> BranchName {
    branch(MAIN)
}

/// `stable`, as a branch name.
pub fn stable_branch() -> BranchName {
    branch(STABLE)
}

/// The branch of a package's pull request.
pub fn package_branch(attr: &AttrPath) -> BranchName {
    branch(&format!("nixwright/{attr}"))
}

/// The branch of a group's pull request.
pub fn group_branch(group: &GroupName) -> BranchName {
    branch(&format!("nixwright.groups/{group}"))
}

/// The branch of changes to what all packages share; no package can be called so, as names have no dot.
pub fn common_branch() -> BranchName {
    branch("nixwright.lib")
}

/// The branch of changes to the overlay lock.
pub fn lock_branch() -> BranchName {
    branch("nixwright.locks")
}

fn branch(name: &str) -> BranchName {
    name.parse().unwrap_or_else(|error| unreachable!("a branch name of our own: {error}"))
}

/// Generated files of `base` in the folders that `files` fill, which `files` do not have.
fn stale(overlay: &Overlay, base: &CommitSha, files: &Files) -> Result<Vec<String>, GitError> {
    let mut folders: Vec<String> = COMMON_FOLDERS
        .into_iter()
        .filter(|folder| files.keys().any(|path| path.starts_with(&format!("{folder}/"))))
        .map(str::to_owned)
        .collect();
    let packages = files.keys().filter_map(|path| path.strip_prefix("packages/")?.split_once('/'));
    folders.extend(packages.map(|(attr, _)| format!("packages/{attr}")));
    folders.dedup();
    let mut stale = Vec::new();
    while let Some(folder) = folders.pop() {
        for name in overlay.list(base.as_str(), &folder)? {
            let path = format!("{folder}/{}", name.trim_end_matches('/'));
            if name.ends_with('/') {
                folders.push(path);
            } else if !files.contains_key(&path)
                && overlay.read_file(base.as_str(), &path)?.is_some_and(|content| has_marker(&content))
            {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

fn in_the_way(path: &str) -> Failure {
    Failure {
        class: FailureClass::Infrastructure,
        message: format!(
            "{path} in the overlay was not written by nixwright (its marker is missing), so it is left alone; \
             move what is yours to overrides.nix and remove the file"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Writer;
    use crate::clients::git::{Author, Change, CommitText, Overlay};

    #[tokio::test]
    async fn a_change_that_would_drop_many_packages_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let overlay = Overlay::open_or_init(&folder.path().join("overlay.git")).unwrap();
        let author = Author { name: "bot".to_owned(), email: "bot@registry.example".to_owned() };
        let writer = Writer { overlay: overlay.clone(), author: author.clone() };
        let commit = |parent, changes: Vec<(&str, Change)>| {
            let changes: BTreeMap<String, Change> =
                changes.into_iter().map(|(attr, change)| (format!("packages/{attr}/graph.json"), change)).collect();
            let text = CommitText { message: "x", author: &author, time: jiff::Timestamp::UNIX_EPOCH };
            overlay.write_commit(parent, &changes, text).unwrap().unwrap()
        };
        let base = commit(None, ["a", "b", "c"].map(|attr| (attr, Change::text("1"))).into());
        let updated = commit(Some(&base), vec![("a", Change::text("2")), ("d", Change::text("1"))]);
        let dropping =
            commit(Some(&base), vec![("a", Change::text("2")), ("b", Change::Delete), ("c", Change::Delete)]);
        writer.refuse_dropping(None, &base, 0).await.unwrap();
        writer.refuse_dropping(Some(&base), &updated, 0).await.unwrap();
        writer.refuse_dropping(Some(&base), &dropping, 2).await.unwrap();
        let refusal = writer.refuse_dropping(Some(&base), &dropping, 1).await.unwrap_err();
        insta::assert_snapshot!(refusal, @"infrastructure: the change would drop 2 packages from the overlay (b, c), and limits.dropped_packages allows 1; no branch was moved");
    }

    #[test]
    fn the_branches_of_the_bot_have_valid_names() {
        let attr = "fd-find".parse().unwrap();
        assert_eq!(super::package_branch(&attr).as_str(), "nixwright/fd-find");
        assert_eq!(super::common_branch().as_str(), "nixwright.lib");
        assert_eq!(super::lock_branch().as_str(), "nixwright.locks");
        assert_eq!(super::main_branch().as_str(), "main");
        assert_eq!(super::stable_branch().as_str(), "stable");
    }
}
