//! Evaluating, reading closures, adding and keeping paths.

use std::io::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{Bench, settings};
use crate::clients::nix::process::{command, run_ok};
use crate::clients::nix::{FixedFile, Nix, NixError, StoreAccess, config, store_access};

fn write(path: &Path, text: &str) {
    std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

const FLAKE: &str = r#"{
  outputs = { self }: let
    make = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; };
  in {
    legacyPackages.x86_64-linux.nixwright = {
      one = make "one" // { tests.smoke = make "smoke"; };
      two-b = make "two";
    };
    greeting = { text = "a \" b"; };
    broken = throw "as it was meant to";
    impure = builtins.getEnv "HOME";
    imported = import (derivation { name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; });
  };
}"#;

fn path_flake(bench: &Bench) -> String {
    let folder = bench.path().join("flake");
    std::fs::create_dir(&folder).unwrap();
    write(&folder.join("flake.nix"), FLAKE);
    format!("path:{}", folder.display())
}

#[tokio::test]
async fn attributes_evaluate_to_json_and_through_a_function() {
    let bench = Bench::new().await;
    let url = path_flake(&bench);
    assert_eq!(bench.nix.eval_json(&url, "greeting.text", None).await.unwrap(), "a \" b");
    let names = bench.nix.eval_json(&url, "greeting", Some("builtins.attrNames")).await.unwrap();
    assert_eq!(names, serde_json::json!(["text"]));
}

