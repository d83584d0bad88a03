//! Questions to the bare repository, and the commits that the forge makes itself.

use std::collections::BTreeMap;

use git2::{Oid, Repository, Signature, Tree};

use super::clock;
use super::world::{Pull, World};

/// One file of a pull request.
pub(super) struct ChangedFile {
    pub(super) path: String,
    pub(super) status: &'static str,
    pub(super) additions: usize,
    pub(super) deletions: usize,
    pub(super) blob: Oid,
    pub(super) patch: String,
}

impl World {
    /// The branches as they are.
    pub(super) fn branches(&self) -> BTreeMap<String, Oid> {
        let references = self.git.references_glob("refs/heads/*").expect("the repository's branches");
        let named = references.filter_map(|reference| {
            let reference = reference.ok()?;
            let name = reference.name().ok()?.strip_prefix("refs/heads/")?.to_owned();
            Some((name, reference.target()?))
        });
        named.collect()
    }

    /// Where a branch is.
    pub(super) fn branch(&self, name: &str) -> Option<Oid> {
        self.git.refname_to_id(&format!("refs/heads/{name}")).ok()
    }

    /// Where a pull request's branch is; a fork's stays where it was.
    pub(super) fn head_of(&self, pull: &Pull) -> Option<Oid> {
        if pull.head_owner == self.settings.owner { self.branch(&pull.head) } else { Some(parsed(&pull.head_sha)) }
    }

    /// Puts a branch or another reference somewhere.
    pub(super) fn set_reference(&self, name: &str, to: Oid) {
        self.git.reference(name, to, true, "moved by the forge").expect("a reference to a commit that is there");
    }

    /// The commit that a name means: a hash, `main`, `heads/main`, `tags/v1`, or a whole reference.
    pub(super) fn commit_named(&self, name: &str) -> Option<Oid> {
        let forms = ["", "refs/heads/", "refs/tags/", "refs/"];
        let mut found = forms.iter().filter_map(|prefix| self.git.revparse_single(&format!("{prefix}{name}")).ok());
        found.find_map(|object| Some(object.peel_to_commit().ok()?.id()))
    }

    /// Is `commit` part of what leads to `tip`?
    pub(super) fn contains(&self, tip: Oid, commit: Oid) -> bool {
        tip == commit || self.git.graph_descendant_of(tip, commit).unwrap_or(false)
    }

