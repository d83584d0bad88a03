//! Pull requests.

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::transport::Answer;
use super::{Github, GithubError, with_query};
use crate::model::CommitSha;

/// Somebody, by login.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Without `@`.
    pub login: String,
}

/// Where a pull request comes from, or goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Side {
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// Its commit.
    pub sha: CommitSha,
    /// The repository; nothing if it was deleted.
    pub repo: Option<Repo>,
}

/// A repository, by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repo {
    /// `OWNER/NAME`.
    pub full_name: String,
}

/// A merge that waits for green.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Armed {
    /// Who asked for it.
    pub enabled_by: Option<User>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// What it says.
    pub name: String,
}

/// A pull request, as lists and single answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: i64,
    /// GraphQL's name for it.
    pub node_id: String,
    /// One line.
    pub title: String,
    /// Markdown.
    #[serde(default)]
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: String,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: bool,
    /// Its page.
    pub html_url: String,
    /// Who opened it; nothing if the account was deleted.
    pub user: Option<User>,
    /// What it brings.
    pub head: Side,
    /// Where it goes.
    pub base: Side,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// When it was closed or merged.
    pub closed_at: Option<Timestamp>,
    /// When it was merged; nothing if it was not.
    pub merged_at: Option<Timestamp>,
    /// The commit that brought it in, or that GitHub tries out.
    pub merge_commit_sha: Option<CommitSha>,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// To whom it is assigned.
    #[serde(default)]
    pub assignees: Option<Vec<User>>,
    /// Who was asked for a review and has not given one.
    #[serde(default)]
    pub requested_reviewers: Option<Vec<User>>,
    /// Whether it merges itself once all is green.
    #[serde(default)]
    pub auto_merge: Option<Armed>,
    /// Whether it can be merged; lists do not say, and GitHub may not know yet.
    #[serde(default)]
    pub mergeable: Option<bool>,
    /// GitHub's word for how that stands: `clean`, `dirty`, `blocked`, `unstable`, `behind`, `draft`, `unknown`.
    #[serde(default)]
    pub mergeable_state: Option<String>,
}

impl Pull {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }
}

/// A pull request to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewPull<'a> {
    /// One line.
    pub title: &'a str,
    /// Markdown.
    pub body: &'a str,
    /// The branch that is to go in, of this repository.
    pub head: &'a str,
    /// The branch that it goes into.
    pub base: &'a str,
    /// Whether it is opened as a draft.
    pub draft: bool,
}

/// What is to be different; nothing stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullChange<'a> {
    /// One line.
    pub title: Option<&'a str>,
    /// Markdown.
    pub body: Option<&'a str>,
    /// `open` or `closed`.
    pub state: Option<&'a str>,
}

#[derive(Deserialize)]
struct Merged {
    sha: CommitSha,
}

impl Github {
    /// Every pull request of a branch of this repository, newest first, whatever its state.
    pub async fn pulls_of_branch(&self, branch: &str) -> Result<Vec<Pull>, GithubError> {
        let head = format!("{}:{branch}", self.repository().owner());
        let query =
            [("state", "all"), ("head", &head), ("sort", "created"), ("direction", "desc"), ("per_page", "100")];
        self.list(with_query(self.repo_url(&["pulls"]), &query)).await
    }

    /// Pull requests that changed at `since` or later, the last changed first; all there are without a time.
    pub async fn pulls_updated_since(&self, since: Option<Timestamp>) -> Result<Vec<Pull>, GithubError> {
        let query = [("state", "all"), ("sort", "updated"), ("direction", "desc"), ("per_page", "100")];
        let url = with_query(self.repo_url(&["pulls"]), &query);
        let is_new = |pull: &Pull| since.is_none_or(|since| pull.updated_at >= since);
        let mut pulls: Vec<Pull> = self.pages(url, Answer::read, |pulls| pulls.last().is_none_or(is_new)).await?;
        pulls.retain(is_new);
        Ok(pulls)
    }

    /// Every open pull request, oldest first.
    pub async fn open_pulls(&self) -> Result<Vec<Pull>, GithubError> {
        let query = [("state", "open"), ("sort", "created"), ("direction", "asc"), ("per_page", "100")];
        self.list(with_query(self.repo_url(&["pulls"]), &query)).await
    }

    /// One pull request, with whether it can be merged.
    pub async fn pull(&self, number: i64) -> Result<Pull, GithubError> {
        self.get(self.repo_url(&["pulls", &number.to_string()])).await
    }

    /// Opens a pull request. Look first: it is not asked whether there is one.
    pub async fn create_pull(&self, new: NewPull<'_>) -> Result<Pull, GithubError> {
        let NewPull { title, body, head, base, draft } = new;
        let body = json!({ "title": title, "body": body, "head": head, "base": base, "draft": draft });
        self.send(Method::POST, self.repo_url(&["pulls"]), body).await
    }

    /// Changes a pull request's texts or state.
    pub async fn update_pull(&self, number: i64, change: PullChange<'_>) -> Result<Pull, GithubError> {
        let fields = [("title", change.title), ("body", change.body), ("state", change.state)];
        let wish = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
        let body = Value::Object(wish.collect());
        self.send(Method::PATCH, self.repo_url(&["pulls", &number.to_string()]), body).await
    }

    /// Merges a pull request with a merge commit, if its head still is `head`. The commit that brought it in.
    ///
    /// # Errors
    /// With the status 405 where it cannot be merged now, 409 where the head is another.
    pub async fn merge_pull(&self, number: i64, head: &CommitSha, title: &str) -> Result<CommitSha, GithubError> {
        let body = json!({ "sha": head.as_str(), "merge_method": "merge", "commit_title": title });
        let url = self.repo_url(&["pulls", &number.to_string(), "merge"]);
        let merged: Merged = self.send(Method::PUT, url, body).await?;
        Ok(merged.sha)
    }

    /// Adds labels; those that the repository does not have are made.
    pub async fn add_labels(&self, number: i64, labels: &[String]) -> Result<(), GithubError> {
        let url = self.repo_url(&["issues", &number.to_string(), "labels"]);
        self.send::<Value>(Method::POST, url, json!({ "labels": labels })).await.map(drop)
    }

    /// Assigns people; those who cannot be are left out by GitHub.
    pub async fn add_assignees(&self, number: i64, logins: &[String]) -> Result<(), GithubError> {
        let url = self.repo_url(&["issues", &number.to_string(), "assignees"]);
        self.send::<Value>(Method::POST, url, json!({ "assignees": logins })).await.map(drop)
    }

    /// Asks people for a review.
    pub async fn request_reviews(&self, number: i64, logins: &[String]) -> Result<(), GithubError> {
        let url = self.repo_url(&["pulls", &number.to_string(), "requested_reviewers"]);
        self.send::<Value>(Method::POST, url, json!({ "reviewers": logins })).await.map(drop)
    }
}
