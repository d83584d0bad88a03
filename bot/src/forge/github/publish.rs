//! Publishing: look, push with a lease, then open or change only what differs.

use super::records::{own_branch, state_of};
use super::{GithubForge, LOOKS, marker};
use crate::clients::git::GitError;
use crate::clients::github::{GithubError, NewPull, Pull, PullChange};
use crate::forge::ForgeError;
use crate::model::BranchName;
use crate::store::{PrState, PullRequest, PullRequestDraft};

/// How often a push is tried when others move the branch meanwhile.
const PUSHES: usize = 3;

/// How often opening is tried when it is surely not there yet.
const OPENINGS: usize = 3;

/// What marks the notice that people have the branch.
const NOTICE: &str = "<!-- nixwright notice persons -->";

/// What the branch had before.
struct Before {
    /// The open one.
    open: Option<Pull>,
    /// Those that are done, newest first.
    done: Vec<Pull>,
}

/// What opening came to.
enum Opened {
    /// It is there, by this or an earlier attempt.
    Open(Pull),
    /// It was decided meanwhile.
    Settled(PullRequest),
}

impl GithubForge {
    pub(super) async fn open_or_update(&self, draft: &PullRequestDraft) -> Result<PullRequest, ForgeError> {
        let invalid = || ForgeError::InvalidBase { branch: draft.branch.clone(), base: draft.base.clone() };
        let base: BranchName = draft.base.parse().map_err(|_| invalid())?;
        let draft =
            &PullRequestDraft { body: marker::with(&draft.body, draft.attr.as_ref(), &draft.version), ..draft.clone() };
        let before = self.before(&draft.branch).await?;
        if before.open.is_none()
            && let Some(settled) = self.settled(draft, &before.done).await?
        {
            return Ok(settled);
        }
        self.disarm(draft, before.open.as_ref()).await?;
        self.bring(draft, &base, &before).await?;
        let pull = match before.open {
            Some(pull) => pull,
            None => match self.open(draft).await? {
                Opened::Open(pull) => pull,
                Opened::Settled(request) => return Ok(request),
            },
        };
        let pull = self.adjust(draft, pull).await?;
        self.decorate(draft, &pull).await?;
        self.published(draft, &pull).await
    }

