//! The pages while the bot works.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

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

/// Serves the pages until `stop` ends.
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await
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
