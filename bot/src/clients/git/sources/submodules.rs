//! Commits with what they refer to as submodules.

use std::collections::BTreeMap;

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, ObjectType, Repository, Tree, TreeWalkMode, TreeWalkResult};

use super::{GitSourceError, GitSources, PATIENCE, copy_failed};
use crate::clients::git::{Overlay, Remote};

/// How deeply submodules may stand in one another.
pub(super) const SUBMODULES_WITHIN: u8 = 8;

impl GitSources {
    /// The tree of a commit with those of its submodules in their places, which come into the same copy. One that
    /// `.gitmodules` does not know stays the empty folder that git makes of it.
    pub(super) fn whole<'r>(
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
