//! Addresses of pages. `/packages/ripgrep.html` is a page and `/packages/ripgrep.json` the same as data; files of an export have
//! the same names.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::App;
use super::answer::Asked;
use crate::dashboard::export::{SCRIPT, STYLE};
use crate::dashboard::pages::{Missing, Page};
use crate::dashboard::views::{
    About, Dependencies, DependencyDoc, Failures, GraphDoc, Hosts, MaintainerDoc, Maintainers, Overview, PackageDoc,
    Packages, PullRequestDoc, PullRequests, Queue, RunDoc, Runs, from_slug,
};
use crate::store::{RunId, StoreError};

type Shared = State<Arc<App>>;

/// The pages; what serves machines comes beside them.
pub(super) fn pages() -> Router<Arc<App>> {
    let mut router = Router::new();
    // A page without a question of its own has two addresses.
    macro_rules! both {
        ($name:literal, $handler:expr) => {
            router = router
                .route(concat!("/", $name, ".html"), get($handler))
                .route(concat!("/", $name, ".json"), get($handler));
        };
    }
    both!("index", overview);
    both!("packages", packages);
    both!("runs", runs);
    both!("failures", failures);
    both!("queue", queue);
    both!("pull-requests", pull_requests);
    both!("dependencies", dependencies);
    both!("maintainers", maintainers);
    both!("hosts", hosts);
    both!("about", about);
    router
        .route("/", get(overview))
        .route("/packages/{file}", get(package))
        .route("/graphs/{file}", get(graph))
        .route("/runs/{file}", get(run))
        .route("/runs/{id}/events", get(super::log::events))
        .route("/events", get(super::changes::events))
        .route("/pull-requests/{file}", get(pull_request))
        .route("/dependencies/{ecosystem}/{file}", get(dependency))
        .route("/maintainers/{file}", get(maintainer))
        .route("/style.css", get(|| async { ([(header::CONTENT_TYPE, "text/css")], STYLE) }))
        .route("/app.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT) }))
        .fallback(missing)
}

async fn missing(State(app): Shared, asked: Asked) -> Response {
    app.answer::<Missing>(&asked, Ok(None)).await
}

/// The name of what a file is about; nothing if it is no page of ours.
fn stem(file: &str) -> Option<&str> {
    file.strip_suffix(".html").or_else(|| file.strip_suffix(".json"))
}

fn some<P: Page>(document: Result<P, StoreError>) -> Result<Option<P>, StoreError> {
    document.map(Some)
}

async fn overview(State(app): Shared, asked: Asked) -> Response {
    app.answer(&asked, some(Overview::load(app.source()).await)).await
}

async fn packages(
    State(app): Shared,
    asked: Asked,
    Query(query): Query<crate::dashboard::views::PackagesQuery>,
) -> Response {
    app.answer(&asked, some(Packages::load(app.source(), &query).await)).await
}

async fn runs(State(app): Shared, asked: Asked, Query(query): Query<crate::dashboard::views::RunsQuery>) -> Response {
    app.answer(&asked, some(Runs::load(app.source(), &query).await)).await
}

async fn failures(State(app): Shared, asked: Asked) -> Response {
    app.answer(&asked, some(Failures::load(app.source()).await)).await
}

async fn queue(State(app): Shared, asked: Asked, Query(query): Query<crate::dashboard::views::QueueQuery>) -> Response {
    app.answer(&asked, some(Queue::load(app.source(), &query).await)).await
}

async fn pull_requests(
    State(app): Shared,
    asked: Asked,
    Query(query): Query<crate::dashboard::views::PullRequestsQuery>,
) -> Response {
    app.answer(&asked, some(PullRequests::load(app.source(), &query).await)).await
}

async fn dependencies(
    State(app): Shared,
    asked: Asked,
    Query(query): Query<crate::dashboard::views::DependenciesQuery>,
) -> Response {
    app.answer(&asked, some(Dependencies::load(app.source(), &query).await)).await
}

async fn maintainers(State(app): Shared, asked: Asked) -> Response {
    app.answer(&asked, some(Maintainers::load(app.source()).await)).await
}

async fn hosts(State(app): Shared, asked: Asked) -> Response {
    app.answer(&asked, some(Hosts::load(app.source()).await)).await
}

async fn about(State(app): Shared, asked: Asked) -> Response {
    app.answer(&asked, some(About::load(app.source()).await)).await
}

async fn package(State(app): Shared, asked: Asked, Path(file): Path<String>) -> Response {
    let document = match stem(&file).and_then(|stem| stem.parse().ok()) {
        Some(attr) => PackageDoc::load(app.source(), &attr).await,
        None => Ok(None),
    };
    app.answer(&asked, document).await
}

async fn graph(
    State(app): Shared,
    asked: Asked,
    Path(file): Path<String>,
    Query(query): Query<crate::dashboard::views::GraphQuery>,
) -> Response {
    let document = match stem(&file).and_then(|stem| stem.parse().ok()) {
        Some(attr) => GraphDoc::load(app.source(), &attr, &query).await,
        None => Ok(None),
    };
    app.answer(&asked, document).await
}

async fn run(
    State(app): Shared,
    asked: Asked,
    Path(file): Path<String>,
    Query(query): Query<crate::dashboard::views::RunQuery>,
) -> Response {
    if let Some(id) = file.strip_suffix(".log").and_then(|id| id.parse().ok()) {
        return match RunDoc::load(app.source(), RunId(id), &query).await {
            Ok(Some(run)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], run.log_text()).into_response(),
            other => app.answer(&asked, other.map(|_| None::<Missing>)).await,
        };
    }
    let document = match stem(&file).and_then(|stem| stem.parse().ok()) {
        Some(id) => RunDoc::load(app.source(), RunId(id), &query).await,
        None => Ok(None),
    };
    app.answer(&asked, document).await
}

async fn pull_request(State(app): Shared, asked: Asked, Path(file): Path<String>) -> Response {
    let document = match stem(&file).and_then(|stem| stem.parse().ok()) {
        Some(number) => PullRequestDoc::load(app.source(), number).await,
        None => Ok(None),
    };
    app.answer(&asked, document).await
}

async fn dependency(
    State(app): Shared,
    asked: Asked,
    Path((ecosystem, file)): Path<(String, String)>,
    Query(query): Query<crate::dashboard::views::DependencyQuery>,
) -> Response {
    let document = match (from_slug(&ecosystem), stem(&file).and_then(from_slug)) {
        (Some(ecosystem), Some(name)) => DependencyDoc::load(app.source(), &ecosystem, &name, &query).await,
        _ => Ok(None),
    };
    app.answer(&asked, document).await
}

async fn maintainer(
    State(app): Shared,
    asked: Asked,
    Path(file): Path<String>,
    Query(query): Query<crate::dashboard::views::MaintainerQuery>,
) -> Response {
    let document = match stem(&file).and_then(from_slug) {
        Some(login) => MaintainerDoc::load(app.source(), &login, &query).await,
        None => Ok(None),
    };
    app.answer(&asked, document).await
}
