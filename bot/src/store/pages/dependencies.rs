//! Who uses what, and what is known to be wrong with it.

use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{Listing, anywhere, offset, total};
use crate::model::AttrPath;
use crate::store::{Store, StoreError, codec};

/// A crate, module or npm package, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The type of its package URL.
    pub ecosystem: String,
    /// The upstream's own name.
    pub name: String,
    /// How many packages use it.
    pub users: u32,
    /// How many versions of it are in use.
    pub versions: u32,
    /// How many advisories are known of versions in use.
    pub advisories: u32,
}

/// One package that uses one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyUse {
    /// The version that is used.
    pub version: String,
    /// Its package URL.
    pub purl: String,
    /// Its licence.
    pub license: Option<String>,
    /// Who uses it.
    pub attr: AttrPath,
    /// In which release.
    pub release: String,
    /// Whether it asks for it itself.
    pub direct: bool,
    /// Whether it is only needed to build.
    pub builds_only: bool,
}

/// What is known to be wrong with a package at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvisoryRecord {
    /// About what.
    pub purl: String,
    /// `RUSTSEC-2026-0001`.
    pub id: String,
    /// How bad, in the database's word.
    pub severity: Option<String>,
    /// One line.
    pub summary: Option<String>,
}

/// An advisory as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvisoryOf {
    /// The version that it is about.
    pub version: String,
    /// The advisory.
    pub advisory: AdvisoryRecord,
    /// When the database of advisories said so.
    pub seen: Timestamp,
}

type UseOf = (String, String, Option<String>, String, String, bool, bool);

type Found = (String, String, String, Option<String>, Option<String>, String);

type FoundOf = (String, String, String, String, Option<String>, Option<String>, String);

