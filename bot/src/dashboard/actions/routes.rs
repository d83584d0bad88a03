//! Addresses that change something, and the login before them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::COOKIE;
use crate::dashboard::frame::Actor;
use crate::dashboard::live::{App, Asked};
use crate::dashboard::pages::Login;
use crate::model::AttrPath;
use crate::store::{JobKind, JobReason, StoreError};

/// How long a wrong token takes to be told, so that guessing is slow.
const WRONG: Duration = Duration::from_millis(500);

type Shared = State<Arc<App>>;

pub(in crate::dashboard) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login.html", get(login_page))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/packages/{attr}/retry", post(retry))
        .route("/packages/{attr}/hold", post(hold))
        .route("/packages/{attr}/release", post(release))
}

/// What forms send; each uses some of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    token: String,
    csrf: String,
    reason: String,
}

async fn login_page(State(app): Shared, asked: Asked) -> Response {
    match &app.actions {
        Some(_) => app.answer(&asked, Ok(Some(Login { was_wrong: false }))).await,
        None => app.answer::<Login>(&asked, Ok(None)).await,
    }
}

async fn login(State(app): Shared, asked: Asked, Form(sent): Form<Sent>) -> Response {
    let Some(actions) = &app.actions else { return StatusCode::NOT_FOUND.into_response() };
    if !actions.knows(sent.token.trim()) {
        tokio::time::sleep(WRONG).await;
        let asked = Asked { path: "login".to_owned(), ..asked };
        let mut response = app.answer(&asked, Ok(Some(Login { was_wrong: true }))).await;
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    }
    let cookie = actions.begin(app.clock.now());
    let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/index.html")).into_response()
}

async fn logout(State(app): Shared, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    if let Err(refused) = may_act(&app, &headers, &sent) {
        return refused.into_response();
    }
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(header::SET_COOKIE, gone)], Redirect::to("/index.html")).into_response()
}

/// What somebody is told who may not act.
type Refused = (StatusCode, &'static str);

/// Whether a request comes from somebody who may act: with the token, or with a session and its form's signature.
fn may_act(app: &App, headers: &HeaderMap, sent: &Sent) -> Result<(), Refused> {
    let Some(actions) = &app.actions else { return Err((StatusCode::NOT_FOUND, "there are no actions here\n")) };
    let refused = |why: &'static str| Err((StatusCode::FORBIDDEN, why));
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return if actions.knows(token) { Ok(()) } else { refused("this is not the token\n") };
    }
    match app.actor(headers) {
        Actor::Known { csrf } if is_same(&csrf, &sent.csrf) => Ok(()),
        Actor::Known { .. } => refused("this form is old: load its page again\n"),
        Actor::Nobody | Actor::Stranger => refused("log in first: /login.html\n"),
    }
}

/// Compares in a time that does not say where two texts differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |known, (a, b)| known | (a ^ b)) == 0
}

async fn retry(State(app): Shared, Path(attr): Path<String>, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    act(&app, &attr, &headers, &sent, async |attr: &AttrPath| {
        app.store.enqueue(JobKind::Check, attr.as_str(), JobReason::Asked, app.clock.now()).await
    })
    .await
}

async fn hold(State(app): Shared, Path(attr): Path<String>, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    let reason = crate::message::text::clip(&crate::message::text::one_line(&sent.reason), 200);
    let reason = if reason.is_empty() { "held on the pages".to_owned() } else { reason };
    act(&app, &attr, &headers, &sent, async |attr: &AttrPath| {
        app.store.hold(attr, &reason).await?;
        app.store.enqueue(JobKind::Check, attr.as_str(), JobReason::Asked, app.clock.now()).await
    })
    .await
}

async fn release(State(app): Shared, Path(attr): Path<String>, headers: HeaderMap, Form(sent): Form<Sent>) -> Response {
    act(&app, &attr, &headers, &sent, async |attr: &AttrPath| {
        app.store.release_hold(attr).await?;
        app.store.enqueue(JobKind::Check, attr.as_str(), JobReason::Asked, app.clock.now()).await
    })
    .await
}

/// Does something to a configured package for somebody who may, and leads back to its page.
async fn act(
    app: &App,
    attr: &str,
    headers: &HeaderMap,
    sent: &Sent,
    action: impl AsyncFnOnce(&AttrPath) -> Result<(), StoreError>,
) -> Response {
    if let Err(refused) = may_act(app, headers, sent) {
        return refused.into_response();
    }
    let done = async {
        let Ok(attr) = attr.parse::<AttrPath>() else { return Ok(None) };
        if !app.store.package(&attr).await?.is_some_and(|package| package.configured) {
            return Ok(None);
        }
        action(&attr).await?;
        tracing::info!(package = %attr, "somebody acted on the pages");
        Ok::<_, StoreError>(Some(attr))
    };
    match done.await {
        Ok(Some(attr)) => Redirect::to(&format!("/packages/{attr}.html")).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "there is no such package\n").into_response(),
        Err(error) => {
            tracing::error!("an action failed: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, "That could not be done; the log of the bot says why.\n")
                .into_response()
        }
    }
}
