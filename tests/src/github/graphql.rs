//! GraphQL: only what REST has no words for, drafts and merges that wait for green.
//!
//! A query is parsed, judged and carried out by a library, against the schema that GitHub publishes.

use std::cell::RefCell;
use std::sync::OnceLock;

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::call::{Asked, Reply};
use super::clock::text;
use super::openapi::brought;
use super::world::{AutoMerge, Pull, Who, World};

fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        // The file has some fields twice, which the rest of it does not suffer from; and to judge GitHub's own schema
        // would take longer than to read it.
        let read = Schema::parse(brought("schema.graphql"), "schema.graphql");
        Valid::assume_valid(read.unwrap_or_else(|twice| twice.partial))
    })
}

/// The answer, or what is wrong with the question.
pub(super) fn answer(world: &mut World, who: &Who, asked: &Asked) -> Result<Reply, String> {
    let sent = asked.json();
    let query = sent["query"].as_str().ok_or("graphql: there is no query")?;
    let document = ExecutableDocument::parse_and_validate(schema(), query, "query.graphql")
        .map_err(|error| format!("graphql: {}", error.errors))?;
    let variables: JsonMap = match &sent["variables"] {
        Value::Null => JsonMap::new(),
        given => serde_json::from_value(given.clone()).map_err(|error| format!("graphql: variables: {error}"))?,
    };
    let operation = document
        .operations
        .get(sent["operationName"].as_str())
        .map_err(|_| "graphql: there is no such operation".to_owned())?;
    let root = Root {
        kind: if operation.is_mutation() { "Mutation" } else { "Query" },
        world: RefCell::new(world),
        who,
        unknown: RefCell::default(),
    };
    let done = Execution::new(schema(), &document)
        .operation(operation)
        .raw_variable_values(&variables)
        .execute_sync(&root)
        .map_err(|error| format!("graphql: {}", error.message()))?;
    let unknown = root.unknown.take();
    if !unknown.is_empty() {
        return Err(format!("graphql: the fake does not know {}", unknown.join(", ")));
    }
    let mut shown = serde_json::to_value(&done).expect("an answer is JSON");
    for error in shown["errors"].as_array_mut().into_iter().flatten() {
        let said = error["message"].as_str().unwrap_or_default();
        let said = said.strip_prefix("resolver error: ").unwrap_or(said).to_owned();
        error["type"] = json!(if said.starts_with("Could not resolve") { "NOT_FOUND" } else { "UNPROCESSABLE" });
        error["message"] = said.into();
    }
    Ok(Reply::ok(shown))
}

/// What a query or a mutation begins with.
struct Root<'a> {
    kind: &'static str,
    world: RefCell<&'a mut World>,
    who: &'a Who,
    /// Fields that GitHub has and the fake has not.
    unknown: RefCell<Vec<String>>,
}

/// An object whose fields are known.
struct Node<'a> {
    fields: Value,
    unknown: &'a RefCell<Vec<String>>,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = serde_json::to_value(info.arguments()).expect("arguments are JSON");
        let mut world = self.world.borrow_mut();
        let world: &mut World = &mut world;
        let name = info.field_name();
        let shown = match name {
            "viewer" => json!({ "__typename": "User", "login": self.who.login() }),
            "repository" => world.repository_node(&arguments)?,
            "node" => world.node(&arguments["id"])?,
            _ if self.kind == "Mutation" => match world.mutate(name, &arguments["input"], self.who.login())? {
                Some(pull) => json!({
                    "__typename": payload_of(name),
                    "clientMutationId": arguments["input"]["clientMutationId"],
                    "pullRequest": pull,
                }),
                None => Value::Null,
            },
            _ => Value::Null,
        };
        if shown.is_null() {
            self.unknown.borrow_mut().push(name.to_owned());
        }
        Ok(resolved(shown, &self.unknown))
    }
}

/// `EnablePullRequestAutoMergePayload` for `enablePullRequestAutoMerge`.
fn payload_of(mutation: &str) -> String {
    format!("{}{}Payload", mutation[..1].to_uppercase(), &mutation[1..])
}

impl ObjectValue for Node<'_> {
    fn type_name(&self) -> &str {
        self.fields["__typename"].as_str().expect("an object's type")
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let name = info.field_name();
        if name == "pullRequest" && self.type_name() == "Repository" {
            let number = serde_json::to_value(info.arguments()).expect("arguments are JSON")["number"].to_string();
            let found = self.fields["pulls"].get(&number).cloned();
            let missing = || refused(format!("Could not resolve to a PullRequest with the number of {number}."));
            return Ok(resolved(found.ok_or_else(missing)?, self.unknown));
        }
        let Some(value) = self.fields.get(name) else {
            self.unknown.borrow_mut().push(format!("{}.{name}", self.type_name()));
            return Ok(ResolvedValue::Leaf(json!(null).into()));
        };
        Ok(resolved(value.clone(), self.unknown))
    }
}

fn resolved(value: Value, unknown: &RefCell<Vec<String>>) -> ResolvedValue<'_> {
    if value.is_object() {
        return ResolvedValue::Object(Box::new(Node { fields: value, unknown }));
    }
    ResolvedValue::Leaf(value.into())
}

