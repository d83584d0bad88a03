//! What programs read: badges, feeds, figures, health, bills of materials, and the description of all of it.
//!
//! | path | what |
//! |---|---|
//! | a page's path with `.json` | what the page shows |
//! | `/status.json` | every package: where it stands, and what the overlay has |
//! | `/badges/ATTR/{version,build,freshness}.svg` | a badge |
//! | `/feeds/all.atom`, `failures.atom`, `packages/ATTR.atom`, `maintainers/LOGIN.atom` | what happened, newest first |
//! | `/sbom/ATTR/VERSION.cdx.json` | what a release is made of, CycloneDX |
//! | `/metrics` | figures for Prometheus |
//! | `/health` | 200, or 503 and what is wrong with the bot |
//! | `/ready` | 200 when the store can be read |
//! | `/openapi.json` | this, for programs |

mod openapi;
pub(crate) mod reply;
mod sbom;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::badges::{Badge, BadgeKind};
use super::feeds::{FeedHead, LENGTH, TOLD};
use super::live::App;
use super::views::{from_slug, slug};
use super::{Site, metrics};
use crate::model::{AttrPath, Login};
use crate::store::{EventKind, FeedOf, ReleaseRecord, Store, StoreError};

const SVG: &str = "image/svg+xml; charset=utf-8";
const ATOM: &str = "application/atom+xml; charset=utf-8";
const JSON: &str = "application/json";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json; version=1.6";

type Shared = State<Arc<App>>;

/// The paths above that are not beside a page.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(figures))
        .route("/status.json", get(all_packages))
        .route("/openapi.json", get(description))
        .route("/badges/{attr}/{file}", get(badge))
        .route("/feeds/{file}", get(common_feed))
        .route("/feeds/packages/{file}", get(package_feed))
        .route("/feeds/maintainers/{file}", get(maintainer_feed))
        .route("/sbom/{attr}/{file}", get(bill_of_materials))
}

/// Why there is no answer.
pub(crate) enum Missing {
    /// Nothing is known under that name.
    NotThere,
    /// The store cannot be read.
    Store(StoreError),
}

