//! JSON as npm writes it into a lock: keys in the order of an English dictionary, objects after the rest, two spaces.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::collate;

/// Keys that come first in every object of a lock, in this order.
const FIRST: [&str; 8] =
    ["name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"];

/// The bytes of a lock.
pub(super) fn lock_text(lock: &Value) -> String {
    let sorted = sorted(lock);
    // A value made of maps, texts and numbers can always be written.
    serde_json::to_string_pretty(&sorted).unwrap_or_default() + "\n"
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(sorted_map(map)),
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn sorted_map(map: &Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by(|(one, one_value), (other, other_value)| {
        one_value.is_object().cmp(&other_value.is_object()).then_with(|| compare(one, other))
    });
    // JavaScript's objects have keys that are array indices first, in the order of numbers.
    let (mut numbers, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| index(key).is_some());
    numbers.sort_by_key(|(key, _)| index(key));
    numbers.into_iter().chain(others).map(|(key, value)| (key.clone(), sorted(value))).collect()
}

fn index(key: &str) -> Option<u32> {
    let number: u32 = key.parse().ok()?;
    (number != u32::MAX && number.to_string() == key).then_some(number)
}

fn compare(one: &str, other: &str) -> Ordering {
    let place = |key: &str| FIRST.iter().position(|first| *first == key);
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => collate::compare(one, other),
    }
}
