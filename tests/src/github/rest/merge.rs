//! Merging by API, and what people think of a pull request.

use serde_json::json;

use super::Visit;
use crate::github::call::Reply;
use crate::github::clock::text;
use crate::github::world::{Pull, World};

impl World {
    /// `PUT …/merge`: 405 where it may not be, 409 where the head is another than thought.
    pub(super) fn merge_by_api(&mut self, visit: &Visit<'_>, pull: &Pull) -> Reply {
        let wish = visit.asked.json();
        let method = wish["merge_method"].as_str().unwrap_or("merge").to_owned();
        if !pull.is_open() {
            return refused(405, "Pull Request is not mergeable");
        }
        if wish["sha"].as_str().is_some_and(|sha| sha != pull.head_sha) {
            return refused(409, "Head branch was modified. Review and try the merge again.");
        }
        if !self.settings.merge_methods.contains(&method) {
            let words = [("merge", "Merge commits"), ("squash", "Squash merges"), ("rebase", "Rebase merges")];
            let word = words.iter().find(|(name, _)| *name == method).map_or("Merges", |(_, word)| word);
            return refused(405, &format!("{word} are not allowed on this repository."));
        }
        match self.merge_state(pull) {
            "draft" => return refused(405, "Pull Request is still a draft"),
            "dirty" => return refused(405, "Pull Request has merge conflicts"),
            "blocked" => return refused(405, &self.missing(pull).join(" ")),
            _ => {}
        }
        let text = |field: &str| wish[field].as_str().map(str::to_owned);
        let made =
            self.merge_pull(pull.number, &method, text("commit_title"), text("commit_message"), visit.who.login());
        match made {
            Some(sha) => Reply::ok(json!({
                "sha": sha.to_string(), "merged": true, "message": "Pull Request successfully merged",
            })),
            None => refused(405, "Pull Request is not mergeable"),
        }
    }

    pub(super) fn list_reviews(&self, visit: &Visit<'_>, pull: &Pull) -> Reply {
        let api = format!("{}/pulls/{}", self.api_repository(), pull.number);
        let reviews = pull.approvals.iter().enumerate().map(|(index, login)| {
            let page = format!("{}/pull/{}#pullrequestreview-{index}", self.page(), pull.number);
            json!({
                "id": index + 1,
                "node_id": format!("PRR_{index}"),
                "user": self.user(login),
                "body": "",
                "state": "APPROVED",
                "html_url": page,
                "pull_request_url": api,
                "author_association": "COLLABORATOR",
                "_links": { "html": { "href": page }, "pull_request": { "href": api } },
                "submitted_at": text(pull.updated),
                "commit_id": pull.head_sha,
            })
        });
        self.page_of(visit, reviews.collect(), |list| list)
    }
}

/// An error of the form that the description has for merges: no `status`.
fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "message": message, "documentation_url": "https://docs.example/rest" }))
}
