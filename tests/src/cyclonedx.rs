//! CycloneDX's own schema, which judges bills of materials.

use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;

use crate::target;

/// What of a document the schema of CycloneDX 1.6 does not allow; `make deps` has put it below `target/browser`.
pub fn complaints(document: &Value) -> Vec<String> {
    validator().iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn validator() -> Validator {
    let schema = |name: &str| -> Value {
        let file = target().join("browser/schema").join(format!("{name}.SNAPSHOT.schema.json"));
        let text = std::fs::read_to_string(&file);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}; run `make deps`", file.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let main = schema("bom-1.6");
    // References in it are relative to its own address.
    let (base, _) = main["$id"].as_str().and_then(|id| id.rsplit_once('/')).expect("the schema says where it is");
    let others = ["spdx", "jsf-0.82"].map(|name| (format!("{base}/{name}.SNAPSHOT.schema.json"), schema(name)));
    let known = Registry::new().extend(others).expect("addresses").prepare().expect("schemas");
    let options = jsonschema::options();
    options.with_draft(Draft::Draft7).with_registry(&known).build(&main).expect("a schema")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_judges() {
        assert_ne!(super::complaints(&serde_json::json!({ "bomFormat": "else" })), [""; 0]);
    }
}
