//! What a build runs in, around Nix's own sandbox.
//!
//! Nix alone leaves three holes: a fixed-output build reaches the network and even the host's own 127.0.0.1; the host folders
//! that `extra-sandbox-paths` shows are writable to root's builders; and builders live on when their client is killed. So the
//! client runs in namespaces of its own: a network without a route, the shown folders bound read-only, and a process
//! namespace that ends with its first process, which ends with us.
//!
//! `PR_SET_PDEATHSIG` is sent when the *thread* that started the process ends. So a build must be started from a thread that
//! lives as long as the program: a worker of the async runtime, not `spawn_blocking` or a short-lived thread.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::config::Shown;
use super::mounts::{mount_points, outermost, to_lock};
use super::tools::Tools;
use super::users::BuildUsers;
use super::{NixError, Protections};

const SCRIPT: &str = include_str!("scripts/namespaces.sh");

/// If we were killed before the signal was asked for, it never comes: then the parent is no longer us.
const STILL_OURS: &str = r#"[ "$PPID" = "$1" ] || exit 125; shift; exec "$@""#;

/// What is to be set up around a command.
pub(super) struct Surroundings<'a> {
    pub(super) tools: &'a Tools,
    pub(super) protections: &'a Protections,
    /// Folders that builds see.
    pub(super) shown: &'a [Shown],
    /// Files for /etc/passwd and /etc/group.
    pub(super) users: Option<&'a BuildUsers>,
    /// Address space of each process, in bytes.
    pub(super) memory_limit: Option<u64>,
    /// Whether we are root here; if not, a user namespace gives the right to mount.
    pub(super) is_root: bool,
}

impl Surroundings<'_> {
    /// The program to start and its arguments, so that `inner` runs in the namespaces.
    pub(super) fn wrap(&self, inner: &[OsString]) -> Result<(PathBuf, Vec<OsString>), NixError> {
        let mut line: Vec<OsString> = Vec::new();
        let mut add = |word: &dyn AsRef<std::ffi::OsStr>| line.push(word.as_ref().to_owned());
        for word in ["--pdeathsig", "KILL", "--"] {
            add(&word);
        }
        add(&self.tools.shell);
        for word in ["-c", STILL_OURS, "nixwright"] {
            add(&word);
        }
        add(&std::process::id().to_string());
        add(&self.tools.unshare);
        if !self.is_root {
            // Not as root there: Nix would then try what only the machine's root may.
            for word in ["--user", "--map-current-user", "--keep-caps"] {
                add(&word);
            }
        }
        if self.protections.network {
            add(&"--net");
        }
        for word in ["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"] {
            add(&word);
        }
        add(&self.tools.shell);
        for word in ["-c", SCRIPT, "nixwright"] {
            add(&word);
        }
        add(&self.tools.mount);
        for word in self.bindings()? {
            add(&word);
        }
        add(&"--");
        if let Some(bytes) = self.memory_limit {
            add(&self.tools.prlimit);
            add(&format!("--as={bytes}"));
            add(&"--");
        }
        if !self.is_root {
            // What was kept for mounting is not needed any more.
            add(&self.tools.setpriv);
            for word in ["--ambient-caps=-all", "--inh-caps=-all", "--"] {
                add(&word);
            }
        }
        line.extend_from_slice(inner);
        Ok((self.tools.setpriv.clone(), line))
    }

    fn bindings(&self) -> Result<Vec<OsString>, NixError> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(users) = self.users {
            for (from, to) in [(&users.passwd, "/etc/passwd"), (&users.group, "/etc/group")] {
                words.extend(["file".into(), from.into(), to.into()]);
            }
        }
        if !self.protections.read_only_paths {
            return Ok(words);
        }
        let table = Path::new("/proc/self/mountinfo");
        let text = std::fs::read_to_string(table).map_err(|source| NixError::file("read", table, source))?;
        let points = mount_points(&text);
        let folders = outermost(self.shown.iter().map(|folder| folder.real.clone()).collect());
        for folder in &folders {
            words.extend(["readable".into(), folder.into()]);
        }
        for mount in folders.iter().flat_map(|folder| to_lock(folder, &points)) {
            words.extend(["locked".into(), mount.into()]);
        }
        Ok(words)
    }
}
