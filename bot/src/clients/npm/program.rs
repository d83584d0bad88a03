//! npm itself: the judge of the trees that our rules make, and who makes one where they cannot.
//!
//! It only ever sees a folder that we wrote, with nothing in it but manifests and a lock, runs no scripts, and has a home, a
//! cache and an environment of its own.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use nixwright_resolver::npm::catalog::Project;
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

/// How long npm may take: on some sets of peers it does not come to an end.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much of what npm says is repeated.
const LONGEST_WORDS: usize = 2000;

/// Why npm could not be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum NpmProgramError {
    /// It cannot be started.
    #[error("{} cannot be run: {source}; install npm, or take it off PATH", path.display())]
    Absent {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder for it cannot be written or read.
    #[error("cannot use the folder for npm below {}: {source}; is the disk full?", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It refused.
    #[error("npm finds no tree either: {said}")]
    Refused {
        /// What it printed, shortened.
        said: String,
    },
    /// It did not come to an end.
    #[error("npm did not come to an end within {} seconds", PATIENCE.as_secs())]
    Endless,
}

/// An npm that is on this machine.
#[derive(Debug, Clone)]
pub struct NpmProgram {
    path: PathBuf,
    search: std::ffi::OsString,
    registry: Url,
    work: PathBuf,
}

impl NpmProgram {
    /// The first `npm` in `search` (the form of `PATH`), asking `registry`, working below `work`; nothing where there is none.
    pub fn find(search: &OsStr, registry: &Url, work: &Path) -> Option<Self> {
        let path = std::env::split_paths(search).map(|folder| folder.join("npm")).find(|path| path.is_file())?;
        let (search, registry, work) = (search.to_owned(), registry.clone(), work.to_owned());
        Some(Self { path, search, registry, work })
    }

    /// What npm calls its version.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn version(&self) -> Result<String, NpmProgramError> {
        let folder = self.folder(&Project::default(), None)?;
        let output = self.run(&folder, &["--version"]).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether `npm ci` would install a project with this lock; what it says against it otherwise.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn objection(&self, project: &Project, lock: &str) -> Result<Option<String>, NpmProgramError> {
        let folder = self.folder(project, Some(lock))?;
        let output = self.run(&folder, &["ci", "--dry-run"]).await?;
        Ok((!output.status.success()).then(|| said(&output, folder.path())))
    }

    /// The lock that npm makes for a project.
    ///
    /// # Errors
    /// When it finds no tree, or cannot be asked.
    pub async fn lock(&self, project: &Project) -> Result<String, NpmProgramError> {
        let folder = self.folder(project, None)?;
        let flags = ["install", "--package-lock-only", "--omit-lockfile-registry-resolved=false"];
        let output = self.run(&folder, &flags).await?;
        if !output.status.success() {
            return Err(NpmProgramError::Refused { said: said(&output, folder.path()) });
        }
        let path = folder.path().join("project/package-lock.json");
        std::fs::read_to_string(&path).map_err(|source| NpmProgramError::Folder { path, source })
    }

    /// `project/` with the manifests and the lock, and an empty `home/`.
    fn folder(&self, project: &Project, lock: Option<&str>) -> Result<TempDir, NpmProgramError> {
        let failed = |source| NpmProgramError::Folder { path: self.work.clone(), source };
        std::fs::create_dir_all(&self.work).map_err(failed)?;
        let folder = TempDir::with_prefix_in("npm-", &self.work).map_err(failed)?;
        std::fs::create_dir_all(folder.path().join("home")).map_err(failed)?;
        let manifest = if project.manifest.is_empty() { "{}" } else { &project.manifest };
        let own = [("package.json".to_owned(), manifest)].into_iter();
        let locks = lock.map(|lock| ("package-lock.json".to_owned(), lock));
        let inside = project.folders.iter().filter(|(path, _)| !path.split('/').any(|part| part == ".."));
        let folders = inside.map(|(path, text)| (format!("{path}/package.json"), text.as_str()));
        for (path, text) in own.chain(locks).chain(folders) {
            let path = folder.path().join("project").join(path);
            let parent = path.parent().unwrap_or(folder.path());
            std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)).map_err(failed)?;
        }
        Ok(folder)
    }

    async fn run(&self, folder: &TempDir, arguments: &[&str]) -> Result<Output, NpmProgramError> {
        let home = folder.path().join("home");
        let mut command = Command::new(&self.path);
        command
            .current_dir(folder.path().join("project"))
            .env_clear()
            .env("PATH", &self.search)
            .env("HOME", &home)
            .env("npm_config_userconfig", home.join("npmrc"))
            .env("npm_config_globalconfig", home.join("global-npmrc"))
            .env("npm_config_cache", self.work.join("npm-cache"))
            .env("npm_config_registry", self.registry.as_str())
            .args(arguments)
            .args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"])
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        for certificates in ["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"] {
            command.envs(std::env::var_os(certificates).map(|value| (certificates, value)));
        }
        let output = tokio::time::timeout(PATIENCE, command.output()).await.map_err(|_| NpmProgramError::Endless)?;
        output.map_err(|source| NpmProgramError::Absent { path: self.path.clone(), source })
    }
}

/// What npm printed, without the folder's path, which differs each time.
fn said(output: &Output, folder: &Path) -> String {
    let text = String::from_utf8_lossy(&output.stderr).replace(&folder.display().to_string(), "");
    let lines = text.lines().map(|line| line.trim_start_matches("npm error").trim());
    let kept: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.contains("complete log")).collect();
    kept.join(" ").chars().take(LONGEST_WORDS).collect()
}
