//! `/openapi.json`: what there is to ask for, and what the answers look like (OpenAPI 3.1).
//!
//! The schemas are made from the very types that are serialised, so that they cannot say anything else; the list of paths stands
//! here, and a test asks the running program for each of them.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::status::Status;
use crate::dashboard::views::{
    About, Dependencies, DependenciesQuery, DependencyDoc, DependencyQuery, Failures, GraphDoc, GraphQuery, Hosts,
    MaintainerDoc, MaintainerQuery, Maintainers, Overview, PackageDoc, Packages, PackagesQuery, PullRequestDoc,
    PullRequests, PullRequestsQuery, Queue, QueueQuery, RunDoc, RunQuery, Runs, RunsQuery,
};

/// A part of a path that stands for something.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    what: &'static str,
    kind: &'static str,
}

const ATTR: Part = Part { name: "attr", what: "A package's name in the overlay.", kind: "string" };
const RUN: Part = Part { name: "run", what: "A run's number.", kind: "integer" };
const NUMBER: Part = Part { name: "number", what: "A pull request's number.", kind: "integer" };
const ECOSYSTEM: Part = Part { name: "ecosystem", what: "`cargo`, `golang` or `npm`.", kind: "string" };
const LOGIN: Part = Part { name: "login", what: "Somebody's name on the forge.", kind: "string" };
const NAME: Part = Part {
    name: "name",
    what: "An upstream's name; a byte that is no letter, digit, `-`, `_` or inner `.` is `~` and two hexadecimal digits.",
    kind: "string",
};
const VERSION: Part = Part { name: "version", what: "A release, spelled as a name is.", kind: "string" };

/// The description.
pub(crate) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut api = Description { schemas: settings.into_generator(), paths: Map::new() };
    api.pages();
    api.others();
    let schemas = api.schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Nixwright",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the bot knows of its packages. Times are RFC 3339 in UTC, durations milliseconds. Text from \
                            upstream is as it came: escape it for the language it goes into.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "." }],
        "paths": api.paths,
        "components": { "schemas": schemas },
    })
}

struct Description {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Description {
    fn pages(&mut self) {
        self.page::<Overview, ()>("/index.json", "Freshness, failures first, what is under way, what is next", &[]);
        self.page::<Packages, PackagesQuery>("/packages.json", "Packages, by what is asked", &[]);
        self.page::<PackageDoc, ()>("/packages/{attr}.json", "A package: why is it not updated?", &[ATTR]);
        self.page::<GraphDoc, GraphQuery>("/graphs/{attr}.json", "What a release is made of", &[ATTR]);
        self.page::<Runs, RunsQuery>("/runs.json", "Runs, newest first", &[]);
        self.page::<RunDoc, RunQuery>("/runs/{run}.json", "A run: stages, derivations, evidence", &[RUN]);
        self.page::<Failures, ()>("/failures.json", "Packages that fail, by reason", &[]);
        self.page::<Queue, QueueQuery>("/queue.json", "What is due, and when it will be taken up", &[]);
        self.page::<PullRequests, PullRequestsQuery>("/pull-requests.json", "Pull requests, newest first", &[]);
        self.page::<PullRequestDoc, ()>("/pull-requests/{number}.json", "A pull request", &[NUMBER]);
        self.page::<Dependencies, DependenciesQuery>("/dependencies.json", "What packages are made of", &[]);
        self.page::<DependencyDoc, DependencyQuery>(
            "/dependencies/{ecosystem}/{name}.json",
            "Who uses a dependency, in which versions",
            &[ECOSYSTEM, NAME],
        );
        self.page::<Maintainers, ()>("/maintainers.json", "Who maintains how much", &[]);
        self.page::<MaintainerDoc, MaintainerQuery>("/maintainers/{login}.json", "What waits for somebody", &[LOGIN]);
        self.page::<Hosts, ()>("/hosts.json", "How the upstreams' hosts answer", &[]);
        self.page::<About, ()>("/about.json", "This bot", &[]);
    }

