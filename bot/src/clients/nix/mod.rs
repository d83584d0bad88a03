//! Nix: evaluating, adding sources, building in a sandbox without network.
//!
//! Every process gets a scrubbed environment and settings of ours only: neither the machine's nor the user's nix.conf is read,
//! because a forgotten `sandbox = false` there would have strangers' code run as root. What is around a build is in
//! `namespaces`, who runs it in `users`, and the proof that this works in `canary`.

mod add_fixed;
mod canary;
mod closure;
mod config;
mod derivation;
mod error;
mod eval;
mod folders;
mod internal_json;
mod mounts;
mod namespaces;
mod node;
mod outcome;
mod process;
mod queries;
mod realise;
mod toolchain;
mod tools;
mod trace;
mod users;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::model::System;

pub use add_fixed::FixedFile;
pub use canary::CanaryReport;
pub use closure::{Closure, FixedOutput};
pub use derivation::{Derivation, FixedHash, Output};
pub use error::NixError;
pub use node::Node;
pub use outcome::{BuiltDerivation, DerivationOutcome, ExitBits};
pub use realise::{BuildEvent, BuildReport};
pub use toolchain::{Toolchain, probe_toolchain};

/// How long a call may take that only asks or writes the store. Another client's garbage collection can hold it up.
const STORE_LIMIT: Duration = Duration::from_secs(1800);

/// What the user decides about builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NixSettings {
    /// The system that is built for.
    pub system: System,
    /// Host folders that builds see, read-only.
    pub sandbox_paths: Vec<PathBuf>,
    /// A build that takes longer is stopped. Zero: no limit.
    pub timeout: Duration,
    /// A build that prints nothing for longer is stopped. Zero: no limit.
    pub max_silent: Duration,
    /// A build that prints more is stopped.
    pub max_log_bytes: u64,
    /// Address space of each process of a build.
    pub memory_limit_bytes: Option<u64>,
    /// Builds at once.
    pub max_jobs: usize,
    /// Cores for each build; 0: all.
    pub cores: usize,
    /// For staging, builds' temporary files, and Nix's home and caches. Made if absent.
    pub cache_dir: PathBuf,
}

/// What stands between a build and the machine. All is on by default; each can be left out to see that the canary notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a protection of its own, on or off")]
pub struct Protections {
    /// Nix's own sandbox.
    pub nix_sandbox: bool,
    /// A network namespace without a route, for fixed-output builds too.
    pub network: bool,
    /// The shown folders bound read-only.
    pub read_only_paths: bool,
    /// Builds run as users of their own, where we are root.
    pub build_users: bool,
}

impl Default for Protections {
    fn default() -> Self {
        Self { nix_sandbox: true, network: true, read_only_paths: true, build_users: true }
    }
}

/// Who writes to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAccess {
    /// This process, directly.
    Direct,
    /// A daemon, so that builders are not children of this process and its namespaces do not reach them.
    Daemon,
}

impl fmt::Display for StoreAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Direct => "the store is written to directly",
            Self::Daemon => "the store is written to by a daemon, whose builds this program cannot isolate",
        })
    }
}

/// Nix on this machine.
#[derive(Debug, Clone)]
pub struct Nix {
    settings: NixSettings,
    shown: Vec<config::Shown>,
    protections: Protections,
    tools: tools::Tools,
    folders: folders::Folders,
    users: Option<users::BuildUsers>,
    access: StoreAccess,
    is_root: bool,
    is_machines_root: bool,
    search_path: OsString,
    version: String,
}

impl Nix {
    /// Finds the programs on PATH and reads Nix's version. Builds nothing.
    pub async fn open(settings: NixSettings) -> Result<Self, NixError> {
        Self::open_with(settings, Protections::default()).await
    }

    /// As `open`, with some protections left out: for showing that `canary` then refuses.
    pub async fn open_with(settings: NixSettings, protections: Protections) -> Result<Self, NixError> {
        let shown = config::Shown::find(&settings.sandbox_paths)?;
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        let tools = tools::Tools::find(&search_path)?;
        let folders = folders::Folders::make(&settings.cache_dir)?;
        let is_root = read(Path::new("/proc/self"), |path| fs::metadata(path))?.uid() == 0;
        let uid_map = read(Path::new("/proc/self/uid_map"), |path| fs::read_to_string(path))?;
        let wanted = protections.build_users && users::available(is_root, &uid_map);
        let users = if wanted { Some(users::BuildUsers::write(&folders.users)?) } else { None };
        let mut nix = Self {
            is_machines_root: users::is_machines_root(is_root, &uid_map),
            access: store_access(Path::new("/nix/var/nix"), is_root),
            version: String::new(),
            settings,
            shown,
            protections,
            tools,
            folders,
            users,
            is_root,
            search_path,
        };
        nix.version = nix.read_version().await?;
        Ok(nix)
    }

    /// Nix's version, such as `2.8.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether builds are this process's children; if not, `canary` refuses.
    pub fn store_access(&self) -> StoreAccess {
        self.access
    }

    async fn read_version(&self) -> Result<String, NixError> {
        let mut call = process::command(&self.tools.nix);
        self.environment(&mut call, "");
        let what = "`nix --version`";
        let lines = process::run_ok(call.arg("--version"), what, Duration::from_secs(60)).await?.lines();
        // `nix (Nix) 2.8.0`
        let version = lines.first().and_then(|line| line.split_whitespace().next_back()).map(str::to_owned);
        version.ok_or_else(|| NixError::Malformed { what: what.to_owned(), detail: "it printed nothing".to_owned() })
    }

    /// All that a Nix process is told: settings, folders of our own, and where programs are.
    fn environment(&self, call: &mut Command, config: &str) {
        call.env("PATH", &self.search_path)
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", &self.folders.home)
            .env("XDG_CACHE_HOME", &self.folders.xdg_cache)
            .env("NIX_CONF_DIR", &self.folders.no_config)
            .env("NIX_USER_CONF_FILES", self.folders.no_config.join("nix.conf"))
            .env("NIX_CONFIG", config)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(&self.folders.home);
    }

    fn config(&self, purpose: config::Purpose<'_>) -> String {
        config::text(&self.settings, self.protections, self.access, purpose)
    }

    fn surroundings(&self) -> namespaces::Surroundings<'_> {
        namespaces::Surroundings {
            tools: &self.tools,
            protections: &self.protections,
            shown: &self.shown,
            users: self.users.as_ref(),
            memory_limit: self.settings.memory_limit_bytes,
            is_root: self.is_root,
        }
    }
}

fn read<T>(path: &Path, how: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T, NixError> {
    how(path).map_err(|source| NixError::file("read", path, source))
}

/// Nix's own rule for `store = auto`: directly where the state can be written to, else through the daemon if there is one.
fn store_access(state: &Path, is_root: bool) -> StoreAccess {
    let lock = fs::OpenOptions::new().append(true).open(state.join("db/big-lock"));
    if is_root || lock.is_ok() || !state.join("daemon-socket/socket").exists() {
        StoreAccess::Direct
    } else {
        StoreAccess::Daemon
    }
}
