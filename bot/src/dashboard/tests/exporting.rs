use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::fixture::{Fixture, attr, site};
use super::html::{ids, links, skeleton, tags};
use crate::dashboard::{ExportError, ExportSummary, export};
use crate::store::{EventKind, NewRun};

/// Every file below a folder, by its path from there.
fn files(dir: &Path) -> BTreeMap<String, String> {
    fn walk(dir: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/"), found);
            } else {
                found.insert(name, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, "", &mut found);
    found
}

fn with_ending<'a>(
    files: &'a BTreeMap<String, String>,
    endings: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let ending =
        |name: &str| Path::new(name).extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default().to_owned();
    files.iter().filter(move |(name, _)| endings.contains(&ending(name).as_str()))
}

async fn exported(spice: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::full(folder.path(), spice).await;
    let dir = folder.path().join("pages");
    export(&fixture.store, &dir, &site()).await.unwrap();
    files(&dir)
}

/// Resolves a relative link from a page, as a browser does.
fn target(page: &str, link: &str) -> String {
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for part in link.split('/') {
        match part {
            ".." => assert!(path.pop().is_some(), "{page} links out of the export: {link}"),
            part => path.push(part),
        }
    }
    path.join("/")
}

/// Whether a file is beside no page: those who read it know its address, from `openapi.json` or from the manual.
fn is_for_programs(file: &str) -> bool {
    ["badges/", "feeds/", "sbom/"].iter().any(|folder| file.starts_with(folder))
        || matches!(file, "openapi.json" | "status.json")
}

#[tokio::test]
async fn every_link_leads_to_a_file_of_the_export_and_to_a_place_in_it() {
    let files = exported("").await;
    let mut reached = BTreeSet::from(["index.html".to_owned()]);
    for (page, text) in with_ending(&files, &["html"]) {
        for link in links(text).into_iter().filter(|link| !link.starts_with("data:")) {
            assert!(!link.starts_with('/') && !link.contains(':'), "{page}: {link} is not relative");
            let (path, place) = link.split_once('#').map_or((link.as_str(), None), |(path, id)| (path, Some(id)));
            let file = if path.is_empty() { page.clone() } else { target(page, path) };
            let text = files.get(&file).unwrap_or_else(|| panic!("{page} links to {link}, which is not there"));
            if let Some(id) = place {
                assert!(ids(text).iter().any(|other| other == id), "{page} links to {link}: no such place");
            }
            reached.insert(file);
        }
    }
    let lost: Vec<_> = files.keys().filter(|file| !reached.contains(*file) && !is_for_programs(file)).collect();
    assert!(lost.is_empty(), "no page leads to {lost:?}");
}