    /// The branch's pull requests, by the list and by what the store knows: a list can be stale.
    async fn before(&self, branch: &BranchName) -> Result<Before, ForgeError> {
        let failed = |error: GithubError| self.forge_error(&error);
        let listed = self.github().pulls_of_branch(branch.as_str()).await.map_err(failed)?;
        let mut pulls: Vec<Pull> =
            listed.into_iter().filter(|pull| own_branch(pull).as_ref() == Some(branch)).collect();
        let known = self.store().pull_request_by_branch(branch).await?.map(|known| known.number);
        let open: Vec<i64> = pulls.iter().filter(|pull| pull.is_open()).map(|pull| pull.number).collect();
        for number in known.into_iter().chain(open) {
            match self.github().pull(number).await {
                Ok(fresh) if own_branch(&fresh).as_ref() == Some(branch) => {
                    pulls.retain(|pull| pull.number != number);
                    pulls.push(fresh);
                }
                Ok(_) => {}
                // The store may be older than the repository.
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        let (mut open, done): (Vec<Pull>, Vec<Pull>) = pulls.into_iter().partition(Pull::is_open);
        Ok(Before { open: if open.is_empty() { None } else { Some(open.swap_remove(0)) }, done })
    }

    /// One that was decided with what the draft brings. What was closed before the last merge counts no more: to go back to
    /// an older release is another question than it was then.
    async fn settled(&self, draft: &PullRequestDraft, done: &[Pull]) -> Result<Option<PullRequest>, ForgeError> {
        for pull in done {
            let request = self.take_over(pull, draft.branch.clone()).await?;
            let same = request.version == draft.version;
            if same && (state_of(pull) == PrState::Closed || request.head == draft.head) {
                return Ok(Some(request));
            }
            if state_of(pull) == PrState::Merged {
                break;
            }
        }
        Ok(None)
    }

    /// Takes back the bot's own wish that an earlier commit be merged once green: the new one is not built yet, or not well.
    async fn disarm(&self, draft: &PullRequestDraft, open: Option<&Pull>) -> Result<(), ForgeError> {
        let Some(pull) = open else { return Ok(()) };
        let own = pull.auto_merge.as_ref().is_some_and(|armed| armed.enabled_by == pull.user);
        if !own || (pull.head.sha == draft.head && !draft.failed) {
            return Ok(());
        }
        // Doing it twice does no harm, so nothing need be looked at; a refusal means that it is not armed any more.
        self.surely(|| async {
            match self.github().disable_auto_merge(&pull.node_id).await {
                Err(GithubError::Graphql { message, .. }) => {
                    tracing::warn!(pull_request.number = pull.number, "its automatic merge stays as it is: {message}");
                    Ok(())
                }
                other => other,
            }
        })
        .await
    }

    /// Puts the branch to the draft's commit, unless people have commits of their own there.
    async fn bring(&self, draft: &PullRequestDraft, base: &BranchName, before: &Before) -> Result<(), ForgeError> {
        let mut pushes = 0;
        loop {
            self.fetch().await?;
            let seen = self.fetched(&draft.branch).await?;
            if seen.as_ref() == Some(&draft.head) {
                let (branch, head) = (draft.branch.clone(), draft.head.clone());
                return self.here(move |overlay, _| overlay.follow(&branch, Some(&head))).await;
            }
            // What a merged one left behind is in the base, by whatever way it was merged.
            let merged = |pull: &Pull| state_of(pull) == PrState::Merged && Some(&pull.head.sha) == seen.as_ref();
            if !before.done.iter().any(merged) {
                let persons = self.persons_on(&draft.branch, base, Some(&draft.head)).await?;
                if !persons.is_empty() {
                    return Err(self.stand_back(draft, before.open.as_ref(), persons).await?);
                }
            }
            pushes += 1;
            match self.push(&draft.branch, Some(&draft.head), seen.as_ref()).await {
                Err(ForgeError::Git(GitError::BranchMoved { .. })) if pushes < PUSHES => {}
                other => return other,
            }
        }
    }

    /// Leaves the branch to people, and says so once.
    async fn stand_back(
        &self,
        draft: &PullRequestDraft,
        open: Option<&Pull>,
        persons: Vec<String>,
    ) -> Result<ForgeError, ForgeError> {
        if let Some(pull) = open {
            self.take_over(pull, draft.branch.clone()).await?;
            self.store().set_persons(pull.number, &persons).await?;
            let text = "This branch has commits that Nixwright did not make, so it is left to you and is not updated any \
                        more. Merge or close this pull request as you see fit; or take these commits away, and \
                        Nixwright goes on with it.";
            self.surely(|| self.github().say(pull.number, pull.user.as_ref(), NOTICE, text)).await?;
        }
        Ok(ForgeError::Persons { branch: draft.branch.clone(), persons })
    }

    /// Opens a pull request; where it is not known whether that was done, it is looked for until that is sure.
    async fn open(&self, draft: &PullRequestDraft) -> Result<Opened, ForgeError> {
        let mut as_draft = draft.draft;
        let mut last = String::new();
        for _ in 0..OPENINGS {
            let new = NewPull {
                title: &draft.title,
                body: &draft.body,
                head: draft.branch.as_str(),
                base: &draft.base,
                draft: as_draft,
            };
            match self.github().create_pull(new).await {
                Ok(pull) => return Ok(Opened::Open(pull)),
                // Some repositories have no drafts; there it is open at once.
                Err(GithubError::Status { status: 422, message, .. })
                    if as_draft && message.to_ascii_lowercase().contains("draft") =>
                {
                    as_draft = false;
                }
                Err(error) if may_be_there(&error) => {
                    last = error.to_string();
                    if let Some(found) = self.look_for(draft).await? {
                        return Ok(found);
                    }
                }
                Err(error) => return Err(self.forge_error(&error)),
            }
        }
        Err(self.later(last))
    }

    /// Looks a few times, with growing waits.
    async fn look_for(&self, draft: &PullRequestDraft) -> Result<Option<Opened>, ForgeError> {
        for wait in LOOKS {
            self.parts.sleep.sleep(wait).await;
            let before = self.before(&draft.branch).await?;
            if let Some(pull) = before.open {
                return Ok(Some(Opened::Open(pull)));
            }
            if let Some(settled) = self.settled(draft, &before.done).await? {
                return Ok(Some(Opened::Settled(settled)));
            }
        }
        Ok(None)
    }

    /// Changes what differs: title, text, and whether it is a draft.
    async fn adjust(&self, draft: &PullRequestDraft, pull: Pull) -> Result<Pull, ForgeError> {
        let number = pull.number;
        let mut known = Some(pull);
        for wait in LOOKS {
            let pull = match known.take() {
                Some(pull) => pull,
                None => self.github().pull(number).await.map_err(|error| self.forge_error(&error))?,
            };
            match self.adjust_once(draft, pull).await {
                Ok(pull) => return Ok(pull),
                Err(GithubError::Ambiguous { .. }) => self.parts.sleep.sleep(wait).await,
                Err(error) => return Err(self.forge_error(&error)),
            }
        }
        Err(self.later(format!("pull request {number} is not changed yet")))
    }

    async fn adjust_once(&self, draft: &PullRequestDraft, mut pull: Pull) -> Result<Pull, GithubError> {
        let body = pull.body.as_deref().unwrap_or_default();
        let change = PullChange {
            title: Some(draft.title.as_str()).filter(|title| *title != pull.title),
            body: Some(draft.body.as_str()).filter(|text| text.trim_end() != body.replace("\r\n", "\n").trim_end()),
            state: None,
        };
        if change != PullChange::default() {
            pull = self.github().update_pull(pull.number, change).await?;
        }
        if draft.draft != pull.draft {
            let done = if draft.draft {
                self.github().mark_draft(&pull.node_id).await
            } else {
                self.github().mark_ready(&pull.node_id).await
            };
            match done {
                Ok(()) => pull.draft = draft.draft,
                // Not every repository has drafts, and it is only a word to people.
                Err(error @ GithubError::Graphql { .. }) => {
                    tracing::warn!(pull_request.number = pull.number, "its draft state stays as it is: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(pull)
    }

    /// Labels, assignees and reviewers, once: what people change of that afterwards stays. A failure is only told.
    async fn decorate(&self, draft: &PullRequestDraft, pull: &Pull) -> Result<(), ForgeError> {
        let note = format!("github.decorated {} {}", self.github().repository(), pull.number);
        if self.store().note(&note).await?.is_some() {
            return Ok(());
        }
        let has = |all: &[String], one: &str| all.iter().any(|known| known.eq_ignore_ascii_case(one));
        let names: Vec<String> = pull.labels.iter().map(|label| label.name.clone()).collect();
        let mut labels: Vec<String> = draft.labels.clone();
        labels.retain(|label| !has(&names, label));
        let author = pull.user.as_ref().map(|user| user.login.clone()).unwrap_or_default();
        let logins = |users: &Option<Vec<crate::clients::github::User>>| -> Vec<String> {
            users.iter().flatten().map(|user| user.login.clone()).collect()
        };
        let people = |known: Vec<String>| -> Vec<String> {
            draft.maintainers.iter().filter(|login| !has(&known, login)).cloned().collect()
        };
        let assignees = people(logins(&pull.assignees));
        let reviewers = people([logins(&pull.requested_reviewers), vec![author]].concat());
        let number = pull.number;
        let mut settled = true;
        if !labels.is_empty() {
            settled &= told("labels", number, self.github().add_labels(number, &labels).await);
        }
        if !assignees.is_empty() {
            settled &= told("assignees", number, self.github().add_assignees(number, &assignees).await);
        }
        if !reviewers.is_empty() {
            settled &= told("reviewers", number, self.github().request_reviews(number, &reviewers).await);
        }
        if settled {
            self.store().keep_note(&note, "yes").await?;
        }
        Ok(())
    }
}

/// Whether that is the last word. A refusal is, as asking again would give the same.
fn told(what: &str, number: i64, result: Result<(), GithubError>) -> bool {
    let Err(error) = result else { return true };
    tracing::warn!(pull_request.number = number, "it does not get its {what}: {error}");
    error.status().is_some()
}

/// Whether the pull request that was to be opened may be there all the same.
fn may_be_there(error: &GithubError) -> bool {
    match error {
        GithubError::Ambiguous { .. } => true,
        GithubError::Status { status: 422, message, .. } => message.contains("already exists"),
        _ => false,
    }
}
