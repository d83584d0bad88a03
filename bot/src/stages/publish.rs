//! Publish: a pull request with its evidence, merged when it is green and may be.

use jiff::Timestamp;

use super::Failure;
use crate::forge::{Forge, ForgeError};
use crate::message::{self, PullRequestEvidence};
use crate::model::{BranchName, CommitSha, FailureClass};
use crate::stages::write::MAIN;
use crate::store::{PrState, PullRequest, PullRequestDraft};

/// Opens or updates the pull request of a package.
///
/// # Errors
/// When the forge refuses, or a person has commits on the branch.
pub async fn publish(
    forge: &impl Forge,
    branch: &BranchName,
    head: &CommitSha,
    evidence: &PullRequestEvidence,
) -> Result<PullRequest, Failure> {
    let body = message::body(evidence).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    let draft = PullRequestDraft {
        branch: branch.clone(),
        attr: Some(evidence.attr.clone()),
        title: message::title(&evidence.attr, evidence.from.as_deref(), &evidence.to),
        body,
        head: head.clone(),
        base: MAIN.to_owned(),
        version: evidence.to.clone(),
        failed: evidence.failure.is_some(),
        draft: false,
        labels: Vec::new(),
        maintainers: Vec::new(),
    };
    forge.publish(&draft).await.map_err(|error| failure(&error))
}

/// Opens or updates a pull request that is not about a package.
///
/// # Errors
/// As [`publish`].
pub async fn publish_common(
    forge: &impl Forge,
    branch: &BranchName,
    head: &CommitSha,
    text: (String, String),
    failed: bool,
) -> Result<PullRequest, Failure> {
    let (title, body) = text;
    let draft = PullRequestDraft {
        branch: branch.clone(),
        attr: None,
        title,
        body,
        head: head.clone(),
        base: MAIN.to_owned(),
        version: head.to_string(),
        failed,
        draft: false,
        labels: Vec::new(),
        maintainers: Vec::new(),
    };
    forge.publish(&draft).await.map_err(|error| failure(&error))
}

/// Merges an open pull request; its state afterwards.
///
/// # Errors
/// When the forge refuses.
pub async fn merge(forge: &impl Forge, request: &PullRequest, time: Timestamp) -> Result<PrState, Failure> {
    let merged = forge.merge(request.number, time).await.map_err(|error| failure(&error))?;
    Ok(merged.state)
}

fn failure(error: &ForgeError) -> Failure {
    Failure::new(FailureClass::Infrastructure, error)
}
