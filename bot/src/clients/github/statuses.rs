//! How commits fare: the bot's own word for it, and that of others.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Github, GithubError, with_query};
use crate::model::CommitSha;

/// GitHub's limit, in characters.
const LONGEST_DESCRIPTION: usize = 140;

/// A status's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Something of the bot's own went wrong.
    Error,
    /// Bad.
    Failure,
    /// Not known yet.
    Pending,
    /// Good.
    Success,
}

/// How a commit fares under one name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// The name.
    pub context: String,
    /// How.
    pub state: StatusState,
    /// One line.
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct Combined {
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct CheckRuns {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    name: String,
    status: String,
    conclusion: Option<String>,
}

/// All that is said of a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Names of what is not done.
    pub pending: Vec<String>,
    /// Names of what went wrong.
    pub failed: Vec<String>,
    /// How many are good.
    pub good: usize,
}

impl Github {
    /// The newest status of each name.
    pub async fn statuses(&self, commit: &CommitSha) -> Result<Vec<Status>, GithubError> {
        let url = with_query(self.repo_url(&["commits", commit.as_str(), "status"]), &[("per_page", "100")]);
        self.pages(url, |answer, what| Ok(answer.read::<Combined>(what)?.statuses), |_| true).await
    }

    /// Says how a commit fares under a name, unless that is said already.
    pub async fn set_status(
        &self,
        commit: &CommitSha,
        context: &str,
        state: StatusState,
        description: &str,
        page: Option<&str>,
    ) -> Result<(), GithubError> {
        let description: String =
            description.replace(char::is_control, " ").chars().take(LONGEST_DESCRIPTION).collect();
        let said = self.statuses(commit).await?;
        let same = |status: &Status| {
            (status.context.as_str(), status.state, status.description.as_deref())
                == (context, state, Some(description.as_str()))
        };
        if said.iter().any(same) {
            return Ok(());
        }
        let mut body = json!({ "state": state, "context": context, "description": description });
        if let Some(page) = page {
            body["target_url"] = page.into();
        }
        let url = self.repo_url(&["statuses", commit.as_str()]);
        self.send::<Value>(Method::POST, url, body).await.map(drop)
    }

    /// What statuses and checks say of a commit, without those whose name begins with `own`.
    pub async fn checks(&self, commit: &CommitSha, own: &str) -> Result<Checks, GithubError> {
        let mut checks = Checks::default();
        for status in self.statuses(commit).await?.into_iter().filter(|status| !status.context.starts_with(own)) {
            match status.state {
                StatusState::Success => checks.good += 1,
                StatusState::Pending => checks.pending.push(status.context),
                StatusState::Error | StatusState::Failure => checks.failed.push(status.context),
            }
        }
        let url = with_query(self.repo_url(&["commits", commit.as_str(), "check-runs"]), &[("per_page", "100")]);
        let runs = self.pages(url, |answer, what| Ok(answer.read::<CheckRuns>(what)?.check_runs), |_| true).await?;
        for run in runs {
            match (run.status.as_str(), run.conclusion.as_deref()) {
                ("completed", Some("success" | "neutral" | "skipped")) => checks.good += 1,
                ("completed", _) => checks.failed.push(run.name),
                _ => checks.pending.push(run.name),
            }
        }
        Ok(checks)
    }
}
