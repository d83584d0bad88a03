use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Forge, ForgeError, LocalForge};
use crate::clients::git::{Author, Change, CommitText, GitError, Overlay};
use crate::model::{BranchName, Clock, CommitSha};
use crate::store::{PrState, PullRequest, PullRequestDraft, Store};

struct Fixture {
    _folder: tempfile::TempDir,
    overlay: Overlay,
    store: Store,
    forge: LocalForge,
    main: CommitSha,
}

fn time() -> Timestamp {
    "2026-02-14T12:56:47Z".parse().unwrap()
}

fn author(name: &str) -> Author {
    Author { name: name.to_owned(), email: format!("{name}@registry.example") }
}

fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

fn own() -> BranchName {
    branch("nixwright/a")
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let overlay = Overlay::open_or_init(&folder.path().join("overlay.git")).unwrap();
        let store = Store::open(&folder.path().join("nixwright.db"), Clock::fixed(time())).await.unwrap();
        let forge = LocalForge::new(store.clone(), overlay.clone(), author("bot"));
        let main = write(&overlay, None, "README.md", "1", "bot");
        overlay.set_branch(&branch("main"), &main, None).unwrap();
        Self { _folder: folder, overlay, store, forge, main }
    }

    /// A proposal of a version, written on top of a commit.
    fn draft(&self, version: &str, parent: &CommitSha) -> PullRequestDraft {
        PullRequestDraft {
            branch: own(),
            attr: None,
            title: format!("a: init at {version}"),
            body: "text".to_owned(),
            head: write(&self.overlay, Some(parent), "packages/a/graph.json", version, "bot"),
            base: "main".to_owned(),
            version: version.to_owned(),
            failed: false,
            draft: false,
            labels: Vec::new(),
            maintainers: Vec::new(),
        }
    }

    async fn publish(&self, draft: &PullRequestDraft) -> PullRequest {
        self.forge.publish(draft).await.unwrap()
    }

    fn tip(&self, of: &BranchName) -> CommitSha {
        self.overlay.branch(of).unwrap().unwrap()
    }
}

fn write(overlay: &Overlay, parent: Option<&CommitSha>, path: &str, text: &str, from: &str) -> CommitSha {
    let changes = BTreeMap::from([(path.to_owned(), Change::text(text))]);
    let text = CommitText { message: "A change", author: &author(from), time: time() };
    overlay.write_commit(parent, &changes, text).unwrap().unwrap()
}

