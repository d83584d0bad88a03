use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const PREFIX: &str = "example.org/m@v1.0.0/";

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn below(files: &[(&str, &[u8])]) -> Vec<u8> {
    let named: Vec<(String, &[u8])> =
        files.iter().map(|(name, content)| (format!("{PREFIX}{name}"), *content)).collect();
    zip_of(&named.iter().map(|(name, content)| (name.as_str(), *content)).collect::<Vec<_>>())
}

fn read(bytes: &[u8]) -> Result<ModuleFacts, String> {
    read_zip(bytes, "example.org/m", "v1.0.0", LIMITS).map_err(|error| error.to_string())
}

fn error(files: &[(&str, &[u8])]) -> String {
    read(&below(files)).unwrap_err()
}

#[test]
fn both_hashes_are_those_of_go_and_nix() {
    let files: &[(&str, &[u8])] = &[
        ("go.mod", b"module example.org/m\n"),
        ("b.go", b"package m\n"),
        ("a.b/c.go", b"package c\n"),
        ("a/c.go", b"package a\n"),
        ("LICENSE", b"free\n"),
        ("empty", b""),
    ];
    let facts = read(&below(files)).unwrap();
    // `go mod download -json` through a file proxy, and `nix hash path` of what Go unpacked.
    insta::assert_snapshot!(facts.sum(), @"h1:tJbtJUmfvyV3ATKfAGOcAYknpQ+dKH6MV4prporyxzQ=");
    insta::assert_snapshot!(facts.hash(), @"sha256-VbXf518Tdwt19wSVontg2K/vIxWPAZ/GjpOIhbWeKV0=");
    assert_eq!(facts.go_mod(), Some("module example.org/m\n"));
    assert_eq!(facts.licence(), None);
    assert_eq!(facts.go_folders().collect::<Vec<_>>(), ["", "a", "a.b"]);
}

#[test]
fn the_order_in_the_zip_does_not_matter() {
    let mut files: Vec<(&str, &[u8])> = vec![("a/x.go", b"package a\n"), ("b.go", b"package m\n")];
    let first = read(&below(&files));
    files.reverse();
    assert_eq!(first, read(&below(&files)));
}

