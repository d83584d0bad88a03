//! The form that facts are kept in.
//!
//! After eight bytes that name the form and its version comes the length of the head (four bytes) and the head itself (postcard); then the number of
//! folders and a table with a row for each, by name; then their names; then what is known of each (postcard). All numbers have four bytes, the
//! least first.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::folder::Folder;

/// The form and its version. What this and the scanner of source files say changes only together with it.
const MAGIC: &[u8; 8] = b"nwgo\0\0\0\x03";

/// Bytes in a row of the table: where the name begins, its length, where the facts begin, their length, and [`HAS_GO`] or nothing.
const ROW: usize = 20;

/// A folder that Go takes for one that may hold a package.
const HAS_GO: u32 = 1;

/// Why kept facts cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// They were written by another version of this program, or are no facts.
    #[error("the kept facts of a Go module are of another version: read its files again")]
    Version,
    /// They are cut off or changed.
    #[error("the kept facts of a Go module are damaged: remove them, and read its files again")]
    Damaged,
    /// More than four gigabytes of them.
    #[error("a Go module has more files than can be kept")]
    TooLarge,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) sum: String,
    pub(super) hash: String,
    pub(super) go_mod: Option<String>,
    pub(super) go_sum: Option<String>,
    pub(super) licence: Option<String>,
}

/// A module's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFacts {
    head: Head,
    bytes: Vec<u8>,
    /// Where the table begins.
    table: usize,
    folders: usize,
}

impl Default for ModuleFacts {
    /// A module without any file.
    fn default() -> Self {
        Self { head: Head::default(), bytes: Vec::new(), table: 0, folders: 0 }
    }
}

impl ModuleFacts {
    /// `h1:…`, as go.sum has it; empty for a folder of the project.
    pub fn sum(&self) -> &str {
        &self.head.sum
    }

    /// The hash of the tree as Nix takes it: `sha256-…`, recursive; empty for a folder of the project.
    pub fn hash(&self) -> &str {
        &self.head.hash
    }

    /// The text of the go.mod, if there is one.
    pub fn go_mod(&self) -> Option<&str> {
        self.head.go_mod.as_deref()
    }

    /// The text of the go.sum, if there is one.
    pub fn go_sum(&self) -> Option<&str> {
        self.head.go_sum.as_deref()
    }

    /// The licence that the texts at its root are, as an SPDX expression; nothing for a folder of the project.
    pub fn licence(&self) -> Option<&str> {
        self.head.licence.as_deref()
    }

    /// The kept form.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the kept form: its head only, and no folder.
    ///
    /// # Errors
    /// [`FactsError`], for anything that [`ModuleFacts::to_bytes`] of this version did not give.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, FactsError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(FactsError::Version)?;
        let length = number(rest, 0).ok_or(FactsError::Damaged)? as usize;
        let head = rest.get(4..).and_then(|rest| rest.get(..length)).ok_or(FactsError::Damaged)?;
        let head = postcard::from_bytes(head).map_err(|_| FactsError::Damaged)?;
        let table = MAGIC.len() + 4 + length;
        let folders = number(&bytes, table).ok_or(FactsError::Damaged)? as usize;
        let rows = folders.checked_mul(ROW).and_then(|rows| bytes.get(table + 4..)?.get(..rows));
        rows.ok_or(FactsError::Damaged)?;
        Ok(Self { head, table: table + 4, folders, bytes })
    }

    pub(super) fn write(head: Head, folders: &[(String, bool, Folder<String>)]) -> Result<Self, FactsError> {
        let mut bytes = MAGIC.to_vec();
        let encoded = postcard::to_stdvec(&head).map_err(|_| FactsError::TooLarge)?;
        push(&mut bytes, encoded.len())?;
        bytes.extend_from_slice(&encoded);
        push(&mut bytes, folders.len())?;
        let table = bytes.len();
        let mut place = table + folders.len() * ROW;
        let mut blob = Vec::new();
        for (name, has_go, folder) in folders {
            let encoded = postcard::to_stdvec(folder).map_err(|_| FactsError::TooLarge)?;
            let facts = place + name.len();
            for value in [place, name.len(), facts, encoded.len(), if *has_go { HAS_GO as usize } else { 0 }] {
                push(&mut bytes, value)?;
            }
            blob.extend_from_slice(name.as_bytes());
            blob.extend_from_slice(&encoded);
            place = facts + encoded.len();
        }
        bytes.append(&mut blob);
        Ok(Self { head, table, folders: folders.len(), bytes })
    }

    fn row(&self, index: usize) -> Option<Row<'_>> {
        let start = self.table + index * ROW;
        let field = |position: usize| number(&self.bytes, start + 4 * position);
        let part = |start: u32, length: u32| self.bytes.get(start as usize..)?.get(..length as usize);
        let name = part(field(0)?, field(1)?)?;
        Some(Row { name, facts: part(field(2)?, field(3)?)?, has_go: field(4)? == HAS_GO })
    }

    fn find(&self, name: &str) -> Option<Row<'_>> {
        let (mut low, mut high) = (0, self.folders);
        while low < high {
            let middle = low.midpoint(high);
            let row = self.row(middle)?;
            match row.name.cmp(name.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(row),
            }
        }
        None
    }

    /// Whether a folder may hold a package: whether a Go file is in it, whatever system it is for. The root's name is empty.
    pub fn has_go(&self, folder: &str) -> bool {
        self.find(folder).is_some_and(|row| row.has_go)
    }

    /// The source files of a folder, if it has any.
    ///
    /// # Errors
    /// [`FactsError::Damaged`].
    pub fn folder(&self, folder: &str) -> Result<Option<Folder<&str>>, FactsError> {
        let Some(row) = self.find(folder) else { return Ok(None) };
        postcard::from_bytes(row.facts).map(Some).map_err(|_| FactsError::Damaged)
    }

    /// The folders with Go files, by name.
    pub fn go_folders(&self) -> impl Iterator<Item = &str> {
        let rows = (0..self.folders).filter_map(|index| self.row(index)).filter(|row| row.has_go);
        rows.filter_map(|row| std::str::from_utf8(row.name).ok())
    }
}

struct Row<'a> {
    name: &'a [u8],
    facts: &'a [u8],
    has_go: bool,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn push(bytes: &mut Vec<u8>, value: usize) -> Result<(), FactsError> {
    let value = u32::try_from(value).map_err(|_| FactsError::TooLarge)?;
    bytes.extend_from_slice(&value.to_le_bytes());
    Ok(())
}
