//! The configuration: TOML in, checked types out.
//!
//! Nothing is half accepted: a key that is not known, a value that is not of its kind or two settings that contradict
//! each other are problems, and all of them are reported at once, each with its file, line and key.

mod cargo;
pub mod edit;
mod error;
mod forge;
mod go;
mod native;
mod policy;
mod read;
mod reader;
#[cfg(test)]
mod tests;
mod units;
mod upstream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

pub use self::cargo::CargoRegistry;
pub use self::error::{ConfigError, Problem};
pub use self::forge::{Forge, Github, GithubAuth, Publish, Service, TOKEN_VARIABLES};
pub use self::native::NativeInputs;
pub use self::policy::Policy;
pub use self::upstream::{Reference, Upstream, UpstreamError};
use crate::clients::files;
use crate::clients::go::GoRegistries;
use crate::model::{AttrPath, Strategy, System};

/// Everything that can be configured, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from, as it was named.
    pub file: PathBuf,
    /// Where the database, the overlay, caches and pages are; a relative path in the file is relative to the file.
    pub state_dir: PathBuf,
    /// Where releases are looked up and fetched.
    pub registries: Registries,
    /// The overlay repository.
    pub overlay: Overlay,
    /// For which systems.
    pub systems: Systems,
    /// How builds run.
    pub build: Build,
    /// What is taken from upstream at most.
    pub limits: Limits,
    /// Where pull requests are.
    pub forge: Forge,
    /// What is published at most, and when nothing is.
    pub publish: Publish,
    /// When the service looks, and where it shows its pages.
    pub service: Service,
    /// What is followed, by its name in the overlay.
    pub packages: BTreeMap<AttrPath, Package>,
}

/// Where releases are looked up and fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registries {
    /// The sparse index; ends in `/`.
    pub crates_index: Url,
    /// Other registries of crates, by the names that manifests have for them.
    pub cargo: BTreeMap<String, CargoRegistry>,
    /// The registry of npm packages; ends in `/`.
    pub npm: Url,
    /// Who is asked for Go modules, and who vouches for them.
    pub go: GoRegistries,
    /// The advisory database; ends in `/`.
    pub osv_api: Url,
    /// The REST interface of the GitHub where upstreams are; ends in `/`.
    pub github_api: Url,
}

/// Who the bot's commits are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Name.
    pub author_name: String,
    /// Address.
    pub author_email: String,
}

/// Systems, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Systems {
    /// These are in the graph.
    pub resolve: Vec<System>,
    /// These are built and advertised; each is in `resolve` too.
    pub build: Vec<System>,
}

/// Where the toolchain comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildPackages {
    /// From this machine.
    Host,
    /// From nixpkgs, at this flake reference.
    Nixpkgs {
        /// As flakes spell it.
        url: String,
    },
}

/// How builds run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Where the toolchain comes from.
    pub pkgs: BuildPackages,
    /// A derivation's time.
    pub timeout: Duration,
    /// How long a derivation may print nothing.
    pub max_silent: Duration,
    /// A derivation's log, in bytes.
    pub max_log_size: u64,
    /// A build's address space, in bytes.
    pub memory_limit: Option<u64>,
    /// How many derivations are built at once.
    pub max_jobs: usize,
    /// How many cores each of them uses; 0 means all.
    pub cores: usize,
}

/// What is taken from upstream at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A compressed source, in bytes.
    pub archive_size: u64,
    /// The same unpacked.
    pub archive_unpacked: u64,
    /// Files in it.
    pub archive_entries: usize,
    /// How many packages one change to the overlay may drop.
    pub dropped_packages: usize,
}

/// How link-time optimisation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lto {
    /// Not at all, which lets libraries be shared.
    Off,
    /// `lto = "thin"`.
    Thin,
    /// `lto = "fat"`.
    Fat,
}

impl Lto {
    /// As it is spelled in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Thin => "thin",
            Self::Fat => "fat",
        }
    }
}

/// Whose lock decides which versions of its dependencies a Rust program is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Upstream's own.
    Upstream,
    /// The overlay's, which unifies those of all programs that share it.
    Overlay,
}

impl Lock {
    /// As it is spelled in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Overlay => "overlay",
        }
    }
}

/// A package of the overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Where its releases come from.
    pub upstream: Upstream,
    /// Cargo features to switch on, sorted.
    pub features: Vec<String>,
    /// Without the default features.
    pub no_default_features: bool,
    /// With all features.
    pub all_features: bool,
    /// Only these binaries, sorted; all where empty.
    pub binaries: Vec<String>,
    /// Of a repository with a Cargo workspace only these members, sorted; where empty those that cargo builds by default.
    pub members: Vec<String>,
    /// What the tags of a repository begin with, before the version; nothing means: what is usual.
    pub tag_prefix: Option<String>,
    /// What crates need beyond Rust, by name, in place of what is known of them otherwise.
    pub native: BTreeMap<String, NativeInputs>,
    /// How it is built if it is a Go program.
    pub go: GoOptions,
    /// How to build it; nothing means: what works, found out by building.
    pub strategy: Option<Strategy>,
    /// Link-time optimisation.
    pub lto: Lto,
    /// Whose lock counts.
    pub lock: Lock,
    /// Which releases are taken, when, and who decides.
    pub policy: Policy,
}

/// How a Go program is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoOptions {
    /// Build tags, sorted.
    pub tags: Vec<String>,
    /// Whether C is compiled.
    pub cgo: bool,
    /// Flags of the linker, in order.
    pub ldflags: Vec<String>,
    /// Variables that the linker sets, each with its value, in which `{version}` stands for the release without its `v` and
    /// `{tag}` for the release as it is.
    pub stamp: BTreeMap<String, String>,
    /// The git repository whose tags are releases before the proxy lists them.
    pub repository: Option<Url>,
}

impl Default for GoOptions {
    fn default() -> Self {
        Self { tags: Vec::new(), cgo: true, ldflags: Vec::new(), stamp: BTreeMap::new(), repository: None }
    }
}

/// What of this machine a configuration's defaults and checks depend on.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its system.
    pub system: System,
    /// Its cores.
    pub cores: usize,
}

impl Machine {
    /// This one.
    pub fn current() -> Self {
        // One core is what there is at least.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { system: System::current(), cores }
    }
}

impl Config {
    /// Reads and checks a file. `environment` holds the variables that stand in for what the file does not say.
    pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let Some(bytes) = files::read_optional(path)? else {
            return Err(ConfigError::Missing { path: path.to_owned() });
        };
        match str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, path, environment, &Machine::current()),
            Err(error) => {
                let before = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                Err(ConfigError::Invalid { problems: vec![read::not_utf8(before, path)] })
            }
        }
    }

    /// Checks the text of a file that is, or would be, at `path`.
    pub fn parse(
        text: &str,
        path: &Path,
        environment: &BTreeMap<String, String>,
        machine: &Machine,
    ) -> Result<Self, ConfigError> {
        read::config(text, path, environment, machine).map_err(|problems| ConfigError::Invalid { problems })
    }
}
