use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Cron, QuietHours, Schedule, quiet_until};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str, jitter: u64) -> Schedule {
    let zone = TimeZone::get(zone).unwrap();
    Schedule { cron: cron.parse().unwrap(), zone, jitter: Duration::from_secs(jitter) }
}

fn due(schedule: &Schedule, last: &str, now: &str) -> String {
    schedule.due("a", Some(at(last)), at(now)).to_string()
}

#[test]
fn expressions_are_checked() {
    for bad in ["", "hourly please", "* * *", "61 * * * * *", "0 0 0 1 1 * 1999"] {
        assert!(bad.parse::<Cron>().is_err(), "{bad}");
    }
    assert_eq!("0 30 9 * * Mon-Fri".parse::<Cron>().unwrap().to_string(), "0 30 9 * * Mon-Fri");
}

#[test]
fn the_first_run_is_due_at_once_and_the_next_at_its_time() {
    let hourly = schedule("0 7 * * * *", "UTC", 0);
    assert_eq!(hourly.due("a", None, at("2026-03-01T12:00:00Z")), at("2026-03-01T12:00:00Z"));
    assert_eq!(due(&hourly, "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"), "2026-03-01T12:07:00Z");
}

#[test]
fn what_was_slept_through_is_made_up_for_once() {
    let hourly = schedule("0 0 * * * *", "UTC", 600);
    // The lid was closed for three months.
    let now = at("2026-06-01T09:30:00Z");
    assert!(hourly.due("a", Some(at("2026-03-01T12:00:00Z")), now) <= now);
    let next = hourly.due("a", Some(now), now);
    assert!(next >= at("2026-06-01T10:00:00Z") && next < at("2026-06-01T10:10:00Z"), "{next}");
}

#[test]
fn a_clock_that_was_set_back_neither_stalls_nor_runs_twice() {
    let hourly = schedule("0 0 * * * *", "UTC", 0);
    // By a second, right after a run.
    assert_eq!(due(&hourly, "2026-03-01T12:00:00Z", "2026-03-01T11:59:59Z"), "2026-03-01T13:00:00Z");
    // By ten years: at once, and from then on as ever.
    assert_eq!(due(&hourly, "2036-03-01T12:00:00Z", "2026-03-01T11:30:00Z"), "2026-03-01T11:30:00Z");
    assert_eq!(due(&hourly, "2026-03-01T11:30:00Z", "2026-03-01T11:30:00Z"), "2026-03-01T12:00:00Z");
}

