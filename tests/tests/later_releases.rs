//! A package's life after its first release.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::process::{command, stdout_of};
use nixwright_tests::shelf::shelf;
use nixwright_tests::world::{CONFIGURATION, attribute, nix_of, registry};

#[test]
fn a_later_release_gives_one_pull_request_and_a_broken_one_leaves_the_last_good_version() {
    let registry = registry();
    let bot = Bot::new(&registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    let numbers = |bot: &Bot| ["lantern", "matches"].map(|attr| bot.status_of(attr)["pull_request"].as_u64().unwrap());
    let [first, matches] = numbers(&bot);
    let newest = first.max(matches);

    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
    let run = bot.run_once().expect_code(0);
    run.expect_words(&["lantern", "1.0.0", "1.1.0"]);
    assert_eq!(numbers(&bot), [newest + 1, matches], "exactly one new pull request, and none for the other package");
    let row = bot.status_of("lantern");
    assert_eq!((row["version"].as_str(), row["state"].as_str()), (Some("1.1.0"), Some("up_to_date")));
    let good = bot.overlay().branches();
    assert_eq!(good["stable"], good["main"]);
    let text = bot.pages().into_values().collect::<Vec<_>>().join("\n");
    for word in ["lantern: 1.0.0 -&gt; 1.1.0", "ember", "tint"] {
        assert!(text.contains(word) || text.contains(&word.replace("&gt;", ">")), "{word} is on no page");
    }

    registry.publish_at(shelf().get("lantern", "2.0.0"), "2026-03-05T05:06:07Z");
    bot.run_once().expect_code(1).expect_words(&["lantern", "2.0.0"]);
    assert_eq!(numbers(&bot), [newest + 2, matches]);
    let row = bot.status_of("lantern");
    assert_eq!(row["state"], "failed", "{row}");
    assert_eq!(bot.status_of("matches")["state"], "up_to_date", "the other package is as it was");
    let after = bot.overlay().branches();
    assert_eq!((&after["main"], &after["stable"]), (&good["main"], &good["stable"]), "nothing was merged");
    let package = bot.overlay().file("main", "packages/lantern/package.nix").unwrap();
    assert!(package.contains("\"1.1.0\""), "{package}");
    let text = bot.pages().into_values().collect::<Vec<_>>().join("\n");
    assert!(text.contains("this release does not build"), "the compiler's message is on the run's page");

    // Remembered, and not tried again at once, unless somebody asks.
    bot.run_once().expect_code(0).expect_words(&["next attempt"]);
    assert_eq!(bot.overlay().branches(), after);
    assert_eq!(numbers(&bot), [newest + 2, matches]);
    let asked = bot.call(&["run", "--once", "lantern"]).expect_code(1).expect_words(&["1 package:", "1 failed"]);
    assert!(!asked.stdout.contains("matches"), "{asked}");
    bot.call(&["run", "--once", "lamp"]).expect_code(2).expect_words(&["no package lamp", "lantern, matches"]);
    bot.call(&["run", "lantern"]).expect_code(2).expect_words(&["--once"]);

    let mended = shelf().get("lantern", "1.1.0");
    registry.publish_at(&mended_as(mended, "2.0.1"), "2026-03-06T05:06:07Z");
    bot.run_once().expect_code(0);
    let row = bot.status_of("lantern");
    assert_eq!((row["version"].as_str(), row["state"].as_str()), (Some("2.0.1"), Some("up_to_date")), "{row}");
    assert_eq!(numbers(&bot), [newest + 2, matches], "a newer release updates the pull request that is open");
}

#[test]
fn a_persons_overrides_are_applied_and_never_touched() {
    let registry = registry();
    let bot = Bot::new(&registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    let overrides =
        "{ pkgs }: {\n  env.LANTERN_NOTE = \"by hand\";\n  postInstall = \"echo person > $out/person\";\n}\n";
    let commit = bot.overlay().commit_as_person("main", "packages/lantern/overrides.nix", overrides);

    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
    bot.run_once().expect_code(0);
    let overlay = bot.overlay();
    assert_eq!(overlay.file("main", "packages/lantern/overrides.nix").as_deref(), Some(overrides));
    assert!(overlay.contains("main", &commit), "the person's commit is part of main's history");

    let home = tempfile::tempdir().unwrap();
    let installable = format!("{}#{}", overlay.flake("main"), attribute("lantern"));
    let out = nix_of(&bot).build(home.path(), &installable);
    assert_eq!(std::fs::read_to_string(format!("{out}/person")).unwrap(), "person\n");
    let report = stdout_of(&mut command(format!("{out}/bin/lantern")));
    assert!(report.contains("version=1.1.0\n") && report.contains("note=by hand\n"), "{report}");
}

#[test]
fn a_package_file_that_a_person_took_over_is_left_alone_and_stops_no_other_package() {
    let registry = registry();
    let bot = Bot::new(&registry, CONFIGURATION);
    bot.run_once().expect_code(0);
    let by_hand = "{ buildCargoPackage }: throw \"mine now\"\n";
    bot.overlay().commit_as_person("main", "packages/lantern/package.nix", by_hand);

    bot.run_once().expect_code(1).expect_words(&["packages/lantern/package.nix", "overrides.nix"]);
    assert_eq!(bot.overlay().file("main", "packages/lantern/package.nix").as_deref(), Some(by_hand));
    assert_eq!(bot.status_of("lantern")["state"], "failed");
    assert_eq!(bot.status_of("matches")["state"], "up_to_date");
}

#[test]
fn a_persons_commit_on_a_package_branch_is_not_overwritten() {
    let registry = registry();
    let bot = Bot::new(&registry, &format!("[defaults]\nautomerge = \"never\"\n\n{CONFIGURATION}"));
    bot.run_once().expect_code(0);
    assert_eq!(bot.status_of("lantern")["state"], "open", "green, and waiting for a person");
    let commit = bot.overlay().commit_as_person("nixwright/lantern", "packages/lantern/notes.txt", "mine\n");
    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
    let run = bot.run_once();
    assert!(bot.overlay().contains("nixwright/lantern", &commit), "{run}");
    assert!(run.output().contains("nixwright/lantern"), "it says which branch it left alone: {run}");
}

#[test]
fn the_same_input_gives_the_same_commits_in_another_place() {
    let folders = [(); 2].map(|()| {
        let registry = registry();
        let bot = Bot::new(&registry, CONFIGURATION);
        bot.run_once().expect_code(0);
        bot.overlay().branches()
    });
    assert_eq!(folders[0], folders[1]);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let registry = registry();
    let bot = Bot::new(&registry, CONFIGURATION);
    bot.call(&["run", "--once", "--dry-run"]).expect_code(0).expect_words(&["lantern", "1.0.0"]);
    let overlay = bot.state().join("overlay.git");
    assert!(!overlay.exists() || bot.overlay().tip("nixwright/lantern").is_none());
    assert!(registry.take_requests().iter().any(|request| request.path.starts_with("/index/")));
}

/// The same files as another version, with the lock of the original.
fn mended_as(packed: &nixwright_tests::fixture::PackedCrate, version: &str) -> nixwright_tests::fixture::PackedCrate {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = packed.unpack(folder.path());
    let lock = std::fs::read_to_string(unpacked.join("Cargo.lock")).unwrap();
    let own = format!("name = \"lantern\"\nversion = \"{}\"", packed.version);
    let lock = lock.replace(&own, &format!("name = \"lantern\"\nversion = \"{version}\""));
    Fixture::read_folder(&unpacked).version(version).file("Cargo.lock", lock).pack()
}