impl From<StoreError> for Missing {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl axum::response::IntoResponse for Missing {
    fn into_response(self) -> Response {
        match self {
            Self::NotThere => (StatusCode::NOT_FOUND, "nothing is known under this name\n").into_response(),
            Self::Store(error) => {
                tracing::error!("{error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "the store cannot be read; the bot's log says why\n")
                    .into_response()
            }
        }
    }
}

type Answer = Result<Response, Missing>;

/// The name before an ending, as a checked name.
fn name<T: std::str::FromStr>(file: &str, ending: &str) -> Result<T, Missing> {
    file.strip_suffix(ending).and_then(|name| name.parse().ok()).ok_or(Missing::NotThere)
}

/// What is wrong with the bot, if anything is.
async fn alarm(app: &App) -> Option<String> {
    let oversight = app.oversight.as_ref()?;
    match oversight.alarm(&app.store, app.clock.now()).await {
        Ok(alarm) => alarm,
        Err(error) => Some(format!("the store cannot be read: {error}")),
    }
}

async fn health(State(app): Shared) -> Response {
    match alarm(&app).await {
        None => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Some(alarm) => (StatusCode::SERVICE_UNAVAILABLE, format!("{alarm}\n")).into_response(),
    }
}

async fn ready(State(app): Shared) -> Response {
    match app.store.last_cycle().await {
        Ok(_) => (StatusCode::OK, "ready\n".to_owned()).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn figures(State(app): Shared) -> Answer {
    let text = metrics::load(&app.store, alarm(&app).await.is_none()).await?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

async fn all_packages(State(app): Shared, asked: HeaderMap) -> Answer {
    let text = status_text(&app.store, &app.site).await?;
    Ok(reply::shared(reply::document(&asked, JSON, text)))
}

/// `status.json`.
pub(crate) async fn status_text(store: &Store, site: &Site) -> Result<String, StoreError> {
    Ok(status::Status::load(store, &site.overlay).await?.text())
}

async fn description(asked: HeaderMap) -> Response {
    reply::shared(reply::document(&asked, JSON, description_text()))
}

/// `openapi.json`.
pub(crate) fn description_text() -> String {
    format!("{:#}\n", openapi::document())
}

async fn bill_of_materials(State(app): Shared, Path((attr, file)): Path<(String, String)>, asked: HeaderMap) -> Answer {
    let attr: AttrPath = attr.parse().map_err(|_| Missing::NotThere)?;
    let version = file.strip_suffix(".cdx.json").and_then(from_slug).ok_or(Missing::NotThere)?;
    let release = app.store.release(&attr, Some(&version)).await?.ok_or(Missing::NotThere)?;
    Ok(reply::shared(reply::document(&asked, CYCLONEDX, sbom_text(&attr, &release))))
}

/// Where a release's bill of materials is, below the root.
pub(crate) fn sbom_path(attr: &AttrPath, version: &str) -> String {
    format!("sbom/{attr}/{}.cdx.json", slug(version))
}

/// A release's bill of materials.
pub(crate) fn sbom_text(attr: &AttrPath, release: &ReleaseRecord) -> String {
    sbom::document(attr, release)
}

async fn badge(State(app): Shared, Path((attr, file)): Path<(String, String)>, asked: HeaderMap) -> Answer {
    let kind = file.strip_suffix(".svg").and_then(BadgeKind::named).ok_or(Missing::NotThere)?;
    let badge = match attr.parse() {
        Ok(attr) => package_badge(&app.store, kind, &attr).await?,
        Err(_) => None,
    };
    let status = if badge.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let svg = badge.unwrap_or_else(|| Badge::unknown(kind)).svg();
    let mut response = reply::shared(reply::document(&asked, SVG, svg));
    if status != StatusCode::OK {
        *response.status_mut() = status;
    }
    Ok(response)
}

/// Where a package's badge is, below the root.
pub(crate) fn badge_path(attr: &AttrPath, kind: BadgeKind) -> String {
    format!("badges/{attr}/{}.svg", kind.as_str())
}

/// A package's badge; nothing for a package that was never configured.
pub(crate) async fn package_badge(
    store: &Store,
    kind: BadgeKind,
    attr: &AttrPath,
) -> Result<Option<Badge>, StoreError> {
    let Some(package) = store.package(attr).await? else { return Ok(None) };
    let outcome = store.last_outcome(attr).await?;
    Ok(Some(Badge::of(kind, &package, outcome)))
}

async fn common_feed(State(app): Shared, Path(file): Path<String>, asked: HeaderMap) -> Answer {
    let which = match file.as_str() {
        "all.atom" => Feed::All,
        "failures.atom" => Feed::Failures,
        _ => return Err(Missing::NotThere),
    };
    feed(&app, &which, &asked).await
}

async fn package_feed(State(app): Shared, Path(file): Path<String>, asked: HeaderMap) -> Answer {
    let attr: AttrPath = name(&file, ".atom")?;
    app.store.package(&attr).await?.ok_or(Missing::NotThere)?;
    feed(&app, &Feed::Package(attr), &asked).await
}

async fn maintainer_feed(State(app): Shared, Path(file): Path<String>, asked: HeaderMap) -> Answer {
    let login: Login = name(&file, ".atom")?;
    feed(&app, &Feed::Maintainer(login), &asked).await
}

async fn feed(app: &App, which: &Feed, asked: &HeaderMap) -> Answer {
    let text = which.load(&app.store, &app.site).await?;
    Ok(reply::shared(reply::document(asked, ATOM, text)))
}

/// A feed that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Feed {
    /// What happened to any package.
    All,
    /// What failed.
    Failures,
    /// What happened to one package.
    Package(AttrPath),
    /// What happened to somebody's packages.
    Maintainer(Login),
}

impl Feed {
    /// Where it is, below the root.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::All => "feeds/all.atom".to_owned(),
            Self::Failures => "feeds/failures.atom".to_owned(),
            Self::Package(attr) => format!("feeds/packages/{attr}.atom"),
            Self::Maintainer(login) => format!("feeds/maintainers/{login}.atom"),
        }
    }

    /// The document.
    pub(crate) async fn load(&self, store: &Store, site: &Site) -> Result<String, StoreError> {
        let path = self.path();
        let (title, page, of) = match self {
            Self::All => ("All packages".to_owned(), "index.html".to_owned(), FeedOf::All),
            Self::Failures => ("Failures".to_owned(), "failures.html".to_owned(), FeedOf::All),
            Self::Package(attr) => (attr.to_string(), format!("packages/{attr}.html"), FeedOf::Package(attr.clone())),
            Self::Maintainer(login) => (
                format!("Packages of {login}"),
                format!("maintainers/{login}.html"),
                FeedOf::Maintainer(login.to_string()),
            ),
        };
        let kinds: &[EventKind] = if *self == Self::Failures { &[EventKind::Failed] } else { &TOLD };
        let events = store.feed(&of, kinds, LENGTH).await?;
        let head = FeedHead { title: format!("{title} · Nixwright"), path: &path, page, overlay: &site.overlay };
        Ok(head.atom(&events))
    }
}
