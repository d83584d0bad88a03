//! The pages while the bot works: the exported files, and whether all is well.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::health::Health;

/// What every answer says of itself: nothing of ours needs a script, a frame or another host.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
];

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve the pages at {listen}: {source}; is another bot running? Set `service.listen` to a free address")]
pub struct ServeError {
    listen: SocketAddr,
    source: std::io::Error,
}

/// Opens the port.
///
/// # Errors
/// When it is taken or may not be used.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(listen).await.map_err(|source| ServeError { listen, source })
}

/// Serves the exported pages below `folder`, and `/health`, until `stop` ends.
pub(super) async fn serve(
    listener: TcpListener,
    folder: &Path,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut app = Router::new()
        .route("/", get(|| async { Redirect::temporary("/index.html") }))
        .route("/health", get(answer))
        .with_state(health)
        .fallback_service(ServeDir::new(folder).append_index_html_on_directories(false));
    for (name, value) in HEADERS {
        app = app.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)));
    }
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// 200 and `ok`, or 503 and what is wrong.
async fn answer(State(health): State<Arc<Health>>) -> Response {
    match health.alarm() {
        None => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Some(alarm) => (StatusCode::SERVICE_UNAVAILABLE, format!("{alarm}\n")).into_response(),
    }
}
