//! Putting files that are already verified into the store, so that Nix has nothing to fetch.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::process::{batches, command, run_ok};
use super::{Nix, NixError, config};

/// A file or tree to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedFile {
    /// The name that its store path is to have.
    pub name: String,
    /// Where it is now.
    pub file: PathBuf,
    /// `sha256`, `sha512`, …
    pub algo: String,
    /// Whether the hash is of the tree, in Nix's archive form, rather than of one flat file.
    pub recursive: bool,
}

impl Nix {
    /// Adds files as fixed-output paths and returns these, in the order of `files`. Nix takes the name of the path from that of the
    /// file, so each is staged under its name in a folder of its own, by hard link where possible.
    ///
    /// The hash is not compared with anything here: a path that is not the expected one says that the content is not.
    pub async fn add_fixed(&self, files: &[FixedFile]) -> Result<Vec<String>, NixError> {
        if let Some(bad) = files.iter().find(|file| !is_store_name(&file.name)) {
            let expected = "a name for a store path (at most 211 letters, digits and `+-._?=`, not starting with `.`)";
            return Err(NixError::Argument { value: bad.name.clone(), expected });
        }
        let staging = self.folders.scratch()?;
        let staged = stage_all(staging.path().to_owned(), files.to_vec()).await?;
        let mut groups: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            groups.entry((&file.algo, file.recursive)).or_default().push(index);
        }
        let mut paths = vec![String::new(); files.len()];
        for ((algo, recursive), indexes) in groups {
            let members: Vec<&PathBuf> = indexes.iter().map(|index| &staged[*index]).collect();
            let mut added = Vec::with_capacity(members.len());
            for batch in batches(&members) {
                added.extend(self.add_batch(algo, recursive, batch).await?);
            }
            for (index, path) in indexes.into_iter().zip(added) {
                paths[index] = path;
            }
        }
        Ok(paths)
    }

    async fn add_batch(&self, algo: &str, recursive: bool, files: &[&PathBuf]) -> Result<Vec<String>, NixError> {
        let what = format!("adding {} files to the Nix store", files.len());
        let mut call = command(&self.tools.nix_store);
        self.environment(&mut call, &self.config(config::Purpose::Query));
        call.arg("--add-fixed");
        if recursive {
            call.arg("--recursive");
        }
        call.arg(algo).args(files);
        let printed = run_ok(&mut call, &what, super::STORE_LIMIT).await?;
        let paths = printed.lines();
        if paths.len() != files.len() {
            let detail = format!("{} paths for {} files", paths.len(), files.len());
            return Err(NixError::Malformed { what, detail });
        }
        Ok(paths)
    }
}

/// Nix's rule: `checkName` in its `src/libstore/path.cc`.
fn is_store_name(name: &str) -> bool {
    (1..=211).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte))
}

async fn stage_all(folder: PathBuf, files: Vec<FixedFile>) -> Result<Vec<PathBuf>, NixError> {
    let staging = tokio::task::spawn_blocking(move || {
        let stage = |(number, file): (usize, &FixedFile)| {
            let own = folder.join(number.to_string());
            let target = own.join(&file.name);
            let staged = fs::create_dir(&own).and_then(|()| stage(&file.file, &target));
            staged.map(|()| target).map_err(|source| NixError::file("stage", &file.file, source))
        };
        files.iter().enumerate().map(stage).collect()
    });
    staging.await.map_err(|error| NixError::Malformed { what: "staging".to_owned(), detail: error.to_string() })?
}

/// Makes `to` the same as `from`: links to files where the file system can, folders made anew, links copied as links.
fn stage(from: &Path, to: &Path) -> io::Result<()> {
    let kind = from.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            stage(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // Another file system, too many links, or links to others' files forbidden: the content is what counts.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => fs::copy(from, to).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_store_name, stage};

    #[test]
    fn names_follow_nixs_rule() {
        for good in ["a", "crate-foo-1.0.0+build.tar.gz", "x?=_", &"a".repeat(211)] {
            assert!(is_store_name(good), "{good:?}");
        }
        for bad in ["", ".a", "a b", "a/b", "a@b", "a~b", "ä", "..", &"a".repeat(212)] {
            assert!(!is_store_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_tree_is_staged_with_its_links_and_modes() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        std::fs::create_dir_all(from.join("sub")).unwrap();
        std::fs::File::create(from.join("sub/run")).unwrap();
        std::fs::set_permissions(from.join("sub/run"), PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("nowhere", from.join("link")).unwrap();
        let to = folder.path().join("to");
        stage(&from, &to).unwrap();
        assert_eq!(std::fs::read_link(to.join("link")).unwrap().to_str(), Some("nowhere"));
        assert_eq!(to.join("sub/run").metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert!(stage(&folder.path().join("absent"), &folder.path().join("x")).is_err());
    }
}