#[test]
fn what_go_refuses_is_refused() {
    insta::assert_snapshot!(read(b"PK not").unwrap_err(), @"not a readable module zip: invalid Zip archive: Could not find EOCD");
    insta::assert_snapshot!(read(&zip_of(&[("other/a.go", b"")])).unwrap_err(), @r#"entry "other/a.go": path does not have prefix "example.org/m@v1.0.0/""#);
    insta::assert_snapshot!(error(&[("../a.go", b"")]), @r#"entry "example.org/m@v1.0.0/../a.go": malformed file path "../a.go": invalid path element "..""#);
    insta::assert_snapshot!(error(&[("a//b.go", b"")]), @r#"entry "example.org/m@v1.0.0/a//b.go": malformed file path "a//b.go": double slash"#);
    insta::assert_snapshot!(error(&[("a/./b.go", b"")]), @r#"entry "example.org/m@v1.0.0/a/./b.go": malformed file path "a/./b.go": invalid path element ".""#);
    insta::assert_snapshot!(error(&[("a\\b.go", b"")]), @r#"entry "example.org/m@v1.0.0/a\\b.go": malformed file path "a\\b.go": invalid char '\\'"#);
    insta::assert_snapshot!(error(&[("a:b.go", b"")]), @r#"entry "example.org/m@v1.0.0/a:b.go": malformed file path "a:b.go": invalid char ':'"#);
    insta::assert_snapshot!(error(&[("aux.go", b"")]), @r#"entry "example.org/m@v1.0.0/aux.go": malformed file path "aux.go": "aux" disallowed as path element component on Windows"#);
    insta::assert_snapshot!(error(&[("a\n.go", b"")]), @r#"entry "example.org/m@v1.0.0/a\n.go": malformed file path "a\n.go": invalid char '\n'"#);
    insta::assert_snapshot!(error(&[("A.go", b""), ("a.go", b"")]), @r#"entry "example.org/m@v1.0.0/a.go": case-insensitive file name collision with "A.go""#);
    insta::assert_snapshot!(error(&[("A/x.go", b""), ("a/y.go", b"")]), @r#"entry "example.org/m@v1.0.0/a/y.go": case-insensitive file name collision with "A""#);
    // The sign for Kelvin is a capital `k`.
    assert!(error(&[("\u{212a}.go", b""), ("k.go", b"")]).contains("case-insensitive file name collision"));
    insta::assert_snapshot!(error(&[("a", b""), ("a/b.go", b"")]), @r#"entry "example.org/m@v1.0.0/a/b.go": both a file and a folder"#);
    insta::assert_snapshot!(error(&[("a/go.mod", b"")]), @r#"entry "example.org/m@v1.0.0/a/go.mod": go.mod file not in module root directory"#);
    insta::assert_snapshot!(error(&[("a/GO.MOD", b"")]), @r#"entry "example.org/m@v1.0.0/a/GO.MOD": go.mod file not in module root directory"#);
    insta::assert_snapshot!(error(&[("Go.mod", b"")]), @r#"entry "example.org/m@v1.0.0/Go.mod": go.mod files must have lowercase names"#);
    insta::assert_snapshot!(error(&[("a/", b"data")]), @r#"entry "example.org/m@v1.0.0/a/": a folder with data"#);
}

#[test]
fn folders_without_data_count_for_go_sum_alone() {
    let with = read(&below(&[("a/", b""), ("a/b.go", b"package a\n")])).unwrap();
    let without = read(&below(&[("a/b.go", b"package a\n")])).unwrap();
    assert_ne!(with.sum(), without.sum());
    assert_eq!(with.hash(), without.hash());
}

#[test]
fn links_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink(format!("{PREFIX}a.go"), "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    insta::assert_snapshot!(read(&bytes).unwrap_err(), @r#"entry "example.org/m@v1.0.0/a.go": a symbolic link; a module holds only files"#);
}

#[test]
fn limits_hold_against_what_is_declared_and_what_comes() {
    let bytes = below(&[("a.go", &vec![b'a'; 100_000]), ("b.go", b"package b\n")]);
    let limited = |limits: Limits| read_zip(&bytes, "example.org/m", "v1.0.0", limits).unwrap_err().to_string();
    insta::assert_snapshot!(limited(Limits { compressed: 100, ..LIMITS }), @"larger than allowed: compressed bytes above 100");
    insta::assert_snapshot!(limited(Limits { unpacked: 100_000, ..LIMITS }), @"larger than allowed: unpacked bytes above 100000");
    insta::assert_snapshot!(limited(Limits { entries: 1, ..LIMITS }), @"larger than allowed: entries above 1");
    // The size is declared twice: in the header of the file and in the list at the end.
    let lying = replaced(&bytes, &100_000_u32.to_le_bytes(), &10_u32.to_le_bytes());
    assert!(read(&lying).is_err());
    let lying = replaced(&bytes, &100_000_u32.to_le_bytes(), &200_000_u32.to_le_bytes());
    assert!(read(&lying).is_err());
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for place in memchr::memmem::find_iter(bytes, from) {
        changed[place..place + to.len()].copy_from_slice(to);
    }
    assert_ne!(changed, bytes);
    changed
}

#[test]
fn a_file_that_the_list_does_not_have_is_refused() {
    // Two zips behind each other: the list at the end knows only the second.
    let mut bytes = below(&[("hidden.go", b"package m\n")]);
    bytes.extend(below(&[("a.go", b"package m\n")]));
    insta::assert_snapshot!(read(&bytes).unwrap_err(), @"not a readable module zip: invalid Zip archive: header inconsistency detected: local file header missing from central directory");
    let twice = below(&[("a.go", b"package a\n"), ("b.go", b"package b\n")]);
    let twice = replaced(&twice, b"/b.go", b"/a.go");
    insta::assert_snapshot!(read(&twice).unwrap_err(), @"not a readable module zip: invalid Zip archive: header inconsistency detected: duplicate file names in central directory");
}

#[test]
fn damage_never_makes_it_fail() {
    let bytes = below(&[("go.mod", b"module example.org/m\n"), ("a/b.go", &[b'x'; 300])]);
    for cut in 0..bytes.len() {
        let _ = read(&bytes[..cut]);
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[cut] = value;
            let _ = read(&changed);
        }
    }
}
