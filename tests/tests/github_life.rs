//! The whole life of pull requests on GitHub, driven by the program as people run it.

use std::time::Duration;

use nixwright_tests::github::{Call, Fault, GitHub, Settings};
use nixwright_tests::on_github::{bot_on, open_pull_of, pulls_of};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{CONFIGURATION, registry};

fn release(registry: &Registry) {
    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
}

fn at(version: &str, state: &str) -> (String, String) {
    (version.to_owned(), state.to_owned())
}

#[test]
fn opened_updated_taken_over_closed_reopened_merged_and_gone_back_from() {
    let github = GitHub::start();
    let registry = registry();
    let bot = bot_on(&github, &registry, &format!("[defaults]\nmaintainers = [\"alice\"]\n\n{CONFIGURATION}"));

    // Opened.
    bot.run_once().expect_code(0);
    let lantern = open_pull_of(&github, "lantern");
    assert_eq!((lantern.title.as_str(), lantern.draft), ("lantern: init at 1.0.0", false));
    assert_eq!(
        (&lantern.labels[..], &lantern.reviewers[..]),
        (&["nixwright".to_owned()][..], &["alice".to_owned()][..])
    );
    let statuses = github.statuses(&lantern.head_sha);
    assert_eq!(statuses.last().map(|status| status.state.as_str()), Some("success"), "{statuses:?}");
    assert!(statuses.iter().any(|status| status.state == "pending"), "it was shown while it was built: {statuses:?}");
    assert!(statuses[0].context.starts_with("nixwright/x86_64-linux"), "{statuses:?}");
    assert_eq!(bot.stands("lantern"), at("1.0.0", "open"));
    assert_eq!(bot.status_of("lantern")["pull_request"], lantern.number);
    let readme = bot.overlay().file("main", "README.md").unwrap();
    assert_eq!(readme, "An overlay.\n", "what the repository's owner wrote is theirs");

    // Nothing new, nothing written.
    github.forget_requests();
    bot.run_once().expect_code(0).expect_words(&["waits for a person"]);
    assert_eq!(github.writes(), [], "a cycle without news writes nothing");

    // A newer release updates it in place.
    release(&registry);
    bot.run_once().expect_code(0);
    let updated = open_pull_of(&github, "lantern");
    assert_eq!((updated.number, updated.title.as_str()), (lantern.number, "lantern: init at 1.1.0"));
    assert_ne!(updated.head_sha, lantern.head_sha);
    assert_eq!((github.comments(lantern.number).len(), github.open_pulls().len()), (0, 2), "edited, not piled up");

    // A person's commit is kept, and the bot says so once.
    let theirs = github.commit_as_person("nixwright/lantern", "packages/lantern/overrides.nix", "{ pkgs }: { }\n");
    registry.publish_at(shelf().get("lantern", "2.0.0"), "2026-03-05T05:06:07Z");
    for _ in 0..2 {
        bot.run_once().expect_code(0).expect_words(&["nixwright/lantern", "left to them"]);
    }
    let taken = open_pull_of(&github, "lantern");
    assert_eq!((&taken.head_sha, taken.title.as_str()), (&theirs, "lantern: init at 1.1.0"));

    // Closed means: not this version. Reopened means: go on.
    let matches = open_pull_of(&github, "matches").number;
    github.close(matches);
    bot.run_once().expect_code(0).expect_words(&["not this version"]);
    assert_eq!(pulls_of(&github, "matches").len(), 1);
    assert_eq!(bot.stands("matches").1, "waiting");
    github.reopen(matches);
    bot.run_once().expect_code(0);
    assert_eq!((pulls_of(&github, "matches").len(), bot.stands("matches")), (1, at("1.0.0", "open")));
    github.close(matches);
    registry.publish_at(shelf().get("matchbox", "1.1.0"), "2026-03-06T05:06:07Z");
    bot.run_once().expect_code(0);
    let second = open_pull_of(&github, "matches");
    assert!(second.number > matches && second.title == "matches: init at 1.1.0", "{second:?}");

    // Merged by a person, and followed.
    github.merge(second.number);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("matches"), at("1.1.0", "up_to_date"));
    assert_eq!(bot.overlay().tip("main"), github.branch("main"));

    // Yanked after that: a pull request that goes back.
    registry.yank(shelf().get("matchbox", "1.1.0"));
    bot.run_once().expect_code(0);
    let back = open_pull_of(&github, "matches");
    assert_eq!(back.title, "matches: 1.1.0 -> 1.0.0");
    github.merge(back.number);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("matches"), at("1.0.0", "up_to_date"));
}

