//! Who the bot is: nobody, the bearer of a token, or a GitHub App that gets itself a token for an hour.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::error::GithubError;

/// A token that ends sooner is not used any more.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// Who the bot is on GitHub. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Nobody: public things only.
    Nobody,
    /// A person's or a machine account's token.
    Token(SecretString),
    /// A GitHub App.
    App {
        /// Its number.
        id: u64,
        /// Its private key, PEM.
        key: SecretString,
        /// Its installation; found by the repository where it is not said.
        installation: Option<u64>,
    },
}

/// An App that can prove who it is.
pub(super) struct App {
    id: u64,
    key: EncodingKey,
    pub(super) installation: Option<u64>,
}

impl fmt::Debug for App {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

impl App {
    /// Reads the key.
    pub(super) fn new(id: u64, key: &SecretString, installation: Option<u64>) -> Result<Self, GithubError> {
        let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes())
            .map_err(|error| GithubError::Key { reason: error.to_string() })?;
        Ok(Self { id, key, installation })
    }

    /// A proof that holds for a few minutes: GitHub takes ten at most, and the clocks may differ by one.
    pub(super) fn proof(&self, now: Timestamp) -> Result<SecretString, GithubError> {
        let claims = Claims { iat: now.as_second() - 60, exp: now.as_second() + 480, iss: self.id.to_string() };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key);
        signed.map(SecretString::from).map_err(|error| GithubError::Key { reason: error.to_string() })
    }
}

/// A token of an installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "GivenToken")]
pub(super) struct InstallationToken {
    pub(super) token: SecretString,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct GivenToken {
    token: String,
    expires_at: Timestamp,
}

impl From<GivenToken> for InstallationToken {
    fn from(given: GivenToken) -> Self {
        Self { token: given.token.into(), expires_at: given.expires_at }
    }
}

impl InstallationToken {
    /// Whether it can still be used for a while.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) > SPARE
    }
}

/// Whether two tokens are the same.
pub(super) fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
