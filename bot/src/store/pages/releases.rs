//! Releases whose graph is known: what they are made of, and who uses what.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::components::{CodeKind, Hash};
use serde::{Deserialize, Serialize};
use sqlx::{Sqlite, Transaction};

use crate::model::AttrPath;
use crate::store::{Store, StoreError, codec};

/// How many releases of a package are kept.
const KEPT: i64 = 3;

/// No stored graph unfolds to more bytes.
const MAX_GRAPH: u64 = 64 << 20;

/// What a release is, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRecord {
    /// The version.
    pub version: String,
    /// When the graph was written down.
    pub recorded: Timestamp,
    /// Upstream's text.
    pub description: Option<String>,
    /// Upstream's text.
    pub homepage: Option<String>,
    /// Upstream's text.
    pub repository: Option<String>,
    /// Meant as an SPDX expression.
    pub license: Option<String>,
    /// What it is made of.
    pub graph: ReleaseGraph,
}

/// The dependency graph of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseGraph {
    /// Which node is the release itself.
    pub root: usize,
    /// Sorted by package URL.
    pub nodes: Vec<GraphNode>,
    /// Direct dependencies, sorted.
    pub edges: Vec<GraphEdge>,
}

/// A package at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphNode {
    /// `pkg:cargo/serde@1.0.228`.
    pub purl: String,
    /// The upstream's own name.
    pub name: String,
    /// As the registry spells it.
    pub version: String,
    /// Meant as an SPDX expression.
    pub license: Option<String>,
    /// `sha256:…` in hexadecimal, or a subresource integrity.
    pub hash: Option<String>,
    /// Whether it is only needed to build.
    pub builds_only: bool,
    /// What of its code runs while it is built or installed, for a person.
    pub runs: Vec<String>,
}

/// One node needs another; numbers are places in [`ReleaseGraph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GraphEdge {
    /// Who needs.
    pub from: usize,
    /// What is needed.
    pub to: usize,
}

impl ReleaseGraph {
    /// The graph of a plan.
    pub fn of(plan: &Plan) -> Self {
        let components = plan.components();
        let place: BTreeMap<&str, usize> =
            components.by_purl.keys().enumerate().map(|(place, purl)| (purl.as_str(), place)).collect();
        let nodes = components.by_purl.values().map(|component| GraphNode {
            purl: component.purl.clone(),
            name: component.name.clone(),
            version: component.version.clone(),
            license: component.license.clone(),
            hash: component.hash.as_ref().map(|hash| match hash {
                Hash::Sha256(hex) => format!("sha256:{hex}"),
                Hash::Integrity(integrity) => integrity.clone(),
            }),
            builds_only: component.builds_only,
            runs: component.runs.iter().map(|kind: &CodeKind| kind.as_str().to_owned()).collect(),
        });
        let edges: BTreeSet<GraphEdge> = components
            .edges
            .iter()
            .flat_map(|(from, needed)| needed.iter().map(move |to| (from, to)))
            .filter_map(|(from, to)| Some(GraphEdge { from: *place.get(from.as_str())?, to: *place.get(to.as_str())? }))
            .collect();
        Self {
            root: place.get(components.root.as_str()).copied().unwrap_or_default(),
            nodes: nodes.collect(),
            edges: edges.into_iter().collect(),
        }
    }

    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let json = codec::json("dependency graph", self)?;
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        packed.write_all(json.as_bytes()).map_err(|error| StoreError::corrupt("dependency graph", &error))?;
        packed.finish().map_err(|error| StoreError::corrupt("dependency graph", &error))
    }

    fn unpack(packed: &[u8]) -> Result<Self, StoreError> {
        let mut json = String::new();
        DeflateDecoder::new(packed)
            .take(MAX_GRAPH)
            .read_to_string(&mut json)
            .map_err(|error| StoreError::corrupt("dependency graph", &error))?;
        let graph: Self = codec::read_json("dependency graph", &json)?;
        let known = |place: usize| place < graph.nodes.len();
        if graph.edges.iter().all(|edge| known(edge.from) && known(edge.to))
            && (graph.nodes.is_empty() || known(graph.root))
        {
            return Ok(graph);
        }
        Err(StoreError::corrupt("dependency graph", &"an edge leads to a node that is not there"))
    }
}

impl Store {
    /// Writes down what a release is made of; it is what its package uses from now on.
    pub async fn record_plan(&self, attr: &AttrPath, plan: &Plan) -> Result<(), StoreError> {
        let metadata = &plan.metadata;
        let record = ReleaseRecord {
            version: plan.version.clone(),
            recorded: self.clock.now(),
            description: metadata.description.clone(),
            homepage: metadata.homepage.clone(),
            repository: metadata.repository.clone(),
            license: metadata.license.clone(),
            graph: ReleaseGraph::of(plan),
        };
        self.record_release(attr, &record).await
    }

