//! What a configuration says of which releases are taken, when, and who decides.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{CONFIGURATION, registry};

fn bot(registry: &Registry, head: &str) -> Bot {
    Bot::new(registry, &format!("{head}{CONFIGURATION}"))
}

fn at(version: &str, state: &str) -> (String, String) {
    (version.to_owned(), state.to_owned())
}

/// Puts `lantern` 1.1.0 into the registry.
fn release(registry: &Registry) {
    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
}

/// The version of a package in `main`.
fn in_main(bot: &Bot, attr: &str) -> String {
    let package = bot.overlay().file("main", &format!("packages/{attr}/package.nix")).unwrap();
    let line = package.lines().find(|line| line.trim_start().starts_with("version = ")).unwrap().to_owned();
    line.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn what_was_yanked_after_its_merge_is_gone_back_from() {
    let registry = registry();
    let bot = bot(&registry, "");
    bot.run_once().expect_code(0);
    release(&registry);
    bot.run_once().expect_code(0);
    assert_eq!(in_main(&bot, "lantern"), "1.1.0");
    registry.yank(shelf().get("lantern", "1.1.0"));
    bot.run_once().expect_code(0);
    assert_eq!((in_main(&bot, "lantern").as_str(), bot.stands("lantern")), ("1.0.0", at("1.0.0", "up_to_date")));
    assert!(
        bot.overlay().subjects("main")[0].contains("lantern: 1.1.0 -> 1.0.0"),
        "{:?}",
        bot.overlay().subjects("main")
    );
    let pages = bot.pages().into_values().collect::<Vec<_>>().join("\n");
    assert!(pages.contains("lantern: 1.1.0 -&gt; 1.0.0") || pages.contains("lantern: 1.1.0 -> 1.0.0"));
    bot.run_once().expect_code(0).expect_words(&["no commit"]);
}

#[test]
fn a_pull_request_for_what_was_yanked_is_closed() {
    let registry = registry();
    let bot = bot(&registry, "");
    bot.run_once().expect_code(0);
    bot.configure(&registry, &format!("[defaults]\nautomerge = \"never\"\n\n{CONFIGURATION}"));
    release(&registry);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.1.0", "open"));
    registry.yank(shelf().get("lantern", "1.1.0"));
    bot.run_once().expect_code(0).expect_words(&["withdrawn"]);
    assert_eq!(bot.stands("lantern").1, "waiting");
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.0.0", "up_to_date"));
}

#[test]
fn a_group_comes_in_one_pull_request_and_a_broken_member_keeps_nobody_back() {
    let registry = registry();
    let bot = bot(&registry, "[defaults]\ngroup = \"lights\"\n\n");
    bot.run_once().expect_code(0);
    let number = |attr: &str| bot.status_of(attr)["pull_request"].as_u64();
    assert_eq!([bot.stands("lantern").1, bot.stands("matches").1], ["up_to_date", "up_to_date"]);
    let branches: Vec<String> = bot.overlay().branches().into_keys().collect();
    assert_eq!(branches, ["main", "nixwright.groups/lights", "stable"]);
    let subjects = bot.overlay().subjects("main");
    assert!(subjects[0].starts_with("lights: 2 updates (#1)"), "{subjects:?}");

    registry.publish_at(shelf().get("matchbox", "1.1.0"), "2026-03-04T05:06:07Z");
    registry.publish_at(shelf().get("lantern", "2.0.0"), "2026-03-04T05:06:07Z");
    bot.run_once().expect_code(1);
    assert_eq!(bot.stands("matches"), at("1.1.0", "up_to_date"));
    assert_eq!(bot.stands("lantern"), at("2.0.0", "failed"));
    assert_eq!((in_main(&bot, "lantern").as_str(), in_main(&bot, "matches").as_str()), ("1.0.0", "1.1.0"));
    assert_eq!((number("lantern"), number("matches")), (Some(1), Some(2)), "each its newest");
}

#[test]
fn a_groups_open_pull_request_keeps_its_members_when_one_of_them_moves_on() {
    let registry = registry();
    let bot = bot(&registry, "[defaults]\ngroup = \"lights\"\nautomerge = \"never\"\n\n");
    bot.run_once().expect_code(0);
    release(&registry);
    bot.run_once().expect_code(0);
    let overlay = bot.overlay();
    let file = |attr: &str| overlay.file("nixwright.groups/lights", &format!("packages/{attr}/package.nix")).unwrap();
    assert!(file("lantern").contains("\"1.1.0\"") && file("matches").contains("\"1.0.0\""));
    assert_eq!([bot.stands("lantern").1, bot.stands("matches").1], ["open", "open"]);
    let before = overlay.branches();
    bot.run_once().expect_code(0);
    assert_eq!(overlay.branches(), before, "nothing new, nothing done");
}

#[test]
fn a_hold_says_why_and_ends_when_it_is_taken_away() {
    let registry = registry();
    let bot = bot(&registry, "");
    bot.run_once().expect_code(0);
    release(&registry);
    let held = format!("[[policy]]\nmatch = [\"lan*\"]\nhold = \"our scripts want the old one\"\n\n{CONFIGURATION}");
    bot.configure(&registry, &held);
    bot.run_once().expect_code(0).expect_words(&["our scripts want the old one"]);
    assert_eq!(bot.stands("lantern"), at("1.0.0", "held"));
    bot.configure(&registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.1.0", "up_to_date"));
}

#[test]
fn a_release_that_needs_a_newer_rust_is_not_built_and_the_one_that_would_build_is_named() {
    let registry = registry();
    let bot = bot(&registry, "");
    bot.run_once().expect_code(0);
    for (version, needs) in [("1.0.1", "1.56"), ("1.0.2", "1.999")] {
        let manifest = format!("version = \"{version}\"\nrust-version = \"{needs}\"");
        let matchbox = Fixture::read("matchbox").replace("Cargo.toml", "version = \"1.0.0\"", &manifest);
        let time = format!("2026-03-04T05:06:0{}Z", version.len());
        registry.publish_at(&matchbox.pack(), &time);
    }
    bot.run_once().expect_code(1);
    let row = bot.status_of("matches");
    assert_eq!((row["state"].as_str(), row["built"].as_u64()), (Some("failed"), Some(0)), "{row}");
    let reason = row["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("matchbox 1.0.2 needs Rust 1.999, and this package set has 1."), "{reason}");
    let would = "the newest release that Rust 1.";
    assert!(reason.contains(would) && reason.contains("can build is 1.0.1\n"), "{reason}");
    let number = row["pull_request"].as_u64().unwrap();
    for page in ["packages/matches.html".to_owned(), format!("pull-requests/{number}.html")] {
        let text = bot.pages().remove(&page).unwrap_or_else(|| panic!("there is no {page}"));
        assert!(text.contains(would), "{page}: {text}");
    }
    assert_eq!(in_main(&bot, "matches"), "1.0.0");
}

#[test]
fn quiet_hours_and_the_limit_let_releases_wait() {
    let registry = registry();
    let quiet = "[publish]\nquiet_hours = [\"Mon-Sun\"]\n\n";
    let bot = bot(&registry, quiet);
    bot.run_once().expect_code(0).expect_words(&["nothing is published at this hour"]);
    assert_eq!(bot.overlay().branches().keys().collect::<Vec<_>>(), ["main", "stable"]);
    let limited = "[publish]\nmax_open = 1\n\n[defaults]\nautomerge = \"never\"\n\n";
    bot.configure(&registry, &format!("{limited}{CONFIGURATION}"));
    bot.run_once().expect_code(0);
    bot.run_once().expect_code(0).expect_words(&["as many pull requests are open as may be"]);
    let states = ["lantern", "matches"].map(|attr| bot.stands(attr).1);
    assert_eq!(states.iter().filter(|state| *state == "open").count(), 1, "{states:?}");
}

#[test]
fn a_track_says_which_releases_are_taken_and_a_rule_of_merging_how_far_they_go_alone() {
    let registry = registry();
    let pinned = "[packages.lantern]\npurl = \"pkg:cargo/lantern\"\ntrack = \"exact\"\nversion = \"1.0.0\"\n\n\
                  [packages.matches]\npurl = \"pkg:cargo/matchbox\"\nautomerge = \"patch\"\n";
    let bot = Bot::new(&registry, pinned);
    release(&registry);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.0.0", "up_to_date"));
    assert_eq!(bot.stands("matches"), at("1.0.0", "open"), "a package that is new needs more than `patch`");
    let moving = "[packages.lantern]\npurl = \"pkg:cargo/lantern\"\nautomerge = \"minor\"\n\n\
                  [packages.matches]\npurl = \"pkg:cargo/matchbox\"\nautomerge = \"always\"\n";
    bot.configure(&registry, moving);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.1.0", "up_to_date"));
    assert_eq!(bot.stands("matches"), at("1.0.0", "up_to_date"), "and what waited is merged without a new build");
    bot.configure(&registry, pinned);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.0.0", "up_to_date"), "what is pinned goes back");
}

#[test]
fn a_change_to_what_all_packages_share_makes_open_pull_requests_stale() {
    let registry = registry();
    let bot = bot(&registry, "[defaults]\nautomerge = \"never\"\n\n");
    bot.run_once().expect_code(0);
    let before = bot.overlay().branches();
    // As a person's own improvement of the builders would be.
    let library = bot.overlay().file("main", "lib/smoke.nix").unwrap();
    bot.overlay().commit_as_person("main", "lib/extra.nix", &library);
    bot.run_once().expect_code(0);
    let after = bot.overlay().branches();
    for branch in ["nixwright/lantern", "nixwright/matches"] {
        assert_ne!(before[branch], after[branch], "{branch} was built on top of the change");
        assert!(bot.overlay().contains(branch, &after["main"]));
    }
    bot.run_once().expect_code(0);
    assert_eq!(bot.overlay().branches(), after, "and that is that");
}

#[test]
fn packages_that_main_lost_keep_stable_where_it_is() {
    let registry = registry();
    let bot = bot(&registry, "");
    bot.run_once().expect_code(0);
    let stable = bot.overlay().tip("stable").unwrap();
    bot.configure(&registry, &format!("[defaults]\nautomerge = \"never\"\n\n{CONFIGURATION}"));
    bot.overlay().remove_as_person("main", "packages");
    bot.run_once()
        .expect_code(1)
        .expect_words(&["main has lost 2 packages (lantern, matches)", "limits.dropped_packages"]);
    assert_eq!(bot.overlay().tip("stable"), Some(stable));
    // They come back with their next pull requests.
    bot.configure(&registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    assert_eq!(bot.overlay().tip("stable"), bot.overlay().tip("main"));
}
