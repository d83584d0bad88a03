//! What is asked of the fake, and what it answers.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::clock;

/// The parts of a path between its slashes.
pub(super) fn segments(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect()
}

/// A part of a path without its percent signs.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A request as it came.
pub(super) struct Asked {
    pub(super) method: String,
    /// As it was sent, without the query.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) raw_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    /// A header's text, empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body; null where there is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The path within the API (`/repos/…`), or `None` for one outside.
    pub(super) fn api_path(&self) -> Option<&str> {
        let path = self.path.strip_prefix("/api/v3").or_else(|| self.path.strip_prefix("/api"))?;
        path.starts_with('/').then_some(path)
    }

    /// What a test sees of it: no token.
    pub(super) fn remembered(&self) -> Request {
        let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: BTreeMap<String, String> =
            self.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        if let Some(authorization) = headers.get_mut("authorization") {
            let kind = authorization.split(' ').next().unwrap_or_default().to_owned();
            *authorization = format!("{kind} …");
        }
        Request {
            method: self.method.clone(),
            path: self.api_path().unwrap_or(&self.path).to_owned(),
            query: self.query.clone(),
            body: self.json(),
            headers,
            time: clock::now(),
            status: None,
        }
    }
}

/// A request that arrived, as tests read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`…
    pub method: String,
    /// `/repos/…` for the API, `/graphql`, `/OWNER/REPO.git/…` for git.
    pub path: String,
    /// In the order in which they came.
    pub query: Vec<(String, String)>,
    /// The JSON that was sent; null where there was none.
    pub body: Value,
    /// Lower-case names; of `authorization` the kind only.
    pub headers: BTreeMap<String, String>,
    /// When it arrived.
    pub time: Timestamp,
    /// What it was answered with; `None` while it is at work, or where the connection was cut.
    pub status: Option<u16>,
}

impl Request {
    /// May it have changed something on the forge? Git's are not counted, nor is asking for an app's token.
    pub fn is_write(&self) -> bool {
        if self.path == "/graphql" {
            return self.body["query"].as_str().is_some_and(|query| query.trim_start().starts_with("mutation"));
        }
        !["GET", "HEAD"].contains(&self.method.as_str()) && !self.is_git() && !self.path.starts_with("/app/")
    }

    /// Is it git's?
    pub fn is_git(&self) -> bool {
        self.path.contains(".git/")
    }

    /// Has it this method, and a path of this form? A part in braces, or `*`, stands for any one part.
    pub fn is(&self, method: &str, pattern: &str) -> bool {
        self.method == method && fits(pattern, &self.path)
    }
}

/// Has the path the pattern's form? A part in braces, or `*`, stands for any one part, a last `**` for any number.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (segments(pattern), segments(path));
    let (parts, open) = match pattern.split_last() {
        Some((&"**", parts)) => (parts, true),
        _ => (pattern.as_slice(), false),
    };
    let long_enough = if open { path.len() >= parts.len() } else { path.len() == parts.len() };
    long_enough && parts.iter().zip(&path).all(|(part, asked)| *part == "*" || part.starts_with('{') || part == asked)
}

/// An answer on its way.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
}

/// What an answer carries.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Nothing,
    Json(Value),
    /// Git's.
    Bytes(Vec<u8>),
    /// The connection ends before there is an answer.
    Cut,
}

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(body) }
    }

    pub(super) fn nothing(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Nothing }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// GitHub's plain error.
    pub(super) fn error(status: u16, message: impl Into<String>) -> Self {
        let mut body =
            serde_json::json!({ "message": message.into(), "documentation_url": "https://docs.example/rest" });
        // The form of a refused value has no such field.
        if status != 422 {
            body["status"] = status.to_string().into();
        }
        Self::json(status, body)
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    /// An operation that GitHub has and the fake has not: a fault of the tests.
    pub(super) fn unknown() -> Self {
        Self::error(501, "The fake does not know this operation")
    }

    /// `422 Validation Failed` with one error: `code` is `custom` (with a message), `invalid`, `missing_field`…
    pub(super) fn invalid(resource: &str, field: Option<&str>, code: &str, message: Option<String>) -> Self {
        let mut error = serde_json::json!({ "resource": resource, "code": code });
        if let Some(field) = field {
            error["field"] = field.into();
        }
        if let Some(message) = message {
            error["message"] = message.into();
        }
        let body = serde_json::json!({
            "message": "Validation Failed", "errors": [error], "documentation_url": "https://docs.example/rest",
        });
        Self::json(422, body)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn body(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            _ => None,
        }
    }
}