#[test]
fn what_may_be_merged_is_merged_at_once_or_when_the_forges_checks_are_green() {
    let github = GitHub::start();
    let registry = registry();
    let bot = bot_on(&github, &registry, &format!("[defaults]\nautomerge = \"always\"\n\n{CONFIGURATION}"));
    bot.run_once().expect_code(0);
    assert!(github.pulls().iter().all(|pull| pull.merged), "{:#?}", github.pulls());
    assert_eq!(bot.stands("lantern"), at("1.0.0", "up_to_date"));
    let stable = github.branch("stable");
    assert_eq!((stable.is_some(), &stable), (true, &github.branch("main")));

    // With a check of the repository's own, GitHub merges by itself later.
    github.configure(|settings| settings.required_checks = vec!["ci".to_owned()]);
    release(&registry);
    bot.run_once().expect_code(0);
    let pull = open_pull_of(&github, "lantern");
    assert!(pull.auto_merge.is_some(), "{pull:#?}");
    assert_eq!(bot.stands("lantern"), at("1.1.0", "open"));
    bot.run_once().expect_code(0).expect_words(&["waits for the forge"]);
    github.check(&pull.head_sha, "ci", Some("success"));
    assert!(github.pull(pull.number).merged);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.1.0", "up_to_date"));
}

#[test]
fn a_persons_own_pull_request_for_the_same_release_is_seen_and_not_doubled() {
    let github = GitHub::start();
    let registry = registry();
    let bot = bot_on(&github, &registry, CONFIGURATION);
    let package = "{ buildCargoPackage }:\nbuildCargoPackage {\n  version = \"1.0.0\";\n}\n";
    let number =
        github.open_pull_from_fork("carol", "lantern", "Bring lantern", ("packages/lantern/package.nix", package));
    bot.run_once().expect_code(0).expect_words(&[&format!("pull request {number} of carol brings it already")]);
    assert_eq!(pulls_of(&github, "lantern").iter().filter(|pull| pull.author != "carol").count(), 0);
    open_pull_of(&github, "matches");
    github.close(number);
    bot.run_once().expect_code(0);
    open_pull_of(&github, "lantern");
}

