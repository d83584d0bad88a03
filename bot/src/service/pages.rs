//! The pages while the bot works, and whether all is well.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::health::Health;
use crate::dashboard::{App, router};

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

/// Serves the pages, and `/health`, until `stop` ends.
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = router(app).merge(Router::new().route("/health", get(answer)).with_state(health));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Serves pages alone, beside the bot or without it, until `stop` becomes true; what is still being answered then is cut off.
///
/// # Errors
/// When the port cannot be used any more.
pub async fn show(listener: TcpListener, app: Router, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served,
        _ = stop.wait_for(|stop| *stop) => Ok(()),
    }
}

/// 200 and `ok`, or 503 and what is wrong.
async fn answer(State(health): State<Arc<Health>>) -> Response {
    match health.alarm() {
        None => (StatusCode::OK, "ok\n".to_owned()).into_response(),
        Some(alarm) => (StatusCode::SERVICE_UNAVAILABLE, format!("{alarm}\n")).into_response(),
    }
}
