//! The first difference between two locks, in words that a person can work with.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How many paths are named where rows are missing or too many.
const NAMED: usize = 8;

/// What differs first: rows that only one of them has, else the first row that is not the same, else the first line.
/// `None` when the bytes are the same.
pub fn first_difference(npm: &str, ours: &str) -> Option<String> {
    if npm == ours {
        return None;
    }
    let rows = |lock: &str| -> Option<Map<String, Value>> {
        serde_json::from_str::<Value>(lock).ok()?.get("packages")?.as_object().cloned()
    };
    let (Some(expected), Some(got)) = (rows(npm), rows(ours)) else {
        return Some(first_line(npm, ours));
    };
    let mut said = String::new();
    for (what, these, others) in [("missing", &expected, &got), ("too many", &got, &expected)] {
        let only: Vec<&String> = these.keys().filter(|path| !others.contains_key(*path)).collect();
        if !only.is_empty() {
            let _ = write!(said, "{} {what}:", only.len());
            for path in only.iter().take(NAMED) {
                let version = these[path.as_str()]["version"].as_str().unwrap_or("no version");
                let _ = write!(said, " {path}={version}");
            }
            said.push_str("; ");
        }
    }
    let changed = expected.iter().find(|(path, row)| got.get(*path).is_some_and(|other| other != *row));
    if let Some((path, row)) = changed {
        let _ = write!(said, "{path:?}: npm {}, ours {}", apart(row, &got[path]), apart(&got[path], row));
    }
    if said.is_empty() {
        said = first_line(npm, ours);
    }
    Some(said)
}

/// The fields of a row that the other has not, or has otherwise.
fn apart(row: &Value, other: &Value) -> Value {
    let mut fields = row.as_object().cloned().unwrap_or_default();
    fields.retain(|key, value| other.get(key) != Some(value));
    Value::Object(fields)
}

fn first_line(npm: &str, ours: &str) -> String {
    let (mut expected, mut got) = (npm.lines(), ours.lines());
    for number in 1.. {
        match (expected.next(), got.next()) {
            (None, None) => break,
            (expected, got) if expected == got => {}
            (expected, got) => return format!("line {number}: npm {expected:?}, ours {got:?}"),
        }
    }
    "only the ends of lines differ".to_owned()
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_difference_is_named() {
        let lock = |packages: &str| format!(r#"{{"packages": {packages}}}"#);
        let npm = lock(r#"{"a": {"version": "1.0.0", "peer": true}, "b": {"version": "2.0.0"}}"#);
        assert_eq!(first_difference(&npm, &npm), None);
        let ours = lock(r#"{"a": {"version": "1.0.0"}, "c": {"version": "3.0.0"}}"#);
        insta::assert_snapshot!(
            first_difference(&npm, &ours).unwrap(),
            @r#"1 missing: b=2.0.0; 1 too many: c=3.0.0; "a": npm {"peer":true}, ours {}"#
        );
        let other = lock(r#"{"b": {"version": "2.0.0"}, "a": {"version": "1.0.0", "peer": true}}"#);
        assert!(first_difference(&npm, &other).unwrap().starts_with("line 1: npm "));
    }
}
