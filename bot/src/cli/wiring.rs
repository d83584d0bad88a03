//! From a configuration to everything that the stages need.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use nixwright_resolver::archive::Limits;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;
use url::Url;

use super::exit::CliError;
use super::forge::{Chosen, forge};
use crate::clients::cargo::Cargo;
use crate::clients::crates_io::{CratesIo, OtherRegistries, registry_variables};
use crate::clients::endpoints;
use crate::clients::git::{Author, GitSources, Overlay, TreeLimits};
use crate::clients::github::Upstreams;
use crate::clients::go::sumdb::SumdbClient;
use crate::clients::go::{GoModules, GoRegistries, Netrc};
use crate::clients::http::{Http, HttpSettings};
use crate::clients::nix::{Nix, NixError, NixSettings, Toolchain, probe_toolchain};
use crate::clients::node;
use crate::clients::npm::{Npm, NpmProgram};
use crate::clients::osv::Osv;
use crate::config::{BuildPackages, CargoRegistry, Config, Forge, Registries, TOKEN_VARIABLES};
use crate::dashboard::{Actions, Site};
use crate::model::{Clock, System};
use crate::pipeline::{Bot, NewBar};
use crate::stages::build::Builder;
use crate::stages::resolve::{GoGraphs, NpmTrees, Resolver};
use crate::stages::write::Writer;
use crate::store::Store;

/// Where the configuration is looked for when it is not named.
const DEFAULT_FILES: [&str; 2] = ["config/nixwright.toml", "nixwright.toml"];

/// The environment variable that the token of the pages is taken from.
const PAGES_TOKEN_VARIABLE: &str = "NIXWRIGHT_PAGES_TOKEN";

/// How long that token is at least.
const LEAST_TOKEN: usize = 16;

/// The environment, as far as it is text.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// The configuration that is there when none is named.
pub(super) fn find_config() -> Option<PathBuf> {
    DEFAULT_FILES.iter().map(PathBuf::from).find(|file| file.exists())
}

/// Reads the configuration that was named, or the one that is found.
pub(super) fn load_config(named: Option<&Path>) -> Result<Config, CliError> {
    let file = named.map(Path::to_owned).or_else(find_config).unwrap_or_else(|| PathBuf::from(DEFAULT_FILES[0]));
    Config::load(&file, &environment()).map_err(CliError::usage)
}

/// Everything below the state folder.
pub(super) struct State {
    pub(super) folder: PathBuf,
}

impl State {
    pub(super) fn of(config: &Config) -> Self {
        let folder = plain(&config.state_dir);
        Self { folder }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("nixwright.db")
    }

    pub(super) fn overlay(&self) -> PathBuf {
        self.folder.join("overlay.git")
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }

    pub(super) fn dashboard(&self) -> PathBuf {
        self.folder.join("dashboard")
    }

    pub(super) async fn store(&self) -> Result<Store, CliError> {
        Store::open(&self.database(), Clock::system()).await.map_err(CliError::machine)
    }
}

/// The same folder as an absolute path without `..`, whether it is there yet or not: it ends up in what people copy.
fn plain(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.components().fold(PathBuf::new(), |mut path, component| {
        if component == Component::ParentDir {
            // What `..` means after a link, the file system decides.
            path = std::fs::canonicalize(&path).unwrap_or(path);
            path.pop();
        } else {
            path.push(component);
        }
        path
    })
}

/// The addresses of registries that releases are resolved from.
pub(super) struct Addresses {
    /// The sparse index.
    pub(super) crates: Url,
    /// Other registries of crates.
    pub(super) cargo: BTreeMap<String, CargoRegistry>,
    /// Who is asked for Go modules, and who vouches for them.
    pub(super) go: GoRegistries,
    /// The registry of npm packages.
    pub(super) npm: Url,
    /// The REST interface of the GitHub where upstreams are, and what it may be asked with.
    pub(super) github: (Url, Option<SecretString>),
}

impl Addresses {
    pub(super) fn of(config: &Config) -> Self {
        let Registries { crates_index, cargo, go, npm, github_api, .. } = &config.registries;
        // A token is for the forge that it is of, and goes to no other.
        let is_the_forge = match &config.forge {
            Forge::Github(forge) => forge.api == *github_api,
            Forge::Local => true,
        };
        let environment = environment();
        let said = TOKEN_VARIABLES.iter().find_map(|name| environment.get(*name).filter(|token| !token.is_empty()));
        let token = said.filter(|_| is_the_forge).map(|token| SecretString::from(token.trim().to_owned()));
        let github = (github_api.clone(), token);
        Self { crates: crates_index.clone(), cargo: cargo.clone(), go: go.clone(), npm: npm.clone(), github }
    }
}

