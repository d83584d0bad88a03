//! Fetching what a resolution asks for, all of it at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;
use nixwright_resolver::archive::Limits;
use nixwright_resolver::npm::catalog::{GitFiles, Known, Lookup, Need, PackageFiles, Tarball, Target};
use nixwright_resolver::npm::packument::Packument;
use nixwright_resolver::npm::tarball::{TarballError, read_tarball};
use tokio::task::JoinSet;

use super::super::{read_json, write_json};
use super::{NpmTrees, is_known};
use crate::clients::files;
use crate::clients::git::GitSourceError;
use crate::clients::integrity::Integrity;
use crate::clients::npm::{Form, NpmError};
use crate::model::{Failure, FailureClass};
use crate::stages::watch::npm_class;

/// Changes when what an older program read from tarballs must not be used any more.
const FILES_VERSION: &str = "1";

/// What came of one need.
enum Answer {
    Packument(String, Lookup<Arc<Packument>>),
    Manifest(String, String, Lookup<Arc<str>>),
    Latest(String, Lookup<Arc<str>>),
    Tarball(String, Lookup<Arc<PackageFiles>>),
    Git(String, Lookup<Arc<GitFiles>>),
}

impl NpmTrees {
    /// Fetches what is needed and not known yet. How many requests run at once is the client's affair.
    pub(super) async fn fetch(
        &self,
        needs: Vec<Need>,
        target: &Target,
        folder: &Path,
        known: &mut Known,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        let wanted: BTreeSet<Need> = needs.into_iter().filter(|need| !is_known(need, known)).collect();
        progress.inc_length(wanted.len() as u64);
        // Without a moment before which everything must have been published, times are of no use.
        let form = if target.before.is_some() { Form::Full } else { Form::Abbreviated };
        let mut tasks = JoinSet::new();
        for need in wanted {
            let (trees, folder) = (self.clone(), folder.to_owned());
            tasks.spawn(async move { trees.answer(need, form, folder).await });
        }
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
            progress.inc(1);
            match answer {
                Answer::Packument(name, found) => drop(known.packuments.insert(name, found)),
                Answer::Manifest(name, version, found) => drop(known.manifests.insert((name, version), found)),
                Answer::Latest(name, found) => drop(known.latest.insert(name, found)),
                Answer::Tarball(url, found) => drop(known.tarballs.insert(url, found)),
                Answer::Git(spec, found) => drop(known.gits.insert(spec, found)),
            }
        }
        Ok(())
    }

    async fn answer(&self, need: Need, form: Form, folder: PathBuf) -> Result<Answer, Failure> {
        Ok(match need {
            Need::Packument { name } => {
                let found = lookup(self.registry.packument(&name, form).await)?;
                Answer::Packument(name, found.map(Arc::new))
            }
            Need::Manifest { name, version } => {
                let found = lookup(self.registry.current_manifest(&name, &version).await)?;
                Answer::Manifest(name, version, found.map(Arc::from))
            }
            Need::Latest { name } => {
                let found = lookup(self.registry.latest(&name).await)?;
                Answer::Latest(name, found.map(Arc::from))
            }
            Need::Tarball(tarball) => {
                let found = self.files(&tarball, &folder).await?;
                Answer::Tarball(tarball.url, found.map(Arc::new))
            }
            Need::Git { spec } => {
                let found = match self.git.find(&spec).await {
                    Ok(found) => Lookup::Found(Arc::new(found)),
                    Err(error) if error.is_absent() => Lookup::Absent { why: error.to_string() },
                    Err(error) => return Err(Failure::new(git_class(&error), &error)),
                };
                Answer::Git(spec, found)
            }
        })
    }

    /// What a tarball holds; read once, in the pass after its hash was verified.
    async fn files(&self, tarball: &Tarball, folder: &Path) -> Result<Lookup<PackageFiles>, Failure> {
        let Tarball { url, integrity } = tarball;
        let (path, found) = match (url.strip_prefix("file:"), integrity) {
            (Some(path), _) => {
                let path = folder.join(path);
                if !path.is_file() {
                    return Ok(Lookup::Absent { why: format!("there is no file {}", path.display()) });
                }
                (path, None)
            }
            (None, Some(integrity)) => {
                if let Some(files) = integrity.parse().ok().map(|known| self.known_files(&known)).transpose()?.flatten()
                {
                    return Ok(Lookup::Found(files));
                }
                match lookup(self.registry.tarball(url, integrity).await)? {
                    Lookup::Found(path) => (path, None),
                    Lookup::Absent { why } => return Ok(Lookup::Absent { why }),
                }
            }
            (None, None) => match lookup(self.registry.unverified_tarball(url).await)? {
                Lookup::Found((path, integrity)) => (path, Some(integrity)),
                Lookup::Absent { why } => return Ok(Lookup::Absent { why }),
            },
        };
        let (trees, label) = (self.clone(), url.clone());
        let read = tokio::task::spawn_blocking(move || trees.read_files(&path, found, &label));
        read.await.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?.map(Lookup::Found)
    }

    fn read_files(&self, path: &Path, integrity: Option<Integrity>, label: &str) -> Result<PackageFiles, Failure> {
        let integrity = match integrity {
            Some(integrity) => integrity,
            None => Integrity::of_file(path).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?,
        };
        if let Some(files) = self.known_files(&integrity)? {
            return Ok(files);
        }
        let files = read_archive(path, label, self.limits)?;
        let files = PackageFiles { integrity: integrity.to_string(), ..files };
        write_json(&self.files_path(&integrity), &files)?;
        Ok(files)
    }

    fn known_files(&self, integrity: &Integrity) -> Result<Option<PackageFiles>, Failure> {
        read_json(&self.files_path(integrity))
    }

    fn files_path(&self, integrity: &Integrity) -> PathBuf {
        let hex = integrity.hex();
        let (prefix, _) = hex.split_at_checked(2).unwrap_or_default();
        let algorithm = integrity.algorithm().as_str();
        self.cache.join("npm/files").join(prefix).join(format!("{algorithm}-{hex}-{FILES_VERSION}.json"))
    }
}

/// Who can mend an error of a git repository that a package comes from.
fn git_class(error: &GitSourceError) -> FailureClass {
    match error {
        GitSourceError::Copy { .. } | GitSourceError::File(_) => FailureClass::Infrastructure,
        _ => FailureClass::Upstream,
    }
}

/// What the registry does not have is an answer; what could not be asked is a failure.
fn lookup<T>(found: Result<T, NpmError>) -> Result<Lookup<T>, Failure> {
    match found {
        Ok(found) => Ok(Lookup::Found(found)),
        Err(error) if error.is_absent() => Ok(Lookup::Absent { why: error.to_string() }),
        Err(error) => Err(Failure::new(npm_class(&error), &error)),
    }
}

fn read_archive(path: &Path, label: &str, limits: Limits) -> Result<PackageFiles, Failure> {
    let refused = |error: TarballError| Failure {
        class: FailureClass::Upstream,
        message: format!("the tarball {label} is refused: {error}"),
    };
    let failed = |error| Failure::new(FailureClass::Infrastructure, &files::FileError::new("read", path, error));
    let archive = File::open(path).map_err(failed)?;
    if archive.metadata().map_err(failed)?.len() > limits.compressed {
        return Err(refused(TarballError::TooLarge { what: "compressed bytes", limit: limits.compressed }));
    }
    read_tarball(std::io::BufReader::new(archive), limits).map_err(refused)
}
