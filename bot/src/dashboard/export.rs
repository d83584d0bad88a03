//! The pages as files, for a file host or to be opened where they are.

use std::path::Path;

use askama::Template;
use serde::Serialize;

use super::Site;
use super::pages::{OverviewPage, PackagePage, PullRequestPage, RunPage};
use super::snapshot::{RunDetails, Snapshot};
use super::views::{Overview, PackageDoc, PullRequestDoc, RunDoc};
use crate::clients::files::{self, FileError};
use crate::store::{Store, StoreError};

/// The one stylesheet.
const STYLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/dashboard/style.css"));

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
/// replaced in one step. Links are relative.
pub async fn export(store: &Store, dir: &Path, site: &Site) -> Result<ExportSummary, ExportError> {
    let snapshot = Snapshot::load(store).await?;
    let mut target = Target { dir, summary: ExportSummary::default() };
    target.file("style.css", STYLE)?;
    for run in &snapshot.runs {
        // One at a time: the logs of a long history do not fit into memory together.
        let details = RunDetails::load(store, run.id).await?;
        let doc = RunDoc::new(&snapshot, run, &details, site);
        let name = format!("runs/{}", run.id);
        target.page(&name, &doc, |json| RunPage { doc: &doc, root: "../", json })?;
        if doc.log_file.is_some() {
            target.file(&format!("{name}.log"), &doc.log_text())?;
        }
    }
    for request in &snapshot.pull_requests {
        let doc = PullRequestDoc::from(request);
        let name = format!("pull-requests/{}", request.number);
        target.page(&name, &doc, |json| PullRequestPage { doc: &doc, root: "../", json })?;
    }
    for package in &snapshot.packages {
        let doc = PackageDoc::new(&snapshot, package, site);
        let name = format!("packages/{}", package.attr);
        target.page(&name, &doc, |json| PackagePage { doc: &doc, root: "../", json })?;
    }
    // Last, so that it never links to a page that is not there yet.
    let doc = Overview::new(&snapshot);
    target.page("index", &doc, |json| OverviewPage { doc: &doc, root: "", json })?;
    Ok(target.summary)
}

struct Target<'a> {
    dir: &'a Path,
    summary: ExportSummary,
}

impl Target<'_> {
    /// A document as JSON and as HTML. The page is told the name of its JSON, which is beside it.
    fn page<T: Template>(
        &mut self,
        name: &str,
        doc: &impl Serialize,
        page: impl FnOnce(String) -> T,
    ) -> Result<(), ExportError> {
        let failed = |message: String| ExportError::Page { page: name.to_owned(), message };
        let json = serde_json::to_string_pretty(doc).map_err(|error| failed(error.to_string()))?;
        let beside = name.rsplit('/').next().unwrap_or(name);
        let html = page(format!("{beside}.json")).render().map_err(|error| failed(error.to_string()))?;
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
