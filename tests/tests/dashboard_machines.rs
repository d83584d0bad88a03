//! What programs read of the pages, judged by other people's programs: the description by schemathesis, feeds and badges by parsers
//! of their formats, figures by Prometheus's own, bills of materials by CycloneDX's schema.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use nixwright_tests::cyclonedx;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::site::Site;
use nixwright_tests::dashboard::{hostile, scenes};
use nixwright_tests::process::{command, run, write_file};
use nixwright_tests::target;
use serde_json::Value;

/// What the addresses of the description stand for, where something is: of a package that is well, of one that has failed, and of
/// one that means harm.
fn places(site: &Site) -> Vec<Vec<(&'static str, String)>> {
    let of = |attr: &str, run: i64, number: i64, dependency: (&str, String), version: &str| {
        vec![
            ("attr", format!("{attr:?}")),
            ("run", run.to_string()),
            ("number", number.to_string()),
            ("ecosystem", format!("{:?}", dependency.0)),
            ("name", format!("{:?}", dependency.1)),
            ("login", format!("{:?}", scenes::MAINTAINER)),
            ("version", format!("{version:?}")),
        ]
    };
    let last = |address: &str| address.rsplit('/').next().unwrap_or_default().to_owned();
    let page: Value = json(site, &format!("/packages/{}.json", scenes::EVIL));
    let file = last(page["files"]["sbom"].as_str().expect("a bill of materials"));
    let evil = file.strip_suffix(".cdx.json").expect("its ending").to_owned();
    let html = site.get(&format!("/graphs/{}.html", scenes::EVIL)).1;
    let link =
        html.split("dependencies/npm/").nth(1).and_then(|rest| rest.split_once(".html")).expect("a dependency").0;
    vec![
        of(scenes::FRESH, 900_011, 900_002, ("cargo", "anvil".to_owned()), "2.4.1"),
        of(scenes::FAILED, scenes::FAILED_RUN, 900_300, ("npm", "anvil".to_owned()), "0.8.0"),
        of(scenes::EVIL, scenes::EVIL_RUN, 900_200, ("npm", link.to_owned()), &evil),
    ]
}

