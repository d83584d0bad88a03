//! What becomes of pull requests, by the bot and by people.

use nixwright_tests::github::{GitHub, Settings};
use nixwright_tests::process::{command, stdout_of};
use serde_json::{Value, json};

use crate::client::{Client, change, clone_with_branch, git};

#[test]
fn a_pull_request_lives_with_its_branch() {
    let github = GitHub::start();
    let client = Client::of(&github);
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["ls-remote", &github.git_url()]).expect_code(128);

    clone_with_branch(&github, folder.path(), "nixwright/fd");
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    let opened = client.open("nixwright/fd").expect(201);
    assert_eq!(opened["number"], 1);
    assert_eq!(opened["changed_files"], 1);

    // A newer commit: the same pull request has it.
    change(folder.path(), "two\n");
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    let head = stdout_of(command("git").current_dir(folder.path()).args(["rev-parse", "HEAD"]));
    assert_eq!(github.pull(1).head_sha, head.trim());
    let reference = git(folder.path(), &["ls-remote", "origin", "refs/pull/1/head"]).expect_code(0);
    reference.expect_words(&[head.trim()]);
    assert_eq!(client.get("/pulls/1/commits").expect(200).as_array().unwrap().len(), 2);
    assert_eq!(client.get("/pulls/1/files").expect(200)[0]["filename"], "packages/fd/package.nix");
    git(folder.path(), &["push", "-q", "origin", "HEAD:refs/pull/1/head"]).expect_code(1);

    // It can be merged, but GitHub does not know that at once.
    assert_eq!(client.get("/pulls/1").expect(200)["mergeable"], Value::Null);
    assert_eq!(client.get("/pulls/1").expect(200)["mergeable_state"], "clean");

    // Closed, opened again, and gone with its branch.
    assert_eq!(client.send("PATCH", "/pulls/1", &json!({ "state": "closed" })).expect(200)["state"], "closed");
    assert_eq!(client.send("PATCH", "/pulls/1", &json!({ "state": "open" })).expect(200)["state"], "open");
    git(folder.path(), &["push", "-q", "origin", ":nixwright/fd"]).expect_code(0);
    assert!(!github.pull(1).is_open());
    let refused = client.send("PATCH", "/pulls/1", &json!({ "state": "open" })).expect(422);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("has been deleted"), "{refused}");

    // Another, which a push to main brings in.
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd"]).expect_code(0);
    assert_eq!(client.open("nixwright/fd").expect(201)["number"], 2);
    git(folder.path(), &["push", "-q", "origin", "nixwright/fd:main"]).expect_code(0);
    let pull = github.pull(2);
    assert!(pull.merged);
    assert_eq!(pull.merge_commit.as_deref(), Some(head.trim()));
    assert_eq!(client.get("/pulls?state=all").expect(200).as_array().unwrap().len(), 2);
}

#[test]
fn a_second_one_for_the_same_branch_is_refused() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    let again = client.open("nixwright/fd").expect(422);
    assert_eq!(again["errors"][0]["message"], "A pull request already exists for octo-org:nixwright/fd.");
    github.merge(1);
    let empty = client.open("nixwright/fd").expect(422);
    assert_eq!(empty["errors"][0]["message"], "No commits between main and nixwright/fd");
    assert_eq!(client.open("nowhere").expect(422)["errors"][0]["field"], "head");
    assert_eq!(github.count("POST", "/repos/{owner}/{repo}/pulls"), 4);
    assert_eq!(github.pulls().len(), 1);
}

