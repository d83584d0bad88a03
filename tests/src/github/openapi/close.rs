//! From a schema of OpenAPI 3.0 to one of JSON Schema that knows of no other properties than those it names.
//!
//! OpenAPI lets every object have more than its description says, and GitHub makes use of that by adding fields. A test
//! wants the opposite: a field that GitHub does not know is a slip of the pen. So each object is closed, with
//! `unevaluatedProperties` where it is *used* and not where it is defined, so that the parts of an `allOf` do not
//! forbid one another's fields.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

/// Words of a schema that mean the same in both languages.
const KEPT: [&str; 15] = [
    "type",
    "enum",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
];

/// Rewrites schemas, and remembers to which others they refer.
pub(super) struct Closer<'a> {
    components: &'a Value,
    seen: BTreeSet<String>,
    waiting: VecDeque<String>,
}

impl<'a> Closer<'a> {
    /// With the description's `components.schemas`.
    pub(super) fn new(components: &'a Value) -> Self {
        Self { components, seen: BTreeSet::new(), waiting: VecDeque::new() }
    }

    /// The next schema that something refers to and that was not asked for yet.
    pub(super) fn next(&mut self) -> Option<String> {
        self.waiting.pop_front()
    }

    /// A schema where it is used: an object may have what is named, and nothing else.
    pub(super) fn closed(&mut self, schema: &Value) -> Value {
        let mut made = self.open(schema);
        if self.names_properties(schema) {
            made["unevaluatedProperties"] = json!(false);
        }
        made
    }

    /// A schema as it is defined: what is below it is closed, itself it is not.
    pub(super) fn open(&mut self, schema: &Value) -> Value {
        if let Some(name) = referred(schema) {
            if self.seen.insert(name.to_owned()) {
                self.waiting.push_back(name.to_owned());
            }
            return json!({ "$ref": format!("#/$defs/{name}") });
        }
        let mut made: Map<String, Value> =
            KEPT.iter().filter_map(|key| Some(((*key).to_owned(), schema.get(*key)?.clone()))).collect();
        if let Some(properties) = schema["properties"].as_object() {
            let closed = properties.iter().map(|(name, value)| (name.clone(), self.closed(value))).collect();
            made.insert("properties".to_owned(), Value::Object(closed));
        }
        if let Some(items) = schema.get("items") {
            made.insert("items".to_owned(), self.closed(items));
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(allowed)) => drop(made.insert("additionalProperties".to_owned(), json!(allowed))),
            Some(values) => drop(made.insert("additionalProperties".to_owned(), self.closed(values))),
            // An object of which nothing is said may have anything, also where it is one choice among closed ones.
            None if is_free(schema) => drop(made.insert("additionalProperties".to_owned(), json!(true))),
            None => {}
        }
        // GitHub's choices overlap (an empty list of labels fits both forms), so that "exactly one" would be wrong.
        for (theirs, ours) in [("allOf", "allOf"), ("anyOf", "anyOf"), ("oneOf", "anyOf")] {
            if let Some(parts) = schema[theirs].as_array() {
                let parts = parts.iter().map(|part| self.open(part)).collect();
                made.insert(ours.to_owned(), Value::Array(parts));
            }
        }
        if let Some(not) = schema.get("not") {
            made.insert("not".to_owned(), self.open(not));
        }
        let made = Value::Object(made);
        if schema["nullable"] == true { json!({ "anyOf": [made, { "type": "null" }] }) } else { made }
    }

    /// Does the schema, or one that applies in the same place, say which properties there are?
    fn names_properties(&self, schema: &Value) -> bool {
        if let Some(name) = referred(schema) {
            return self.names_properties(&self.components[name]);
        }
        let parts = ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
        schema["properties"].is_object() || parts.into_iter().any(|part| self.names_properties(part))
    }
}

fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

fn is_free(schema: &Value) -> bool {
    let says_nothing = ["properties", "allOf", "anyOf", "oneOf"].iter().all(|key| schema.get(key).is_none());
    schema["type"] == "object" && says_nothing
}
