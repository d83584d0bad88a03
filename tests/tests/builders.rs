//! The overlay's builders for Rust, rule by rule: every check of `tests/nix`, built in the sandbox as the bot builds.
//!
//! The graphs there are written by hand, so that a rule is tested even where no published crate needs it
//! (two crates of the same name and version, say). `tests/nix/README.md` says what each check proves.

mod nix_checks;

use nix_checks::Checks;

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_builders_is_kept() {
    Checks::open(concat!(env!("CARGO_MANIFEST_DIR"), "/nix")).await.hold("checks", 20).await;
}

/// What is refused before anything is built, and the words that a person needs to help themselves.
const REFUSED: [(&str, &[&str]); 3] = [
    ("absent", &["the crate libduckdb-sys needs duckdb", "[native.libduckdb-sys] in the bot's configuration"]),
    ("absent-tool", &["the crate gtk-sys needs no.such", "add it to the package set"]),
    ("native-key", &["native.gtk-sys: unknown key inputs", "buildInputs"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_package_set_lacks_is_named_with_the_crate_that_needs_it() {
    let checks = Checks::open(concat!(env!("CARGO_MANIFEST_DIR"), "/nix")).await;
    for (name, words) in REFUSED {
        checks.instantiate(&format!("refused.{name}")).expect_code(1).expect_words(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_that_the_machine_does_not_have_is_named() {
    let checks = Checks::open(concat!(env!("CARGO_MANIFEST_DIR"), "/nix")).await;
    let report = checks.build(&checks.derivations("failing.library")).await;
    assert!(!report.succeeded(), "it was built");
    let logs: String = report.built.iter().map(|built| built.log.as_str()).collect();
    assert!(logs.contains("nixwright: this machine has no thing: pkg-config finds no thing-more"), "{logs}");
}
