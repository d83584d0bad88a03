//! What a person may do on the pages, once they have said who they are: look again now, hold, let go.
//!
//! Without a configured token there are no actions at all. With one, a program shows it as a bearer; a person logs in with it and
//! gets a cookie that is signed, ends by itself, goes to no other site and is seen by no script. Each form carries a second
//! signature, so that no other page can send it.

mod routes;
mod session;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

pub(super) use routes::routes;
pub(super) use session::COOKIE;

use super::frame::Actor;
use session::{Key, Session};

/// How long a login lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

/// Who may act: those who know the token.
#[derive(Clone)]
pub struct Actions {
    key: Key,
}

impl std::fmt::Debug for Actions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Actions")
    }
}

impl Actions {
    /// Those who know `token`.
    pub fn with(token: &SecretString) -> Self {
        Self { key: Key::of(token.expose_secret()) }
    }

    /// Whether this is the token.
    pub(super) fn knows(&self, token: &str) -> bool {
        self.key.is_of(token)
    }

    /// A new session, as the cookie has it.
    pub(super) fn begin(&self, now: Timestamp) -> String {
        Session::begin(now.saturating_add(LASTS).unwrap_or(now)).signed(&self.key)
    }

    /// Who sends a cookie.
    pub(super) fn actor(&self, cookie: Option<&str>, now: Timestamp) -> Actor {
        match cookie.and_then(|cookie| Session::read(cookie, &self.key, now)) {
            Some(session) => Actor::Known { csrf: session.form_token(&self.key) },
            None => Actor::Stranger,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use secrecy::SecretString;

    use super::{Actions, Actor};

    #[test]
    fn a_session_is_known_until_it_ends_and_only_unchanged() {
        let actions = Actions::with(&SecretString::from("correct horse".to_owned()));
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        assert!(actions.knows("correct horse") && !actions.knows("correct hors") && !actions.knows(""));
        let cookie = actions.begin(now);
        let Actor::Known { csrf } = actions.actor(Some(&cookie), now) else { panic!("it is known") };
        assert_ne!(csrf, cookie);
        let later = now + SignedDuration::from_hours(13);
        for (cookie, at) in [
            (cookie.clone(), later),
            (cookie.replacen('1', "2", 1), now),
            (format!("{cookie}0"), now),
            (String::new(), now),
            ("..".to_owned(), now),
        ] {
            assert_eq!(actions.actor(Some(&cookie), at), Actor::Stranger, "{cookie}");
        }
        let others = Actions::with(&SecretString::from("another".to_owned()));
        assert_eq!(others.actor(Some(&cookie), now), Actor::Stranger);
        assert_ne!(actions.begin(now), actions.begin(now), "no two sessions are the same");
    }
}