impl Store {
    /// One page of what packages use, the most used first.
    pub async fn list_dependencies(
        &self,
        ecosystem: Option<&str>,
        text: Option<&str>,
        page: u32,
        size: u32,
    ) -> Result<Listing<Dependency>, StoreError> {
        let failed = || StoreError::query("list dependencies");
        let narrow = |builder: &mut QueryBuilder<sqlx::Sqlite>| {
            builder.push(" WHERE users > 0");
            if let Some(ecosystem) = ecosystem {
                builder.push(" AND ecosystem = ").push_bind(ecosystem.to_owned());
            }
            if let Some(text) = text {
                builder.push(" AND name LIKE ").push_bind(anywhere(text)).push(" ESCAPE '\\'");
            }
        };
        let mut counting = QueryBuilder::new("SELECT count(*) FROM dependencies");
        narrow(&mut counting);
        let count: i64 = counting.build_query_scalar().fetch_one(&self.pool).await.map_err(failed())?;
        let mut listing = QueryBuilder::new(
            "SELECT d.ecosystem, d.name, d.users, \
             (SELECT count(*) FROM components c WHERE c.dependency = d.id AND EXISTS (SELECT 1 FROM uses u WHERE u.component = c.id)), \
             (SELECT count(DISTINCT a.id) FROM components c JOIN advisories a ON a.purl = c.purl \
              WHERE c.dependency = d.id AND EXISTS (SELECT 1 FROM uses u WHERE u.component = c.id)) \
             FROM (SELECT * FROM dependencies",
        );
        narrow(&mut listing);
        listing.push(" ORDER BY users DESC, name LIMIT ").push_bind(size);
        listing.push(" OFFSET ").push_bind(offset(page, size)).push(") d ORDER BY d.users DESC, d.name");
        let rows: Vec<(String, String, i64, i64, i64)> =
            listing.build_query_as().fetch_all(&self.pool).await.map_err(failed())?;
        let rows = rows
            .into_iter()
            .map(|(ecosystem, name, users, versions, advisories)| {
                Ok(Dependency {
                    ecosystem,
                    name,
                    users: total(users)?,
                    versions: total(versions)?,
                    advisories: total(advisories)?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// How many packages use each version of a dependency: its version, licence and the count.
    pub async fn dependency_versions(
        &self,
        ecosystem: &str,
        name: &str,
    ) -> Result<Vec<(String, Option<String>, u32)>, StoreError> {
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT c.version, c.license, (SELECT count(*) FROM uses u WHERE u.component = c.id) AS users \
             FROM dependencies d JOIN components c ON c.dependency = d.id \
             WHERE d.ecosystem = ? AND d.name = ? AND users > 0 ORDER BY users DESC, c.version DESC",
        )
        .bind(ecosystem)
        .bind(name)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list the versions of a dependency"))?;
        rows.into_iter().map(|(version, license, users)| Ok((version, license, total(users)?))).collect()
    }

    /// One page of who uses a dependency, by version and name; of one version if that is said.
    pub async fn dependency_uses(
        &self,
        ecosystem: &str,
        name: &str,
        version: Option<&str>,
        page: u32,
        size: u32,
    ) -> Result<Listing<DependencyUse>, StoreError> {
        let failed = || StoreError::query("list who uses a dependency");
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM dependencies d JOIN components c ON c.dependency = d.id JOIN uses u ON u.component = c.id \
             WHERE d.ecosystem = ?1 AND d.name = ?2 AND (?3 IS NULL OR c.version = ?3)",
        )
        .bind(ecosystem)
        .bind(name)
        .bind(version)
        .fetch_one(&self.pool)
        .await
        .map_err(failed())?;
        let rows: Vec<UseOf> = sqlx::query_as(
            "SELECT c.version, c.purl, c.license, u.attr, u.version, u.direct, u.builds_only \
             FROM dependencies d JOIN components c ON c.dependency = d.id JOIN uses u ON u.component = c.id \
             WHERE d.ecosystem = ?1 AND d.name = ?2 AND (?3 IS NULL OR c.version = ?3) \
             ORDER BY c.version DESC, u.attr LIMIT ?4 OFFSET ?5",
        )
        .bind(ecosystem)
        .bind(name)
        .bind(version)
        .bind(size)
        .bind(offset(page, size))
        .fetch_all(&self.pool)
        .await
        .map_err(failed())?;
        let rows = rows
            .into_iter()
            .map(|(version, purl, license, attr, release, direct, builds_only)| {
                let attr = codec::read_text("package name", &attr)?;
                Ok(DependencyUse { version, purl, license, attr, release, direct, builds_only })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Listing { rows, total: total(count)?, page, size })
    }

    /// What is known to be wrong with versions of a dependency that somebody uses.
    pub async fn advisories_of(&self, ecosystem: &str, name: &str) -> Result<Vec<AdvisoryOf>, StoreError> {
        let rows: Vec<Found> = sqlx::query_as(
            "SELECT c.version, c.purl, a.id, a.severity, a.summary, a.seen FROM dependencies d \
             JOIN components c ON c.dependency = d.id JOIN advisories a ON a.purl = c.purl \
             WHERE d.ecosystem = ? AND d.name = ? AND EXISTS (SELECT 1 FROM uses u WHERE u.component = c.id) \
             ORDER BY a.id, c.version LIMIT 200",
        )
        .bind(ecosystem)
        .bind(name)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list advisories"))?;
        rows.into_iter()
            .map(|(version, purl, id, severity, summary, seen)| {
                let seen = codec::read_time("time of an advisory", &seen)?;
                Ok(AdvisoryOf { version, advisory: AdvisoryRecord { purl, id, severity, summary }, seen })
            })
            .collect()
    }

    /// What is known to be wrong with what a package uses, with the names and versions it is about.
    pub async fn advisories_of_package(&self, attr: &AttrPath) -> Result<Vec<(String, AdvisoryOf)>, StoreError> {
        let rows: Vec<FoundOf> = sqlx::query_as(
            "SELECT d.name, c.version, c.purl, a.id, a.severity, a.summary, a.seen FROM uses u \
             JOIN components c ON c.id = u.component JOIN advisories a ON a.purl = c.purl \
             JOIN dependencies d ON d.id = c.dependency WHERE u.attr = ? ORDER BY a.id, d.name LIMIT 200",
        )
        .bind(attr.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list advisories"))?;
        rows.into_iter()
            .map(|(name, version, purl, id, severity, summary, seen)| {
                let seen = codec::read_time("time of an advisory", &seen)?;
                Ok((name, AdvisoryOf { version, advisory: AdvisoryRecord { purl, id, severity, summary }, seen }))
            })
            .collect()
    }

    /// Replaces what is known of some package URLs.
    pub async fn record_advisories(&self, asked: &[String], found: &[AdvisoryRecord]) -> Result<(), StoreError> {
        let failed = || StoreError::query("keep advisories");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::query("DELETE FROM advisories WHERE purl IN (SELECT value FROM json_each(?))")
            .bind(codec::json("list of package URLs", &asked)?)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        for advisory in found {
            sqlx::query("INSERT OR REPLACE INTO advisories (purl, id, severity, summary, seen) VALUES (?, ?, ?, ?, ?)")
                .bind(&advisory.purl)
                .bind(&advisory.id)
                .bind(&advisory.severity)
                .bind(&advisory.summary)
                .bind(codec::time(self.clock.now()))
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }
}
