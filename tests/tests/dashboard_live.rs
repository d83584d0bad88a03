//! Pages that were left open stay right: the log of a run grows while it is printed, and what has changed is shown without a reload.

use std::time::Duration;

use nixwright_tests::bot::{Bot, Service};
use nixwright_tests::dashboard::browser::Browser;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::rows::Rows;
use nixwright_tests::dashboard::site::Site;
use nixwright_tests::dashboard::{hostile, now, scenes};
use nixwright_tests::fixture::Fixture;
use nixwright_tests::registry::Registry;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_open_shows_what_another_process_writes() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    let mut rows = Rows::open(&site.database()).await;
    browser.open(&site.url(&format!("/runs/{}.html", scenes::RUNNING_RUN))).await;
    assert!(browser.text("#live-log").await.contains("the first line of the log"));
    // What is not the page's own would be gone after a reload.
    browser.run("window.isTheSame = true").await;

    for text in ["\u{1b}[32mCompiling\u{1b}[0m delta", hostile::LOG] {
        let row = json!([scenes::RUNNING_RUN, "delta-1.1.0", text.replace('\0', "\u{fffd}")]);
        rows.add("live_lines", "run, name, text", row).await;
    }
    rows.finish().await;
    shows(&browser, "#live-log", "Compiling delta").await;
    shows(&browser, "#live-log .a2", "Compiling").await;
    shows(&browser, "#live-log", "</pre><script>window.owned=1</script>").await;

    // While nobody looks nothing is asked for; what was missed comes when somebody does, once.
    let connections =
        "return performance.getEntriesByType('resource').filter(entry => entry.name.includes('/events')).length";
    look_away(&browser, true).await;
    let row = json!([scenes::RUNNING_RUN, "delta-1.1.0", "printed unseen"]);
    rows.add("live_lines", "run, name, text", row).await;
    rows.finish().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!browser.text("#live-log").await.contains("printed unseen"));
    assert_eq!(browser.run(connections).await, 2, "both streams have ended");
    look_away(&browser, false).await;
    shows(&browser, "#live-log", "printed unseen").await;
    for line in ["Compiling delta", "printed unseen", "the first line of the log"] {
        assert_eq!(browser.text("#live-log").await.matches(line).count(), 1, "{line}");
    }

    // A stage ends: the page tells, and the log stays where it is.
    let stage = json!([scenes::RUNNING_RUN, "build", "2026-01-01T00:00:00.000Z", 4200, "all of it"]);
    rows.add("stages", "run, stage, started, elapsed_ms, detail", stage).await;
    rows.finish().await;
    shows(&browser, "section[aria-labelledby=stages]", "all of it").await;
    assert!(browser.text("#live-log").await.contains("Compiling delta"));

    // The run ends: its log is kept, and the page is that of a run that has ended.
    let log = json!([scenes::RUNNING_RUN, "delta-1.1.0", "the whole log\n"]);
    rows.add("logs", "run, name, text", log).await;
    rows.finish().await;
    rows.execute(&format!("DELETE FROM live_lines WHERE run = {}", scenes::RUNNING_RUN)).await;
    let ended = "UPDATE runs SET outcome = 'succeeded', finished = '2999-01-01T00:00:00.000Z' WHERE id =";
    rows.execute(&format!("{ended} {}", scenes::RUNNING_RUN)).await;
    shows(&browser, "h1", "Succeeded").await;
    shows(&browser, "details.log summary", "delta-1.1.0").await;
    assert_eq!(browser.count("#live-log").await, 0);
    assert_eq!(browser.run("return window.isTheSame").await, true, "the page was not loaded again");
    rows.close().await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_is_doing_is_not_taken_from_them() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    let mut rows = Rows::open(&site.database()).await;
    browser.open(&site.url("/packages.html")).await;
    browser.write("input[name=q]", "half a na").await;
    rows.execute(&format!("UPDATE packages SET reason = 'something new' WHERE attr = '{}'", scenes::HELD)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(browser.run("return document.querySelector('input[name=q]').value").await, "half a na");
    // As soon as nothing is being filled in, news are shown.
    browser.run("document.activeElement.blur()").await;
    rows.execute(&format!("UPDATE packages SET reason = 'something else' WHERE attr = '{}'", scenes::HELD)).await;
    shows(&browser, "table", "something else").await;
    rows.close().await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

/// Prints a line each half second for some seconds while it is built.
const SLOW: &str = r#"
fn main() {
    for number in 1..=12 {
        eprintln!("line {number} of the build");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}
"#;

const CONFIGURATION: &str = "\
[service]
listen = \"127.0.0.1:0\"

[schedule]
cron = \"* * * * * *\"
jitter = \"0s\"

[packages.slowpoke]
purl = \"pkg:cargo/slowpoke\"
";

#[test]
fn the_log_of_a_real_build_is_followed_from_its_first_line_to_the_merge() {
    let registry = Registry::start();
    let lock = "version = 4\n\n[[package]]\nname = \"slowpoke\"\nversion = \"1.0.0\"\n";
    // Nobody has built this one before.
    let build = format!("// {}\n{SLOW}", now());
    let slowpoke = Fixture::read("slowpoke").file("build.rs", build).file("Cargo.lock", lock);
    registry.publish(&slowpoke.pack());
    let bot = Bot::new(&registry, CONFIGURATION);
    let service = bot.start_service();
    // The registry has a runtime of its own, so that this test is none.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(follow(&service));
    assert_eq!(service.terminate(), Some(0), "{}", bot.service_log());
}

/// The run, as somebody sees it who was there from the beginning.
async fn follow(service: &Service) {
    let browser = Browser::start().await;
    let url = |path: &str| format!("http://{}{path}", service.address());
    // The first page tells of the run by itself, and leads to it.
    browser.open(&url("/")).await;
    browser.wait_until("the run is told of", "return document.querySelector('a[href=\"runs/1.html\"]') !== null").await;
    browser.open(&url("/runs/1.html")).await;
    shows(&browser, "#live-log", "line 1 of the build").await;
    let early = browser.text("#live-log").await;
    assert!(!early.contains("line 12"), "it is not over yet: {early}");
    shows(&browser, "h1", "Succeeded").await;
    shows(&browser, "section[aria-labelledby=derivations]", "slowpoke-1.0.0").await;
    // The log can be searched from now on.
    browser.write("input[name=find]", "line 12").await;
    browser.send("section[aria-labelledby=logs] button").await;
    shows(&browser, "section[aria-labelledby=logs]", "line 12 of the build").await;
    browser.open(&url("/packages/slowpoke.html")).await;
    shows(&browser, "h1", "Up to date").await;
    assert_eq!(browser.complaints().await, [""; 0]);
}

/// As if another tab were in front, or no longer.
async fn look_away(browser: &Browser, is_away: bool) {
    let state = if is_away { "hidden" } else { "visible" };
    let script = format!(
        "Object.defineProperty(document, 'visibilityState', {{ value: {state:?}, configurable: true }}); \
         document.dispatchEvent(new Event('visibilitychange'))"
    );
    browser.run(&script).await;
}

/// Waits until an element has a text in it.
async fn shows(browser: &Browser, selector: &str, text: &str) {
    let script = format!(
        "return Array.from(document.querySelectorAll({selector:?})).some(found => found.textContent.includes({text:?}))"
    );
    browser.wait_until(&format!("{selector} has {text:?}"), &script).await;
}
