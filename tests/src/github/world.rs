//! What the fake remembers: one repository with its pull requests, and the people and tokens around it.

use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;
use jiff::Timestamp;

use super::clock;

/// What a repository's owner decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The owner's login.
    pub owner: String,
    /// The repository's name.
    pub name: String,
    /// Is a token needed for reading too?
    pub private: bool,
    /// May pull requests merge themselves?
    pub allow_auto_merge: bool,
    /// Is the head branch deleted after a merge?
    pub delete_branch_on_merge: bool,
    /// Contexts that have to be green before a merge.
    pub required_checks: Vec<String>,
    /// Approvals that a merge needs.
    pub required_approvals: usize,
    /// Methods that are allowed: `merge`, `squash`, `rebase`.
    pub merge_methods: Vec<String>,
    /// A personal token, and whose it is.
    pub token: String,
    /// The login that the personal token stands for.
    pub login: String,
    /// Those who can be asked for a review, or be assigned.
    pub collaborators: Vec<String>,
    /// How many requests an hour may bring.
    pub rate_limit: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner: "octo-org".to_owned(),
            name: "overlay".to_owned(),
            private: true,
            allow_auto_merge: true,
            delete_branch_on_merge: false,
            required_checks: Vec::new(),
            required_approvals: 0,
            merge_methods: vec!["merge".to_owned(), "squash".to_owned()],
            token: "ghp_aPersonalTokenOfTheTests0123456789".to_owned(),
            login: "nixwright-bot".to_owned(),
            collaborators: vec!["alice".to_owned(), "bob".to_owned()],
            rate_limit: 5000,
        }
    }
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Counted from 1.
    pub number: u64,
    /// The name by which GraphQL knows it.
    pub node_id: String,
    /// First line.
    pub title: String,
    /// Text; `None` where it was left out.
    pub body: Option<String>,
    /// `open` or `closed`.
    pub state: String,
    /// Was it merged?
    pub merged: bool,
    /// Not ready yet.
    pub draft: bool,
    /// The branch that it brings.
    pub head: String,
    /// Whose repository that branch is in: the owner's, or a person's fork.
    pub head_owner: String,
    /// The commit at which the branch was when the forge last looked while it was open.
    pub head_sha: String,
    /// The branch into which it goes.
    pub base: String,
    /// The base's commit when it was opened or last changed.
    pub base_sha: String,
    /// Who opened it.
    pub author: String,
    /// Names, in the order in which they came.
    pub labels: Vec<String>,
    /// Logins.
    pub assignees: Vec<String>,
    /// Logins that were asked for a review and have not given one.
    pub reviewers: Vec<String>,
    /// Logins that approved.
    pub approvals: BTreeSet<String>,
    /// The method by which it merges itself when all is green, and who asked for that.
    pub auto_merge: Option<AutoMerge>,
    /// The commit that brought it in.
    pub merge_commit: Option<String>,
    /// Who merged it.
    pub merged_by: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// May the base's owners push to the head?
    pub maintainer_can_modify: bool,
    /// When it was opened.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it was closed or merged.
    pub closed: Option<Timestamp>,
    /// For which head and base "can it be merged" was worked out; the answer is not known at once.
    pub(super) worked_out: Option<(String, String)>,
}

/// A merge that waits for green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoMerge {
    /// `merge`, `squash` or `rebase`.
    pub method: String,
    /// Who asked for it.
    pub by: String,
    /// The commit's first line, if it was given.
    pub headline: Option<String>,
    /// The rest of it, if it was given.
    pub text: Option<String>,
}

impl Pull {
    /// Is it open?
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }
}

/// A comment under a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Counted over all pull requests.
    pub id: u64,
    /// The pull request's number.
    pub pull: u64,
    /// Who wrote it.
    pub author: String,
    /// What it says now.
    pub body: String,
    /// When it was written.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// How a commit fares under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Counted over all commits.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// The name.
    pub context: String,
    /// A line for people.
    pub description: Option<String>,
    /// Where there is more to read.
    pub target_url: Option<String>,
    /// Who said so.
    pub creator: String,
    /// When.
    pub created: Timestamp,
}

