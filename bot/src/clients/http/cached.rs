//! Documents that are asked for again and again: kept with the server's validators, and asked for conditionally.
//!
//! A cached document is one file, a line of JSON and then the body, so that both change in one step. A file that cannot
//! be read as such is as good as none.

use std::path::Path;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::error::shown;
use super::{Http, HttpError, Validators, Wanted};
use crate::clients::files;

/// A document, and whether it came over the network this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The whole document.
    pub body: Vec<u8>,
    /// False if the server said that the kept one is still good.
    pub changed: bool,
}

/// The line before the body.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// Another address is another document.
    url: String,
    /// Of the body: a damaged copy would otherwise be kept for ever.
    sha256: String,
    #[serde(flatten)]
    validators: Validators,
}

impl Http {
    /// The document at `url`, through the copy in the file `cache`.
    ///
    /// The server is always asked. Where it gave a validator (`ETag` or `Last-Modified`) and says that nothing changed,
    /// the copy is used; else the file is written anew, whole or not at all. A server that gives none is asked for
    /// everything each time.
    pub async fn get_conditional(&self, url: &Url, cache: &Path, max_bytes: u64) -> Result<Fetched, HttpError> {
        self.conditional(Wanted::new(url, max_bytes), cache).await
    }

    pub(super) async fn conditional(&self, wanted: Wanted<'_>, cache: &Path) -> Result<Fetched, HttpError> {
        let Wanted { url, max_bytes, .. } = wanted;
        let kept = files::read_optional(cache)?.and_then(|file| parse(&file, url));
        let mut headers = kept.as_ref().map(|(header, _)| header.validators.headers()).unwrap_or_default();
        headers.extend(wanted.headers);
        let mut body = Vec::new();
        let reply = self.fetch(&Wanted { headers, ..Wanted::new(url, max_bytes) }, &mut body).await?;
        if let (StatusCode::NOT_MODIFIED, Some((_, body))) = (reply.status, kept) {
            return Ok(Fetched { body, changed: false });
        }
        let header = Header { url: shown(url), sha256: hash(&body), validators: Validators::of(&reply.headers) };
        if !header.validators.is_empty() {
            files::write_if_changed(cache, &render(&header, &body))?;
        }
        Ok(Fetched { body, changed: true })
    }
}

fn hash(body: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(body))
}

fn render(header: &Header, body: &[u8]) -> Vec<u8> {
    // A struct of strings always becomes JSON.
    let mut file = serde_json::to_vec(header).unwrap_or_default();
    file.push(b'\n');
    file.extend_from_slice(body);
    file
}

fn parse(file: &[u8], url: &Url) -> Option<(Header, Vec<u8>)> {
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let header: Header = serde_json::from_slice(&file[..end]).ok()?;
    let body = &file[end + 1..];
    (header.url == shown(url) && header.sha256 == hash(body)).then(|| (header, body.to_vec()))
}
