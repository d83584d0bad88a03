//! The HTTP side of the fake: one handler, and an acceptor that can play dead.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, serve};
use data_encoding::HEXLOWER;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{Fault, Shared, Shelves, index};

/// Serves until `stop` fires or is dropped.
pub(super) async fn serve_until(listener: TcpListener, shared: Arc<Shared>, stop: oneshot::Receiver<()>) {
    let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let acceptor = Acceptor { listener, shared };
    tokio::select! {
        result = serve(acceptor, app).into_future() => result.expect("the fake registry's server"),
        _ = stop => {}
    }
}

/// Accepts connections; while the registry is "down", it hangs up on each at once.
struct Acceptor {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl serve::Listener for Acceptor {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(_) if self.shared.down.load(Ordering::SeqCst) => {}
                Ok(accepted) => return accepted,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let fault = lock(&shared).fault_for(&path);
    let is_stranger = lock(&shared)
        .token
        .as_ref()
        .is_some_and(|token| request.headers().get(header::AUTHORIZATION).is_none_or(|sent| sent != token.as_str()));
    let response = match fault {
        _ if is_stranger => StatusCode::UNAUTHORIZED.into_response(),
        Some(Fault::Status(code)) => StatusCode::from_u16(code).expect("an HTTP status").into_response(),
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            content(&shared, &path, request.headers())
        }
        Some(Fault::WrongBytes) => spoiled(content(&shared, &path, &HeaderMap::new())).await,
        Some(Fault::CutOff) => cut_off(content(&shared, &path, &HeaderMap::new())).await,
        None => content(&shared, &path, request.headers()),
    };
    lock(&shared).requests.push(super::Served { path, status: response.status().as_u16() });
    response
}

fn lock(shared: &Shared) -> MutexGuard<'_, Shelves> {
    shared.shelves.lock().unwrap_or_else(PoisonError::into_inner)
}

fn content(shared: &Shared, path: &str, headers: &HeaderMap) -> Response {
    let shelves = lock(shared);
    let body = match path.strip_prefix("/index/") {
        Some("config.json") => Some(
            // A template with every marker that matters, so that nobody gets by with the default form.
            format!(
                r#"{{"dl":"{0}/files/{{prefix}}/{{lowerprefix}}/{{crate}}/{{version}}/{{sha256-checksum}}.crate","api":"{0}","auth-required":{1}}}"#,
                shared.base,
                shelves.token.is_some()
            )
            .into_bytes(),
        ),
        Some(path) => shelves.index_file(path),
        None => {
            return match shelves.archive(path) {
                Some(archive) => ([(header::CONTENT_TYPE, "application/gzip")], archive).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            };
        }
    };
    let Some(body) = body else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", &HEXLOWER.encode(&Sha256::digest(&body))[..16]);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent == etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    ([(header::ETAG, etag)], body).into_response()
}

/// The path that the template of `config.json` gives for a crate's archive.
pub(super) fn archive_path(name: &str, version: &str, sha256: &str) -> String {
    let [prefix, lower_prefix] = [name, &name.to_lowercase()].map(index::prefix_of);
    format!("/files/{prefix}/{lower_prefix}/{name}/{version}/{sha256}.crate")
}

async fn bytes_of(response: Response) -> Bytes {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body from memory")
}

/// As long as the right content, and wrong.
pub(crate) async fn spoiled(response: Response) -> Response {
    let mut bytes = bytes_of(response).await.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 0x55;
    }
    bytes.into_response()
}

/// Promises all of the body, sends half of it, and hangs up.
pub(crate) async fn cut_off(response: Response) -> Response {
    let bytes = bytes_of(response).await;
    let length = bytes.len();
    let half = bytes.slice(..length / 2);
    let pieces = futures::stream::once(async { Ok(half) }).chain(futures::stream::once(async {
        // Long enough for the first half to leave before the connection breaks.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }));
    let body = Body::from_stream(pieces);
    ([(header::CONTENT_LENGTH, length.to_string())], body).into_response()
}
