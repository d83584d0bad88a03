//! Starting programs and writing files: the only place of this crate that does, as in the program itself.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A command for `program`, which is looked up on `PATH`.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the one place where tests start processes")]
    Command::new(program)
}

/// The toolchain's cargo, apart from the cargo home and the settings of the person who runs the tests.
pub fn cargo(home: &Path) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .env("CARGO_HOME", home)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET");
    cargo
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Finished {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} could not be started: {error}"));
    Finished::new(format!("{command:?}"), &output)
}

/// Runs a command that has to succeed, and gives its standard output.
pub fn stdout_of(command: &mut Command) -> String {
    run(command).expect_code(0).stdout
}

/// Writes a file and the folders above it.
pub fn write_file(path: &Path, content: impl AsRef<[u8]>) {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    }
    #[expect(clippy::disallowed_methods, reason = "the one place where tests write files")]
    std::fs::write(path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The files of a text in which each begins with a line `-- PATH --`.
pub fn files_of(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --")) {
            files.push((path.to_owned(), String::new()));
        } else if let Some((_, content)) = files.last_mut() {
            content.push_str(line);
            content.push('\n');
        }
    }
    files
}

/// The text of a file.
pub fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder, by path relative to it, sorted.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).expect("a path below its folder").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// What a finished process left.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The command, for messages.
    pub command: String,
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// From what the standard library gives.
    pub fn new(command: String, output: &Output) -> Self {
        Self {
            command,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test, showing all output, unless the process ended with this code.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check alone is often what a test wants")]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of {self}");
        self
    }

    /// Both streams, for messages that may be on either.
    pub fn output(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// Fails the test unless each of these texts is somewhere in the output.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check alone is often what a test wants")]
    pub fn expect_words(self, words: &[&str]) -> Self {
        let output = self.output();
        for word in words {
            assert!(output.contains(word), "{word:?} is not in the output of {self}");
        }
        self
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        let _ = writeln!(text, "{}\nended with {:?}", self.command, self.code);
        let _ = writeln!(text, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        formatter.write_str(&text)
    }
}
