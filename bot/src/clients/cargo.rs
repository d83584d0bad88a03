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
use nixwright_resolver::cargo::{Folder, Release, locked_crates, manifest_folder};
use nixwright_resolver::catalog::{Catalog, CrateVersion};
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
}

impl Cargo {
    /// Finds the toolchain behind the `rustc` on PATH; temporary folders are made below `work_dir`.
    ///
    /// # Errors
    /// When there is no rustc or it does not know its own folder.
    pub async fn open(work_dir: &Path) -> Result<Self, CargoError> {
        let output = run(Command::new("rustc").args(["--print", "sysroot"]), "rustc").await?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let cargo = sysroot.join("bin/cargo");
        if !cargo.exists() {
            let source = io::Error::new(io::ErrorKind::NotFound, format!("there is no {}", cargo.display()));
            return Err(CargoError::Absent { program: "cargo".to_owned(), source });
        }
        Ok(Self { rustc: sysroot.join("bin/rustc"), program: cargo, work_dir: work_dir.to_owned() })
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

    /// Where the cfg of a triple is kept: a rustc is the same while its file is, by path, size and time.
    fn kept_cfg(&self, triple: &str) -> Option<PathBuf> {
        let file = fs::metadata(&self.rustc).ok()?;
        let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let identity = format!("{} {} {changed:?} {triple}", self.rustc.display(), file.len());
        let name = data_encoding::HEXLOWER.encode(&Sha256::digest(identity.as_bytes()));
        Some(self.work_dir.parent()?.join("cfg").join(name))
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
        let mut command = self.command(folder.path(), "metadata");
        command.args(["--format-version", "1", "--all-features", "--offline", "--locked"]);
        accepted("cargo metadata", &release.root.label(), &run(&mut command, "cargo").await?)
            .map_err(|error| error.of_lock(folder.path()))
    }

    /// The `Cargo.lock` that cargo makes for a release that ships none, from the sparse index at `index`.
    ///
    /// # Errors
    /// When the index cannot be reached or the requirements cannot be met.
    pub async fn generate_lock(&self, release: &Release, catalog: &Catalog, index: &str) -> Result<String, CargoError> {
        let folder = self.folder(release, catalog, false)?;
        let io_error = |source| CargoError::Folder { path: folder.path().to_owned(), source };
        // Cargo refuses its own default as a replacement of itself.
        let config = if index == endpoints::CRATES_INDEX {
            String::new()
        } else {
            let index = serde_json::Value::from(format!("sparse+{index}"));
            format!("[source.crates-io]\nreplace-with = \"index\"\n[source.index]\nregistry = {index}\n")
        };
        write(&folder.path().join("home/config.toml"), &config).map_err(io_error)?;
        let mut command = self.command(folder.path(), "generate-lockfile");
        accepted("cargo generate-lockfile", &release.root.label(), &run(&mut command, "cargo").await?)
            .map_err(|error| error.without(folder.path()))?;
        fs::read_to_string(folder.path().join("root/Cargo.lock")).map_err(io_error)
    }

    fn command(&self, folder: &Path, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(folder.join("root"))
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

    /// Writes `root/`, `home/` and, for a lock that is known, `vendor/`, a fresh directory source.
    fn folder(&self, release: &Release, catalog: &Catalog, with_lock: bool) -> Result<TempDir, CargoError> {
        let io_error = |source| CargoError::Folder { path: self.work_dir.clone(), source };
        fs::create_dir_all(&self.work_dir).map_err(io_error)?;
        let folder = TempDir::with_prefix_in("cargo-", &self.work_dir).map_err(io_error)?;
        let root = crate_facts(&release.root, catalog)?;
        let mut files = prefixed("root", manifest_folder(&release.root, root, true)?);
        if with_lock {
            let lock = root.lock.as_ref().or(catalog.lock.as_ref()).cloned().unwrap_or_default();
            for locked in locked_crates(&release.root, &lock)? {
                let place = format!("vendor/{}-{}", locked.id.name, locked.id.version);
                let facts = crate_facts(&locked.id, catalog)?;
                files.extend(prefixed(&place, manifest_folder(&locked.id, facts, false)?));
                let checksum = serde_json::json!({ "files": {}, "package": locked.id.sha256 });
                files.insert(format!("{place}/.cargo-checksum.json"), checksum.to_string());
            }
            files.insert("root/Cargo.lock".to_owned(), lock);
            files.insert("vendor/.keep".to_owned(), String::new());
        }
        let config = "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n";
        files.insert("home/config.toml".to_owned(), config.to_owned());
        for (path, content) in files {
            write(&folder.path().join(path), &content).map_err(io_error)?;
        }
        Ok(folder)
    }
}

fn crate_facts<'c>(
    id: &CrateVersion,
    catalog: &'c Catalog,
) -> Result<&'c nixwright_resolver::archive::CrateFacts, CargoError> {
    catalog.crates.get(&id.sha256).ok_or_else(|| {
        let reason = "its archive has not been read".to_owned();
        CargoError::Resolve(ResolveError::Manifest { package: id.label(), reason })
    })
}

fn prefixed(place: &str, folder: Folder) -> BTreeMap<String, String> {
    folder.into_iter().map(|(path, content)| (format!("{place}/{path}"), content)).collect()
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
