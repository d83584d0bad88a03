//! The ways that three people go through the pages: who uses a package, who maintains it, who runs the bot. Each as they would in
//! a browser, and the main ones again with scripts switched off.

use nixwright_tests::dashboard::browser::Browser;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::scenes;
use nixwright_tests::dashboard::site::Site;
use serde_json::{Value, json};

/// Who knows this may act.
const TOKEN: &str = "a token that only the operator knows";

/// Fails if the pages have complained, or an upstream's script ran.
async fn is_quiet(browser: &Browser) {
    assert_eq!(browser.complaints().await, [""; 0], "{}", browser.address().await);
}

/// Fails unless a text has all of these in it.
fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_learns_whether_what_they_use_is_fresh_and_how_to_take_it() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    subscriber(&site, &browser).await;

    // What is to be copied is copied.
    browser.allow_clipboard().await;
    browser.click("section[aria-labelledby=use] pre:nth-of-type(2) + button").await;
    browser
        .wait_until("it is copied", "return document.querySelectorAll('.copying')[1].textContent === 'Copied'")
        .await;
    let copied = browser.run_later("navigator.clipboard.readText().then(arguments[arguments.length - 1])").await;
    has(copied.as_str().expect("a text"), &["inputs.nixwright.url = \"git+file:///", "?ref=stable\";"]);

    // The badges of the snippet are there.
    let badges = browser.run("return Array.from(document.images, image => image.naturalWidth > 40)").await;
    assert_eq!(badges, json!([true, true, true]));
    let snippet = browser.text("#badges").await;
    has(&snippet, &[&format!("]({})", site.url("/packages/amber.html")), &site.url("/badges/amber/freshness.svg")]);

    // What it is made of: a picture to be moved in, with a table beside it.
    browser.follow("55 packages").await;
    assert_eq!(browser.run("return document.querySelectorAll('#graph .node').length").await, 55);
    let width = "return document.querySelector('svg.graph').getBoundingClientRect().width";
    let before = browser.run(width).await.as_f64().expect("a width");
    browser.click("[aria-label='Larger']").await;
    assert!(browser.run(width).await.as_f64().expect("a width") > before * 1.2);
    browser.drag("#graph", -220, -60).await;
    let scrolled =
        browser.run("const at = document.getElementById('graph'); return [at.scrollLeft, at.scrollTop]").await;
    assert_eq!(scrolled, json!([220, 60]), "the picture follows the hand");
    let states =
        "return ['built', 'reused'].map(state => document.querySelectorAll('#graph .node.' + state).length > 0)";
    assert_eq!(browser.run(states).await, json!([true, true]));

    // From there to who else uses a crate, and what is known to be wrong with it.
    browser.send("table tbody tr:nth-child(2) a").await;
    has(&browser.page_text().await, &["Advisories", "Versions in use", "Who uses it", scenes::FRESH]);
    is_quiet(&browser).await;
}

