//! What a graph needed last time: the next time it is read at once, instead of round by round.
//!
//! It is a hint and nothing else: whether it is right, the resolution finds out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use nixwright_resolver::go::catalog::{Known, Lookup, ModuleVersion, Need};
use sha2::{Digest as _, Sha256};

use crate::clients::files;
use crate::model::{Failure, FailureClass};

fn path(cache: &Path, key: &str) -> PathBuf {
    cache.join("needs").join(HEXLOWER.encode(&Sha256::digest(key.as_bytes())))
}

/// What was needed.
pub(super) fn needs(cache: &Path, key: &str) -> Vec<Need> {
    let text = std::fs::read_to_string(path(cache, key)).unwrap_or_default();
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let (kind, path, version) = (words.next()?, words.next()?, words.next()?);
        let version = ModuleVersion { path: path.to_owned(), version: version.to_owned() };
        match kind {
            "mod" => Some(Need::Mod(version)),
            "zip" => Some(Need::Zip(version)),
            _ => None,
        }
    };
    text.lines().filter_map(parse).collect()
}

/// Keeps what was needed: go.mod files of `mods`, and all zips that are known.
pub(super) fn keep_needs(cache: &Path, key: &str, mods: Vec<ModuleVersion>, known: &Known) -> Result<(), Failure> {
    let zips = known.zips.iter().filter(|(_, found)| matches!(found, Lookup::Found(_)));
    let zips = zips.map(|(version, _)| Need::Zip(version.clone()));
    let now: BTreeSet<Need> = mods.into_iter().map(Need::Mod).chain(zips).collect();
    let mut text = String::new();
    for need in &now {
        let (kind, ModuleVersion { path, version }) = match need {
            Need::Mod(version) => ("mod", version),
            Need::Zip(version) => ("zip", version),
        };
        let _ = writeln!(text, "{kind} {path} {version}");
    }
    let written = files::write(&path(cache, key), text.as_bytes());
    written.map_err(|error| Failure::new(FailureClass::Infrastructure, &error))
}
