//! The copies that are kept of what a registry says: a line of JSON, and then the text: the resolver's compact form of a
//! packument, or a manifest as it came.
//!
//! Both are in one file so that they change in one step. A file that cannot be read as such is as good as none.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clients::files::{self, FileError, PendingFile};
use crate::clients::http::Validators;

/// Changes when copies that an older program kept must not be used any more.
const FORM: u32 = 1;

/// The line before the compact form.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    form: u32,
    /// Another address is another document.
    url: String,
    /// Of the text, in bytes: what is cut off is not the document.
    length: u64,
    #[serde(flatten)]
    validators: Validators,
}

/// What was kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) text: String,
    pub(super) validators: Validators,
}

/// The copy in `path` of the document at `url`, if there is one.
pub(super) fn read(path: &Path, url: &str) -> Result<Option<Kept>, FileError> {
    Ok(files::read_optional(path)?.and_then(|file| parse(file, url)))
}

fn parse(mut file: Vec<u8>, url: &str) -> Option<Kept> {
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let header: Header = serde_json::from_slice(file.get(..end)?).ok()?;
    let start = end + 1;
    if header.form != FORM || header.url != url || header.length != (file.len() - start) as u64 {
        return None;
    }
    file.drain(..start);
    Some(Kept { text: String::from_utf8(file).ok()?, validators: header.validators })
}

/// Keeps a copy; not forced to the disk, because one that is damaged is only fetched again.
pub(super) fn write(path: &Path, url: &str, text: &str, validators: Validators) -> Result<(), FileError> {
    let header = Header { form: FORM, url: url.to_owned(), length: text.len() as u64, validators };
    let mut pending = PendingFile::create(path)?;
    // A struct of strings and numbers always becomes JSON.
    pending.write(&serde_json::to_vec(&header).unwrap_or_default())?;
    pending.write(b"\n")?;
    pending.write(text.as_bytes())?;
    pending.commit_without_sync()
}
