//! The programs that the client starts, found once.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::NixError;

/// Absolute paths of what is started.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub(super) nix: PathBuf,
    pub(super) nix_store: PathBuf,
    pub(super) nix_instantiate: PathBuf,
    pub(super) unshare: PathBuf,
    pub(super) setpriv: PathBuf,
    pub(super) mount: PathBuf,
    pub(super) prlimit: PathBuf,
    pub(super) shell: PathBuf,
    pub(super) truth: PathBuf,
}

impl Tools {
    /// Finds all of them in the folders of `search`, which has PATH's form.
    pub(super) fn find(search: &OsStr) -> Result<Self, NixError> {
        let find = |program: &'static str, package: &'static str| {
            find_program(program, search).ok_or(NixError::ToolMissing { program, package })
        };
        // Not started by us, but Nix runs it to read a git flake, and says only "executing 'git'" when it is absent.
        find("git", "git")?;
        Ok(Self {
            nix: find("nix", "Nix 2.8 or newer (Debian: nix-bin)")?,
            nix_store: find("nix-store", "Nix 2.8 or newer (Debian: nix-bin)")?,
            nix_instantiate: find("nix-instantiate", "Nix 2.8 or newer (Debian: nix-bin)")?,
            unshare: find("unshare", "util-linux")?,
            setpriv: find("setpriv", "util-linux")?,
            mount: find("mount", "util-linux (Debian: mount)")?,
            prlimit: find("prlimit", "util-linux")?,
            shell: find("sh", "a POSIX shell (Debian: dash)")?,
            truth: find("true", "coreutils")?,
        })
    }
}

/// The first executable file called `program` in the absolute folders of `search`.
pub(super) fn find_program(program: &str, search: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::Tools;

    #[test]
    fn an_absent_program_is_named_with_what_brings_it() {
        let empty = tempfile::tempdir().unwrap();
        let error = Tools::find(empty.path().as_os_str()).unwrap_err();
        assert!(error.to_string().contains("`git` is not on PATH: install git"), "{error}");
        assert!(error.is_machine_problem());
    }

    #[test]
    fn relative_folders_of_the_search_path_are_not_trusted() {
        assert!(Tools::find(OsStr::new(".:bin:")).is_err());
    }
}
