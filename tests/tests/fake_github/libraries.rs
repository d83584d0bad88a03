//! The libraries that talk to GitHub find in the fake what they expect: octocrab, and libgit2 with a token in a callback.

use git2::{Cred, FetchOptions, PushOptions, RemoteCallbacks, Repository};
use nixwright_tests::github::GitHub;
use octocrab::models::pulls::MergeableState;
use octocrab::models::{IssueState, StatusState};
use octocrab::params::State;
use octocrab::params::repos::Reference;
use octocrab::{DefaultOctocrabBuilderConfig, NoAuth, NoSvc, NotLayerReady, Octocrab};

type Builder = octocrab::OctocrabBuilder<NoSvc, DefaultOctocrabBuilderConfig, NoAuth, NotLayerReady>;

fn builder(github: &GitHub) -> Builder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let header = |name: &'static str| octocrab_header(name);
    #[expect(clippy::disallowed_methods, reason = "this test is about the library itself")]
    let builder = Octocrab::builder();
    builder
        .base_uri(github.api_url())
        .expect("the fake's address")
        .add_header(header("accept"), "application/vnd.github+json".to_owned())
        .add_header(header("x-github-api-version"), "2022-11-28".to_owned())
}

fn octocrab_header(name: &'static str) -> reqwest::header::HeaderName {
    reqwest::header::HeaderName::from_static(name)
}

#[tokio::test]
async fn octocrab_lives_with_it() -> octocrab::Result<()> {
    let github = GitHub::start();
    let (owner, name) = ("octo-org", "overlay");
    let client = builder(&github).personal_token(github.token()).build()?;
    let head = github.commit_as_person("nixwright/fd", "fd", "1");
    let pulls = client.pulls(owner, name);
    let opened = pulls.create("fd: 1", "nixwright/fd", "main").body("Text").draft(Some(true)).send().await?;
    assert_eq!((opened.number, opened.head.sha.as_str()), (1, head.as_str()));
    let found = pulls.list().state(State::All).head("octo-org:nixwright/fd").per_page(100).send().await?;
    assert_eq!(found.items.len(), 1);
    // octocrab's own `update` sends the number in the body too, which GitHub does not know.
    let wish = serde_json::json!({ "title": "fd: 2", "body": "More" });
    let _: serde_json::Value = client.patch("/repos/octo-org/overlay/pulls/1", Some(&wish)).await?;
    let issues = client.issues(owner, name);
    issues.add_labels(1, &["nixwright".to_owned()]).await?;
    issues.add_assignees(1, &["alice"]).await?;
    pulls.request_reviews(1, ["bob".to_owned()], []).await?;
    let comment = issues.create_comment(1, "Hello").await?;
    // And its `update_comment` is a POST, which GitHub takes for old clients' sake and does not describe.
    let wish = serde_json::json!({ "body": "Hello again" });
    let place = format!("/repos/octo-org/overlay/issues/comments/{}", comment.id);
    let _: serde_json::Value = client.patch(place, Some(&wish)).await?;
    let repos = client.repos(owner, name);
    let sha = head.clone();
    repos.create_status(sha, StatusState::Success).context("nixwright/a".to_owned()).send().await?;
    let combined = repos.combined_status_for_ref(&Reference::Branch("nixwright/fd".to_owned())).await?;
    assert_eq!(combined.state, StatusState::Success);
    repos.get_ref(&Reference::Branch("main".to_owned())).await?;
    repos.get().await?;
    pulls.list_files(1).await?;
    client.current().user().await?;
    let id = opened.node_id.expect("an id");
    let ready =
        "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id } } }";
    let body = serde_json::json!({ "query": ready, "variables": { "id": id } });
    let told: serde_json::Value = client.graphql(&body).await?;
    assert_eq!(told["markPullRequestReadyForReview"]["pullRequest"]["id"], id);
    pulls.get(1).await?;
    let pull = pulls.get(1).await?;
    assert_eq!((pull.mergeable_state, pull.title.as_deref()), (Some(MergeableState::Clean), Some("fd: 2")));
    pulls.merge(1).sha(head).send().await?;
    let merged = pulls.get(1).await?;
    assert_eq!((merged.state, merged.merged_at.is_some()), (Some(IssueState::Closed), true));
    github.release("v1", "First.", false);
    repos.releases().get_by_tag("v1").await?;
    Ok(())
}

#[tokio::test]
async fn octocrab_works_as_an_app() -> octocrab::Result<()> {
    let github = GitHub::start();
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(github.install_app(7, 99).as_bytes()).expect("a key");
    let app = builder(&github).app(7.into(), key).build()?;
    let found = app.apps().get_repository_installation("octo-org", "overlay").await?;
    let client = app.installation(found.id)?;
    github.commit_as_person("nixwright/fd", "fd", "1");
    let opened = client.pulls("octo-org", "overlay").create("fd", "nixwright/fd", "main").send().await?;
    assert_eq!(opened.user.expect("an author").login, "nixwright[bot]");
    Ok(())
}

fn with_token<'a>(token: String) -> RemoteCallbacks<'a> {
    let mut callbacks = RemoteCallbacks::new();
    callbacks.credentials(move |_, _, _| Cred::userpass_plaintext("x-access-token", &token));
    callbacks
}

#[test]
fn libgit2_fetches_and_pushes() -> Result<(), git2::Error> {
    let github = GitHub::start();
    let folder = tempfile::tempdir().expect("a folder");
    let local = Repository::init_bare(folder.path())?;
    let mut remote = local.remote("origin", &github.git_url())?;
    let mut options = FetchOptions::new();
    options.remote_callbacks(with_token(github.token()));
    remote.fetch(&["+refs/heads/*:refs/remotes/origin/*"], Some(&mut options), None)?;
    let main = local.refname_to_id("refs/remotes/origin/main")?;
    assert_eq!(github.branch("main"), Some(main.to_string()));
    local.reference("refs/heads/nixwright/fd", main, false, "a branch")?;
    let mut options = PushOptions::new();
    options.remote_callbacks(with_token(github.token()));
    remote.push(&["refs/heads/nixwright/fd:refs/heads/nixwright/fd"], Some(&mut options))?;
    assert_eq!(github.branch("nixwright/fd"), Some(main.to_string()));
    // Deleted again.
    remote.push(&[":refs/heads/nixwright/fd"], Some(&mut options))?;
    assert_eq!(github.branch("nixwright/fd"), None);
    let mut options = PushOptions::new();
    options.remote_callbacks(with_token("wrong".to_owned()));
    assert!(remote.push(&["refs/remotes/origin/main:refs/heads/other"], Some(&mut options)).is_err());
    Ok(())
}
