//! The node that the machine has, with what compiles addons for it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::NixError;
use super::tools::find_program;

/// What `hostpkgs/toolchain.json` says of node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The program itself, no launcher.
    pub program: PathBuf,
    /// Its version, without the `v`.
    pub version: String,
    /// The folder of its headers (`node.h`); absent on machines that have only the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<PathBuf>,
    /// The folder of node-gyp, which comes with npm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gyp: Option<PathBuf>,
    /// The versions of all of it, for the keys of what is built with it.
    pub fingerprint: String,
}

/// Where headers lie relative to the folder that has `bin/node`: upstream's archives and most distributions, then Debian.
const HEADERS: [&str; 3] = ["include/node", "include/nodejs/src", "include/nodejs/include/node"];

/// Where node-gyp lies relative to npm's own folder: within it as upstream ships it, beside it as Debian does.
const GYP: [&str; 2] = ["node_modules/node-gyp", "../node-gyp"];

impl Node {
    /// The node on `search`, which has PATH's form; `version_of` runs a program to ask for its version.
    pub(super) async fn probe<F>(search: &OsStr, version_of: F) -> Result<Option<Self>, NixError>
    where
        F: AsyncFn(&Path) -> Result<String, NixError>,
    {
        // Some systems call it nodejs only.
        let Some(found) = ["node", "nodejs"].iter().find_map(|name| find_program(name, search)) else {
            return Ok(None);
        };
        let program = found.canonicalize().unwrap_or(found);
        let said = version_of(&program).await?;
        let version = said.trim().trim_start_matches('v').to_owned();
        let headers = headers_of(&program);
        let gyp = find_program("npm", search).and_then(|npm| gyp_of(&npm));
        let gyp_version = gyp.as_deref().and_then(package_version).unwrap_or_else(|| "absent".to_owned());
        let has_headers = if headers.is_some() { "with headers" } else { "without headers" };
        let fingerprint = format!("node {version}, {has_headers}; node-gyp {gyp_version}");
        Ok(Some(Self { program, version, headers, gyp, fingerprint }))
    }

    /// The folders that builds have to see.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        let prefix = self.program.parent().and_then(Path::parent).filter(|prefix| prefix.parent().is_some());
        // node-gyp uses packages of the npm that it came with.
        let npm = self.gyp.as_deref().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
        prefix.map(Path::to_owned).into_iter().chain(self.headers.clone()).chain(npm).collect()
    }
}

fn headers_of(program: &Path) -> Option<PathBuf> {
    let prefix = program.parent()?.parent()?;
    HEADERS.iter().map(|place| prefix.join(place)).find(|folder| folder.join("node.h").is_file())
}

fn gyp_of(npm: &Path) -> Option<PathBuf> {
    // `…/npm/bin/npm-cli.js`, behind a link.
    let program = npm.canonicalize().ok()?;
    let folder = program.parent()?.parent()?;
    let candidates = GYP.iter().map(|place| folder.join(place));
    candidates.filter_map(|gyp| gyp.canonicalize().ok()).find(|gyp| gyp.join("bin/node-gyp.js").is_file())
}

fn package_version(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(manifest.get("version")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::Node;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn headers_and_node_gyp_are_found_where_upstream_and_debian_put_them() {
        for (headers, npm, gyp) in [
            ("include/node", "lib/node_modules/npm", "lib/node_modules/npm/node_modules/node-gyp"),
            ("include/nodejs/src", "share/nodejs/npm", "share/nodejs/node-gyp"),
        ] {
            let home = tempfile::tempdir().unwrap();
            let prefix = home.path().canonicalize().unwrap();
            write(&prefix.join("bin/node"), "");
            write(&prefix.join(headers).join("node.h"), "");
            write(&prefix.join(npm).join("bin/npm-cli.js"), "");
            write(&prefix.join(gyp).join("bin/node-gyp.js"), "");
            write(&prefix.join(gyp).join("package.json"), r#"{"version": "11.0.0"}"#);
            symlink(prefix.join(npm).join("bin/npm-cli.js"), prefix.join("bin/npm")).unwrap();
            let search = prefix.join("bin");
            let node = Node::probe(search.as_os_str(), async |_| Ok("v22.1.0".to_owned())).await.unwrap().unwrap();
            assert_eq!(node.headers.as_deref(), Some(prefix.join(headers).as_path()));
            assert_eq!(node.gyp.as_deref(), Some(prefix.join(gyp).as_path()));
            assert_eq!(node.fingerprint, "node 22.1.0, with headers; node-gyp 11.0.0");
            assert!(node.folders().contains(&prefix));
        }
    }

    #[tokio::test]
    async fn a_machine_without_node_has_none() {
        let home = tempfile::tempdir().unwrap();
        let none = Node::probe(home.path().as_os_str(), async |_| Ok(String::new())).await.unwrap();
        assert_eq!(none, None);
    }
}
