//! Pull requests as the local forge keeps them, and as others were last seen: a branch has at most one that is open, and a
//! proposal that a person has turned down is not made twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AttrPath, BranchName, CommitSha};
use crate::store::text_enum::text_enum;
use crate::store::{Store, StoreError, codec};

text_enum!(
    /// Whether a pull request is still to be decided.
    PrState, "a pull request's state", {
        /// Waits.
        Open = "open",
        /// Went in.
        Merged = "merged",
        /// Turned down.
        Closed = "closed",
    }
);

/// What a pull request should say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestDraft {
    /// The branch that is to go in.
    pub branch: BranchName,
    /// The package, if it is about one.
    pub attr: Option<AttrPath>,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch's commit.
    pub head: CommitSha,
    /// The branch that it is to go into.
    pub base: String,
    /// The release it brings.
    pub version: String,
    /// Whether the build failed.
    pub failed: bool,
    /// Whether it is still being built, so that nobody need look at it yet.
    pub draft: bool,
    /// Labels that it gets, where the forge has labels.
    pub labels: Vec<String>,
    /// Who is asked to review it and whom it is assigned to: login names, without `@`.
    pub maintainers: Vec<String>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number, from 1.
    pub number: i64,
    /// The branch that is to go in.
    pub branch: BranchName,
    /// The package, if it is about one.
    pub attr: Option<AttrPath>,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch's commit when it was last updated.
    pub head: CommitSha,
    /// The branch that it is to go into.
    pub base: String,
    /// The release it brings.
    pub version: String,
    /// Whether the build failed.
    pub failed: bool,
    /// Whether it is still to be decided.
    pub state: PrState,
    /// The commit that brought it in.
    pub merge_commit: Option<CommitSha>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When anything of it last changed.
    pub updated: Timestamp,
    /// When it was merged or turned down.
    pub closed: Option<Timestamp>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Its page on the forge, where the forge has one.
    pub url: Option<String>,
    /// People who have commits of their own on its branch: the bot leaves it to them.
    pub persons: Vec<String>,
    /// The forge's time of its last change.
    pub forge_updated: Option<Timestamp>,
}

/// An open pull request of a person that touches a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPullRequest {
    /// Its number.
    pub number: i64,
    /// The package.
    pub attr: AttrPath,
    /// The version that it brings, if that can be told.
    pub version: Option<String>,
    /// One line, upstream's or a person's text.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// Its page.
    pub url: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct PullRequestRow {
    number: i64,
    branch: String,
    attr: Option<String>,
    title: String,
    body: String,
    head: String,
    base: String,
    version: String,
    failed: bool,
    state: String,
    merge_commit: Option<String>,
    opened: String,
    updated: String,
    closed: Option<String>,
    draft: bool,
    url: Option<String>,
    persons: String,
    forge_updated: Option<String>,
}

impl TryFrom<PullRequestRow> for PullRequest {
    type Error = StoreError;

    fn try_from(row: PullRequestRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.number,
            branch: codec::read_text("branch", &row.branch)?,
            attr: codec::read_optional_text("package name", row.attr)?,
            title: row.title,
            body: row.body,
            head: codec::read_text("commit id", &row.head)?,
            base: row.base,
            version: row.version,
            failed: row.failed,
            state: codec::read_text("pull request's state", &row.state)?,
            merge_commit: codec::read_optional_text("commit id", row.merge_commit)?,
            opened: codec::read_time("time of opening", &row.opened)?,
            updated: codec::read_time("time of updating", &row.updated)?,
            closed: codec::read_optional_time("time of closing", row.closed)?,
            draft: row.draft,
            url: row.url,
            persons: codec::read_json("list of persons", &row.persons)?,
            forge_updated: codec::read_optional_time("time of the forge", row.forge_updated)?,
        })
    }
}

/// The one that counts for a branch: the open one, else the newest.
const BY_BRANCH: &str =
    "SELECT * FROM pull_requests WHERE branch = ? ORDER BY state = 'open' DESC, number DESC LIMIT 1";

impl Store {
    /// The open pull request of a branch, else its newest one.
    pub async fn pull_request_by_branch(&self, branch: &BranchName) -> Result<Option<PullRequest>, StoreError> {
        let row: Option<PullRequestRow> = sqlx::query_as(BY_BRANCH)
            .bind(branch.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("look a pull request up"))?;
        row.map(PullRequest::try_from).transpose()
    }

    /// A pull request by its number.
    pub async fn pull_request(&self, number: i64) -> Result<Option<PullRequest>, StoreError> {
        let row: Option<PullRequestRow> = sqlx::query_as("SELECT * FROM pull_requests WHERE number = ?")
            .bind(number)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a pull request"))?;
        row.map(PullRequest::try_from).transpose()
    }

