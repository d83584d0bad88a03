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