    fn others(&mut self) {
        let status = self.schemas.subschema_for::<Status>();
        self.path(
            "/status.json",
            "Every package: where it stands, and what the overlay has",
            &[],
            &[],
            "application/json",
            &status,
        );
        for file in ["all", "failures"] {
            self.text(
                &format!("/feeds/{file}.atom"),
                "What happened, newest first (Atom)",
                &[],
                "application/atom+xml",
            );
        }
        self.text("/feeds/packages/{attr}.atom", "What happened to a package (Atom)", &[ATTR], "application/atom+xml");
        self.text(
            "/feeds/maintainers/{login}.atom",
            "What happened to somebody's packages (Atom)",
            &[LOGIN],
            "application/atom+xml",
        );
        for badge in ["version", "build", "freshness"] {
            self.text(&format!("/badges/{{attr}}/{badge}.svg"), "A badge", &[ATTR], "image/svg+xml");
        }
        let bom = json!({ "type": "object", "required": ["bomFormat", "specVersion"], "properties": {
            "bomFormat": { "const": "CycloneDX" }, "specVersion": { "const": "1.6" } } });
        let bom: Schema = bom.try_into().unwrap_or_default();
        self.path(
            "/sbom/{attr}/{version}.cdx.json",
            "What a release is made of (CycloneDX)",
            &[ATTR, VERSION],
            &[],
            "application/vnd.cyclonedx+json",
            &bom,
        );
        self.text("/metrics", "Figures (OpenMetrics)", &[], "application/openmetrics-text");
        for (path, what) in [("/health", "Whether the bot is well"), ("/ready", "Whether the store can be read")] {
            self.text(path, what, &[], "text/plain");
            let answer = json!({ "description": "It is not, and why.", "content": { "text/plain": { "schema": { "type": "string" } } } });
            self.paths[path]["get"]["responses"]["503"] = answer;
        }
        let any: Schema = json!({ "type": "object" }).try_into().unwrap_or_default();
        self.path("/openapi.json", "This description", &[], &[], "application/json", &any);
    }

    fn page<D: JsonSchema, Q: JsonSchema>(&mut self, path: &str, what: &str, parts: &[Part]) {
        let document = self.schemas.subschema_for::<D>();
        let query = parameters::<Q>();
        self.path(path, what, parts, &query, "application/json", &document);
    }

    fn text(&mut self, path: &str, what: &str, parts: &[Part], content: &str) {
        let schema: Schema = json!({ "type": "string" }).try_into().unwrap_or_default();
        self.path(path, what, parts, &[], content, &schema);
    }

    fn path(&mut self, path: &str, what: &str, parts: &[Part], query: &[Value], content: &str, schema: &Schema) {
        let mut parameters: Vec<Value> = parts
            .iter()
            .map(|part| {
                json!({ "name": part.name, "in": "path", "required": true, "description": part.what,
                        "schema": { "type": part.kind } })
            })
            .collect();
        parameters.extend_from_slice(query);
        let mut responses = Map::new();
        responses
            .insert("200".to_owned(), json!({ "description": what, "content": { content: { "schema": schema } } }));
        if !query.is_empty() {
            let said = json!({ "text/plain": { "schema": { "type": "string" } } });
            responses.insert("400".to_owned(), json!({ "description": "The query cannot be read.", "content": said }));
        }
        if !parts.is_empty() {
            responses.insert("404".to_owned(), json!({ "description": "Nothing is known under this name." }));
        }
        let id: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let operation = json!({
            "operationId": id.trim_matches('_'), "summary": what, "parameters": parameters, "responses": responses,
        });
        self.paths.insert(path.to_owned(), json!({ "get": operation }));
    }
}

/// The fields of a query as parameters.
fn parameters<Q: JsonSchema>() -> Vec<Value> {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Q>();
    let Some(Value::Object(fields)) = schema.get("properties") else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let description = schema.get("description").cloned().unwrap_or_default();
        let mut schema = schema.clone();
        if let Value::Object(schema) = &mut schema {
            schema.remove("description");
            schema.remove("default");
            // In an address there is no null: what is not asked for is left out.
            if let Some(Value::Array(types)) = schema.get("type") {
                let kind = types.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
                schema.insert("type".to_owned(), kind);
            }
            if schema.get("format").is_some_and(|format| format == "uint32") {
                schema.insert("maximum".to_owned(), u32::MAX.into());
            }
        }
        let mut parameter = json!({ "name": name, "in": "query", "required": false, "schema": schema });
        if description.is_string() {
            parameter["description"] = description;
        }
        parameter
    };
    fields.iter().map(parameter).collect()
}
