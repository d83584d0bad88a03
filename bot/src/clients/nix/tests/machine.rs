//! Machines that lack something. Each is made of this one in a mount namespace, where a copy of this test program runs one
//! of the tests below that are ignored otherwise.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{Bench, settings};
use crate::clients::nix::{FixedFile, Nix, NixError};

/// Tells the copy where its folder is.
const FOLDER: &str = "NIXWRIGHT_TEST_FOLDER";

/// Runs a test of this file after `setup`, a few words of shell in a mount namespace of its own, with `$folder` in it.
fn on_machine(setup: &str, launcher: &str, test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("set -eu; {setup}\nexec {launcher} \"$program\" --exact \"$test\" --ignored --nocapture");
    #[expect(clippy::disallowed_methods, reason = "this is the program that runs elsewhere")]
    let Output { status, stdout, stderr } = Command::new("unshare")
        .args(["--mount", "--", "sh", "-c", &script])
        .env("folder", folder.path())
        .env("program", std::env::current_exe().unwrap())
        .env("test", format!("clients::nix::tests::machine::{test}"))
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&stdout);
    // A name that matches no test would pass as well.
    assert!(
        status.success() && stdout.contains("1 passed"),
        "{status}\n{stdout}\n{}",
        String::from_utf8_lossy(&stderr)
    );
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).unwrap())
}

#[test]
fn a_full_disk_is_told_from_other_errors() {
    on_machine("mount -t tmpfs -o size=64k none \"$folder\"", "", "child_with_a_small_disk");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_with_a_small_disk() {
    let nix = Nix::open(settings(&folder().join("cache"))).await.unwrap();
    // On another file system, so that it is staged by copying.
    let file = std::env::current_exe().unwrap();
    let file = FixedFile { name: "big".into(), file, algo: "sha256".into(), recursive: false };
    let error = nix.add_fixed(&[file]).await.unwrap_err();
    assert!(matches!(error, NixError::DiskFull { .. }) && error.is_machine_problem(), "{error}");
}

#[test]
fn a_full_disk_below_the_store_is_told_from_other_errors() {
    let setup =
        "mkdir \"$folder/nix\"; mount -t tmpfs -o size=2m none \"$folder/nix\"; mount --bind \"$folder/nix\" /nix";
    on_machine(setup, "", "child_with_a_small_store");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_with_a_small_store() {
    let nix = Nix::open(settings(&folder().join("cache"))).await.unwrap();
    let file = FixedFile {
        name: "big".into(),
        file: std::env::current_exe().unwrap(),
        algo: "sha256".into(),
        recursive: false,
    };
    let error = nix.add_fixed(&[file]).await.unwrap_err();
    assert!(matches!(error, NixError::DiskFull { .. }), "{error}");
}

#[test]
fn a_store_that_is_read_only_is_named() {
    on_machine("mount --bind /nix /nix; mount -o remount,bind,ro /nix", "", "child_with_a_read_only_store");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_with_a_read_only_store() {
    let nix = Nix::open(settings(&folder().join("cache"))).await.unwrap();
    let file = folder().join("file");
    std::fs::File::create(&file).unwrap();
    let file = FixedFile { name: "a".into(), file, algo: "sha256".into(), recursive: false };
    for error in [nix.add_fixed(&[file]).await.unwrap_err(), nix.canary().await.unwrap_err()] {
        assert!(matches!(error, NixError::StoreNotWritable { .. }) && error.is_machine_problem(), "{error}");
    }
}

#[test]
fn a_container_without_the_right_to_make_namespaces_is_named() {
    on_machine("", "setpriv --bounding-set=-sys_admin --", "child_without_the_right_to_mount");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_without_the_right_to_mount() {
    let nix = Nix::open(settings(&folder().join("cache"))).await.unwrap();
    let error = nix.canary().await.unwrap_err();
    assert!(matches!(error, NixError::NamespacesNotPermitted { .. }) && error.is_machine_problem(), "{error}");
    assert!(error.to_string().contains("Operation not permitted"), "{error}");
}

/// What a store of a person's own is like.
const OWN_STORE: &str = "mkdir \"$folder/nix\" \"$folder/home\"; chmod 755 \"$folder\"; \
    chown 65534:65534 \"$folder/nix\" \"$folder/home\"; mount --bind \"$folder/nix\" /nix";

#[test]
fn somebody_who_is_not_root_builds_in_isolation_in_a_store_of_their_own() {
    on_machine(OWN_STORE, "setpriv --reuid 65534 --regid 65534 --clear-groups --", "child_that_is_not_root");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_that_is_not_root() {
    let nix = Nix::open(settings(&folder().join("home/cache"))).await.unwrap();
    let proven = nix.canary().await.unwrap().proven;
    assert!(proven.iter().any(|line| line.contains("one unprivileged user")), "{proven:?}");
}

#[test]
fn somebody_who_is_not_root_cannot_use_roots_store() {
    let setup = OWN_STORE.replace("mount --bind \"$folder/nix\" /nix", ":");
    let launcher = "setpriv --reuid 65534 --regid 65534 --clear-groups --";
    on_machine(&setup, launcher, "child_with_roots_store");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_with_roots_store() {
    let nix = Nix::open(settings(&folder().join("home/cache"))).await.unwrap();
    let error = nix.canary().await.unwrap_err();
    assert!(matches!(error, NixError::StoreNotWritable { .. }), "{error}");
}

#[test]
fn without_nix_its_absence_is_named() {
    on_machine("mount --bind /dev/null \"$(command -v nix)\"", "", "child_without_nix");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_without_nix() {
    let error = Nix::open(settings(&folder().join("cache"))).await.unwrap_err();
    assert!(matches!(error, NixError::ToolMissing { program: "nix", .. }), "{error}");
    assert!(error.to_string().contains("install Nix 2.8 or newer"), "{error}");
}

#[test]
fn a_folder_mounted_below_a_shown_one_is_read_only_too() {
    let setup = "mount -t tmpfs none /usr/local; mkdir /usr/local/open; chmod 777 /usr/local/open";
    on_machine(setup, "", "child_with_a_mount_below_usr");
}

#[tokio::test]
#[ignore = "started by the test above"]
async fn child_with_a_mount_below_usr() {
    assert!(Path::new("/usr/local/open").is_dir());
    let bench = Bench::new().await;
    bench.nix.canary().await.unwrap();
    let (report, _) = bench.build_set(r#"{ a = run "a" "echo x > /usr/local/open/x" [ ]; }"#).await;
    assert!(!report.succeeded());
    assert!(report.built[0].log.contains("Read-only file system"), "{report:#?}");
}
