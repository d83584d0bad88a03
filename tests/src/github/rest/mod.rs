//! The REST API: which path does what, and what all of them share.

mod apps;
mod commits;
mod issues;
mod merge;
mod pulls;

use serde_json::{Value, json};

use super::call::{Asked, Reply, decoded, segments};
use super::render_git::REPOSITORY;
use super::world::{Who, World};

pub(super) use pulls::Opening;

/// A request that was let in.
pub(super) struct Visit<'a> {
    pub(super) asked: &'a Asked,
    pub(super) who: Who,
    /// Show lists as they were so many changes ago.
    pub(super) stale: usize,
}

/// The path with the repository's name where a `Link` gave its number.
pub(super) fn with_names(path: &str, full_name: &str) -> String {
    match path.strip_prefix(&format!("/repositories/{REPOSITORY}")) {
        Some(rest) => format!("/repos/{full_name}{rest}"),
        None => path.to_owned(),
    }
}

impl World {
    /// Answers a request to the REST API.
    pub(super) fn rest(&mut self, visit: &Visit<'_>, path: &str) -> Reply {
        let parts: Vec<String> = segments(path).into_iter().map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (visit.asked.method.as_str(), parts.as_slice()) {
            ("GET", ["rate_limit"]) => self.rate_limit(),
            ("GET", ["user"]) => self.whoami(&visit.who),
            (_, ["app", rest @ ..]) => self.app_route(visit, rest),
            (method, ["repos", owner, name, rest @ ..]) => {
                let same =
                    owner.eq_ignore_ascii_case(&self.settings.owner) && name.eq_ignore_ascii_case(&self.settings.name);
                if !same {
                    return Reply::not_found();
                }
                if *rest == ["installation"] {
                    return self.installation_of_repository(&visit.who);
                }
                if visit.who == Who::App {
                    return Reply::error(403, "Resource not accessible by integration");
                }
                self.repository_route(visit, method, rest)
            }
            _ => Reply::unknown(),
        }
    }

    fn repository_route(&mut self, visit: &Visit<'_>, method: &str, rest: &[&str]) -> Reply {
        match (method, rest) {
            ("GET", []) => Reply::ok(self.repository_full()),
            ("GET", ["pulls"]) => self.list_pulls(visit),
            ("POST", ["pulls"]) => self.open_by_api(visit),
            (_, ["pulls", number, rest @ ..]) => self.pull_route(visit, method, number, rest),
            ("PATCH", ["issues", "comments", id]) => self.edit_comment(visit, id),
            (_, ["issues", number, rest @ ..]) => self.issue_route(visit, method, number, rest),
            ("POST", ["statuses", sha]) => self.add_status(visit, sha),
            ("GET", ["commits", reference @ .., "status"]) => self.combined_status(visit, &reference.join("/")),
            ("GET", ["commits", reference @ .., "statuses"]) => self.list_statuses(visit, &reference.join("/")),
            ("GET", ["commits", reference @ .., "check-runs"]) => self.list_checks(visit, &reference.join("/")),
            ("GET", ["commits", reference @ ..]) => match self.commit_named(&reference.join("/")) {
                Some(commit) => Reply::ok(self.commit_shown(commit)),
                None => Reply::error(422, format!("No commit found for SHA: {}", reference.join("/"))),
            },
            ("GET", ["git", "ref", reference @ ..]) => self.reference(&reference.join("/")),
            ("POST", ["git", "refs"]) => self.make_reference(visit),
            ("PATCH", ["git", "refs", reference @ ..]) => self.move_reference(visit, &reference.join("/")),
            ("DELETE", ["git", "refs", reference @ ..]) => self.drop_reference(visit, &reference.join("/")),
            ("GET", ["releases"]) => {
                let releases = self.releases.iter().rev().map(|release| self.release(release)).collect();
                self.page_of(visit, releases, |list| list)
            }
            ("GET", ["releases", "tags", tag]) => match self.releases.iter().find(|release| release.tag == *tag) {
                Some(release) => Reply::ok(self.release(release)),
                None => Reply::not_found(),
            },
            ("GET", ["tags"]) => self.list_tags(visit),
            _ => Reply::unknown(),
        }
    }

    fn rate_limit(&self) -> Reply {
        let limit = self.settings.rate_limit;
        let core = json!({
            "limit": limit, "used": self.used, "remaining": (limit - self.used).max(0), "reset": self.reset(),
        });
        Reply::ok(json!({ "resources": { "core": core, "search": core, "graphql": core }, "rate": core }))
    }

    /// When the count of requests begins anew, in seconds since 1970.
    pub(super) fn reset(&self) -> i64 {
        self.created.as_second() + 3600
    }

    /// One page of a list, with the links to the others; `wrap` puts it into what is around it.
    pub(super) fn page_of(&self, visit: &Visit<'_>, all: Vec<Value>, wrap: impl FnOnce(Value) -> Value) -> Reply {
        let number = |name: &str, default: usize| {
            visit.asked.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        let size = number("per_page", 30).clamp(1, 100);
        let page = number("page", 1).max(1);
        let last = all.len().div_ceil(size).max(1);
        let shown = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut links = Vec::new();
        if page > 1 {
            links.push((page - 1, "prev"));
        }
        if page < last {
            links.extend([(page + 1, "next"), (last, "last")]);
        }
        if page > 1 {
            links.push((1, "first"));
        }
        let links: Vec<String> = links.iter().map(|(page, rel)| self.link(visit, *page, rel)).collect();
        let reply = Reply::ok(wrap(shown));
        if links.is_empty() { reply } else { reply.with("link", links.join(", ")) }
    }

    /// As GitHub does, with the repository's number in place of its name.
    fn link(&self, visit: &Visit<'_>, page: usize, rel: &str) -> String {
        let path = visit.asked.api_path().unwrap_or_default();
        let named = format!("/repos/{}", self.full_name());
        let path =
            path.strip_prefix(&named).map_or(path.to_owned(), |rest| format!("/repositories/{REPOSITORY}{rest}"));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(visit.asked.query.iter().filter(|(name, _)| name != "page"));
        query.append_pair("page", &page.to_string());
        format!("<{}{path}?{}>; rel=\"{rel}\"", self.api(), query.finish())
    }
}
