//! cargo and rustc, as far as resolution asks them: never inside an upstream tree.
//!
//! Cargo in an upstream tree executes what that tree names (`.cargo/config.toml`, `rust-toolchain.toml`). So it is given
//! a folder that we wrote, a CARGO_HOME of its own, an environment of a few variables, and the toolchain's own binary
//! instead of rustup's proxy.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::UNIX_EPOCH;

use nixwright_resolver::ResolveError;
use nixwright_resolver::cargo::pool::{Pool, pool_folder};
use nixwright_resolver::cargo::{Folder, Release, cargo_folder};
use nixwright_resolver::catalog::Catalog;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::process::Command;

use super::endpoints;
use super::files::{self, FileError};

/// Why cargo or rustc could not say what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// There is no working toolchain.
    #[error("{program} cannot be run: {source}; install Rust (rustc and cargo) and put it on PATH")]
    Absent {
        /// `cargo` or `rustc`.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ran and refused.
    #[error("{command} failed for {package}: {stderr}")]
    Refused {
        /// The subcommand.
        command: &'static str,
        /// Name and version.
        package: String,
        /// What it printed, shortened.
        stderr: String,
    },
    /// The manifest asks for what the lock does not have.
    #[error("the Cargo.lock of {package} does not fit its Cargo.toml, so upstream has to release it anew: {stderr}")]
    StaleLock {
        /// Name and version.
        package: String,
        /// What cargo said, shortened.
        stderr: String,
    },
    /// The working folder could not be written.
    #[error("cannot write the folder for cargo below {}: {source}; is the disk full?", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What rustc said before could not be read or kept.
    #[error(transparent)]
    Kept(FileError),
    /// A manifest or lock that is not fit to be shown to cargo.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

impl CargoError {
    /// Without the temporary folder's path, which is nobody's business and differs each time.
    fn without(self, folder: &Path) -> Self {
        match self {
            Self::Refused { command, package, stderr } => {
                let stderr = stderr.replace(&format!("{}/", folder.display()), "");
                Self::Refused { command, package, stderr }
            }
            other => other,
        }
    }

    /// Whether cargo was asked and said no.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::StaleLock { .. })
    }

    /// Tells a lock that does not fit from other refusals: the only crates that cargo is shown are the lock's.
    fn of_lock(self, folder: &Path) -> Self {
        let signs = ["no matching package", "failed to select a version", "lock file", "needs to be updated"];
        match self.without(folder) {
            Self::Refused { package, stderr, .. } if signs.iter().any(|sign| stderr.contains(sign)) => {
                // Cargo's hints from here on are for people at a keyboard.
                let stderr = stderr.split("\nAs a reminder").next().unwrap_or_default().to_owned();
                Self::StaleLock { package, stderr }
            }
            other => other,
        }
    }
}

/// A Rust toolchain, found once.
#[derive(Debug, Clone)]
pub struct Cargo {
    rustc: PathBuf,
    program: PathBuf,
    work_dir: PathBuf,
    /// cargo's variables for registries.
    registries: BTreeMap<String, SecretString>,
}

impl Cargo {
    /// Finds the toolchain behind the `rustc` on PATH; temporary folders are made below `work_dir`.
    ///
    /// Starting rustc takes longer than a resolution, so where its folder is is kept for as long as what decides that is the
    /// same: the program itself and, if it is rustup's proxy, rustup's settings.
    ///
    /// # Errors
    /// When there is no rustc or it does not know its own folder.
    pub async fn open(work_dir: &Path) -> Result<Self, CargoError> {
        let kept = kept_sysroot(work_dir);
        if let Some(path) = &kept
            && let Some(bytes) = files::read_optional(path).map_err(CargoError::Kept)?
            && let Ok(sysroot) = String::from_utf8(bytes)
            && let Ok(found) = Self::at(Path::new(&sysroot), work_dir)
        {
            return Ok(found);
        }
        // What a folder of the user's names as its toolchain must not be brought in by looking at a release.
        let output = run(Command::new("rustc").args(["--print", "sysroot"]).current_dir("/"), "rustc").await?;
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let found = Self::at(Path::new(&sysroot), work_dir)?;
        if let Some(path) = &kept {
            files::write(path, sysroot.as_bytes()).map_err(CargoError::Kept)?;
        }
        Ok(found)
    }

