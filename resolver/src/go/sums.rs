//! go.sum and go.work.sum: the hashes that content must have.

use std::borrow::Cow;
use std::collections::hash_map::Entry;

use data_encoding::BASE64;
use foldhash::HashMap;
use sha2::{Digest as _, Sha256};

use super::GoError;
use super::catalog::ModuleVersion;

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
pub struct Sums<'a> {
    /// The main module's go.sum or the workspace's go.work.sum first, then the members'.
    files: Vec<File<'a>>,
}

#[derive(Debug, Clone, Default)]
struct File<'a> {
    name: String,
    zips: Lines<'a>,
    mods: Lines<'a>,
}

/// Hashes by path and version: the first one, and what else there is.
type Lines<'a> = HashMap<(Cow<'a, str>, Cow<'a, str>), (Cow<'a, str>, Vec<Cow<'a, str>>)>;

impl<'a> Sums<'a> {
    /// Adds the lines of a file.
    ///
    /// # Errors
    ///
    /// A line that has not three words.
    pub fn read(&mut self, name: &str, text: &'a str) -> Result<(), GoError> {
        let mut file = File { name: name.to_owned(), ..File::default() };
        for (place, line) in text.split('\n').enumerate() {
            let mut words = line.split_whitespace();
            let (path, version, hash) = match (words.next(), words.next(), words.next(), words.next()) {
                (None, ..) => continue,
                (Some(path), Some(version), Some(hash), None) => (path, version, hash),
                _ => {
                    let reason = format!("wrong number of fields {}", line.split_whitespace().count());
                    return Err(GoError::Syntax { file: name.to_owned(), line: place + 1, reason });
                }
            };
            if hash == EMPTY_GO_MOD {
                continue;
            }
            let (lines, version) = match version.strip_suffix(GO_MOD) {
                Some(version) => (&mut file.mods, version),
                None => (&mut file.zips, version),
            };
            match lines.entry((path.into(), version.into())) {
                Entry::Vacant(entry) => _ = entry.insert((hash.into(), Vec::new())),
                Entry::Occupied(mut entry) => entry.get_mut().1.push(hash.into()),
            }
        }
        self.files.push(file);
        Ok(())
    }

    /// Whether there is a hash that can be compared.
    pub fn has(&self, path: &str, version: &str, part: Part) -> bool {
        self.files.iter().any(|file| file.hashes(path, version, part).next().is_some())
    }

    /// The hashes, `h1:…`, that the content must have, each with the file that says so: all of them, so that two which differ
    /// cannot be met. None where no line speaks of it.
    pub fn expected(&self, path: &str, version: &str, part: Part) -> Vec<(String, String)> {
        let mut expected: Vec<(String, String)> = Vec::new();
        for (place, file) in self.files.iter().enumerate() {
            for hash in file.hashes(path, version, part) {
                if !expected.iter().any(|(_, other)| other == hash) {
                    expected.push((file.name.clone(), hash.to_owned()));
                }
                // Go looks at no other line than the first where the main file has one.
                if place == 0 {
                    return expected;
                }
            }
        }
        expected
    }

    /// What the lines say of a hash.
    pub fn check(&self, path: &str, version: &str, part: Part, hash: &str) -> Verdict {
        let expected = self.expected(path, version, part);
        let wrong = expected.iter().find(|(_, expected)| expected != hash);
        match wrong {
            Some((file, expected)) => Verdict::Wrong { file: file.clone(), expected: expected.clone() },
            None if expected.is_empty() => Verdict::Unknown,
            None => Verdict::Right,
        }
    }

    /// All module versions whose go.mod some line speaks of.
    pub fn mods(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().flat_map(|file| file.mods.keys().map(|(path, version)| (&**path, &**version)))
    }

    /// What the files say of these modules' zips, apart from the texts that they were read from.
    pub fn zips<'m>(&self, modules: &(impl Iterator<Item = &'m ModuleVersion> + Clone)) -> Sums<'static> {
        let mut files = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let mut zips = HashMap::default();
            for ModuleVersion { path, version } in modules.clone() {
                let Some((first, others)) = file.zips.get(&(path.as_str().into(), version.as_str().into())) else {
                    continue;
                };
                let hashes = (own(first), others.iter().map(|hash| own(hash)).collect());
                zips.insert((own(path), own(version)), hashes);
            }
            files.push(File { name: file.name.clone(), zips, mods: HashMap::default() });
        }
        Sums { files }
    }
}

fn own(text: &str) -> Cow<'static, str> {
    Cow::Owned(text.to_owned())
}

impl File<'_> {
    /// The hashes that can be compared.
    fn hashes<'s>(&'s self, path: &'s str, version: &'s str, part: Part) -> impl Iterator<Item = &'s str> + use<'s> {
        let lines = if part == Part::Zip { &self.zips } else { &self.mods };
        let found = lines.get(&(path.into(), version.into())).into_iter();
        let all = found.flat_map(|(first, others)| std::iter::once(first).chain(others)).map(|hash| &**hash);
        all.filter(|hash| hash.starts_with("h1:"))
    }
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
        let of_mod = ("go.sum".to_owned(), "h1:mod=".to_owned());
        assert_eq!(sums.expected("x.y/a", "v1.0.0", Part::GoMod), [of_mod]);
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
