//! The program as a person runs it: a configuration file, a state folder, a command line, an exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::overlay::Overlay;
use crate::process::{Finished, command, files_below, run, write_file};
use crate::registry::Registry;

/// A state folder with a configuration, and the program to run on it.
pub struct Bot {
    folder: PathBuf,
    /// Removes the folder at the end; a bot in a folder of the test's own has none.
    temporary: Option<TempDir>,
    environment: BTreeMap<OsString, OsString>,
    osv: Option<String>,
}

impl Bot {
    /// A bot in a temporary folder, for one test.
    pub fn new(registry: &Registry, configuration: &str) -> Self {
        let temporary = tempfile::Builder::new().prefix("nixwright-test-").tempdir().expect("a temporary folder");
        let mut bot = Self::at(temporary.path(), registry, configuration);
        bot.temporary = Some(temporary);
        bot
    }

    /// A bot in a temporary folder with exactly this configuration.
    pub fn with(configuration: &str) -> Self {
        let temporary = tempfile::Builder::new().prefix("nixwright-test-").tempdir().expect("a temporary folder");
        let folder = temporary.path().to_owned();
        let bot = Self { folder, temporary: Some(temporary), environment: BTreeMap::new(), osv: None };
        bot.write_configuration(configuration);
        bot
    }

    /// A bot in a folder that outlives the value, emptied first: for what several tests look at.
    pub fn in_fresh(folder: &Path, registry: &Registry, configuration: &str) -> Self {
        if folder.exists() {
            std::fs::remove_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        }
        Self::at(folder, registry, configuration)
    }

    fn at(folder: &Path, registry: &Registry, configuration: &str) -> Self {
        let bot = Self { folder: folder.to_owned(), temporary: None, environment: BTreeMap::new(), osv: None };
        bot.configure(registry, configuration);
        bot
    }

    /// Writes the configuration anew: the fake registry, short waits, and what the test says.
    pub fn configure(&self, registry: &Registry, configuration: &str) {
        let index = registry.index_url();
        // Nobody listens at the discard port: advisories are unavailable unless a test has a database of its own.
        let osv = self.osv.as_deref().unwrap_or("http://127.0.0.1:9/");
        let head = format!("state_dir = \"var\"\n\n[registries]\ncrates_index = \"{index}\"\nosv_api = \"{osv}\"\n\n");
        self.write_configuration(&format!("{head}{configuration}"));
    }

    /// Asks this database about advisories, from the next [`configure`](Self::configure) on.
    pub fn set_osv(&mut self, address: &str) {
        self.osv = Some(address.to_owned());
    }

    /// Writes the configuration exactly as given.
    pub fn write_configuration(&self, text: &str) {
        write_file(&self.configuration(), text);
    }

    /// An environment variable for every run from now on.
    pub fn set_env(&mut self, key: impl Into<OsString>, value: impl Into<OsString>) {
        self.environment.insert(key.into(), value.into());
    }

    /// `nixwright.toml`.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("nixwright.toml")
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.join("var")
    }

    /// The program with this configuration and these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = nixwright();
        command.arg("--config").arg(self.configuration()).args(arguments).current_dir(&self.folder);
        command.envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn call(&self, arguments: &[&str]) -> Finished {
        run(&mut self.command(arguments))
    }

    /// One full cycle.
    pub fn run_once(&self) -> Finished {
        self.call(&["run", "--once"])
    }

    /// Starts one cycle and does not wait for it.
    pub fn start_once(&self) -> Child {
        let mut command = self.command(&["run", "--once"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// Starts the service; its configuration has to listen at port 0.
    pub fn start_service(&self) -> Service {
        self.serve(&["run", "-v"])
    }

    /// Starts a server that only shows the pages.
    pub fn start_pages(&self) -> Service {
        self.serve(&["dashboard", "--listen", "127.0.0.1:0", "-v"])
    }

    fn serve(&self, arguments: &[&str]) -> Service {
        let mut command = self.command(arguments);
        let log = std::fs::File::create(self.folder.join("service.log")).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its standard output")).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let address = first.split_once("http://").map(|(_, rest)| rest.trim_end_matches('/').to_owned());
        let address = address.unwrap_or_else(|| panic!("no address in {first:?}: {}", self.service_log()));
        Service { child, address }
    }

    /// What the service wrote to its standard error.
    pub fn service_log(&self) -> String {
        std::fs::read_to_string(self.folder.join("service.log")).unwrap_or_default()
    }

    /// The overlay repository.
    pub fn overlay(&self) -> Overlay {
        Overlay::open(&self.state().join("overlay.git"))
    }

    /// `status --json`, by attribute.
    pub fn status(&self) -> BTreeMap<String, Value> {
        let text = self.call(&["status", "--json"]).expect_code(0).stdout;
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        rows.into_iter().map(|row| (row["attr"].as_str().expect("an attr").to_owned(), row)).collect()
    }

    /// The state of one package, from `status --json`.
    pub fn status_of(&self, attr: &str) -> Value {
        self.status().remove(attr).unwrap_or_else(|| panic!("status does not know {attr}"))
    }

    /// Version and state of one package, from `status --json`.
    pub fn stands(&self, attr: &str) -> (String, String) {
        let row = self.status_of(attr);
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (text("version"), text("state"))
    }

    /// The exported pages, by path.
    pub fn pages(&self) -> BTreeMap<String, String> {
        let root = self.state().join("dashboard");
        let read = |path: PathBuf| {
            let text =
                std::fs::read_to_string(root.join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.to_str().expect("a plain name").to_owned(), text)
        };
        files_below(&root).into_iter().map(read).collect()
    }
}

/// The running service. It is killed when it is dropped.
pub struct Service {
    child: Child,
    address: String,
}

impl Service {
    /// `GET` of a path: the status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut connection = TcpStream::connect(&self.address).expect("the service listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        connection.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    /// Where it listens: address and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has: its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        run(command("kill").args(["-TERM", &self.child.id().to_string()])).expect_code(0);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, without a configuration.
pub fn nixwright() -> Command {
    let test = std::env::current_exe().expect("the path of this test program");
    let folder = test.parent().and_then(Path::parent).expect("test programs are in target/PROFILE/deps");
    let program = folder.join(format!("nixwright{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing: run `cargo build` first", program.display());
    let mut command = command(program);
    // A person's own settings must not decide a test.
    for variable in ["NIXWRIGHT_CRATES_INDEX", "NIXWRIGHT_NPM_REGISTRY", "NIXWRIGHT_LOG", "NIX_CONFIG"] {
        command.env_remove(variable);
    }
    command
}

/// `resolve` against this registry, with a cache folder of its own.
pub fn resolve(registry: &Registry, cache: &Path, arguments: &[&str]) -> Finished {
    let mut command = nixwright();
    command.arg("resolve").args(arguments).current_dir(cache).env("XDG_CACHE_HOME", cache);
    run(command.env("NIXWRIGHT_CRATES_INDEX", registry.index_url()))
}
