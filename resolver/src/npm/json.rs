//! JSON as npm writes it into a lock: keys in the order of an English dictionary, objects after the rest, two spaces.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value};

use super::collate;

/// Keys that come first in every object of a lock, in this order.
const FIRST: [&str; 8] =
    ["name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"];

/// The bytes of a lock, indented and with line ends as another file has them (its text), as far as that has any.
pub(super) fn lock_text(lock: &Value, like: &str) -> String {
    let (indent, newline) = format_of(like);
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    // A value made of maps, texts and numbers can always be written, and as UTF-8.
    let written = sorted(lock).serialize(&mut serializer).ok().and_then(|()| String::from_utf8(text).ok());
    let text = written.unwrap_or_default() + "\n";
    if newline == "\n" { text } else { text.replace('\n', newline) }
}

/// The indentation of a JSON text and its line ends, by the rules of json-parse-even-better-errors.
fn format_of(like: &str) -> (&str, &str) {
    const USUAL: (&str, &str) = ("  ", "\n");
    let is_space = |letter: char| letter.is_whitespace();
    let like = like.trim_start_matches('\u{feff}');
    let Some(rest) = like.trim_start_matches(is_space).strip_prefix(['{', '[']) else { return USUAL };
    if like.starts_with("{}") || like.starts_with("[]") {
        return USUAL;
    }
    let newlines = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    let (newline, rest) = rest.split_at(newlines);
    if !newline.contains('\n') {
        return USUAL;
    }
    let indent = &rest[..rest.len() - rest.trim_start_matches(is_space).len()];
    // JavaScript indents by ten letters at most.
    let end = indent.char_indices().nth(10).map_or(indent.len(), |(end, _)| end);
    (if indent.is_empty() { "  " } else { &indent[..end] }, newline)
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
