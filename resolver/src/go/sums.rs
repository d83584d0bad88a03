//! go.sum and go.work.sum: the hashes that content must have.

use std::collections::HashMap;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::GoError;

/// What an old version of Go wrote for modules without go.mod: not a hash of anything that is fetched.
const EMPTY_GO_MOD: &str = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";

/// The end of a version that stands for the go.mod alone.
const GO_MOD: &str = "/go.mod";

/// Which file of a module version is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of its files: the zip.
    Zip,
    /// Its go.mod.
    GoMod,
}

/// What go.sum says of some content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A line has this very hash.
    Right,
    /// No line speaks of it.
    Unknown,
    /// A line has another hash.
    Wrong {
        /// The file.
        file: String,
        /// The hash that it has.
        expected: String,
    },
}

/// The lines of all go.sum files that count.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    /// The main module's go.sum or the workspace's go.work.sum first, then the members'.
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    name: String,
    /// The hashes by [`key`].
    lines: HashMap<String, Vec<String>>,
}

/// What a line begins with.
fn key(path: &str, version: &str, part: Part) -> String {
    let end = if part == Part::GoMod { GO_MOD } else { "" };
    format!("{path} {version}{end}")
}

impl Sums {
    /// Adds the lines of a file.
    ///
    /// # Errors
    ///
    /// A line that has not three words.
    pub fn read(&mut self, name: &str, text: &str) -> Result<(), GoError> {
        let mut lines: HashMap<String, Vec<String>> = HashMap::new();
        for (place, line) in text.split('\n').enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [path, version, hash] = words[..] else {
                if words.is_empty() {
                    continue;
                }
                let reason = format!("wrong number of fields {}", words.len());
                return Err(GoError::Syntax { file: name.to_owned(), line: place + 1, reason });
            };
            if hash == EMPTY_GO_MOD {
                continue;
            }
            lines.entry(format!("{path} {version}")).or_default().push(hash.to_owned());
        }
        self.files.push(File { name: name.to_owned(), lines });
        Ok(())
    }

    fn hashes<'a>(&'a self, path: &str, version: &str, part: Part) -> impl Iterator<Item = (&'a str, &'a [String])> {
        let key = key(path, version, part);
        self.files.iter().filter_map(move |file| Some((file.name.as_str(), file.lines.get(&key)?.as_slice())))
    }

    /// Whether there is a hash that can be compared.
    pub fn has(&self, path: &str, version: &str, part: Part) -> bool {
        self.expected(path, version, part).is_some()
    }

    /// The hash that the content must have, `h1:…`, where a line says so.
    pub fn expected(&self, path: &str, version: &str, part: Part) -> Option<&str> {
        let mut all = self.hashes(path, version, part).flat_map(|(_, hashes)| hashes);
        all.find(|hash| hash.starts_with("h1:")).map(String::as_str)
    }

    /// What the lines say of a hash.
    pub fn check(&self, path: &str, version: &str, part: Part, hash: &str) -> Verdict {
        let mut verdict = Verdict::Unknown;
        for (place, (file, hashes)) in self.hashes(path, version, part).enumerate() {
            // The first file has the last word; the others must not contradict each other.
            if place == 0 && self.files.first().is_some_and(|first| first.name == file) && first_is(hashes, hash) {
                return Verdict::Right;
            }
            for other in hashes {
                if other == hash {
                    verdict = Verdict::Right;
                } else if other.starts_with("h1:") {
                    return Verdict::Wrong { file: file.to_owned(), expected: other.clone() };
                }
            }
        }
        verdict
    }
}

/// Whether the hash comes before any other that can be compared.
fn first_is(hashes: &[String], hash: &str) -> bool {
    hashes.iter().find(|other| *other == hash || other.starts_with("h1:")).is_some_and(|first| first == hash)
}

/// The hash of a go.mod as go.sum has it: `h1:…`.
pub fn hash_of_go_mod(text: &[u8]) -> String {
    let line = format!("{}  go.mod\n", data_encoding::HEXLOWER.encode(&Sha256::digest(text)));
    format!("h1:{}", BASE64.encode(&Sha256::digest(line)))
}

#[cfg(test)]
mod tests {
    use super::{Part, Sums, Verdict, hash_of_go_mod};

    #[test]
    fn sums_are_found_and_compared() {
        let mut sums = Sums::default();
        let text = "x.y/a v1.0.0 h1:zip=\nx.y/a v1.0.0/go.mod h1:mod=\n\nx.y/b v1.0.0 h9:new=\nx.y/c v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\r\n";
        sums.read("go.sum", text).unwrap();
        sums.read("b/go.sum", "x.y/d v1.0.0 h1:one=\nx.y/a v1.0.0 h1:other=\n").unwrap();
        assert_eq!(sums.expected("x.y/a", "v1.0.0", Part::GoMod), Some("h1:mod="));
        assert!(!sums.has("x.y/b", "v1.0.0", Part::Zip) && !sums.has("x.y/c", "v1.0.0", Part::GoMod));
        assert_eq!(sums.check("x.y/a", "v1.0.0", Part::Zip, "h1:zip="), Verdict::Right);
        assert_eq!(sums.check("x.y/d", "v1.0.0", Part::Zip, "h1:one="), Verdict::Right);
        assert_eq!(sums.check("x.y/b", "v1.0.0", Part::Zip, "h1:one="), Verdict::Unknown);
        let wrong = Verdict::Wrong { file: "go.sum".to_owned(), expected: "h1:mod=".to_owned() };
        assert_eq!(sums.check("x.y/a", "v1.0.0", Part::GoMod, "h1:evil="), wrong);
        insta::assert_snapshot!(sums.read("c/go.sum", "\na b\n").unwrap_err(), @"c/go.sum:2: wrong number of fields 2");
    }

    #[test]
    fn the_hash_of_a_go_mod_is_gos() {
        assert_eq!(hash_of_go_mod(b""), super::EMPTY_GO_MOD);
    }
}
