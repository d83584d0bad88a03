use std::time::Duration;

use jiff::SignedDuration;
use nixwright_resolver::plan::changes::{LicenseChange, LicenseChanges, Novelty};
use nixwright_resolver::plan::diff::GraphDiff;

use crate::clients::endpoints::{advisory_page, package_page};
use crate::message::{
    Advisories, AdvisoryRow, ClosureSize, CodeRun, FailureReport, LONGEST_BODY, NativeCheck, PullRequestEvidence,
    SystemBuild, UnitTime, WhyNow, body, title,
};
use crate::model::{AttrPath, FailureClass, Strategy};

fn attr() -> AttrPath {
    "fd-find".parse().unwrap()
}

fn unit(name: &str, millis: u64) -> UnitTime {
    UnitTime { name: name.to_owned(), elapsed: Duration::from_millis(millis) }
}

fn system(name: &str, succeeded: bool) -> SystemBuild {
    SystemBuild {
        system: name.parse().unwrap(),
        succeeded,
        elapsed: Duration::from_secs(65),
        programs: if succeeded { vec!["fd".to_owned()] } else { Vec::new() },
    }
}

pub(super) fn run(package: &str, kind: &'static str, novelty: Novelty) -> CodeRun {
    CodeRun { package: package.to_owned(), kind, novelty }
}

fn check(package: &str, links: &str) -> NativeCheck {
    NativeCheck { package: package.to_owned(), links: links.to_owned() }
}

pub(super) fn advisory(id: &str, summary: &str) -> AdvisoryRow {
    AdvisoryRow {
        id: id.to_owned(),
        packages: vec!["time 0.1.43".to_owned()],
        severity: Some("HIGH".to_owned()),
        summary: Some(summary.to_owned()),
    }
}

pub(super) fn evidence() -> PullRequestEvidence {
    PullRequestEvidence {
        attr: attr(),
        purl: "pkg:cargo/fd-find@10.5.0".to_owned(),
        from: Some("10.4.2".to_owned()),
        to: "10.5.0".to_owned(),
        published: Some("2026-03-01T09:30:15Z".parse().unwrap()),
        description: Some("A simple, fast alternative to `find`".to_owned()),
        homepage: Some("https://registry.example/fd".to_owned()),
        license: Some("MIT OR Apache-2.0".to_owned()),
        strategy: Strategy::Shared,
        fallback_reason: None,
        diff: GraphDiff::between(
            [("libc", "0.2.1"), ("gone", "1.0.0"), ("syn", "1.0.0"), ("syn", "2.0.0")],
            [("libc", "0.2.2"), ("memchr", "2.7.4"), ("syn", "2.0.0"), ("two", "1.0.0"), ("two", "2.0.0")],
        ),
        systems: vec![system("x86_64-linux", true)],
        reused: 74,
        built: 3,
        units: vec![unit("fd-find-10.5.0-bins", 31_200), unit("libc-0.2.2", 2_300), unit("memchr-2.7.4", 870)],
        code_runs: vec![
            run("anyhow-1.0.1", "build script", Novelty::Same),
            run("libc-0.2.2", "build script", Novelty::New),
            run("syn-2.0.0", "procedural macro", Novelty::Changed),
        ],
        native_checks: Vec::new(),
        licenses: Some(LicenseChanges::default()),
        advisories: Advisories::Unavailable,
        closure: ClosureSize::NotMeasured { reason: "the host's toolchains are the package set" },
        notes: None,
        why: WhyNow::NewRelease {
            age: Some(SignedDuration::from_hours(24 * 8)),
            min_age: SignedDuration::from_hours(72),
            track: "all stable releases".to_owned(),
        },
        building: false,
        flake: "git+https://registry.example/overlay.git?ref=nixwright/fd-find".to_owned(),
        failure: None,
    }
}

/// The body, with the public pages' addresses replaced, which are named in one file only.
pub(super) fn shown(evidence: &PullRequestEvidence) -> String {
    let crates = package_page("cargo", "a", "1").unwrap().to_string();
    let advisories = advisory_page("A").unwrap().to_string();
    let text = body(evidence).unwrap();
    text.replace(crates.trim_end_matches("a/1"), "https://registry.example/crates/")
        .replace(advisories.trim_end_matches('A'), "https://registry.example/advisories/")
}

