//! Sessions: what a login's cookie says, signed with a key that follows from the token.

use std::sync::Arc;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use jiff::Timestamp;

/// The cookie's name.
pub(in crate::dashboard) const COOKIE: &str = "nixwright";

/// What signs. Another token is another key, so that a new token ends all sessions.
#[derive(Clone)]
pub(super) struct Key(Arc<hmac::Key>);

impl Key {
    pub(super) fn of(token: &str) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, format!("nixwright dashboard {token}").as_bytes())))
    }

    /// Whether a token is the one that this key follows from; how long that takes says nothing of the token.
    pub(super) fn is_of(&self, token: &str) -> bool {
        let shown = Self::of(token).sign("token");
        hmac::verify(&self.0, b"token", &HEXLOWER.decode(shown.as_bytes()).unwrap_or_default()).is_ok()
    }

    fn sign(&self, text: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.0, text.as_bytes()).as_ref())
    }

    fn has_signed(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = HEXLOWER.decode(signature.as_bytes()) else { return false };
        hmac::verify(&self.0, text.as_bytes(), &signature).is_ok()
    }
}

/// A login.
pub(super) struct Session {
    /// When it ends, in seconds, and what tells it from others.
    text: String,
}

impl Session {
    pub(super) fn begin(end: Timestamp) -> Self {
        let mut nonce = [0; 16];
        // If there is no chance to be had, two sessions of one second are the same; nothing rests on their difference.
        let _ = aws_lc_rs::rand::fill(&mut nonce);
        Self { text: format!("{}.{}", end.as_second(), HEXLOWER.encode(&nonce)) }
    }

    /// As the cookie has it.
    pub(super) fn signed(&self, key: &Key) -> String {
        format!("{}.{}", self.text, key.sign(&self.text))
    }

    /// The session of a cookie, if it was signed here and has not ended.
    pub(super) fn read(cookie: &str, key: &Key, now: Timestamp) -> Option<Self> {
        let (text, signature) = cookie.rsplit_once('.')?;
        let end: i64 = text.split_once('.')?.0.parse().ok()?;
        (key.has_signed(text, signature) && now.as_second() < end).then(|| Self { text: text.to_owned() })
    }

    /// What a form of this session has to carry.
    pub(super) fn form_token(&self, key: &Key) -> String {
        key.sign(&format!("form {}", self.text))
    }
}