#[test]
fn a_base_that_moved_under_an_open_pull_request_makes_it_anew_only_where_it_matters() {
    let github = GitHub::start();
    let registry = registry();
    let bot = bot_on(&github, &registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    let before = open_pull_of(&github, "lantern");
    github.push_to_main("NOTES.md", "nothing that is built\n");
    bot.run_once().expect_code(0);
    assert_eq!(open_pull_of(&github, "lantern").head_sha, before.head_sha, "no noise");
    github.push_to_main("lib/extra.nix", "{ }\n");
    bot.run_once().expect_code(0);
    let after = open_pull_of(&github, "lantern");
    assert_eq!(after.number, before.number);
    assert_ne!(after.head_sha, before.head_sha);
    assert!(bot.overlay().contains("nixwright/lantern", &github.branch("main").unwrap()));
}

#[test]
fn what_a_person_merged_and_reverted_is_left_alone() {
    let github = GitHub::start();
    let registry = registry();
    let bot = bot_on(&github, &registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    github.merge(open_pull_of(&github, "lantern").number);
    let before = bot.overlay();
    bot.run_once().expect_code(0);
    let old = ["package.nix", "graph.json"].map(|name| {
        let path = format!("packages/lantern/{name}");
        let text = before.file("main", &path).unwrap();
        (path, text)
    });
    release(&registry);
    bot.run_once().expect_code(0);
    github.merge(open_pull_of(&github, "lantern").number);
    bot.run_once().expect_code(0);
    assert_eq!(bot.stands("lantern"), at("1.1.0", "up_to_date"));
    for (path, text) in &old {
        github.push_to_main(path, text);
    }
    bot.run_once().expect_code(0).expect_words(&["was merged and taken back"]);
    assert_eq!(pulls_of(&github, "lantern").iter().filter(|pull| pull.is_open()).count(), 0);
}

#[test]
fn without_its_store_the_bot_still_knows_what_is_on_github() {
    let github = GitHub::start();
    let registry = registry();
    let first = bot_on(&github, &registry, CONFIGURATION);
    first.run_once().expect_code(0);
    let matches = open_pull_of(&github, "matches").number;
    github.close(matches);
    // As a run on a schedule would be whose cache was thrown away.
    let second = bot_on(&github, &registry, CONFIGURATION);
    second.run_once().expect_code(0).expect_words(&["not this version"]);
    assert_eq!((pulls_of(&github, "lantern").len(), pulls_of(&github, "matches").len()), (1, 1));
    assert_eq!(github.branch("nixwright/lantern"), first.overlay().tip("nixwright/lantern"), "the same commit");
}

#[test]
fn a_forge_that_fails_is_asked_again_and_nothing_is_doubled() {
    let create = || Call::rest("POST", "/repos/{owner}/{repo}/pulls");
    let list = || Call::rest("GET", "/repos/{owner}/{repo}/pulls");
    for (call, fault) in [
        (create(), Fault::BadGateway),
        (create(), Fault::BadGatewayAfterWork),
        (create(), Fault::CutAfterWork),
        (Call::Push, Fault::CutAfterWork),
        (Call::Push, Fault::BadGateway),
        (list(), Fault::Stale(2)),
        (list(), Fault::BadGateway),
        (Call::rest("POST", "/repos/{owner}/{repo}/statuses/{sha}"), Fault::BadGatewayAfterWork),
        (Call::graphql("markPullRequestReadyForReview"), Fault::BadGatewayAfterWork),
        (Call::Api, Fault::RateLimit(Duration::from_secs(3600))),
        (Call::Api, Fault::TokenExpired),
    ] {
        let github = GitHub::start();
        let registry = registry();
        let bot = bot_on(&github, &registry, "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n");
        github.stage(call.clone(), fault.clone(), 1);
        let first = bot.run_once();
        assert!(matches!(first.code, Some(0 | 1)), "{call:?} {fault:?}: {first}");
        if fault == Fault::TokenExpired {
            assert!(first.output().contains("401") && first.code == Some(1), "{first}");
            continue;
        }
        github.heal();
        // Whatever was left undone is done when somebody asks for it, and only once.
        let asked = bot.call(&["run", "--once", "matches"]);
        bot.run_once();
        let told = format!("{call:?} {fault:?}\n{first}\n{asked}");
        let pulls = pulls_of(&github, "matches");
        assert_eq!(pulls.len(), 1, "{told}");
        assert!(pulls[0].is_open() && !pulls[0].draft, "{told}");
        assert_eq!(bot.stands("matches"), at("1.0.0", "open"), "{told}");
    }
}

#[test]
fn two_writes_are_a_second_apart_unless_the_configuration_says_otherwise() {
    let github = GitHub::with(Settings { ..Settings::default() });
    let registry = registry();
    let one = "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\n";
    let bot = bot_on(&github, &registry, one);
    let text = std::fs::read_to_string(bot.configuration()).unwrap();
    bot.write_configuration(&text.replace("write_interval = \"0s\"\n", ""));
    bot.run_once().expect_code(0);
    let pause = github.shortest_pause().unwrap();
    assert!(pause >= Duration::from_millis(950), "{pause:?}");
}

#[test]
fn a_group_has_one_pull_request_that_is_updated_and_followed() {
    let github = GitHub::start();
    let registry = registry();
    let grouped = format!("[defaults]\ngroup = \"lights\"\nmaintainers = [\"alice\"]\n\n{CONFIGURATION}");
    let bot = bot_on(&github, &registry, &grouped);
    bot.run_once().expect_code(0);
    let [pull] = &github.open_pulls()[..] else { panic!("{:#?}", github.open_pulls()) };
    assert_eq!(
        (pull.head.as_str(), pull.title.as_str(), pull.draft),
        ("nixwright.groups/lights", "lights: 2 updates", false)
    );
    let body = pull.body.as_deref().unwrap_or_default();
    assert!(body.contains("## lantern") && body.contains("## matches"), "{body}");

    release(&registry);
    bot.run_once().expect_code(0);
    let [updated] = &github.open_pulls()[..] else { panic!("{:#?}", github.open_pulls()) };
    assert_eq!(updated.number, pull.number);
    assert!(updated.body.as_deref().unwrap_or_default().contains("lantern@1.1.0"), "{updated:#?}");

    // Another bot, without the store of the first, knows what is in it.
    let second = bot_on(&github, &registry, &grouped);
    second.run_once().expect_code(0);
    assert_eq!(github.open_pulls().len(), 1);
    github.merge(updated.number);
    second.run_once().expect_code(0);
    assert_eq!(
        [second.stands("lantern"), second.stands("matches")],
        [at("1.1.0", "up_to_date"), at("1.0.0", "up_to_date")]
    );
    assert_eq!(second.status_of("matches")["pull_request"], updated.number);
}
