//! What was fetched and never changes: a line with the hash, and then the text; and what was seen first.

use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::GoProxyError;
use crate::clients::files::{self, FileError, PendingFile};

/// A file that was kept, if it is whole: one that is not is fetched anew.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    Ok(files::read_optional(path)?.and_then(parse))
}

fn parse(mut file: Vec<u8>) -> Option<Vec<u8>> {
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let is_whole = file.get(..end)? == hash(file.get(end + 1..)?).as_bytes();
    is_whole.then(|| file.split_off(end + 1))
}

/// Keeps a file; not forced to the disk, because one that is damaged is only fetched again.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut pending = PendingFile::create(path)?;
    pending.write(hash(bytes).as_bytes())?;
    pending.write(b"\n")?;
    pending.write(bytes)?;
    pending.commit_without_sync()
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Compares what came with what was seen first, which is in the file `pin`; notes it if nothing was.
pub(super) fn compare(pin: &Path, what: &str, now: &str) -> Result<(), GoProxyError> {
    match files::read_optional(pin)? {
        None => Ok(files::write(pin, now.as_bytes())?),
        Some(first) if first == now.as_bytes() => Ok(()),
        Some(first) => Err(GoProxyError::Replaced {
            what: what.to_owned(),
            first: String::from_utf8_lossy(&first).into_owned(),
            now: now.to_owned(),
        }),
    }
}
