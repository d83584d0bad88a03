//! The toolchains that the machine has, for a package set made of them (`hostpkgs`).

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::NixError;
use super::node::Node;
use super::process::{command, run_ok};
use super::tools::find_program;
use crate::clients::go_toolchain::GoToolchain;
use crate::model::System;

/// What `hostpkgs/toolchain.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The system it is for.
    pub system: System,
    /// The versions of all of it: none of its files is in any hash, so this text is.
    pub fingerprint: String,
    /// The folder whose `bin` has rustc and cargo: the real ones, no launcher.
    pub rust: PathBuf,
    /// The folder whose `bin` has cc.
    pub cc: PathBuf,
    /// Node, if the machine has it: only programs of npm need it.
    pub node: Option<Node>,
    /// Go, if the machine has it: only Go programs need it.
    pub go: Option<GoToolchain>,
    /// The folders that builds have to see.
    pub sandbox: Vec<PathBuf>,
}

#[derive(Serialize)]
struct File<'a> {
    _generated: &'static str,
    system: &'a System,
    fingerprint: &'a str,
    paths: Paths<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    go: Option<&'a GoToolchain>,
    sandbox: &'a [PathBuf],
}

#[derive(Serialize)]
struct Paths<'a> {
    rust: &'a Path,
    cc: &'a Path,
}

/// Folders of a usual system; those that exist are shown.
const SYSTEM_FOLDERS: &[&str] = &["/bin", "/usr", "/lib", "/lib64"];

const LIMIT: Duration = Duration::from_secs(120);

impl Toolchain {
    /// The content of `hostpkgs/toolchain.json`. Fails only on paths that are not UTF-8.
    pub fn to_json(&self) -> Result<String, NixError> {
        let file = File {
            _generated: "by nixwright; edits are overwritten",
            system: &self.system,
            fingerprint: &self.fingerprint,
            paths: Paths { rust: &self.rust, cc: &self.cc },
            node: self.node.as_ref(),
            go: self.go.as_ref(),
            sandbox: &self.sandbox,
        };
        let malformed = |error: serde_json::Error| NixError::Malformed {
            what: "the toolchain".to_owned(),
            detail: error.to_string(),
        };
        Ok(serde_json::to_string_pretty(&file).map_err(malformed)? + "\n")
    }
}

/// Finds rustc, cargo and cc on PATH, and what builds have to see to run them.
pub async fn probe_toolchain() -> Result<Toolchain, NixError> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let find = |program: &'static str, package: &'static str| {
        find_program(program, &search).ok_or(NixError::ToolMissing { program, package })
    };
    let rustc = find("rustc", "a Rust toolchain (rustup, or Debian: rustc)")?;
    let cc = find("cc", "a C compiler (Debian: gcc)")?;
    // rustup's `rustc` picks a toolchain and starts its rustc; builds are given that one, without the picking.
    let sysroot = PathBuf::from(first_line(&rustc, &["--print", "sysroot"]).await?);
    for program in ["rustc", "cargo"] {
        if find_program(program, sysroot.join("bin").as_os_str()).is_none() {
            let package =
                "a whole Rust toolchain: its rustc and cargo belong in one folder (rustup, or Debian: rustc and cargo)";
            return Err(NixError::ToolMissing { program, package });
        }
    }
    let mut fingerprint = Vec::new();
    fingerprint.push(all_lines(&sysroot.join("bin/rustc"), &["-vV"]).await?);
    fingerprint.push(first_line(&sysroot.join("bin/cargo"), &["-V"]).await?);
    fingerprint.push(first_line(&cc, &["--version"]).await?);
    // Of these, what is there counts: a build that needs another says so itself.
    for (program, argument) in [
        ("ld", "--version"),
        ("ar", "--version"),
        ("ldd", "--version"),
        ("pkg-config", "--version"),
        ("bash", "--version"),
    ] {
        if let Some(path) = find_program(program, &search) {
            fingerprint.push(format!("{program}: {}", first_line(&path, &[argument]).await?));
        }
    }
    let folders: Vec<PathBuf> = SYSTEM_FOLDERS.iter().map(PathBuf::from).filter(|folder| folder.is_dir()).collect();
    let cc = prefix(&cc).ok_or(NixError::ToolMissing { program: "cc", package: "a C compiler in a `bin` folder" })?;
    let node = Node::probe(&search, async |program| first_line(program, &["--version"]).await).await?;
    let of_node = node.as_ref().map(Node::folders).unwrap_or_default();
    let go = GoToolchain::find(&search).await?;
    let of_go = go.as_ref().map(|go| &go.root);
    let more: Vec<&PathBuf> = [&sysroot, &cc].into_iter().chain(&of_node).chain(of_go).collect();
    Ok(Toolchain {
        system: System::current(),
        fingerprint: fingerprint.join("\n"),
        sandbox: with_folders(folders, &more),
        node,
        go,
        rust: sysroot,
        cc,
    })
}

