//! A build that proves, before any other, that builds are isolated.
//!
//! Nix's sandbox silently depends on the kernel, on who runs it and on its settings, so what matters is looked at from the
//! inside, in a plain build and in a fixed-output one, which Nix lets have the network.

use std::ffi::OsString;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::{command, last_lines, run_ok};
use super::{BuildReport, Nix, NixError, STORE_LIMIT, StoreAccess, config};

const EXPRESSION: &str = include_str!("scripts/canary.nix");
const SCRIPT: &str = include_str!("scripts/canary.sh");

/// What the canary proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryReport {
    /// Each thing that was shown, as a sentence.
    pub proven: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Folders and files of the host that no build may see.
const PRIVATE: &[&str] = &[
    "/root",
    "/home",
    "/etc/shadow",
    "/etc/ssh",
    "/var",
    "/run",
    "/boot",
    "/srv",
    "/mnt",
    "/media",
    "/opt",
    "/nix/var",
];

impl Nix {
    /// Builds the canary derivations, plain and fixed-output, new each time. `Ok` only if files, network and uid are isolated.
    pub async fn canary(&self) -> Result<CanaryReport, NixError> {
        if self.access == StoreAccess::Daemon {
            return Err(NixError::DaemonOnly);
        }
        let begun = Instant::now();
        let nonce = nonce()?;
        // Held open until the end: a build that shares our network sees it.
        let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, _listener) =
            listener.map_err(|source| NixError::Start { program: "a listener on 127.0.0.1".to_owned(), source })?;
        let scratch = self.folders.scratch()?;
        let shown = &self.settings.sandbox_paths;
        let arguments = [
            ("system", self.settings.system.to_string()),
            ("script", SCRIPT.to_owned()),
            ("nonce", nonce),
            ("port", format!("{:04X}", address.port())),
            ("hidden", lines(&hidden(shown, scratch.path()))),
            ("shown", lines(shown)),
            ("root", if self.is_machines_root { "1" } else { "0" }.to_owned()),
        ];
        let drvs = self.instantiate(&arguments).await?;
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let report = self.realise(&drvs, events).await.map_err(|error| match error {
            NixError::Command { message, .. } => NixError::SandboxBroken { detail: message },
            other => other,
        })?;
        verdict(&report, drvs.len())?;
        Ok(CanaryReport { proven: self.proven(), elapsed: begun.elapsed() })
    }

    async fn instantiate(&self, arguments: &[(&str, String)]) -> Result<Vec<String>, NixError> {
        let mut call = command(&self.tools.nix_instantiate);
        self.environment(&mut call, &self.config(config::Purpose::Query));
        call.args(["--expr", EXPRESSION]);
        for (name, value) in arguments {
            call.args([OsString::from("--argstr"), name.into(), value.into()]);
        }
        Ok(run_ok(&mut call, "writing the canary's derivations", STORE_LIMIT).await?.lines())
    }

    fn proven(&self) -> Vec<String> {
        let user = if self.users.is_some() { "a user of their own" } else { "one unprivileged user" };
        vec![
            "builds see nothing of the host's files but the folders they are shown".to_owned(),
            format!("the {} folders they are shown are read-only", self.settings.sandbox_paths.len()),
            "builds reach neither the network nor the host's 127.0.0.1, fixed-output ones included".to_owned(),
            format!("builds run as {user}, without capabilities, and cannot change the kernel's settings"),
        ]
    }
}

/// Both must have been built, now.
fn verdict(report: &BuildReport, expected: usize) -> Result<(), NixError> {
    if report.succeeded() && report.built.len() == expected {
        return Ok(());
    }
    let mut leaks: Vec<String> = Vec::new();
    let mut said: Vec<String> = Vec::new();
    for canary in &report.built {
        for line in canary.log.lines() {
            if let Some(leak) = line.strip_prefix("LEAK: ") {
                let leak = leak.to_owned();
                if !leaks.contains(&leak) {
                    leaks.push(leak);
                }
            } else {
                said.push(line.trim_start_matches("FAULT: ").to_owned());
            }
        }
        said.extend(canary.message.clone());
    }
    if leaks.is_empty() {
        said.dedup();
        return Err(NixError::SandboxBroken { detail: last_lines(&said.join("\n"), 20) });
    }
    Err(NixError::SandboxLeaks { leaks })
}

fn lines(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n")
}

/// What is there on the host and must not be there in a build. Where a shown folder lies inside a private one, Nix makes
/// the latter anew in the sandbox, so what else is in it counts.
fn hidden(shown: &[PathBuf], own: &Path) -> Vec<PathBuf> {
    let is_shown = |path: &Path| shown.iter().any(|folder| path.starts_with(folder));
    let leads_to_shown = |path: &Path| shown.iter().any(|folder| folder.starts_with(path));
    let mut hidden = Vec::new();
    let mut waiting: Vec<PathBuf> = PRIVATE.iter().map(PathBuf::from).collect();
    waiting.push(own.to_owned());
    while let Some(path) = waiting.pop() {
        if is_shown(&path) || path.symlink_metadata().is_err() {
            continue;
        }
        if leads_to_shown(&path) {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            // A few are proof enough, and a home folder can hold many. Lines separate them, so no newlines.
            let plain = |path: &PathBuf| path.to_str().is_some_and(|text| !text.contains('\n'));
            waiting.extend(entries.map(|entry| entry.path()).filter(plain).take(50));
        } else {
            hidden.push(path);
        }
    }
    hidden.sort();
    hidden
}

/// Random letters, from the kernel.
fn nonce() -> Result<String, NixError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 12];
    std::fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| NixError::file("read", source, error))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::hidden;

    #[test]
    fn what_lies_beside_a_shown_folder_is_hidden_and_the_way_to_it_is_not() {
        let host = tempfile::tempdir().unwrap();
        for folder in ["home/rust/bin", "home/secret", "home/other"] {
            std::fs::create_dir_all(host.path().join(folder)).unwrap();
        }
        let shown = [host.path().join("home/rust")];
        let found = hidden(&shown, &host.path().join("home"));
        let ours: Vec<&PathBuf> = found.iter().filter(|path| path.starts_with(host.path())).collect();
        assert_eq!(ours, [&host.path().join("home/other"), &host.path().join("home/secret")]);
        assert!(found.contains(&PathBuf::from("/etc/shadow")));
    }

    #[test]
    fn what_is_not_there_cannot_leak() {
        assert!(!hidden(&[], Path::new("/no/such/folder")).contains(&PathBuf::from("/no/such/folder")));
    }
}
