//! Looking: what people did since the last time.

use jiff::{SignedDuration, Timestamp};

use super::GithubForge;
use super::records::own_branch;
use crate::clients::github::Pull;
use crate::forge::ForgeError;
use crate::model::BranchName;
use crate::store::PrState;

/// The note with GitHub's own time of the newest change that was seen.
const SEEN: &str = "github.seen";

/// How far back a later look goes: lists can be stale, and changes can have the same second.
const OVERLAP: SignedDuration = SignedDuration::from_mins(15);

impl GithubForge {
    pub(super) async fn look(&self) -> Result<(), ForgeError> {
        self.fetch().await?;
        self.found().await?;
        self.follow().await?;
        let note = format!("{SEEN} {}", self.github().repository());
        let last = self.store().note_time(&note).await?;
        let since = last.map(|last| last - OVERLAP);
        let pulls = self.github().pulls_updated_since(since).await.map_err(|error| self.forge_error(&error))?;
        self.take_over_all(&pulls).await?;
        self.note_persons().await?;
        self.look_at_others().await?;
        let newest: Option<Timestamp> = pulls.iter().map(|pull| pull.updated_at).max().max(last);
        if let Some(newest) = newest.filter(|newest| last != Some(*newest)) {
            self.store().keep_note_time(&note, newest).await?;
        }
        Ok(())
    }

    /// Oldest change first, so that an open one that took another's place is seen after it.
    async fn take_over_all(&self, pulls: &[Pull]) -> Result<(), ForgeError> {
        for pull in pulls.iter().rev() {
            if let Some(branch) = own_branch(pull) {
                self.take_over(pull, branch).await?;
            }
        }
        Ok(())
    }

    /// Who has commits on the open ones, by the branches that were just fetched.
    async fn note_persons(&self) -> Result<(), ForgeError> {
        for request in self.store().pull_requests().await? {
            let Ok(base) = request.base.parse::<BranchName>() else { continue };
            if request.state != PrState::Open {
                continue;
            }
            let persons = self.persons_on(&request.branch, &base, None).await?;
            if persons != request.persons {
                self.store().set_persons(request.number, &persons).await?;
            }
        }
        Ok(())
    }
}
