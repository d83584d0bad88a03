//! `nixwright add`: what it shows, what it writes, and everything that can be wrong, each with its message.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use nixwright_tests::bot::{Bot, nixwright};
use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::process::{Finished, command, files_below, run, write_file};
use nixwright_tests::registry::{Fault, Registry};
use nixwright_tests::shelf::shelf;
use serde_json::Value;

const FD: &str = "# Mine.\n\n[packages.other] # first\npurl = \"pkg:cargo/other\"\n#lto = \"fat\"\n\n# All.\n[defaults]\nlto = 'off'\n";

#[test]
fn an_entry_is_put_after_the_others_and_the_next_cycle_follows_it() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, "[defaults] # all\nlto = 'off'\n");
    let before = text(&bot);
    let said = bot.call(&["add", "pkg:cargo/matchbox"]).expect_code(0);
    insta::assert_snapshot!(shown(&said, &bot), @r#"
    matchbox 1.0.0 (pkg:cargo/matchbox)
      description  The smallest program: nothing but std
      licence      MIT
      binaries     matchbox

    added to DIR/nixwright.toml, line 10:

    + # The smallest program: nothing but std (MIT)
    + [packages.matchbox]
    + purl = "pkg:cargo/matchbox"

    next: nixwright -c DIR/nixwright.toml run --once
    "#);
    let entry = "\n# The smallest program: nothing but std (MIT)\n[packages.matchbox]\npurl = \"pkg:cargo/matchbox\"\n";
    assert_eq!(text(&bot), format!("{before}{entry}"));
    bot.call(&["run", "--once", "--dry-run"]).expect_code(0).expect_words(&["matchbox", "1.0.0", "would update"]);
}

#[test]
fn a_dry_run_shows_the_change_and_leaves_the_file() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, FD);
    let before = text(&bot);
    let said = bot.call(&["add", "pkg:cargo/Matchbox", "--name", "matches", "--dry-run"]).expect_code(0);
    insta::assert_snapshot!(shown(&said, &bot), @r#"
    matchbox 1.0.0 (pkg:cargo/matchbox)
      description  The smallest program: nothing but std
      licence      MIT
      binaries     matchbox

    would be added to DIR/nixwright.toml, line 13:

    + # The smallest program: nothing but std (MIT)
    + [packages.matches]
    + purl = "pkg:cargo/matchbox"

    nothing was written; leave out `--dry-run` to write it
    "#);
    assert_eq!(text(&bot), before);
}

#[test]
fn json_says_the_same_to_programs() {
    let registry = shelf().registry();
    registry.publish(shelf().get("lantern", "1.0.0"));
    let bot = Bot::new(&registry, FD);
    let arguments =
        ["add", "pkg:cargo/lantern", "--features", "full", "--no-default-features", "--binaries", "lantern-dump"];
    let said = bot.call(&[&arguments[..], &["--json"]].concat()).expect_code(0);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    insta::assert_snapshot!(shown(&said, &bot), @r##"
    {
      "attr": "lantern",
      "purl": "pkg:cargo/lantern",
      "version": "1.0.0",
      "description": "A lantern that shows ${builtins.abort \"an escape\"} and ''quotes'', \"quotes\", \\ and `ticks`; <b>bold</b> @someone #1 $(touch /tmp/nixwright-escape)",
      "license": "MIT OR Apache-2.0",
      "homepage": "http://registry.example/lantern?a=1&b=\"2\"",
      "repository": "http://registry.example/lantern.git",
      "binaries": [
        "lantern-dump"
      ],
      "waits": null,
      "file": "DIR/nixwright.toml",
      "line": 13,
      "entry": "# A lantern that shows ${builtins.abort \"an escape\"} and ''quotes'', \"quotes\", \\ … (MIT OR Apache-2.0, http://registry.example/lantern?a=1&b=\"2\")\n[packages.lantern]\npurl = \"pkg:cargo/lantern\"\nfeatures = [\"full\"]\nno_default_features = true\nbinaries = [\"lantern-dump\"]",
      "written": true
    }
    "##);
    assert!(text(&bot).contains(report["entry"].as_str().unwrap()));
    bot.call(&["check-config"]).expect_code(0).expect_words(&["2 packages"]);
}

#[test]
fn mode_line_ends_and_links_stay() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, FD);
    let before = text(&bot).replace('\n', "\r\n");
    let real = bot.state().with_file_name("real.toml");
    write_file(&real, &before);
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::remove_file(bot.configuration()).unwrap();
    symlink("real.toml", bot.configuration()).unwrap();
    bot.call(&["add", "pkg:cargo/matchbox"]).expect_code(0);
    let after = text(&bot);
    assert_eq!(after.matches("\r\n").count(), after.matches('\n').count());
    assert_eq!(after.lines().filter(|line| before.contains(line)).count(), after.lines().count() - 3);
    assert!(bot.configuration().is_symlink());
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let folder = real.parent().unwrap();
    let left = files_below(folder).into_iter().filter(|path| path.to_string_lossy().contains("incomplete")).count();
    assert_eq!(left, 0);
}