    /// The same, with cargo's own variables for registries: where their indices are, and tokens.
    #[must_use]
    pub fn with_registries(self, variables: &BTreeMap<String, SecretString>) -> Self {
        Self { registries: variables.clone(), ..self }
    }

    fn at(sysroot: &Path, work_dir: &Path) -> Result<Self, CargoError> {
        let cargo = sysroot.join("bin/cargo");
        if !cargo.exists() {
            let source = io::Error::new(io::ErrorKind::NotFound, format!("there is no {}", cargo.display()));
            return Err(CargoError::Absent { program: "cargo".to_owned(), source });
        }
        Ok(Self {
            rustc: sysroot.join("bin/rustc"),
            program: cargo,
            work_dir: work_dir.to_owned(),
            registries: BTreeMap::new(),
        })
    }

    /// `rustc --print cfg` for a target triple, one cfg a line; asked once for each rustc, and kept.
    ///
    /// # Errors
    /// When rustc does not know the triple.
    pub async fn target_cfg(&self, triple: &str) -> Result<String, CargoError> {
        let kept = self.kept_cfg(triple);
        let failed = |error: FileError| CargoError::Kept(error);
        if let Some(path) = &kept
            && let Some(bytes) = files::read_optional(path).map_err(failed)?
            && let Ok(cfg) = String::from_utf8(bytes)
        {
            return Ok(cfg);
        }
        let cfg = self.ask_cfg(triple).await?;
        if let Some(path) = &kept {
            files::write(path, cfg.as_bytes()).map_err(failed)?;
        }
        Ok(cfg)
    }

    /// Where the cfg of a triple is kept.
    fn kept_cfg(&self, triple: &str) -> Option<PathBuf> {
        Some(kept_file(&self.work_dir, "cfg", &format!("{} {triple}", identity(&self.rustc)?)))
    }

    async fn ask_cfg(&self, triple: &str) -> Result<String, CargoError> {
        let mut command = Command::new(&self.rustc);
        command.env_clear().args(["--print", "cfg", "--target", triple]);
        let output = run(&mut command, "rustc").await?;
        accepted("rustc --print cfg", triple, &output)
    }

    /// `cargo metadata --all-features`, offline, over the release's manifests and those of every crate of its lock.
    ///
    /// # Errors
    /// When cargo refuses the manifests or finds the lock stale.
    pub async fn metadata(&self, release: &Release, catalog: &Catalog) -> Result<String, CargoError> {
        let folder = self.folder(release, catalog, true)?;
        let workspace = release.project.as_ref().map_or("", |project| project.workspace.as_str());
        let mut command = self.command(&folder.path().join("root").join(workspace), folder.path(), "metadata");
        command.args(["--format-version", "1", "--all-features", "--offline", "--locked"]);
        accepted("cargo metadata", &release.root.label(), &run(&mut command, "cargo").await?)
            .map_err(|error| error.of_lock(folder.path()))
    }

    /// The `Cargo.lock` that cargo makes for a release that ships none, or one that does not fit, of which it keeps what it
    /// can; from the sparse index at `index`, and whatever else the manifests name.
    ///
    /// # Errors
    /// When the index cannot be reached or the requirements cannot be met.
    pub async fn generate_lock(&self, release: &Release, catalog: &Catalog, index: &str) -> Result<String, CargoError> {
        let folder = self.folder(release, catalog, false)?;
        let io_error = |source| CargoError::Folder { path: folder.path().to_owned(), source };
        // Cargo refuses its own default as a replacement of itself.
        let mut config = if index == endpoints::CRATES_INDEX {
            String::new()
        } else {
            let index = serde_json::Value::from(format!("sparse+{index}"));
            format!("[source.crates-io]\nreplace-with = \"index\"\n[source.index]\nregistry = {index}\n")
        };
        // The client that reads git repositories without looking at the user's configuration is libgit2.
        config.push_str("[net]\ngit-fetch-with-cli = false\n");
        // Without being told so, cargo sends no token to a registry that is read only by those who have one.
        config.push_str("[registry]\nglobal-credential-providers = [\"cargo:token\"]\n");
        write(&folder.path().join("home/config.toml"), &config).map_err(io_error)?;
        let workspace = release.project.as_ref().map_or("", |project| project.workspace.as_str());
        let lock = folder.path().join("root").join(workspace).join("Cargo.lock");
        let (subcommand, arguments): (_, &[&str]) =
            if lock.exists() { ("update", &["--workspace"]) } else { ("generate-lockfile", &[]) };
        let mut command = self.command(&folder.path().join("root").join(workspace), folder.path(), subcommand);
        // What cargo reads of registries with a login, it reads with the user's tokens.
        command.args(arguments).envs(self.registries.iter().map(|(key, value)| (key, value.expose_secret())));
        accepted("cargo generate-lockfile", &release.root.label(), &run(&mut command, "cargo").await?)
            .map_err(|error| error.without(folder.path()))?;
        fs::read_to_string(lock).map_err(io_error)
    }

