//! Between Rust's values and the columns of the database.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::InvalidValue;
use crate::store::StoreError;

/// RFC 3339 in UTC, always with milliseconds: text of equal form sorts as the times do.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn optional_time(at: Option<Timestamp>) -> Option<String> {
    at.map(time)
}

pub(super) fn read_time(what: &'static str, text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|error: jiff::Error| StoreError::corrupt(what, &error))
}

pub(super) fn read_optional_time(what: &'static str, text: Option<String>) -> Result<Option<Timestamp>, StoreError> {
    text.map(|text| read_time(what, &text)).transpose()
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn read_millis(what: &'static str, value: i64) -> Result<Duration, StoreError> {
    u64::try_from(value).map(Duration::from_millis).map_err(|error| StoreError::corrupt(what, &error))
}

pub(super) fn read_count(what: &'static str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|error| StoreError::corrupt(what, &error))
}

/// A value that is stored as its own text: names, words, commit ids.
pub(super) fn read_text<T: FromStr<Err = InvalidValue>>(what: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(StoreError::invalid(what))
}

pub(super) fn read_optional_text<T: FromStr<Err = InvalidValue>>(
    what: &'static str,
    text: Option<String>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| read_text(what, &text)).transpose()
}

pub(super) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt(what, &error))
}

pub(super) fn read_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(what, &error))
}