/// A check of another app, such as a CI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// Counted over all commits.
    pub id: u64,
    /// The commit.
    pub sha: String,
    /// The check's name.
    pub name: String,
    /// `success`, `failure`…; `None` while it runs.
    pub conclusion: Option<String>,
    /// When it began.
    pub started: Timestamp,
}

/// A release of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its tag.
    pub tag: String,
    /// Its title.
    pub name: String,
    /// Its notes.
    pub body: String,
    /// Not for everyone yet.
    pub prerelease: bool,
    /// When it came out.
    pub published: Timestamp,
}

/// Something that lets its bearer in.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: String,
    pub(super) who: Who,
    pub(super) ends: Option<Timestamp>,
    pub(super) refused: bool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// A person, or a bot's own account.
    User(String),
    /// An app at work in a repository.
    Installation(String),
    /// The app itself, which can do nothing but see its installations and ask for tokens.
    App,
}

impl Who {
    /// The login that stands under what they do.
    pub(super) fn login(&self) -> &str {
        match self {
            Self::User(login) | Self::Installation(login) => login,
            Self::App => "nixwright[bot]",
        }
    }
}

/// A GitHub App.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: u64,
    pub(super) installation: u64,
    /// As DER, in the form of PKCS #1.
    pub(super) public_key: Vec<u8>,
    /// How long the tokens live that it gets.
    pub(super) lifetime: std::time::Duration,
}

/// All of it.
pub(super) struct World {
    pub(super) base: String,
    pub(super) git: git2::Repository,
    pub(super) settings: Settings,
    pub(super) pulls: BTreeMap<u64, Pull>,
    pub(super) comments: Vec<Comment>,
    pub(super) statuses: Vec<Status>,
    pub(super) checks: Vec<CheckRun>,
    pub(super) releases: Vec<Release>,
    pub(super) labels: Vec<String>,
    pub(super) tokens: Vec<Token>,
    pub(super) app: Option<App>,
    /// The pull requests as they were, newest last.
    pub(super) history: Vec<BTreeMap<u64, Pull>>,
    /// The branches as they were when last looked at.
    pub(super) heads: BTreeMap<String, Oid>,
    pub(super) created: Timestamp,
    pub(super) next_id: u64,
    pub(super) used: i64,
}

impl World {
    /// All that is there at the start.
    pub(super) fn new(base: String, git: git2::Repository, settings: Settings) -> Self {
        let token =
            Token { value: settings.token.clone(), who: Who::User(settings.login.clone()), ends: None, refused: false };
        Self {
            base,
            git,
            settings,
            pulls: BTreeMap::new(),
            comments: Vec::new(),
            statuses: Vec::new(),
            checks: Vec::new(),
            releases: Vec::new(),
            labels: Vec::new(),
            tokens: vec![token],
            app: None,
            history: vec![BTreeMap::new()],
            heads: BTreeMap::new(),
            created: clock::now(),
            next_id: 1,
            used: 0,
        }
    }

    /// An id that nothing else has.
    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Can this login be asked for something?
    pub(super) fn is_collaborator(&self, login: &str) -> bool {
        let known = [&self.settings.owner, &self.settings.login].into_iter().chain(&self.settings.collaborators);
        known.into_iter().any(|name| name.eq_ignore_ascii_case(login))
    }

    /// Remembers the pull requests as they are now, if they changed.
    pub(super) fn remember(&mut self) {
        if self.history.last() != Some(&self.pulls) {
            self.history.push(self.pulls.clone());
        }
    }

    /// The pull requests as they were some changes ago.
    pub(super) fn earlier(&self, changes: usize) -> &BTreeMap<u64, Pull> {
        &self.history[self.history.len().saturating_sub(changes + 1)]
    }

    /// How a commit fares: the newest status of each name.
    pub(super) fn newest_statuses(&self, sha: &str) -> Vec<&Status> {
        let mut newest: Vec<&Status> = Vec::new();
        for status in self.statuses.iter().rev().filter(|status| status.sha == sha) {
            if newest.iter().all(|known| known.context != status.context) {
                newest.push(status);
            }
        }
        newest
    }
}
