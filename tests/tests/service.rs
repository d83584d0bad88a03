//! The program as a service: it looks by its schedule, shows its pages, raises an alarm, and stops when it is asked to.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::time::{Duration, Instant};

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::registry::{Fault, Registry};
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{CONFIGURATION, registry};

/// Looks every second, at a port of its own.
const EVERY_SECOND: &str = "\
[service]
listen = \"127.0.0.1:0\"

[schedule]
cron = \"* * * * * *\"
jitter = \"0s\"
alarm_after = 3

";

/// How long events may take on a busy machine before the test gives up on them.
const PATIENCE: Duration = Duration::from_secs(120);

fn wait_until(bot: &Bot, what: &str, mut reached: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !reached() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}:\n{}", bot.service_log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn it_brings_releases_in_by_itself_shows_them_and_stops_when_asked() {
    let registry = registry();
    let bot = Bot::new(&registry, &format!("{EVERY_SECOND}{CONFIGURATION}"));
    let service = bot.start_service();
    let is_at = |version: &str| {
        let row = bot.status().remove("lantern").unwrap_or_default();
        (row["version"].as_str(), row["state"].as_str()) == (Some(version), Some("up_to_date"))
    };
    wait_until(&bot, "the first release is in", || is_at("1.0.0"));
    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
    wait_until(&bot, "the second release is in", || is_at("1.1.0"));
    wait_until(&bot, "the page shows it", || service.get("/packages/lantern.html").1.contains("1.1.0"));
    wait_until(&bot, "stable has it", || {
        let branches = bot.overlay().branches();
        branches.get("stable") == branches.get("main")
    });
    assert_eq!(service.get("/health"), (200, "ok\n".to_owned()));
    assert_eq!(service.get("/../nixwright.db").0, 404);
    assert_eq!(service.terminate(), Some(0), "{}", bot.service_log());
    // Nothing is left to be done.
    bot.run_once().expect_code(0).expect_words(&["2 up to date", "no commit"]);
}

#[test]
fn a_stop_in_the_middle_of_a_build_leaves_no_builder_and_the_next_start_goes_on() {
    let registry = Registry::start();
    // A number that no other process on the machine sleeps.
    let seconds = (1_000_000 + std::process::id()).to_string();
    let lock = "version = 4\n\n[[package]]\nname = \"slowpoke\"\nversion = \"1.0.0\"\n";
    let slowpoke = Fixture::read("slowpoke").replace("build.rs", "86397", &seconds).file("Cargo.lock", lock);
    registry.publish(&slowpoke.pack());
    let configuration = "[packages.slowpoke]\npurl = \"pkg:cargo/slowpoke\"\n";
    let bot = Bot::new(&registry, &format!("{EVERY_SECOND}{configuration}"));
    let service = bot.start_service();
    wait_until(&bot, "the build sleeps", || sleepers(&seconds) > 0);
    assert_eq!(service.terminate(), Some(0), "{}", bot.service_log());
    wait_until(&bot, "the builder is gone", || sleepers(&seconds) == 0);
    let row = bot.status_of("slowpoke");
    assert!(row["reason"].as_str().unwrap().contains("interrupted"), "{row}");
    let again = bot.start_service();
    wait_until(&bot, "the build sleeps again", || sleepers(&seconds) > 0);
    drop(again);
    wait_until(&bot, "the builder is gone", || sleepers(&seconds) == 0);
}

#[test]
fn the_alarm_is_raised_when_nothing_gets_through_and_ends_when_something_does() {
    let registry = registry();
    let bot = Bot::new(&registry, &format!("{EVERY_SECOND}{CONFIGURATION}"));
    bot.run_once().expect_code(0);
    registry.fail("/index/", Fault::Status(404));
    let service = bot.start_service();
    wait_until(&bot, "there is an alarm", || service.get("/health").0 == 503);
    assert!(service.get("/health").1.contains("no look at the upstreams has got through for"));
    // The pages find it out for themselves, the log is told at the next look.
    wait_until(&bot, "the log says so", || bot.service_log().contains("ERROR no look"));
    registry.heal();
    wait_until(&bot, "the alarm is over", || service.get("/health").0 == 200);
    wait_until(&bot, "the log says so too", || bot.service_log().contains("got through again"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let configuration = format!("[service]\nlisten = \"{address}\"\n\n{CONFIGURATION}");
    let bot = Bot::new(&Registry::start(), &configuration);
    bot.call(&["run"]).expect_code(3).expect_words(&[&address, "service.listen"]);
}

/// How many processes of the whole machine sleep this long.
fn sleepers(seconds: &str) -> usize {
    let wanted = format!("sleep\0{seconds}\0");
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let command = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        command.ends_with(wanted.as_bytes()).then_some(())
    });
    processes.count()
}
