//! Documents whose copies others keep, in whatever form: asked for with the validators that came with the last one.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{host_of, shown};
use super::{Http, HttpError, Wanted};

/// What a server gave to ask again with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is anything to ask with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    pub(super) fn headers(&self) -> HeaderMap {
        let pairs = [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)];
        let value = |text: &Option<String>| HeaderValue::from_str(text.as_deref()?).ok();
        pairs.into_iter().filter_map(|(name, text)| Some((name, value(text)?))).collect()
    }
}

/// A document that came over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The whole of it, decompressed.
    pub body: Vec<u8>,
    /// To ask again with.
    pub validators: Validators,
}

impl Http {
    /// The document at `url`, compressed on its way where the server can; nothing where it says that the one with these
    /// validators is still good. `accept` is sent as it is.
    pub async fn get_if_changed(
        &self,
        url: &Url,
        accept: &'static str,
        known: &Validators,
        max_bytes: u64,
    ) -> Result<Option<Document>, HttpError> {
        let mut headers = known.headers();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut body = Vec::new();
        let reply = self.fetch(&Wanted { headers, ..Wanted::new(url, max_bytes) }, &mut body).await?;
        if reply.status == StatusCode::NOT_MODIFIED {
            let (host, shown_url) = (host_of(url), shown(url));
            let nothing_kept = HttpError::Status { host, url: shown_url, status: reply.status };
            return if known.is_empty() { Err(nothing_kept) } else { Ok(None) };
        }
        let text = |name: HeaderName| reply.headers.get(name).and_then(|value| value.to_str().ok());
        let body = match text(CONTENT_ENCODING).map(str::trim) {
            None | Some("" | "identity") => body,
            Some("gzip" | "x-gzip") => decompress(&body, url, max_bytes)?,
            Some(other) => return Err(unreadable(url, format!("it is encoded as {other:?}"))),
        };
        Ok(Some(Document { body, validators: Validators::of(&reply.headers) }))
    }
}

fn decompress(body: &[u8], url: &Url, max_bytes: u64) -> Result<Vec<u8>, HttpError> {
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(1 << 24));
    let read = MultiGzDecoder::new(body).take(max_bytes.saturating_add(1)).read_to_end(&mut plain);
    read.map_err(|error| unreadable(url, error.to_string()))?;
    if plain.len() as u64 > max_bytes {
        return Err(HttpError::TooLarge { url: shown(url), limit: max_bytes });
    }
    Ok(plain)
}

fn unreadable(url: &Url, reason: String) -> HttpError {
    HttpError::Encoding { host: host_of(url), url: shown(url), reason }
}
