//! That a schema is closed where it is used, and only there.

use serde_json::{Value, json};

use super::Description;

fn faults(method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
    let operation = Description::get().operation(method, path).expect("an operation");
    operation.faults_of_reply(status, Some(body))
}

fn label() -> Value {
    json!({
        "id": 1, "node_id": "LA", "url": "http://forge.example/labels/a", "name": "a", "description": null, "color": "ed",
        "default": false,
    })
}

#[test]
fn a_reply_has_what_is_described_and_no_more() {
    let path = "/repos/o/r/issues/1/labels";
    assert_eq!(faults("PUT", path, 200, &json!([label()])), Vec::<String>::new());
    let mut more = label();
    more["colour"] = json!("red");
    let said = faults("PUT", path, 200, &json!([more]));
    assert!(said[0].contains("colour") && said[0].contains("issues/set-labels 200"), "{said:?}");
    let mut less = label();
    less.as_object_mut().unwrap().remove("name");
    assert!(faults("PUT", path, 200, &json!([less]))[0].contains("\"name\" is a required property"));
    let mut odd = label();
    odd["url"] = json!("not an address");
    assert!(faults("PUT", path, 200, &json!([odd]))[0].contains("uri"));
    assert!(faults("PUT", path, 202, &json!([]))[0].contains("status 202 is not described"));
}

#[test]
fn errors_have_githubs_form() {
    let plain = json!({ "message": "Bad credentials", "documentation_url": "http://forge.example", "status": "401" });
    assert_eq!(faults("GET", "/repos/o/r/pulls", 401, &plain), Vec::<String>::new());
    assert!(!faults("GET", "/repos/o/r/pulls", 401, &json!({ "error": "no" })).is_empty());
    assert!(!faults("POST", "/repos/o/r/pulls", 422, &json!({ "errors": [] })).is_empty());
}

#[test]
fn the_parts_of_a_schema_do_not_forbid_one_another() {
    let field =
        |name: &str| json!({ "type": "object", "properties": { name: { "type": "string", "nullable": true } } });
    let both = json!({ "allOf": [{ "$ref": "#/components/schemas/first" }, field("second")] });
    let components = json!({ "schemas": { "first": field("first"), "both": both } });
    let description =
        Description { document: json!({ "components": components }), validators: std::sync::Mutex::default() };
    let validator = description.compile(&json!({
        "type": "object",
        "properties": { "both": { "$ref": "#/components/schemas/both" }, "free": { "type": "object" } },
    }));
    assert!(validator.is_valid(&json!({ "both": { "first": "a", "second": null }, "free": { "any": 1 } })));
    assert!(!validator.is_valid(&json!({ "both": { "first": "a", "third": "c" } })));
    assert!(!validator.is_valid(&json!({ "neither": {} })));
}

#[test]
fn names_with_slashes_find_their_operation() {
    let description = Description::get();
    let id = |path: &str| description.operation("GET", path).map(|operation| operation.id);
    assert_eq!(id("/repos/o/r/commits/nixwright/fd/check-runs"), Some("checks/list-for-ref"));
    assert_eq!(id("/repos/o/r/commits/main/status"), Some("repos/get-combined-status-for-ref"));
    assert_eq!(id("/repos/o/r/git/ref/heads/nixwright/fd"), Some("git/get-ref"));
    assert_eq!(id("/repos/o/r/pulls/1/2"), None);
}
