//! Documents to HTML.

use std::time::Duration;

use askama::Template;
use serde::Serialize;

use super::filters;
use super::frame::Frame;
use super::views::{
    About, Dependencies, DependencyDoc, Failures, GraphDoc, Hosts, MaintainerDoc, Maintainers, Overview, PackageDoc,
    Packages, PullRequestDoc, PullRequests, Queue, RunDoc, Runs,
};
use crate::message::text;

/// What has a page: a document that is also its JSON.
pub(crate) trait Page: Serialize {
    /// The page around which `frame` is.
    fn html(&self, frame: &Frame) -> askama::Result<String>;
}

/// What is shown where nothing is.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Missing;

/// Where a person shows the token.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Login {
    /// Whether the one before was not it.
    pub(crate) was_wrong: bool,
}

macro_rules! pages {
    ($($document:ident as $template:ident from $path:literal;)+) => {$(
        #[derive(Template)]
        #[template(path = $path)]
        struct $template<'a> {
            #[allow(dead_code, reason = "not every page has something to say of its document")]
            doc: &'a $document,
            frame: &'a Frame,
        }

        impl Page for $document {
            fn html(&self, frame: &Frame) -> askama::Result<String> {
                $template { doc: self, frame }.render_with_values(frame)
            }
        }
    )+};
}

pages! {
    About as AboutPage from "dashboard/about.html";
    Dependencies as DependenciesPage from "dashboard/dependencies.html";
    DependencyDoc as DependencyPage from "dashboard/dependency.html";
    Failures as FailuresPage from "dashboard/failures.html";
    GraphDoc as GraphPage from "dashboard/graph.html";
    Hosts as HostsPage from "dashboard/hosts.html";
    MaintainerDoc as MaintainerPage from "dashboard/maintainer.html";
    Login as LoginPage from "dashboard/login.html";
    Maintainers as MaintainersPage from "dashboard/maintainers.html";
    Missing as MissingPage from "dashboard/missing.html";
    Overview as OverviewPage from "dashboard/overview.html";
    PackageDoc as PackagePage from "dashboard/package.html";
    Packages as PackagesPage from "dashboard/packages.html";
    PullRequestDoc as PullRequestPage from "dashboard/pull_request.html";
    PullRequests as PullRequestsPage from "dashboard/pull_requests.html";
    Queue as QueuePage from "dashboard/queue.html";
    RunDoc as RunPage from "dashboard/run.html";
    Runs as RunsPage from "dashboard/runs.html";
}

/// A duration for a person; templates hand out references.
fn took(elapsed: &Duration) -> String {
    text::duration(*elapsed)
}