fn json(site: &Site, path: &str) -> Value {
    let (status, text) = site.get(path);
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Has schemathesis ask whatever the description allows, and compare the answers with it.
fn schemathesis(site: &Site, folder: &Path, arguments: &[&str]) {
    let mut st = command(target().join("python/bin/schemathesis"));
    st.arg("run").arg(site.url("/openapi.json")).args(["--url", &site.url("")]);
    st.args([
        "--checks",
        "all",
        "--generation-deterministic",
        "--no-color",
        "--continue-on-failure",
        "--warnings",
        "off",
    ]);
    let done = run(st.args(arguments).current_dir(folder));
    assert_eq!(done.code, Some(0), "{}\n{}", done.stdout, done.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_true_of_every_answer() {
    let site = Site::start(Scale::SMALL).await;
    let folder = tempfile::tempdir().expect("a folder");
    schemathesis(&site, folder.path(), &["--max-examples", "25", "--phases", "coverage,fuzzing"]);
    // The same where something is: most addresses that are made up lead nowhere.
    for place in places(&site) {
        let lines: Vec<String> = place.iter().map(|(name, value)| format!("\"path.{name}\" = {value}")).collect();
        write_file(&folder.path().join("schemathesis.toml"), format!("[parameters]\n{}\n", lines.join("\n")));
        let arguments = ["--max-examples", "15", "--phases", "fuzzing", "--mode", "positive"];
        schemathesis(&site, folder.path(), &arguments);
        let answered = |path: &str| {
            let path = place.iter().fold(path.to_owned(), |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value.trim_matches('"'))
            });
            assert_eq!(site.get(&path).0, 200, "{path}");
        };
        json(&site, "/openapi.json")["paths"].as_object().expect("paths").keys().for_each(|path| answered(path));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_badges_are_read_by_others() {
    let site = Site::start(Scale::SMALL).await;
    let feeds = [
        "/feeds/all.atom".to_owned(),
        "/feeds/failures.atom".to_owned(),
        format!("/feeds/packages/{}.atom", scenes::FRESH),
        format!("/feeds/packages/{}.atom", scenes::EVIL),
        format!("/feeds/maintainers/{}.atom", scenes::MAINTAINER),
    ];
    for path in feeds {
        let (status, text) = site.get(&path);
        assert_eq!(status, 200, "{path}");
        let reader = feed_rs::parser::Builder::new().base_uri(Some(site.url(&path))).build();
        let feed = reader.parse(text.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(!feed.entries.is_empty() && feed.updated.is_some(), "{path}");
        for entry in &feed.entries {
            assert!(entry.id.starts_with("urn:uuid:") && entry.title.is_some(), "{path}: {entry:?}");
            let page = entry.links[0].href.strip_prefix(site.url("").as_str()).expect("one of ours").to_owned();
            assert_eq!(site.get(&page).0, 200, "{path} leads to {page}");
        }
        // Strict about what XML may have, which readers of feeds are not.
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    for attr in scenes::configured() {
        for kind in ["version", "build", "freshness"] {
            let path = format!("/badges/{attr}/{kind}.svg");
            let (status, text) = site.get(&path);
            assert_eq!(status, 200, "{path}");
            let badge = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let root = badge.root_element();
            assert_eq!(root.tag_name().name(), "svg", "{path}");
            let title = badge.descendants().find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title")));
            assert_eq!(root.attribute("aria-label"), title.and_then(|title| title.text()), "{path}");
            assert!(badge.descendants().all(|node| node.tag_name().name() != "script"), "{path}");
        }
    }
    let badge = site.get(&format!("/badges/{}/freshness.svg", scenes::FRESH)).1;
    assert!(badge.contains("<title>overlay: up to date</title>"), "{badge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_same_already_is_told_so() {
    let site = Site::start(Scale::SMALL).await;
    // An error says that there already is a provider, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    for path in
        ["/badges/amber/version.svg", "/feeds/all.atom", "/status.json", "/packages/amber.json", "/packages.html"]
    {
        let first = client.get(site.url(path)).send().await.expect("an answer");
        let tag = first.headers()["etag"].clone();
        let again = client.get(site.url(path)).header("if-none-match", tag).send().await.expect("an answer");
        assert_eq!((first.status().as_u16(), again.status().as_u16()), (200, 304), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_read_by_prometheus() {
    let site = Site::start(Scale::SMALL).await;
    let (status, text) = site.get("/metrics");
    assert_eq!(status, 200);
    let script = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
        for family in read(sys.stdin.read()):\n    \
        print(family.name, family.type, len(family.samples), bool(family.documentation))\n";
    let mut python = command(target().join("python/bin/python"));
    python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().expect("python is there: run `make deps`");
    child.stdin.take().expect("its standard input").write_all(text.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{}\n{text}", String::from_utf8_lossy(&done.stderr));
    for family in ["nixwright_packages gauge", "nixwright_runs counter", "nixwright_jobs gauge", "nixwright_well gauge"]
    {
        assert!(said.contains(family), "no {family} in:\n{said}");
    }
    assert!(said.lines().all(|line| line.ends_with("True")), "all are explained:\n{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bills_of_materials_keep_to_the_schema_whatever_an_upstream_says() {
    let site = Site::start(Scale::SMALL).await;
    for attr in [scenes::FRESH, scenes::OPEN, scenes::FAILED, scenes::EVIL] {
        let page = json(&site, &format!("/packages/{attr}.json"));
        let path = format!("/{}", page["files"]["sbom"].as_str().expect("a bill of materials"));
        let bill = json(&site, &path);
        assert_eq!(cyclonedx::complaints(&bill), [""; 0], "{path}");
        let names = bill["components"].as_array().expect("components").iter();
        let is_hostile = names.filter_map(|row| row["name"].as_str()).any(|name| name.contains(hostile::LINE));
        assert_eq!(is_hostile, attr == scenes::EVIL);
    }
}
