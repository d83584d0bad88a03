//! The Go that the machine has: where it lies, and its version.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio::process::Command;

/// A Go toolchain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoToolchain {
    /// Its GOROOT, links followed: the folder that has `bin`, `pkg` and `src`.
    pub root: PathBuf,
    /// Its version as `go version` says it, without `go`: `1.27.3`.
    pub version: String,
}

/// A `go` that does not say what it is.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a Go that can be used ({detail}): repair it, or put another before it on PATH", program.display())]
pub struct GoToolchainError {
    /// The program.
    pub program: PathBuf,
    /// What it said, or what is wrong with that.
    pub detail: String,
}

/// How long go may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(20);

impl GoToolchain {
    /// The first `go` in the absolute folders of `search` (the form of `PATH`); nothing where there is none.
    ///
    /// A usual installation says what it is in a file, which is read instead of starting a program; a launcher is asked
    /// (`go env GOROOT GOVERSION`, with no other toolchain chosen).
    ///
    /// # Errors
    /// When it does not answer, or not with a release's version.
    pub async fn find(search: &OsStr) -> Result<Option<Self>, GoToolchainError> {
        let candidates = std::env::split_paths(search).filter(|folder| folder.is_absolute());
        let Some(program) = candidates.map(|folder| folder.join("go")).find(|path| is_executable(path)) else {
            return Ok(None);
        };
        if let Some(installed) = Self::installed(&program) {
            return Ok(Some(installed));
        }
        let wrong = |detail: String| GoToolchainError { program: program.clone(), detail };
        let said = ask(&program).await.map_err(wrong)?;
        let mut lines = said.lines().map(str::trim);
        let (root, version) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let root = Path::new(root).canonicalize().map_err(|error| wrong(format!("GOROOT {root:?}: {error}")))?;
        let version = release(version).ok_or_else(|| wrong(format!("GOVERSION {version:?} is no release")))?;
        Ok(Some(Self { root, version }))
    }

    /// The toolchain that a program lies in, if it lies in one: `ROOT/bin/go` beside `ROOT/VERSION` and `ROOT/src`.
    fn installed(program: &Path) -> Option<Self> {
        let real = program.canonicalize().ok()?;
        let root = real.parent().filter(|bin| bin.ends_with("bin"))?.parent()?;
        let text = std::fs::read_to_string(root.join("VERSION")).ok()?;
        let version = release(text.lines().next()?)?;
        (root.join("src/runtime").is_dir() && root.join("pkg/tool").is_dir())
            .then(|| Self { root: root.to_owned(), version })
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// `1.27.3` of `go1.27.3` or `go1.27.3 X:experiment`.
fn release(said: &str) -> Option<String> {
    let version = said.split_whitespace().next()?.strip_prefix("go")?;
    let plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte));
    (plain && version.starts_with(|first: char| first.is_ascii_digit())).then(|| version.to_owned())
}

/// What go says, started in `/`, where no project's settings choose another toolchain.
async fn ask(program: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(["env", "GOROOT", "GOVERSION"]).current_dir("/").kill_on_drop(true);
    command.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| "it did not answer".to_owned())?.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "it answered with what is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::GoToolchain;
    use crate::clients::files;

    #[tokio::test]
    async fn a_usual_installation_is_not_even_started() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        files::write_program(&home.join("lib/go/bin/go"), "#!/bin/sh\nexit 1\n");
        for folder in ["lib/go/src/runtime", "lib/go/pkg/tool", "bin"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        files::write(&home.join("lib/go/VERSION"), b"go1.27.3 X:nodwarf5\ntime 2026-11-03T14:47:55Z\n").unwrap();
        symlink("../lib/go/bin/go", home.join("bin/go")).unwrap();
        let found = GoToolchain::find(home.join("bin").as_os_str()).await.unwrap().unwrap();
        assert_eq!((found.root, found.version.as_str()), (home.join("lib/go"), "1.27.3"));
    }

    #[tokio::test]
    async fn a_launcher_is_asked_without_choosing_another_toolchain() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let asks = |version: &str| {
            format!(
                "#!/bin/sh\n[ \"$GOTOOLCHAIN $*\" = 'local env GOROOT GOVERSION' ] && printf '%s\\n' / '{version}'\n"
            )
        };
        files::write_program(&home.join("go"), &asks("go1.28rc1"));
        let found = GoToolchain::find(home.as_os_str()).await.unwrap().unwrap();
        assert_eq!((found.root.as_path(), found.version.as_str()), (Path::new("/"), "1.28rc1"));
        files::write_program(&home.join("go"), &asks("devel go1.29-abcdef"));
        let error = GoToolchain::find(home.as_os_str()).await.unwrap_err().to_string();
        assert!(error.contains("devel go1.29-abcdef") && error.contains("put another before it on PATH"), "{error}");
    }

    #[tokio::test]
    async fn a_machine_without_go_has_none() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(GoToolchain::find(home.path().as_os_str()).await.unwrap(), None);
        assert_eq!(GoToolchain::find("bin:.".as_ref()).await.unwrap(), None);
    }
}
