//! Modules written for a test, packed as a proxy that is a folder.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::Path;

use data_encoding::BASE64;
use nixwright_tests::process::write_file;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Files by path.
pub(crate) type Tree = BTreeMap<String, Vec<u8>>;

pub(crate) fn tree<const N: usize>(files: [(&str, &str); N]) -> Tree {
    files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
}

pub(crate) fn write_tree(tree: &Tree, folder: &Path) {
    for (path, content) in tree {
        write_file(&folder.join(path), content);
    }
}

/// Adds a release to a proxy.
pub(crate) fn publish(proxy: &Path, path: &str, version: &str, files: &Tree) {
    let at = proxy.join(escaped(path)).join("@v");
    let file = |end: &str| at.join(format!("{}.{end}", escaped(version)));
    let go_mod = files.get("go.mod").cloned().unwrap_or_else(|| format!("module {path}\n").into_bytes());
    write_file(&file("info"), format!("{{\"Version\":\"{version}\",\"Time\":\"2024-01-01T00:00:00Z\"}}\n"));
    write_file(&file("mod"), go_mod);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in files {
        zip.start_file(format!("{path}@{version}/{name}"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    write_file(&file("zip"), zip.finish().unwrap().into_inner());
}

/// As the proxy protocol spells paths and versions: `!b` for `B`.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, letter| {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
        escaped
    })
}

/// A file's hash as Nix writes it.
pub(crate) fn flat_hash(content: &[u8]) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(content)))
}
