//! Comments under pull requests: one of a kind, edited in place.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Github, GithubError, User, with_query};

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its number among all.
    pub id: u64,
    /// Markdown.
    #[serde(default)]
    pub body: Option<String>,
    /// Who wrote it.
    pub user: Option<User>,
}

impl Github {
    /// The comments under a pull request, oldest first.
    pub async fn comments(&self, number: i64) -> Result<Vec<Comment>, GithubError> {
        let url = self.repo_url(&["issues", &number.to_string(), "comments"]);
        self.list(with_query(url, &[("per_page", "100")])).await
    }

    /// Says something under a pull request, once: the comment with the same hidden `marker` is edited, and not at all if it
    /// says the same already. `author` is who the bot is there; others' comments are never touched.
    pub async fn say(&self, number: i64, author: Option<&User>, marker: &str, text: &str) -> Result<(), GithubError> {
        let body = format!("{text}\n\n{marker}");
        let comments = self.comments(number).await?;
        let own = comments.into_iter().find(|comment| {
            let says = comment.body.as_deref().is_some_and(|body| body.trim_end().ends_with(marker));
            says && comment.user.as_ref() == author
        });
        let body_json = json!({ "body": body });
        match own {
            Some(own) if own.body.as_deref().map(str::trim_end) == Some(body.trim_end()) => Ok(()),
            Some(own) => {
                let url = self.repo_url(&["issues", "comments", &own.id.to_string()]);
                self.send::<Value>(Method::PATCH, url, body_json).await.map(drop)
            }
            None => {
                let url = self.repo_url(&["issues", &number.to_string(), "comments"]);
                self.send::<Value>(Method::POST, url, body_json).await.map(drop)
            }
        }
    }
}
