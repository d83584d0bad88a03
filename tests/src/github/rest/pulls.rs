//! Pull requests: listed, opened, changed.

use std::collections::BTreeSet;

use git2::Oid;
use serde_json::Value;

use super::Visit;
use crate::github::call::Reply;
use crate::github::clock;
use crate::github::repository::parsed;
use crate::github::world::{Pull, World};

/// A new pull request, from whomever.
pub(in crate::github) struct Opening<'a> {
    pub(in crate::github) title: &'a str,
    pub(in crate::github) body: Option<String>,
    pub(in crate::github) head: &'a str,
    pub(in crate::github) base: &'a str,
    pub(in crate::github) draft: bool,
    pub(in crate::github) author: &'a str,
}

fn invalid(field: Option<&str>, code: &str, message: Option<String>) -> Reply {
    Reply::invalid("PullRequest", field, code, message)
}

impl World {
    pub(super) fn list_pulls(&self, visit: &Visit<'_>) -> Reply {
        let asked = visit.asked;
        let state = asked.parameter("state").unwrap_or("open");
        // GitHub looks at `head` only where it names the owner too.
        let head = asked.parameter("head").filter(|head| head.contains(':'));
        let wanted = |pull: &&Pull| {
            (state == "all" || pull.state == state)
                && head.is_none_or(|head| head == format!("{}:{}", pull.head_owner, pull.head))
                && asked.parameter("base").is_none_or(|base| base == pull.base)
        };
        let mut pulls: Vec<&Pull> = self.earlier(visit.stale).values().filter(wanted).collect();
        let sort = asked.parameter("sort").unwrap_or("created");
        if sort == "updated" {
            pulls.sort_by_key(|pull| (pull.updated, pull.number));
        }
        let usual = if sort == "created" { "desc" } else { "asc" };
        if asked.parameter("direction").unwrap_or(usual) == "desc" {
            pulls.reverse();
        }
        let shown = pulls.into_iter().map(|pull| self.pull_simple(pull)).collect();
        self.page_of(visit, shown, |list| list)
    }

    pub(super) fn open_by_api(&mut self, visit: &Visit<'_>) -> Reply {
        let body = visit.asked.json();
        let Some(title) = body["title"].as_str().filter(|title| !title.trim().is_empty()) else {
            return invalid(Some("title"), "missing_field", None);
        };
        let head = body["head"].as_str().unwrap_or_default();
        let head = head.strip_prefix(&format!("{}:", self.settings.owner)).unwrap_or(head);
        let opening = Opening {
            title,
            body: body["body"].as_str().map(str::to_owned),
            head,
            base: body["base"].as_str().unwrap_or_default(),
            draft: body["draft"] == true,
            author: visit.who.login(),
        };
        match self.open(&opening) {
            Ok(number) => {
                let shown = self.pull(&self.pulls[&number]);
                let place = shown["url"].as_str().unwrap_or_default().to_owned();
                Reply::json(201, shown).with("location", place)
            }
            Err(reply) => reply,
        }
    }

    /// Opens a pull request, or says in GitHub's words why not.
    pub(in crate::github) fn open(&mut self, opening: &Opening<'_>) -> Result<u64, Reply> {
        let Some(base) = self.branch(opening.base) else { return Err(invalid(Some("base"), "invalid", None)) };
        let Some(head) = self.branch(opening.head) else { return Err(invalid(Some("head"), "invalid", None)) };
        too_long(opening.title, opening.body.as_deref())?;
        let custom = |message: String| Err(invalid(None, "custom", Some(message)));
        let owner = self.settings.owner.clone();
        let same = |pull: &Pull| {
            pull.is_open() && pull.head_owner == owner && pull.head == opening.head && pull.base == opening.base
        };
        if self.pulls.values().any(same) {
            return custom(format!("A pull request already exists for {}:{}.", self.settings.owner, opening.head));
        }
        if self.contains(base, head) {
            return custom(format!("No commits between {} and {}", opening.base, opening.head));
        }
        Ok(self.add_pull(opening, &owner, base, head))
    }

