//! The pages in a real browser.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nixwright_tests::dashboard::browser::Browser;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::site::Site;

/// How many pages of one kind are looked at.
const EACH: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn no_page_runs_what_an_upstream_wrote_or_has_an_error() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    let mut complaints = BTreeMap::new();
    for page in crawl(&site, &browser, EACH).await {
        browser.open(&page).await;
        let found = browser.complaints().await;
        if !found.is_empty() {
            complaints.insert(page, found);
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Pages that can be reached from the first one, at most so many of each kind.
async fn crawl(site: &Site, browser: &Browser, each: usize) -> Vec<String> {
    let root = site.url("/");
    let mut waiting = VecDeque::from([root.clone()]);
    let (mut known, mut kinds, mut pages) = (BTreeSet::from([root.clone()]), BTreeMap::new(), Vec::new());
    while let Some(page) = waiting.pop_front() {
        let seen = kinds.entry(kind(&page)).or_insert(0_usize);
        *seen += 1;
        if *seen > each {
            continue;
        }
        if !is_page(&page) {
            let path = page.strip_prefix(root.trim_end_matches('/')).expect("one of ours");
            assert_eq!(site.get(path).0, 200, "{page}");
            continue;
        }
        browser.open(&page).await;
        for link in browser.links().await.into_iter().filter(|link| link.starts_with(&root)) {
            if known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
        pages.push(page);
    }
    pages
}

/// Whether an address is a page, not a file beside one.
fn is_page(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    path.rsplit_once('.').is_some_and(|(_, ending)| ending == "html") || path.ends_with('/')
}

/// The first part of a path, and how many there are.
fn kind(page: &str) -> String {
    let path = page.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(3).collect();
    let ending = path.rsplit_once('.').filter(|(_, ending)| ending.len() < 6).map_or("", |(_, ending)| ending);
    format!("{} {} {ending}", parts.first().unwrap_or(&""), parts.len())
}