#[test]
fn people_and_words_around_a_pull_request() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    client.send("POST", "/issues/1/labels", &json!({ "labels": ["nixwright", "rust"] })).expect(200);
    client.send("PUT", "/issues/1/labels", &json!({ "labels": ["nixwright"] })).expect(200);
    client.send("POST", "/issues/1/assignees", &json!({ "assignees": ["bob", "stranger"] })).expect(201);
    client.send("POST", "/pulls/1/requested_reviewers", &json!({ "reviewers": ["alice"] })).expect(201);
    client.send("POST", "/pulls/1/requested_reviewers", &json!({ "reviewers": ["stranger"] })).expect(422);
    let comment = client.send("POST", "/issues/1/comments", &json!({ "body": "Hello" })).expect(201);
    let place = format!("/issues/comments/{}", comment["id"]);
    client.send("PATCH", &place, &json!({ "body": "Hello again" })).expect(200);
    github.comment(1, "alice", "Thanks");
    assert_eq!(client.get("/issues/1/comments").expect(200)[1]["user"]["login"], "alice");
    assert_eq!(client.get("/issues/1").expect(200)["comments"], 2);
    let pull = github.pull(1);
    assert_eq!((pull.labels.len(), pull.assignees, pull.reviewers), (1, vec!["bob".into()], vec!["alice".into()]));
    assert_eq!(github.comments(1)[0].body, "Hello again");
    github.approve(1, "alice");
    assert_eq!(client.get("/pulls/1/reviews").expect(200)[0]["state"], "APPROVED");
    assert_eq!(client.get("//user").expect(200)["login"], "nixwright-bot");
    assert_eq!(client.get("").expect(200)["default_branch"], "main");
    github.release("v1.0.0", "First.", false);
    assert_eq!(client.get("/releases/tags/v1.0.0").expect(200)["name"], "v1.0.0");
    assert_eq!(client.get("/tags").expect(200)[0]["name"], "v1.0.0");
    assert_eq!(client.get("/releases").expect(200).as_array().unwrap().len(), 1);
    let head = github.branch("main").unwrap();
    assert_eq!(client.get("/git/ref/heads/main").expect(200)["object"]["sha"], head);
    client.send("POST", "/git/refs", &json!({ "ref": "refs/heads/stable", "sha": head })).expect(201);
    let next = github.push_to_main("a", "b");
    client.send("PATCH", "/git/refs/heads/stable", &json!({ "sha": next })).expect(200);
    client.send("PATCH", "/git/refs/heads/stable", &json!({ "sha": head })).expect(422);
    client.send("DELETE", "/git/refs/heads/stable", &Value::Null).expect(204);
    assert_eq!(client.get(&format!("/commits/{head}")).expect(200)["author"]["login"], "alice");
    client.get("//rate_limit").expect(200);
}

const ARM: &str = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) \
                   { pullRequest { number autoMergeRequest { mergeMethod enabledBy { login } } } } }";

#[test]
fn a_merge_waits_for_green() {
    let required = vec!["nixwright/x86_64-linux".to_owned()];
    let github = GitHub::with(Settings { required_checks: required, ..Settings::default() });
    let client = Client::of(&github);
    let head = github.commit_as_person("nixwright/fd", "fd", "1");
    let opened = client.open("nixwright/fd").expect(201);
    let id = json!({ "id": opened["node_id"] });
    let draft =
        "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }";
    client.graphql(draft, &id);
    assert_eq!(
        client.send("PUT", "/pulls/1/merge", &json!({})).expect(405)["message"],
        "Pull Request is still a draft"
    );
    let ready =
        "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id } } }";
    assert_eq!(client.graphql(ready, &id)["data"]["markPullRequestReadyForReview"]["pullRequest"]["id"], id["id"]);
    let refused = client.send("PUT", "/pulls/1/merge", &json!({})).expect(405);
    assert_eq!(refused["message"], "Required status check \"nixwright/x86_64-linux\" is expected.");

    let armed = client.graphql(ARM, &id);
    assert_eq!(armed["data"]["enablePullRequestAutoMerge"]["pullRequest"]["number"], 1, "{armed}");
    assert_eq!(client.get("/pulls/1").expect(200)["auto_merge"]["merge_method"], "squash");
    let status = |state: &str| json!({ "state": state, "context": "nixwright/x86_64-linux", "description": "built" });
    client.send("POST", &format!("/statuses/{head}"), &status("pending")).expect(201);
    assert!(github.pull(1).is_open());
    client.send("POST", &format!("/statuses/{head}"), &status("success")).expect(201);
    let pull = github.pull(1);
    assert!(pull.merged);
    assert_eq!(github.branch("main"), pull.merge_commit);
    assert_eq!(client.get(&format!("/commits/{head}/status")).expect(200)["state"], "success");
    assert_eq!(client.get(&format!("/commits/{head}/statuses")).expect(200).as_array().unwrap().len(), 2);

    // Another one is green before it is armed.
    let head = github.commit_as_person("nixwright/rg", "rg", "1");
    let opened = client.open("nixwright/rg").expect(201);
    github.check(&head, "nixwright/x86_64-linux", Some("success"));
    assert_eq!(client.get("/commits/nixwright/rg/check-runs").expect(200)["total_count"], 1);
    let told = client.graphql(ARM, &json!({ "id": opened["node_id"] }));
    assert_eq!(told["errors"][0]["message"], "Pull request Pull request is in clean status");
    assert_eq!(told["errors"][0]["type"], "UNPROCESSABLE");
    client.send("PUT", "/pulls/2/merge", &json!({ "sha": "0".repeat(40) })).expect(409);
    client.send("PUT", "/pulls/2/merge", &json!({ "sha": head, "merge_method": "squash" })).expect(200);
    assert_eq!(github.branch("main"), github.pull(2).merge_commit);
    let gone = client.graphql(ARM, &json!({ "id": "PR_nothing" }));
    assert_eq!(gone["errors"][0]["type"], "NOT_FOUND");
}