#[tokio::test]
async fn there_is_a_page_and_json_for_each_package_run_and_pull_request() {
    let (machines, names): (Vec<String>, Vec<String>) =
        exported("").await.into_keys().partition(|name| is_for_programs(name));
    // Three badges and a feed for each of seven packages, two feeds for all, and the lists.
    assert_eq!(machines.len(), 7 * 4 + 2 + 2, "{machines:?}");
    let mut wanted = vec!["app.js".to_owned(), "style.css".to_owned()];
    for page in [
        "about",
        "dependencies",
        "failures",
        "hosts",
        "index",
        "maintainers",
        "packages",
        "pull-requests",
        "queue",
        "runs",
    ] {
        wanted.extend([format!("{page}.html"), format!("{page}.json")]);
    }
    for package in ["bat", "fd-find", "hexyl", "hyperfine", "newcomer", "retired", "ripgrep"] {
        wanted.extend([format!("packages/{package}.html"), format!("packages/{package}.json")]);
    }
    wanted.extend((1..=3).flat_map(|n| [format!("pull-requests/{n}.html"), format!("pull-requests/{n}.json")]));
    wanted.extend((1..=4).flat_map(|n| [format!("runs/{n}.html"), format!("runs/{n}.json")]));
    wanted.extend(["runs/1.log".to_owned(), "runs/2.log".to_owned()]);
    wanted.sort();
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn text_from_outside_changes_no_tag_and_no_attribute_of_any_page() {
    let spice = "\"'><script>alert(1)</script><img src=x onerror=alert(1)><!-- </pre></title></style> ]]> & onload=1";
    let (plain, hostile) = (exported(" x").await, exported(spice).await);
    assert_eq!(plain.keys().collect::<Vec<_>>(), hostile.keys().collect::<Vec<_>>());
    for (name, page) in with_ending(&hostile, &["html"]) {
        assert_eq!(skeleton(page), skeleton(&plain[name]), "{name}");
        assert!(!page.contains("<script>") && !page.contains("<img src=x") && !page.contains("<!--"), "{name}");
    }
    assert!(hostile["index.html"].contains("&#60;script&#62;"), "the text is shown, escaped");
}

#[tokio::test]
async fn a_page_holds_no_control_characters_and_no_colour_codes() {
    let files = exported("\u{1b}[31m\u{7}\u{202e}\u{0}").await;
    for (name, page) in with_ending(&files, &["html", "log"]) {
        let acts = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
        assert_eq!(page.chars().find(|&c| acts(c)), None, "{name}");
    }
}

#[tokio::test]
async fn pages_have_no_script_but_our_own_and_load_nothing_from_elsewhere() {
    for (name, page) in with_ending(&exported("").await, &["html"]) {
        for tag in tags(page) {
            assert!(!matches!(tag.name.as_str(), "iframe" | "object" | "form"), "{name}: {tag:?}");
            let source = tag.attributes.iter().find(|(key, _)| key == "src").map(|(_, value)| value.as_str());
            assert!(tag.name != "script" || source.is_some_and(|source| source.ends_with("app.js")), "{name}: {tag:?}");
            assert!(tag.attributes.iter().all(|(key, _)| !key.starts_with("on") && key != "style"), "{name}: {tag:?}");
        }
        let policy = "default-src 'none'; script-src 'self'";
        assert!(tags(page).iter().any(|tag| tag.attributes.iter().any(|(_, value)| value.contains(policy))), "{name}");
    }
}

#[tokio::test]
async fn every_tag_that_is_opened_is_closed() {
    const VOID: [&str; 8] = ["!doctype", "meta", "link", "br", "img", "path", "polyline", "rect"];
    for (name, page) in with_ending(&exported("").await, &["html"]) {
        let mut open: Vec<String> = Vec::new();
        for tag in tags(page).into_iter().map(|tag| tag.name.trim_end_matches('/').to_owned()) {
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "{name}"),
                None if VOID.contains(&tag.as_str()) => {}
                None => open.push(tag),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        let ids = ids(page);
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: an id twice");
    }
}

#[tokio::test]
async fn a_second_export_writes_nothing_and_a_later_one_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::full(folder.path(), "").await;
    let dir = folder.path().join("deep/pages");
    let first = export(&fixture.store, &dir, &site()).await.unwrap();
    let before = files(&dir);
    assert_eq!(first, ExportSummary { written: before.len(), unchanged: 0 });
    let again = export(&fixture.store, &dir, &site()).await.unwrap();
    assert_eq!(again, ExportSummary { written: 0, unchanged: before.len() });

    fixture.store.event(&attr("bat"), Some("0.26.0"), EventKind::Held, "by hand").await.unwrap();
    let later = export(&fixture.store, &dir, &site()).await.unwrap();
    let after = files(&dir);
    let changed: Vec<_> = after.iter().filter(|(name, text)| before[*name] != **text).map(|(name, _)| name).collect();
    assert_eq!(later.written, changed.len());
    assert_eq!(changed, ["packages/bat.html", "packages/bat.json"]);
}

#[tokio::test]
async fn failures_come_first_and_every_state_has_its_reason() {
    let files = exported("").await;
    let overview: serde_json::Value = serde_json::from_str(&files["index.json"]).unwrap();
    let packages = overview["packages"].as_array().unwrap();
    let order: Vec<_> = packages.iter().map(|row| row["attr"].as_str().unwrap()).collect();
    assert_eq!(order, ["hexyl", "hyperfine", "bat", "fd-find", "newcomer", "ripgrep"]);
    let page = &files["index.html"];
    for row in packages {
        let reason = row["reason"].as_str().unwrap();
        assert!(!reason.is_empty() && page.contains(reason), "{row}");
    }
    assert!(page.contains("1 of 6 packages failed"));
    assert!(page.contains("2026-03-02 18:04"), "when the waiting one is looked at next");
    assert_eq!(overview["no_longer_configured"][0], "retired");
}