/// The resolver, with registries and caches below `cache`.
pub(super) async fn resolver(from: Addresses, cache: &Path, limits: Limits) -> Result<(Resolver, Http), CliError> {
    let http = Http::new(HttpSettings::default(), Clock::system()).map_err(CliError::machine)?;
    let crates = CratesIo::new(http.clone(), from.crates, cache).with_archive_limit(limits.compressed);
    let registries = cargo_registries(&from.cargo)?;
    let cargo = Cargo::open(&cache.join("work")).await.map_err(CliError::machine)?.with_registries(&registries);
    let go = go_graphs(http.clone(), from.go, cache)?;
    let (github, token) = from.github;
    let git = git_sources(cache, limits, &github);
    let npm = npm_trees(http.clone(), from.npm, git, cache, limits).await;
    let github = Upstreams::new(github, token);
    let registries = OtherRegistries::new(http.clone(), npm.git.clone(), cache, limits.compressed, &registries);
    Ok((Resolver { crates, registries, cargo, go, npm, github, cache: cache.to_owned(), limits }, http))
}

/// cargo's own variables for registries, as the environment and the configuration have them; the latter counts.
fn cargo_registries(configured: &BTreeMap<String, CargoRegistry>) -> Result<BTreeMap<String, SecretString>, CliError> {
    let mut variables = registry_variables(environment());
    for (name, registry) in configured {
        let upper = name.to_ascii_uppercase().replace('-', "_");
        variables.insert(format!("CARGO_REGISTRIES_{upper}_INDEX"), registry.index.clone().into());
        if let Some(file) = &registry.token_file {
            let key = format!("registries.cargo.{name}.token_file");
            variables.insert(format!("CARGO_REGISTRIES_{upper}_TOKEN"), super::forge::secret(file, &key)?);
        }
    }
    Ok(variables)
}

/// What graphs of Go modules are computed from, for the Go that is on PATH.
pub(super) fn go_graphs(http: Http, from: GoRegistries, cache: &Path) -> Result<GoGraphs, CliError> {
    let netrc = Netrc::find(&environment()).map_err(CliError::machine)?;
    let (sumdb, hidden) = (from.sumdb.clone(), from.no_sumdb.clone());
    let sumdb = SumdbClient::new(http.clone(), sumdb, hidden, cache, Clock::system());
    let search = std::env::var_os("PATH").unwrap_or_default();
    Ok(GoGraphs { modules: GoModules::new(http, from, netrc, cache), sumdb, search, cache: cache.to_owned() })
}

/// What trees of npm packages are computed from, for the node that is on PATH.
pub(super) async fn npm_trees(http: Http, registry: Url, git: GitSources, cache: &Path, limits: Limits) -> NpmTrees {
    let registry = Npm::new(http, registry, cache).with_archive_limit(limits.compressed);
    let search = std::env::var_os("PATH").unwrap_or_default();
    let node = node::version(&search, cache).await.unwrap_or_else(|| node::ASSUMED.to_owned());
    let program = NpmProgram::find(&search, registry.registry(), &cache.join("work"));
    NpmTrees { registry, node, program, cache: cache.to_owned(), limits, git }
}

/// Repositories that packages come from; `github` is the REST interface of the GitHub that stands for the public one.
pub(super) fn git_sources(cache: &Path, limits: Limits, github: &Url) -> GitSources {
    let sources = GitSources::new(cache, TreeLimits { bytes: limits.unpacked, entries: limits.entries });
    match endpoints::github_sources(github) {
        Some((public, actual)) => sources.with_instead(public, actual),
        None => sources,
    }
}

/// What an archive may ask of us, from the configuration.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        compressed: config.limits.archive_size,
        unpacked: config.limits.archive_unpacked,
        entries: config.limits.archive_entries as u64,
    }
}

