//! The overlay's builders for npm, rule by rule: every check of `tests/nix/npm`, built in the sandbox as the bot builds.
//!
//! Tarballs are packed in the checks, those that no honest tool packs too, and graphs are written by hand.
//! `tests/nix/README.md` says what each check proves.

mod nix_checks;

use nix_checks::Checks;
use nixwright::clients::nix::DerivationOutcome;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nix/npm");

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_builders_is_kept() {
    Checks::open(FOLDER).await.hold("checks", 30).await;
}

/// What is refused before anything is built, and the words that a person needs to help themselves.
const REFUSED: [(&str, &[&str]); 8] = [
    ("engine", &["layout 1.0.0", "needs node >=99 || ^18.0.0-0", "this package set has"]),
    ("family", &["fast 1.0.0 needs one of its packages for single platforms", "@fast/this, @fast/other"]),
    ("required", &["fast 1.0.0 is for os", "cpu !mips", "this is"]),
    ("system", &["was resolved for riscv64-linux", "systems.resolve"]),
    ("musl", &["@fast/this 1.0.0 is for glibc", "musl"]),
    ("schema", &["schema 9", "let nixwright write both again"]),
    ("key", &["unknown key pachtes", "known are"]),
    ("dependency-key", &["packages.fast: unknown key skipscript", "skipScript"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_before_building_and_says_why() {
    let checks = Checks::open(FOLDER).await;
    for (name, words) in REFUSED {
        checks.instantiate(&format!("refused.{name}")).expect_code(1).expect_words(words);
    }
}

/// What fails while building, and what its log says.
const FAILING: [(&str, &[&str]); 15] = [
    ("up", &["the tarball of up 1.0.0", "package/../../../escaped", "leads out of the package's folder"]),
    ("absolute", &["/package/escaped", "leads out of the package's folder"]),
    ("by-pax", &["package/a/../../../../escaped", "leads out of the package's folder"]),
    ("damaged", &["the tarball of damaged 1.0.0", "the header at byte 0 is damaged"]),
    ("file-as-folder", &["the tarball of file-as-folder 1.0.0", "a/b"]),
    ("breaks", &["the install script of breaks 1.0.0 ended with exit code 7", "overrides.nix"]),
    (
        "loud",
        &[
            "the postinstall script of loud 1.0.0",
            r#"packages."loud".downloads."https://downloads.example/loud/1.0/program?for=linux""#,
        ],
    ),
    ("quiet", &["of quiet 1.0.0 ended well without making", "https://downloads.example/quiet-1.0", "skipScript"]),
    ("by-socket", &["the install script of by-socket 1.0.0", "sockets.example"]),
    ("headers", &["this machine has no headers of node", "build.pkgs"]),
    ("unprepared", &["unprepared 1.0.0 is commit 0123456789abcdef", "no dist/index", "prepare", "Depend on a release"]),
    ("behind-link", &["leaf 1.0.0 would stand at node_modules/linking/node_modules/leaf", "behind a link"]),
    ("no-node", &["this machine has no node", "build.pkgs"]),
    ("program", &["the program fast of fast 1.0.0 should be its file nowhere.js"]),
    ("bundled", &["inner 1.0.0 should come with what is around it", "node_modules/leaf/node_modules/inner"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_names_the_package_and_what_to_do() {
    let checks = Checks::open(FOLDER).await;
    for (name, words) in FAILING {
        let report = checks.build(&checks.derivations(&format!("failing.{name}"))).await;
        assert!(!report.succeeded(), "{name} was built");
        let failed = report.built.iter().filter(|built| built.outcome == DerivationOutcome::Failed);
        let logs: Vec<&str> = failed.map(|built| built.log.as_str()).collect();
        assert_eq!(logs.len(), 1, "{name}: {logs:?}");
        let told = logs[0].lines().filter(|line| line.starts_with("nixwright: ")).count();
        assert_eq!(told, 1, "{name} does not say in one line what the bot can show: {logs:?}");
        for word in words {
            assert!(logs.iter().any(|log| log.contains(word)), "{name}: no {word:?} in {logs:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn building_again_makes_the_same_bytes() {
    let checks = Checks::open(FOLDER).await;
    let derivations = checks.derivations("repeated");
    assert!(checks.build(&derivations).await.succeeded());
    let again: Vec<&str> = ["--realise", "--check"].into_iter().chain(derivations.iter().map(String::as_str)).collect();
    checks.call("nix-store", &again).expect_code(0);
}
