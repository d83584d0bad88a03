use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::archive::Limits;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::{Judge, Trust};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use super::{NpmRelease, NpmTrees};
use crate::clients::files;
use crate::clients::git::{GitSources, TreeLimits};
use crate::clients::npm::NpmProgram;
use crate::clients::npm::tests::{registry, serve};
use crate::clients::npm::trust::tests::Key;
use crate::model::{Failure, FailureClass};

const TOOL: &str = "sha512-rYerwe+0LgMgfzqYuPQR2tCVOqI9TTGaQkiAznBaEhke4sc3DCJOLYpoG4dctq+kYb25moaTst23SyXfAAINTQ==";
const DEPENDENCY: &str =
    "sha512-4lrDhF+MvhKAGi36WonUxV3EeQDztu3Jqe5ZDzwrkxL2ZdADnJOCi3tY8zlQvIF6CVWpxQAKjT4oBWnwh0XKaA==";

fn trees(server: &MockServer, folder: &Path) -> NpmTrees {
    NpmTrees {
        registry: registry(server, folder),
        node: "20.0.0".to_owned(),
        program: None,
        cache: folder.to_owned(),
        limits: Limits::default(),
        git: GitSources::new(folder, TreeLimits { bytes: 1 << 20, entries: 100 }),
    }
}

async fn plan(server: &MockServer, folder: &Path) -> Result<Plan, Failure> {
    plan_of(trees(server, folder)).await
}

async fn plan_of(trees: NpmTrees) -> Result<Plan, Failure> {
    let release = NpmRelease {
        name: "tool".to_owned(),
        version: "1.0.0".to_owned(),
        integrity: TOOL.to_owned(),
        systems: vec!["x86_64-linux".to_owned()],
    };
    trees.plan(&release, &ProgressBar::hidden()).await
}

/// A registry with the program, and an npm: the machine's own, or a script that stands before it on PATH.
async fn with_npm(server: &MockServer, folder: &Path, before: Option<&str>) -> NpmTrees {
    publish(server, Value::Null, DEPENDENCY).await;
    let path = std::env::var_os("PATH").unwrap();
    let first = folder.join("bin");
    if let Some(script) = before {
        files::write_program(&first.join("npm"), script);
    }
    let search = std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&path))).unwrap();
    let trees = trees(server, folder);
    let program = NpmProgram::find(&search, trees.registry.registry(), &folder.join("work"));
    assert!(program.is_some(), "the tests need npm");
    NpmTrees { program, ..trees }
}

/// The machine's own npm, which the script stands before.
fn own_npm() -> String {
    let path = std::env::var_os("PATH").unwrap();
    let own = std::env::split_paths(&path).map(|folder| folder.join("npm")).find(|path| path.is_file());
    own.unwrap().display().to_string()
}

#[tokio::test]
async fn npm_takes_the_lock_that_our_rules_give() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let plan = plan_of(with_npm(&server, folder.path(), None).await).await.unwrap();
    assert!(matches!(plan.npm().unwrap().judge, Judge::Rules { .. }));
}

#[tokio::test]
async fn where_npm_refuses_our_lock_its_own_is_taken_and_that_is_said() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    // It refuses every lock, and hoists nothing, so that its tree is another one.
    let script = format!(
        "#!/bin/sh\ncase $1 in\nci) echo 'npm error it does not fit' >&2; exit 1 ;;\n\
         install) exec '{0}' \"$@\" --install-strategy=nested ;;\n*) exec '{0}' \"$@\" ;;\nesac\n",
        own_npm()
    );
    let plan = plan_of(with_npm(&server, folder.path(), Some(&script)).await).await.unwrap();
    let graph = plan.npm().unwrap();
    let Judge::Npm { npm, why } = &graph.judge else { panic!("{:?}", graph.judge) };
    assert!(npm.starts_with(|letter: char| letter.is_ascii_digit()), "{npm}");
    assert_eq!(why, "npm refuses the lock that our rules give: it does not fit");
    let places: Vec<&String> = graph.entries.keys().collect();
    assert_eq!(places, ["node_modules/tool", "node_modules/tool/node_modules/dependency"]);
    assert_eq!(graph.root, "node_modules/tool");
    assert!(graph.entries.values().all(|entry| !entry.on.is_empty()));
}

#[tokio::test]
async fn where_npm_refuses_its_own_lock_too_ours_stays() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let script = format!("#!/bin/sh\ncase $1 in ci) exit 1 ;; *) exec '{}' \"$@\" ;; esac\n", own_npm());
    let plan = plan_of(with_npm(&server, folder.path(), Some(&script)).await).await.unwrap();
    assert!(matches!(plan.npm().unwrap().judge, Judge::Rules { .. }));
}

#[tokio::test]
async fn where_npm_finds_no_tree_either_both_are_repeated() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let script = "#!/bin/sh\necho \"npm error no $1\" >&2\nexit 1\n";
    let failure = plan_of(with_npm(&server, folder.path(), Some(script)).await).await.unwrap_err();
    assert_eq!(
        failure.message,
        "npm refuses the lock that our rules give: no ci; npm finds no tree either: no install"
    );
}

