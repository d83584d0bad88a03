//! What a body tells beyond the build: advisories, licences, why now, groups.

use jiff::SignedDuration;
use nixwright_resolver::plan::changes::{LicenseChange, LicenseChanges, Novelty};
use nixwright_resolver::plan::diff::GraphDiff;

use super::body::{advisory, evidence, run, shown};
use crate::message::{Advisories, ClosureSize, LONGEST_BODY, PullRequestEvidence, WhyNow, body, group_body};

/// The part of a body below a heading.
fn part(evidence: &PullRequestEvidence, heading: &str) -> String {
    let text = shown(evidence);
    let (_, rest) = text.split_once(&format!("### {heading}\n\n")).unwrap();
    rest.split("\n\n### ").next().unwrap().to_owned()
}

#[test]
fn advisories_licences_and_size_are_told() {
    let known = PullRequestEvidence {
        advisories: Advisories::Known {
            at: "2026-03-09T10:00:00Z".parse().unwrap(),
            fixed: vec![advisory("RUSTSEC-2020-0071", "Potential segfault")],
            brought: vec![advisory("GHSA-aaaa-bbbb-cccc", "Panics")],
            remaining: Vec::new(),
        },
        licenses: Some(LicenseChanges {
            root: Some((Some("MIT".to_owned()), None)),
            dependencies: vec![LicenseChange {
                name: "libc".to_owned(),
                from: vec!["MIT".to_owned()],
                to: vec!["Apache-2.0".to_owned(), "MIT".to_owned()],
            }],
            new: vec![("Zlib".to_owned(), "miniz".to_owned())],
        }),
        closure: ClosureSize::Measured { bytes: 31 << 20, before: Some(900 << 10) },
        ..evidence()
    };
    insta::assert_snapshot!(part(&known, "Advisories"), @"
    1 fixed, 1 brought, 0 remaining, as OSV knew at 2026-03-09 10:00 UTC.

    - **brought** [`GHSA-aaaa-bbbb-cccc`](<https://registry.example/advisories/GHSA-aaaa-bbbb-cccc>) in `time 0.1.43`, HIGH: Panics
    - fixed [`RUSTSEC-2020-0071`](<https://registry.example/advisories/RUSTSEC-2020-0071>) in `time 0.1.43`, HIGH: Potential segfault
    ");
    insta::assert_snapshot!(part(&known, "Licences"), @"
    - **the package itself**: `MIT` → `none named`
    - new in the graph: `Zlib`, with `miniz`
    - `libc`: `MIT` → `Apache-2.0, MIT`
    ");
    insta::assert_snapshot!(part(&known, "Size"), @"The closure has 31 MiB, and had 900 KiB before.");
    assert!(part(&evidence(), "Advisories").contains("That is not the same as none."));
    let unknown = PullRequestEvidence { licenses: None, ..evidence() };
    assert!(part(&unknown, "Licences").contains("is not known"));
}

#[test]
fn each_reason_to_come_now_is_a_sentence() {
    let new = |age: Option<i64>, min_age| WhyNow::NewRelease {
        age: age.map(SignedDuration::from_hours),
        min_age: SignedDuration::from_hours(min_age),
        track: "all stable releases".to_owned(),
    };
    let reasons = [
        new(Some(200), 72),
        new(Some(5), 0),
        new(None, 3),
        WhyNow::Withdrawn { version: "1.2.3".to_owned() },
        WhyNow::Stale,
        WhyNow::Changed,
    ];
    insta::assert_snapshot!(reasons.map(|why| why.sentence()).join("\n"), @"
    the newest of all stable releases; public for 8 days, and 3 days are asked for.
    the newest of all stable releases; no age is asked for.
    the newest of all stable releases; its age is not known.
    1.2.3, which the overlay has, was withdrawn by its upstream: this goes back.
    what it is built with has changed in the overlay, so the older evidence was worth nothing.
    the configuration, or this program, makes other files of the same release now.
    ");
}

#[test]
fn a_build_that_runs_is_told_as_such() {
    let building = PullRequestEvidence { building: true, ..evidence() };
    insta::assert_snapshot!(part(&building, "Build"), @"
    It is being built; this text says more when that is done.

    Strategy: shared.
    ");
}

#[test]
fn a_body_with_very_much_to_tell_stays_within_what_a_forge_takes() {
    let bad = "@".repeat(300);
    let rows = |word: &str| (0..30).map(|number| advisory(&format!("{word}-{number}"), &bad)).collect();
    let much = PullRequestEvidence {
        advisories: Advisories::Known {
            at: "2026-03-09T10:00:00Z".parse().unwrap(),
            fixed: rows("A"),
            brought: rows("B"),
            remaining: rows("C"),
        },
        licenses: Some(LicenseChanges {
            root: None,
            dependencies: (0..50)
                .map(|_| LicenseChange { name: bad.clone(), from: vec![bad.clone()], to: vec![bad.clone()] })
                .collect(),
            new: vec![(bad.clone(), bad.clone()); 50],
        }),
        notes: Some("@everyone ".repeat(5000)),
        ..evidence()
    };
    let text = body(&much).unwrap();
    assert!(text.len() <= LONGEST_BODY, "{}", text.len());
    assert!(text.contains("30 fixed, 30 brought, 30 remaining") && text.contains("50 licences new"), "{text}");
}

#[test]
fn a_group_has_a_part_for_each_package_and_fits() {
    let other = PullRequestEvidence { attr: "ripgrep".parse().unwrap(), ..evidence() };
    let text = group_body(&[evidence(), other]).unwrap();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## fd-find", "## ripgrep"]);
    assert_eq!((text.matches("Written by Nixwright").count(), text.matches("### Build").count()), (1, 2));
    let name: &str = Box::leak("n".repeat(150).into_boxed_str());
    let long = PullRequestEvidence {
        diff: GraphDiff::between([], (0..300).map(|_| (name, "1.0.0"))),
        code_runs: (0..300).map(|_| run(name, "build script", Novelty::New)).collect(),
        ..evidence()
    };
    let many = vec![long; 60];
    let text = group_body(&many).unwrap();
    assert!(text.len() <= LONGEST_BODY, "{}", text.len());
    assert!(text.contains("did not fit: fd-find"), "{}", &text[text.len() - 300..]);
}
