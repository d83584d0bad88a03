//! Documents to HTML.

use std::time::Duration;

use askama::Template;

use super::filters;
use super::views::{Overview, PackageDoc, PullRequestDoc, RunDoc};
use crate::message::text;

/// `index.html`
#[derive(Template)]
#[template(path = "dashboard/overview.html")]
pub(super) struct OverviewPage<'a> {
    pub(super) doc: &'a Overview,
    /// From the page to the root of the site: empty or `../`, so that it works from any folder.
    pub(super) root: &'static str,
    /// The JSON beside the page.
    pub(super) json: String,
}

/// `packages/ATTR.html`
#[derive(Template)]
#[template(path = "dashboard/package.html")]
pub(super) struct PackagePage<'a> {
    pub(super) doc: &'a PackageDoc,
    pub(super) root: &'static str,
    pub(super) json: String,
}

/// `runs/ID.html`
#[derive(Template)]
#[template(path = "dashboard/run.html")]
pub(super) struct RunPage<'a> {
    pub(super) doc: &'a RunDoc,
    pub(super) root: &'static str,
    pub(super) json: String,
}

/// A duration for a person; templates hand out references.
fn took(elapsed: &Duration) -> String {
    text::duration(*elapsed)
}

/// `pull-requests/NUMBER.html`
#[derive(Template)]
#[template(path = "dashboard/pull_request.html")]
pub(super) struct PullRequestPage<'a> {
    pub(super) doc: &'a PullRequestDoc,
    pub(super) root: &'static str,
    pub(super) json: String,
}
