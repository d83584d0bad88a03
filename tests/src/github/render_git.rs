//! The repository and what git knows, in the form in which GitHub shows it.

use git2::Oid;
use serde_json::{Map, Value, json};

use super::clock::text;
use super::render::join;
use super::repository::ChangedFile;
use super::world::World;

/// Addresses below the repository's own: the field's name without `_url`, and what follows.
const BELOW: [(&str, &str); 36] = [
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
];

/// The repository's number.
pub(super) const REPOSITORY: u64 = 4242;

impl World {
    /// What `minimal-repository` and its larger siblings share.
    pub(super) fn repository_minimal(&self, owner: &str) -> Value {
        let own = owner == self.settings.owner;
        let full_name = format!("{owner}/{}", self.settings.name);
        let api = format!("{}/repos/{full_name}", self.api());
        let mut urls = Map::new();
        for (name, below) in BELOW {
            urls.insert(format!("{name}_url"), json!(format!("{api}{below}")));
        }
        let mut shown = json!({
            "id": if own { REPOSITORY } else { REPOSITORY + 1 },
            "node_id": format!("R_{owner}"),
            "name": self.settings.name,
            "full_name": full_name,
            "owner": self.user(owner),
            "private": self.settings.private,
            "html_url": format!("{}/{full_name}", self.base),
            "description": null,
            "fork": !own,
            "url": api,
        });
        join(&mut shown, Value::Object(urls));
        shown
    }

    /// `repository`, as in a pull request's ends; of another owner it is a fork.
    pub(super) fn repository(&self, owner: &str) -> Value {
        let open = self.pulls.values().filter(|pull| pull.is_open()).count();
        let mut shown = self.repository_minimal(owner);
        let page = shown["html_url"].as_str().unwrap_or_default().to_owned();
        let extra = json!({
            "git_url": format!("{page}.git"),
            "ssh_url": format!("git@forge.example:{owner}/{}.git", self.settings.name),
            "clone_url": format!("{page}.git"),
            "mirror_url": null,
            "svn_url": page,
            "homepage": null,
            "language": "Nix",
            "forks_count": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "size": 1,
            "default_branch": "main",
            "open_issues_count": open,
            "has_issues": true,
            "has_projects": false,
            "has_wiki": false,
            "has_pages": false,
            "has_downloads": false,
            "has_discussions": false,
            "archived": false,
            "disabled": false,
            "visibility": if self.settings.private { "private" } else { "public" },
            "pushed_at": text(self.created),
            "created_at": text(self.created),
            "updated_at": text(self.created),
            "license": null,
            "forks": 0,
            "open_issues": open,
            "watchers": 0,
        });
        join(&mut shown, extra);
        shown
    }

    /// `full-repository`.
    pub(super) fn repository_full(&self) -> Value {
        let allows = |method: &str| self.settings.merge_methods.iter().any(|allowed| allowed == method);
        let mut shown = self.repository(&self.settings.owner);
        let extra = json!({
            "permissions": { "admin": false, "maintain": false, "push": true, "triage": true, "pull": true },
            "allow_merge_commit": allows("merge"),
            "allow_squash_merge": allows("squash"),
            "allow_rebase_merge": allows("rebase"),
            "allow_auto_merge": self.settings.allow_auto_merge,
            "delete_branch_on_merge": self.settings.delete_branch_on_merge,
            "subscribers_count": 0,
            "network_count": 0,
        });
        join(&mut shown, extra);
        shown
    }

    /// `commit`.
    pub(super) fn commit_shown(&self, id: Oid) -> Value {
        let commit = self.git.find_commit(id).expect("a commit");
        let api = |sha: Oid| format!("{}/commits/{sha}", self.api_repository());
        let person = |who: &git2::Signature<'_>| {
            let date = jiff::Timestamp::from_second(who.when().seconds()).expect("a time");
            let of = |text: Result<&str, git2::Error>| text.unwrap_or_default().to_owned();
            json!({ "name": of(who.name()), "email": of(who.email()), "date": text(date) })
        };
        json!({
            "url": api(id),
            "sha": id.to_string(),
            "node_id": format!("C_{id}"),
            "html_url": format!("{}/commit/{id}", self.page()),
            "comments_url": format!("{}/comments", api(id)),
            "commit": {
                "url": format!("{}/git/commits/{id}", self.api_repository()),
                "author": person(&commit.author()),
                "committer": person(&commit.committer()),
                "message": String::from_utf8_lossy(commit.message_bytes()),
                "comment_count": 0,
                "tree": {
                    "sha": commit.tree_id().to_string(),
                    "url": format!("{}/git/trees/{}", self.api_repository(), commit.tree_id()),
                },
            },
            "author": self.account_of(&commit.author()),
            "committer": self.account_of(&commit.committer()),
            "parents": commit.parent_ids().map(|parent| json!({
                "sha": parent.to_string(), "url": api(parent), "html_url": format!("{}/commit/{parent}", self.page()),
            })).collect::<Vec<_>>(),
        })
    }

    /// The account with a commit's address, as GitHub finds it; null where there is none.
    fn account_of(&self, who: &git2::Signature<'_>) -> Value {
        let email = who.email().unwrap_or_default();
        let login = email.strip_suffix("@users.forge.example").filter(|login| self.is_collaborator(login));
        // The description has an empty object where GitHub has no account.
        login.map_or_else(|| json!({}), |login| self.user(login))
    }

    /// `diff-entry`.
    pub(super) fn file_shown(&self, file: &ChangedFile, head: &str) -> Value {
        json!({
            "sha": file.blob.to_string(),
            "filename": file.path,
            "status": file.status,
            "additions": file.additions,
            "deletions": file.deletions,
            "changes": file.additions + file.deletions,
            "blob_url": format!("{}/blob/{head}/{}", self.page(), file.path),
            "raw_url": format!("{}/raw/{head}/{}", self.page(), file.path),
            "contents_url": format!("{}/contents/{}?ref={head}", self.api_repository(), file.path),
            "patch": file.patch,
        })
    }

    /// `git-ref`.
    pub(super) fn reference_shown(&self, name: &str, target: Oid) -> Value {
        json!({
            "ref": name,
            "node_id": format!("REF_{name}"),
            "url": format!("{}/git/{name}", self.api_repository()),
            "object": {
                "type": "commit",
                "sha": target.to_string(),
                "url": format!("{}/git/commits/{target}", self.api_repository()),
            },
        })
    }

    /// `tag`.
    pub(super) fn tag_shown(&self, name: &str, commit: Oid) -> Value {
        json!({
            "name": name,
            "commit": { "sha": commit.to_string(), "url": format!("{}/commits/{commit}", self.api_repository()) },
            "zipball_url": format!("{}/zipball/refs/tags/{name}", self.api_repository()),
            "tarball_url": format!("{}/tarball/refs/tags/{name}", self.api_repository()),
            "node_id": format!("REF_tag_{name}"),
        })
    }
}
