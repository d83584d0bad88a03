//! The pages as files, for a file host or to be opened where they are.

use std::path::Path;

use jiff::Timestamp;

use super::Site;
use super::api::{self, Feed};
use super::badges::BadgeKind;
use super::frame::{Actor, Frame, numbered};
use super::pages::Page;
use super::views::{
    About, Dependencies, DependenciesQuery, DependencyDoc, DependencyQuery, Failures, GraphDoc, GraphQuery, Hosts,
    MaintainerDoc, MaintainerQuery, Maintainers, Overview, PackageDoc, Packages, PackagesQuery, PullRequestDoc,
    PullRequests, PullRequestsQuery, Queue, QueueQuery, RunDoc, RunQuery, Runs, RunsQuery, Source, dependency_path,
    maintainer_path,
};
use crate::clients::files::{self, FileError};
use crate::store::{RunId, Store, StoreError};

/// The one stylesheet.
pub(crate) const STYLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/dashboard/style.css"));

/// The one script: what it does, pages can do without.
pub(crate) const SCRIPT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/dashboard/app.js"));

/// How many of the newest runs an export has pages of.
const RUNS: i64 = 2_000;

/// What an export did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Files that were written because they are new or have changed.
    pub written: usize,
    /// Files that were there already, the same to the byte.
    pub unchanged: usize,
}

/// What can go wrong with an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error("cannot export the pages: {0}")]
    Store(#[from] StoreError),
    /// A file cannot be written.
    #[error("cannot export the pages: {0}")]
    File(#[from] FileError),
    /// A page cannot be made; a mistake in the program.
    #[error("cannot make the page {page}: {message}; please report this")]
    Page {
        /// Which, relative to the export.
        page: String,
        /// Why.
        message: String,
    },
}

/// Writes all pages below `dir`, with JSON beside each. A file that has not changed is left alone; each other one is
/// replaced in one step. Links are relative. Of runs, the newest have pages.
pub async fn export(store: &Store, dir: &Path, site: &Site) -> Result<ExportSummary, ExportError> {
    let now = store.last_change().await?;
    let newest = store.newest_run().await?.map_or(0, |run| run.0);
    let oldest_run = (newest - RUNS + 1).max(1);
    let source = Source { store, site, now };
    let mut target = Target { dir, now, address: site.address.clone(), oldest_run, summary: ExportSummary::default() };
    target.file("style.css", STYLE)?;
    target.file("app.js", SCRIPT)?;
    target.runs(source, newest).await?;
    target.packages(source).await?;
    target.dependencies(source).await?;
    target.maintainers(source).await?;
    target.pull_requests(source).await?;
    target.lists(source).await?;
    target.machines(source).await?;
    // Last, so that it never links to a page that is not there yet.
    target.page("index", &Overview::load(source).await?)?;
    Ok(target.summary)
}

struct Target<'a> {
    dir: &'a Path,
    now: Timestamp,
    address: Option<String>,
    oldest_run: i64,
    summary: ExportSummary,
}

