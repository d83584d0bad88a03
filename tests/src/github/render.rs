//! What the fake remembers, in the form in which GitHub shows it.

use serde_json::{Value, json};

use super::clock::text;
use super::world::{CheckRun, Comment, Pull, Release, Status, World};

/// A number for a login, the same each time.
fn number_of(login: &str) -> u64 {
    login.bytes().fold(1000, |sum, byte| (sum * 31 + u64::from(byte)) % 100_000_000)
}

impl World {
    /// The API's address, without a final slash.
    pub(super) fn api(&self) -> String {
        format!("{}/api/v3", self.base)
    }

    /// The repository in the API.
    pub(super) fn api_repository(&self) -> String {
        format!("{}/repos/{}", self.api(), self.full_name())
    }

    /// `OWNER/REPO`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.settings.owner, self.settings.name)
    }

    /// The page that people see.
    pub(super) fn page(&self) -> String {
        format!("{}/{}", self.base, self.full_name())
    }

    /// `simple-user`.
    pub(super) fn user(&self, login: &str) -> Value {
        let named = login.replace('[', "%5B").replace(']', "%5D");
        let api = format!("{}/users/{named}", self.api());
        let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
        json!({
            "login": login,
            "id": number_of(login),
            "node_id": format!("U_{login}"),
            "avatar_url": format!("{}/avatars/{}", self.base, number_of(login)),
            "gravatar_id": "",
            "url": api,
            "html_url": format!("{}/{named}", self.base),
            "followers_url": format!("{api}/followers"),
            "following_url": format!("{api}/following{{/other_user}}"),
            "gists_url": format!("{api}/gists{{/gist_id}}"),
            "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{api}/subscriptions"),
            "organizations_url": format!("{api}/orgs"),
            "repos_url": format!("{api}/repos"),
            "events_url": format!("{api}/events{{/privacy}}"),
            "received_events_url": format!("{api}/received_events"),
            "type": kind,
            "site_admin": false,
        })
    }

    fn users(&self, logins: &[String]) -> Value {
        logins.iter().map(|login| self.user(login)).collect()
    }

    /// `label`.
    pub(super) fn label(&self, name: &str) -> Value {
        json!({
            "id": number_of(name),
            "node_id": format!("LA_{}", number_of(name)),
            "url": format!("{}/labels/{}", self.api_repository(), name.replace(' ', "%20")),
            "name": name,
            "description": "",
            "color": "ededed",
            "default": false,
        })
    }

    /// The labels of a pull request.
    pub(super) fn labels_of(&self, pull: &Pull) -> Vec<Value> {
        pull.labels.iter().map(|name| self.label(name)).collect()
    }

    fn association(&self, login: &str) -> &'static str {
        if login == self.settings.owner {
            "OWNER"
        } else if self.is_collaborator(login) {
            "COLLABORATOR"
        } else {
            "NONE"
        }
    }

    /// `pull-request-simple`, as in lists.
    pub(super) fn pull_simple(&self, pull: &Pull) -> Value {
        let number = pull.number;
        let (api, page) =
            (format!("{}/pulls/{number}", self.api_repository()), format!("{}/pull/{number}", self.page()));
        let issue = format!("{}/issues/{number}", self.api_repository());
        let statuses = format!("{}/statuses/{}", self.api_repository(), pull.head_sha);
        let href = |address: String| json!({ "href": address });
        let merged_at = pull.closed.filter(|_| pull.merged).map(text);
        json!({
            "url": api,
            "id": 1_000_000 + number,
            "node_id": pull.node_id,
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "issue_url": issue,
            "commits_url": format!("{api}/commits"),
            "review_comments_url": format!("{api}/comments"),
            "review_comment_url": format!("{}/pulls/comments{{/number}}", self.api_repository()),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "number": number,
            "state": pull.state,
            "locked": false,
            "title": pull.title,
            "user": self.user(&pull.author),
            "body": pull.body,
            "labels": self.labels_of(pull),
            "milestone": null,
            "active_lock_reason": null,
            "created_at": text(pull.created),
            "updated_at": text(pull.updated),
            "closed_at": pull.closed.map(text),
            "merged_at": merged_at,
            "merge_commit_sha": pull.merge_commit,
            "assignee": pull.assignees.first().map(|login| self.user(login)),
            "assignees": self.users(&pull.assignees),
            "requested_reviewers": self.users(&pull.reviewers),
            "requested_teams": [],
            "head": self.end(&pull.head_owner, &pull.head, &pull.head_sha),
            "base": self.end(&self.settings.owner, &pull.base, &self.ends(pull).0.to_string()),
            "_links": {
                "self": href(api.clone()),
                "html": href(page),
                "issue": href(issue.clone()),
                "comments": href(format!("{issue}/comments")),
                "review_comments": href(format!("{api}/comments")),
                "review_comment": href(format!("{}/pulls/comments{{/number}}", self.api_repository())),
                "commits": href(format!("{api}/commits")),
                "statuses": href(statuses),
            },
            "author_association": self.association(&pull.author),
            "auto_merge": pull.auto_merge.as_ref().map(|auto| json!({
                "enabled_by": self.user(&auto.by),
                "merge_method": auto.method,
                "commit_title": auto.headline.clone().unwrap_or_default(),
                "commit_message": auto.text.clone().unwrap_or_default(),
            })),
            "draft": pull.draft,
        })
    }

    fn end(&self, owner: &str, branch: &str, sha: &str) -> Value {
        json!({
            "label": format!("{owner}:{branch}"),
            "ref": branch,
            "sha": sha,
            "user": self.user(owner),
            "repo": self.repository(owner),
        })
    }

    /// `pull-request`, as it is shown alone. GitHub does not know at once whether it can be merged.
    pub(super) fn pull(&self, pull: &Pull) -> Value {
        let mut shown = self.pull_simple(pull);
        let files = self.files_of(pull);
        let known = pull.is_open() && pull.worked_out == Some(self.merge_question(pull));
        let state = if known { self.merge_state(pull) } else { "unknown" };
        let extra = json!({
            "merged": pull.merged,
            "mergeable": known.then(|| state != "dirty" && self.can_be_joined(pull)),
            "rebaseable": known.then(|| self.can_be_joined(pull)),
            "mergeable_state": state,
            "merged_by": pull.merged_by.as_ref().map(|login| self.user(login)),
            "comments": self.comments.iter().filter(|comment| comment.pull == pull.number).count(),
            "review_comments": 0,
            "maintainer_can_modify": pull.maintainer_can_modify,
            "commits": self.commits_of(pull).len(),
            "additions": files.iter().map(|file| file.additions).sum::<usize>(),
            "deletions": files.iter().map(|file| file.deletions).sum::<usize>(),
            "changed_files": files.len(),
        });
        join(&mut shown, extra);
        shown
    }

    /// What "can it be merged" depends on.
    pub(super) fn merge_question(&self, pull: &Pull) -> (String, String) {
        let (base, head) = self.ends(pull);
        (base.to_string(), head.to_string())
    }

    /// Do base and head go together?
    pub(super) fn can_be_joined(&self, pull: &Pull) -> bool {
        let (base, head) = self.ends(pull);
        self.merged_tree(base, head).is_some()
    }

    /// `issue`: a pull request as its conversation.
    pub(super) fn issue(&self, pull: &Pull) -> Value {
        let api = format!("{}/issues/{}", self.api_repository(), pull.number);
        let page = format!("{}/pull/{}", self.page(), pull.number);
        json!({
            "id": 2_000_000 + pull.number,
            "node_id": pull.node_id,
            "url": api,
            "repository_url": self.api_repository(),
            "labels_url": format!("{api}/labels{{/name}}"),
            "comments_url": format!("{api}/comments"),
            "events_url": format!("{api}/events"),
            "html_url": page,
            "number": pull.number,
            "state": pull.state,
            "state_reason": null,
            "title": pull.title,
            "body": pull.body,
            "user": self.user(&pull.author),
            "labels": self.labels_of(pull),
            "assignee": pull.assignees.first().map(|login| self.user(login)),
            "assignees": self.users(&pull.assignees),
            "milestone": null,
            "locked": false,
            "active_lock_reason": null,
            "comments": self.comments.iter().filter(|comment| comment.pull == pull.number).count(),
            "pull_request": {
                "url": format!("{}/pulls/{}", self.api_repository(), pull.number),
                "html_url": page,
                "diff_url": format!("{page}.diff"),
                "patch_url": format!("{page}.patch"),
                "merged_at": pull.closed.filter(|_| pull.merged).map(text),
            },
            "created_at": text(pull.created),
            "updated_at": text(pull.updated),
            "closed_at": pull.closed.map(text),
            "closed_by": pull.closed_by.as_ref().map(|login| self.user(login)),
            "author_association": self.association(&pull.author),
            "draft": pull.draft,
        })
    }

    /// `issue-comment`.
    pub(super) fn comment(&self, comment: &Comment) -> Value {
        json!({
            "id": comment.id,
            "node_id": format!("IC_{}", comment.id),
            "url": format!("{}/issues/comments/{}", self.api_repository(), comment.id),
            "html_url": format!("{}/pull/{}#issuecomment-{}", self.page(), comment.pull, comment.id),
            "body": comment.body,
            "user": self.user(&comment.author),
            "created_at": text(comment.created),
            "updated_at": text(comment.updated),
            "issue_url": format!("{}/issues/{}", self.api_repository(), comment.pull),
            "author_association": self.association(&comment.author),
        })
    }

    /// `simple-commit-status`, as in the combined form.
    pub(super) fn status_simple(&self, status: &Status) -> Value {
        json!({
            "url": format!("{}/statuses/{}", self.api_repository(), status.sha),
            "avatar_url": format!("{}/avatars/{}", self.base, number_of(&status.creator)),
            "id": status.id,
            "node_id": format!("SC_{}", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": text(status.created),
            "updated_at": text(status.created),
        })
    }

    /// `status`.
    pub(super) fn status(&self, status: &Status) -> Value {
        let mut shown = self.status_simple(status);
        shown["creator"] = self.user(&status.creator);
        shown
    }

    /// `check-run`.
    pub(super) fn check(&self, check: &CheckRun) -> Value {
        let api = format!("{}/check-runs/{}", self.api_repository(), check.id);
        json!({
            "id": check.id,
            "head_sha": check.sha,
            "node_id": format!("CR_{}", check.id),
            "external_id": "",
            "url": api,
            "html_url": format!("{}/runs/{}", self.page(), check.id),
            "details_url": null,
            "status": if check.conclusion.is_some() { "completed" } else { "in_progress" },
            "conclusion": check.conclusion,
            "started_at": text(check.started),
            "completed_at": check.conclusion.as_ref().map(|_| text(check.started)),
            "output": {
                "title": null, "summary": null, "text": null, "annotations_count": 0,
                "annotations_url": format!("{api}/annotations"),
            },
            "name": check.name,
            "check_suite": { "id": 1 },
            "app": null,
            "pull_requests": [],
        })
    }

    /// `release`.
    pub(super) fn release(&self, release: &Release) -> Value {
        let api = format!("{}/releases/{}", self.api_repository(), number_of(&release.tag));
        json!({
            "url": api,
            "html_url": format!("{}/releases/tag/{}", self.page(), release.tag),
            "assets_url": format!("{api}/assets"),
            "upload_url": format!("{api}/assets{{?name,label}}"),
            "tarball_url": format!("{}/tarball/{}", self.api_repository(), release.tag),
            "zipball_url": format!("{}/zipball/{}", self.api_repository(), release.tag),
            "id": number_of(&release.tag),
            "node_id": format!("RE_{}", number_of(&release.tag)),
            "tag_name": release.tag,
            "target_commitish": "main",
            "name": release.name,
            "body": release.body,
            "draft": false,
            "prerelease": release.prerelease,
            "immutable": false,
            "created_at": text(release.published),
            "published_at": text(release.published),
            "author": self.user(&self.settings.owner),
            "assets": [],
        })
    }
}

/// Adds the fields of the second object to the first.
pub(super) fn join(to: &mut Value, from: Value) {
    if let (Some(to), Value::Object(from)) = (to.as_object_mut(), from) {
        to.extend(from);
    }
}
