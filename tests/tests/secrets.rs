//! A token is planted, every way to fail is forced, and then it is looked for wherever the program leaves anything.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nixwright_tests::bot::Bot;
use nixwright_tests::github::{Call, Fault, GitHub};
use nixwright_tests::on_github::{bot_on, forge};
use nixwright_tests::process::{Finished, command, files_below, run, write_file};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::shelf;

const MATCHES: &str = "[defaults]\nautomerge = \"always\"\n\n[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n";

/// The forms in which a token could be somewhere.
fn forms(token: &str) -> Vec<String> {
    let basic = |name: &str| data_encoding::BASE64.encode(format!("{name}:{token}").as_bytes());
    vec![token.to_owned(), basic("x-access-token"), data_encoding::BASE64.encode(token.as_bytes())]
}

fn expect_clean(told: &str, place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{told}: a secret is in {place}");
    }
}

/// Everything that the program has written: files as they are, and git's objects unpacked.
fn expect_clean_state(told: &str, bot: &Bot, secrets: &[String]) {
    let state = bot.state();
    for file in files_below(&state) {
        let bytes = std::fs::read(state.join(&file)).unwrap_or_default();
        expect_clean(told, &file.display().to_string(), &bytes, secrets);
    }
    let objects = run(command("git").arg("-C").arg(state.join("overlay.git")).args([
        "cat-file",
        "--batch-all-objects",
        "--batch",
    ]));
    expect_clean(told, "git's objects", objects.stdout.as_bytes(), secrets);
}

/// Runs a cycle that says all it can, while the process list is looked at.
fn run_watched(bot: &Bot) -> (Finished, BTreeSet<Vec<u8>>) {
    let (seen, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
    let (list, until) = (Arc::clone(&seen), Arc::clone(&stop));
    let watcher = std::thread::spawn(move || {
        while !until.load(Ordering::SeqCst) {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                if let Ok(line) = std::fs::read(entry.path().join("cmdline")) {
                    list.lock().unwrap().insert(line);
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let finished = bot.call(&["-vv", "run", "--once"]);
    stop.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
    let lines = std::mem::take(&mut *seen.lock().unwrap());
    (finished, lines)
}

fn expect_clean_run(told: &str, github: &GitHub, bot: &Bot) {
    let (finished, processes) = run_watched(bot);
    let secrets: Vec<String> = github.tokens().iter().flat_map(|token| forms(token)).collect();
    expect_clean(told, "the output", finished.output().as_bytes(), &secrets);
    assert!(!processes.is_empty());
    for line in &processes {
        expect_clean(told, "the process list", line, &secrets);
    }
    for request in github.requests() {
        expect_clean(told, "an address", format!("{} {:?}", request.path, request.query).as_bytes(), &secrets);
    }
    expect_clean_state(told, bot, &secrets);
}

#[test]
fn a_planted_token_is_nowhere_whatever_fails() {
    let every = [
        Call::Api,
        Call::Fetch,
        Call::Push,
        Call::rest("POST", "/repos/{owner}/{repo}/pulls"),
        Call::rest("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge"),
        Call::graphql("markPullRequestReadyForReview"),
    ];
    let faults = [
        Fault::NotFound,
        Fault::TokenExpired,
        Fault::BadGatewayAfterWork,
        Fault::Cut,
        Fault::Unprocessable("Validation Failed".to_owned()),
        Fault::RateLimit(Duration::from_secs(3600)),
    ];
    for call in &every {
        for fault in &faults {
            let github = GitHub::start();
            let registry = Registry::with([shelf().get("matchbox", "1.0.0")]);
            let bot = bot_on(&github, &registry, MATCHES);
            github.stage(call.clone(), fault.clone(), 1);
            expect_clean_run(&format!("{call:?} {fault:?}"), &github, &bot);
        }
    }
}

#[test]
fn the_tokens_of_an_app_and_its_key_are_nowhere() {
    let github = GitHub::start();
    let registry = Registry::with([shelf().get("matchbox", "1.0.0")]);
    let key = github.install_app(7, 70);
    let head = forge(&github).replace("[forge]\n", "[forge]\napp_id = 7\napp_key_file = \"app.pem\"\n");
    let bot = Bot::new(&registry, &format!("{head}{MATCHES}"));
    let file = bot.configuration().with_file_name("app.pem");
    write_file(&file, &key);
    set_mode(&file, 0o600);
    github.refuse_tokens();
    expect_clean_run("an App", &github, &bot);
    assert_eq!(bot.status_of("matches")["state"], "up_to_date");
    let secret = key.lines().nth(1).unwrap().to_owned();
    expect_clean_state("an App's key", &bot, &[secret]);
}

#[test]
fn a_secret_that_is_absent_open_or_empty_is_named_and_nothing_is_begun() {
    let github = GitHub::start();
    let registry = Registry::start();
    let without = Bot::new(&registry, &format!("{}{MATCHES}", forge(&github)));
    without.run_once().expect_code(2).expect_words(&["NIXWRIGHT_GITHUB_TOKEN", "forge.token_file"]);
    let head = forge(&github).replace("[forge]\n", "[forge]\ntoken_file = \"token\"\n");
    let bot = Bot::new(&registry, &format!("{head}{MATCHES}"));
    let file = bot.configuration().with_file_name("token");
    bot.run_once().expect_code(2).expect_words(&["forge.token_file", "not there"]);
    write_file(&file, github.token());
    set_mode(&file, 0o644);
    bot.run_once().expect_code(2).expect_words(&["forge.token_file", "chmod 600"]);
    set_mode(&file, 0o600);
    bot.call(&["doctor"]);
    write_file(&file, " \n");
    bot.run_once().expect_code(2).expect_words(&["forge.token_file", "empty"]);
    let written = format!("{}{MATCHES}", forge(&github).replace("[forge]\n", "[forge]\ntoken = \"abc\"\n"));
    bot.configure(&registry, &written);
    bot.run_once().expect_code(2).expect_words(&["forge.token", "a secret has no place in this file"]);
}

fn set_mode(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}
