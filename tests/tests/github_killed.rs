//! `kill -9` at every point at which something outside changes, and at many others: afterwards there is exactly one pull
//! request for each release, store, repository and forge agree, nothing is stuck and nobody is left behind.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::BTreeMap;
use std::time::Duration;

use nixwright::model::Clock;
use nixwright::store::{PrState, Store};
use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::github::{Call, GitHub, When};
use nixwright_tests::killing::Killer;
use nixwright_tests::on_github::bot_on;
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::{locked, shelf};

const MATCHES: &str = "[defaults]\nautomerge = \"always\"\n\n[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n";

/// A release that differs from the others by its number only.
fn matchbox(registry: &Registry, version: &str) -> PackedCrate {
    locked(Fixture::read("matchbox").version(version), registry).pack()
}

/// What must be true once the bot has got through.
fn expect_agreement(told: &str, github: &GitHub, bot: &Bot, releases: usize) {
    let pulls: Vec<_> = github.pulls().into_iter().filter(|pull| pull.head == "nixwright/matches").collect();
    let mut by_title: BTreeMap<&str, usize> = BTreeMap::new();
    for pull in &pulls {
        *by_title.entry(&pull.title).or_default() += 1;
    }
    assert!(by_title.values().all(|count| *count == 1), "{told}: one pull request a release: {by_title:?}");
    assert!(pulls.len() <= releases && !pulls.is_empty(), "{told}: {by_title:?}");
    assert!(pulls.iter().all(|pull| pull.merged), "{told}: every one was merged: {pulls:#?}");
    assert_eq!(bot.overlay().tip("main"), github.branch("main"), "{told}: repository and forge agree");
    assert_eq!(github.branch("stable"), github.branch("main"), "{told}: stable");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&bot.state().join("nixwright.db"), Clock::system()).await.unwrap();
        assert_eq!(store.jobs().await.unwrap(), [], "{told}: no job is stuck");
        assert_eq!(store.open_intents().await.unwrap(), [], "{told}: nothing is half done");
        let records: BTreeMap<i64, PrState> =
            store.pull_requests().await.unwrap().into_iter().map(|request| (request.number, request.state)).collect();
        let merged: BTreeMap<i64, PrState> =
            pulls.iter().map(|pull| (i64::try_from(pull.number).unwrap(), PrState::Merged)).collect();
        assert_eq!(records, merged, "{told}: store and forge agree");
        store.close().await;
    });
}

/// Runs a cycle that is killed from outside; whether it was.
fn run_killed(bot: &Bot, killer: &Killer) -> bool {
    let mut child = bot.start_once();
    killer.aim(&child);
    let died = child.wait().unwrap().code().is_none();
    killer.put_down();
    died
}

#[test]
fn killed_at_every_point_at_which_something_outside_changes() {
    let repo = "/repos/{owner}/{repo}";
    let rest = |method: &str, path: &str| Call::rest(method, &format!("{repo}{path}"));
    let points = [
        ("fetch", Call::Fetch),
        ("push", Call::Push),
        ("list", rest("GET", "/pulls")),
        ("open", rest("POST", "/pulls")),
        ("label", rest("POST", "/issues/{number}/labels")),
        ("status", rest("POST", "/statuses/{sha}")),
        ("text", rest("PATCH", "/pulls/{number}")),
        ("ready", Call::graphql("markPullRequestReadyForReview")),
        ("merge", rest("PUT", "/pulls/{number}/merge")),
    ];
    let mut deaths = 0;
    for (name, call) in points {
        for when in [When::Before, When::After] {
            // The second and third such request too: they come at other moments of the cycle.
            for turn in 1..=3_usize {
                let told = format!("{name}, {when:?}, the {turn}. time");
                let github = GitHub::start();
                let registry = Registry::with([shelf().get("matchbox", "1.0.0")]);
                let bot = bot_on(&github, &registry, MATCHES);
                let killer = Killer::default();
                let (hand, seen) = (killer.clone(), std::sync::atomic::AtomicUsize::new(0));
                github.on(call.clone(), when, move || {
                    if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == turn {
                        hand.kill();
                    }
                });
                let died = run_killed(&bot, &killer);
                assert!(died || turn > 1, "{told}: the point was reached");
                if !died {
                    continue;
                }
                deaths += 1;
                killer.expect_no_orphans();
                bot.run_once().expect_code(0);
                expect_agreement(&told, &github, &bot, 1);
                bot.run_once().expect_code(0).expect_words(&["1 up to date", "no commit"]);
            }
        }
    }
    println!("killed at {deaths} points");
}

#[test]
fn killed_at_two_hundred_random_moments() {
    const KILLS: usize = 200;
    let github = GitHub::start();
    let registry = Registry::start();
    let bot = bot_on(&github, &registry, MATCHES);
    let mut random = fastrand::Rng::with_seed(20_261_126);
    let (mut deaths, mut releases, mut survived) = (0, 0, 0);
    let mut longest = 2_000_u64;
    while deaths < KILLS {
        // A newer release before the last one is through, too.
        if releases == 0 || random.u8(..3) == 0 {
            releases += 1;
            let number = format!("1.0.{releases}");
            registry.publish_at(&matchbox(&registry, &number), "2026-03-04T05:06:07Z");
        }
        let killer = Killer::default();
        let mut child = bot.start_once();
        killer.aim(&child);
        let hand = killer.clone();
        let delay = Duration::from_millis(random.u64(..longest));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(delay);
            hand.kill();
        });
        let ended = child.wait().unwrap();
        killer.put_down();
        let was_killed = ended.code().is_none();
        if was_killed {
            deaths += 1;
        } else {
            survived += 1;
            assert!(matches!(ended.code(), Some(0 | 1)), "{ended:?}");
            // Moments past the end tell nothing.
            longest = longest.max(400) * 19 / 20;
        }
        thread.join().unwrap();
        killer.expect_no_orphans();
    }
    let last = bot.run_once();
    let last = if last.code == Some(0) { last } else { bot.run_once() };
    let told = format!("{deaths} kills, {survived} cycles that got through, {releases} releases\n{last}");
    last.expect_code(0);
    expect_agreement(&told, &github, &bot, releases);
    bot.run_once().expect_code(0).expect_words(&["1 up to date", "no commit"]);
    println!("{told}");
}