    /// Opens a pull request, or brings the open one of the branch up to date.
    ///
    /// The same proposal is not made twice: one that was closed with this version, or merged with this version and commit, is
    /// given back as it is.
    pub async fn upsert_pull_request(&self, draft: &PullRequestDraft) -> Result<PullRequest, StoreError> {
        let failed = || StoreError::query("open or update a pull request");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let row: Option<PullRequestRow> = sqlx::query_as(BY_BRANCH)
            .bind(draft.branch.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed())?;
        let last = row.map(PullRequest::try_from).transpose()?;
        let now = codec::time(self.clock.now());
        let statement = match last {
            Some(last) if last.says(draft) || last.settles(draft) => return Ok(last),
            Some(last) if last.state == PrState::Open => sqlx::query_as(
                "UPDATE pull_requests SET branch = ?, attr = ?, title = ?, body = ?, head = ?, base = ?, version = ?, \
                 failed = ?, draft = ?, updated = ? WHERE number = ? RETURNING *",
            )
            .bind(draft.branch.as_str())
            .bind(draft.attr.as_ref().map(AttrPath::as_str))
            .bind(&draft.title)
            .bind(&draft.body)
            .bind(draft.head.as_str())
            .bind(&draft.base)
            .bind(&draft.version)
            .bind(draft.failed)
            .bind(draft.draft)
            .bind(&now)
            .bind(last.number),
            _ => sqlx::query_as(
                "INSERT INTO pull_requests (branch, attr, title, body, head, base, version, failed, draft, opened, \
                 updated, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 'open') RETURNING *",
            )
            .bind(draft.branch.as_str())
            .bind(draft.attr.as_ref().map(AttrPath::as_str))
            .bind(&draft.title)
            .bind(&draft.body)
            .bind(draft.head.as_str())
            .bind(&draft.base)
            .bind(&draft.version)
            .bind(draft.failed)
            .bind(draft.draft)
            .bind(&now),
        };
        let row: PullRequestRow = statement.fetch_one(&mut *transaction).await.map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        row.try_into()
    }

    /// Merges, closes or reopens a pull request; the commit is the one that brought it in.
    pub async fn set_pull_request_state(
        &self,
        number: i64,
        state: PrState,
        merge_commit: Option<CommitSha>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE pull_requests SET \
             updated = CASE WHEN state = ?2 AND merge_commit IS ?3 THEN updated ELSE ?4 END, \
             closed = CASE WHEN ?2 = 'open' THEN NULL WHEN state = ?2 THEN closed ELSE ?4 END, \
             state = ?2, merge_commit = ?3 WHERE number = ?1",
        )
        .bind(number)
        .bind(state.as_str())
        .bind(merge_commit.map(String::from))
        .bind(codec::time(self.clock.now()))
        .execute(&self.pool)
        .await
        .map_err(StoreError::query("set a pull request's state"))?;
        if done.rows_affected() == 0 { Err(StoreError::UnknownPullRequest(number)) } else { Ok(()) }
    }

    /// Whether a pull request that was built and found good has brought a version of a package in, alone or in a group.
    pub async fn was_merged_good(&self, attr: &AttrPath, version: &str) -> Result<bool, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pull_requests WHERE state = 'merged' AND NOT failed AND NOT draft AND \
             ((attr = ?1 AND version = ?2) OR (attr IS NULL AND instr(' ' || version || ' ', ' ' || ?1 || '@' || ?2 || ' ')))",
        )
        .bind(attr.as_str())
        .bind(version)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::query("look a merged pull request up"))?;
        Ok(count > 0)
    }

    /// How many pull requests are open.
    pub async fn open_pull_requests(&self) -> Result<usize, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pull_requests WHERE state = 'open'")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::query("count open pull requests"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Every pull request, newest first.
    pub async fn pull_requests(&self) -> Result<Vec<PullRequest>, StoreError> {
        let rows: Vec<PullRequestRow> = sqlx::query_as("SELECT * FROM pull_requests ORDER BY number DESC")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list pull requests"))?;
        rows.into_iter().map(PullRequest::try_from).collect()
    }
}

impl PullRequest {
    /// Whether it is about a package, alone or as one of a group.
    pub fn concerns(&self, attr: &AttrPath) -> bool {
        match &self.attr {
            Some(own) => own == attr,
            None => self
                .version
                .split(' ')
                .filter_map(|member| member.split_once('@'))
                .any(|(name, _)| name == attr.as_str()),
        }
    }

    /// Whether the open pull request says what the draft does already.
    fn says(&self, draft: &PullRequestDraft) -> bool {
        self.state == PrState::Open
            && (&self.attr, &self.title, &self.body, &self.head)
                == (&draft.attr, &draft.title, &draft.body, &draft.head)
            && (&self.base, &self.version, self.failed, self.draft)
                == (&draft.base, &draft.version, draft.failed, draft.draft)
    }

    /// Whether the draft was decided upon already.
    fn settles(&self, draft: &PullRequestDraft) -> bool {
        match self.state {
            PrState::Open => false,
            PrState::Closed => self.version == draft.version,
            PrState::Merged => self.version == draft.version && self.head == draft.head,
        }
    }
}
