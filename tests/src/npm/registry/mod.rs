//! A fake npm registry on loopback: metadata in both forms, manifests of single versions, tarballs made in memory, faults
//! to switch on, and a memory of what was asked and how much was sent.
//!
//! One server can hold many registries that know nothing of each other, each at a path of its own.

mod metadata;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

use super::release::Release;
use super::universe::Universe;
pub use crate::registry::Fault;
use metadata::Package;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The decoded path of the request, without the slash at its beginning.
    pub path: String,
    /// Whether the abbreviated form of the metadata was asked for.
    pub abbreviated: bool,
    /// The status of the answer.
    pub status: u16,
    /// The length of the body in bytes.
    pub bytes: u64,
}

/// The running fake. It stops when it is dropped.
pub struct NpmRegistry {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    base: String,
    shelves: Mutex<Shelves>,
}

/// Everything is kept by its decoded path below the server's address.
#[derive(Default)]
struct Shelves {
    packages: BTreeMap<String, Package>,
    /// Tarballs, and documents of other kinds; whether it is JSON.
    files: BTreeMap<String, (Vec<u8>, bool)>,
    faults: Vec<(String, Fault)>,
    requests: Vec<Served>,
}

impl Shelves {
    fn fault_for(&self, path: &str) -> Option<Fault> {
        self.faults.iter().find(|(part, _)| path.contains(part.as_str())).map(|(_, fault)| *fault)
    }

    /// The body for a path, and whether it is JSON.
    fn body(&self, path: &str, abbreviated: bool) -> Option<(Vec<u8>, bool)> {
        if let Some(file) = self.files.get(path) {
            return Some(file.clone());
        }
        let document = if let Some(package) = self.packages.get(path) {
            package.document(abbreviated)
        } else {
            let (name, version) = path.rsplit_once('/')?;
            self.packages.get(name)?.manifest(version)?
        };
        Some((document.to_string().into_bytes(), true))
    }
}

impl NpmRegistry {
    /// Starts an empty registry on a free port.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port");
        let base = format!("http://{}/", listener.local_addr().expect("a bound port"));
        let shared = Arc::new(Shared { base, shelves: Mutex::new(Shelves::default()) });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || runtime.block_on(server::serve_until(listener, served, stopped)));
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// A registry that has what the universe has.
    pub fn with(universe: &Universe) -> Self {
        let registry = Self::start();
        registry.mount("", universe);
        registry
    }

    /// `http://127.0.0.1:PORT/`, with a slash at its end.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// `127.0.0.1:PORT`: what must never be found in the overlay.
    pub fn host(&self) -> &str {
        self.shared.base.trim_start_matches("http://").trim_end_matches('/')
    }

    /// Publishes all of a universe in a registry of its own at `place` (a plain word, or empty for the server's own
    /// address), and gives that registry's address, with a slash at its end.
    pub fn mount(&self, place: &str, universe: &Universe) -> String {
        let below = if place.is_empty() { String::new() } else { format!("{place}/") };
        let address = format!("{}{below}", self.shared.base);
        for release in universe.releases(&address) {
            self.publish_at(&below, &release);
        }
        for (name, tags) in universe.tags() {
            for (tag, version) in tags {
                let mut shelves = self.shelves();
                if let Some(package) = shelves.packages.get_mut(&format!("{below}{name}")) {
                    package.tag(&tag, &version);
                }
            }
        }
        address
    }

    /// Forgets a registry that was mounted.
    pub fn unmount(&self, place: &str) {
        let below = format!("{place}/");
        let mut shelves = self.shelves();
        shelves.packages.retain(|path, _| !path.starts_with(&below));
        shelves.files.retain(|path, _| !path.starts_with(&below));
        shelves.requests.retain(|served| !served.path.starts_with(&below));
    }

    /// Adds a release; `latest` becomes the highest version that is no prerelease, unless a tag was set.
    pub fn publish(&self, release: &Release) {
        self.publish_at("", release);
    }

    fn publish_at(&self, below: &str, release: &Release) {
        let tarball = release.tarball();
        let path = format!("{below}{}", release.tarball_path());
        let document = release.document(&tarball, &format!("{}{path}", self.shared.base));
        let mut shelves = self.shelves();
        if !release.is_gone() {
            shelves.files.insert(path, (tarball, false));
        }
        let package = shelves.packages.entry(format!("{below}{}", release.name));
        package.or_insert_with(|| Package::new(&release.name)).add(release, document);
    }

    /// Points a tag at a version.
    pub fn tag(&self, name: &str, tag: &str, version: &str) {
        self.shelves().packages.get_mut(name).expect("it was published").tag(tag, version);
    }

    /// Sets a field of a published version's manifest, as `npm deprecate` does.
    pub fn amend(&self, name: &str, version: &str, key: &str, value: Value) {
        self.shelves().packages.get_mut(name).expect("it was published").amend(version, key, value);
    }

    /// Takes a version away, as `npm unpublish` does.
    pub fn unpublish(&self, name: &str, version: &str) {
        self.shelves().packages.get_mut(name).expect("it was published").remove(version);
    }

    /// Serves any other document below the registry's address, such as `-/npm/v1/keys`.
    pub fn serve(&self, path: &str, body: &Value) {
        self.shelves().files.insert(path.to_owned(), (body.to_string().into_bytes(), true));
    }

    /// Answers whose path contains `part` have this fault from now on.
    pub fn fail(&self, part: &str, fault: Fault) {
        self.shelves().faults.push((part.to_owned(), fault));
    }

    /// No fault any more.
    pub fn heal(&self) {
        self.shelves().faults.clear();
    }

    /// What was asked since the last call.
    pub fn take_requests(&self) -> Vec<Served> {
        std::mem::take(&mut self.shelves().requests)
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shared.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NpmRegistry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
