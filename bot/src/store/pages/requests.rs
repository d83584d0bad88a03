//! Lists of pull requests.

use sqlx::QueryBuilder;

use super::{Listing, offset, total};
use crate::model::AttrPath;
use crate::store::pull_requests::PullRequestRow;
use crate::store::{PrState, PullRequest, Store, StoreError};

/// Which pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// Of this package, alone or in a group.
    pub attr: Option<AttrPath>,
    /// In this state.
    pub state: Option<PrState>,
}

impl Store {
    /// One page of pull requests, newest first.
    pub async fn list_pull_requests(
        &self,
        query: &RequestQuery,
        page: u32,
        size: u32,
    ) -> Result<Listing<PullRequest>, StoreError> {
        let failed = || StoreError::query("list pull requests");
        let narrow = |builder: &mut QueryBuilder<sqlx::Sqlite>| {
            builder.push(" WHERE true");
            if let Some(attr) = &query.attr {
                // Two questions with an index each; those of groups name no package.
                builder
                    .push(" AND number IN (SELECT number FROM pull_requests WHERE attr = ")
                    .push_bind(attr.to_string());
                builder
                    .push(" UNION ALL SELECT number FROM pull_requests WHERE attr IS NULL AND instr(' ' || version, ");
                builder.push_bind(format!(" {attr}@")).push("))");
            }
            if let Some(state) = query.state {
                builder.push(" AND state = ").push_bind(state.as_str());
            }
        };
        let mut counting = QueryBuilder::new("SELECT count(*) FROM pull_requests");
        narrow(&mut counting);
        let count: i64 = counting.build_query_scalar().fetch_one(&self.pool).await.map_err(failed())?;
        let mut listing =
            QueryBuilder::new("SELECT * FROM pull_requests WHERE number IN (SELECT number FROM pull_requests");
        narrow(&mut listing);
        listing.push(" ORDER BY number DESC LIMIT ").push_bind(size).push(" OFFSET ").push_bind(offset(page, size));
        listing.push(") ORDER BY number DESC");
        let rows: Vec<PullRequestRow> = listing.build_query_as().fetch_all(&self.pool).await.map_err(failed())?;
        let rows = rows.into_iter().map(PullRequest::try_from).collect::<Result<_, _>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// The pull request of a commit, or of a version of a package.
    pub async fn pull_request_of_run(
        &self,
        attr: &AttrPath,
        version: &str,
        commit: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar(
            "SELECT number FROM pull_requests WHERE attr = ?1 AND version = ?2 ORDER BY head IS ?3 DESC, number DESC LIMIT 1",
        )
        .bind(attr.as_str())
        .bind(version)
        .bind(commit)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("look a pull request up"))
    }
}