/// The program and its dependency, with what `dist` says beside hash and address.
async fn publish(server: &MockServer, signatures: Value, dependency: &str) {
    let address = |name: &str| format!("{}/npm/{name}/-/{name}-1.0.0.tgz", server.uri());
    let tool = json!({
        "name": "tool", "version": "1.0.0", "bin": "tool.js", "license": "MIT", "description": "It does.",
        "dependencies": { "dependency": "^1" },
        "dist": { "integrity": TOOL, "tarball": address("tool"),
                  "attestations": { "provenance": { "predicateType": "x" } } },
    });
    let other = json!({
        "name": "dependency", "version": "1.0.0",
        "dist": { "integrity": dependency, "tarball": address("dependency"), "signatures": signatures },
    });
    for manifest in [&tool, &other] {
        let name = manifest["name"].as_str().unwrap();
        let versions = json!({ "1.0.0": manifest });
        let document = json!({ "name": name, "dist-tags": { "latest": "1.0.0" }, "versions": versions });
        serve(server, &format!("/npm/{name}"), ResponseTemplate::new(200).set_body_json(document)).await;
        for selector in ["1.0.0", "latest"] {
            let at = format!("/npm/{name}/{selector}");
            serve(server, &at, ResponseTemplate::new(200).set_body_json(manifest)).await;
        }
    }
}

#[tokio::test]
async fn a_release_becomes_a_plan_with_what_is_known_of_its_origin() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let key = Key::new("SHA256:one");
    let keys = json!({ "keys": [key.public(&Value::Null)] });
    serve(&server, "/npm/-/npm/v1/keys", ResponseTemplate::new(200).set_body_json(keys)).await;
    let message = format!("dependency@1.0.0:{DEPENDENCY}");
    publish(&server, json!([key.sign(&message)]), DEPENDENCY).await;
    let plan = plan(&server, folder.path()).await.unwrap();
    assert_eq!((plan.purl.as_str(), plan.metadata.license.as_deref()), ("pkg:npm/tool@1.0.0", Some("MIT")));
    assert_eq!(plan.metadata.description.as_deref(), Some("It does."));
    assert_eq!(plan.binaries().into_iter().collect::<Vec<_>>(), ["tool"]);
    let graph = plan.npm().unwrap();
    let trust = |path: &str| (graph.entries[path].signature, graph.entries[path].provenance);
    assert_eq!(trust("node_modules/tool"), (Trust::Unavailable, Trust::Verified));
    assert_eq!(trust("node_modules/dependency"), (Trust::Verified, Trust::Unavailable));
}

#[tokio::test]
async fn without_signatures_no_keys_are_asked_for() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    publish(&server, json!([]), DEPENDENCY).await;
    let plan = plan(&server, folder.path()).await.unwrap();
    let graph = plan.npm().unwrap();
    assert!(graph.entries.values().all(|entry| entry.signature == Trust::Unavailable));
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| !request.url.path().contains("keys")));
}

#[tokio::test]
async fn a_signature_that_does_not_hold_refuses_the_release_by_name() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let key = Key::new("SHA256:one");
    let keys = json!({ "keys": [key.public(&Value::Null)] });
    serve(&server, "/npm/-/npm/v1/keys", ResponseTemplate::new(200).set_body_json(keys)).await;
    publish(&server, json!([key.sign("dependency@1.0.0:sha512-other")]), DEPENDENCY).await;
    let failure = plan(&server, folder.path()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Hash);
    insta::assert_snapshot!(failure.message, @"the registry's signature of dependency 1.0.0 does not hold, so nothing that needs it is built: what it says of this release was changed after it was signed, or its key had ended");
}

#[tokio::test]
async fn a_release_that_was_replaced_after_it_was_seen_is_refused() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    publish(&server, json!([]), DEPENDENCY).await;
    plan(&server, folder.path()).await.unwrap();
    server.reset().await;
    publish(&server, json!([]), TOOL).await;
    let failure = plan(&server, folder.path()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Hash);
    assert!(failure.message.starts_with("dependency 1.0.0 was sha512-4lrD"), "{}", failure.message);
}

#[tokio::test]
async fn what_the_registry_does_not_have_is_named() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let nothing = json!({ "name": "dependency", "dist-tags": {}, "versions": {} });
    serve(&server, "/npm/dependency", ResponseTemplate::new(200).set_body_json(nothing)).await;
    serve(&server, "/npm/dependency/latest", ResponseTemplate::new(404)).await;
    publish(&server, json!([]), DEPENDENCY).await;
    let failure = plan(&server, folder.path()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Resolve);
    assert!(failure.message.contains("dependency"), "{}", failure.message);
    server.reset().await;
    serve(&server, "/npm/dependency/latest", ResponseTemplate::new(500)).await;
    publish(&server, json!([]), DEPENDENCY).await;
    assert_eq!(plan(&server, folder.path()).await.unwrap_err().class, FailureClass::Upstream);
}

#[tokio::test]
async fn a_packument_is_asked_for_only_where_neither_the_version_nor_the_latest_one_answers() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    publish(&server, json!([]), DEPENDENCY).await;
    plan(&server, folder.path()).await.unwrap();
    let asked = async || {
        let requests = server.received_requests().await.unwrap();
        requests.iter().map(|request| request.url.path().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked().await, ["/npm/tool/1.0.0", "/npm/dependency/latest"]);
    server.reset().await;
    let newer = json!({ "name": "dependency", "version": "2.0.0" });
    serve(&server, "/npm/dependency/latest", ResponseTemplate::new(200).set_body_json(newer)).await;
    publish(&server, json!([]), DEPENDENCY).await;
    plan(&server, folder.path()).await.unwrap();
    assert_eq!(
        asked().await,
        ["/npm/tool/1.0.0", "/npm/dependency/latest", "/npm/dependency", "/npm/dependency/1.0.0"]
    );
}
