//! Fetching what a resolution asks for, all of it at once.
//!
//! What was fetched before is read by a few plain threads: a warm resolution reads hundreds of small files, and going through
//! an asynchronous task for each costs more than the reading.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64;
use indicatif::ProgressBar;
use nixwright_resolver::go::catalog::{Known, Lookup, ModFile, ModuleVersion, Need};
use nixwright_resolver::go::facts::ModuleFacts;
use nixwright_resolver::go::modfile::{GoMod, Reading};
use nixwright_resolver::go::sums::hash_of_go_mod;
use nixwright_resolver::go::zip;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{GoGraphs, is_known};
use crate::clients::files::{self, FileError, PendingFile};
use crate::clients::go::{GoModules, GoProxyError};
use crate::model::{Failure, FailureClass};
use crate::stages::watch::go_class;

/// How many zips are taken apart at the same time: each is in memory as a whole.
const ZIPS_AT_ONCE: usize = 2;

/// How many threads read what is kept.
const READERS: usize = 4;

/// Changes when what an older program read from zips must not be used any more.
const FACTS_ENDING: &str = "facts1";

/// What came of one need.
enum Answer {
    Mod(ModuleVersion, Lookup<ModFile>),
    Zip(ModuleVersion, Lookup<Arc<ModuleFacts>>),
}

impl Answer {
    fn put(self, known: &mut Known) {
        match self {
            Self::Mod(version, found) => drop(known.mods.insert(version, found)),
            Self::Zip(version, found) => drop(known.zips.insert(version, found)),
        }
    }
}

impl GoGraphs {
    /// Fetches what is needed and not known yet.
    pub(super) async fn fetch(
        &self,
        needs: Vec<Need>,
        known: &mut Known,
        progress: &ProgressBar,
    ) -> Result<(), Failure> {
        let missing = self.read_kept(needs, known).await?;
        if missing.is_empty() {
            return Ok(());
        }
        progress.inc_length(missing.len() as u64);
        let zips = Arc::new(Semaphore::new(ZIPS_AT_ONCE));
        let mut tasks = JoinSet::new();
        for need in missing {
            let (graphs, zips) = (self.clone(), Arc::clone(&zips));
            tasks.spawn(async move { graphs.answer(need, &zips).await });
        }
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
            progress.inc(1);
            answer.put(known);
        }
        Ok(())
    }

    /// Takes what is in the cache, and gives what is not.
    pub(super) async fn read_kept(&self, needs: Vec<Need>, known: &mut Known) -> Result<Vec<Need>, Failure> {
        let wanted: BTreeSet<Need> = needs.into_iter().filter(|need| !is_known(need, known)).collect();
        let wanted: Vec<Need> = wanted.into_iter().collect();
        if wanted.is_empty() {
            return Ok(wanted);
        }
        let modules = self.modules.clone();
        let read = tokio::task::spawn_blocking(move || read_all(&modules, &wanted)).await;
        let (answers, missing) = read.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
        for answer in answers {
            answer.put(known);
        }
        Ok(missing)
    }

    async fn answer(&self, need: Need, zips: &Semaphore) -> Result<Answer, Failure> {
        Ok(match need {
            Need::Mod(version) => {
                let found = lookup(self.modules.go_mod(&version.path, &version.version).await)?;
                let found = match found {
                    Lookup::Found(bytes) => mod_file(&bytes),
                    Lookup::Absent { why } => Lookup::Absent { why },
                };
                Answer::Mod(version, found)
            }
            Need::Zip(version) => {
                let found = self.facts(&version, zips).await?;
                Answer::Zip(version, found)
            }
        })
    }

    /// What a module's zip teaches, fetched if it is not known.
    pub(super) async fn facts(
        &self,
        version: &ModuleVersion,
        zips: &Semaphore,
    ) -> Result<Lookup<Arc<ModuleFacts>>, Failure> {
        let zip = match lookup(self.modules.zip(&version.path, &version.version).await)? {
            Lookup::Found(zip) => zip,
            Lookup::Absent { why } => return Ok(Lookup::Absent { why }),
        };
        // The semaphore is never closed, so the only outcome is a permit.
        let _permit = zips.acquire().await.ok();
        let (modules, version) = (self.modules.clone(), version.clone());
        let read = tokio::task::spawn_blocking(move || read_zip(&modules, &version, &zip));
        let facts = read.await.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))??;
        Ok(Lookup::Found(Arc::new(facts)))
    }
}

/// Answers from the cache, and what is not in it.
type Read = (Vec<Answer>, Vec<Need>);

