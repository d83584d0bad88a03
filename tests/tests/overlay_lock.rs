//! The overlay lock: one pull request unifies what packages depend on, as far as each allows, and what is built alike is built once.

use nixwright_tests::bot::{Bot, nixwright};
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::github::{GitHub, Pull};
use nixwright_tests::on_github::bot_on;
use nixwright_tests::process::{Finished, command, files_of, run, stdout_of, write_file};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::locked;
use nixwright_tests::world::{attribute, nix_of};
use serde_json::Value;

/// A crate of these files; those of a test's own are new to every store by their comment.
fn fixture(files: &str) -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files_of(files) {
        write_file(&folder.path().join(path), content);
    }
    Fixture::read_folder(folder.path())
}

fn grain(version: &str, salt: &str) -> PackedCrate {
    let text = "-- Cargo.toml --\n[package]\nname = \"grain\"\nversion = \"VERSION\"\nedition = \"2021\"\nSALT\n\
                -- src/lib.rs --\npub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\n";
    fixture(&text.replace("VERSION\"\ne", &format!("{version}\"\ne")).replace("SALT", salt)).pack()
}

fn mill(salt: &str) -> PackedCrate {
    let text = "-- Cargo.toml --\n[package]\nname = \"mill\"\nversion = \"1.0.0\"\nedition = \"2021\"\nSALT\n[dependencies]\ngrain = { version = \"1\" }\n\
                -- src/lib.rs --\npub fn flour() -> String { format!(\"flour of {}\", grain::VERSION) }\n";
    fixture(&text.replace("SALT", salt)).pack()
}

/// A program that says of which grain it is.
fn program(name: &str, version: &str, dependencies: &str, says: &str) -> Fixture {
    fixture(&format!(
        "-- Cargo.toml --\n[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n[dependencies]\n{dependencies}\n\
         -- src/main.rs --\nfn main() {{ println!(\"{name} {version}: {{}}\", {says}) }}\n"
    ))
}

const MILL: (&str, &str) = ("mill = { version = \"1\" }", "mill::flour()");

fn output_of(bot: &Bot, attr: &str) -> String {
    let built = bot.call(&["build", attr]).expect_code(0);
    stdout_of(&mut command(format!("{}/bin/{attr}", built.stdout.trim()))).trim().to_owned()
}

fn graph(bot: &Bot, attr: &str) -> Value {
    let text =
        bot.overlay().file("main", &format!("packages/{attr}/graph.json")).expect("the package is in the overlay");
    serde_json::from_str(&text).expect("JSON")
}

/// A registry in which two programs have locked two versions of what both depend on, one allows only the old one, one has no
/// lock, and one does not share.
fn registry(salt: &str) -> Registry {
    let registry = Registry::with([&grain("1.0.0", salt), &mill(salt)]);
    let (dependency, says) = MILL;
    registry.publish(&locked(program("loaf", "1.0.0", dependency, says), &registry).pack());
    registry.publish(&locked(program("plain", "1.0.0", dependency, says), &registry).pack());
    registry.publish(
        &locked(program("rye", "1.0.0", "grain = { version = \"=1.0.0\" }", "grain::VERSION"), &registry).pack(),
    );
    registry.publish(&grain("1.1.0", salt));
    registry.publish(&locked(program("cake", "1.0.0", dependency, says), &registry).pack());
    registry.publish(&program("oats", "1.0.0", "grain = { version = \"1\" }", "grain::VERSION").pack());
    registry
}

const CONFIGURATION: &str = "\
[defaults]
lock = \"overlay\"
strategy = \"shared\"
[packages.cake]
purl = \"pkg:cargo/cake\"
[packages.loaf]
purl = \"pkg:cargo/loaf\"
[packages.oats]
purl = \"pkg:cargo/oats\"
[packages.plain]
purl = \"pkg:cargo/plain\"
lock = \"upstream\"
[packages.rye]
purl = \"pkg:cargo/rye\"
";

