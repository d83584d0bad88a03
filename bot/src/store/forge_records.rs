//! What was seen on a forge that keeps the pull requests itself.

use jiff::Timestamp;

use crate::model::AttrPath;
use crate::store::{OtherPullRequest, PrState, PullRequest, Store, StoreError, codec};

impl Store {
    /// Takes over a pull request as a forge shows it, by its number.
    ///
    /// What the forge said earlier never replaces what it said later: lists can be stale. An open one closes the records of
    /// others that were open on the same branch, as the forge allows one only. Gives what the store has afterwards.
    pub async fn record_pull_request(&self, request: &PullRequest) -> Result<PullRequest, StoreError> {
        let failed = || StoreError::query("take over a pull request");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let seen = codec::optional_time(request.forge_updated);
        let known: Option<Option<String>> =
            sqlx::query_scalar("SELECT forge_updated FROM pull_requests WHERE number = ?")
                .bind(request.number)
                .fetch_optional(&mut *transaction)
                .await
                .map_err(failed())?;
        let is_old = known.flatten().is_some_and(|known| seen.as_ref().is_some_and(|seen| *seen < known));
        if !is_old {
            if request.state == PrState::Open {
                sqlx::query(
                    "UPDATE pull_requests SET state = 'closed', closed = ?3 \
                     WHERE branch = ?1 AND number <> ?2 AND state = 'open'",
                )
                .bind(request.branch.as_str())
                .bind(request.number)
                .bind(codec::time(self.clock.now()))
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
            }
            sqlx::query(
                "INSERT OR REPLACE INTO pull_requests (number, branch, attr, title, body, head, base, version, failed, \
                 state, merge_commit, opened, updated, closed, draft, url, persons, forge_updated) VALUES \
                 (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(request.number)
            .bind(request.branch.as_str())
            .bind(request.attr.as_ref().map(AttrPath::as_str))
            .bind(&request.title)
            .bind(&request.body)
            .bind(request.head.as_str())
            .bind(&request.base)
            .bind(&request.version)
            .bind(request.failed)
            .bind(request.state.as_str())
            .bind(request.merge_commit.as_ref().map(ToString::to_string))
            .bind(codec::time(request.opened))
            .bind(codec::time(request.updated))
            .bind(codec::optional_time(request.closed))
            .bind(request.draft)
            .bind(&request.url)
            .bind(codec::json("list of persons", &request.persons)?)
            .bind(seen)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        self.pull_request(request.number).await?.ok_or(StoreError::UnknownPullRequest(request.number))
    }

    /// Says whose commits are on a pull request's branch.
    pub async fn set_persons(&self, number: i64, persons: &[String]) -> Result<(), StoreError> {
        let done = sqlx::query("UPDATE pull_requests SET persons = ? WHERE number = ?")
            .bind(codec::json("list of persons", &persons)?)
            .bind(number)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("say whose commits a pull request has"))?;
        if done.rows_affected() == 0 { Err(StoreError::UnknownPullRequest(number)) } else { Ok(()) }
    }

    /// Replaces what is known of people's own open pull requests.
    pub async fn set_other_pull_requests(&self, others: &[OtherPullRequest]) -> Result<(), StoreError> {
        let failed = || StoreError::query("take over the pull requests of people");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::query("DELETE FROM other_pull_requests").execute(&mut *transaction).await.map_err(failed())?;
        for other in others {
            sqlx::query(
                "INSERT OR REPLACE INTO other_pull_requests (number, attr, version, title, author, url) \
                 VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(other.number)
            .bind(other.attr.as_str())
            .bind(&other.version)
            .bind(&other.title)
            .bind(&other.author)
            .bind(&other.url)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }

    /// People's own open pull requests that touch a package, oldest first.
    pub async fn other_pull_requests(&self, attr: &AttrPath) -> Result<Vec<OtherPullRequest>, StoreError> {
        type Row = (i64, Option<String>, String, String, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, version, title, author, url FROM other_pull_requests WHERE attr = ? ORDER BY number",
        )
        .bind(attr.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list the pull requests of people"))?;
        let other = |(number, version, title, author, url)| OtherPullRequest {
            number,
            attr: attr.clone(),
            version,
            title,
            author,
            url,
        };
        Ok(rows.into_iter().map(other).collect())
    }

    /// A small note by its name.
    pub async fn note(&self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM notes WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::query("read a note"))
    }

    /// Keeps a small note, replacing the one of that name.
    pub async fn keep_note(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)")
            .bind(name)
            .bind(value)
            .execute(&self.pool)
            .await
            .map_err(StoreError::query("keep a note"))?;
        Ok(())
    }

    /// A time that was kept as a note.
    pub async fn note_time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        codec::read_optional_time("note of a time", self.note(name).await?)
    }

    /// Keeps a time as a note.
    pub async fn keep_note_time(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        self.keep_note(name, &codec::time(at)).await
    }
}