#[test]
fn a_zone_that_skips_or_repeats_an_hour_gives_one_run_a_day() {
    let daily = schedule("0 30 2 * * *", "Europe/Berlin", 0);
    // 02:30 does not exist on the 29th of March 2026.
    assert_eq!(due(&daily, "2026-03-28T01:30:00Z", "2026-03-28T01:30:00Z"), "2026-03-29T01:30:00Z");
    assert_eq!(due(&daily, "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"), "2026-03-30T00:30:00Z");
    // And comes twice on the 25th of October.
    assert_eq!(due(&daily, "2026-10-24T00:30:00Z", "2026-10-24T00:30:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(due(&daily, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
}

#[test]
fn jitter_tells_names_apart_and_stays_within_its_bound() {
    let hourly = schedule("0 0 * * * *", "UTC", 600);
    let last = at("2026-03-01T12:00:00Z");
    let times: Vec<Timestamp> = ["a", "b", "c", "d"].map(|name| hourly.due(name, Some(last), last)).to_vec();
    assert!(times.iter().all(|time| *time >= at("2026-03-01T13:00:00Z") && *time < at("2026-03-01T13:10:00Z")));
    assert!(times.iter().any(|time| *time != times[0]));
    assert_eq!(hourly.due("a", Some(last), last), times[0]);
}

#[test]
fn the_alarm_comes_after_as_many_periods_as_are_asked_for() {
    let hourly = schedule("0 0 * * * *", "UTC", 60);
    let success = at("2026-03-01T12:00:00Z");
    assert_eq!(hourly.overdue(success, at("2026-03-01T15:01:00Z"), 3), None);
    let silent = hourly.overdue(success, at("2026-03-01T15:01:01Z"), 3).unwrap();
    assert_eq!(silent.as_mins(), 181);
}

fn quiet(windows: &[&str], now: &str) -> Option<String> {
    let windows: Vec<QuietHours> = windows.iter().map(|text| text.parse().unwrap()).collect();
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    quiet_until(&windows, &zone, at(now)).map(|until| until.to_string())
}

#[test]
fn quiet_hours_go_over_midnight_and_over_a_change_of_the_clock() {
    let night = ["22:00-07:00"];
    assert_eq!(quiet(&night, "2026-02-10T20:59:59Z"), None);
    assert_eq!(quiet(&night, "2026-02-10T21:00:00Z").as_deref(), Some("2026-02-11T06:00:00Z"));
    assert_eq!(quiet(&night, "2026-02-11T05:59:59Z").as_deref(), Some("2026-02-11T06:00:00Z"));
    assert_eq!(quiet(&night, "2026-02-11T06:00:00Z"), None);
    assert_eq!(quiet(&night, "2026-03-29T00:00:00Z").as_deref(), Some("2026-03-29T05:00:00Z"));
}

#[test]
fn quiet_days_that_follow_one_another_are_one_window() {
    // The 14th of February 2026 is a Saturday.
    assert_eq!(quiet(&["Sat,Sun"], "2026-02-14T12:00:00Z").as_deref(), Some("2026-02-15T23:00:00Z"));
    assert_eq!(quiet(&["Fri-Mon"], "2026-02-12T12:00:00Z"), None);
    let both = ["Mon-Fri 18:00-09:00", "Sat,Sun"];
    assert_eq!(quiet(&both, "2026-02-13T18:00:00Z").as_deref(), Some("2026-02-15T23:00:00Z"));
    for bad in ["", "22-07", "7:00-8:00", "25:00-07:00", "22:00-22:00", "Someday", "22:00-07:00 Mon", "Mon 1 2"] {
        assert!(bad.parse::<QuietHours>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn wherever_the_clock_jumps_there_is_a_run_within_two_periods(
        last in 0..4_000_000_000_i64, now in 0..4_000_000_000_i64, jitter in 0..3000_u64,
    ) {
        let hourly = schedule("0 0 * * * *", "UTC", jitter);
        let (last, now) = (Timestamp::from_second(last).unwrap(), Timestamp::from_second(now).unwrap());
        let next = hourly.due("a", Some(last), now);
        prop_assert!(next <= now + SignedDuration::from_secs(300 + 3600 + 3000), "{last} {now} {next}");
    }

    #[test]
    fn after_a_run_the_next_one_is_later_and_in_the_next_period(
        minute in 0..60_u32, zone in 0..4_usize, last in 0..4_000_000_000_i64, sleep in 0..100_000_000_i64,
        jitter in 0..3000_u64,
    ) {
        let zone = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"][zone];
        let hourly = schedule(&format!("0 {minute} * * * *"), zone, jitter);
        let last = Timestamp::from_second(last).unwrap();
        let now = last + SignedDuration::from_secs(sleep);
        // However long it slept: one run, and then not before the next time.
        let next = hourly.due("a", Some(now), now);
        prop_assert!(next > now && next.duration_since(now) <= SignedDuration::from_secs(2 * 3600 + 1800 + 3000));
        prop_assert!(hourly.due("a", Some(last), now) <= next);
    }

    #[test]
    fn quiet_ends_and_what_is_read_never_breaks(seconds in 0..4_000_000_000_i64, from in 0..1440_u16, length in 1..1439_u16) {
        let to = (from + length) % 1440;
        let text = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
        let windows = [text.parse::<QuietHours>().unwrap()];
        let zone = TimeZone::UTC;
        let now = Timestamp::from_second(seconds).unwrap();
        let minute = u16::try_from(seconds.rem_euclid(86_400) / 60).unwrap();
        let is_in = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        let until = quiet_until(&windows, &zone, now);
        prop_assert_eq!(until.is_some(), is_in);
        if let Some(until) = until {
            prop_assert!(until > now && quiet_until(&windows, &zone, until).is_none());
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}") {
        let _ = (text.parse::<Cron>().is_ok(), text.parse::<QuietHours>().is_ok());
    }
}