    /// The commits that a pull request brings, oldest first.
    pub(super) fn commits_of(&self, pull: &Pull) -> Vec<Oid> {
        let (base, head) = self.ends(pull);
        let mut walk = self.git.revwalk().expect("a walk");
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE).expect("an order");
        if walk.push(head).is_err() || walk.hide(base).is_err() {
            return Vec::new();
        }
        walk.flatten().collect()
    }

    /// Base and head of a pull request; of one that is done, the base as it was then.
    pub(super) fn ends(&self, pull: &Pull) -> (Oid, Oid) {
        let then = parsed(&pull.base_sha);
        let base = if pull.is_open() { self.branch(&pull.base).unwrap_or(then) } else { then };
        (base, parsed(&pull.head_sha))
    }

    /// The files that a pull request changes.
    pub(super) fn files_of(&self, pull: &Pull) -> Vec<ChangedFile> {
        let (base, head) = self.ends(pull);
        let start = self.git.merge_base(base, head).unwrap_or(base);
        let [before, after] = [start, head].map(|commit| tree_of(&self.git, commit));
        let diff = self.git.diff_tree_to_tree(Some(&before), Some(&after), None).expect("a difference");
        let files = (0..diff.deltas().len()).map(|index| {
            let delta = diff.get_delta(index).expect("a file of the difference");
            let patch = git2::Patch::from_diff(&diff, index).ok().flatten();
            let (_, additions, deletions) =
                patch.as_ref().and_then(|patch| patch.line_stats().ok()).unwrap_or_default();
            let text = patch.and_then(|mut patch| Some(String::from_utf8_lossy(&patch.to_buf().ok()?).into_owned()));
            let status = match delta.status() {
                git2::Delta::Added => "added",
                git2::Delta::Deleted => "removed",
                _ => "modified",
            };
            let side = if status == "removed" { delta.old_file() } else { delta.new_file() };
            let name = side.path().expect("a file's path").to_string_lossy().into_owned();
            ChangedFile { path: name, status, additions, deletions, blob: side.id(), patch: text.unwrap_or_default() }
        });
        files.collect()
    }

    /// The tree that a merge would have; `None` where the two do not go together.
    pub(super) fn merged_tree(&self, base: Oid, head: Oid) -> Option<Oid> {
        let [ours, theirs] = [base, head].map(|id| self.git.find_commit(id).ok());
        let mut index = self.git.merge_commits(&ours?, &theirs?, None).ok()?;
        if index.has_conflicts() {
            return None;
        }
        index.write_tree_to(&self.git).ok()
    }

    /// Makes the commits that bring a pull request into its base, moves the base, and gives the last of them.
    pub(super) fn bring_in(&self, pull: &Pull, method: &str, message: &str, who: &str) -> Option<Oid> {
        let (base, head) = self.ends(pull);
        let tree = self.merged_tree(base, head)?;
        let made = match method {
            "squash" => self.commit(tree, &[base], message, &signature(who), &signature(FORGE)),
            "rebase" => self.replayed(pull, base)?,
            _ => self.commit(tree, &[base, head], message, &signature(who), &signature(FORGE)),
        };
        self.set_reference(&format!("refs/heads/{}", pull.base), made);
        Some(made)
    }

    /// Each commit of the pull request anew on its base.
    fn replayed(&self, pull: &Pull, base: Oid) -> Option<Oid> {
        self.commits_of(pull).into_iter().try_fold(base, |tip, commit| {
            let [old, onto] = [commit, tip].map(|id| self.git.find_commit(id).expect("a commit"));
            let mut index = self.git.cherrypick_commit(&old, &onto, 0, None).ok()?;
            let tree = index.write_tree_to(&self.git).ok()?;
            Some(self.commit(tree, &[tip], old.message().unwrap_or_default(), &old.author(), &signature(FORGE)))
        })
    }

    /// A commit that no reference points to yet.
    fn commit(&self, tree: Oid, parents: &[Oid], message: &str, author: &Signature<'_>, by: &Signature<'_>) -> Oid {
        let parents: Vec<_> = parents.iter().map(|id| self.git.find_commit(*id).expect("a parent")).collect();
        let parents: Vec<_> = parents.iter().collect();
        let tree = self.git.find_tree(tree).expect("a tree");
        self.git.commit(None, author, by, message, &tree, &parents).expect("a commit")
    }

    /// Puts one more commit on a branch, which it makes from the default branch where it is new.
    pub(super) fn commit_file(&self, branch: &str, path: &str, text: &str, who: &str) -> Oid {
        let parent = self.branch(branch).or_else(|| self.branch("main"));
        let made = self.commit_on(parent, path, text, who);
        self.set_reference(&format!("refs/heads/{branch}"), made);
        made
    }

    /// A commit that changes one file, and that no reference points to yet.
    pub(super) fn commit_on(&self, parent: Option<Oid>, path: &str, text: &str, who: &str) -> Oid {
        let old = parent.map(|id| tree_of(&self.git, id));
        let blob = self.git.blob(text.as_bytes()).expect("a blob");
        let parts: Vec<&str> = path.split('/').collect();
        let tree = self.with_blob(old.as_ref(), &parts, blob);
        let who = signature(who);
        self.commit(tree, parent.as_slice(), &format!("Change {path}"), &who, &who)
    }

    fn with_blob(&self, tree: Option<&Tree<'_>>, path: &[&str], blob: Oid) -> Oid {
        let mut builder = self.git.treebuilder(tree).expect("a tree");
        let (name, rest) = path.split_first().expect("a path");
        if rest.is_empty() {
            builder.insert(name, blob, 0o100_644).expect("an entry");
        } else {
            let below = tree.and_then(|tree| tree.get_name(name)?.to_object(&self.git).ok()?.into_tree().ok());
            let below = self.with_blob(below.as_ref(), rest, blob);
            builder.insert(name, below, 0o040_000).expect("an entry");
        }
        builder.write().expect("a tree")
    }
}

/// Who stands as committer under the commits that the forge makes.
const FORGE: &str = "web-flow";

fn signature(login: &str) -> Signature<'static> {
    let time = git2::Time::new(clock::now().as_second(), 0);
    Signature::new(login, &format!("{login}@users.forge.example"), &time).expect("a signature")
}

/// A commit's files.
pub(super) fn tree_of(git: &Repository, commit: Oid) -> Tree<'_> {
    git.find_commit(commit).expect("a commit").tree().expect("its tree")
}

/// A hash that the fake itself wrote down.
pub(super) fn parsed(sha: &str) -> Oid {
    Oid::from_str(sha).expect("a hash")
}
