//! A module proxy as a folder, as `GOPROXY=file://…` reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::universe::{Release, Universe};
use crate::process::write_file;

/// Writes all that a universe's proxy has: `list`, and `.info`, `.mod` and `.zip` of each version.
pub fn write_proxy(universe: &Universe, folder: &Path) {
    let mut lists: BTreeMap<&str, String> = BTreeMap::new();
    for (id, release) in universe.releases() {
        let (path, version) = id.split_once('@').expect("releases are called MODULE@VERSION");
        let at = folder.join(escaped(path)).join("@v");
        let list = lists.entry(path).or_default();
        if !is_pseudo(version) {
            let _ = writeln!(list, "{version}");
        }
        let file = |end: &str| at.join(format!("{}.{end}", escaped(version)));
        write_file(&file("info"), format!("{{\"Version\":\"{version}\",\"Time\":\"{}\"}}\n", time(version)));
        write_file(&file("mod"), go_mod(path, &release));
        write_file(&file("zip"), zip(id, &release));
    }
    for (path, list) in lists {
        write_file(&folder.join(escaped(path)).join("@v/list"), list);
    }
}

/// The lines of go.sum for all that a universe's proxy has.
pub fn all_sums(universe: &Universe) -> String {
    let mut sums = String::new();
    for (id, release) in universe.releases() {
        let (path, version) = id.split_once('@').expect("releases are called MODULE@VERSION");
        let _ = writeln!(sums, "{path} {version} {}", zip_sum(id, &release));
        let _ = writeln!(sums, "{path} {version}/go.mod {}", mod_sum(&go_mod(path, &release)));
    }
    sums
}

/// What the proxy gives as a version's go.mod: the file, or what it makes up where there is none.
pub(super) fn go_mod(path: &str, release: &Release<'_>) -> String {
    match release.get(".mod").or_else(|| release.get("go.mod")) {
        Some(text) => (*text).to_owned(),
        None => format!("module {path}\n"),
    }
}

/// The sum of a zip: that of the list of its files' sums.
/// Source: <https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1>
fn zip_sum(id: &str, release: &Release<'_>) -> String {
    h1(release.iter().filter(|(file, _)| **file != ".mod").map(|(file, text)| (format!("{id}/{file}"), *text)))
}

fn mod_sum(text: &str) -> String {
    h1(std::iter::once(("go.mod".to_owned(), text)))
}

fn h1<'a>(files: impl Iterator<Item = (String, &'a str)>) -> String {
    let lines = files.map(|(name, text)| format!("{}  {name}\n", HEXLOWER.encode(&Sha256::digest(text))));
    let list: String = lines.collect();
    format!("h1:{}", BASE64.encode(&Sha256::digest(list)))
}

/// The zip, the same bytes each time.
pub(super) fn zip(id: &str, release: &Release<'_>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (file, text) in release.iter().filter(|(file, _)| **file != ".mod") {
        zip.start_file(format!("{id}/{file}"), options).expect("writing to memory");
        zip.write_all(text.as_bytes()).expect("writing to memory");
    }
    zip.finish().expect("writing to memory").into_inner()
}

/// As the proxy protocol spells paths and versions: `!b` for `B`.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
    }
    escaped
}

/// Whether it names a commit: it ends with `20060102150405-abcdefabcdef`, and is in no list.
fn is_pseudo(version: &str) -> bool {
    commit_time(version).is_some()
}

fn commit_time(version: &str) -> Option<&str> {
    let version = version.strip_suffix("+incompatible").unwrap_or(version);
    let (before, revision) = version.rsplit_once('-')?;
    let time = before.get(before.len().checked_sub(14)?..)?;
    (revision.len() == 12 && time.bytes().all(|digit| digit.is_ascii_digit())).then_some(time)
}

fn time(version: &str) -> String {
    match commit_time(version) {
        Some(at) => {
            let part = |range| at.get(range).unwrap_or_default();
            let (year, month, day) = (part(0..4), part(4..6), part(6..8));
            format!("{year}-{month}-{day}T{}:{}:{}Z", part(8..10), part(10..12), part(12..14))
        }
        None => "2024-01-01T00:00:00Z".to_owned(),
    }
}