/// `/usr` for `/usr/bin/cc`.
fn prefix(program: &Path) -> Option<PathBuf> {
    let bin = program.parent()?;
    // Where /bin is a link into /usr, it is /usr that has the rest.
    let bin = bin.canonicalize().unwrap_or_else(|_| bin.to_owned());
    bin.parent().filter(|prefix| prefix.parent().is_some()).map(Path::to_owned)
}

/// `folders`, and those of `more` that do not lie in them.
fn with_folders(mut folders: Vec<PathBuf>, more: &[&PathBuf]) -> Vec<PathBuf> {
    for folder in more {
        if !folders.iter().any(|outer| folder.starts_with(outer)) {
            folders.push((*folder).clone());
        }
    }
    folders.sort();
    folders
}

async fn first_line(program: &Path, arguments: &[&str]) -> Result<String, NixError> {
    let all = all_lines(program, arguments).await?;
    Ok(all.lines().next().unwrap_or_default().to_owned())
}

/// What a program prints. Started in `/`, where no project's settings choose another toolchain.
async fn all_lines(program: &Path, arguments: &[&str]) -> Result<String, NixError> {
    let what = format!("`{} {}`", program.display(), arguments.join(" "));
    let mut call = command(program);
    call.args(arguments).current_dir("/").env("LC_ALL", "C");
    for (name, value) in kept_variables(std::env::vars_os()) {
        call.env(name, value);
    }
    Ok(run_ok(&mut call, &what, LIMIT).await?.lines().join("\n"))
}

/// What rustup needs to find its toolchains.
fn kept_variables(all: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (OsString, OsString)> {
    const KEPT: [&str; 5] = ["PATH", "HOME", "RUSTUP_HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN"];
    all.filter(|(name, _)| KEPT.iter().any(|kept| name == OsStr::new(kept)))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{prefix, probe_toolchain, with_folders};

    #[tokio::test]
    async fn this_machines_toolchain_is_the_real_one() {
        let toolchain = probe_toolchain().await.unwrap();
        for program in ["bin/rustc", "bin/cargo"] {
            let real = toolchain.rust.join(program).canonicalize().unwrap();
            assert!(!real.ends_with("rustup"), "{}", real.display());
        }
        assert!(toolchain.fingerprint.starts_with("rustc "), "{}", toolchain.fingerprint);
        assert!(toolchain.cc.join("bin/cc").exists());
        let seen = |path: &Path| toolchain.sandbox.iter().any(|folder| path.starts_with(folder));
        assert!(seen(&toolchain.rust) && seen(&toolchain.cc), "{:?}", toolchain.sandbox);
        let json: serde_json::Value = serde_json::from_str(&toolchain.to_json().unwrap()).unwrap();
        assert_eq!(json["system"], toolchain.system.as_str());
        assert!(toolchain.to_json().unwrap().starts_with("{\n  \"_generated\": "));
    }

    #[tokio::test]
    async fn probing_twice_says_the_same() {
        assert_eq!(probe_toolchain().await.unwrap(), probe_toolchain().await.unwrap());
    }

    #[test]
    fn folders_inside_others_are_not_listed_again() {
        let rust = PathBuf::from("/opt/rust");
        let inner = PathBuf::from("/usr/local");
        assert_eq!(with_folders(vec!["/usr".into()], &[&rust, &inner]), [PathBuf::from("/opt/rust"), "/usr".into()]);
    }

    #[test]
    fn the_root_is_no_prefix() {
        assert_eq!(prefix(Path::new("/no-such-bin/cc")), None);
        assert_eq!(prefix(Path::new("/usr/bin/cc")), Some(PathBuf::from("/usr")));
    }
}