    /// A new pull request of a commit that is there, in the owner's repository or in a fork.
    pub(in crate::github) fn add_pull(&mut self, opening: &Opening<'_>, owner: &str, base: Oid, head: Oid) -> u64 {
        let number = self.pulls.len() as u64 + 1;
        let now = clock::now();
        let pull = Pull {
            number,
            node_id: format!("PR_kwDO{number:06}"),
            title: opening.title.to_owned(),
            body: opening.body.clone(),
            state: "open".to_owned(),
            merged: false,
            draft: opening.draft,
            head: opening.head.to_owned(),
            head_owner: owner.to_owned(),
            head_sha: head.to_string(),
            base: opening.base.to_owned(),
            base_sha: base.to_string(),
            author: opening.author.to_owned(),
            labels: Vec::new(),
            assignees: Vec::new(),
            reviewers: Vec::new(),
            approvals: BTreeSet::new(),
            auto_merge: None,
            merge_commit: None,
            merged_by: None,
            closed_by: None,
            maintainer_can_modify: false,
            created: now,
            updated: now,
            closed: None,
            worked_out: None,
        };
        self.pulls.insert(number, pull);
        self.set_reference(&format!("refs/pull/{number}/head"), head);
        self.remember();
        number
    }

    pub(super) fn pull_route(&mut self, visit: &Visit<'_>, method: &str, number: &str, rest: &[&str]) -> Reply {
        let Some(pull) = number.parse().ok().and_then(|number: u64| self.pulls.get(&number)).cloned() else {
            return Reply::not_found();
        };
        match (method, rest) {
            ("GET", []) => {
                let shown = self.pull(&pull);
                // The first look makes GitHub work it out; a later one has the answer.
                let question = self.merge_question(&pull);
                if let Some(pull) = self.pulls.get_mut(&pull.number) {
                    pull.worked_out = Some(question);
                }
                Reply::ok(shown)
            }
            ("PATCH", []) => self.edit_pull(visit, &pull),
            ("PUT", ["merge"]) => self.merge_by_api(visit, &pull),
            ("GET", ["merge"]) => {
                if pull.merged {
                    Reply::nothing(204)
                } else {
                    Reply::not_found()
                }
            }
            ("GET", ["files"]) => {
                let files = self.files_of(&pull);
                let shown = files.iter().map(|file| self.file_shown(file, &pull.head_sha)).collect();
                self.page_of(visit, shown, |list| list)
            }
            ("GET", ["commits"]) => {
                let shown = self.commits_of(&pull).into_iter().map(|commit| self.commit_shown(commit)).collect();
                self.page_of(visit, shown, |list| list)
            }
            ("POST", ["requested_reviewers"]) => self.request_reviewers(visit, &pull),
            ("GET", ["reviews"]) => self.list_reviews(visit, &pull),
            _ => Reply::unknown(),
        }
    }

    /// `PATCH`: title, text, base and state, all or nothing.
    pub(super) fn edit_pull(&mut self, visit: &Visit<'_>, pull: &Pull) -> Reply {
        let wish = visit.asked.json();
        let text = |field: &str| wish[field].as_str();
        if text("title").is_some_and(|title| title.trim().is_empty()) {
            return invalid(Some("title"), "missing_field", None);
        }
        if let Err(reply) = too_long(text("title").unwrap_or_default(), text("body")) {
            return reply;
        }
        if let Some(base) = text("base")
            && self.branch(base).is_none()
        {
            return invalid(Some("base"), "invalid", None);
        }
        if let Err(message) = self.change_state(pull.number, text("state"), visit.who.login()) {
            return invalid(Some("state"), "invalid", Some(message));
        }
        self.change(pull.number, |pull| {
            for (field, place) in [("title", &mut pull.title), ("base", &mut pull.base)] {
                if let Some(wished) = wish[field].as_str() {
                    wished.clone_into(place);
                }
            }
            if wish.get("body").is_some_and(|body| !body.is_null()) {
                pull.body = wish["body"].as_str().map(str::to_owned);
            }
            if let Some(allowed) = wish["maintainer_can_modify"].as_bool() {
                pull.maintainer_can_modify = allowed;
            }
        });
        Reply::ok(self.pull(&self.pulls[&pull.number]))
    }

