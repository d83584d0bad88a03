//! The client of the HTTP library: which certificates, which redirects, how patient.

use reqwest::redirect;
use url::Url;

use super::error::innermost;
use super::{HttpError, HttpSettings};

pub(super) fn make_client(settings: &HttpSettings) -> Result<reqwest::Client, HttpError> {
    // An error says that there already is a provider, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("nixwright/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.read_timeout)
        .timeout(settings.try_timeout)
        .redirect(redirect_policy())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .map_err(|error| HttpError::Setup { reason: innermost(&error) })
}

fn redirect_policy() -> redirect::Policy {
    redirect::Policy::custom(|attempt| match refused_redirect(attempt.previous(), attempt.url()) {
        Some(reason) => attempt.error(reason),
        None => attempt.follow(),
    })
}

/// Why a redirect is not followed: up to five are, and never from an encrypted address to a plain one.
pub(super) fn refused_redirect(previous: &[Url], next: &Url) -> Option<&'static str> {
    if previous.len() > 5 {
        Some("more than 5 redirects in a row")
    } else if next.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https") {
        Some("it leads from an encrypted address to one that is not")
    } else {
        None
    }
}
