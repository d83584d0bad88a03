//! Which packages are to be looked at, and when: the common schedule, and those of packages that have their own.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::until;
use crate::model::AttrPath;
use crate::pipeline::Bot;
use crate::schedule::Schedule;
use crate::store::{JobReason, StoreError};

/// What is later than this was missed, not only delayed.
const MISSED: SignedDuration = SignedDuration::from_mins(15);

/// The note that keeps when a schedule was last used.
fn note(name: &str) -> String {
    format!("schedule {name}")
}

/// The name of the common schedule; no package is called so.
const COMMON: &str = "";

/// One schedule, and whom it is about.
struct Entry {
    name: String,
    schedule: Schedule,
    packages: Vec<AttrPath>,
    last: Option<Timestamp>,
}

/// All schedules of a configuration, with when each was last used.
pub(super) struct Timetable(Vec<Entry>);

/// What is due, or when the next is.
#[derive(Debug)]
pub(super) struct Due {
    /// What is due now.
    pub(super) packages: Vec<AttrPath>,
    /// Why.
    pub(super) reason: JobReason,
    names: Vec<String>,
    next: Timestamp,
}

impl Timetable {
    pub(super) async fn load(bot: &Bot) -> Result<Self, StoreError> {
        let common = &bot.config.service.schedule;
        let mut entries: BTreeMap<String, (Schedule, Vec<AttrPath>)> = BTreeMap::new();
        entries.insert(COMMON.to_owned(), (common.clone(), Vec::new()));
        for (attr, package) in &bot.config.packages {
            let (name, schedule) = match &package.policy.cron {
                Some(cron) => (attr.to_string(), Schedule { cron: cron.clone(), ..common.clone() }),
                None => (COMMON.to_owned(), common.clone()),
            };
            entries.entry(name).or_insert((schedule, Vec::new())).1.push(attr.clone());
        }
        let mut loaded = Vec::new();
        for (name, (schedule, packages)) in entries {
            let last = bot.store.note_time(&note(&name)).await?;
            loaded.push(Entry { name, schedule, packages, last });
        }
        Ok(Self(loaded))
    }

    /// What is due at `now`; everything that is due is due once, however often it was missed.
    pub(super) fn due(&self, now: Timestamp) -> Due {
        let mut due =
            Due { packages: Vec::new(), reason: JobReason::Scheduled, names: Vec::new(), next: Timestamp::MAX };
        for entry in &self.0 {
            let at = entry.schedule.due(&entry.name, entry.last, now);
            if at <= now {
                due.names.push(entry.name.clone());
                due.packages.extend(entry.packages.iter().cloned());
                if now.duration_since(at) > MISSED {
                    due.reason = JobReason::CatchUp;
                }
            } else {
                due.next = due.next.min(at);
            }
        }
        due
    }
}

impl Due {
    pub(super) fn is_now(&self) -> bool {
        !self.names.is_empty()
    }

    /// The time until something is due.
    pub(super) fn rest(&self, now: Timestamp) -> Duration {
        until(now, self.next)
    }

    /// Remembers that these times, and all before them, have been used.
    pub(super) async fn use_up(&self, bot: &Bot, now: Timestamp) -> Result<(), StoreError> {
        for name in &self.names {
            bot.store.keep_note_time(&note(name), now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{Entry, Timetable};
    use crate::schedule::Schedule;
    use crate::store::JobReason;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn entry(name: &str, cron: &str, last: Option<&str>) -> Entry {
        let schedule = Schedule { cron: cron.parse().unwrap(), zone: TimeZone::UTC, jitter: std::time::Duration::ZERO };
        let package = if name.is_empty() { "common" } else { name };
        Entry { name: name.to_owned(), schedule, packages: vec![package.parse().unwrap()], last: last.map(at) }
    }

    #[test]
    fn each_schedule_is_due_by_itself_and_what_was_missed_is_due_once() {
        let table = |common: &str, own: &str| {
            Timetable(vec![
                entry("", "0 0 * * * *", Some(common)),
                entry("own", "0 30 6 * * *", Some(own)),
                entry("later", "0 0 0 1 1 *", Some(common)),
            ])
        };
        let names = |due: super::Due| due.packages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let now = at("2026-03-01T06:30:00Z");
        let due = table("2026-03-01T06:00:00Z", "2026-02-28T06:30:00Z").due(now);
        assert_eq!((due.reason, due.rest(now).as_secs()), (JobReason::Scheduled, 1800));
        assert_eq!(names(due), "own");
        let due = table("2026-02-01T06:00:00Z", "2026-02-01T06:30:00Z").due(now);
        assert_eq!(due.reason, JobReason::CatchUp);
        assert_eq!(names(due), "common own");
        let due = table("2026-03-01T06:30:00Z", "2026-03-01T06:30:00Z").due(now);
        assert!(!due.is_now());
    }
}