#[tokio::test]
async fn the_json_of_a_run_tells_what_its_page_shows() {
    let files = exported("").await;
    let run: serde_json::Value = serde_json::from_str(&files["runs/2.json"]).unwrap();
    assert_eq!(run["outcome"], "failed");
    assert_eq!(run["failure_class"], "build");
    assert_eq!(run["pull_request"], 2);
    assert_eq!(run["log_file"], "2.log");
    assert_eq!(run["derivations"][0]["elapsed_ms"], 31_000);
    assert_eq!(run["systems"][0]["system"], "x86_64-linux");
    let page = &files["runs/2.html"];
    assert!(page.contains("<details class=\"log\" open>"), "the log of what failed is open");
    assert!(files["runs/2.log"].contains("=== hexyl-0.16.0 ===\nerror[E0658]"));
    assert!(
        files["runs/1.html"]
            .contains("nix build &#39;git+https://registry.example/overlay.git?ref=nixwright/ripgrep&#38;rev=5f5f")
    );
}

#[tokio::test]
async fn a_package_page_says_how_to_run_subscribe_and_pin() {
    let files = exported("").await;
    let package: serde_json::Value = serde_json::from_str(&files["packages/ripgrep.json"]).unwrap();
    insta::assert_json_snapshot!(package["how_to"], @r#"
    {
      "run": "nix run 'git+https://registry.example/overlay.git?ref=stable#ripgrep'",
      "subscribe": "inputs.nixwright.url = \"git+https://registry.example/overlay.git?ref=stable\";\n\n# where nixpkgs is configured; the program is then pkgs.nixwright.ripgrep\nnixpkgs.overlays = [ inputs.nixwright.overlays.default ];",
      "pin": "inputs.nixwright.url = \"git+https://registry.example/overlay.git?ref=main&rev=abababababababababababababababababababab\";",
      "roll_back": []
    }
    "#);
}

#[tokio::test]
async fn a_long_log_is_cut_on_the_page_and_whole_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::full(folder.path(), "").await;
    let run = NewRun { attr: attr("bat"), version: "0.27.0".to_owned(), from_version: None };
    let run = fixture.store.begin_run(&run).await.unwrap();
    let text = (0..20_000).map(|line| format!("line {line} ä")).collect::<Vec<_>>().join("\n") + "\n";
    fixture.store.append_log(run, "bat-0.27.0", &text).await.unwrap();
    export(&fixture.store, folder.path(), &site()).await.unwrap();
    let files = files_of_run(folder.path(), run.0);
    assert!(files.0.len() < 200_000, "{}", files.0.len());
    assert!(files.0.contains("\nline 19999 ä\n") && !files.0.contains("line 1 ä"));
    assert!(files.0.contains("20000 lines, the end is shown"));
    assert!(files.1.contains("line 0 ä\n") && files.1.contains("line 19999 ä\n"));
}

fn files_of_run(dir: &Path, run: i64) -> (String, String) {
    let read = |end: &str| std::fs::read_to_string(dir.join(format!("runs/{run}.{end}"))).unwrap();
    (read("html"), read("log"))
}

#[tokio::test]
async fn an_empty_store_gives_a_page_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::empty(folder.path(), "").await;
    let dir = folder.path().join("pages");
    export(&fixture.store, &dir, &site()).await.unwrap();
    let page = &files(&dir)["index.html"];
    assert!(page.contains("No packages yet") && page.contains("nixwright add pkg:cargo/NAME"));
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::empty(folder.path(), "").await;
    let error = export(&fixture.store, &folder.path().join("nixwright.db"), &site()).await.unwrap_err();
    assert!(matches!(error, ExportError::File(_)) && error.to_string().contains("nixwright.db"), "{error}");
}