    /// As [`Store::record_plan`], for what was taken out of its plan.
    pub async fn record_release(&self, attr: &AttrPath, release: &ReleaseRecord) -> Result<(), StoreError> {
        let packed = release.graph.pack()?;
        self.write_release(attr, release, packed).await.map_err(StoreError::query("write down a release's graph"))
    }

    async fn write_release(
        &self,
        attr: &AttrPath,
        release: &ReleaseRecord,
        packed: Vec<u8>,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query(
            "INSERT OR REPLACE INTO releases (attr, version, recorded, description, homepage, repository, license, graph) \
             SELECT attr, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM packages WHERE attr = ?1",
        )
        .bind(attr.as_str())
        .bind(&release.version)
        .bind(codec::time(release.recorded))
        .bind(&release.description)
        .bind(&release.homepage)
        .bind(&release.repository)
        .bind(&release.license)
        .bind(packed)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(
            "DELETE FROM releases WHERE attr = ?1 AND version NOT IN \
             (SELECT version FROM releases WHERE attr = ?1 ORDER BY recorded DESC LIMIT ?2) \
             AND version IS NOT (SELECT current_version FROM packages WHERE attr = ?1)",
        )
        .bind(attr.as_str())
        .bind(KEPT)
        .execute(&mut *transaction)
        .await?;
        replace_uses(&mut transaction, attr, release).await?;
        transaction.commit().await
    }

    /// A release's graph: of a version, or of the one that was written down last.
    pub async fn release(&self, attr: &AttrPath, version: Option<&str>) -> Result<Option<ReleaseRecord>, StoreError> {
        type Row = (String, String, Option<String>, Option<String>, Option<String>, Option<String>, Vec<u8>);
        let row: Option<Row> = sqlx::query_as(
            "SELECT version, recorded, description, homepage, repository, license, graph FROM releases \
             WHERE attr = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY recorded DESC LIMIT 1",
        )
        .bind(attr.as_str())
        .bind(version)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("read a release's graph"))?;
        row.map(|(version, recorded, description, homepage, repository, license, graph)| {
            Ok(ReleaseRecord {
                version,
                recorded: codec::read_time("time of a release", &recorded)?,
                description,
                homepage,
                repository,
                license,
                graph: ReleaseGraph::unpack(&graph)?,
            })
        })
        .transpose()
    }

    /// The versions of a package whose graph is known, the newest first.
    pub async fn release_versions(&self, attr: &AttrPath) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT version FROM releases WHERE attr = ? ORDER BY recorded DESC")
            .bind(attr.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::query("list the releases of a package"))
    }
}

/// Makes a package use exactly what its release is made of, and counts the users of each dependency anew.
async fn replace_uses(
    transaction: &mut Transaction<'static, Sqlite>,
    attr: &AttrPath,
    release: &ReleaseRecord,
) -> Result<(), sqlx::Error> {
    const COUNT: &str = "UPDATE dependencies SET users = users + ?2 WHERE id IN \
                         (SELECT c.dependency FROM uses u JOIN components c ON c.id = u.component WHERE u.attr = ?1)";
    sqlx::query(COUNT).bind(attr.as_str()).bind(-1).execute(&mut **transaction).await?;
    sqlx::query("DELETE FROM uses WHERE attr = ?").bind(attr.as_str()).execute(&mut **transaction).await?;
    let graph = &release.graph;
    let direct: BTreeSet<usize> =
        graph.edges.iter().filter(|edge| edge.from == graph.root).map(|edge| edge.to).collect();
    for (place, node) in graph.nodes.iter().enumerate().filter(|(place, _)| *place != graph.root) {
        sqlx::query("INSERT OR IGNORE INTO dependencies (ecosystem, name) VALUES (?, ?)")
            .bind(ecosystem(&node.purl))
            .bind(&node.name)
            .execute(&mut **transaction)
            .await?;
        sqlx::query(
            "INSERT INTO components (dependency, version, purl, license) SELECT id, ?3, ?4, ?5 FROM dependencies \
             WHERE ecosystem = ?1 AND name = ?2 ON CONFLICT (purl) DO UPDATE SET license = excluded.license",
        )
        .bind(ecosystem(&node.purl))
        .bind(&node.name)
        .bind(&node.version)
        .bind(&node.purl)
        .bind(&node.license)
        .execute(&mut **transaction)
        .await?;
        sqlx::query(
            "INSERT OR REPLACE INTO uses (component, attr, version, direct, builds_only) \
             SELECT id, ?2, ?3, ?4, ?5 FROM components WHERE purl = ?1",
        )
        .bind(&node.purl)
        .bind(attr.as_str())
        .bind(&release.version)
        .bind(direct.contains(&place))
        .bind(node.builds_only)
        .execute(&mut **transaction)
        .await?;
    }
    sqlx::query(COUNT).bind(attr.as_str()).bind(1).execute(&mut **transaction).await?;
    Ok(())
}

/// The type of a package URL.
fn ecosystem(purl: &str) -> &str {
    purl.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')).map_or("", |(kind, _)| kind)
}
