//! What a pull request shows of a release, end to end.

use nixwright_tests::bot::Bot;
use nixwright_tests::fixture::Fixture;
use nixwright_tests::github::GitHub;
use nixwright_tests::on_github::{bot_on, open_pull_of};
use nixwright_tests::osv::Osv;
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::{locked, shelf};
use nixwright_tests::world::{CONFIGURATION, registry};

fn update(osv: Option<&Osv>) -> (GitHub, String) {
    let github = GitHub::start();
    let registry = registry();
    let mut bot = bot_on(&github, &registry, "");
    if let Some(osv) = osv {
        bot.set_osv(osv.url());
    }
    let configure = |bot: &Bot, automerge: &str| {
        let head = nixwright_tests::on_github::forge(&github);
        bot.configure(&registry, &format!("{head}[defaults]\nautomerge = \"{automerge}\"\n\n{CONFIGURATION}"));
    };
    configure(&bot, "always");
    bot.run_once().expect_code(0);
    configure(&bot, "never");
    registry.publish_at(shelf().get("lantern", "1.1.0"), "2026-03-04T05:06:07Z");
    bot.run_once().expect_code(0);
    let body = open_pull_of(&github, "lantern").body.unwrap_or_default();
    (github, body)
}

/// The part below a heading.
fn part<'b>(body: &'b str, heading: &str) -> &'b str {
    let (_, rest) = body.split_once(&format!("### {heading}\n")).unwrap_or_else(|| panic!("no {heading} in {body}"));
    rest.split("\n### ").next().unwrap_or_default()
}

#[test]
fn advisories_are_fixed_brought_and_remaining() {
    let osv = Osv::start();
    osv.publish("RUSTSEC-2026-0001", "Tint bleeds", &["pkg:cargo/tint@1.0.0"]);
    osv.publish("RUSTSEC-2026-0002", "Ember burns @everyone", &["pkg:cargo/ember@1.0.0"]);
    osv.publish("RUSTSEC-2026-0003", "Wick smokes", &["pkg:cargo/wick@1.0.0"]);
    let (_github, body) = update(Some(&osv));
    let told = part(&body, "Advisories");
    assert!(told.contains("1 fixed, 1 brought, 1 remaining, as OSV knew at 20"), "{told}");
    for (word, id, package) in [
        ("fixed", "RUSTSEC-2026-0001", "`tint 1.0.0`"),
        ("**brought**", "RUSTSEC-2026-0002", "`ember 1.0.0`"),
        ("remaining", "RUSTSEC-2026-0003", "`wick 1.0.0`"),
    ] {
        let line = told.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("no {id} in {told}"));
        assert!(line.starts_with(&format!("- {word} ")) && line.contains(package), "{line}");
    }
    assert!(!told.contains("@everyone"), "nobody is mentioned: {told}");
    assert!(osv.asked().contains("pkg:cargo/lantern@1.1.0"));
}

#[test]
fn what_cannot_be_asked_is_unavailable_and_the_rest_is_told_all_the_same() {
    let (_github, body) = update(None);
    assert!(part(&body, "Advisories").contains("Unavailable"), "{body}");
    let graph = part(&body, "What changed in the graph");
    assert!(graph.contains("changed [`tint`](<") && graph.contains("`1.0.0` → `1.0.1`"), "{graph}");
    assert!(graph.contains("added [`ember`](<"), "{graph}");
    let code = part(&body, "Code that runs while building");
    assert!(code.contains("`ember-1.0.0`: build script, **new**"), "{code}");
    let check = part(&body, "Things to check");
    assert!(check.contains("- `lamp-sys 1.0.0` links `lamp`") && check.contains("1 crate says"), "{check}");
    assert!(part(&body, "Size").contains("not measured"), "{body}");
    assert!(part(&body, "Licences").contains("No licence changed."), "{body}");
    assert!(body.contains("Why now: the newest of all stable releases; public for"), "{body}");
    assert!(part(&body, "How to try it").contains("nix run 'git+http://127.0.0.1:"), "the forge's own address: {body}");
}

#[test]
fn release_notes_are_quoted_from_the_forge_of_the_upstream_and_do_nothing_there() {
    let github = GitHub::start();
    let registry = Registry::start();
    let repository = format!("repository = \"{}/{}\"\n", github.base_url(), github.name());
    let at = |version: &str, license: &str| {
        let fixture = Fixture::read("matchbox").version(version);
        let fixture =
            fixture.replace("Cargo.toml", "license = \"MIT\"\n", &format!("license = \"{license}\"\n{repository}"));
        locked(fixture, &registry).pack()
    };
    registry.publish(&at("1.0.0", "MIT"));
    let bot = bot_on(&github, &registry, "[packages.matches]\npurl = \"pkg:cargo/matchbox\"\nautomerge = \"always\"\n");
    bot.run_once().expect_code(0);
    registry.publish_at(&at("1.1.0", "GPL-3.0-only"), "2026-03-04T05:06:07Z");
    github.release(
        "v1.1.0",
        "## New\n- Burns longer, thanks @alice, closes #1\n- ![x](https://tracker.example/x.png) <b>bold</b>\n",
        false,
    );
    bot.run_once().expect_code(0);
    let pull = github.pulls().into_iter().next_back().expect("a pull request");
    let body = pull.body.unwrap_or_default();
    let notes = part(&body, "Release notes");
    assert!(notes.contains("> - Burns longer, thanks @&#8203;alice, closes \\#&#8203;1"), "{notes}");
    assert!(!notes.contains("tracker.example") && !notes.contains("<b>"), "{notes}");
    assert!(part(&body, "Licences").contains("**the package itself**: `MIT` → `GPL-3.0-only`"), "{body}");
}
