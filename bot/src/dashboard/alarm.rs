//! Whether the bot behind the pages is well: it is not when no look at the upstreams has got through for too long.

use jiff::Timestamp;

use crate::message::text;
use crate::schedule::Schedule;
use crate::store::{Store, StoreError};

/// How often looks are to be made, and how many may be missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversight {
    /// When looks are to be made.
    pub schedule: Schedule,
    /// After how many of them that did not get through there is an alarm.
    pub alarm_after: u32,
    /// Since when somebody watches; nothing is overdue that was due before.
    pub since: Timestamp,
}

impl Oversight {
    /// What is wrong, in a sentence.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn alarm(&self, store: &Store, now: Timestamp) -> Result<Option<String>, StoreError> {
        let last = store.last_good_cycle().await?.map(|cycle| cycle.finished);
        // One from the future was before the clock was set.
        let last = last.filter(|finished| *finished <= now).unwrap_or(self.since);
        let overdue = self.schedule.overdue(last, now, self.alarm_after);
        Ok(overdue.map(|silent| {
            let silent = text::duration(silent.try_into().unwrap_or_default());
            format!("no look at the upstreams has got through for {silent}; the log says why")
        }))
    }
}
