//! Nothing of a build outlives who asked for it.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Bench, settings};
use crate::clients::nix::Nix;

/// Tells the started copy of this test program which derivation to build.
const DRV: &str = "NIXWRIGHT_TEST_DRV";
const CACHE: &str = "NIXWRIGHT_TEST_CACHE";

/// Whether some process of the machine has this word as an argument.
fn is_running(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .any(|line| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
}

/// Looks every moment until it is as wanted; gives up, so that the test fails, after two minutes.
async fn becomes(wanted: bool, word: &str) -> bool {
    for _ in 0..2400 {
        if is_running(word) == wanted {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// A sleep of about 28 hours that no other test has.
fn nap(bench: &Bench) -> String {
    let digits: String = bench.nonce.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    format!("1{:0>5}.{digits}{}", std::process::id() % 100_000, line!())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test below, which kills it"]
async fn builds_until_it_is_killed() {
    let drv = std::env::var(DRV).unwrap();
    let cache = std::env::var(CACHE).unwrap();
    let nix = Nix::open(settings(Path::new(&cache))).await.unwrap();
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    nix.realise(&[drv], events).await.unwrap();
}

#[tokio::test]
async fn killing_the_program_leaves_no_builder() {
    let bench = Bench::new().await;
    let nap = nap(&bench);
    let drvs = bench.derivations(&format!(r#"{{ a = run "a" "sleep {nap} & sleep {nap}" [ ]; }}"#)).await;
    #[expect(clippy::disallowed_methods, reason = "this is the program that is killed")]
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "clients::nix::tests::killed::builds_until_it_is_killed", "--ignored"])
        .env(DRV, &drvs[0])
        .env(CACHE, bench.path().join("cache"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(becomes(true, &nap).await, "the builder never ran");
    program.kill().unwrap();
    assert_eq!(program.wait().unwrap().signal(), Some(9));
    assert!(becomes(false, &nap).await, "the builder lives on");
    assert!(becomes(false, &drvs[0]).await, "Nix lives on");
}

#[tokio::test]
async fn giving_up_on_a_build_leaves_no_builder() {
    let bench = Bench::new().await;
    let nap = nap(&bench);
    let drvs = bench.derivations(&format!(r#"{{ a = run "a" "sleep {nap}" [ ]; }}"#)).await;
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    {
        let building = bench.nix.realise(&drvs, events);
        tokio::select! {
            report = building => panic!("it ended by itself: {report:#?}"),
            running = becomes(true, &nap) => assert!(running, "the builder never ran"),
        }
    }
    assert!(becomes(false, &nap).await, "the builder lives on");
}
