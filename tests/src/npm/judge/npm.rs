//! npm, apart from the settings of the person who runs the tests: from its command line, and in a process that answers
//! for one project after another, which spares its start.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Outcome;
use crate::process::{Finished, command, write_file};

/// What both ways of running npm are told.
pub const FLAGS: [&str; 9] = [
    "--package-lock-only",
    "--ignore-scripts",
    "--omit-lockfile-registry-resolved=false",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--no-progress",
    "--fetch-retries=0",
    "--logs-max=0",
];

/// The code of an exception that npm does not catch: its command line ends by it, and so does the process.
pub(super) const UNCAUGHT: &str = "uncaught";

/// The code of a resolution without end: npm goes round in circles on some sets of peers.
pub const ENDLESS: &str = "endless";

/// How long npm may take before it is taken for endless; it needs a fiftieth of that on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(10);

/// npm's command line with configuration, cache and home below `home`.
pub fn npm(home: &Path) -> Command {
    let mut npm = command("npm");
    isolate(&mut npm, home);
    npm
}

/// Runs a resolver to its end; `None` when it does not come to one. What it says goes through files in `folder`.
pub(super) fn run_patiently(command: &mut Command, folder: &Path) -> Option<Finished> {
    let [out, err] = ["stdout", "stderr"].map(|name| folder.join(name));
    let file = |path: &Path| std::fs::File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    command.stdout(file(&out)).stderr(file(&err));
    let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?} could not be started: {error}"));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().expect("a process of our own") {
            break status;
        }
        if started.elapsed() > PATIENCE {
            process.kill().expect("a process of our own");
            let _ = process.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(Finished::new(format!("{command:?}"), &Output { status, stdout: read(&out), stderr: read(&err) }))
}

fn isolate(command: &mut Command, home: &Path) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().to_lowercase().starts_with("npm_") {
            command.env_remove(&variable);
        }
    }
    for empty in ["npmrc", "global-npmrc"] {
        write_file(&home.join(empty), "");
    }
    command
        .env("HOME", home)
        .env("npm_config_userconfig", home.join("npmrc"))
        .env("npm_config_globalconfig", home.join("global-npmrc"))
        .env("npm_config_cache", home.join("npm-cache"));
}

/// The folder of npm itself: that of the `npm` which is found on `PATH`.
fn npm_folder() -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH is set");
    let found = std::env::split_paths(&path).map(|folder| folder.join("npm")).find(|program| program.exists());
    let program = found.expect("npm is on PATH (`make deps` installs it)");
    let program = program.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let folder = program.ancestors().find(|folder| folder.join("lib/npm.js").exists());
    folder.unwrap_or_else(|| panic!("{} does not belong to an npm", program.display())).to_owned()
}

/// npm's own code in one process, asked for one project after another. It ends when it is dropped.
pub struct LongLivedNpm {
    running: Running,
    home: TempDir,
}

struct Running {
    process: Child,
    /// Taken when it has to end.
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Default for LongLivedNpm {
    fn default() -> Self {
        Self::start()
    }
}

impl LongLivedNpm {
    /// Starts it.
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let running = Running::start(home.path());
        Self { running, home }
    }

    /// What npm gives for the project in a folder.
    pub fn resolve(&mut self, folder: &Path, registry: &str, cache: &Path, before: Option<&str>) -> Outcome {
        let said = self.running.ask(&json!({"path": folder, "registry": registry, "cache": cache, "before": before}));
        if let Some(code) = said["code"].as_str() {
            if code == UNCAUGHT || code == ENDLESS {
                self.running = Running::start(self.home.path());
            }
            let message = said["message"].as_str().unwrap_or_default().to_owned();
            return Outcome::Failed { code: code.to_owned(), message };
        }
        let lock = folder.join("package-lock.json");
        Outcome::Lock(std::fs::read_to_string(&lock).unwrap_or_else(|error| panic!("{}: {error}", lock.display())))
    }
}

impl Running {
    fn start(home: &Path) -> Self {
        let script = home.join("arborist.js");
        write_file(&script, include_str!("../arborist.js"));
        let mut node = command("node");
        isolate(&mut node, home);
        node.arg(&script).arg("install").args(FLAGS).arg("--loglevel=silent").current_dir(home);
        node.env("NPM_FOLDER", npm_folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = node.spawn().unwrap_or_else(|error| panic!("{node:?} could not be started: {error}"));
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { process, input, answers }
    }

    fn ask(&mut self, request: &Value) -> Value {
        let input = self.input.as_mut().expect("it runs until it is dropped");
        writeln!(input, "{request}").expect("npm's process reads requests");
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => {
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("npm's process said {line:?}: {error}"))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.process.kill().expect("a process of our own");
                json!({"code": ENDLESS, "message": "npm did not come to an end"})
            }
            Err(RecvTimeoutError::Disconnected) => panic!("npm's process ended without an answer to {request}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
