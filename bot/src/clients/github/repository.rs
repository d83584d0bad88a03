//! The repository itself, what the bot may do in it, and releases of any repository.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::transport::{Answer, Request, Verdict};
use super::{Github, GithubError, Who, good, with_query};
use crate::model::RepositoryName;

/// What the bot may do, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `OWNER/NAME` as GitHub spells it now: another one than configured means that it was renamed.
    pub full_name: String,
    /// Its main branch.
    pub default_branch: String,
    /// Whether pull requests may merge themselves there; nothing where GitHub does not tell.
    pub auto_merge: Option<bool>,
    /// Whether merge commits are allowed; nothing where GitHub does not tell.
    pub merge_commits: Option<bool>,
    /// What is missing, in words for people; nothing means that all is well.
    pub missing: Vec<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    default_branch: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    allow_auto_merge: Option<bool>,
    #[serde(default)]
    allow_merge_commit: Option<bool>,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

#[derive(Deserialize)]
pub(super) struct Installation {
    pub(super) id: u64,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    body: Option<String>,
}

/// A release of a repository, as GitHub lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedRelease {
    /// The tag that it is of.
    #[serde(rename = "tag_name")]
    pub tag: String,
    /// When it was published; nothing for a draft.
    #[serde(default, rename = "published_at")]
    pub published: Option<Timestamp>,
    /// Whether its makers call it one to be tried only.
    #[serde(default)]
    pub prerelease: bool,
    #[serde(default)]
    draft: bool,
}

/// What an App needs to be allowed to write.
const NEEDED: [&str; 3] = ["contents", "pull_requests", "statuses"];

impl Github {
    /// Looks whether the repository is there and what the bot may do in it.
    pub async fn access(&self) -> Result<Access, GithubError> {
        let repository: Repository = self.get(self.repo_url(&[])).await?;
        let mut missing = Vec::new();
        if repository.archived {
            missing.push("the repository is archived, so nothing can be written".to_owned());
        }
        match &self.inner.who {
            Who::Nobody => missing.push("no token is configured".to_owned()),
            Who::Token(_) => {
                if !repository.permissions.is_some_and(|permissions| permissions.push) {
                    missing.push("the token's account may not push to the repository".to_owned());
                }
            }
            Who::App(app) => {
                let installation = self.installation(app).await?;
                let writes = |name: &&str| installation.permissions.get(*name).is_some_and(|level| level == "write");
                let lacking = NEEDED.into_iter().filter(|name| !writes(name));
                missing.extend(lacking.map(|name| format!("the App lacks the permission to write {name}")));
            }
        }
        Ok(Access {
            full_name: repository.full_name,
            default_branch: repository.default_branch,
            auto_merge: repository.allow_auto_merge,
            merge_commits: repository.allow_merge_commit,
            missing,
        })
    }

    /// The newest releases of any repository, as many as one page has (100); nothing if there is no such repository, or nobody may see it.
    pub async fn releases(&self, of: &RepositoryName) -> Result<Option<Vec<ListedRelease>>, GithubError> {
        let url = self.api_url(&["repos", of.owner(), of.name(), "releases"]);
        let request = Request::get(with_query(url, &[("per_page", "100")]));
        match self.ask_with_or_without_token(&request).await {
            Ok(answer) => {
                let mut releases: Vec<ListedRelease> = answer.read(&request.what)?;
                releases.retain(|release| !release.draft);
                Ok(Some(releases))
            }
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The notes of a release of any repository, by its tag; nothing if there is no such release, or no notes.
    pub async fn release_notes(&self, owner: &str, repo: &str, tag: &str) -> Result<Option<String>, GithubError> {
        let request = Request::get(self.api_url(&["repos", owner, repo, "releases", "tags", tag]));
        match self.ask_with_or_without_token(&request).await {
            Ok(answer) => Ok(answer.read::<Release>(&request.what)?.body.filter(|body| !body.trim().is_empty())),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A question about somebody else's repository: the bot's own token may be kept from one that everybody can read.
    async fn ask_with_or_without_token(&self, request: &Request) -> Result<Answer, GithubError> {
        match self.ask(request).await {
            Err(error) if matches!(error.status(), Some(401 | 403)) && !matches!(self.inner.who, Who::Nobody) => {
                match self.inner.transport.ask(request, None).await? {
                    Verdict::Unauthorized(_) => Err(error),
                    verdict => good(verdict),
                }
            }
            other => other,
        }
    }
}
