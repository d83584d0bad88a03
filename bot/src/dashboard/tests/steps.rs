use super::fixture::{Fixture, attr, site};
use crate::dashboard::views::{PackageDoc, Source};

async fn way(name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::full(folder.path(), "").await;
    let site = site();
    let source = Source { store: &fixture.store, site: &site, now: fixture.now() };
    let doc = PackageDoc::load(source, &attr(name)).await.unwrap().unwrap();
    doc.steps.iter().map(|step| format!("{} {}", step.label, step.state.as_str())).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_merged_release_has_gone_the_whole_way() {
    assert_eq!(
        way("ripgrep").await,
        "Seen done, Resolved done, Written done, Evaluated done, Built done, Pull request done, Merged done"
    );
}

#[tokio::test]
async fn a_failed_release_shows_where_and_keeps_the_pull_request_that_tells_of_it() {
    assert_eq!(
        way("hexyl").await,
        "Seen done, Resolved done, Written done, Evaluated done, Built failed, Pull request done, Merged later"
    );
}

#[tokio::test]
async fn a_release_that_waits_or_is_worked_on_shows_what_comes_next() {
    assert!(way("fd-find").await.starts_with("Seen done, Resolved next, Written later"));
    assert!(way("hyperfine").await.starts_with("Seen done, Resolved done, Written now, Evaluated later"));
    assert!(way("bat").await.ends_with("Pull request done, Merged next"));
    assert!(way("newcomer").await.starts_with("Seen next, Resolved later"));
}