#[test]
fn titles_say_what_moves() {
    assert_eq!(title(&attr(), Some("10.4.2"), "10.5.0"), "fd-find: 10.4.2 -> 10.5.0");
    assert_eq!(title(&attr(), None, "10.5.0"), "fd-find: init at 10.5.0");
    assert_eq!(title(&attr(), None, "1.0\n@someone #1"), "fd-find: init at 1.0__someone__1");
}

#[test]
fn an_update_that_was_built() {
    insta::assert_snapshot!(shown(&evidence()), @r"
    Brings **fd-find** from `10.4.2` to `10.5.0`, published 2026-03-01 09:30 UTC.

    A simple, fast alternative to \`find\`

    Why now: the newest of all stable releases; public for 8 days, and 3 days are asked for.

    - package: `pkg:cargo/fd-find@10.5.0`
    - page: <https://registry.example/fd>
    - licence: `MIT OR Apache-2.0`

    ### Build

    | system | result | time | programs started |
    |---|---|---|---|
    | `x86_64-linux` | built | 1 min 5 s | fd |

    Strategy: shared.
    74 units reused, 3 built. The slowest:

    1. `fd-find-10.5.0-bins`: 31 s
    1. `libc-0.2.2`: 2.3 s
    1. `memchr-2.7.4`: 870 ms

    ### What changed in the graph

    2 added, 1 removed, 2 changed.

    - changed [`libc`](<https://registry.example/crates/libc/0.2.2>): `0.2.1` → `0.2.2`
    - changed `syn`: `1.0.0` dropped
    - added [`memchr`](<https://registry.example/crates/memchr/2.7.4>) `2.7.4`
    - added [`two`](<https://registry.example/crates/two/2.0.0>) `1.0.0, 2.0.0`
    - removed [`gone`](<https://registry.example/crates/gone/1.0.0>) `1.0.0`

    ### Code that runs while building

    3 build scripts and procedural macros, 1 of them new, 1 changed. They run in the sandbox, without network.

    - `libc-0.2.2`: build script, **new**
    - `syn-2.0.0`: procedural macro, **changed**
    - `anyhow-1.0.1`: build script

    ### Licences

    No licence changed.

    ### Advisories

    Unavailable: the database of advisories could not be asked. That is not the same as none.

    ### Size

    The closure was not measured: the host's toolchains are the package set.

    ### How to try it

    ```sh
    nix run 'git+https://registry.example/overlay.git?ref=nixwright/fd-find#fd-find'
    ```

    Written by Nixwright. This text is brought up to date in place; comments are for people.
    ");
}

#[test]
fn a_new_package_has_no_difference_but_a_size() {
    let new = PullRequestEvidence {
        from: None,
        published: None,
        description: None,
        homepage: None,
        license: None,
        diff: GraphDiff::between([], [("libc", "0.2.2")]),
        reused: 0,
        built: 1,
        units: Vec::new(),
        code_runs: Vec::new(),
        ..evidence()
    };
    insta::assert_snapshot!(shown(&new), @"
    Adds **fd-find** `10.5.0`; upstream gives no time of publishing.

    Why now: the newest of all stable releases; public for 8 days, and 3 days are asked for.

    - package: `pkg:cargo/fd-find@10.5.0`

    ### Build

    | system | result | time | programs started |
    |---|---|---|---|
    | `x86_64-linux` | built | 1 min 5 s | fd |

    Strategy: shared.
    0 units reused, 1 built.

    ### What changed in the graph

    This is the first release in the overlay. Its graph has 1 package.

    ### Code that runs while building

    None of the packages runs code of its own while it is built.

    ### Licences

    No licence changed.

    ### Advisories

    Unavailable: the database of advisories could not be asked. That is not the same as none.

    ### Size

    The closure was not measured: the host's toolchains are the package set.

    ### How to try it

    ```sh
    nix run 'git+https://registry.example/overlay.git?ref=nixwright/fd-find#fd-find'
    ```

    Written by Nixwright. This text is brought up to date in place; comments are for people.
    ");
}

#[test]
fn a_failed_build_says_why_first_and_shows_the_end_of_the_log() {
    let failed = PullRequestEvidence {
        diff: GraphDiff::default(),
        systems: vec![system("x86_64-linux", false)],
        strategy: Strategy::Vendored,
        fallback_reason: Some("libz-sys-1.1.20-run failed: no `cmake`".to_owned()),
        failure: Some(FailureReport {
            class: FailureClass::Build,
            message: "the builder of fd-find-10.5.0 ended with exit code 101".to_owned(),
            derivation: Some("fd-find-10.5.0".to_owned()),
            log: "   Compiling fd\n\u{1b}[31merror\u{1b}[0m: no such thing\n```\n@someone\n".to_owned(),
        }),
        ..evidence()
    };
    insta::assert_snapshot!(shown(&failed), @r"
    Brings **fd-find** from `10.4.2` to `10.5.0`, published 2026-03-01 09:30 UTC.

    A simple, fast alternative to \`find\`

    Why now: the newest of all stable releases; public for 8 days, and 3 days are asked for.

    - package: `pkg:cargo/fd-find@10.5.0`
    - page: <https://registry.example/fd>
    - licence: `MIT OR Apache-2.0`

    ### Why it failed: build

    the builder of fd-find-10.5.0 ended with exit code 101

    First derivation that failed: `fd-find-10.5.0`

    ````text
       Compiling fd
    error: no such thing
    ```
    @someone
    ````

    ### Build

    | system | result | time | programs started |
    |---|---|---|---|
    | `x86_64-linux` | **failed** | 1 min 5 s | none |

    Strategy: vendored. The `shared` strategy was tried and given up: libz-sys-1.1.20-run failed: no \`cmake\`
    74 units reused, 3 built. The slowest:

    1. `fd-find-10.5.0-bins`: 31 s
    1. `libc-0.2.2`: 2.3 s
    1. `memchr-2.7.4`: 870 ms

    ### What changed in the graph

    The dependencies are the same.

    ### Code that runs while building

    3 build scripts and procedural macros, 1 of them new, 1 changed. They run in the sandbox, without network.

    - `libc-0.2.2`: build script, **new**
    - `syn-2.0.0`: procedural macro, **changed**
    - `anyhow-1.0.1`: build script

    ### Licences

    No licence changed.

    ### Advisories

    Unavailable: the database of advisories could not be asked. That is not the same as none.

    ### Size

    The closure was not measured: the host's toolchains are the package set.

    ### How to try it

    ```sh
    nix run 'git+https://registry.example/overlay.git?ref=nixwright/fd-find#fd-find'
    ```

    Written by Nixwright. This text is brought up to date in place; comments are for people.
    ");
}

#[test]
fn text_from_upstream_cannot_speak_as_the_bot() {
    let bad = "x` **bold** @someone, fixes owner/repo#12\n\n# Heading <img src=x> https://registry.example/1 | cell";
    let hostile = PullRequestEvidence {
        to: bad.to_owned(),
        description: Some(bad.to_owned()),
        homepage: Some(bad.to_owned()),
        license: Some(bad.to_owned()),
        fallback_reason: Some(bad.to_owned()),
        diff: GraphDiff::between([(bad, "1")], [(bad, bad)]),
        units: vec![unit(bad, 1)],
        code_runs: vec![run(bad, "build script", Novelty::New)],
        native_checks: vec![check(bad, bad)],
        licenses: Some(LicenseChanges {
            root: Some((None, Some(bad.to_owned()))),
            dependencies: vec![LicenseChange {
                name: bad.to_owned(),
                from: vec![bad.to_owned()],
                to: vec!["MIT".to_owned()],
            }],
            new: vec![(bad.to_owned(), bad.to_owned())],
        }),
        advisories: Advisories::Known {
            at: "2026-03-09T10:00:00Z".parse().unwrap(),
            fixed: Vec::new(),
            brought: vec![advisory(bad, bad)],
            remaining: Vec::new(),
        },
        notes: Some(bad.to_owned()),
        why: WhyNow::Withdrawn { version: bad.to_owned() },
        systems: vec![SystemBuild { programs: vec![bad.to_owned()], ..system("x86_64-linux", true) }],
        ..evidence()
    };
    insta::assert_snapshot!(shown(&hostile), @r"
    Brings **fd-find** from `10.4.2` to `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``, published 2026-03-01 09:30 UTC.

    x\` \*\*bold\*\* @&#8203;someone, fixes owner/repo\#&#8203;12 \# Heading \<img src=x\> https:&#8203;//registry.example/1 \| cell

    Why now: x\` \*\*bold\*\* @&#8203;someone, fixes owner/repo\#&#8203;12 \# Heading \<img src=x\> https:&#8203;//registry.example/1 \| cell, which the overlay has, was withdrawn by its upstream: this goes back.

    - package: `pkg:cargo/fd-find@10.5.0`
    - page: `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``
    - licence: `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``

    ### Build

    | system | result | time | programs started |
    |---|---|---|---|
    | `x86_64-linux` | built | 1 min 5 s | x\` \*\*bold\*\* @&#8203;someone, fixes owner/repo\#&#8203;12 \# Heading \<img s… |

    Strategy: shared. The `shared` strategy was tried and given up: x\` \*\*bold\*\* @&#8203;someone, fixes owner/repo\#&#8203;12 \# Heading \<img src=x\> https:&#8203;//registry.example/1 \| cell
    74 units reused, 3 built. The slowest:

    1. `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``: 1 ms

    ### What changed in the graph

    0 added, 0 removed, 1 changed.

    - changed `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``: `1` → `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``

    ### Code that runs while building

    1 build script or procedural macro, 1 of them new, 0 changed. They run in the sandbox, without network.

    - `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``: build script, **new**

    ### Things to check

    1 crate says by `links` that there is something native in it, and nothing is known of what that needs. A build that
    succeeds may have found it by chance. Say what it links to, or that it needs nothing, under `[native.NAME]` in the bot's configuration.

    - `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell `` links `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``

    ### Licences

    - **the package itself**: `none named` → `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``
    - new in the graph: `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``, with `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``
    - `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell ``: `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell `` → `MIT`


    ### Advisories

    0 fixed, 1 brought, 0 remaining, as OSV knew at 2026-03-09 10:00 UTC.

    - **brought** `` x` **bold** @someone, fixes owner/repo#12 # Heading <img src=x> https://registry.example/1 | cell `` in `time 0.1.43`, HIGH: x\` \*\*bold\*\* @&#8203;someone, fixes owner/repo\#&#8203;12 \# Heading \<img src=x\> https:&#8203;//registry.example/1 \| cell

    ### Size

    The closure was not measured: the host's toolchains are the package set.

    ### Release notes

    > x bold @&#8203;someone, fixes owner/repo\#&#8203;12  
    >
    > **Heading https:&#8203;//registry.example/1 \| cell**

    ### How to try it

    ```sh
    nix run 'git+https://registry.example/overlay.git?ref=nixwright/fd-find#fd-find'
    ```

    Written by Nixwright. This text is brought up to date in place; comments are for people.
    ");
}

#[test]
fn long_lists_are_counted_and_a_body_stays_within_what_a_forge_takes() {
    let names: Vec<String> = (0..500).map(|number| format!("crate-{number:03}")).collect();
    let long = PullRequestEvidence {
        diff: GraphDiff::between([], names.iter().map(|name| (name.as_str(), "1.0.0"))),
        ..evidence()
    };
    let text = body(&long).unwrap();
    assert!(text.contains("500 added, 0 removed") && text.contains("- and 460 more added"), "{text}");

    let endless: Vec<String> = (0..500).map(|number| format!("{number:03}{}", "`x".repeat(5_000))).collect();
    let name = |number: usize| endless[number].as_str();
    let long = PullRequestEvidence {
        from: Some(name(0).to_owned()),
        description: Some(endless.concat()),
        diff: GraphDiff::between(
            (0..300).map(|number| (name(number), name(1))),
            (200..500).map(|number| (name(number), name(2))),
        ),
        units: (0..500).map(|number| unit(name(number), 1)).collect(),
        code_runs: (0..500).map(|number| run(name(number), "build script", Novelty::New)).collect(),
        native_checks: (0..500).map(|number| check(name(number), name(number))).collect(),
        systems: vec![SystemBuild { programs: endless.clone(), ..system("x86_64-linux", true) }],
        failure: Some(FailureReport {
            class: FailureClass::Build,
            message: endless.concat(),
            derivation: Some(endless.concat()),
            log: endless.join("\n"),
        }),
        ..evidence()
    };
    let text = body(&long).unwrap();
    assert!(text.len() <= LONGEST_BODY, "{}", text.len());
    assert!(text.contains("200 added, 200 removed, 100 changed"));
}

#[test]
fn the_same_evidence_gives_the_same_bytes_whatever_its_order() {
    let mut turned = evidence();
    turned.units.reverse();
    turned.code_runs.reverse();
    assert_eq!(body(&turned).unwrap(), body(&evidence()).unwrap());
}
