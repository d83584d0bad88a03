//! How long the status pages take, and how much they weigh, with 10,000 packages and 200,000 runs in the store: each page and its
//! JSON, asked for over loopback one after another. Ends with an error where a page takes longer or weighs more than it may.

#![expect(clippy::print_stdout, reason = "the table is what a bench is for")]

use std::time::{Duration, Instant};

use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::scenes;
use nixwright_tests::dashboard::site::{Site, pages};

/// How long an answer may take.
const LONGEST: Duration = Duration::from_millis(100);

/// What a page may weigh with its stylesheet and its script, in bytes; logs do not count.
const HEAVIEST: usize = 200_000;

/// How often each is asked for; the middle one counts.
const TIMES: usize = 7;

fn main() {
    // `cargo test --all-targets` starts benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let site = runtime.block_on(Site::start(Scale::LARGE));
    let common = site.get("/style.css").1.len() + site.get("/app.js").1.len();
    println!("| page | page, ms | JSON, ms | weight, KB |\n|---|---|---|---|");
    let mut misses = Vec::new();
    for (name, path) in pages().into_iter().chain(late()) {
        let (page, body) = asked(&site, &path);
        let (json, _) = asked(&site, &path.replacen(".html", ".json", 1));
        let weight = without_logs(&body) + common;
        let text = format!("| {name} | {:.1} | {:.1} | {} |", millis(page), millis(json), weight / 1000);
        println!("{text}");
        if page.max(json) > LONGEST || weight > HEAVIEST {
            misses.push(text);
        }
    }
    for path in machines() {
        let (took, body) = asked(&site, &path);
        let text = format!("| {path} | {:.1} | – | {} |", millis(took), body.len() / 1000);
        println!("{text}");
        if took > LONGEST {
            misses.push(text);
        }
    }
    if !misses.is_empty() {
        println!("\nover {} ms or {} KB:\n{}", LONGEST.as_millis(), HEAVIEST / 1000, misses.join("\n"));
        std::process::exit(1);
    }
}

/// What is beside no page.
fn machines() -> Vec<String> {
    let fixed = ["status.json", "openapi.json", "metrics", "health", "ready", "feeds/all.atom", "feeds/failures.atom"];
    let of_one = ["badges/amber/freshness.svg", "sbom/amber/2.4.1.cdx.json", "feeds/packages/amber.atom"];
    let of_somebody = format!("/feeds/maintainers/{}.atom", scenes::MAINTAINER);
    fixed.into_iter().chain(of_one).map(|path| format!("/{path}")).chain([of_somebody]).collect()
}

/// Questions whose answers lie far back, or have to be looked for.
fn late() -> Vec<(&'static str, String)> {
    [
        ("packages, last page", "/packages.html?page=100"),
        ("packages of a maintainer", "/packages.html?maintainer=octavia7&state=failed"),
        ("packages by change", "/packages.html?order=newest"),
        ("packages, part of a name", "/packages.html?q=anvil-1"),
        ("runs, a late page", "/runs.html?page=1900"),
        ("runs that failed", "/runs.html?outcome=failed"),
        ("pull requests, a late page", "/pull-requests.html?page=1500"),
        ("pull requests that are open", "/pull-requests.html?state=open"),
        ("dependencies, part of a name", "/dependencies.html?q=sys&ecosystem=cargo"),
        ("uses of a dependency, late", "/dependencies/cargo/anvil.html?page=20"),
        ("queue, late", "/queue.html?kind=check&page=30"),
        ("a maintainer of 250", "/maintainers/octavia7.html"),
        ("a package of many", "/packages/quiet-anvil.html"),
        ("a graph of many", "/graphs/quiet-anvil.html"),
        ("a run of many", "/runs/100000.html"),
        ("logs searched", "/runs/900100.html?find=error"),
    ]
    .map(|(name, path)| (name, path.to_owned()))
    .into()
}

/// The middle time of several, and the answer's body.
fn asked(site: &Site, path: &str) -> (Duration, String) {
    let mut times = Vec::new();
    let mut body = String::new();
    for _ in 0..TIMES {
        let begin = Instant::now();
        let (status, text) = site.get(path);
        times.push(begin.elapsed());
        assert!(status == 200 || path.starts_with("/packages/nobody"), "{path}: {status}");
        body = text;
    }
    times.sort();
    (times[TIMES / 2], body)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What a page weighs without what builders have printed.
fn without_logs(body: &str) -> usize {
    let logs = body.split("<details class=\"log\"").skip(1).map(|log| log.find("</details>").unwrap_or(log.len()));
    body.len() - logs.sum::<usize>()
}
