//! Publish: what a pull request is to say.

use super::Failure;
use crate::message::{self, PullRequestEvidence};
use crate::model::{BranchName, CommitSha, FailureClass, GroupName};
use crate::stages::write::MAIN;
use crate::store::PullRequestDraft;

/// The pull request of a package.
///
/// # Errors
/// None that evidence can cause.
pub fn package_draft(
    branch: &BranchName,
    head: &CommitSha,
    evidence: &PullRequestEvidence,
) -> Result<PullRequestDraft, Failure> {
    let body = message::body(evidence).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    Ok(PullRequestDraft {
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
    })
}

/// The pull request of a group, `version` being that of [`group_version`](crate::pipeline).
///
/// # Errors
/// As [`package_draft`].
pub fn group_draft(
    group: &GroupName,
    branch: &BranchName,
    head: &CommitSha,
    version: String,
    members: &[PullRequestEvidence],
) -> Result<PullRequestDraft, Failure> {
    let body = message::group_body(members).map_err(|error| Failure::new(FailureClass::Infrastructure, &error))?;
    let title = message::group_title(group, members.len());
    Ok(PullRequestDraft { version, ..common_draft(branch, head, (title, body), false) })
}

/// A pull request that is not about a package.
pub fn common_draft(branch: &BranchName, head: &CommitSha, text: (String, String), failed: bool) -> PullRequestDraft {
    let (title, body) = text;
    PullRequestDraft {
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
    }
}