#[tokio::test]
async fn publishing_twice_gives_one_pull_request() {
    let fixture = Fixture::new().await;
    let draft = fixture.draft("1.0.0", &fixture.main);
    let first = fixture.publish(&draft).await;
    assert_eq!((first.state, fixture.tip(&own())), (PrState::Open, draft.head.clone()));
    assert_eq!(fixture.publish(&draft).await, first);
    assert_eq!(fixture.store.pull_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_kill_between_branch_and_record_loses_nothing() {
    let fixture = Fixture::new().await;
    let draft = fixture.draft("1.0.0", &fixture.main);
    // All that was done before the kill.
    fixture.overlay.set_branch(&own(), &draft.head, None).unwrap();
    let request = fixture.publish(&draft).await;
    // And between the merge and its record.
    let text = CommitText { message: "a: init at 1.0.0 (#1)", author: &author("bot"), time: time() };
    let merged = fixture.overlay.merge(&branch("main"), &own(), &draft.head, text).unwrap();
    let request = fixture.forge.merge(request.number, time()).await.unwrap();
    assert_eq!((request.state, request.merge_commit), (PrState::Merged, Some(merged.clone())));
    assert_eq!(fixture.tip(&branch("main")), merged);
}

#[tokio::test]
async fn a_newer_release_updates_the_same_pull_request() {
    let fixture = Fixture::new().await;
    let first = fixture.publish(&fixture.draft("1.0.0", &fixture.main)).await;
    let newer = fixture.draft("1.1.0", &fixture.main);
    let second = fixture.publish(&newer).await;
    assert_eq!((second.number, second.version.as_str(), second.head), (first.number, "1.1.0", newer.head.clone()));
    assert_eq!(fixture.tip(&own()), newer.head);
}

#[tokio::test]
async fn a_release_after_a_merge_opens_a_new_one() {
    let fixture = Fixture::new().await;
    let draft = fixture.draft("1.0.0", &fixture.main);
    let first = fixture.publish(&draft).await;
    let merged = fixture.forge.merge(first.number, time()).await.unwrap();
    assert_eq!(merged.state, PrState::Merged);
    assert_eq!(fixture.forge.merge(first.number, time()).await.unwrap(), merged);
    assert_eq!(fixture.overlay.read_file("main", "packages/a/graph.json").unwrap().unwrap(), b"1.0.0");
    // The one that went in is not opened again.
    assert_eq!(fixture.publish(&draft).await, merged);
    let next = fixture.publish(&fixture.draft("1.1.0", &fixture.tip(&branch("main")))).await;
    assert_eq!((next.number, next.state), (first.number + 1, PrState::Open));
}

#[tokio::test]
async fn a_version_that_was_turned_down_is_not_proposed_again() {
    let fixture = Fixture::new().await;
    let draft = fixture.draft("1.0.0", &fixture.main);
    let number = fixture.publish(&draft).await.number;
    let closed = fixture.forge.close(number, "not wanted").await.unwrap();
    assert_eq!(closed.state, PrState::Closed);
    let other_head = write(&fixture.overlay, Some(&fixture.main), "packages/a/graph.json", "again", "bot");
    assert_eq!(fixture.publish(&PullRequestDraft { head: other_head, ..draft.clone() }).await, closed);
    assert_eq!(fixture.tip(&own()), draft.head);
    insta::assert_snapshot!(fixture.forge.merge(number, time()).await.unwrap_err(), @"pull request 1 is closed, so it is not merged; a newer release opens a new one");
    let newer = fixture.publish(&fixture.draft("1.1.0", &fixture.main)).await;
    assert_eq!((newer.number, newer.state), (number + 1, PrState::Open));
}

#[tokio::test]
async fn a_persons_commits_on_the_branch_are_kept() {
    let fixture = Fixture::new().await;
    let request = fixture.publish(&fixture.draft("1.0.0", &fixture.main)).await;
    let theirs = write(&fixture.overlay, Some(&request.head), "packages/a/overrides.nix", "{ }", "person");
    fixture.overlay.set_branch(&own(), &theirs, Some(&request.head)).unwrap();
    let error = fixture.forge.publish(&fixture.draft("1.1.0", &fixture.main)).await.unwrap_err();
    assert!(matches!(error, ForgeError::Git(GitError::PersonsCommits { .. })), "{error}");
    // Nor is merged what was not built.
    let error = fixture.forge.merge(request.number, time()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Git(GitError::BranchMoved { .. })), "{error}");
    assert_eq!(fixture.tip(&own()), theirs);
    assert_eq!(fixture.store.pull_request(request.number).await.unwrap().unwrap(), request);
}

#[tokio::test]
async fn a_failed_build_is_shown_and_not_merged() {
    let fixture = Fixture::new().await;
    let draft = PullRequestDraft { failed: true, ..fixture.draft("1.0.0", &fixture.main) };
    let request = fixture.publish(&draft).await;
    insta::assert_snapshot!(fixture.forge.merge(request.number, time()).await.unwrap_err(), @"pull request 1 is not merged, because its build failed; its page says why");
    assert_eq!(fixture.tip(&branch("main")), fixture.main);
    // Built again, and now it works.
    let mended = fixture.publish(&PullRequestDraft { failed: false, ..draft }).await;
    assert_eq!(mended.number, request.number);
    assert_eq!(fixture.forge.merge(mended.number, time()).await.unwrap().state, PrState::Merged);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let fixture = Fixture::new().await;
    insta::assert_snapshot!(fixture.forge.merge(7, time()).await.unwrap_err(), @"there is no pull request 7; `nixwright status` lists them");
    let draft = PullRequestDraft { base: "ma in".to_owned(), ..fixture.draft("1.0.0", &fixture.main) };
    insta::assert_snapshot!(fixture.forge.publish(&draft).await.unwrap_err(), @r#"the pull request of nixwright/a cannot go into "ma in", which is not a branch's name"#);
}
