//! The HTTP side of the fake.

use std::sync::{Arc, MutexGuard, PoisonError};

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, serve};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Fault, Served, Shared, Shelves};
use crate::npm::release::etag;
use crate::registry::{cut_off, spoiled};

/// What npm's registry calls the abbreviated form.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// Serves until `stop` fires or is dropped.
pub(super) async fn serve_until(listener: TcpListener, shared: Arc<Shared>, stop: oneshot::Receiver<()>) {
    let app = Router::new().fallback(answer).with_state(shared);
    tokio::select! {
        result = serve(listener, app).into_future() => result.expect("the fake registry's server"),
        _ = stop => {}
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let headers = request.headers();
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let abbreviated = accept.contains(ABBREVIATED);
    let fault = lock(&shared).fault_for(&path);
    let response = match fault {
        Some(Fault::Status(code)) => StatusCode::from_u16(code).expect("an HTTP status").into_response(),
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            content(&shared, &path, abbreviated, headers)
        }
        Some(Fault::WrongBytes) => spoiled(content(&shared, &path, abbreviated, &HeaderMap::new())).await,
        Some(Fault::CutOff) => cut_off(content(&shared, &path, abbreviated, &HeaderMap::new())).await,
        None => content(&shared, &path, abbreviated, headers),
    };
    let (status, bytes) = (response.status().as_u16(), response.body().size_hint().lower());
    lock(&shared).requests.push(Served { path, abbreviated, status, bytes });
    response
}

fn lock(shared: &Shared) -> MutexGuard<'_, Shelves> {
    shared.shelves.lock().unwrap_or_else(PoisonError::into_inner)
}

fn content(shared: &Shared, path: &str, abbreviated: bool, headers: &HeaderMap) -> Response {
    let Some((body, json)) = lock(shared).body(path, abbreviated) else {
        let error = format!(r#"{{"error":"{path} not found"}}"#);
        return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json")], error).into_response();
    };
    let kind = match (json, abbreviated) {
        (false, _) => "application/octet-stream",
        (true, true) => ABBREVIATED,
        (true, false) => "application/json",
    };
    let etag = etag(&body);
    let validators = [(header::CONTENT_TYPE, kind), (header::ETAG, etag.as_str()), (header::VARY, "accept")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent == etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    (validators, body).into_response()
}
