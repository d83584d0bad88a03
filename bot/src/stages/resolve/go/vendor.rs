//! What `go mod vendor` would copy into a project.

use std::collections::BTreeMap;
use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::go::GoError;
use nixwright_resolver::go::catalog::{Known, Lookup, ModuleVersion, Project};
use nixwright_resolver::go::facts::ModuleFacts;
use nixwright_resolver::go::graph::Place;
use nixwright_resolver::go::vendor::{self, Copies, Vendor, VendorStep};
use nixwright_resolver::go::zip;

use super::fetch::failure;
use super::{GoGraphs, Next, resolve_failure};
use crate::clients::files::{self, FileError};
use crate::clients::go::GoProxyError;
use crate::model::{Failure, FailureClass};

/// The folder's name, which Go says.
pub const VENDOR: &str = "vendor";

/// The file that says what is in it.
pub const MODULES_TXT: &str = "modules.txt";

/// What is copied of a module, and from where.
#[derive(Debug)]
struct Copied {
    module: String,
    from: Place,
    /// What go.sum, or the proxy, has of its zip; nothing for a folder.
    sum: String,
    copies: Copies,
}

impl GoGraphs {
    /// The files below `vendor`, `modules.txt` among them; none where the project needs no other module. `folder` is the
    /// project's, and `key` names it among others.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, resolve, hash or infrastructure.
    pub async fn vendored(
        &self,
        project: &Project,
        folder: &Path,
        key: &str,
        progress: &ProgressBar,
    ) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let standard = self.standard().await?;
        let next = |known: &Known| -> Result<Next<(String, Vec<Copied>)>, Failure> {
            let refused = |error: GoError| resolve_failure(&error.into());
            match vendor::step(project, &standard, known).map_err(refused)? {
                VendorStep::Need(needs) => Ok(Next::Need(needs)),
                VendorStep::Done(vendor) => {
                    let copied = copied(project, &vendor, known)?;
                    Ok(Next::Done((vendor.modules_txt, copied)))
                }
            }
        };
        let (modules_txt, copied) =
            self.rounds(next, (project, standard.version()), &format!("vendor {key}"), progress).await?;
        let mut files = BTreeMap::new();
        if modules_txt.is_empty() {
            return Ok(files);
        }
        files.insert(MODULES_TXT.to_owned(), modules_txt.into_bytes());
        for module in copied {
            let content = match &module.from {
                Place::Proxy(version) => self.files_of_zip(version, &module).await?,
                Place::Main(dir) | Place::Folder(dir) => files_of_folder(&folder.join(dir), &module.copies)?,
            };
            files.extend(content.into_iter().map(|(path, bytes)| (format!("{}/{path}", module.module), bytes)));
        }
        Ok(files)
    }

    async fn files_of_zip(
        &self,
        version: &ModuleVersion,
        module: &Copied,
    ) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let zip = self.modules.zip(&version.path, &version.version).await.map_err(|error| failure(&error))?;
        let bytes = files::read(&zip).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
        let read =
            zip::read_files(&bytes, &version.path, &version.version, zip::LIMITS, |path| module.copies.may_have(path));
        let unreadable = |reason: String| failure(&GoProxyError::Zip { what: version.to_string(), reason });
        let (mut content, sum) = read.map_err(|error| unreadable(error.to_string()))?;
        if sum != module.sum {
            let message = format!("{version} is another one than before: its zip has {sum}, and had {}", module.sum);
            return Err(Failure { class: FailureClass::Hash, message });
        }
        content.retain(|path, bytes| module.copies.has(path, bytes));
        Ok(content)
    }
}

fn copied(project: &Project, vendor: &Vendor, known: &Known) -> Result<Vec<Copied>, Failure> {
    let bug = |module: &str| Failure {
        class: FailureClass::Resolve,
        message: format!("{module} is vendored, and its files are not known; this is a bug"),
    };
    let mut all = Vec::new();
    for (module, packages) in vendor.by_module() {
        let from = &vendor.list.modules.get(module).ok_or_else(|| bug(module))?.source;
        let (facts, sum): (&ModuleFacts, &str) = match from {
            Place::Proxy(version) => match known.zips.get(version) {
                Some(Lookup::Found(facts)) => (facts, facts.sum()),
                _ => return Err(bug(module)),
            },
            Place::Main(dir) | Place::Folder(dir) => (&project.folders.get(dir).ok_or_else(|| bug(module))?.facts, ""),
        };
        let copies = Copies::of(module, packages, facts, &vendor.list.go);
        let copies = copies.map_err(|error| Failure::new(FailureClass::Resolve, &error))?;
        all.push(Copied { module: module.to_owned(), from: from.clone(), sum: sum.to_owned(), copies });
    }
    Ok(all)
}

/// The files of a local module that are copied.
fn files_of_folder(root: &Path, copies: &Copies) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let failed = |error: FileError| Failure::new(FailureClass::Infrastructure, &error);
    let mut found = BTreeMap::new();
    let mut take = |path: String| -> Result<(), FileError> {
        let file = root.join(&path);
        // Go copies no links.
        if found.contains_key(&path) || !copies.may_have(&path) || !file.symlink_metadata().is_ok_and(|it| it.is_file())
        {
            return Ok(());
        }
        let content = files::read(&file)?;
        if copies.has(&path, &content) {
            found.insert(path, content);
        }
        Ok(())
    };
    for package in copies.folders() {
        let above = package.match_indices('/').map(|(end, _)| package.get(..end).unwrap_or_default());
        for folder in std::iter::once("").chain(above).chain([package]) {
            let place = root.join(folder);
            let unreadable = |error| failed(FileError::new("read the folder", &place, error));
            for entry in std::fs::read_dir(&place).map_err(unreadable)? {
                let Ok(name) = entry.map_err(unreadable)?.file_name().into_string() else { continue };
                take(if folder.is_empty() { name } else { format!("{folder}/{name}") }).map_err(failed)?;
            }
        }
    }
    for path in copies.embedded() {
        take(path.to_owned()).map_err(failed)?;
    }
    Ok(found)
}
