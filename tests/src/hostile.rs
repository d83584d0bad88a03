//! Archives that mean harm. Each is published with its true checksum: the index vouches for bytes, not for intentions.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use tar::EntryType;

use crate::fixture::{Archive, PackedCrate};

/// Limits, as lines for `[limits]`, that the archives here exceed and honest fixtures do not.
pub const LIMITS: &str = "archive_size = \"256KiB\"\narchive_unpacked = \"4MiB\"\narchive_entries = 100\n";

/// A hostile crate, and words of which at least one has to be in the message about it.
pub struct Hostile {
    /// The crate; its name starts with `evil-`.
    pub packed: PackedCrate,
    /// Any of these says what is wrong.
    pub words: &'static [&'static str],
}

/// One crate for each kind of harm; `outside` is an absolute path that must not come to exist.
pub fn all(outside: &str) -> Vec<Hostile> {
    let mut crates = vec![
        with_member("dots", &["..", "outside"], |archive, root| {
            archive.file(&format!("{root}/../../nixwright-escape"), b"escaped");
        }),
        with_member("absolute", &["absolute", "outside"], |archive, _| archive.file(outside, b"escaped")),
        with_member("elsewhere", &["other-1.0.0", "outside"], |archive, _| archive.file("other-1.0.0/x", b"escaped")),
        with_member("symlink", &["link"], |archive, root| {
            archive.member(&format!("{root}/LICENSE"), EntryType::Symlink, Some("/etc/passwd"), b"");
        }),
        with_member("hardlink", &["link"], |archive, root| {
            archive.member(&format!("{root}/LICENSE"), EntryType::Link, Some("/etc/passwd"), b"");
        }),
        with_member("entries", &["entries", "files", "members"], |archive, root| {
            for number in 0..200 {
                archive.file(&format!("{root}/src/many/{number}.rs"), b"");
            }
        }),
        with_member("big", &["256", "262144", "too large", "too big", "limit"], |archive, root| {
            archive.file(&format!("{root}/noise"), &noise(600_000));
        }),
        with_member("bomb", &["4 MiB", "4194304", "unpacked", "limit"], |archive, root| {
            archive.file(&format!("{root}/zeros"), &vec![0; 24_000_000]);
        }),
    ];
    let whole = with_member("whole", &[], |_, _| {}).packed.archive;
    crates.push(from_bytes("notgzip", &["gzip"], b"<html>sign in to the hotel's network</html>".to_vec()));
    crates.push(from_bytes("truncated", &["truncated", "incomplete", "cut off"], whole[..whole.len() / 2].to_vec()));
    crates.push(from_bytes("nottar", &["not a readable"], gzip(&noise(5_000))));
    crates
}

/// An otherwise honest program with something added to its archive.
fn with_member(kind: &str, words: &'static [&'static str], add: impl FnOnce(&mut Archive, &str)) -> Hostile {
    let root = format!("evil-{kind}-1.0.0");
    let mut archive = Archive::new();
    archive.file(&format!("{root}/Cargo.toml"), manifest(kind).as_bytes());
    archive.file(&format!("{root}/src/main.rs"), b"fn main() {}\n");
    add(&mut archive, &root);
    from_bytes(kind, words, archive.finish())
}

fn from_bytes(kind: &str, words: &'static [&'static str], archive: Vec<u8>) -> Hostile {
    let table = manifest(kind).parse().expect("a manifest");
    Hostile { packed: PackedCrate::new(&format!("evil-{kind}"), "1.0.0", table, archive), words }
}

fn manifest(kind: &str) -> String {
    format!(
        "[package]\nname = \"evil-{kind}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
         description = \"Means harm\"\n"
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("writing to memory");
    gzip.finish().expect("writing to memory")
}

/// Bytes that do not compress, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}
