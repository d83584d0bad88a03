//! What pull requests share with issues: labels, assignees, comments.

use serde_json::Value;

use super::Visit;
use super::pulls::strings;
use crate::github::call::Reply;
use crate::github::clock;
use crate::github::world::{Comment, Pull, World};

impl World {
    pub(super) fn issue_route(&mut self, visit: &Visit<'_>, method: &str, number: &str, rest: &[&str]) -> Reply {
        let Some(pull) = number.parse().ok().and_then(|number: u64| self.pulls.get(&number)).cloned() else {
            return Reply::not_found();
        };
        let number = pull.number;
        match (method, rest) {
            ("GET", []) => Reply::ok(self.issue(&pull)),
            ("PATCH", []) => self.edit_issue(visit, &pull),
            ("GET", ["labels"]) => {
                let labels = self.labels_of(&pull);
                self.page_of(visit, labels, |list| list)
            }
            ("POST", ["labels"]) => {
                let names = label_names(&visit.asked.json());
                self.set_labels(number, [pull.labels, names].concat())
            }
            ("PUT", ["labels"]) => self.set_labels(number, label_names(&visit.asked.json())),
            ("DELETE", ["labels", name]) => {
                if !pull.labels.iter().any(|label| label.eq_ignore_ascii_case(name)) {
                    return Reply::error(404, "Label does not exist");
                }
                let rest = pull.labels.into_iter().filter(|label| !label.eq_ignore_ascii_case(name)).collect();
                self.set_labels(number, rest)
            }
            ("POST", ["assignees"]) => {
                let wished = names(&visit.asked.json()["assignees"], "login");
                self.assign(number, [pull.assignees, wished].concat());
                Reply::json(201, self.issue(&self.pulls[&number]))
            }
            ("GET", ["comments"]) => {
                let comments = self.comments.iter().filter(|comment| comment.pull == number);
                let shown = comments.map(|comment| self.comment(comment)).collect();
                self.page_of(visit, shown, |list| list)
            }
            ("POST", ["comments"]) => self.comment_by_api(visit, number),
            _ => Reply::unknown(),
        }
    }

    fn edit_issue(&mut self, visit: &Visit<'_>, pull: &Pull) -> Reply {
        let wish = visit.asked.json();
        let edited = self.edit_pull(visit, pull);
        if edited.status != 200 {
            return edited;
        }
        if wish["labels"].is_array() {
            let reply = self.set_labels(pull.number, label_names(&wish));
            if reply.status != 200 {
                return reply;
            }
        }
        if wish["assignees"].is_array() {
            self.assign(pull.number, names(&wish["assignees"], "login"));
        }
        Reply::ok(self.issue(&self.pulls[&pull.number]))
    }

    /// Labels of a pull request; those that the repository has not are made, as GitHub does for who may push.
    fn set_labels(&mut self, number: u64, names: Vec<String>) -> Reply {
        if let Some(name) = names.iter().find(|name| name.trim().is_empty() || name.chars().count() > 50) {
            let message = Some(format!("name is too long or empty: {name}"));
            return Reply::invalid("Label", Some("name"), "invalid", message);
        }
        let mut kept: Vec<String> = Vec::new();
        for name in names {
            if !kept.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                kept.push(name);
            }
        }
        for name in &kept {
            if !self.labels.contains(name) {
                self.labels.push(name.clone());
            }
        }
        self.change(number, |pull| pull.labels = kept);
        Reply::ok(self.labels_of(&self.pulls[&number]).into())
    }

    /// Those who cannot be assigned are left out without a word, and so is who comes after the tenth.
    fn assign(&mut self, number: u64, logins: Vec<String>) {
        let mut kept: Vec<String> = Vec::new();
        for login in logins.into_iter().filter(|login| self.is_collaborator(login)) {
            if kept.len() < 10 && !kept.contains(&login) {
                kept.push(login);
            }
        }
        self.change(number, |pull| pull.assignees = kept);
    }

    fn comment_by_api(&mut self, visit: &Visit<'_>, pull: u64) -> Reply {
        let body = visit.asked.json()["body"].as_str().unwrap_or_default().to_owned();
        if let Err(reply) = comment_fits(&body) {
            return reply;
        }
        let comment = self.add_comment(pull, visit.who.login(), &body);
        let shown = self.comment(&comment);
        let place = shown["url"].as_str().unwrap_or_default().to_owned();
        Reply::json(201, shown).with("location", place)
    }

    /// Puts a comment under a pull request.
    pub(in crate::github) fn add_comment(&mut self, pull: u64, author: &str, body: &str) -> Comment {
        let now = clock::now();
        let (author, body) = (author.to_owned(), body.to_owned());
        let comment = Comment { id: self.id(), pull, author, body, created: now, updated: now };
        self.comments.push(comment.clone());
        self.change(pull, |_| {});
        comment
    }

    pub(super) fn edit_comment(&mut self, visit: &Visit<'_>, id: &str) -> Reply {
        let body = visit.asked.json()["body"].as_str().unwrap_or_default().to_owned();
        if let Err(reply) = comment_fits(&body) {
            return reply;
        }
        let Some(comment) = self.comments.iter_mut().find(|comment| comment.id.to_string() == id) else {
            return Reply::not_found();
        };
        if comment.author != visit.who.login() {
            return Reply::error(403, "Must have admin rights to Repository.");
        }
        comment.body = body;
        comment.updated = clock::now();
        let comment = comment.clone();
        Reply::ok(self.comment(&comment))
    }
}

fn comment_fits(body: &str) -> Result<(), Reply> {
    if body.trim().is_empty() {
        return Err(Reply::invalid("IssueComment", Some("body"), "missing_field", None));
    }
    if body.chars().count() > 65_536 {
        let message = Some("body is too long (maximum is 65536 characters)".to_owned());
        return Err(Reply::invalid("IssueComment", None, "custom", message));
    }
    Ok(())
}

fn label_names(wish: &Value) -> Vec<String> {
    names(&wish["labels"], "name")
}

/// Texts, or a field of objects: GitHub takes both.
fn names(list: &Value, field: &str) -> Vec<String> {
    let objects = list.as_array().into_iter().flatten().filter_map(|item| item[field].as_str());
    strings(list).into_iter().chain(objects.map(str::to_owned)).collect()
}
