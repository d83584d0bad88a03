//! What only GraphQL can do: drafts, and merges that wait for green.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::limits::Resource;
use super::transport::Request;
use super::{Github, GithubError};
use crate::model::CommitSha;

/// What became of the wish that a pull request merge itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AutoMerge {
    /// It will.
    Armed,
    /// There is nothing to wait for: merge it.
    NothingToWaitFor,
    /// The repository, or the pull request, does not allow it; GitHub's words.
    NotAllowed(String),
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    errors: Option<Vec<Fault>>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default, rename = "type")]
    kind: String,
    message: String,
}

const READY: &str = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) \
                     { pullRequest { isDraft } } }";

const DRAFT: &str = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) \
                     { pullRequest { isDraft } } }";

const ARM: &str = "mutation($id: ID!, $head: GitObjectID!, $title: String!) { \
                   enablePullRequestAutoMerge(input: {pullRequestId: $id, expectedHeadOid: $head, \
                   commitHeadline: $title, mergeMethod: MERGE}) { pullRequest { number } } }";

const DISARM: &str = "mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) \
                      { pullRequest { number } } }";

impl Github {
    /// Takes back the wish that a pull request merge itself.
    pub async fn disable_auto_merge(&self, node: &str) -> Result<(), GithubError> {
        self.mutate("disablePullRequestAutoMerge", DISARM, json!({ "id": node })).await
    }

    /// Says that a pull request is no draft any more.
    pub async fn mark_ready(&self, node: &str) -> Result<(), GithubError> {
        self.mutate("markPullRequestReadyForReview", READY, json!({ "id": node })).await
    }

    /// Makes a pull request a draft.
    pub async fn mark_draft(&self, node: &str) -> Result<(), GithubError> {
        self.mutate("convertPullRequestToDraft", DRAFT, json!({ "id": node })).await
    }

    /// Has a pull request merged by GitHub as soon as all that the repository asks for is green, if its head is this.
    pub async fn enable_auto_merge(&self, node: &str, head: &CommitSha, title: &str) -> Result<AutoMerge, GithubError> {
        let variables = json!({ "id": node, "head": head.as_str(), "title": title });
        match self.mutate("enablePullRequestAutoMerge", ARM, variables).await {
            Ok(()) => Ok(AutoMerge::Armed),
            Err(GithubError::Graphql { message, .. }) if message.contains("clean status") => {
                Ok(AutoMerge::NothingToWaitFor)
            }
            // Checks that are not required went wrong or are running: nothing that GitHub would wait for.
            Err(GithubError::Graphql { message, .. }) if message.contains("unstable status") => {
                Ok(AutoMerge::NothingToWaitFor)
            }
            Err(GithubError::Graphql { kind, message, .. }) if kind == "UNPROCESSABLE" => {
                Ok(AutoMerge::NotAllowed(message))
            }
            Err(error) => Err(error),
        }
    }

    async fn mutate(&self, what: &str, query: &str, variables: Value) -> Result<(), GithubError> {
        let body = json!({ "query": query, "variables": variables });
        let mut request = Request::new(Method::POST, graphql_url(&self.inner.api), Some(body));
        request.resource = Resource::Graphql;
        what.clone_into(&mut request.what);
        let told: Told = self.write(&request).await?.read(what)?;
        match told.errors.into_iter().flatten().next() {
            None => Ok(()),
            Some(Fault { kind, message }) => {
                let (what, message) = (what.to_owned(), super::error::shortened(&message));
                Err(GithubError::Graphql { what, kind, message })
            }
        }
    }
}

/// GraphQL's address beside a REST interface's: `https://HOST/api/v3/` has it at `https://HOST/api/graphql`.
fn graphql_url(api: &Url) -> Url {
    let mut url = api.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
    }
    let path = url.path().trim_end_matches('/');
    let path = format!("{}/graphql", path.strip_suffix("/v3").unwrap_or(path));
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::graphql_url;

    #[test]
    fn graphql_is_beside_rest() {
        for (api, graphql) in [
            ("https://api.forge.example/", "https://api.forge.example/graphql"),
            ("https://forge.example/api/v3/", "https://forge.example/api/graphql"),
            ("http://127.0.0.1:1/api/v3", "http://127.0.0.1:1/api/graphql"),
        ] {
            assert_eq!(graphql_url(&Url::parse(api).unwrap()).as_str(), graphql);
        }
    }
}
