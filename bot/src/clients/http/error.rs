//! What can go wrong with a request, each told apart by what a person, or the bot, does next.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use crate::clients::files::FileError;

/// A request that did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client itself could not be made.
    #[error("cannot prepare HTTPS requests: {reason}; check that this machine's CA certificates are installed")]
    Setup {
        /// The TLS library's words.
        reason: String,
    },
    /// No connection.
    #[error(
        "cannot connect to {host} for {url}: {reason} ({attempts} tries); check the network, and the address under \
         [registries] in the configuration"
    )]
    Connect {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// The system's words.
        reason: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Connected, but nothing came for too long.
    #[error("{host} stopped answering for {url} ({attempts} tries); the next cycle tries again")]
    Timeout {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// An answer that is not the file.
    #[error("{host} answered {status} for {url}; {}", advice(*status))]
    Status {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// The answer's status.
        status: StatusCode,
    },
    /// The host wants a longer pause than the bot waits within a cycle.
    #[error("{host} answered {status} for {url} and asks to wait {} s; the next cycle tries again", wait.as_secs())]
    AskedToWait {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// What its `Retry-After` says.
        wait: Duration,
    },
    /// The connection ended before the answer did.
    #[error(
        "{host} broke off in the middle of {url}, after {received} bytes ({attempts} tries): {reason}; nothing was \
         kept, the next cycle tries again"
    )]
    Truncated {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// Bytes of the body that arrived in the last try.
        received: u64,
        /// How often it was tried.
        attempts: u32,
        /// The library's words.
        reason: String,
    },
    /// More bytes than allowed.
    #[error("{url} is larger than the {limit} bytes allowed; if it is meant to be, raise the limit under [limits]")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// In bytes.
        limit: u64,
    },
    /// Not the bytes that were promised.
    #[error(
        "{url} has the SHA-256 {found}, not {expected} as promised; nothing was kept: the mirror has a damaged copy, \
         or the file was replaced after it was published"
    )]
    HashMismatch {
        /// What was asked for.
        url: String,
        /// The promised hash, lower-case hexadecimal.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// Not the bytes that npm's integrity promises.
    #[error(
        "{url} has the integrity {found}, not {expected} as promised; nothing was kept: the mirror has a damaged copy, \
         or the file was replaced after it was published"
    )]
    IntegrityMismatch {
        /// What was asked for.
        url: String,
        /// What was promised: `sha512-…`.
        expected: String,
        /// The hash of what came, in the same form.
        found: String,
    },
    /// What came is compressed in a way that cannot be read.
    #[error(
        "what {host} sent for {url} cannot be decompressed: {reason}; nothing was kept, the next cycle tries again"
    )]
    Encoding {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A redirect that is not followed.
    #[error("{host} sends {url} on to another address that is not followed: {reason}")]
    Redirect {
        /// With the port, if it is not the usual one.
        host: String,
        /// What was asked for.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The host failed so often that it is left alone for a while.
    #[error("{host} is left alone after {failures} failed requests in a row; the last one: {last}")]
    LeftAlone {
        /// With the port, if it is not the usual one.
        host: String,
        /// How many.
        failures: u32,
        /// The message of the last failure.
        last: String,
    },
    /// What came could not be kept.
    #[error(transparent)]
    File(#[from] FileError),
}

impl HttpError {
    /// Whether the file is known not to be there, as opposed to: could not be had now.
    pub fn is_absent(&self) -> bool {
        // 451 too: the sparse protocol counts it among "not found".
        matches!(self, Self::Status { status, .. } if matches!(status.as_u16(), 404 | 410 | 451))
    }

    /// Whether the host, rather than the request, is at fault: counted against the host, and worth another try.
    pub(super) fn blames_host(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Truncated { .. } | Self::AskedToWait { .. } => true,
            Self::Status { status, .. } => is_passing(*status),
            _ => false,
        }
    }
}

/// Whether the same request may well succeed later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 | 407 => "it refuses this client: check whether the address needs a login, or blocks bots",
        404 | 410 | 451 => "it is not there: check the name, and the address under [registries]",
        429 => "too many requests: the next cycle tries again",
        500..=599 => "the fault is the server's: the next cycle tries again",
        _ => "this was not expected: check the address under [registries]",
    }
}

/// The address without what could be a secret.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // These fail only for addresses that cannot hold credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// The host, with its port where that is not the scheme's own.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The innermost of the causes of an error: what a library wraps around it says less.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
