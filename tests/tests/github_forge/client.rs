//! What the client asks beside pull requests: what it may do, releases, and lists of more than one page.

use nixwright::clients::github::Auth;
use nixwright_tests::github::GitHub;

use crate::bench::{Time, client};

#[tokio::test]
async fn it_knows_what_it_may_do() {
    let github = GitHub::start();
    let time = Time::default();
    let access = client(&github, Auth::Token(github.token().into()), &time).access().await.unwrap();
    assert_eq!((access.full_name.as_str(), access.default_branch.as_str()), ("octo-org/overlay", "main"));
    assert!(access.missing.is_empty(), "{access:?}");
    let key = github.install_app(7, 99);
    for installation in [None, Some(99)] {
        let auth = Auth::App { id: 7, key: key.clone().into(), installation };
        let access = client(&github, auth, &time).access().await.unwrap();
        assert!(access.missing.is_empty(), "{access:?}");
    }
}

#[tokio::test]
async fn release_notes_are_found_by_their_tag() {
    let github = GitHub::start();
    github.release("v1.0.0", "First.", false);
    let client = client(&github, Auth::Token(github.token().into()), &Time::default());
    assert_eq!(client.release_notes("octo-org", "overlay", "v1.0.0").await.unwrap().as_deref(), Some("First."));
    assert_eq!(client.release_notes("octo-org", "overlay", "v2.0.0").await.unwrap(), None);
}

#[tokio::test]
async fn lists_are_read_over_all_pages_and_known_ones_cost_nothing() {
    let github = GitHub::start();
    for index in 0..120 {
        let branch = format!("nixwright/p{index}");
        github.commit_as_person(&branch, &branch, "1");
        github.open_pull(&branch, &branch, "alice");
    }
    let client = client(&github, Auth::Token(github.token().into()), &Time::default());
    for _ in 0..2 {
        assert_eq!(client.pulls_updated_since(None).await.unwrap().len(), 120);
    }
    let statuses: Vec<_> = github.requests().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200), Some(200), Some(304), Some(304)]);
}
