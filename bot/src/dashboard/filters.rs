//! What the pages' templates may call.
#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that askama asks for, and what its attribute makes of it"
)]

use std::time::Duration;

use askama::Values;
use askama::filters::Safe;
use jiff::Timestamp;

use crate::message::text;

/// `{{ at|time }}`: a time element. Where the time is known the text is relative to it; else it is to the minute. The whole time
/// is for machines, and on hover.
#[askama::filter_fn]
pub(super) fn time(at: &Timestamp, values: &dyn Values) -> askama::Result<Safe<String>> {
    let whole = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let text = match askama::get_value::<Timestamp>(values, "now") {
        Ok(now) => relative(*at, *now),
        Err(_) => at.strftime("%Y-%m-%d %H:%M").to_string(),
    };
    Ok(Safe(format!(r#"<time datetime="{at:.3}" title="{whole}">{text}</time>"#)))
}

/// A time as people say it: the day for what is long ago or far away.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    let (amount, unit) = match seconds.unsigned_abs() {
        0..10 => return "now".to_owned(),
        seconds @ 10..100 => (seconds, "s"),
        seconds @ 100..5_400 => ((seconds + 30) / 60, "min"),
        seconds @ 5_400..129_600 => ((seconds + 1_800) / 3_600, "h"),
        seconds @ 129_600..2_592_000 => ((seconds + 43_200) / 86_400, "days"),
        _ => return at.strftime("%Y-%m-%d").to_string(),
    };
    if seconds > 0 { format!("{amount} {unit} ago") } else { format!("in {amount} {unit}") }
}

/// `{{ milliseconds|ms }}`: a duration for a person.
#[askama::filter_fn]
pub(super) fn ms(millis: &u64, _: &dyn Values) -> askama::Result<String> {
    Ok(text::duration(Duration::from_millis(*millis)))
}

/// `{{ commit|short }}`: the beginning of a commit id.
#[askama::filter_fn]
pub(super) fn short<T: std::fmt::Display>(commit: T, _: &dyn Values) -> askama::Result<String> {
    Ok(commit.to_string().chars().take(10).collect())
}

/// `{{ word|words }}`: a stored word (`dependency_failed`) as people write it.
#[askama::filter_fn]
pub(super) fn words<T: std::fmt::Display>(word: T, _: &dyn Values) -> askama::Result<String> {
    Ok(word.to_string().replace('_', " "))
}

/// `{{ text|line }}`: one line without characters that act.
#[askama::filter_fn]
pub(super) fn line<T: std::fmt::Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::one_line(&value.to_string()))
}

/// `{{ text|plain }}`: several lines without escape sequences and characters that act.
#[askama::filter_fn]
pub(super) fn plain<T: std::fmt::Display>(value: T, _: &dyn Values) -> askama::Result<String> {
    Ok(text::plain_log(&value.to_string()))
}

/// `{{ count|many("package", "packages") }}`: a number and what there is of it.
#[askama::filter_fn]
pub(super) fn many<T: std::fmt::Display>(count: T, _: &dyn Values, one: &str, more: &str) -> askama::Result<String> {
    let count = count.to_string();
    Ok(format!("{} {}", grouped(&count), if count == "1" { one } else { more }))
}

/// `{{ count|thousands }}`: a number that can be read.
#[askama::filter_fn]
pub(super) fn thousands<T: std::fmt::Display>(count: T, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(&count.to_string()))
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, c) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(c);
    }
    text
}

/// `{{ bytes|size }}`
#[askama::filter_fn]
pub(super) fn size(bytes: &u64, _: &dyn Values) -> askama::Result<String> {
    Ok(match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{grouped, relative};

    #[test]
    fn times_are_said_as_people_say_them() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let of = |text: &str| relative(text.parse().unwrap(), now);
        assert_eq!(of("2026-03-01T11:59:55Z"), "now");
        assert_eq!(of("2026-03-01T11:59:30Z"), "30 s ago");
        assert_eq!(of("2026-03-01T12:20:00Z"), "in 20 min");
        assert_eq!(of("2026-03-01T09:10:00Z"), "3 h ago");
        assert_eq!(of("2026-02-25T12:00:00Z"), "4 days ago");
        assert_eq!(of("2025-12-25T12:00:00Z"), "2025-12-25");
        assert_eq!((grouped("1234567"), grouped("999")), ("1\u{202f}234\u{202f}567".to_owned(), "999".to_owned()));
    }
}
