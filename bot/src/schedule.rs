//! When something is due: cron expressions on a place's own clock, and quiet hours. Pure: the time is given.
//!
//! What was missed while the machine slept, was off or had another time is made up for by one run, never by one for each
//! that was missed. An expression is read on the civil time of its zone: a time that a zone skips comes an hour later, one
//! that it has twice counts the first time.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use chrono::{Datelike as _, NaiveDate, Timelike as _};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::model::InvalidValue;

/// A clock that was set back by less than this still counts as the same clock.
const SMALL_STEP: SignedDuration = SignedDuration::from_mins(5);

/// A cron expression, as the crate `cron` reads it: seconds, minutes, hours, day of month, month, day of week, and
/// optionally the year.
#[derive(Clone)]
pub struct Cron {
    text: String,
    schedule: cron::Schedule,
}

impl FromStr for Cron {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let expected =
            "a cron expression (second minute hour day-of-month month day-of-week, as in \"0 30 */2 * * *\")";
        let invalid = || InvalidValue { value: text.to_owned(), expected };
        let schedule = cron::Schedule::from_str(text).map_err(|_| invalid())?;
        // One that never comes again would stall silently.
        schedule.upcoming(chrono::Utc).next().ok_or_else(invalid)?;
        Ok(Self { text: text.to_owned(), schedule })
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A schedule: an expression, where it is read, and by how much each run may come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The times.
    pub cron: Cron,
    /// On whose clock.
    pub zone: TimeZone,
    /// Runs come up to this much later, each by its own part, so that not everybody asks a registry at the same second.
    pub jitter: Duration,
}

impl Schedule {
    /// When `name` is due, if it was last run at `last` (`None`: never, so at once). May be in the past: then it is due now,
    /// once, and `now` is the next `last`.
    pub fn due(&self, name: &str, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let Some(last) = last else { return now };
        // After the clock was set back, what it was before means nothing: one run, and it counts anew. A small correction
        // must not run twice.
        if last.duration_since(now) > SMALL_STEP {
            return now;
        }
        let tick = self.next(last);
        tick.saturating_add(self.delay(name, tick)).unwrap_or(Timestamp::MAX)
    }

    /// For how long no run has succeeded that should have, if `periods` of them have passed since the last that did.
    pub fn overdue(&self, last_success: Timestamp, now: Timestamp, periods: u32) -> Option<SignedDuration> {
        let mut limit = last_success;
        for _ in 0..periods.max(1) {
            limit = self.next(limit);
        }
        let jitter = SignedDuration::try_from(self.jitter).unwrap_or(SignedDuration::MAX);
        let limit = limit.saturating_add(jitter).unwrap_or(Timestamp::MAX);
        (now > limit).then(|| now.duration_since(last_success))
    }

    /// The first time of the expression after `after`; the end of time if there is none.
    fn next(&self, after: Timestamp) -> Timestamp {
        let civil = self.zone.to_datetime(after);
        let Some(local) = to_chrono(civil) else { return Timestamp::MAX };
        self.schedule_after(local)
            .filter_map(|local| self.zone.to_timestamp(from_chrono(local)?).ok())
            // In the hour that comes twice the civil time may lie behind.
            .find(|tick| *tick > after)
            .unwrap_or(Timestamp::MAX)
    }

    fn schedule_after(
        &self,
        local: chrono::DateTime<chrono::Utc>,
    ) -> impl Iterator<Item = chrono::DateTime<chrono::Utc>> {
        self.cron.schedule.after_owned(local)
    }

    /// The same for the same name and time.
    fn delay(&self, name: &str, tick: Timestamp) -> SignedDuration {
        let mut hasher = DefaultHasher::new();
        (name, tick.as_second()).hash(&mut hasher);
        let millis = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        let part = if millis == 0 { 0 } else { fastrand::Rng::with_seed(hasher.finish()).u64(..millis) };
        SignedDuration::from_millis(i64::try_from(part).unwrap_or(0))
    }
}