/// Nix, and the host's toolchain if that is the package set.
pub(super) async fn nix(config: &Config) -> Result<(Nix, Option<Toolchain>), CliError> {
    let machine = |error: NixError| CliError::machine(error);
    let toolchain = match config.build.pkgs {
        BuildPackages::Host => Some(probe_toolchain().await.map_err(machine)?),
        BuildPackages::Nixpkgs { .. } => {
            return Err(CliError::usage(
                "build.pkgs = \"nixpkgs\": this version builds with the host's toolchains only; set it to \"host\"",
            ));
        }
    };
    let settings = NixSettings {
        system: System::current(),
        sandbox_paths: toolchain.as_ref().map(|toolchain| toolchain.sandbox.clone()).unwrap_or_default(),
        timeout: config.build.timeout,
        max_silent: config.build.max_silent,
        max_log_bytes: config.build.max_log_size,
        memory_limit_bytes: config.build.memory_limit,
        max_jobs: config.build.max_jobs,
        cores: config.build.cores,
        cache_dir: State::of(config).cache().join("nix"),
    };
    let nix = Nix::open(settings).await.map_err(machine)?;
    Ok((nix, toolchain))
}

/// The whole bot.
pub(super) async fn bot(config: Config, new_bar: NewBar) -> Result<Bot, CliError> {
    let state = State::of(&config);
    let (nix, toolchain) = nix(&config).await?;
    let toolchain = toolchain.map(|toolchain| toolchain.to_json()).transpose().map_err(CliError::machine)?;
    let (resolver, http) = resolver(Addresses::of(&config), &state.cache(), limits(&config)).await?;
    let overlay = open_overlay(&state)?;
    let store = state.store().await?;
    let author = Author { name: config.overlay.author_name.clone(), email: config.overlay.author_email.clone() };
    let Chosen { forge, labels, notes, flake } = forge(&config, &environment(), &store, &overlay, &author).await?;
    // Evidence is worth one try: what cannot be asked is said to be unavailable, and asked again with the next release.
    let quick = HttpSettings {
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(20),
        try_timeout: Duration::from_secs(60),
        attempts: 2,
        first_wait: Duration::from_millis(200),
        ..HttpSettings::default()
    };
    let asking = Http::new(quick, Clock::system()).map_err(CliError::machine)?;
    let osv = Osv::new(asking, config.registries.osv_api.clone(), &state.cache().join("osv"), Clock::system());
    let builder = Builder {
        nix,
        crates: resolver.crates.clone(),
        go: resolver.go.clone(),
        registries: resolver.registries.clone(),
        npm: resolver.npm.clone(),
        http,
        cache: state.cache(),
        roots: state.folder.join("roots"),
        overlay: overlay.path().to_owned(),
        system: System::current(),
    };
    Ok(Bot {
        forge,
        writer: Writer { overlay, author },
        config,
        store,
        resolver,
        builder,
        clock: Clock::system(),
        new_bar,
        toolchain,
        canary: OnceCell::new(),
        labels,
        notes,
        flake,
        osv,
        worker: format!("process {}", std::process::id()),
        effects: tokio::sync::Mutex::default(),
        watched: Mutex::default(),
    })
}

/// Who may act on the pages: those who know the token of `service.token_file`, else of the environment; else nobody.
pub(super) fn actions(config: &Config) -> Result<Option<Actions>, CliError> {
    let token = if let Some(file) = &config.service.token_file {
        Some(super::forge::secret(file, "service.token_file")?)
    } else {
        let said = environment().remove(PAGES_TOKEN_VARIABLE).filter(|token| !token.trim().is_empty());
        said.map(|token| SecretString::from(token.trim().to_owned()))
    };
    let is_short = |token: &SecretString| token.expose_secret().len() < LEAST_TOKEN;
    if token.as_ref().is_some_and(is_short) {
        return Err(CliError::usage(format!(
            "the token of the pages is too short to be safe: use {LEAST_TOKEN} characters or more, for example of `openssl rand -hex 24`"
        )));
    }
    Ok(token.as_ref().map(Actions::with))
}

/// What the pages must know that the store does not; `overlay` is the bot's own repository.
pub(super) fn site(config: &Config, overlay: &Path) -> Site {
    let overlay = match &config.forge {
        crate::config::Forge::Local => format!("git+file://{}", overlay.display()),
        crate::config::Forge::Github(github) => format!("git+{}{}", github.web, github.repository),
    };
    Site { overlay, address: config.service.address.clone() }
}

/// The overlay repository, made if it is absent.
pub(super) fn open_overlay(state: &State) -> Result<Overlay, CliError> {
    let folder = std::path::absolute(state.overlay()).map_err(CliError::machine)?;
    Overlay::open_or_init(&folder).map_err(CliError::machine)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_folder_that_is_not_there_yet_has_no_detour_either() {
        assert_eq!(super::plain(Path::new("/proc/absent/../var")), Path::new("/proc/var"));
    }
}
