//! What a request or a reply has that GitHub's description does not allow.

use serde_json::Value;

use super::Operation;
use crate::github::call::Asked;

impl Operation<'_> {
    /// What is wrong with a request, in words; empty where nothing is.
    pub(in crate::github) fn faults_of_request(&self, asked: &Asked) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in &self.named {
            self.parameter("path", name, value, &mut faults);
        }
        for (name, value) in &asked.query {
            self.parameter("query", name, value, &mut faults);
        }
        self.body(asked, &mut faults);
        faults
    }

    fn parameter(&self, place: &str, name: &str, text: &str, faults: &mut Vec<String>) {
        let mut parameters = self.description.parameters(self.value);
        let Some(parameter) = parameters.find(|parameter| parameter["in"] == place && parameter["name"] == name) else {
            faults.push(format!("{}: there is no {place} parameter {name:?}", self.id));
            return;
        };
        let key = format!("{} {place} {name}", self.id);
        let validator = self.description.validator(key, &parameter["schema"]);
        let mut forms = vec![Value::from(text)];
        forms.extend(serde_json::from_str(text));
        if !forms.iter().any(|form| validator.is_valid(form)) {
            faults.push(format!("{}: {place} parameter {name:?} cannot be {text:?}", self.id));
        }
    }

    fn body(&self, asked: &Asked, faults: &mut Vec<String>) {
        let described = self.description.resolved(&self.value["requestBody"]);
        let schema = &described["content"]["application/json"]["schema"];
        if asked.body.is_empty() {
            if described["required"] == true {
                faults.push(format!("{}: the request has no body", self.id));
            }
            return;
        }
        if schema.is_null() {
            faults.push(format!("{}: the request has a body, and none is described", self.id));
            return;
        }
        match serde_json::from_slice(&asked.body) {
            Ok(body) => self.instance("request", schema, &body, faults),
            Err(error) => faults.push(format!("{}: the request's body is not JSON: {error}", self.id)),
        }
    }

    /// What is wrong with a reply; a status that is not described must be an error in GitHub's usual form.
    pub(in crate::github) fn faults_of_reply(&self, status: u16, body: Option<&Value>) -> Vec<String> {
        let mut faults = Vec::new();
        let responses = &self.value["responses"];
        let basic = serde_json::json!({ "$ref": "#/components/schemas/basic-error" });
        let schema = match responses.get(status.to_string()) {
            Some(response) => &self.description.resolved(response)["content"]["application/json"]["schema"],
            None if status >= 400 => &basic,
            None if status == 304 => &Value::Null,
            None => {
                faults.push(format!("{}: status {status} is not described", self.id));
                return faults;
            }
        };
        match body {
            Some(body) if schema.is_null() && status >= 400 => self.instance("error", &basic, body, &mut faults),
            Some(_) if schema.is_null() => faults.push(format!("{}: {status} has no body", self.id)),
            Some(body) => self.instance(&status.to_string(), schema, body, &mut faults),
            None if schema.is_null() => {}
            None => faults.push(format!("{}: {status} has a body", self.id)),
        }
        faults
    }

    fn instance(&self, what: &str, schema: &Value, instance: &Value, faults: &mut Vec<String>) {
        let validator = self.description.validator(format!("{} {what}", self.id), schema);
        let errors = validator.iter_errors(instance).take(5);
        faults.extend(errors.map(|error| {
            let said: String = error.to_string().chars().take(400).collect();
            format!("{} {what}: at {:?}: {said}", self.id, error.instance_path().to_string())
        }));
    }
}