#[test]
fn packages_that_share_a_lock_are_unified_in_one_pull_request() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let salt = format!("# {} {}", std::process::id(), folder.path().display());
    let registry = registry(&salt);
    let bot = Bot::new(&registry, CONFIGURATION);
    let first = bot.run_once().expect_code(0);
    // Of the four that share: grain twice, mill over each of them, and four programs.
    first.expect_words(&["updates the overlay lock, merged", "8 units of 4 packages before, 7 after"]);
    for (attr, says) in [
        ("cake", "cake 1.0.0: flour of 1.1.0"),
        ("loaf", "loaf 1.0.0: flour of 1.1.0"),
        ("oats", "oats 1.0.0: 1.1.0"),
        ("plain", "plain 1.0.0: flour of 1.0.0"),
        ("rye", "rye 1.0.0: 1.0.0"),
    ] {
        assert_eq!(output_of(&bot, attr), says);
    }
    let pages = bot.pages().into_values().collect::<Vec<_>>().join("\n");
    for words in ["with this", "(12 % fewer)", "stays with its own lock: upstream ships no Cargo.lock"] {
        assert!(pages.contains(words), "{words} is in no page");
    }
    let overlay = bot.overlay();
    let subjects = overlay.subjects("main");
    assert!(subjects.iter().any(|subject| subject.contains("unify what 4 packages depend on")), "{subjects:#?}");
    let lock: Value = serde_json::from_str(&overlay.file("main", "locks/cargo.json").expect("the lock")).expect("JSON");
    let versions: Vec<&String> = lock["crates"]["grain"].as_object().expect("versions").keys().collect();
    assert_eq!(versions, ["1.1.0"]);
    let shared = ["cake", "loaf"].map(|attr| graph(&bot, attr)["packages"]["grain-1.1.0"].clone());
    assert_eq!(shared[0], shared[1]);
    // cargo takes the lock as it is.
    let installable = format!("{}#{}.strategies.vendored", overlay.flake("main"), attribute("loaf"));
    nix_of(&bot).build(&bot.state(), &installable);

    let tip = overlay.tip("main");
    let again = bot.run_once().expect_code(0);
    assert_eq!(overlay.tip("main"), tip, "{again}");

    // A release whose own lock is behind stays within what the overlay has, and changes nothing but itself.
    let old = Registry::with([&grain("1.0.0", &salt), &mill(&salt)]);
    let (dependency, says) = MILL;
    registry.publish(&locked(program("loaf", "1.1.0", dependency, says), &old).pack());
    let later = bot.run_once().expect_code(0);
    assert_eq!(output_of(&bot, "loaf"), "loaf 1.1.0: flour of 1.1.0");
    assert!(!later.output().contains("overlay lock"), "{later}");
    let row = bot.status_of("loaf");
    assert_eq!((row["built"].as_u64(), row["reused"].as_u64()), (Some(1), Some(2)), "{row}");
}

#[test]
fn a_lock_that_a_person_closed_stays_closed_when_main_moves() {
    let (github, registry) = (GitHub::start(), registry(""));
    let bot = bot_on(&github, &registry, CONFIGURATION);
    let merge_all = || {
        bot.run_once().expect_code(0);
        for pull in github.pulls().into_iter().filter(Pull::is_open) {
            github.merge(pull.number);
        }
    };
    merge_all();
    bot.run_once()
        .expect_code(0)
        .expect_words(&["updates the overlay lock: open", "8 units of 4 packages before, 7 after"]);
    let of_lock =
        || -> Vec<Pull> { github.pulls().into_iter().filter(|pull| pull.head == "nixwright.locks").collect() };
    let [pull] = &of_lock()[..] else { panic!("one pull request: {:#?}", of_lock()) };
    let body = pull.body.clone().unwrap_or_default();
    assert!(body.contains("| now | 8 |") && body.contains("stays with its own lock"), "{body}");
    github.close(pull.number);
    let (dependency, says) = MILL;
    registry.publish(&locked(program("plain", "1.1.0", dependency, says), &registry).pack());
    merge_all();
    bot.run_once().expect_code(0).expect_words(&["updates the overlay lock: closed", "no commit"]);
    assert_eq!(of_lock().len(), 1);
    assert!(!of_lock()[0].is_open());
}

