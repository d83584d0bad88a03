//! A change to what several packages share, in a pull request of its own: it is built with all of them before it is merged.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{Bot, CycleError};
use crate::forge::CommitState;
use crate::model::{AttrPath, Automerge, BranchName, CommitSha, Failure};
use crate::overlay::Files;
use crate::stages::publish::common_draft;
use crate::store::{PrState, PullRequestDraft};

/// How long a change that did not build with every package rests, unless it changes.
const REST: SignedDuration = SignedDuration::from_hours(24);

/// Such a change.
#[derive(Debug)]
pub(super) struct Proposal {
    /// Its branch.
    pub(super) branch: BranchName,
    /// What is on it.
    pub(super) commit: CommitSha,
    /// What is the same for the same change, whatever it is made to: see [`identity`].
    pub(super) identity: String,
    /// What is changed, for people: `what all packages share`.
    pub(super) what: &'static str,
    /// The pull request's title.
    pub(super) title: String,
    /// The beginning of its text.
    pub(super) text: String,
    /// The packages that are built with it.
    pub(super) packages: Vec<AttrPath>,
    /// The time of the merge.
    pub(super) time: Timestamp,
}

/// What came of a proposal.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// In words for people.
    pub(super) told: String,
    /// Whether a package turned out not to build with it, or it could not be proposed.
    pub(super) failed: bool,
    /// Commits that were made.
    pub(super) commits: u32,
    /// Whether it is in `main`.
    pub(super) merged: bool,
}

impl Bot {
    /// Proposes a change, unless it waits for a person or rests.
    ///
    /// # Errors
    /// When the repository, the store or the machine fails; what concerns this change alone is in the outcome.
    pub(super) async fn propose(&self, proposal: &Proposal) -> Result<Outcome, CycleError> {
        let Proposal { branch, commit, what, .. } = proposal;
        if self.rests(proposal).await? {
            let told = format!("{what} does not build with all of them; it rests");
            return Ok(Outcome { told, ..Outcome::default() });
        }
        if let Some(request) = self.store.pull_request_by_branch(branch).await?
            && !request.failed
            && match request.state {
                // Closed means: not this change, also when `main` has moved since.
                PrState::Closed => request.version == proposal.identity,
                _ => request.head == *commit && !self.merges_shared(),
            }
        {
            let told = format!("pull request {} updates {what}: {}", request.number, request.state);
            return Ok(Outcome { told, ..Outcome::default() });
        }
        self.require_canary().await?;
        match self.build_and_publish(proposal).await {
            Ok(outcome) => Ok(Outcome { commits: 1 + u32::from(outcome.merged), ..outcome }),
            // A person's commits on the branch, say: the packages go on with what main has.
            Err(CycleError::Failed(failure)) => Ok(Outcome {
                told: format!("{what} cannot be updated: {failure}"),
                failed: true,
                commits: 1,
                merged: false,
            }),
            Err(machine) => Err(machine),
        }
    }

    /// Builds every package with the change, and publishes it.
    async fn build_and_publish(&self, proposal: &Proposal) -> Result<Outcome, CycleError> {
        let Proposal { branch, commit, what, title, text, packages, time, identity } = proposal;
        self.writer.publish_branch(branch, commit).await?;
        let mut failures = Vec::new();
        for attr in packages {
            if let Err(failure) = self.rebuild(attr, branch, commit).await {
                failures.push((attr, failure));
            }
        }
        let draft = common_draft(branch, commit, (title.clone(), body(text, &failures)), !failures.is_empty());
        let draft = PullRequestDraft { version: identity.clone(), labels: self.labels.clone(), ..draft };
        let request = self.publish(None, draft).await.map_err(Failure::from)?;
        let state = if failures.is_empty() { CommitState::Success } else { CommitState::Failure };
        self.report(commit, state, format!("{} packages do not build with it", failures.len())).await;
        let number = request.number;
        if !failures.is_empty() {
            self.store.keep_note(&note(branch), &format!("{commit} {}", self.clock.now())).await?;
            let told = format!("pull request {number}: {} packages do not build with it", failures.len());
            return Ok(Outcome { told, failed: true, ..Outcome::default() });
        }
        if request.state != PrState::Open || !self.merges_shared() {
            let told = format!("pull request {number} updates {what}: {}", request.state);
            return Ok(Outcome { told, ..Outcome::default() });
        }
        let merged = self.merge(None, number, *time).await.map_err(Failure::from)?.state == PrState::Merged;
        let then = if merged { "merged" } else { "waits for the forge's checks" };
        Ok(Outcome { told: format!("pull request {number} updates {what}, {then}"), merged, ..Outcome::default() })
    }

    /// Whether such a change is merged without a person.
    fn merges_shared(&self) -> bool {
        self.config.publish.automerge == Automerge::Always
    }

    /// Whether this very change failed not long ago.
    async fn rests(&self, Proposal { branch, commit, .. }: &Proposal) -> Result<bool, CycleError> {
        let kept = self.store.note(&note(branch)).await?;
        let failed = kept.as_deref().and_then(|kept| {
            let (failed, at) = kept.split_once(' ')?;
            Some((failed.to_owned(), at.parse::<Timestamp>().ok()?))
        });
        Ok(failed.is_some_and(|(failed, at)| failed == commit.as_str() && self.clock.now().duration_since(at) < REST))
    }
}

/// What tells a change from others: a hash of the files as it leaves them.
pub(super) fn identity(files: &Files) -> String {
    let mut hasher = Sha256::new();
    for (path, content) in files {
        hasher.update(format!("{path} {}\n", content.len()));
        hasher.update(content);
    }
    data_encoding::HEXLOWER.encode(&hasher.finalize())
}

/// What the store knows of the last failure of such a change, and which commit that was, by this name.
fn note(branch: &BranchName) -> String {
    format!("{branch} failed")
}

fn body(text: &str, failures: &[(&AttrPath, Failure)]) -> String {
    let mut text = text.to_owned();
    if !failures.is_empty() {
        text.push_str("\nThese do not build with it:\n\n");
    }
    for (attr, failure) in failures {
        let _ = writeln!(text, "- `{attr}`: {}", crate::message::text::one_line(&failure.class.to_string()));
    }
    text
}
