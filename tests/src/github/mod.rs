//! A fake GitHub on loopback: one repository over real git, pull requests that live as on the real one, faults to stage.
//!
//! Each request and each reply is judged by GitHub's own description of its API, which `make deps` brings, and a field
//! that the description does not know is a violation. So a test that passes here has asked for nothing that GitHub
//! lacks, and was told nothing that GitHub would not say.

mod auth;
mod call;
mod clock;
mod faults;
mod git_http;
mod graphql;
mod openapi;
mod person;
mod render;
mod render_git;
mod repository;
mod rest;
mod server;
mod settle;
mod view;
mod world;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

pub use call::Request;
pub use faults::{Call, Fault, RetryAfter, When};
pub use world::{AutoMerge, CheckRun, Comment, Pull, Release, Settings, Status};

use world::World;

/// The running fake. It stops when it is dropped, and fails the test if there were violations.
pub struct GitHub {
    hub: Hub,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A handle on the fake: what people do, what a test stages and sees. Clones are the same fake.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    folder: TempDir,
    world: Mutex<World>,
    traffic: Mutex<Traffic>,
}

#[derive(Default)]
struct Traffic {
    requests: Vec<Request>,
    staged: faults::Staged,
    violations: Vec<String>,
}

impl GitHub {
    /// Starts with one commit on `main`.
    pub fn start() -> Self {
        Self::with(Settings::default())
    }

    /// Starts a repository as its owner wants it.
    pub fn with(settings: Settings) -> Self {
        let github = Self::empty(settings);
        github.push_to_main("README.md", "An overlay.\n");
        github
    }

    /// Starts a repository that has no commit yet.
    pub fn empty(settings: Settings) -> Self {
        // Bound here, run elsewhere: a test may itself be asynchronous.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let base = format!("http://{}", listener.local_addr().expect("a bound port"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let git = bare_repository(&folder.path().join(format!("{}/{}.git", settings.owner, settings.name)));
        let world = Mutex::new(World::new(base, git, settings));
        let hub = Hub { shared: Arc::new(Shared { folder, world, traffic: Mutex::default() }) };
        let (stop, stopped) = oneshot::channel();
        let served = hub.clone();
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(1).enable_all().build().expect("a tokio runtime");
            runtime.block_on(server::serve_until(listener, served, stopped));
            // A hook of a test may wait for what never comes.
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        Self { hub, stop: Some(stop), thread: Some(thread) }
    }

    /// A handle for hooks and other threads.
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }
}

/// A bare repository as GitHub keeps one: pull requests' references are the forge's own, any commit can be fetched.
fn bare_repository(path: &Path) -> git2::Repository {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).mkpath(true).initial_head("main");
    let git = git2::Repository::init_opts(path, &options).expect("a bare repository");
    let mut config = git.config().expect("its configuration");
    for (key, value) in [
        ("http.receivepack", "true"),
        ("receive.hideRefs", "refs/pull"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("receive.autogc", "false"),
    ] {
        config.set_str(key, value).expect("a setting");
    }
    git
}

impl std::ops::Deref for GitHub {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let violations = self.violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "violations of GitHub's API: {violations:#?}");
        }
    }
}

impl Hub {
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub fn base_url(&self) -> String {
        self.world().base.clone()
    }

    /// The REST API's address, as for GitHub Enterprise: `…/api/v3`.
    pub fn api_url(&self) -> String {
        self.world().api()
    }

    /// The address for git.
    pub fn git_url(&self) -> String {
        format!("{}.git", self.world().page())
    }

    /// `OWNER/REPO`.
    pub fn name(&self) -> String {
        self.world().full_name()
    }

    /// The personal token that is valid from the start.
    pub fn token(&self) -> String {
        self.world().settings.token.clone()
    }

    fn root(&self) -> &Path {
        self.shared.folder.path()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.shared.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
