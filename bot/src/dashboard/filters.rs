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

/// `{{ at|time }}`: a time element, to the minute, with the whole time for machines and on hover.
#[askama::filter_fn]
pub(super) fn time(at: &Timestamp, _: &dyn Values) -> askama::Result<Safe<String>> {
    let (short, whole) = (at.strftime("%Y-%m-%d %H:%M"), at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    Ok(Safe(format!(r#"<time datetime="{at:.3}" title="{whole}">{short}</time>"#)))
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