fn read_all(modules: &GoModules, wanted: &[Need]) -> Result<Read, Failure> {
    let share = wanted.len().div_ceil(READERS).max(1);
    std::thread::scope(|scope| {
        let readers: Vec<_> = wanted.chunks(share).map(|part| scope.spawn(move || read_part(modules, part))).collect();
        let (mut answers, mut missing) = (Vec::with_capacity(wanted.len()), Vec::new());
        for reader in readers {
            let read = reader.join().map_err(|_| Failure {
                class: FailureClass::Infrastructure,
                message: "reading the cache of Go modules broke off; this is a bug".to_owned(),
            })?;
            let (more, rest) = read?;
            answers.extend(more);
            missing.extend(rest);
        }
        Ok((answers, missing))
    })
}

fn read_part(modules: &GoModules, wanted: &[Need]) -> Result<Read, Failure> {
    let (mut answers, mut missing) = (Vec::with_capacity(wanted.len()), Vec::new());
    for need in wanted {
        let answer = match need {
            Need::Mod(version) => kept_mod(modules, version)?.map(|file| Answer::Mod(version.clone(), file)),
            Need::Zip(version) => {
                kept_facts(modules, version)?.map(|facts| Answer::Zip(version.clone(), Lookup::Found(Arc::new(facts))))
            }
        };
        match answer {
            Some(answer) => answers.push(answer),
            None => missing.push(need.clone()),
        }
    }
    Ok((answers, missing))
}

fn kept_mod(modules: &GoModules, version: &ModuleVersion) -> Result<Option<Lookup<ModFile>>, Failure> {
    match modules.kept_mod(&version.path, &version.version) {
        Ok(Some(bytes)) => Ok(Some(mod_file(&bytes))),
        Ok(None) => Ok(None),
        // What cannot be asked for is told once, by whoever asks.
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

fn facts_path(modules: &GoModules, version: &ModuleVersion) -> Result<PathBuf, GoProxyError> {
    modules.kept_file("facts", &version.path, &version.version, FACTS_ENDING)
}

fn kept_facts(modules: &GoModules, version: &ModuleVersion) -> Result<Option<ModuleFacts>, Failure> {
    let path = match facts_path(modules, version) {
        Ok(path) => path,
        Err(error) if error.is_absent() => return Ok(None),
        Err(error) => return Err(failure(&error)),
    };
    let bytes = files::read_optional(&path).map_err(|error| file_failure(&error))?;
    // What this program cannot read, an older one wrote: it has to be made again.
    Ok(bytes.and_then(|bytes| ModuleFacts::from_bytes(bytes).ok()))
}

/// Reads a zip, and keeps what it teaches.
fn read_zip(modules: &GoModules, version: &ModuleVersion, file: &Path) -> Result<ModuleFacts, Failure> {
    let bytes = files::read(file).map_err(|error| file_failure(&error))?;
    let read = zip::read_zip(&bytes, &version.path, &version.version, zip::LIMITS).map_err(|error| {
        // It may be only our copy that is damaged.
        let _ = files::remove(file);
        failure(&GoProxyError::Zip { what: version.to_string(), reason: error.to_string() })
    });
    let facts = read?;
    modules.first_seen(&version.path, &version.version, facts.sum()).map_err(|error| {
        let _ = files::remove(file);
        failure(&error)
    })?;
    let path = facts_path(modules, version).map_err(|error| failure(&error))?;
    let written = PendingFile::create(&path).and_then(|mut pending| {
        pending.write(facts.to_bytes())?;
        pending.commit_without_sync()
    });
    written.map_err(|error| file_failure(&error))?;
    Ok(facts)
}

/// A go.mod that cannot be read is an answer too: go.sum may speak of some that nobody needs.
fn mod_file(bytes: &[u8]) -> Lookup<ModFile> {
    let text = str::from_utf8(bytes).map_err(|error| error.to_string());
    match text.and_then(|text| GoMod::parse(text, Reading::Dependency).map_err(|error| error.to_string())) {
        Ok(content) => {
            let hash = format!("sha256-{}", BASE64.encode(&Sha256::digest(bytes)));
            Lookup::Found(ModFile { content: Arc::new(content), sum: hash_of_go_mod(bytes), hash })
        }
        Err(reason) => Lookup::Absent { why: format!("its go.mod cannot be read: {reason}") },
    }
}

/// What no proxy has is an answer; what could not be asked is a failure.
pub(super) fn lookup<T>(found: Result<T, GoProxyError>) -> Result<Lookup<T>, Failure> {
    match found {
        Ok(found) => Ok(Lookup::Found(found)),
        Err(error) if error.is_absent() => Ok(Lookup::Absent { why: error.to_string() }),
        Err(error) => Err(failure(&error)),
    }
}

pub(super) fn failure(error: &GoProxyError) -> Failure {
    Failure::new(go_class(error), error)
}

fn file_failure(error: &FileError) -> Failure {
    Failure::new(FailureClass::Infrastructure, error)
}
