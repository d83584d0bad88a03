use super::{NOON, ONE, at, attr, open_at, store};
use crate::model::{BranchName, CommitSha};
use crate::store::{PrState, PullRequestDraft, StoreError};

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().unwrap()
}

fn branch() -> BranchName {
    "nixwright/alpha".parse().unwrap()
}

fn draft(version: &str, head: char) -> PullRequestDraft {
    PullRequestDraft {
        branch: branch(),
        attr: Some(attr("alpha")),
        title: format!("alpha: 1.0.0 -> {version}"),
        body: "text".to_owned(),
        head: sha(head),
        base: "main".to_owned(),
        version: version.to_owned(),
        failed: false,
        draft: false,
        labels: Vec::new(),
        maintainers: Vec::new(),
    }
}

#[tokio::test]
async fn a_newer_release_updates_the_open_pull_request_of_its_branch() {
    let (folder, store) = store().await;
    let first = store.upsert_pull_request(&draft("1.1.0", 'a')).await.unwrap();
    let later = open_at(folder.path(), ONE).await;
    let second = later.upsert_pull_request(&draft("1.2.0", 'b')).await.unwrap();
    assert_eq!((first.number, second.number), (1, 1));
    assert_eq!((second.head.clone(), second.version.as_str()), (sha('b'), "1.2.0"));
    assert_eq!((second.opened, second.updated), (at(NOON), at(ONE)));
    assert_eq!(later.pull_request_by_branch(&branch()).await.unwrap(), Some(second));
    assert_eq!(later.pull_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn saying_the_same_again_changes_nothing_not_even_the_time() {
    let (folder, store) = store().await;
    let first = store.upsert_pull_request(&draft("1.1.0", 'a')).await.unwrap();
    let again = open_at(folder.path(), ONE).await.upsert_pull_request(&draft("1.1.0", 'a')).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn what_was_turned_down_or_merged_is_not_proposed_again_and_the_next_release_is() {
    let (_folder, store) = store().await;
    let first = store.upsert_pull_request(&draft("1.1.0", 'a')).await.unwrap();
    store.set_pull_request_state(first.number, PrState::Closed, None).await.unwrap();
    let same = store.upsert_pull_request(&draft("1.1.0", 'b')).await.unwrap();
    assert_eq!((same.number, same.state, same.head), (1, PrState::Closed, sha('a')));

    let next = store.upsert_pull_request(&draft("1.2.0", 'c')).await.unwrap();
    assert_eq!((next.number, next.state), (2, PrState::Open));
    store.set_pull_request_state(2, PrState::Merged, Some(sha('d'))).await.unwrap();
    let merged = store.upsert_pull_request(&draft("1.2.0", 'c')).await.unwrap();
    assert_eq!((merged.number, merged.merge_commit), (2, Some(sha('d'))));
    // The same version from another commit (a change of the builders, say) is another proposal.
    assert_eq!(store.upsert_pull_request(&draft("1.2.0", 'e')).await.unwrap().number, 3);
}

#[tokio::test]
async fn a_closed_pull_request_has_the_time_of_closing_until_it_is_reopened() {
    let (folder, store) = store().await;
    store.upsert_pull_request(&draft("1.1.0", 'a')).await.unwrap();
    let later = open_at(folder.path(), ONE).await;
    later.set_pull_request_state(1, PrState::Closed, None).await.unwrap();
    let closed = later.pull_request(1).await.unwrap().unwrap();
    assert_eq!((closed.closed, closed.updated), (Some(at(ONE)), at(ONE)));
    later.set_pull_request_state(1, PrState::Open, None).await.unwrap();
    assert_eq!(later.pull_request(1).await.unwrap().unwrap().closed, None);
}

#[tokio::test]
async fn the_state_of_an_unknown_number_cannot_be_set() {
    let (_folder, store) = store().await;
    let error = store.set_pull_request_state(7, PrState::Merged, None).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownPullRequest(7)), "{error:?}");
}

#[tokio::test]
async fn two_that_open_at_once_get_one_pull_request() {
    let (folder, one) = store().await;
    let two = open_at(folder.path(), NOON).await;
    let (draft_one, draft_two) = (draft("1.1.0", 'a'), draft("1.1.0", 'a'));
    let (first, second) = tokio::join!(one.upsert_pull_request(&draft_one), two.upsert_pull_request(&draft_two));
    assert_eq!(first.unwrap().number, second.unwrap().number);
    assert_eq!(one.pull_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_went_in_good_is_known_alone_and_in_a_group() {
    let (_folder, store) = store().await;
    let merged = |branch: &str, attr: Option<&str>, version: &str, failed| PullRequestDraft {
        branch: branch.parse().unwrap(),
        attr: attr.map(|attr| attr.parse().unwrap()),
        version: version.to_owned(),
        failed,
        ..draft("1.0.0", 'a')
    };
    for draft in [
        merged("nixwright/alpha", Some("alpha"), "1.0.0", false),
        merged("nixwright/beta", Some("beta"), "1.0.0", true),
        merged("nixwright.groups/both", None, "alpha@2.0.0 beta@2.0.0", false),
    ] {
        let number = store.upsert_pull_request(&draft).await.unwrap().number;
        store.set_pull_request_state(number, PrState::Merged, None).await.unwrap();
    }
    let mut good = Vec::new();
    for (name, version) in [
        ("alpha", "1.0.0"),
        ("beta", "1.0.0"),
        ("alpha", "2.0.0"),
        ("beta", "2.0.0"),
        ("beta", "2.0"),
        ("eta", "2.0.0"),
    ] {
        if store.was_merged_good(&attr(name), version).await.unwrap() {
            good.push(format!("{name} {version}"));
        }
    }
    assert_eq!(good, ["alpha 1.0.0", "alpha 2.0.0", "beta 2.0.0"]);
}
