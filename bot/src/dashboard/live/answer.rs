//! Answers: a document as HTML or JSON, with what a browser may do with it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::App;
use crate::dashboard::frame::Frame;
use crate::dashboard::pages::{Missing, Page};
use crate::dashboard::views::Source;
use crate::store::StoreError;

/// What every answer says of itself: nothing of ours needs a frame, another host, or a script that stands in a page.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
];

/// Puts on every answer what goes for all.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// What was asked for: a page or its JSON.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The path without its ending: `packages/ripgrep`.
    pub(crate) path: String,
    /// Whether JSON is wanted.
    pub(crate) json: bool,
    /// What else was said.
    pub(crate) headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let path = parts.uri.path().trim_start_matches('/');
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let (path, json) = match (path.strip_suffix(".json"), path.strip_suffix(".html")) {
            (Some(path), _) => (path, true),
            (None, Some(path)) => (path, false),
            (None, None) => (path.as_ref(), false),
        };
        let path = if path.is_empty() { "index" } else { path };
        Ok(Self { path: path.to_owned(), json, headers: parts.headers.clone() })
    }
}

impl App {
    /// What documents are made of, now.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { store: &self.store, site: &self.site, now: self.clock.now() }
    }

    async fn frame(&self, asked: &Asked) -> Result<Frame, StoreError> {
        let now = self.clock.now();
        let alarm = match &self.oversight {
            Some(oversight) => oversight.alarm(&self.store, now).await?,
            None => None,
        };
        Ok(Frame {
            path: asked.path.clone(),
            number: 1,
            live: true,
            now,
            address: self.site.address.clone().or_else(|| address(&asked.headers)),
            alarm,
            actor: self.actor(&asked.headers),
            oldest_run: 0,
        })
    }

    /// The answer to a question for a document that may not be there.
    pub(crate) async fn answer<P: Page>(
        self: &Arc<Self>,
        asked: &Asked,
        document: Result<Option<P>, StoreError>,
    ) -> Response {
        let made = async {
            match document? {
                Some(document) => Ok((StatusCode::OK, self.body(asked, &document).await?)),
                None => Ok((StatusCode::NOT_FOUND, self.body(asked, &Missing).await?)),
            }
        };
        match made.await {
            Ok((status, body)) => tagged(asked, status, body),
            Err(Broken(message)) => {
                tracing::error!(page = asked.path, "a page cannot be made: {message}");
                (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be made; the log of the bot says why.\n")
                    .into_response()
            }
        }
    }

    async fn body(&self, asked: &Asked, document: &impl Page) -> Result<String, Broken> {
        if asked.json {
            return Ok(serde_json::to_string_pretty(document).map_err(|error| Broken(error.to_string()))? + "\n");
        }
        document.html(&self.frame(asked).await?).map_err(|error| Broken(error.to_string()))
    }
}

/// Where a browser says that it has found the pages.
fn address(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!host.is_empty() && host.chars().all(is_plain)).then(|| format!("http://{host}/"))
}

/// Why a page cannot be made.
struct Broken(String);

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// A body with its tag, or only the word that it is still the same.
fn tagged(asked: &Asked, status: StatusCode, body: String) -> Response {
    let kind = if asked.json { "application/json" } else { "text/html; charset=utf-8" };
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&Sha256::digest(body.as_bytes())[..16]));
    let known = asked.headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let is_same =
        status == StatusCode::OK && known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, tag)];
    if is_same {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (status, headers, body).into_response()
}