    /// The `Cargo.lock` that cargo makes for a release out of a pool of crates, the highest versions that fit; offline.
    ///
    /// # Errors
    /// When the pool does not have all that is needed, or cargo refuses the manifests.
    pub async fn lock_of_pool(&self, release: &Release, catalog: &Catalog, pool: &Pool) -> Result<String, CargoError> {
        let folder = self.written(pool_folder(release, catalog, pool)?)?;
        let mut command = self.command(&folder.path().join("root"), folder.path(), "generate-lockfile");
        command.arg("--offline");
        accepted("cargo generate-lockfile", &release.root.label(), &run(&mut command, "cargo").await?)
            .map_err(|error| error.without(folder.path()))?;
        let lock = folder.path().join("root/Cargo.lock");
        fs::read_to_string(&lock).map_err(|source| CargoError::Folder { path: lock, source })
    }

    fn command(&self, project: &Path, folder: &Path, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(project)
            .env_clear()
            .env("HOME", folder.join("home"))
            .env("CARGO_HOME", folder.join("home"))
            .env("RUSTC", &self.rustc)
            .env("CARGO_TERM_COLOR", "never")
            .args([subcommand, "--quiet"])
            .kill_on_drop(true);
        for certificates in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            command.envs(std::env::var_os(certificates).map(|value| (certificates, value)));
        }
        command
    }

    /// Writes what cargo may see.
    fn folder(&self, release: &Release, catalog: &Catalog, offline: bool) -> Result<TempDir, CargoError> {
        self.written(cargo_folder(release, catalog, offline)?)
    }

    fn written(&self, content: Folder) -> Result<TempDir, CargoError> {
        let io_error = |source| CargoError::Folder { path: self.work_dir.clone(), source };
        fs::create_dir_all(&self.work_dir).map_err(io_error)?;
        let folder = TempDir::with_prefix_in("cargo-", &self.work_dir).map_err(io_error)?;
        for (path, content) in content {
            write(&folder.path().join(path), &content).map_err(io_error)?;
        }
        fs::create_dir_all(folder.path().join("home")).map_err(io_error)?;
        Ok(folder)
    }
}

/// A program is the same while its file is, by path, size and time.
fn identity(file: &Path) -> Option<String> {
    let about = fs::metadata(file).ok()?;
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {changed:?}", file.display(), about.len()))
}

fn kept_file(work_dir: &Path, kind: &str, identity: &str) -> PathBuf {
    let name = data_encoding::HEXLOWER.encode(&Sha256::digest(identity.as_bytes()));
    work_dir.parent().unwrap_or(work_dir).join(kind).join(name)
}

/// Where the folder of the toolchain on PATH is kept.
fn kept_sysroot(work_dir: &Path) -> Option<PathBuf> {
    let search = std::env::var_os("PATH")?;
    let rustc = std::env::split_paths(&search).map(|folder| folder.join("rustc")).find(|path| path.is_file())?;
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup"));
    let rustup = std::env::var_os("RUSTUP_HOME").map(PathBuf::from).or(home).unwrap_or_default();
    let chosen = std::env::var_os("RUSTUP_TOOLCHAIN");
    let settings = identity(&rustup.join("settings.toml"));
    Some(kept_file(work_dir, "sysroot", &format!("{:?}", (identity(&rustc)?, rustup, settings, chosen))))
}

/// Into a temporary folder that is thrown away after one command, hence without the care that lasting files get.
fn write(path: &Path, content: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}

async fn run(command: &mut Command, program: &str) -> Result<Output, CargoError> {
    command
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|source| CargoError::Absent { program: program.to_owned(), source })
}

/// Standard output of a command that succeeded.
fn accepted(command: &'static str, package: &str, output: &Output) -> Result<String, CargoError> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().chars().take(2000).collect();
    Err(CargoError::Refused { command, package: package.to_owned(), stderr })
}
