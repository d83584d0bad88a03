//! GitHub's own description of its API, by which every request and every reply is judged.
//!
//! It is large (13 MB) and is read once a process. What is judged by it, is compiled when it is first needed.

mod check;
mod close;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::call::{decoded, segments};

/// What GitHub says about itself.
pub(super) struct Description {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One operation of the API: a method on a kind of path.
pub(super) struct Operation<'a> {
    description: &'a Description,
    /// GitHub's name of it, `pulls/create`.
    pub(super) id: &'a str,
    value: &'a Value,
    /// What the request's path says for each name in braces.
    named: Vec<(&'a str, String)>,
}

/// A file that `make deps` brings; fails the test where it is not there.
pub(super) fn brought(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/openapi").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}: run `make deps`", path.display()))
}

impl Description {
    /// The description, read when first asked for.
    pub(super) fn get() -> &'static Self {
        static DESCRIPTION: OnceLock<Description> = OnceLock::new();
        DESCRIPTION.get_or_init(|| {
            let read = serde_json::from_str(&brought("api.github.com.json"));
            Self { document: mended(read.expect("GitHub's description is JSON")), validators: Mutex::default() }
        })
    }

    /// The operation that a request is for; of several, the one with the most words fixed.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let asked = segments(path);
        let method = method.to_lowercase();
        let mut found: Option<(usize, Operation<'_>)> = None;
        for (template, item) in self.document["paths"].as_object()? {
            let Some(value) = item.get(&method) else { continue };
            let Some((fixed, named)) = self.fits(template, value, &asked) else { continue };
            if found.as_ref().is_none_or(|(most, _)| fixed > *most) {
                let id = value["operationId"].as_str()?;
                found = Some((fixed, Operation { description: self, id, value, named }));
            }
        }
        found.map(|(_, operation)| operation)
    }

    /// How many words of a template a path repeats, and what stands for the names; `None` where it is another path.
    fn fits<'a>(
        &'a self,
        template: &'a str,
        value: &'a Value,
        asked: &[&str],
    ) -> Option<(usize, Vec<(&'a str, String)>)> {
        let parts = segments(template);
        let extra = asked.len().checked_sub(parts.len())?;
        let long = |part: &str| name_of(part).is_some_and(|name| self.is_long(value, name));
        let long = if extra > 0 { Some(parts.iter().position(|part| long(part))?) } else { None };
        let (mut fixed, mut named) = (0, Vec::new());
        let mut rest = asked.iter();
        for (index, part) in parts.iter().enumerate() {
            let count = if long == Some(index) { extra + 1 } else { 1 };
            let text = rest.by_ref().take(count).copied().collect::<Vec<_>>().join("/");
            match name_of(part) {
                Some(name) => named.push((name, decoded(&text))),
                None if *part == text => fixed += 1,
                None => return None,
            }
        }
        Some((fixed, named))
    }

    /// May what stands for this name have slashes in it?
    fn is_long(&self, operation: &Value, name: &str) -> bool {
        let mut parameters = self.parameters(operation);
        parameters.any(|parameter| parameter["name"] == name && parameter["x-multi-segment"] == true)
    }

    fn parameters<'a>(&'a self, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
        operation["parameters"].as_array().into_iter().flatten().map(|parameter| self.resolved(parameter))
    }

    /// What a reference stands for, or the value itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).expect("the description refers to what it has"),
            None => value,
        }
    }

    /// The compiled form of a schema, known by `key` from then on.
    fn validator(&self, key: String, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(self.compile(schema));
        Arc::clone(validators.entry(key).or_insert_with(make))
    }

    fn compile(&self, schema: &Value) -> Validator {
        let components = &self.document["components"]["schemas"];
        let mut closer = close::Closer::new(components);
        let mut root = closer.closed(schema);
        let mut definitions = Map::new();
        while let Some(name) = closer.next() {
            let definition = closer.open(&components[&name]);
            definitions.insert(name, definition);
        }
        root["$defs"] = Value::Object(definitions);
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        options.build(&root).unwrap_or_else(|error| panic!("GitHub's description: {error}"))
    }
}

/// Corrects what is plainly a slip: the account of an installation cannot be a user *and* an enterprise.
fn mended(mut document: Value) -> Value {
    let place =
        "/paths/~1app~1installations/get/responses/200/content/application~1json/schema/items/properties/account";
    let account = document.pointer_mut(place).and_then(Value::as_object_mut).expect("an installation has an account");
    if let Some(parts) = account.remove("allOf") {
        account.insert("anyOf".to_owned(), parts);
    }
    document
}

/// `owner` for `{owner}`.
fn name_of(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests;
