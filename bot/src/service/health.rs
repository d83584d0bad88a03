//! Whether the bot is well, as its loop last found it.

use std::sync::{Mutex, PoisonError};

/// The alarm, if there is one: pages find it out for themselves, this is for the log, which is told of changes only.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<String>>);

impl Health {
    /// Raises the alarm, or ends it; whether that is news.
    pub(super) fn set(&self, alarm: Option<String>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.is_some() != alarm.is_some();
        *known = alarm;
        is_news
    }
}
