//! `nixwright resolve` and `nixwright add` for npm, against the registry on loopback. What the lock has to be, the judge of
//! the other tests says; here it is about what is asked for, what is kept, and what is said.

use std::path::Path;

use nixwright_tests::bot::nixwright;
use nixwright_tests::npm::registry::NpmRegistry;
use nixwright_tests::npm::release::Release;
use nixwright_tests::process::{Finished, run, write_file};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A program with one dependency, of which there is an older and a newer version.
fn registry() -> NpmRegistry {
    let registry = NpmRegistry::start();
    registry.publish(&Release::new("@box/leaf", "1.0.0", &json!({ "license": "MIT" })));
    registry.publish(&Release::new("@box/leaf", "1.1.0", &json!({ "license": "ISC" })));
    let tool = json!({ "bin": "tool.js", "dependencies": { "@box/leaf": "^1.0.0" } });
    registry.publish(&Release::new("tool", "1.0.0", &tool));
    registry.publish(&Release::new("tool", "2.0.0-rc.1", &tool));
    registry
}

fn call(registry: &str, cache: &Path, arguments: &[&str]) -> Finished {
    let mut command = nixwright();
    command.args(arguments).current_dir(cache).env("XDG_CACHE_HOME", cache).env("NIXWRIGHT_NPM_REGISTRY", registry);
    run(&mut command)
}

fn lock(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).expect("a lock is JSON")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_lock_is_made_from_little_and_made_again_from_nothing() {
    let (registry, cache) = (registry(), folder());
    let arguments = ["resolve", "pkg:npm/tool@1.0.0", "--format", "package-lock", "--prefer-offline"];
    let first = call(registry.url(), cache.path(), &arguments).expect_code(0);
    assert_eq!(lock(&first)["packages"]["node_modules/@box/leaf"]["version"], "1.1.0");
    let asked = registry.take_requests();
    let asked: Vec<&str> = asked.iter().map(|served| served.path.as_str()).collect();
    assert_eq!(asked, ["tool/1.0.0", "@box/leaf/latest"]);
    let again = call(registry.url(), cache.path(), &arguments).expect_code(0);
    assert_eq!((again.stdout, registry.take_requests()), (first.stdout, Vec::new()));
}

#[test]
fn without_the_preference_the_registry_is_asked_again() {
    let (registry, cache) = (registry(), folder());
    let arguments = ["resolve", "pkg:npm/tool", "--format", "package-lock"];
    call(registry.url(), cache.path(), &arguments).expect_code(0);
    registry.publish(&Release::new("@box/leaf", "1.2.0", &json!({})));
    let again = call(registry.url(), cache.path(), &arguments).expect_code(0);
    let packages = &lock(&again)["packages"];
    assert_eq!(packages["node_modules/@box/leaf"]["version"], "1.2.0");
    // Without a version it is the newest stable one.
    assert_eq!(packages["node_modules/tool"]["version"], "1.0.0");
}

#[test]
fn a_plan_and_a_bill_of_materials_name_every_package() {
    let (registry, cache) = (registry(), folder());
    let plan = call(registry.url(), cache.path(), &["resolve", "pkg:npm/tool@1.0.0"]).expect_code(0);
    let plan: Value = serde_json::from_str(&plan.stdout).expect("a plan is JSON");
    assert_eq!((&plan["purl"], &plan["graph"]["ecosystem"]), (&json!("pkg:npm/tool@1.0.0"), &json!("npm")));
    let sbom =
        call(registry.url(), cache.path(), &["resolve", "pkg:npm/tool@1.0.0", "--format", "sbom"]).expect_code(0);
    assert!(sbom.stdout.contains("pkg:npm/%40box/leaf@1.1.0"), "{}", sbom.stdout);
}

#[test]
fn a_projects_folder_is_resolved_with_its_workspace_and_its_lock() {
    let (registry, cache, project) = (registry(), folder(), folder());
    write_file(&project.path().join("package.json"), r#"{"name":"top","version":"0.1.0","workspaces":["packages/*"]}"#);
    let one = r#"{"name":"one","version":"0.1.0","dependencies":{"@box/leaf":"~1.0.0","two":"*"}}"#;
    write_file(&project.path().join("packages/one/package.json"), one);
    write_file(&project.path().join("packages/two/package.json"), r#"{"name":"two","version":"0.2.0"}"#);
    let place = project.path().display().to_string();
    let arguments = ["resolve", "--dir", &place, "--format", "package-lock"];
    let made = call(registry.url(), cache.path(), &arguments).expect_code(0);
    let packages = &lock(&made)["packages"];
    assert_eq!(packages["node_modules/@box/leaf"]["version"], "1.0.0");
    assert_eq!(
        (&packages["node_modules/two"]["link"], &packages["packages/two"]["version"]),
        (&json!(true), &json!("0.2.0"))
    );
    // A newer version that fits does not move what is locked.
    write_file(&project.path().join("package-lock.json"), &made.stdout);
    registry.publish(&Release::new("@box/leaf", "1.0.1", &json!({})));
    assert_eq!(call(registry.url(), cache.path(), &arguments).expect_code(0).stdout, made.stdout);
    let plan = call(registry.url(), cache.path(), &["resolve", "--dir", &place]).expect_code(0);
    assert!(plan.stdout.contains("\"purl\": \"pkg:npm/top@0.1.0\""), "{}", plan.stdout);
}

#[test]
fn what_cannot_be_resolved_is_said_with_what_to_do() {
    let (registry, cache) = (registry(), folder());
    let call = |arguments: &[&str]| call(registry.url(), cache.path(), arguments);
    call(&["resolve", "pkg:npm/absent@1.0.0"]).expect_code(1).expect_words(&["absent@1.0.0", "is not in the registry"]);
    call(&["resolve", "pkg:npm/absent"]).expect_code(1).expect_words(&["absent", "is not in the registry"]);
    call(&["resolve", "pkg:npm/tool@9.9.9"]).expect_code(1).expect_words(&["tool", "9.9.9"]);
    call(&["resolve", "pkg:npm/tool@1.0.0", "--before", "1999-01-01"]).expect_code(1).expect_words(&["tool"]);
    call(&["resolve", "pkg:npm/tool", "--format", "cargo-units"])
        .expect_code(2)
        .expect_words(&["package-lock", "sbom"]);
    call(&["resolve", "pkg:cargo/tool", "--format", "package-lock"]).expect_code(2).expect_words(&["cargo-units"]);
    call(&["resolve"]).expect_code(2);
    call(&["resolve", "--dir", "/proc/absent"]).expect_code(2).expect_words(&["package.json"]);
}

#[test]
fn a_package_is_added_with_what_the_registry_says_of_it() {
    let (registry, cache) = (registry(), folder());
    write_file(
        &cache.path().join("nixwright.toml"),
        format!("[registries]\nnpm = \"{}\"\n\n[defaults]\nmin_age = \"0s\"\n", registry.url()),
    );
    let added = call(registry.url(), cache.path(), &["add", "pkg:npm/tool"]).expect_code(0);
    added.expect_words(&["tool 1.0.0 (pkg:npm/tool)", "binaries", "[packages.tool]"]);
    let library = call(registry.url(), cache.path(), &["add", "pkg:npm/%40box/leaf", "--dry-run"]).expect_code(1);
    library.expect_words(&["pkg:npm/%40box/leaf", "no binary"]);
}
