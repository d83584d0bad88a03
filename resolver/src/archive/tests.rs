use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::{ArchiveError, CrateFacts, CrateTexts, Limits, read_crate};

/// Writes a header by hand, since `tar` itself refuses to write hostile paths.
fn entry(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

fn archive(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, path, content) in entries {
        entry(&mut builder, *kind, path, content);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&builder.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

fn read(entries: &[(EntryType, &str, &[u8])]) -> Result<(CrateFacts, CrateTexts), ArchiveError> {
    read_crate(archive(entries).as_slice(), "a", "1.0.0", Limits::default())
}

const MANIFEST: (EntryType, &str, &[u8]) = (EntryType::Regular, "a-1.0.0/Cargo.toml", b"[package]");

#[test]
fn keeps_manifest_lock_targets_and_the_variables_that_sources_name() {
    let (facts, texts) = read(&[
        MANIFEST,
        (EntryType::Regular, "a-1.0.0/Cargo.lock", b"version = 4"),
        (EntryType::Regular, "a-1.0.0/src/lib.rs", b"env!(\"CARGO_PKG_AUTHORS\") CARGO_PKG_VERSION_MAJOR"),
        (EntryType::Regular, "a-1.0.0/src/bin/x/main.rs", b""),
        (EntryType::Regular, "a-1.0.0/src/bin/x/other.rs", b"CARGO_PKG_NAME"),
    ])
    .unwrap();
    assert_eq!(texts.manifest, "[package]");
    assert_eq!(texts.lock.as_deref(), Some("version = 4"));
    assert_eq!(Vec::from_iter(texts.target_files), ["src/bin/x/main.rs", "src/lib.rs"]);
    assert_eq!(Vec::from_iter(facts.env_names), ["AUTHORS"]);
}

#[test]
fn a_variable_name_put_together_at_run_time_counts_as_all_of_them() {
    let (facts, _) =
        read(&[MANIFEST, (EntryType::Regular, "a-1.0.0/build.rs", b"concat!(\"CARGO_PKG_\", x)")]).unwrap();
    assert!(facts.env_names.contains("*"));
}

#[test]
fn refuses_paths_that_leave_the_crates_folder() {
    for path in ["../x", "/etc/x", "a-1.0.0/../../x", "b-1.0.0/x", "x"] {
        let error = read(&[MANIFEST, (EntryType::Regular, path, b"")]).unwrap_err();
        assert!(matches!(error, ArchiveError::Escape(_)), "{path}: {error}");
    }
}

#[test]
fn refuses_links_and_devices() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo] {
        let error = read(&[MANIFEST, (kind, "a-1.0.0/x", b"")]).unwrap_err();
        assert!(matches!(error, ArchiveError::Kind { .. }), "{error}");
    }
}

#[test]
fn refuses_more_bytes_or_entries_than_allowed() {
    let zeros = vec![0; 1 << 20];
    let bomb = archive(&[MANIFEST, (EntryType::Regular, "a-1.0.0/big", &zeros)]);
    let limits = Limits { unpacked: 1 << 19, ..Limits::default() };
    let error = read_crate(bomb.as_slice(), "a", "1.0.0", limits).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { what: "unpacked bytes", .. }), "{error}");

    let limits = Limits { entries: 1, ..Limits::default() };
    let error = read_crate(bomb.as_slice(), "a", "1.0.0", limits).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { what: "entries", .. }), "{error}");
}

#[test]
fn refuses_what_is_not_an_archive_or_has_no_manifest() {
    let whole = archive(&[MANIFEST]);
    let cut = whole.get(..whole.len() / 2).unwrap();
    for bytes in [b"<html>".as_slice(), cut] {
        let error = read_crate(bytes, "a", "1.0.0", Limits::default()).unwrap_err();
        assert!(matches!(error, ArchiveError::Unreadable(_)), "{error}");
    }
    assert!(matches!(read(&[]).unwrap_err(), ArchiveError::NoManifest));
}
