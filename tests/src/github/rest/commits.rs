//! Commits: their statuses and checks, and the references that point to them.

use git2::Oid;
use serde_json::json;

use super::Visit;
use crate::github::call::Reply;
use crate::github::clock;
use crate::github::world::{Status, World};

impl World {
    pub(super) fn add_status(&mut self, visit: &Visit<'_>, sha: &str) -> Reply {
        let wish = visit.asked.json();
        let text = |field: &str| wish[field].as_str().map(str::to_owned);
        if Oid::from_str(sha).ok().filter(|_| sha.len() == 40).and_then(|id| self.git.find_commit(id).ok()).is_none() {
            return Reply::error(422, format!("No commit found for SHA: {sha}"));
        }
        let custom = |message: &str| Reply::invalid("Status", None, "custom", Some(message.to_owned()));
        let description = text("description");
        if description.as_ref().is_some_and(|words| words.chars().count() > 140) {
            return custom("description is too long (maximum is 140 characters)");
        }
        if text("target_url").is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return custom("target_url must use http(s) scheme");
        }
        let context = text("context").unwrap_or_else(|| "default".to_owned());
        if self.statuses.iter().filter(|status| status.sha == sha && status.context == context).count() >= 1000 {
            return custom("This SHA and context has reached the maximum number of statuses.");
        }
        let status = Status {
            id: self.id(),
            sha: sha.to_owned(),
            state: text("state").unwrap_or_default(),
            context,
            description,
            target_url: text("target_url"),
            creator: visit.who.login().to_owned(),
            created: clock::now(),
        };
        self.statuses.push(status.clone());
        Reply::json(201, self.status(&status))
    }

    pub(super) fn combined_status(&self, visit: &Visit<'_>, name: &str) -> Reply {
        let Some(commit) = self.commit_named(name) else { return Reply::not_found() };
        let sha = commit.to_string();
        let newest = self.newest_statuses(&sha);
        let any = |states: &[&str]| newest.iter().any(|status| states.contains(&status.state.as_str()));
        let state = if any(&["failure", "error"]) {
            "failure"
        } else if newest.is_empty() || any(&["pending"]) {
            "pending"
        } else {
            "success"
        };
        let total = newest.len();
        let shown = newest.into_iter().map(|status| self.status_simple(status)).collect();
        self.page_of(visit, shown, |list| {
            json!({
                "state": state,
                "statuses": list,
                "sha": sha,
                "total_count": total,
                "repository": self.repository_minimal(&self.settings.owner),
                "commit_url": format!("{}/commits/{sha}", self.api_repository()),
                "url": format!("{}/commits/{sha}/status", self.api_repository()),
            })
        })
    }

    pub(super) fn list_statuses(&self, visit: &Visit<'_>, name: &str) -> Reply {
        let Some(commit) = self.commit_named(name) else { return Reply::not_found() };
        let sha = commit.to_string();
        let statuses = self.statuses.iter().rev().filter(|status| status.sha == sha);
        let shown = statuses.map(|status| self.status(status)).collect();
        self.page_of(visit, shown, |list| list)
    }

    pub(super) fn list_checks(&self, visit: &Visit<'_>, name: &str) -> Reply {
        let Some(commit) = self.commit_named(name) else {
            return Reply::error(422, format!("No commit found for SHA: {name}"));
        };
        let sha = commit.to_string();
        let wanted = visit.asked.parameter("check_name");
        let checks: Vec<_> = self
            .checks
            .iter()
            .filter(|check| check.sha == sha && wanted.is_none_or(|name| name == check.name))
            .map(|check| self.check(check))
            .collect();
        let total = checks.len();
        self.page_of(visit, checks, |list| json!({ "total_count": total, "check_runs": list }))
    }

    pub(super) fn reference(&self, name: &str) -> Reply {
        let full = format!("refs/{name}");
        match self.git.refname_to_id(&full) {
            Ok(target) => Reply::ok(self.reference_shown(&full, target)),
            Err(_) if self.heads.is_empty() => empty(),
            Err(_) => Reply::not_found(),
        }
    }

    pub(super) fn make_reference(&mut self, visit: &Visit<'_>) -> Reply {
        let wish = visit.asked.json();
        if self.heads.is_empty() {
            return empty();
        }
        let name = wish["ref"].as_str().unwrap_or_default();
        if !name.starts_with("refs/") || name.split('/').count() < 3 || !git2::Reference::is_valid_name(name) {
            return Reply::error(422, "Reference name is not valid");
        }
        if self.git.refname_to_id(name).is_ok() {
            return Reply::error(422, "Reference already exists");
        }
        match self.known_commit(&wish["sha"]) {
            Some(target) => {
                self.set_reference(name, target);
                Reply::json(201, self.reference_shown(name, target))
            }
            None => Reply::error(422, "Object does not exist"),
        }
    }

    pub(super) fn move_reference(&mut self, visit: &Visit<'_>, name: &str) -> Reply {
        let wish = visit.asked.json();
        let full = format!("refs/{name}");
        let Ok(now) = self.git.refname_to_id(&full) else {
            return Reply::error(422, "Reference does not exist");
        };
        let Some(target) = self.known_commit(&wish["sha"]) else {
            return Reply::error(422, "Object does not exist");
        };
        if wish["force"] != true && !self.contains(target, now) {
            return Reply::error(422, "Update is not a fast forward");
        }
        self.set_reference(&full, target);
        Reply::ok(self.reference_shown(&full, target))
    }

    pub(super) fn drop_reference(&mut self, _: &Visit<'_>, name: &str) -> Reply {
        match self.git.find_reference(&format!("refs/{name}")) {
            Ok(mut reference) => {
                reference.delete().expect("a reference that can be deleted");
                Reply::nothing(204)
            }
            Err(_) => Reply::error(422, "Reference does not exist"),
        }
    }

    fn known_commit(&self, sha: &serde_json::Value) -> Option<Oid> {
        let id = Oid::from_str(sha.as_str()?).ok()?;
        self.git.find_commit(id).ok().map(|commit| commit.id())
    }

    pub(super) fn list_tags(&self, visit: &Visit<'_>) -> Reply {
        let names = self.git.tag_names(None).expect("the repository's tags");
        let names: Vec<String> = names.iter().flatten().flatten().map(str::to_owned).collect();
        let tags = names.iter().rev().filter_map(|name| {
            let commit = self.commit_named(&format!("tags/{name}"))?;
            Some(self.tag_shown(name, commit))
        });
        let tags = tags.collect();
        self.page_of(visit, tags, |list| list)
    }
}

/// Of a repository without a commit GitHub shows no references, and takes none but by a push.
fn empty() -> Reply {
    Reply::error(409, "Git Repository is empty.")
}
