//! A fake crates.io on loopback: a sparse index and crate downloads, with faults to switch on and a memory of what it
//! was asked.

mod index;
mod server;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::fixture::PackedCrate;
pub(crate) use server::{cut_off, spoiled};

/// What can go wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status and no body.
    Status(u16),
    /// The connection ends half way through the body.
    CutOff,
    /// The right length with a wrong byte.
    WrongBytes,
    /// A pause before the answer.
    Slow(Duration),
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The path of the request.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

/// The running fake. It stops when it is dropped.
pub struct Registry {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    base: String,
    down: AtomicBool,
    shelves: Mutex<Shelves>,
}

#[derive(Default)]
struct Shelves {
    /// Index lines by crate name, in the order of publication.
    lines: BTreeMap<String, Vec<Value>>,
    archives: BTreeMap<String, Vec<u8>>,
    faults: Vec<(String, Fault)>,
    /// Who does not say this gets nothing.
    token: Option<String>,
    requests: Vec<Served>,
}

impl Shelves {
    fn fault_for(&self, path: &str) -> Option<Fault> {
        self.faults.iter().find(|(part, _)| path.contains(part.as_str())).map(|(_, fault)| *fault)
    }

    fn index_file(&self, path: &str) -> Option<Vec<u8>> {
        let (name, lines) = self.lines.iter().find(|(name, _)| index::path_of(name) == path)?;
        debug_assert!(!lines.is_empty(), "{name} was published");
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        Some((lines.join("\n") + "\n").into_bytes())
    }

    fn archive(&self, path: &str) -> Option<Vec<u8>> {
        self.archives.get(path).cloned()
    }
}

impl Registry {
    /// Starts an empty registry on a free port.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port");
        let base = format!("http://{}", listener.local_addr().expect("a bound port"));
        let shared = Arc::new(Shared { base, down: AtomicBool::new(false), shelves: Mutex::new(Shelves::default()) });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || runtime.block_on(server::serve_until(listener, served, stopped)));
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Starts a registry that already has these crates.
    pub fn with<'a>(crates: impl IntoIterator<Item = &'a PackedCrate>) -> Self {
        let registry = Self::start();
        for packed in crates {
            registry.publish(packed);
        }
        registry
    }

    /// The index's address in the form of configuration and environment.
    pub fn index_url(&self) -> String {
        format!("sparse+{}/index/", self.shared.base)
    }

    /// `http://127.0.0.1:PORT`, without a final slash.
    pub fn base_url(&self) -> &str {
        &self.shared.base
    }

    /// `127.0.0.1:PORT`: what must never be found in the overlay.
    pub fn host(&self) -> &str {
        self.shared.base.trim_start_matches("http://")
    }

    /// Where a crate's archive can be had.
    pub fn archive_url(&self, packed: &PackedCrate) -> String {
        format!("{}{}", self.shared.base, server::archive_path(&packed.name, &packed.version, &packed.sha256))
    }

    /// Adds a release that came out long ago.
    pub fn publish(&self, packed: &PackedCrate) {
        self.publish_at(packed, "2026-01-02T03:04:05Z");
    }

    /// Adds a release that came out at this time.
    pub fn publish_at(&self, packed: &PackedCrate, published: &str) {
        self.add(packed, published, false);
    }

    /// Adds a release that was taken back.
    pub fn publish_yanked(&self, packed: &PackedCrate) {
        self.add(packed, "2026-01-02T03:04:05Z", true);
    }

    /// Takes a release back that was published before.
    pub fn yank(&self, packed: &PackedCrate) {
        let mut shelves = self.shelves();
        let lines = shelves.lines.get_mut(&packed.name).expect("it was published");
        let line = lines.iter_mut().find(|line| line["vers"] == packed.version.as_str()).expect("so was this version");
        line["yanked"] = true.into();
    }

    fn add(&self, packed: &PackedCrate, published: &str, yanked: bool) {
        let mut shelves = self.shelves();
        let line = index::line(packed, published, yanked);
        shelves.lines.entry(packed.name.clone()).or_default().push(line);
        let path = server::archive_path(&packed.name, &packed.version, &packed.sha256);
        shelves.archives.insert(path, packed.archive.clone());
        // The form of an address that needs no checksum, as in the overlay's own list of addresses.
        let plain = format!("/plain/{}/{}/download", packed.name, packed.version);
        shelves.archives.insert(plain, packed.archive.clone());
    }

    /// Every checksum that the index vouches for.
    pub fn checksums(&self) -> Vec<String> {
        let shelves = self.shelves();
        let lines = shelves.lines.values().flatten();
        lines.filter_map(|line| line["cksum"].as_str().map(str::to_owned)).collect()
    }

    /// Answers whose path contains `part` have this fault from now on.
    pub fn fail(&self, part: &str, fault: Fault) {
        self.shelves().faults.push((part.to_owned(), fault));
    }

    /// Only who has this token is answered from now on.
    pub fn require_token(&self, token: &str) {
        self.shelves().token = Some(token.to_owned());
    }

    /// No fault any more.
    pub fn heal(&self) {
        self.shared.down.store(false, Ordering::SeqCst);
        self.shelves().faults.clear();
    }

    /// Hangs up on every new connection.
    pub fn go_down(&self) {
        self.shared.down.store(true, Ordering::SeqCst);
    }

    /// What was asked since the last call.
    pub fn take_requests(&self) -> Vec<Served> {
        std::mem::take(&mut self.shelves().requests)
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shared.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