/// From the first page to a package's.
async fn subscriber(site: &Site, browser: &Browser) {
    browser.open(&site.url("/")).await;
    has(&browser.text("h1").await, &["packages failed"]);
    browser.follow("Packages").await;
    browser.write("input[name=q]", "amb").await;
    browser.send(".filters button").await;
    has(&browser.page_text().await, &["1 package of", scenes::FRESH]);
    browser.follow(scenes::FRESH).await;
    let text = browser.page_text().await;
    has(
        &text,
        &["amber", "Up to date", "Where it stands", "2.4.1, shared", "The next cycle looks for a newer release."],
    );
    // One way from the release to its place in `stable`, and the last run that built it.
    has(&text, &["Seen", "Resolved", "Written", "Evaluated", "Built", "9 built, 46 reused", "Merged"]);
    has(&browser.text("section[aria-labelledby=runs]").await, &["#900011", "Succeeded"]);
    let use_it = browser.text("section[aria-labelledby=use]").await;
    has(
        &use_it,
        &["nix run 'git+file:///", "?ref=stable#amber'", "nixpkgs.overlays = [ inputs.nixwright.overlays.default ];"],
    );
    has(&use_it, &[&format!("?ref=main&rev={}\";", "24".repeat(20)), "Roll back", &format!("rev={}", "23".repeat(20))]);
    is_quiet(browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintainer_sees_what_waits_for_them_and_finds_out_why_it_failed() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    maintainer(&site, &browser).await;

    // From one failure to all that have the same reason.
    browser.follow("6 other packages fail for the same reason").await;
    let at = browser.address().await;
    let (_, place) = at.split_once("failures.html#").unwrap_or_else(|| panic!("{at} is no reason"));
    let group = browser.text(&format!("#{place}")).await;
    has(&group, &["These 7 packages fail for one reason", scenes::CULPRIT, scenes::FAILED]);
    has(&group, &scenes::ALIKE);

    // What waits for a person, and what a person did by hand.
    browser.open(&site.url("/packages/cobalt.html")).await;
    let text = browser.page_text().await;
    has(&text, &["is green and waits for a person", "Somebody merges or closes pull request #900003."]);
    browser.follow("#900003").await;
    has(&browser.page_text().await, &["On the forge", "https://forge.example/overlay/pull/3"]);

    // Both feeds are where a reader of feeds looks for them.
    for page in ["/packages/cobalt.html", "/maintainers/octavia.html"] {
        browser.open(&site.url(page)).await;
        let feed = browser.run("return document.querySelector('link[type=\"application/atom+xml\"]').href").await;
        let path =
            feed.as_str().expect("an address").strip_prefix(site.url("").as_str()).expect("one of ours").to_owned();
        let (status, feed) = site.get(&path);
        assert_eq!(status, 200, "{path}");
        has(&feed, &["<entry>", scenes::OPEN]);
    }
    is_quiet(&browser).await;
}

/// From the list of maintainers to a line of a log.
async fn maintainer(site: &Site, browser: &Browser) {
    browser.open(&site.url("/maintainers.html")).await;
    browser.follow(scenes::MAINTAINER).await;
    has(&browser.text(".lead").await, &["8 have failed", "1 waits in an open pull request"]);
    // What failed comes first.
    let first = browser.text("table tbody tr:first-child").await;
    has(&first, &[scenes::FAILED, "Failed", "quarry-sys-0.9.1 failed", "0.7.2 → 0.8.0"]);
    browser.follow(scenes::FAILED).await;
    let text = browser.page_text().await;
    has(&text, &["Why is basalt not at 0.8.0?", "The bot tries again", "6 other packages fail for the same reason"]);
    browser.follow(&format!("#{}", scenes::FAILED_RUN)).await;
    has(&browser.page_text().await, &["Failed: dependency", scenes::CULPRIT, "nix build 'git+file:///"]);
    // The log of what failed is open, with its colours and without what acts.
    let log = browser.text("details.log[open] pre").await;
    has(&log, &["/usr/bin/ld: cannot find -lquarry"]);
    assert_eq!(browser.text("details.log .a1").await, "/usr/bin/ld: cannot find -lquarry");
    browser.write("input[name=find]", "CANNOT find").await;
    browser.send("section[aria-labelledby=logs] button").await;
    let found = browser.text("section[aria-labelledby=logs]").await;
    has(&found, &["1 line has it.", &format!("{}:2", scenes::CULPRIT), "cannot find -lquarry"]);
    is_quiet(browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_is_stuck_and_acts_when_they_have_said_who_they_are() {
    let site = Site::start_with(Scale::SMALL, Some(TOKEN)).await;
    let browser = Browser::start().await;
    browser.open(&site.url("/")).await;
    has(&browser.text("section[aria-labelledby=running]").await, &["Running now", scenes::RUNNING]);
    browser.open(&site.url("/hosts.html")).await;
    let hosts = browser.text("table").await;
    has(
        &hosts,
        &[scenes::GOOD_HOST, "Well", scenes::BAD_HOST, "5 failures in a row", "left alone, asked again", "503 Service"],
    );
    has(&hosts, &["4\u{202f}321 of 5\u{202f}000"]);
    browser.open(&site.url("/queue.html?kind=update")).await;
    let queue = browser.text("table").await;
    has(&queue, &["Usually takes", "Under way", scenes::RUNNING, scenes::NEW, scenes::WAITING]);

    // Nobody acts without having said who they are, whatever they send.
    let address = site.url(&format!("/packages/{}.html", scenes::FAILED));
    browser.open(&address).await;
    assert_eq!(browser.count(".actions").await, 0);
    for action in ["retry", "hold", "release"] {
        assert_eq!(browser.post(&site.url(&format!("/packages/{}/{action}", scenes::FAILED))).await, 403, "{action}");
    }
    assert_eq!(queued(&site, scenes::FAILED), None);
    // Sending that was refused is told on the console: that is the browser's word, not the page's.
    browser.complaints().await;

    acts(&site, &browser, &address).await;
    // Who has logged in and sends no signature of a form of ours is refused too, as a page of somebody else's would be.
    assert_eq!(browser.post(&site.url(&format!("/packages/{}/retry", scenes::FAILED))).await, 403);
    browser.complaints().await;
    browser.send("footer button").await;
    browser.open(&address).await;
    assert_eq!(browser.count(".actions").await, 0);
    assert_eq!(site.get("/health").0, 200);
    is_quiet(&browser).await;
}

/// Logs in, looks again now, holds and lets go.
async fn acts(site: &Site, browser: &Browser, address: &str) {
    browser.follow("Log in").await;
    browser.write("input[name=token]", "not this one").await;
    browser.send("main button").await;
    has(&browser.text("[role=alert]").await, &["That is not the token."]);
    // The browser says on its console that the answer was "unauthorized", as it should be.
    browser.complaints().await;
    browser.write("input[name=token]", TOKEN).await;
    browser.send("main button").await;
    browser.open(address).await;
    browser.send("form[action$=retry] button").await;
    assert_eq!(browser.address().await, address, "and back again");
    assert_eq!(queued(site, scenes::FAILED).as_deref(), Some("asked"));
    browser.write("input[name=reason]", "linker\"><b>is broken").await;
    browser.send("form[action$=hold] button").await;
    has(&browser.text(".card").await, &["Held on these pages: linker\"><b>is broken"]);
    browser.send("form[action$=release] button").await;
    assert!(!browser.text(".card").await.contains("Held on these pages"));
    is_quiet(browser).await;
}

/// Why a package is looked at, if that waits.
fn queued(site: &Site, attr: &str) -> Option<String> {
    let (status, page) = site.get(&format!("/packages/{attr}.json"));
    assert_eq!(status, 200);
    let page: Value = serde_json::from_str(&page).expect("JSON");
    let jobs = page["jobs"].as_array().expect("jobs").iter();
    jobs.filter(|job| job["kind"] == "check").find_map(|job| Some(job["reason"].as_str()?.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_ways_can_be_gone_without_scripts() {
    let site = Site::start_with(Scale::SMALL, Some(TOKEN)).await;
    let browser = Browser::start().await;
    browser.allow_scripts(false).await;
    subscriber(&site, &browser).await;
    // Nothing is there that only a script would make work, and times are said by the server.
    has(&browser.text("section[aria-labelledby=timeline]").await, &["ago"]);
    assert_eq!(browser.count("section[aria-labelledby=use] button").await, 0);
    maintainer(&site, &browser).await;
    let address = site.url(&format!("/packages/{}.html", scenes::FAILED));
    browser.open(&address).await;
    acts(&site, &browser, &address).await;
    browser.open(&site.url(&format!("/graphs/{}.html", scenes::FRESH))).await;
    assert_eq!(browser.count("#graph .node").await, 55);
    browser.write("input[name=focus]", "anvil").await;
    browser.send(".filters button").await;
    assert!(browser.count("#graph .node").await < 55);
    browser.open(&site.url(&format!("/runs/{}.html", scenes::RUNNING_RUN))).await;
    has(&browser.page_text().await, &["The run is under way", "the first line of the log"]);
    is_quiet(&browser).await;
}