#[test]
fn what_a_lock_for_all_would_save_is_said_before_there_is_one() {
    let registry = registry("");
    let home = tempfile::tempdir().expect("a temporary folder");
    let ask = |arguments: &[&str]| {
        let mut command = nixwright();
        command.arg("lock").args(arguments).env("XDG_CACHE_HOME", home.path()).current_dir(home.path());
        run(command.env("NIXWRIGHT_CRATES_INDEX", registry.index_url()))
    };
    let said = ask(&["pkg:cargo/loaf", "pkg:cargo/cake", "pkg:cargo/oats"]).expect_code(0);
    said.expect_words(&[
        "loaf  1.0.0       1 dependencies of another version",
        "cake  1.0.0       as its own lock has it",
        "oats  1.0.0       stays with its own lock: upstream ships no Cargo.lock",
        "3 programs together: 7 units with a lock each, 5 with one for all",
    ]);
    let json = ask(&["pkg:cargo/loaf", "pkg:cargo/cake", "--json"]).expect_code(0);
    let report: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((report["units_before"].as_u64(), report["units_after"].as_u64()), (Some(6), Some(4)));
    ask(&["pkg:npm/svgo"]).expect_code(2).expect_words(&["pkg:npm/svgo: only crates"]);
    ask(&[]).expect_code(2).expect_words(&["nixwright.toml"]);
    write_file(&home.path().join("nixwright.toml"), "[packages.a]\npurl = \"pkg:cargo/a\"\n");
    ask(&[]).expect_code(2).expect_words(&["no package of nixwright.toml has `lock = \"overlay\"`"]);
}

/// What `nixwright lock` says of these crates.
fn lock_of(registry: &Registry, purls: &[&str]) -> Finished {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = nixwright();
    command.arg("lock").args(purls).env("XDG_CACHE_HOME", home.path()).current_dir(home.path());
    run(command.env("NIXWRIGHT_CRATES_INDEX", registry.index_url()))
}

#[test]
fn what_was_taken_back_comes_in_through_nobodys_lock() {
    let registry = registry("");
    registry.yank(&grain("1.1.0", ""));
    let said = lock_of(&registry, &["pkg:cargo/loaf", "pkg:cargo/cake"]).expect_code(0);
    said.expect_words(&[
        "loaf  1.0.0       as its own lock has it",
        "cake  1.0.0       1 dependencies of another version",
    ]);
    // Where there is nothing else, what was locked stays.
    registry.yank(&grain("1.0.0", ""));
    let said = lock_of(&registry, &["pkg:cargo/loaf", "pkg:cargo/cake"]).expect_code(0);
    said.expect_words(&["loaf  1.0.0       as its own lock has it", "cake  1.0.0       as its own lock has it"]);
}

#[test]
fn a_package_that_cannot_join_is_named_with_cargos_reason() {
    let registry = registry("");
    let salted = "grain = { version = \"1\" }\nsalt = { version = \"1\" }";
    let salt = fixture(
        "-- Cargo.toml --\n[package]\nname = \"salt\"\nversion = \"1.0.0\"\nedition = \"2021\"\n-- src/lib.rs --\n",
    );
    registry.publish(&salt.pack());
    // Its lock was made before it came to need salt.
    let stale = locked(program("crumb", "1.0.0", "grain = { version = \"1\" }", "grain::VERSION"), &registry).replace(
        "Cargo.toml",
        "grain = { version = \"1\" }",
        salted,
    );
    registry.publish(&stale.pack());
    let said = lock_of(&registry, &["pkg:cargo/crumb", "pkg:cargo/loaf", "pkg:cargo/cake"]).expect_code(0);
    said.expect_words(&[
        "crumb  1.0.0       stays with its own lock: ",
        "`salt`",
        "required by package `crumb v1.0.0",
        "loaf   1.0.0       1 dependencies of another version",
    ]);
}
