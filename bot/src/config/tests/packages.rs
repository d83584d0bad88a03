//! What packages may say, by themselves and by rules for many.

use super::{parse, problems};
use crate::config::Lock;
use crate::model::{Automerge, Track};

#[test]
fn packages_of_npm_have_no_features() {
    let text = "[packages.x]\npurl = \"pkg:npm/x\"\nfeatures = [\"a\"]\nno_default_features = true\n";
    insta::assert_snapshot!(problems(text), @r#"
config/nixwright.toml:3:12: packages.x.features: packages of npm have no features; leave this out
config/nixwright.toml:4:23: packages.x.no_default_features: packages of npm have no features; leave this out
"#);
    parse("[packages.cli]\npurl = \"pkg:npm/@angular/cli\"\nbinaries = [\"ng\"]\n").unwrap();
}

#[test]
fn only_repositories_have_members_and_tags() {
    let of = |purl: &str| format!("[packages.x]\npurl = \"{purl}\"\nmembers = [\"a\"]\ntag_prefix = \"a-v\"\n");
    insta::assert_snapshot!(problems(&of("pkg:cargo/x")), @r"
    config/nixwright.toml:3:11: packages.x.members: only repositories (`pkg:github/OWNER/REPO`) have this; leave it out
    config/nixwright.toml:4:15: packages.x.tag_prefix: only repositories (`pkg:github/OWNER/REPO`) have this; leave it out
    ");
    let config = parse(&of("pkg:github/a/b#c")).unwrap();
    let package = config.packages.values().next().unwrap();
    assert_eq!((package.members.as_slice(), package.tag_prefix.as_deref()), (&["a".to_owned()][..], Some("a-v")));
}

#[test]
fn later_says_more_than_earlier() {
    let config = parse(
        r#"
        [defaults]
        min_age = "7d"
        maintainers = ["ada"]
        quiet_hours = ["22:00-07:00", "Sat,Sun"]
        [[policy]]
        match = ["fd*", "bat"]
        track = "minor"
        hold = "the move is not over"
        group = "files"
        [[policy]]
        match = ["fd-find"]
        hold = false
        automerge = "patch"
        [[policy]]
        match = ["bat"]
        automerge = "patch"
        [packages.fd-find]
        purl = "pkg:cargo/fd-find"
        maintainers = ["bob", "carl"]
        [packages.bat]
        purl = "pkg:cargo/bat"
        min_age = "1d"
        track = "exact"
        version = "0.25.0"
        cron = "0 0 6 * * Mon"
        [packages.ripgrep]
        purl = "pkg:cargo/ripgrep"
        "#,
    )
    .unwrap();
    let policy = |attr: &str| &config.packages[&attr.parse().unwrap()].policy;
    let logins = |attr| policy(attr).maintainers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let [fd, bat, rg] = ["fd-find", "bat", "ripgrep"].map(policy);
    assert_eq!(
        (&fd.track, &bat.track, &rg.track),
        (&Track::Minor, &Track::Exact { version: "0.25.0".to_owned() }, &Track::Major)
    );
    assert_eq!((fd.hold.as_deref(), bat.hold.as_deref()), (None, Some("the move is not over")));
    assert_eq!((fd.automerge, bat.automerge, rg.automerge), (Automerge::Patch, Automerge::Patch, Automerge::Always));
    assert_eq!([fd, bat, rg].map(|policy| policy.min_age.as_hours()), [168, 24, 168]);
    assert_eq!([logins("fd-find"), logins("ripgrep")], ["bob carl", "ada"]);
    assert_eq!((fd.quiet_hours.len(), fd.group == bat.group, rg.group.is_none()), (2, true, true));
    assert_eq!(bat.cron.as_ref().unwrap().to_string(), "0 0 6 * * Mon");
}

#[test]
fn contradictions_of_forge_and_policy_are_named() {
    let text = r#"
[forge]
kind = "github"
token = "secret"
token_file = "token"
app_id = 3
[schedule]
cron = "hourly"
time_zone = "Mars/Olympus"
[service]
listen = "everywhere"
address = "status.example"
[publish]
max_open = 0
quiet_hours = ["at night"]
[defaults]
automerge = true
track = "exact"
[[policy]]
match = ["zzz*"]
hol = "x"
[[policy]]
hold = ""
[packages.a]
purl = "pkg:cargo/a"
group = "g"
automerge = "never"
[packages.b]
purl = "pkg:cargo/b"
group = "g"
maintainers = ["@ada", "-x"]
version = "1"
"#;
    insta::assert_snapshot!(problems(text), @r#"
    config/nixwright.toml:2:2: forge.repository: `kind = "github"` needs the overlay's repository, as "OWNER/NAME"
    config/nixwright.toml:4:10: forge.token: a secret has no place in this file; name a file of its own in `token_file` or `app_key_file`
    config/nixwright.toml:5:15: forge.token_file: this contradicts `app_id` and `app_key_file`; say one or the other
    config/nixwright.toml:8:9: schedule.cron: "hourly" is not a cron expression (second minute hour day-of-month month day-of-week, as in "0 30 */2 * * *")
    config/nixwright.toml:9:14: schedule.time_zone: "Mars/Olympus" is not a time zone of this machine's database
    config/nixwright.toml:11:11: service.listen: expected an address and a port, such as "127.0.0.1:8710", found "everywhere"
    config/nixwright.toml:12:12: service.address: expected an address such as "https://status.example/", found "status.example"
    config/nixwright.toml:14:12: publish.max_open: expected a whole number, at least 1, found 0
    config/nixwright.toml:15:17: publish.quiet_hours: "at night" is not quiet hours ("22:00-07:00", "Sat,Sun" or "Mon-Fri 22:00-07:00")
    config/nixwright.toml:16:2: defaults.version: `track = "exact"` needs the version to stay at
    config/nixwright.toml:17:13: defaults.automerge: this is a word by now: "never", "patch", "minor" or "always"
    config/nixwright.toml:20:9: policy.match: no package is called "zzz*"
    config/nixwright.toml:21:1: policy.hol: unknown key; did you mean `hold`? (known here: match, strategy, lock, lto, track, version, min_age, automerge, group, hold, maintainers, quiet_hours, cron)
    config/nixwright.toml:22:1: policy.match: it says for which packages this counts: a list of names or patterns
    config/nixwright.toml:23:8: policy.hold: expected the reason, as a text (or false), found ""
    config/nixwright.toml:24:1: packages: a and b are of one group, so `automerge` has to be the same for both
    config/nixwright.toml:31:17: packages.b.maintainers: "@ada" is not a login (letters, digits and single `-`, at most 39)
    config/nixwright.toml:31:25: packages.b.maintainers: "-x" is not a login (letters, digits and single `-`, at most 39)
    config/nixwright.toml:32:12: packages.b.version: expected a version such as "1.2.3", found "1"
    "#);
    insta::assert_snapshot!(problems("[forge]\nrepository = \"a/b\"\n"), @r#"config/nixwright.toml:1:2: forge.kind: what is said here has a meaning only with `kind = "github"`"#);
}

#[test]
fn only_crates_share_a_lock_and_a_wider_rule_means_those() {
    insta::assert_snapshot!(problems("[packages.x]\npurl = \"pkg:npm/x\"\nlock = \"overlay\"\n"), @"config/nixwright.toml:3:9: packages.x.lock: only crates (`pkg:cargo/NAME`) can share a lock; leave this out");
    let config = parse(
        "[defaults]\nlock = \"overlay\"\n[packages.a]\npurl = \"pkg:cargo/a\"\n[packages.b]\npurl = \"pkg:npm/b\"\n",
    )
    .unwrap();
    let locks: Vec<Lock> = config.packages.values().map(|package| package.lock).collect();
    assert_eq!(locks, [Lock::Overlay, Lock::Upstream]);
}
