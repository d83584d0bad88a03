//! The pages as files: put below a folder of a file host, every link of every page leads to something, in a browser too.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use nixwright_tests::dashboard::browser::Browser;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::scenes;
use nixwright_tests::dashboard::site::{Site, exported};
use nixwright_tests::process::{files_below, read_text};
use url::Url;

/// Below what the files are served, as by a host that gives each project a folder.
const BELOW: &str = "somebody/overlay";

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_the_files_leads_somewhere_from_any_folder() {
    let site = Site::start(Scale::SMALL).await;
    let folder = site.bot().state().join("public");
    let export = || site.bot().call(&["dashboard", "--export", "var/public"]).expect_code(0);
    export().expect_words(&["files written", "0 unchanged"]);
    export().expect_words(&["0 files written"]);
    let host = host(folder.clone()).await;
    let root = format!("http://{host}/{BELOW}/");

    let files = files_below(&folder);
    let pages = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "html"));
    let mut led_to = BTreeSet::new();
    for page in pages.clone() {
        let page = page.to_str().expect("a plain name");
        let address = Url::parse(&format!("{root}{page}")).expect("an address");
        for link in references(&read_text(&folder.join(page))) {
            let link = address.join(&link).unwrap_or_else(|error| panic!("{page}: {link}: {error}"));
            // Home pages and sources are elsewhere, and so are pull requests on a forge.
            let Some(path) = link.as_str().strip_prefix(&root) else {
                assert!(!link.as_str().contains(&host), "{page} leads out of the folder: {link}");
                continue;
            };
            let (path, place) = path.split_once('#').unwrap_or((path, ""));
            let path = percent_encoding::percent_decode_str(path).decode_utf8().expect("text").into_owned();
            let file = folder.join(&path);
            if led_to.insert((path, place.to_owned())) {
                assert!(file.is_file(), "{page} leads to {link}, which is not there");
                let is_there = place.is_empty() || read_text(&file).contains(&format!("id=\"{place}\""));
                assert!(is_there, "{page} leads to {link}: there is no such place");
            }
        }
    }
    assert!(pages.count() > 500 && led_to.len() > 500, "{} files, {} places", files.len(), led_to.len());

    let browser = Browser::start().await;
    for path in exported() {
        browser.open(&format!("{root}{path}")).await;
        assert_eq!(browser.complaints().await, [""; 0], "{path}");
        // Forms, and what else only a server can do, are not there.
        assert_eq!(browser.count("form").await, 0, "{path}");
    }
    // From page to page, as a person goes.
    browser.open(&root).await;
    browser.follow(scenes::FAILED).await;
    browser.follow(&format!("#{}", scenes::FAILED_RUN)).await;
    browser.follow("All logs as plain text").await;
    assert!(browser.page_text().await.contains("cannot find -lquarry"));
}

/// Where a page of ours refers to, as written.
fn references(page: &str) -> Vec<String> {
    let values =
        |key: &'static str| page.split(key).skip(1).filter_map(|rest| rest.split_once('"')).map(|(value, _)| value);
    let all = values(" href=\"").chain(values(" src=\""));
    all.filter(|value| !value.starts_with("data:"))
        .map(|value| value.replace("&#38;", "&").replace("&amp;", "&"))
        .collect()
}

/// A file host that knows nothing but the endings of names.
async fn host(folder: PathBuf) -> String {
    let router = Router::new()
        .route(&format!("/{BELOW}/"), get(|state: State<PathBuf>| file(state, Path("index.html".to_owned()))))
        .route(&format!("/{BELOW}/{{*path}}"), get(file))
        .with_state(folder);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn file(State(folder): State<PathBuf>, Path(path): Path<String>) -> Response {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let kind = match ending {
        "html" => "text/html",
        "css" => "text/css",
        "js" => "text/javascript",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "atom" => "application/atom+xml",
        _ => "text/plain",
    };
    match tokio::fs::read(folder.join(&path)).await {
        Ok(content) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