#[tokio::test]
async fn derivations_come_in_the_order_asked_for() {
    let bench = Bench::new().await;
    let url = path_flake(&bench);
    let base = "legacyPackages.x86_64-linux.nixwright";
    let attributes = [format!("{base}.two-b"), format!("{base}.one.tests.smoke"), format!("{base}.one")];
    let drvs = bench.nix.derivations(&url, &attributes).await.unwrap();
    let names: Vec<&str> = drvs.iter().map(|drv| drv.split_once('-').unwrap().1).collect();
    assert_eq!(names, ["two.drv", "smoke.drv", "one.drv"]);
    assert!(drvs.iter().all(|drv| Path::new(drv).is_file()));
    assert_eq!(bench.nix.derivations(&url, &attributes[2..]).await.unwrap(), drvs[2..]);
    assert!(bench.nix.derivations(&url, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_commit_of_a_bare_repository_evaluates() {
    let bench = Bench::new().await;
    let folder = bench.path().join("overlay.git");
    let repository = git2::Repository::init_bare(&folder).unwrap();
    let blob = repository.blob(FLAKE.as_bytes()).unwrap();
    let mut tree = repository.treebuilder(None).unwrap();
    tree.insert("flake.nix", blob, 0o100_644).unwrap();
    let tree = repository.find_tree(tree.write().unwrap()).unwrap();
    let author = git2::Signature::new("a", "a@registry.example", &git2::Time::new(0, 0)).unwrap();
    let commit = repository.commit(Some("refs/heads/main"), &author, &author, "x", &tree, &[]).unwrap();
    let url = format!("git+file://{}?ref=main&rev={commit}", folder.display());
    assert_eq!(bench.nix.eval_json(&url, "greeting.text", None).await.unwrap(), "a \" b");
}

#[tokio::test]
async fn evaluation_is_pure_and_imports_nothing_that_has_to_be_built() {
    let bench = Bench::new().await;
    let url = path_flake(&bench);
    assert_eq!(bench.nix.eval_json(&url, "impure", None).await.unwrap(), "");
    let error = bench.nix.eval_json(&url, "imported", None).await.unwrap_err();
    assert!(matches!(error, NixError::Evaluation { .. }), "{error}");
    assert!(error.to_string().contains("allow-import-from-derivation"), "{error}");
}

#[tokio::test]
async fn an_evaluation_error_says_what_and_why_without_colours() {
    let bench = Bench::new().await;
    let url = path_flake(&bench);
    for _ in 0..2 {
        let error = bench.nix.eval_json(&url, "broken", None).await.unwrap_err();
        assert!(!error.is_machine_problem());
        let text = error.to_string();
        assert!(text.contains("`broken` of path:") && text.contains("as it was meant to"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    let error = bench.nix.derivations(&url, &["no.such".to_owned()]).await.unwrap_err();
    assert!(matches!(error, NixError::Evaluation { .. }), "{error}");
}

#[tokio::test]
async fn the_closure_is_what_nix_itself_says() {
    let bench = Bench::new().await;
    let drvs = bench
        .derivations(
            r#"rec {
              a = fetch "a" "x" "0000000000000000000000000000000000000000000000000000";
              b = base "b" "quote \" \\ \n tab\t" { outputs = [ "out" "dev" ]; inherit a; url = "x"; };
              c = run "c" "echo" [ b.dev a ];
            }"#,
        )
        .await;
    let closure = bench.nix.closure(&drvs[2..]).await.unwrap();
    let mut call = command(&bench.nix.tools.nix);
    let text = bench.nix.config(config::Purpose::Query);
    bench.nix.environment(&mut call, &text);
    let printed = run_ok(call.args(["show-derivation", "-r", &drvs[2]]), "x", super::super::STORE_LIMIT).await.unwrap();
    let theirs: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&printed.stdout).unwrap();
    // Since 2.32 the form is another one, with base names: then the names have to do.
    if let Some(theirs) = theirs.get("derivations").and_then(serde_json::Value::as_object) {
        let ours: Vec<&str> = closure.derivations.keys().map(|drv| drv.rsplit('/').next().unwrap()).collect();
        assert_eq!(ours, theirs.keys().collect::<Vec<_>>());
        return;
    }
    assert_eq!(closure.derivations.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (drv, derivation) in &closure.derivations {
        let expected = &theirs[drv];
        assert_eq!(serde_json::json!(derivation.env), expected["env"]);
        assert_eq!(serde_json::json!(derivation.args), expected["args"]);
        assert_eq!(serde_json::json!(derivation.input_srcs), expected["inputSrcs"]);
        let inputs: Vec<&String> = expected["inputDrvs"].as_object().unwrap().keys().collect();
        assert_eq!(derivation.input_drvs.iter().collect::<Vec<_>>(), inputs);
        for (name, output) in &derivation.outputs {
            assert_eq!(expected["outputs"][name]["path"], output.path.as_str());
            let hash = expected["outputs"][name]["hash"].as_str();
            assert_eq!(output.hash.as_ref().map(|hash| hash.hex.as_str()), hash);
        }
        assert_eq!(derivation.outputs.len(), expected["outputs"].as_object().unwrap().len());
    }
    let fixed = closure.fixed_outputs();
    assert_eq!((fixed.len(), fixed[0].name.as_str(), fixed[0].hash.recursive), (1, "a", false));
}

#[tokio::test]
async fn an_added_file_is_what_the_derivation_expects_so_nothing_is_fetched() {
    let bench = Bench::new().await;
    let content = format!("content {}", bench.nonce);
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&content));
    let name = "crate-a-1.0.0+b.tar.gz";
    let set = format!(
        r#"rec {{
          low = base "{name}" "exit 1" {{ outputHash = "{hash}"; outputHashAlgo = "sha256"; urls = "https://registry.example/a b"; }};
          top = run "top" "cat $inputs > $out" [ low ]; }}"#
    );
    let drvs = bench.derivations(&set).await;
    let file = bench.path().join("cached");
    write(&file, &content);
    let fixed = bench.nix.closure(&drvs).await.unwrap().fixed_outputs();
    assert_eq!(fixed[0].urls, ["https://registry.example/a", "b"]);
    assert_eq!(fixed[0].name, name);
    assert_eq!(bench.nix.invalid_paths(&[fixed[0].path.clone()]).await.unwrap().len(), 1);
    let wanted = FixedFile { name: name.to_owned(), file: file.clone(), algo: "sha256".to_owned(), recursive: false };
    assert_eq!(bench.nix.add_fixed(&[wanted]).await.unwrap(), [fixed[0].path.clone()]);
    assert!(bench.nix.invalid_paths(&[fixed[0].path.clone()]).await.unwrap().is_empty());
    assert!(file.is_file());
    let (report, _) = bench.build(&drvs).await;
    assert!(report.succeeded() && report.built.len() == 1, "{report:#?}");
}

#[tokio::test]
async fn files_of_several_kinds_come_back_in_their_order() {
    let bench = Bench::new().await;
    let tree = bench.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    write(&tree.join("x"), &bench.nonce);
    let mut files = Vec::new();
    for number in 0..30 {
        let file = bench.path().join(format!("f{number}"));
        write(&file, &format!("{number} {}", bench.nonce));
        let algo = if number % 2 == 0 { "sha256" } else { "sha512" };
        let (file, recursive) = if number % 5 == 0 { (tree.clone(), true) } else { (file, number % 3 == 0) };
        files.push(FixedFile { name: format!("same-or-{}", number % 7), file, algo: algo.to_owned(), recursive });
    }
    let paths = bench.nix.add_fixed(&files).await.unwrap();
    for (file, path) in files.iter().zip(&paths) {
        assert!(path.ends_with(&format!("-{}", file.name)), "{path} for {file:?}");
        if file.file.is_file() {
            assert_eq!(std::fs::read(path).unwrap(), std::fs::read(&file.file).unwrap());
        } else {
            assert_eq!(std::fs::read_to_string(Path::new(path).join("x")).unwrap(), bench.nonce);
        }
    }
    assert_eq!(std::fs::read_dir(bench.path().join("cache/scratch")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_is_gone_or_badly_named_is_named() {
    let bench = Bench::new().await;
    let mut file =
        FixedFile { name: "a".into(), file: bench.path().join("gone"), algo: "sha256".into(), recursive: false };
    let error = bench.nix.add_fixed(&[file.clone()]).await.unwrap_err();
    assert!(error.to_string().contains("could not stage") && error.to_string().contains("gone"), "{error}");
    file.name = "@scope".into();
    let error = bench.nix.add_fixed(&[file]).await.unwrap_err();
    assert!(error.to_string().starts_with("\"@scope\" is not a name"), "{error}");
}

#[tokio::test]
async fn references_and_roots_of_an_output() {
    let bench = Bench::new().await;
    let drvs = bench
        .derivations(
            r#"rec { low = run "low" "echo > $out" [ ]; top = run "top" "echo $inputs $out > $out" [ low ]; }"#,
        )
        .await;
    let closure = bench.nix.closure(&drvs).await.unwrap();
    let path = |drv: &String| closure.derivations[drv].outputs["out"].path.clone();
    let link = bench.path().join("root");
    let error = bench.nix.add_root(&path(&drvs[1]), &link).await.unwrap_err();
    assert!(matches!(error, NixError::Argument { .. }), "{error}");
    bench.build(&drvs).await;
    assert_eq!(bench.nix.references(&path(&drvs[1])).await.unwrap(), [path(&drvs[0])]);
    bench.nix.add_root(&path(&drvs[1]), &link).await.unwrap();
    bench.nix.add_root(&path(&drvs[1]), &link).await.unwrap();
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new(&path(&drvs[1])));
}

#[tokio::test]
async fn the_users_nix_settings_are_not_read() {
    let bench = Bench::new().await;
    assert!(bench.nix.version().split('.').count() >= 2, "{}", bench.nix.version());
    let mut call = command(&bench.nix.tools.nix);
    let text = bench.nix.config(config::Purpose::Query);
    bench.nix.environment(&mut call, &text);
    let printed = run_ok(call.arg("show-config"), "x", super::super::STORE_LIMIT).await.unwrap();
    let lines = printed.lines();
    for line in ["sandbox = true", "sandbox-fallback = false", "substituters = ", "builders = ", "build-users-group = "]
    {
        assert!(lines.iter().any(|found| found == line), "{line:?} in {lines:#?}");
    }
}

#[tokio::test]
async fn a_cache_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    write(&file, "");
    let error = Nix::open(settings(&file.join("cache"))).await.unwrap_err();
    assert!(error.to_string().starts_with("could not create "), "{error}");
}

#[test]
fn a_store_that_only_a_daemon_writes_to_is_recognised() {
    let state = tempfile::tempdir().unwrap();
    let folder = |name: &str| std::fs::create_dir(state.path().join(name)).unwrap();
    assert_eq!(store_access(state.path(), false), StoreAccess::Direct, "no daemon: the store is yet to be made");
    folder("daemon-socket");
    write(&state.path().join("daemon-socket/socket"), "");
    assert_eq!(store_access(state.path(), false), StoreAccess::Daemon);
    assert_eq!(store_access(state.path(), true), StoreAccess::Direct);
    folder("db");
    write(&state.path().join("db/big-lock"), "");
    assert_eq!(store_access(state.path(), false), StoreAccess::Direct);
}

#[tokio::test]
async fn builds_that_a_daemon_would_do_are_refused() {
    let mut bench = Bench::new().await;
    bench.nix.access = StoreAccess::Daemon;
    let error = bench.nix.canary().await.unwrap_err();
    assert!(matches!(error, NixError::DaemonOnly) && error.is_machine_problem(), "{error}");
}
