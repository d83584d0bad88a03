//! The hash that Nix takes a tree of files by: SHA-256 of its archive format.
//!
//! The format is Nix's own (Eelco Dolstra's thesis, "The purely functional software deployment model", figure 5.2): strings with their length
//! before them, padded to eight bytes; folders with their entries sorted by bytes. Here every file is regular and not executable.

use std::cmp::Ordering;
use std::io::{self, Write};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// A SHA-256 as Nix writes it: `sha256-…`.
pub fn sri(hash: &[u8]) -> String {
    format!("sha256-{}", BASE64.encode(hash))
}

/// The order in which a tree's files must come: by their paths' parts, compared as bytes.
pub fn order(left: &str, right: &str) -> Ordering {
    left.split('/').cmp(right.split('/'))
}

/// The hash of a tree whose files come one after another, in the order of [`order`].
#[derive(Debug)]
pub struct TreeHash {
    hash: Sha256,
    /// The folders that are open, from the root on.
    open: Vec<String>,
}

impl Default for TreeHash {
    fn default() -> Self {
        Self::new()
    }
}

impl TreeHash {
    /// An empty tree.
    pub fn new() -> Self {
        let mut tree = Self { hash: Sha256::new(), open: Vec::new() };
        tree.strings(&["nix-archive-1", "(", "type", "directory"]);
        tree
    }

    fn strings(&mut self, strings: &[&str]) {
        for text in strings {
            self.hash.update((text.len() as u64).to_le_bytes());
            self.hash.update(text);
            self.pad(text.len() as u64);
        }
    }

    fn pad(&mut self, length: u64) {
        for _ in 0..(8 - length % 8) % 8 {
            self.hash.update([0]);
        }
    }

    /// Begins a file of `size` bytes at `path`; the bytes are written to what is returned, all of them.
    pub fn file(&mut self, path: &str, size: u64) -> FileHash<'_> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folders: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let common = self.open.iter().zip(&folders).take_while(|(open, folder)| open == folder).count();
        self.close(common);
        for folder in folders.iter().skip(common) {
            self.strings(&["entry", "(", "name", folder, "node", "(", "type", "directory"]);
            self.open.push((*folder).to_owned());
        }
        self.strings(&["entry", "(", "name", name, "node", "(", "type", "regular", "contents"]);
        self.hash.update(size.to_le_bytes());
        FileHash { tree: self, size, written: 0 }
    }

    /// Closes folders until `depth` of them are open.
    fn close(&mut self, depth: usize) {
        while self.open.len() > depth {
            self.strings(&[")", ")"]);
            self.open.pop();
        }
    }

    /// The hash of all that came: `sha256-…`.
    pub fn finish(mut self) -> String {
        self.close(0);
        self.strings(&[")"]);
        sri(&self.hash.finalize())
    }
}

/// Takes a file's bytes.
#[derive(Debug)]
pub struct FileHash<'a> {
    tree: &'a mut TreeHash,
    size: u64,
    written: u64,
}

impl FileHash<'_> {
    /// Ends the file; whether exactly as many bytes came as were promised.
    pub fn finish(self) -> bool {
        self.tree.pad(self.size);
        self.tree.strings(&[")", ")"]);
        self.written == self.size
    }
}

impl Write for FileHash<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tree.hash.update(bytes);
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(files: &[(&str, &str)]) -> String {
        let mut tree = TreeHash::new();
        for (path, content) in files {
            let mut file = tree.file(path, content.len() as u64);
            file.write_all(content.as_bytes()).unwrap();
            assert!(file.finish());
        }
        tree.finish()
    }

    #[test]
    fn trees_hash_as_nix_hashes_them() {
        // Each from `nix hash path` on the same tree.
        insta::assert_snapshot!(hash(&[]), @"sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo=");
        let files = [("a/b/c/d", "deep"), ("a/b2", ""), ("a.b/c", "12345678"), ("z", "last\n")];
        insta::assert_snapshot!(hash(&files), @"sha256-vwdyvQFf3A3FbrK7cUK5y8GulXamj0A5hXPojaisZ98=");
    }

    #[test]
    fn files_come_in_the_order_of_their_folders() {
        let mut paths = vec!["a/b2", "a.b/c", "z", "a/b/c/d", "a/b/c.d"];
        paths.sort_by(|left, right| order(left, right));
        assert_eq!(paths, ["a/b/c/d", "a/b/c.d", "a/b2", "a.b/c", "z"]);
    }

    #[test]
    fn a_file_of_another_size_is_noticed() {
        let mut tree = TreeHash::new();
        assert!(!tree.file("a", 1).finish());
    }
}
