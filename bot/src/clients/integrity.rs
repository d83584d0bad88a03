//! Subresource integrity: the form in which npm promises what a file is (`sha512-BASE64`).
//!
//! <https://www.w3.org/TR/sri-2/#the-integrity-attribute>; SHA-1, which browsers refuse, is read as well, because packages
//! from before 2017 have nothing better.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::str::FromStr;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::Digest as _;

use super::files::FileError;

/// A hash function, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Broken for those who choose both files; still no one can make a file to a given hash.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// As it is spelled before the `-`, and by Nix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// In bytes.
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|known| known.as_str() == text)
    }
}

/// A text that promises nothing that can be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no integrity that can be checked (`sha512-` and 64 bytes in base 64, or sha384, sha256, sha1)")]
pub struct InvalidIntegrity {
    /// As given, shortened.
    pub text: String,
}

/// What a file is promised to be: one hash, or several of which any will do, all of the strongest function named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Integrity {
    algorithm: Algorithm,
    /// Never empty.
    digests: Vec<Vec<u8>>,
}

impl Integrity {
    /// What a file is that was hashed here.
    pub(super) fn new(algorithm: Algorithm, digest: Vec<u8>) -> Self {
        Self { algorithm, digests: vec![digest] }
    }

    /// The SHA-512 of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, FileError> {
        let digest = digest(path, Algorithm::Sha512)?;
        let absent = || FileError::new("read", path, io::Error::from(io::ErrorKind::NotFound));
        Ok(Self::new(Algorithm::Sha512, digest.ok_or_else(absent)?))
    }

    /// Reads the hexadecimal SHA-1 that registries call `shasum`.
    ///
    /// # Errors
    /// When it is not 40 hexadecimal digits.
    pub fn from_shasum(text: &str) -> Result<Self, InvalidIntegrity> {
        match HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()) {
            Ok(digest) if digest.len() == Algorithm::Sha1.length() => {
                Ok(Self { algorithm: Algorithm::Sha1, digests: vec![digest] })
            }
            _ => Err(invalid(text)),
        }
    }

    /// The function that all its hashes are of.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The first of its hashes in lower-case hexadecimal.
    pub fn hex(&self) -> String {
        self.digests.first().map(|digest| HEXLOWER.encode(digest)).unwrap_or_default()
    }

    /// Whether a file with this hash is what was promised.
    pub fn allows(&self, digest: &[u8]) -> bool {
        self.digests.iter().any(|promised| promised == digest)
    }

    /// Whether one file can be what both promise.
    pub fn agrees(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.digests.iter().any(|digest| other.allows(digest))
    }

    /// Whether the file is there and is what was promised.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn holds(&self, path: &Path) -> Result<bool, FileError> {
        Ok(digest(path, self.algorithm)?.is_some_and(|digest| self.allows(&digest)))
    }
}

/// The hash of a file; nothing where there is none.
fn digest(path: &Path, algorithm: Algorithm) -> Result<Option<Vec<u8>>, FileError> {
    let failed = |error| FileError::new("read", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(Some(hasher.finish())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

impl FromStr for Integrity {
    type Err = InvalidIntegrity;

    fn from_str(text: &str) -> Result<Self, InvalidIntegrity> {
        let mut found: Vec<(Algorithm, Vec<u8>)> = text.split_ascii_whitespace().filter_map(hash).collect();
        let algorithm = found.iter().map(|(algorithm, _)| *algorithm).max().ok_or_else(|| invalid(text))?;
        found.retain(|(other, _)| *other == algorithm);
        Ok(Self { algorithm, digests: found.into_iter().map(|(_, digest)| digest).collect() })
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, digest) in self.digests.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(formatter, "{space}{}-{}", self.algorithm.as_str(), BASE64.encode(digest))?;
        }
        Ok(())
    }
}

fn invalid(text: &str) -> InvalidIntegrity {
    InvalidIntegrity { text: text.chars().take(120).collect() }
}

/// One `FUNCTION-BASE64?OPTIONS`; what is not of this form is passed over, as the specification wants it.
fn hash(part: &str) -> Option<(Algorithm, Vec<u8>)> {
    let (algorithm, rest) = part.split_once('-')?;
    let algorithm = Algorithm::parse(algorithm)?;
    let digest = rest.split('?').next().unwrap_or_default().trim_end_matches('=');
    let digest = BASE64_NOPAD.decode(digest.as_bytes()).ok()?;
    (digest.len() == algorithm.length()).then_some((algorithm, digest))
}

/// A running hash.
#[derive(Debug, Clone)]
pub(super) enum Hasher {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Hasher, Integrity};

    /// The hash of the bytes, spelled as npm does.
    fn of(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        Integrity { algorithm, digests: vec![hasher.finish()] }.to_string()
    }

    #[test]
    fn the_strongest_function_counts_and_any_of_its_hashes() {
        let [weak, one, two] = [(Algorithm::Sha1, b"a"), (Algorithm::Sha512, b"a"), (Algorithm::Sha512, b"b")]
            .map(|(algorithm, bytes)| of(algorithm, bytes));
        let integrity: Integrity = format!(" {weak}  {one}?opt\n{two} md5-AAAA nonsense").parse().unwrap();
        assert_eq!(integrity.algorithm(), Algorithm::Sha512);
        assert_eq!(integrity.to_string(), format!("{one} {two}"));
        let folder = tempfile::tempdir().unwrap();
        for (bytes, holds) in [(b"a", true), (b"b", true), (b"c", false)] {
            let path = folder.path().join("file");
            crate::clients::files::write(&path, bytes).unwrap();
            assert_eq!(integrity.holds(&path).unwrap(), holds);
        }
        assert!(!integrity.holds(&folder.path().join("absent")).unwrap());
    }

    #[test]
    fn a_shasum_is_a_sha_1_in_hexadecimal() {
        let integrity = Integrity::from_shasum("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8").unwrap();
        assert_eq!(integrity.to_string(), of(Algorithm::Sha1, b"a"));
        assert_eq!(integrity.to_string().parse::<Integrity>().unwrap(), integrity);
        assert_eq!(integrity.hex(), "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
        for bad in ["", "86f7", "86f7e437faa5a7fce15d1ddcb9eaeaea377667bz"] {
            assert!(Integrity::from_shasum(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_no_promise() {
        for bad in ["", "sha512", "sha512-", "sha512-AAAA", "md5-rL0Y20zC+Fzt72VPzMSk2A==", "SHA512-AAAA", "sha1-!"] {
            assert!(bad.parse::<Integrity>().is_err(), "{bad}");
        }
        insta::assert_snapshot!("md5-AA".parse::<Integrity>().unwrap_err(), @r#""md5-AA" is no integrity that can be checked (`sha512-` and 64 bytes in base 64, or sha384, sha256, sha1)"#);
    }
}
