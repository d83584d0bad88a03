//! The fixtures themselves, judged by cargo: whatever a builder of ours makes of them is compared with this.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use nixwright_tests::fixture::Fixture;
use nixwright_tests::process::{cargo, stdout_of};
use nixwright_tests::registry::{Fault, Registry};
use nixwright_tests::shelf::{LANTERN_REPORT, Shelf, shelf, use_registry};

#[test]
fn the_program_built_by_cargo_shows_that_every_rule_was_kept() {
    let registry = shelf().registry();
    let folder = tempfile::tempdir().unwrap();
    use_registry(folder.path(), &registry);
    let package = shelf().get("lantern", "1.0.0").unpack(folder.path());
    let mut cargo = cargo(folder.path());
    let arguments = ["run", "--quiet", "--locked", "--release", "--bin", "lantern"];
    assert_eq!(stdout_of(cargo.args(arguments).current_dir(&package)), LANTERN_REPORT);
}

#[test]
fn packing_twice_gives_the_same_bytes_and_a_salt_gives_others() {
    assert_eq!(Fixture::read("lamp-sys").pack().archive, Fixture::read("lamp-sys").pack().archive);
    let salted = Shelf::with_salt("# other\n");
    assert_ne!(salted.get("wick", "1.0.0").sha256, shelf().get("wick", "1.0.0").sha256);
}

#[test]
fn a_lock_names_the_public_registry_and_the_checksums_of_the_archives() {
    let folder = tempfile::tempdir().unwrap();
    let package = shelf().get("lantern", "1.0.0").unpack(folder.path());
    let lock = std::fs::read_to_string(package.join("Cargo.lock")).unwrap();
    assert!(lock.contains("registry+https://github.com/rust-lang/crates.io-index"));
    assert!(lock.contains(&shelf().get("oil", "0.1.0+press.2").sha256));
    assert!(!lock.contains("127.0.0.1"), "{lock}");
}

#[test]
fn the_registry_remembers_what_it_was_asked_and_says_when_nothing_changed() {
    let registry = shelf().registry();
    let folder = tempfile::tempdir().unwrap();
    use_registry(folder.path(), &registry);
    let package = shelf().get("lantern", "1.0.0").unpack(folder.path());
    let ask = || {
        stdout_of(cargo(folder.path()).args(["update", "--quiet"]).current_dir(&package));
        let served = registry.take_requests();
        served.into_iter().find(|served| served.path == "/index/ti/nt/tint").expect("tint is a dependency").status
    };
    assert_eq!(ask(), 200);
    assert_eq!(ask(), 304);
    registry.publish(&Fixture::read("tint").version("1.0.9").pack());
    assert_eq!(ask(), 200);
}

#[test]
fn each_fault_is_what_it_says() {
    let wick = shelf().get("wick", "1.0.0");
    let registry = Registry::with([wick]);
    let url = registry.archive_url(wick);
    let path = url.strip_prefix(registry.base_url()).unwrap();
    let ask = || get(registry.host(), path);
    let whole = ask();
    assert!(whole.ends_with(&wick.archive));

    registry.fail("/files/", Fault::CutOff);
    let cut = ask();
    let promised = format!("content-length: {}", wick.archive.len());
    assert!(String::from_utf8_lossy(&cut).contains(&promised));
    assert!(cut.len() < whole.len());

    registry.heal();
    registry.fail("/files/", Fault::WrongBytes);
    let wrong = ask();
    assert!(wrong.len() >= wick.archive.len() && !wrong.ends_with(&wick.archive));

    registry.heal();
    registry.fail("/files/", Fault::Status(500));
    assert!(ask().starts_with(b"HTTP/1.1 500 "));
    assert!(get(registry.host(), "/index/config.json").starts_with(b"HTTP/1.1 200 "), "other paths are well");

    registry.go_down();
    assert!(ask().is_empty());
    registry.heal();
    assert_eq!(ask().len(), whole.len());
}

/// All that a server sends for one request, headers included; what came before a connection broke otherwise.
fn get(host: &str, path: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(host) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut answer).map(drop));
    }
    answer
}
