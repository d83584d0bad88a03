//! `kill -9` of the program in the middle of a build.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::time::{Duration, Instant};

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::registry::{Fault, Registry};
use nixwright_tests::shelf::shelf;

/// How long events may take on a busy machine before the test gives up on them.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn killing_the_program_during_a_build_leaves_no_builder_and_the_next_start_says_so() {
    // A number of its own, so that another run of this test on the machine is not mistaken for this one.
    let seconds = (80_000 + std::process::id()).to_string();
    let lock = "version = 4\n\n[[package]]\nname = \"slowpoke\"\nversion = \"1.0.0\"\n";
    let slowpoke = Fixture::read("slowpoke").replace("build.rs", "86397", &seconds).file("Cargo.lock", lock);
    let registry = Registry::with([&slowpoke.pack()]);
    let bot = Bot::new(&registry, "[packages.slowpoke]\npurl = \"pkg:cargo/slowpoke\"\n");

    let mut program = bot.start_once();
    wait_until("the build script sleeps", || !sleepers(&seconds).is_empty());
    program.kill().unwrap();
    program.wait().unwrap();
    wait_until("no builder is left", || sleepers(&seconds).is_empty());

    let row = bot.status_of("slowpoke");
    assert!(row["reason"].to_string().contains("interrupted"), "{row}");
    assert!(bot.overlay().file("main", "packages/slowpoke/package.nix").is_none(), "nothing unbuilt was merged");
}

#[test]
fn killing_the_program_during_a_download_leaves_nothing_that_the_next_start_trips_over() {
    let registry = Registry::with([shelf().get("matchbox", "1.0.0")]);
    registry.fail("/files/", Fault::Slow(PATIENCE));
    let bot = Bot::new(&registry, "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n");
    let mut program = bot.start_once();
    let mut asked = Vec::new();
    wait_until("the registry was asked", || {
        asked.extend(registry.take_requests());
        asked.iter().any(|request| request.path == "/index/ma/tc/matchbox")
    });
    program.kill().unwrap();
    program.wait().unwrap();
    registry.heal();
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("matches")["state"], "up_to_date");
}

/// Processes that sleep this long, on the whole machine.
fn sleepers(seconds: &str) -> Vec<u32> {
    let wanted = format!("sleep\0{seconds}\0");
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        command.ends_with(wanted.as_bytes()).then_some(id)
    });
    processes.collect()
}

fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !reached() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