/// Local time in chrono's clothes: the zone there is a formality.
fn to_chrono(civil: DateTime) -> Option<chrono::DateTime<chrono::Utc>> {
    let unsigned = |number: i8| u32::try_from(number).ok();
    let date = NaiveDate::from_ymd_opt(i32::from(civil.year()), unsigned(civil.month())?, unsigned(civil.day())?)?;
    let time = date.and_hms_opt(unsigned(civil.hour())?, unsigned(civil.minute())?, unsigned(civil.second())?)?;
    Some(time.and_utc())
}

fn from_chrono(local: chrono::DateTime<chrono::Utc>) -> Option<DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    let year = i16::try_from(local.year()).ok()?;
    let date = Date::new(year, small(local.month())?, small(local.day())?).ok()?;
    let time = Time::new(small(local.hour())?, small(local.minute())?, small(local.second())?, 0).ok()?;
    Some(DateTime::from_parts(date, time))
}

/// A part of the week in which nothing is published: `22:00-07:00`, `Sat,Sun`, `Mon-Fri 22:00-07:00`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuietHours {
    /// The days on which it begins, from Monday.
    days: [bool; 7],
    /// When, in minutes of the day.
    from: u16,
    /// Until when; not later than `from` means on the next day.
    to: u16,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl FromStr for QuietHours {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let expected = "quiet hours (\"22:00-07:00\", \"Sat,Sun\" or \"Mon-Fri 22:00-07:00\")";
        parse_quiet(text).ok_or_else(|| InvalidValue { value: text.to_owned(), expected })
    }
}

fn parse_quiet(text: &str) -> Option<QuietHours> {
    let mut words = text.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let whole_day = (0, 0);
    let (days, (from, to)) = match (first.contains(':'), second) {
        (true, None) => ([true; 7], parse_hours(first)?),
        (true, Some(_)) => return None,
        (false, None) => (parse_days(first)?, whole_day),
        (false, Some(hours)) => (parse_days(first)?, parse_hours(hours)?),
    };
    Some(QuietHours { days, from, to })
}

fn parse_days(text: &str) -> Option<[bool; 7]> {
    let index = |day: &str| DAYS.iter().position(|known| known.eq_ignore_ascii_case(day));
    let mut days = [false; 7];
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (index(from)?, index(to)?);
        days[day] = true;
        while day != last {
            day = (day + 1) % 7;
            days[day] = true;
        }
    }
    Some(days)
}

fn parse_hours(text: &str) -> Option<(u16, u16)> {
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str, below: u16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|number| digits && *number < below)
        };
        Some(number(hours, 24)? * 60 + number(minutes, 60)?)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from != to).then_some((from, to))
}

/// Until when it is quiet, if it is now; windows that follow one another count as one.
pub fn quiet_until(windows: &[QuietHours], zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let mut until = None;
    // A week of windows at most: those who are quiet always hear so, and look again then.
    for _ in 0..8 {
        let at = until.unwrap_or(now);
        match windows.iter().filter_map(|window| window.end(zone, at)).max() {
            Some(end) => until = Some(end),
            None => break,
        }
    }
    until
}

impl QuietHours {
    /// The end of this window, if `now` is in it.
    fn end(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        let begins = [today.yesterday().ok(), Some(today)];
        begins.into_iter().flatten().filter(|day| self.days[day_index(day.weekday())]).find_map(|day| {
            let start = instant(zone, day, self.from)?;
            let last = if self.to <= self.from { day.tomorrow().ok()? } else { day };
            let end = instant(zone, last, self.to)?;
            (start <= now && now < end).then_some(end)
        })
    }
}

fn day_index(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

fn instant(zone: &TimeZone, day: Date, minutes: u16) -> Option<Timestamp> {
    let local = day.at(0, 0, 0, 0).checked_add(Span::new().minutes(i64::from(minutes))).ok()?;
    zone.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests;