impl Target<'_> {
    async fn runs(&mut self, source: Source<'_>, newest: i64) -> Result<(), ExportError> {
        for id in self.oldest_run..=newest {
            // One at a time: the logs of a long history do not fit into memory together.
            let Some(run) = RunDoc::load(source, RunId(id), &RunQuery::default()).await? else { continue };
            let name = format!("runs/{id}");
            self.page(&name, &run)?;
            if run.log_file.is_some() {
                self.file(&format!("{name}.log"), &run.log_text())?;
            }
        }
        Ok(())
    }

    async fn packages(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        for attr in source.store.package_names().await? {
            if let Some(package) = PackageDoc::load(source, &attr).await? {
                self.page(&format!("packages/{attr}"), &package)?;
            }
            if let Some(graph) = GraphDoc::load(source, &attr, &GraphQuery::default()).await? {
                self.page(&format!("graphs/{attr}"), &graph)?;
            }
        }
        Ok(())
    }

    /// What is not beside a page: feeds, badges, bills of materials, and the lists for programs.
    async fn machines(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        let Source { store, site, .. } = source;
        for feed in [Feed::All, Feed::Failures] {
            self.file(&feed.path(), &feed.load(store, site).await?)?;
        }
        for attr in store.package_names().await? {
            let feed = Feed::Package(attr.clone());
            self.file(&feed.path(), &feed.load(store, site).await?)?;
            for kind in BadgeKind::ALL {
                if let Some(badge) = api::package_badge(store, kind, &attr).await? {
                    self.file(&api::badge_path(&attr, kind), &badge.svg())?;
                }
            }
            for version in store.release_versions(&attr).await? {
                if let Some(release) = store.release(&attr, Some(&version)).await? {
                    self.file(&api::sbom_path(&attr, &version), &api::sbom_text(&attr, &release))?;
                }
            }
        }
        for row in store.maintainers().await? {
            if let Ok(login) = row.login.parse() {
                let feed = Feed::Maintainer(login);
                self.file(&feed.path(), &feed.load(store, site).await?)?;
            }
        }
        self.file("status.json", &api::status_text(store, site).await?)?;
        self.file("openapi.json", &api::description_text())
    }

    async fn dependencies(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        for number in 1.. {
            let query = DependenciesQuery { page: Some(number), ..DependenciesQuery::default() };
            let list = Dependencies::load(source, &query).await?;
            for row in &list.dependencies {
                let path = dependency_path(&row.ecosystem, &row.name);
                for number in 1.. {
                    let query = DependencyQuery { page: Some(number), ..DependencyQuery::default() };
                    let Some(page) = DependencyDoc::load(source, &row.ecosystem, &row.name, &query).await? else {
                        break;
                    };
                    self.listed(&path, number, &page)?;
                    if page.pages.next().is_none() {
                        break;
                    }
                }
            }
            self.listed("dependencies", number, &list)?;
            if list.pages.next().is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn maintainers(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        let list = Maintainers::load(source).await?;
        for row in &list.maintainers {
            let path = maintainer_path(&row.login);
            for number in 1.. {
                let query = MaintainerQuery { page: Some(number) };
                let Some(page) = MaintainerDoc::load(source, &row.login, &query).await? else { break };
                self.listed(&path, number, &page)?;
                if page.pages.next().is_none() {
                    break;
                }
            }
        }
        self.page("maintainers", &list)
    }

    async fn pull_requests(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        for number in 1.. {
            let query = PullRequestsQuery { page: Some(number), ..PullRequestsQuery::default() };
            let list = PullRequests::load(source, &query).await?;
            for row in &list.pull_requests {
                if let Some(page) = PullRequestDoc::load(source, row.number).await? {
                    self.page(&format!("pull-requests/{}", row.number), &page)?;
                }
            }
            self.listed("pull-requests", number, &list)?;
            if list.pages.next().is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lists whose rows have pages of their own already, and pages that stand alone.
    async fn lists(&mut self, source: Source<'_>) -> Result<(), ExportError> {
        for number in 1.. {
            let query = PackagesQuery { page: Some(number), ..PackagesQuery::default() };
            let list = Packages::load(source, &query).await?;
            self.listed("packages", number, &list)?;
            if list.pages.next().is_none() {
                break;
            }
        }
        for number in 1.. {
            let query = RunsQuery { page: Some(number), ..RunsQuery::default() };
            let list = Runs::load(source, &query).await?;
            self.listed("runs", number, &list)?;
            if list.pages.next().is_none() {
                break;
            }
        }
        for number in 1.. {
            let query = QueueQuery { page: Some(number), ..QueueQuery::default() };
            let list = Queue::load(source, &query).await?;
            self.listed("queue", number, &list)?;
            if list.pages.next().is_none() {
                break;
            }
        }
        self.page("failures", &Failures::load(source).await?)?;
        self.page("hosts", &Hosts::load(source).await?)?;
        self.page("about", &About::load(source).await?)
    }

    /// A document as JSON and as HTML.
    fn page(&mut self, name: &str, document: &impl Page) -> Result<(), ExportError> {
        self.listed(name, 1, document)
    }

    /// One page of a list.
    fn listed(&mut self, path: &str, number: u32, document: &impl Page) -> Result<(), ExportError> {
        let name = &numbered(path, number);
        let failed = |message: String| ExportError::Page { page: name.to_owned(), message };
        let frame = Frame {
            path: path.to_owned(),
            number,
            live: false,
            now: self.now,
            address: self.address.clone(),
            alarm: None,
            actor: Actor::Nobody,
            oldest_run: self.oldest_run,
        };
        let json = serde_json::to_string_pretty(document).map_err(|error| failed(error.to_string()))?;
        let html = document.html(&frame).map_err(|error| failed(error.to_string()))?;
        self.file(&format!("{name}.json"), &format!("{json}\n"))?;
        self.file(&format!("{name}.html"), &html)
    }

    fn file(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        if files::write_if_changed(&self.dir.join(name), text.as_bytes())? {
            self.summary.written += 1;
        } else {
            self.summary.unchanged += 1;
        }
        Ok(())
    }
}