#[test]
fn a_person_brings_the_same_from_a_fork() {
    let github = GitHub::start();
    let client = Client::of(&github);
    github.commit_as_person("nixwright/fd", "fd", "1");
    assert_eq!(github.open_pull_from_fork("carol", "nixwright/fd", "fd by hand", ("fd", "1")), 1);
    client.open("nixwright/fd").expect(201);
    let ours = client.get("/pulls?head=octo-org:nixwright/fd").expect(200);
    assert_eq!((ours.as_array().unwrap().len(), &ours[0]["number"]), (1, &json!(2)));
    let theirs = client.get("/pulls?head=carol:nixwright/fd").expect(200);
    assert_eq!(theirs[0]["head"]["repo"]["full_name"], "carol/overlay");
    github.merge(1);
    assert_eq!(client.get("/pulls/1").expect(200)["merged"], true);
    assert!(github.pull(2).is_open());
}

#[test]
fn a_repository_without_a_commit() {
    let github = GitHub::empty(Settings::default());
    let client = Client::of(&github);
    client.get("/git/ref/heads/main").expect(409);
    assert_eq!(client.get("/pulls").expect(200), json!([]));
    let folder = tempfile::tempdir().unwrap();
    clone_with_branch(&github, folder.path(), "main");
    git(folder.path(), &["push", "-q", "origin", "main"]).expect_code(0);
    client.get("/git/ref/heads/main").expect(200);
}

#[test]
fn a_branch_that_is_put_elsewhere() {
    let github = GitHub::start();
    let client = Client::of(&github);
    let main = github.branch("main").unwrap();
    let one = github.commit_as_person("nixwright/fd", "fd", "1");
    client.open("nixwright/fd").expect(201);
    // Nothing is left of it.
    github.move_branch("nixwright/fd", &main);
    assert!(!github.pull(1).is_open() && !github.pull(1).merged);
    client.send("PATCH", "/pulls/1", &json!({ "state": "open" })).expect(422);

    // Closed, and then another history.
    github.move_branch("nixwright/fd", &one);
    assert_eq!(client.open("nixwright/fd").expect(201)["number"], 2);
    github.close(2);
    github.move_branch("nixwright/fd", &main);
    github.commit_as_person("nixwright/fd", "fd", "2");
    let refused = client.send("PATCH", "/pulls/2", &json!({ "state": "open" })).expect(422);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("force-pushed"), "{refused}");

    // Main has another answer to the same question.
    assert_eq!(client.open("nixwright/fd").expect(201)["number"], 3);
    github.push_to_main("fd", "3");
    assert_eq!(github.merge_state(3), "dirty");
    client.get("/pulls/3").expect(200);
    let shown = client.get("/pulls/3").expect(200);
    assert_eq!((&shown["mergeable"], &shown["mergeable_state"]), (&json!(false), &json!("dirty")));
    let refused = client.send("PUT", "/pulls/3/merge", &json!({})).expect(405);
    assert_eq!(refused["message"], "Pull Request has merge conflicts");
}

#[test]
fn people_merge_in_three_ways() {
    let github = GitHub::with(Settings { delete_branch_on_merge: true, ..Settings::default() });
    let client = Client::of(&github);
    for (method, parents) in [("merge", 2), ("squash", 1), ("rebase", 1)] {
        github.commit_as_person(method, &format!("{method}/a"), "1");
        let head = github.commit_as_person(method, &format!("{method}/b"), "1");
        let number = github.open_pull(method, method, "bob");
        let made = github.merge_as(number, method);
        assert_eq!(github.branch("main").as_ref(), Some(&made));
        assert_eq!(github.branch(method), None);
        let shown = client.get(&format!("/commits/{made}")).expect(200);
        assert_eq!(shown["parents"].as_array().unwrap().len(), parents);
        assert_ne!(made, head);
        let commits = client.get(&format!("/pulls/{number}/commits")).expect(200);
        assert_eq!(commits.as_array().unwrap().len(), 2, "{method}");
        assert_eq!(client.get(&format!("/pulls/{number}/files")).expect(200).as_array().unwrap().len(), 2, "{method}");
    }
}