    /// Closes or reopens; the error is GitHub's reason why not.
    pub(in crate::github) fn change_state(
        &mut self,
        number: u64,
        state: Option<&str>,
        who: &str,
    ) -> Result<(), String> {
        let pull = self.pulls.get(&number).ok_or("no such pull request")?.clone();
        match state {
            Some("closed") if pull.is_open() => self.finish(number, None, who),
            Some("open") if !pull.is_open() => self.reopen(&pull)?,
            _ => return Ok(()),
        }
        self.remember();
        Ok(())
    }

    fn reopen(&mut self, pull: &Pull) -> Result<(), String> {
        if pull.merged {
            return Err("state cannot be changed. The pull request cannot be reopened.".to_owned());
        }
        let Some(head) = self.head_of(pull) else {
            return Err(format!("state cannot be changed. The {} branch has been deleted.", pull.head));
        };
        if !self.contains(head, parsed(&pull.head_sha)) {
            return Err(format!("state cannot be changed. The {} branch was force-pushed or recreated.", pull.head));
        }
        let other = |other: &Pull| {
            other.is_open() && other.head_owner == pull.head_owner && other.head == pull.head && other.base == pull.base
        };
        if let Some(other) = self.pulls.values().find(|pull| other(pull)) {
            return Err(format!(
                "state cannot be changed. There is already an open pull request ({}) for this branch.",
                other.number
            ));
        }
        let Some(base) = self.branch(&pull.base) else {
            return Err(format!("state cannot be changed. The {} branch has been deleted.", pull.base));
        };
        if self.contains(base, head) {
            return Err("state cannot be changed. There are no new commits on the branch.".to_owned());
        }
        self.move_head(pull.number, head);
        self.change(pull.number, |pull| {
            "open".clone_into(&mut pull.state);
            pull.closed = None;
            pull.closed_by = None;
        });
        Ok(())
    }

    fn request_reviewers(&mut self, visit: &Visit<'_>, pull: &Pull) -> Reply {
        let wish = visit.asked.json();
        let wished: Vec<String> = strings(&wish["reviewers"]);
        if wished.contains(&pull.author) {
            return Reply::error(422, "Review cannot be requested from pull request author.");
        }
        if !strings(&wish["team_reviewers"]).is_empty() || wished.iter().any(|login| !self.is_collaborator(login)) {
            return Reply::error(
                422,
                format!(
                    "Reviews may only be requested from collaborators. One or more of the users or teams you \
                     specified is not a collaborator of the {} repository.",
                    self.full_name()
                ),
            );
        }
        self.change(pull.number, |pull| {
            let new: Vec<String> = wished.into_iter().filter(|login| !pull.reviewers.contains(login)).collect();
            pull.reviewers.extend(new);
        });
        Reply::json(201, self.pull_simple(&self.pulls[&pull.number]))
    }
}

/// GitHub's limits on a pull request's text.
fn too_long(title: &str, body: Option<&str>) -> Result<(), Reply> {
    let custom = |message: &str| Err(invalid(None, "custom", Some(message.to_owned())));
    if title.chars().count() > 256 {
        return custom("title is too long (maximum is 256 characters)");
    }
    if body.is_some_and(|body| body.chars().count() > 65_536) {
        return custom("body is too long (maximum is 65536 characters)");
    }
    Ok(())
}

/// The texts of a list.
pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