fn refused(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

impl World {
    /// Carries a mutation out; `None` for one that the fake does not know.
    fn mutate(&mut self, name: &str, input: &Value, who: &str) -> Result<Option<Value>, FieldError> {
        let id = &input["pullRequestId"];
        if id.is_null() {
            return Ok(None);
        }
        let pull = self.pull_of(id)?;
        let number = pull.number;
        match name {
            "markPullRequestReadyForReview" => self.change(number, |pull| pull.draft = false),
            "convertPullRequestToDraft" => {
                self.change(number, |pull| {
                    pull.draft = true;
                    pull.auto_merge = None;
                });
            }
            "disablePullRequestAutoMerge" => self.change(number, |pull| pull.auto_merge = None),
            "enablePullRequestAutoMerge" => {
                let auto = self.armed(&pull, input, who)?;
                self.change(number, |pull| pull.auto_merge = Some(auto));
            }
            _ => return Ok(None),
        }
        Ok(Some(self.pull_node(&self.pulls[&number])))
    }

    /// A merge that can wait, or GitHub's reason why there is nothing to wait for.
    fn armed(&self, pull: &Pull, input: &Value, who: &str) -> Result<AutoMerge, FieldError> {
        if !self.settings.allow_auto_merge {
            return Err(refused("Auto merge is not allowed for this repository"));
        }
        if !pull.is_open() {
            return Err(refused("Can't enable auto-merge for this pull request."));
        }
        if input["expectedHeadOid"].as_str().is_some_and(|sha| sha != pull.head_sha) {
            return Err(refused("Head branch was modified. Review and try the merge again."));
        }
        let method = input["mergeMethod"].as_str().unwrap_or("MERGE").to_lowercase();
        if !self.settings.merge_methods.contains(&method) {
            return Err(refused(format!("Merge method {method} is not allowed on this repository")));
        }
        match self.merge_state(pull) {
            "blocked" => {}
            state => return Err(refused(format!("Pull request Pull request is in {state} status"))),
        }
        let text = |field: &str| input[field].as_str().map(str::to_owned);
        Ok(AutoMerge { method, by: who.to_owned(), headline: text("commitHeadline"), text: text("commitBody") })
    }

    fn pull_of(&self, id: &Value) -> Result<Pull, FieldError> {
        let found = self.pulls.values().find(|pull| *id == pull.node_id);
        let message =
            || format!("Could not resolve to a node with the global id of '{}'", id.as_str().unwrap_or_default());
        found.cloned().ok_or_else(|| refused(message()))
    }

    fn node(&self, id: &Value) -> Result<Value, FieldError> {
        Ok(self.pull_node(&self.pull_of(id)?))
    }

    fn repository_node(&self, arguments: &Value) -> Result<Value, FieldError> {
        if arguments["owner"] != self.settings.owner || arguments["name"] != self.settings.name {
            let name = format!("{}/{}", arguments["owner"], arguments["name"]).replace('"', "");
            return Err(refused(format!("Could not resolve to a Repository with the name '{name}'.")));
        }
        let pulls: serde_json::Map<String, Value> =
            self.pulls.values().map(|pull| (pull.number.to_string(), self.pull_node(pull))).collect();
        Ok(json!({
            "__typename": "Repository",
            "id": "R_4242",
            "name": self.settings.name,
            "nameWithOwner": self.full_name(),
            "autoMergeAllowed": self.settings.allow_auto_merge,
            "pulls": pulls,
        }))
    }

    fn pull_node(&self, pull: &Pull) -> Value {
        let state = self.merge_state(pull).to_uppercase();
        let (base, _) = self.ends(pull);
        json!({
            "__typename": "PullRequest",
            "id": pull.node_id,
            "databaseId": 1_000_000 + pull.number,
            "number": pull.number,
            "title": pull.title,
            "body": pull.body.clone().unwrap_or_default(),
            "state": if pull.merged { "MERGED".to_owned() } else { pull.state.to_uppercase() },
            "isDraft": pull.draft,
            "closed": !pull.is_open(),
            "merged": pull.merged,
            "mergeable": if self.can_be_joined(pull) { "MERGEABLE" } else { "CONFLICTING" },
            "mergeStateStatus": state,
            "headRefName": pull.head,
            "headRefOid": pull.head_sha,
            "baseRefName": pull.base,
            "baseRefOid": base.to_string(),
            "url": format!("{}/pull/{}", self.page(), pull.number),
            "createdAt": text(pull.created),
            "updatedAt": text(pull.updated),
            "mergedAt": pull.closed.filter(|_| pull.merged).map(text),
            "mergeCommit": pull.merge_commit.as_ref().map(|sha| json!({ "__typename": "Commit", "oid": sha })),
            "autoMergeRequest": pull.auto_merge.as_ref().map(|auto| json!({
                "__typename": "AutoMergeRequest",
                "enabledAt": text(pull.updated),
                "enabledBy": { "__typename": "User", "login": auto.by },
                "mergeMethod": auto.method.to_uppercase(),
                "commitHeadline": auto.headline,
                "commitBody": auto.text,
            })),
        })
    }
}
