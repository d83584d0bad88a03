//! Crates of our own, packed into `.crate` archives the way `cargo package` lays them out.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use crate::process::{files_below, write_file};

/// A crate's files, which a test may change before it packs them.
#[derive(Debug, Clone)]
pub struct Fixture {
    files: BTreeMap<String, Vec<u8>>,
}

impl Fixture {
    /// The files of `tests/fixtures/crates/NAME`.
    pub fn read(name: &str) -> Self {
        Self::read_folder(&fixtures().join("crates").join(name))
    }

    /// The files of any folder.
    pub fn read_folder(folder: &Path) -> Self {
        let files = files_below(folder).into_iter().map(|path| {
            let content =
                std::fs::read(folder.join(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.to_str().expect("fixtures have plain names").to_owned(), content)
        });
        Self { files: files.collect() }
    }

    /// Another version of the same crate.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        let old = format!("version = \"{}\"", self.text_in_package("version"));
        let mut manifest = self.text("Cargo.toml");
        let start = manifest.find(&old).expect("the manifest names its version");
        manifest.replace_range(start..start + old.len(), &format!("version = \"{version}\""));
        self.file("Cargo.toml", manifest)
    }

    /// A file added or replaced.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// A text in a file replaced by another; the text has to be there.
    #[must_use]
    pub fn replace(self, path: &str, old: &str, new: &str) -> Self {
        let text = self.text(path);
        assert!(text.contains(old), "{path} does not contain {old:?}");
        self.file(path, text.replace(old, new))
    }

    /// Text added at the end of a file.
    #[must_use]
    pub fn append(self, path: &str, text: &str) -> Self {
        let text = self.text(path) + text;
        self.file(path, text)
    }

    /// Writes the files into a folder, for cargo to work on.
    pub fn write_to(&self, folder: &Path) {
        for (path, content) in &self.files {
            write_file(&folder.join(path), content);
        }
    }

    /// The archive.
    pub fn pack(&self) -> PackedCrate {
        let name = self.text_in_package("name");
        let version = self.text_in_package("version");
        let mut files = self.files.clone();
        files.insert("Cargo.toml.orig".to_owned(), self.text("Cargo.toml").into_bytes());
        let mut archive = Archive::new();
        for (path, content) in &files {
            archive.file(&format!("{name}-{version}/{path}"), content);
        }
        PackedCrate::new(&name, &version, self.manifest(), archive.finish())
    }

    fn text(&self, path: &str) -> String {
        let content = self.files.get(path).unwrap_or_else(|| panic!("the fixture has no {path}"));
        String::from_utf8(content.clone()).unwrap_or_else(|_| panic!("{path} is not text"))
    }

    fn manifest(&self) -> toml::Table {
        self.text("Cargo.toml").parse().unwrap_or_else(|error| panic!("Cargo.toml of a fixture: {error}"))
    }

    fn text_in_package(&self, key: &str) -> String {
        self.manifest()["package"][key].as_str().expect("a text in [package]").to_owned()
    }
}

/// A `.crate` file and what the index says of it.
#[derive(Debug, Clone)]
pub struct PackedCrate {
    /// `package.name`.
    pub name: String,
    /// `package.version`.
    pub version: String,
    /// The manifest, for the index's dependencies and features.
    pub manifest: toml::Table,
    /// The bytes of the archive.
    pub archive: Vec<u8>,
    /// SHA-256 of the archive in lower-case hexadecimal: the index's `cksum`.
    pub sha256: String,
}

impl PackedCrate {
    /// A crate whose archive is whatever these bytes are.
    pub fn new(name: &str, version: &str, manifest: toml::Table, archive: Vec<u8>) -> Self {
        let sha256 = HEXLOWER.encode(&Sha256::digest(&archive));
        Self { name: name.to_owned(), version: version.to_owned(), manifest, archive, sha256 }
    }

    /// `NAME-VERSION`, the archive's one folder.
    pub fn id(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// Unpacks the archive into a folder and gives the crate's own folder in it.
    pub fn unpack(&self, into: &Path) -> PathBuf {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(self.archive.as_slice()));
        archive.unpack(into).unwrap_or_else(|error| panic!("{}: {error}", self.id()));
        into.join(self.id())
    }
}

/// A `tar.gz` in the making, the same bytes each time.
pub struct Archive {
    tar: tar::Builder<Vec<u8>>,
}

impl Default for Archive {
    fn default() -> Self {
        Self::new()
    }
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Self { tar: tar::Builder::new(Vec::new()) }
    }

    /// Adds a regular file.
    pub fn file(&mut self, path: &str, content: &[u8]) {
        self.member(path, tar::EntryType::Regular, None, content);
    }

    /// Adds any kind of member under any name: also names and links that the `tar` crate refuses to write.
    pub fn member(&mut self, path: &str, kind: tar::EntryType, link: Option<&str>, content: &[u8]) {
        let mut header = tar::Header::new_ustar();
        let raw = header.as_ustar_mut().expect("a ustar header");
        assert!(path.len() <= raw.name.len(), "{path} is too long for a plain header");
        raw.name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(link) = link {
            raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
        }
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // The time that cargo itself gives to every member.
        header.set_mtime(1_153_704_088);
        header.set_cksum();
        self.tar.append(&header, content).expect("writing to memory");
    }

    /// The bytes of the `tar` file, compressed.
    pub fn finish(self) -> Vec<u8> {
        let tar = self.tar.into_inner().expect("writing to memory");
        let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(6));
        gzip.write_all(&tar).expect("writing to memory");
        gzip.finish().expect("writing to memory")
    }
}

/// `tests/fixtures`.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
