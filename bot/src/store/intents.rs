//! Intents: what is about to be done on the outside, written down first.
//!
//! A kill between an effect and its record is made good by doing the open intents again: every effect of the forge looks
//! before it acts. There is one open intent for each kind and subject; a newer one takes the place of the older.

use serde::{Deserialize, Serialize};

use crate::model::{BranchName, CommitSha};
use crate::store::jobs::Lease;
use crate::store::{PullRequestDraft, Store, StoreError, codec};

/// An effect on the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// A pull request is opened or updated.
    Publish {
        /// What it is to say.
        draft: Box<PullRequestDraft>,
    },
    /// A pull request is merged.
    Merge {
        /// Its number.
        number: i64,
        /// The time of the merge commit, RFC 3339.
        time: jiff::Timestamp,
    },
    /// A pull request is turned down.
    Close {
        /// Its number.
        number: i64,
        /// Why, for people.
        why: String,
    },
    /// A branch that only the bot moves is moved.
    Advance {
        /// Which.
        branch: BranchName,
        /// Where to.
        commit: CommitSha,
        /// Where it is now.
        expected: Option<CommitSha>,
    },
}

impl Intent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Publish { .. } => "publish",
            Self::Merge { .. } => "merge",
            Self::Close { .. } => "close",
            Self::Advance { .. } => "advance",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Publish { draft } => draft.branch.to_string(),
            Self::Merge { number, .. } | Self::Close { number, .. } => number.to_string(),
            Self::Advance { branch, .. } => branch.to_string(),
        }
    }
}

/// The number of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntentId(pub(super) i64);

impl Store {
    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if the job behind it belongs to somebody else by now: then it must not be done.
    pub async fn intend(&self, lease: Option<&Lease>, intent: &Intent) -> Result<IntentId, StoreError> {
        let failed = || StoreError::query("write down what is about to be done");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        if let Some(lease) = lease {
            super::jobs::require(&mut transaction, lease).await?;
        }
        let now = codec::time(self.clock.now());
        sqlx::query(
            "UPDATE intents SET state = 'superseded', finished = ?3 WHERE kind = ?1 AND subject = ?2 AND state = 'open'",
        )
        .bind(intent.kind())
        .bind(intent.subject())
        .bind(&now)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO intents (kind, subject, payload, state, created) VALUES (?, ?, ?, 'open', ?) RETURNING id",
        )
        .bind(intent.kind())
        .bind(intent.subject())
        .bind(codec::json("intent", intent)?)
        .bind(&now)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(IntentId(id))
    }

    /// Ends an intent: it was carried out, or `failure` says why it will not be.
    pub async fn settle(&self, intent: IntentId, failure: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("UPDATE intents SET state = ?, message = ?, finished = ? WHERE id = ? AND state = 'open'")
            .bind(if failure.is_none() { "done" } else { "failed" })
            .bind(failure)
            .bind(codec::time(self.clock.now()))
            .bind(intent.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("end an intent"))?;
        Ok(())
    }

    /// What was intended and perhaps not carried out, oldest first.
    pub async fn open_intents(&self) -> Result<Vec<(IntentId, Intent)>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, payload FROM intents WHERE state = 'open' ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .map_err(StoreError::query("read what was intended"))?;
        rows.into_iter().map(|(id, payload)| Ok((IntentId(id), codec::read_json("intent", &payload)?))).collect()
    }
}