#[test]
fn without_a_configuration_one_is_created() {
    let registry = with_matchbox();
    let folder = tempfile::tempdir().unwrap();
    let add = |arguments: &[&str]| {
        let mut command = nixwright();
        command.arg("add").args(arguments).current_dir(folder.path());
        run(command.env("NIXWRIGHT_CRATES_INDEX", registry.index_url()))
    };
    let said = add(&["pkg:cargo/matchbox", "--dry-run"]).expect_code(0);
    insta::assert_snapshot!(said.stdout, @r#"
    matchbox 1.0.0 (pkg:cargo/matchbox)
      description  The smallest program: nothing but std
      licence      MIT
      binaries     matchbox

    nixwright.toml would be created:

    + # What Nixwright follows: a section for each package of the overlay.
    + # `nixwright check-config` says whether this file is right.
    +
    + # The smallest program: nothing but std (MIT)
    + [packages.matchbox]
    + purl = "pkg:cargo/matchbox"

    nothing was written; leave out `--dry-run` to write it
    "#);
    let file = folder.path().join("nixwright.toml");
    assert!(!file.exists());
    let said = add(&["pkg:cargo/matchbox"]).expect_code(0);
    said.expect_words(&["nixwright.toml was not there and has been created", "next: nixwright run --once"]);
    insta::assert_snapshot!(std::fs::read_to_string(&file).unwrap(), @r#"
    # What Nixwright follows: a section for each package of the overlay.
    # `nixwright check-config` says whether this file is right.

    # The smallest program: nothing but std (MIT)
    [packages.matchbox]
    purl = "pkg:cargo/matchbox"
    "#);
    add(&["pkg:cargo/matchbox"]).expect_code(2).expect_words(&["as matchbox in nixwright.toml:5"]);
}

#[test]
fn hostile_texts_reach_neither_the_terminal_nor_the_file() {
    let evil =
        "A \\u001B[31mred\\u001B[0m\\u0007 \\u202Egnol\\r\\n[packages.evil]\\npurl = 'pkg:cargo/evil'\\t\\u0085end";
    let manifest = "description = \"The smallest program: nothing but std\"\nlicense = \"MIT\"\n";
    let hostile = format!(
        "description = \"{evil}\"\nlicense = \"MIT\\u001B]0;x\\u0007\"\nhomepage = \"http://registry.example/\\u009B2J\\n\"\n"
    );
    let packed = Fixture::read("matchbox").replace("Cargo.toml", manifest, &hostile).pack();
    let registry = Registry::with([&packed]);
    let bot = Bot::new(&registry, FD);
    let plain = bot.call(&["add", "pkg:cargo/matchbox", "--dry-run"]).expect_code(0);
    let json = bot.call(&["add", "pkg:cargo/matchbox", "--json"]).expect_code(0);
    insta::assert_snapshot!(shown(&plain, &bot), @r#"
    matchbox 1.0.0 (pkg:cargo/matchbox)
      description  A �[31mred�[0m� �gnol [packages.evil] purl = 'pkg:cargo/evil' end
      licence      MIT�]0;x�
      homepage     http://registry.example/�2J
      binaries     matchbox

    would be added to DIR/nixwright.toml, line 13:

    + # A �[31mred�[0m� �gnol [packages.evil] purl = 'pkg:cargo/evil' end (MIT�]0;x�, http://registry.example/�2J)
    + [packages.matchbox]
    + purl = "pkg:cargo/matchbox"

    nothing was written; leave out `--dry-run` to write it
    "#);
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for said in [plain.output(), json.output(), text(&bot)] {
        assert!(!said.contains(acts), "{said:?}");
    }
    bot.call(&["check-config"]).expect_code(0).expect_words(&["2 packages"]);
}

#[test]
fn everything_that_can_be_wrong_upstream_is_told_and_nothing_is_written() {
    let registry = with_matchbox();
    let published =
        [("library", "1.0.0"), ("yanked", "1.0.0"), ("early", "1.0.0-rc.1"), ("down", "1.0.0"), ("lost", "1.0.0")];
    for (name, version) in published {
        let packed = if name == "library" { library(name) } else { program(name, version) };
        if name == "yanked" {
            registry.publish_yanked(&packed);
        } else {
            registry.publish(&packed);
        }
    }
    registry.fail("/do/wn/", Fault::Status(404));
    registry.fail("/lost/1.0.0/", Fault::WrongBytes);
    let bot = Bot::new(&registry, FD);
    let before = text(&bot);
    let mut said = String::new();
    for (code, arguments) in [
        (1, &["pkg:cargo/library"][..]),
        (1, &["pkg:cargo/yanked"]),
        (1, &["pkg:cargo/early"]),
        (1, &["pkg:cargo/down"]),
        (1, &["pkg:cargo/lost"]),
        (1, &["pkg:cargo/matchbox", "--binaries", "absent"]),
        (1, &["pkg:cargo/matchbox", "--features", "absent"]),
    ] {
        said += &refusal(&bot, &registry, code, arguments);
    }
    registry.go_down();
    // How a connection ends that is hung up on is a matter of moments; the rest of the sentence is not.
    let down = refusal(&bot, &registry, 1, &["pkg:cargo/matchbox"]);
    let (before_reason, rest) = down.split_once(" tries): ").unwrap();
    let (_, after_reason) = rest.split_once("; ").unwrap();
    said.extend([before_reason, " tries): REASON; ", after_reason]);
    insta::assert_snapshot!(said, @r#"
    add pkg:cargo/library
    error: pkg:cargo/library cannot be added: library 1.0.0 has no binary to build: it is a library, or its binaries need features that are not chosen (`features` in the configuration)

    add pkg:cargo/yanked
    error: pkg:cargo/yanked cannot be added: every version (1) is yanked

    add pkg:cargo/early
    error: pkg:cargo/early cannot be added: every version (1) is a prerelease

    add pkg:cargo/down
    error: pkg:cargo/down cannot be added: the crate down is not in the index http://HOST/index/; check its spelling, `-` and `_` included

    add pkg:cargo/lost
    error: pkg:cargo/lost cannot be added: http://HOST/files/lo/st/lo/st/lost/1.0.0/b93813ba9cababb2e660e560f8963c6362ac45f999a6f31b3f9e990660e9370d.crate has the SHA-256 2f83d06526d3fac0e3c23ef0158f6917c0f7ef19a89c0ef5163c64710a6b5a33, not b93813ba9cababb2e660e560f8963c6362ac45f999a6f31b3f9e990660e9370d as promised; nothing was kept: the mirror has a damaged copy, or the file was replaced after it was published

    add pkg:cargo/matchbox --binaries absent
    error: pkg:cargo/matchbox cannot be added: matchbox 1.0.0 has no binary named "absent"; it has: matchbox

    add pkg:cargo/matchbox --features absent
    error: pkg:cargo/matchbox cannot be added: matchbox 1.0.0 has no feature named "absent"; it has: none

    add pkg:cargo/matchbox
    error: pkg:cargo/matchbox cannot be added: HOST broke off in the middle of http://HOST/index/ma/tc/matchbox, after 0 bytes (4 tries): REASON; nothing was kept, the next cycle tries again
    "#);
    assert_eq!(text(&bot), before);
}

#[test]
fn everything_that_can_be_wrong_here_is_told_before_anyone_is_asked() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, "");
    let mut said = String::new();
    for (configuration, arguments) in [
        ("[packages.matches]\npurl = \"pkg:cargo/Matchbox\"\n", &["pkg:cargo/matchbox"][..]),
        ("[packages.matchbox]\npurl = \"pkg:cargo/matchbox\"\n", &["pkg:cargo/matchbox"]),
        ("[packages.matchbox]\npurl = \"pkg:cargo/other\"\n", &["pkg:cargo/matchbox"]),
        ("[packages.Matchbox]\npurl = \"pkg:cargo/other\"\n", &["pkg:cargo/matchbox"]),
        ("packages = { other = { purl = \"pkg:cargo/other\" } }\n", &["pkg:cargo/matchbox"]),
        ("[packages.matchbox\n", &["pkg:cargo/matchbox"]),
        ("[packages.other]\nprul = \"pkg:cargo/other\"\n", &["pkg:cargo/matchbox"]),
        ("", &["pkg:cargo/matchbox", "--name", "with"]),
        ("", &["pkg:cargo/matchbox", "--features", "a b"]),
        ("", &["pkg:cargo/matchbox", "--name", "a/b"]),
        ("", &["pkg:cargo/matchbox", "--all-features", "--features", "a"]),
        ("", &["pkg:cargo/matchbox@1.0.0"]),
        ("", &["pkg:gem/rake"]),
        ("", &["matchbox"]),
        ("", &[]),
    ] {
        bot.write_configuration(configuration);
        said += &refusal(&bot, &registry, 2, arguments);
        assert_eq!(text(&bot), configuration);
    }
    insta::assert_snapshot!(said, @r#"
    add pkg:cargo/matchbox
    error: pkg:cargo/matchbox is configured already, as matches in DIR/nixwright.toml:1; change that entry instead

    add pkg:cargo/matchbox
    error: pkg:cargo/matchbox is configured already, as matchbox in DIR/nixwright.toml:1; change that entry instead

    add pkg:cargo/matchbox
    error: DIR/nixwright.toml:1: there is a package matchbox already; name this one otherwise with `--name`

    add pkg:cargo/matchbox
    error: the configuration would not be valid with this entry, so nothing was written; change the entry by the options of `nixwright add` (`--name`, `--features`, `--binaries`):
    DIR/nixwright.toml:4:11: packages.matchbox: `Matchbox` differs only in case: some systems keep both in the same folder

    add pkg:cargo/matchbox
    error: DIR/nixwright.toml:1: `packages` is an inline table, to which nothing can be added without writing it anew; write its entries as sections ([packages.NAME]), then add again

    add pkg:cargo/matchbox
    error: DIR/nixwright.toml:1:19: not valid TOML: expected a right bracket, found a newline

    add pkg:cargo/matchbox
    error: DIR/nixwright.toml:1:11: packages.other.purl: this key is missing
    DIR/nixwright.toml:2:1: packages.other.prul: unknown key; did you mean `purl`? (known here: purl, features, no_default_features, all_features, native, tags, cgo, ldflags, stamp, repository, binaries, members, tag_prefix, strategy, lock, lto, track, version, min_age, automerge, group, hold, maintainers, quiet_hours, cron)

    add pkg:cargo/matchbox --name with
    error: the configuration would not be valid with this entry, so nothing was written; change the entry by the options of `nixwright add` (`--name`, `--features`, `--binaries`):
    DIR/nixwright.toml:1:11: packages.with: this name means something else in Nix; choose another, `purl` says what is packaged

    add pkg:cargo/matchbox --features a b
    error: the configuration would not be valid with this entry, so nothing was written; change the entry by the options of `nixwright add` (`--name`, `--features`, `--binaries`):
    DIR/nixwright.toml:3:14: packages.matchbox.features: expected a name (letters, digits, `-`, `_` and the like), found "a b"

    add pkg:cargo/matchbox --name a/b
    error: invalid value 'a/b' for '--name <ATTR>': "a/b" is not a package name (letters, digits, `_` and `-`, starting with a letter, at most 64)

    For more information, try '--help'.

    add pkg:cargo/matchbox --all-features --features a
    error: the argument '--all-features' cannot be used with '--features <FEATURES>'

    Usage: nixwright add --all-features <PURL>

    For more information, try '--help'.

    add pkg:cargo/matchbox@1.0.0
    error: invalid value 'pkg:cargo/matchbox@1.0.0' for '<PURL>': "pkg:cargo/matchbox@1.0.0": a version is not chosen here, the newest release is followed; leave out what follows `@`

    For more information, try '--help'.

    add pkg:gem/rake
    error: invalid value 'pkg:gem/rake' for '<PURL>': "pkg:gem/rake": the package type "gem" is not known; known: cargo, golang, npm, github

    For more information, try '--help'.

    add matchbox
    error: invalid value 'matchbox' for '<PURL>': "matchbox" is not a package URL (missing scheme); write it as `pkg:cargo/NAME`

    For more information, try '--help'.

    add
    error: the following required arguments were not provided:
      <PURL>

    Usage: nixwright add <PURL>

    For more information, try '--help'.
    "#);
    assert!(registry.take_requests().is_empty());
    std::fs::remove_file(bot.configuration()).unwrap();
    std::fs::create_dir(bot.configuration()).unwrap();
    bot.call(&["add", "pkg:cargo/matchbox"]).expect_code(2).expect_words(&["cannot read", "nixwright.toml"]);
}

#[test]
fn a_file_that_is_no_text_is_told_by_its_place() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, "");
    write_file(&bot.configuration(), b"# a\n#\xff\n");
    bot.call(&["add", "pkg:cargo/matchbox"]).expect_code(2).expect_words(&["nixwright.toml:2:2: ", "UTF-8"]);
}

#[test]
fn a_file_that_may_not_be_written_is_left_and_the_entry_said() {
    let registry = with_matchbox();
    let bot = Bot::new(&registry, FD);
    let before = text(&bot);
    // To root every file is writable, so the file itself is mounted read-only.
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
    let add = bot.command(&["add", "pkg:cargo/matchbox"]);
    let mut within = command("unshare");
    within.args(["--mount", "--map-root-user", "sh", "-c", script, "sh"]).arg(bot.configuration());
    within.arg(add.get_program()).args(add.get_args()).current_dir(bot.configuration().parent().unwrap());
    let said = run(&mut within).expect_code(1);
    insta::assert_snapshot!(shown(&said, &bot), @r#"
    error: cannot write DIR/nixwright.toml: not allowed (Read-only file system (os error 30)); give this user the right to it, or add the entry by hand:

    # The smallest program: nothing but std (MIT)
    [packages.matchbox]
    purl = "pkg:cargo/matchbox"
    "#);
    assert_eq!(text(&bot), before);
}

#[test]
fn a_release_that_is_too_young_is_added_and_said_to_wait() {
    let registry = Registry::start();
    let packed = program("young", "1.0.0");
    registry.publish_at(&packed, "2199-01-01T00:00:00Z");
    let bot = Bot::new(&registry, FD);
    let said = bot.call(&["add", "pkg:cargo/young"]).expect_code(0);
    said.expect_words(&["young 1.0.0", "waits", "it is taken from 2199-01-04 00:00Z on"]);
    bot.call(&["check-config"]).expect_code(0).expect_words(&["2 packages"]);
}

#[test]
fn its_help_has_examples() {
    let said = run(nixwright().args(["add", "--help"])).expect_code(0);
    said.expect_words(&["nixwright add pkg:cargo/ripgrep", "--dry-run", "--name <ATTR>", "--json"]);
    let completions = run(nixwright().args(["completions", "bash"])).expect_code(0);
    completions.expect_words(&["nixwright__subcmd__add"]);
}

fn with_matchbox() -> Registry {
    Registry::with([shelf().get("matchbox", "1.0.0")])
}

/// A program without dependencies.
fn program(name: &str, version: &str) -> PackedCrate {
    let lock = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    let fixture = Fixture::read("matchbox").version(version);
    fixture.replace("Cargo.toml", "\"matchbox\"", &format!("\"{name}\"")).file("Cargo.lock", lock).pack()
}

fn library(name: &str) -> PackedCrate {
    let lock = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    Fixture::read("oil").replace("Cargo.toml", "\"oil\"", &format!("\"{name}\"")).file("Cargo.lock", lock).pack()
}

fn text(bot: &Bot) -> String {
    std::fs::read_to_string(bot.configuration()).expect("the configuration")
}

/// What `add` says when it refuses, after its arguments.
#[track_caller]
fn refusal(bot: &Bot, registry: &Registry, code: i32, arguments: &[&str]) -> String {
    let run = bot.call(&[&["add"], arguments].concat()).expect_code(code);
    assert_eq!(run.stdout, "", "{run}");
    let said = shown(&run, bot).replace(registry.host(), "HOST");
    format!("{}\n{said}\n", [&["add"], arguments].concat().join(" "))
}

/// The output, without the folder of this test.
fn shown(run: &Finished, bot: &Bot) -> String {
    let folder = bot.configuration();
    let folder = folder.parent().and_then(Path::to_str).expect("a folder with a plain name");
    format!("{}{}", run.stdout, run.stderr).replace(&format!("{folder}/"), "DIR/")
}
