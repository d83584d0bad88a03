//! The link between the local clone and the repository on GitHub: fetching, pushing, and following.

use super::GithubForge;
use crate::clients::git::{Author, GitError, Overlay, PushRef, Remote, within};
use crate::forge::ForgeError;
use crate::model::{BranchName, CommitSha};
use crate::stages::write::{MAIN, STABLE};

/// All branches over there, as they are.
const BRANCHES: &str = "+refs/heads/*:refs/remotes/origin/*";

/// How the names of the bot's own branches begin.
const OWN: [&str; 2] = ["nixwright/", "nixwright."];

/// Whether a branch is one of the bot's.
pub(super) fn is_own(branch: &str) -> bool {
    OWN.iter().any(|prefix| branch.starts_with(prefix))
}

impl GithubForge {
    /// Git on this machine; it blocks, so it gets a thread of its own.
    pub(super) async fn here<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Overlay, &Author) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let (overlay, bot) = (self.parts.overlay.clone(), self.parts.bot.clone());
        match tokio::task::spawn_blocking(move || work(&overlay, &bot)).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(ForgeError::Interrupted { reason: error.to_string() }),
        }
    }

    /// Git with GitHub at the other end; once more with a new token if the old one is not taken any more.
    async fn there<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl Fn(&Overlay, &Remote) -> Result<T, GitError> + Clone + Send + 'static,
    ) -> Result<T, ForgeError> {
        let mut renewed = false;
        loop {
            let token = self.github().token().await.map_err(|error| self.forge_error(&error))?;
            let remote = Remote::new(self.git_url.clone(), token.clone(), self.parts.patience);
            let (overlay, work) = (self.parts.overlay.clone(), work.clone());
            match within(action, remote, move |remote| work(&overlay, remote)).await {
                Ok(done) => return Ok(done),
                Err(GitError::RemoteRefused { .. }) if !renewed && self.github().forget(token.as_ref()).await => {
                    renewed = true;
                }
                Err(error @ (GitError::RemoteRefused { .. } | GitError::PushRejected { .. })) => {
                    return Err(ForgeError::Refused { message: error.to_string() });
                }
                Err(error @ (GitError::RemoteFailed { .. } | GitError::RemoteSilent { .. })) => {
                    return Err(self.later(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Brings the branches over, beside the local ones.
    pub(super) async fn fetch(&self) -> Result<(), ForgeError> {
        self.fetch_references(vec![BRANCHES.to_owned()], true).await
    }

    pub(super) async fn fetch_references(&self, references: Vec<String>, prune: bool) -> Result<(), ForgeError> {
        self.there("fetch from", move |overlay, remote| overlay.fetch(remote, &references, prune)).await
    }

    /// Moves a branch there, from where it was seen, and then here.
    pub(super) async fn push(
        &self,
        branch: &BranchName,
        commit: Option<&CommitSha>,
        expected: Option<&CommitSha>,
    ) -> Result<(), ForgeError> {
        let wish = PushRef { branch: branch.clone(), commit: commit.cloned(), expected: expected.cloned() };
        let sent = wish.clone();
        self.there("push to", move |overlay, remote| overlay.push(remote, std::slice::from_ref(&sent))).await?;
        self.here(move |overlay, _| {
            overlay.set_origin_branch(&wish.branch, wish.commit.as_ref())?;
            overlay.follow(&wish.branch, wish.commit.as_ref())
        })
        .await
    }

    /// Lets the local branches follow what was fetched: `main`, `stable` and the bot's own. GitHub is the truth.
    pub(super) async fn follow(&self) -> Result<(), ForgeError> {
        self.here(|overlay, _| {
            for (branch, commit) in overlay.origin_branches()? {
                let shared = matches!(branch.as_str(), MAIN | STABLE);
                if !shared && !is_own(branch.as_str()) {
                    continue;
                }
                let here = overlay.branch(&branch)?;
                if here.as_ref() == Some(&commit) {
                    continue;
                }
                if let Some(here) = here.filter(|_| shared)
                    && !overlay.contains(&commit, &here)?
                {
                    tracing::warn!(
                        git.branch = %branch, git.from = %here, git.to = %commit,
                        "the branch was put elsewhere on GitHub; it is taken over as it is there",
                    );
                }
                overlay.follow(&branch, Some(&commit))?;
            }
            Ok(())
        })
        .await
    }

    /// Gives a repository that has no branch yet what is here: the overlay may be older than its place on GitHub.
    pub(super) async fn found(&self) -> Result<(), ForgeError> {
        let first = self.here(|overlay, _| {
            if !overlay.origin_branches()?.is_empty() {
                return Ok(None);
            }
            // Always a branch's name.
            let Ok(main) = MAIN.parse::<BranchName>() else { return Ok(None) };
            Ok(overlay.branch(&main)?.map(|commit| (main, commit)))
        });
        match first.await? {
            Some((main, commit)) => self.push(&main, Some(&commit), None).await,
            None => Ok(()),
        }
    }

    /// Who has commits of their own on a branch of the bot's, as it was fetched: names, sorted.
    pub(super) async fn persons_on(
        &self,
        branch: &BranchName,
        base: &BranchName,
        more: Option<&CommitSha>,
    ) -> Result<Vec<String>, ForgeError> {
        let (branch, base, more) = (branch.clone(), base.clone(), more.cloned());
        let found = self.here(move |overlay, bot| {
            let Some(head) = overlay.origin_branch(&branch)? else { return Ok(Vec::new()) };
            let keep: Vec<CommitSha> = overlay.origin_branch(&base)?.into_iter().chain(more).collect();
            overlay.commits_of_persons(&head, &keep, bot)
        });
        let mut persons: Vec<String> =
            found.await?.into_iter().map(|commit| commit.author.replace(char::is_control, " ")).collect();
        persons.sort();
        persons.dedup();
        Ok(persons)
    }

    /// Where a branch is on GitHub, as it was fetched.
    pub(super) async fn fetched(&self, branch: &BranchName) -> Result<Option<CommitSha>, ForgeError> {
        let branch = branch.clone();
        self.here(move |overlay, _| overlay.origin_branch(&branch)).await
    }
}
