//! The overlay repository as an outsider sees it: commits and trees of a bare git repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{Commit, ObjectType, Oid, Repository, Signature, TreeWalkMode, TreeWalkResult};

/// `overlay.git` of a state folder.
pub struct Overlay {
    path: PathBuf,
    repository: Repository,
}

impl Overlay {
    /// Opens a bare repository that has to be there.
    pub fn open(path: &Path) -> Self {
        let repository = Repository::open_bare(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path: path.to_owned(), repository }
    }

    /// A flake reference to the tip of a branch, pinned to its commit.
    pub fn flake(&self, branch: &str) -> String {
        let tip = self.tip(branch).unwrap_or_else(|| panic!("no branch {branch}"));
        format!("git+file://{}?ref={branch}&rev={tip}", self.path.display())
    }

    /// Where the repository is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Branches with the commits they point at.
    pub fn branches(&self) -> BTreeMap<String, String> {
        let references = self.repository.references_glob("refs/heads/*").expect("the branches");
        references
            .map(|reference| {
                let reference = reference.expect("a branch");
                let name = reference.shorthand().expect("a branch's name is text").to_owned();
                (name, reference.target().expect("a direct branch").to_string())
            })
            .collect()
    }

    /// The commit that a branch points at.
    pub fn tip(&self, branch: &str) -> Option<String> {
        self.branches().remove(branch)
    }

    /// The subjects of a branch's commits on its first-parent line, newest first.
    pub fn subjects(&self, branch: &str) -> Vec<String> {
        let mut subjects = Vec::new();
        let mut next = Some(self.commit(branch));
        while let Some(commit) = next {
            subjects.push(commit.summary().ok().flatten().unwrap_or_default().to_owned());
            next = commit.parent(0).ok();
        }
        subjects
    }

    /// All files of a branch, with their content.
    pub fn files(&self, branch: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let tree = self.commit(branch).tree().expect("a commit's tree");
        tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                let blob = entry.to_object(&self.repository).and_then(|object| object.peel_to_blob()).expect("a blob");
                let name = entry.name().expect("a name in text");
                files.insert(format!("{folder}{name}"), blob.content().to_vec());
            }
            TreeWalkResult::Ok
        })
        .expect("a tree that can be walked");
        files
    }

    /// A text file of a branch.
    pub fn file(&self, branch: &str, path: &str) -> Option<String> {
        let content = self.files(branch).remove(path)?;
        Some(String::from_utf8(content).unwrap_or_else(|_| panic!("{path} is not text")))
    }

    /// Commits a file to a branch as a person with an editor would, not the bot.
    pub fn commit_as_person(&self, branch: &str, path: &str, content: &str) -> String {
        let blob = self.repository.blob(content.as_bytes()).expect("a blob");
        let mut update = git2::build::TreeUpdateBuilder::new();
        update.upsert(path, blob, git2::FileMode::Blob);
        self.commit_update(branch, &mut update, &format!("Change {path}"))
    }

    /// Removes a file or folder from a branch, as a person would.
    pub fn remove_as_person(&self, branch: &str, path: &str) -> String {
        let mut update = git2::build::TreeUpdateBuilder::new();
        update.remove(path);
        self.commit_update(branch, &mut update, &format!("Remove {path}"))
    }

    fn commit_update(&self, branch: &str, update: &mut git2::build::TreeUpdateBuilder, message: &str) -> String {
        let parent = self.commit(branch);
        let base = parent.tree().expect("a tree");
        let tree = update.create_updated(&self.repository, &base).expect("a tree");
        let tree = self.repository.find_tree(tree).expect("a tree");
        let person = Signature::now("A Person", "person@registry.example").expect("a signature");
        let reference = format!("refs/heads/{branch}");
        let id = self.repository.commit(Some(&reference), &person, &person, message, &tree, &[&parent]);
        id.expect("a commit").to_string()
    }

    /// Whether one commit is another's ancestor or the same.
    pub fn contains(&self, branch: &str, commit: &str) -> bool {
        let tip = self.commit(branch).id();
        let wanted = Oid::from_str(commit).expect("a commit id");
        tip == wanted || self.repository.graph_descendant_of(tip, wanted).expect("known commits")
    }

    fn commit(&self, branch: &str) -> Commit<'_> {
        let reference = self.repository.find_reference(&format!("refs/heads/{branch}"));
        let commit = reference.and_then(|reference| reference.peel_to_commit());
        commit.unwrap_or_else(|error| panic!("branch {branch}: {error}"))
    }
}
