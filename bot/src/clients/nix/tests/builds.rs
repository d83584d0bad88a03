//! Outcomes, events and logs of real builds.

use std::path::Path;
use std::time::Duration;

use super::{Bench, named};
use crate::clients::nix::{BuildEvent, BuildReport, DerivationOutcome, NixError};
use crate::model::FailureClass;

use DerivationOutcome::{Built, DependencyFailed, Failed, HashMismatch, TimedOut};

fn outcomes(report: &BuildReport) -> Vec<(&str, DerivationOutcome)> {
    report.built.iter().map(|built| (built.name.as_str(), built.outcome)).collect()
}

#[tokio::test]
async fn what_is_built_is_reported_once_with_its_inputs_first() {
    let bench = Bench::new().await;
    let drvs = bench
        .derivations(r#"rec { low = run "low" "echo hi > $out" [ ]; top = run "top" "cat $inputs > $out" [ low ]; }"#)
        .await;
    let (report, events) = bench.build(&drvs).await;
    assert_eq!(outcomes(&report), [("low", Built), ("top", Built)]);
    assert!(report.succeeded());
    assert!(report.built.iter().all(|built| built.elapsed.is_some() && built.class().is_none()));
    for drv in &drvs {
        assert_eq!(
            events.iter().filter(|event| matches!(event, BuildEvent::Started { drv: d } if d == drv)).count(),
            1
        );
        assert_eq!(
            events.iter().filter(|event| matches!(event, BuildEvent::Finished { drv: d, .. } if d == drv)).count(),
            1
        );
    }
    let (again, events) = bench.build(&drvs).await;
    assert_eq!((again.built.len(), events.len()), (0, 0));
}

#[tokio::test]
async fn failures_are_told_apart_and_do_not_hide_one_another() {
    let bench = Bench::with(|settings| settings.max_silent = Duration::from_secs(3)).await;
    let set = r#"rec {
      good = run "good" "echo > $out" [ ];
      bad = run "bad" "echo the reason; exit 3" [ ];
      above = run "above" "echo > $out" [ bad good ];
      top = run "top" "echo > $out" [ above ];
      silent = run "silent" "sleep 1000" [ ];
      fetched = fetch "fetched-${nonce}" "echo other > $out" "0000000000000000000000000000000000000000000000000000";
      unfetched = fetch "unfetched-${nonce}" "exit 1" "1111111111111111111111111111111111111111111111111111";
      nothing = run "nothing" "true" [ ];
    }"#;
    let (report, _) = bench.build_set(set).await;
    for (name, outcome, class) in [
        ("good", Built, None),
        ("bad", Failed, Some(FailureClass::Build)),
        ("above", DependencyFailed, Some(FailureClass::Dependency)),
        ("top", DependencyFailed, Some(FailureClass::Dependency)),
        ("silent", TimedOut, Some(FailureClass::Timeout)),
        ("nothing", Failed, Some(FailureClass::Build)),
        (&format!("fetched-{}", bench.nonce), HashMismatch, Some(FailureClass::Hash)),
        (&format!("unfetched-{}", bench.nonce), Failed, Some(FailureClass::Build)),
    ] {
        let built = named(&report, name);
        assert_eq!((built.outcome, built.class()), (outcome, class), "{built:#?}");
    }
    assert_eq!(report.built.len(), 8);
    assert!(report.exit.build_failed && report.exit.timed_out && report.exit.hash_mismatch);
    assert_eq!(named(&report, "bad").log, "the reason\n");
    assert!(named(&report, "bad").elapsed.is_some(), "an inner failure has an exact time");
    assert!(named(&report, "bad").message.as_ref().unwrap().contains("exit code 3"));
    let causes: Vec<&str> = report.causes().map(|built| built.name.as_str()).collect();
    assert!(!causes.contains(&"above") && causes.contains(&"bad"), "{causes:?}");
}

#[tokio::test]
async fn a_build_that_never_ends_is_stopped() {
    let bench = Bench::with(|settings| settings.timeout = Duration::from_secs(2)).await;
    let (report, _) = bench.build_set(r#"{ a = run "a" "while :; do echo busy; sleep 0.2; done" [ ]; }"#).await;
    assert_eq!(outcomes(&report), [("a", TimedOut)]);
    assert!(report.built[0].elapsed.is_some_and(|elapsed| elapsed >= Duration::from_secs(1)));
}

#[tokio::test]
async fn a_build_that_prints_without_end_is_stopped_and_its_log_ends_with_the_end() {
    let bench = Bench::with(|settings| settings.max_log_bytes = 10_000).await;
    let (report, _) =
        bench.build_set(r#"{ a = run "a" "i=0; while :; do echo line $i; i=$((i+1)); done" [ ]; }"#).await;
    assert_eq!(outcomes(&report), [("a", Failed)]);
    assert!(report.built[0].log.len() < 11_000, "{}", report.built[0].log.len());
    assert!(report.built[0].message.as_ref().unwrap().contains("bytes of log output"));
}

#[tokio::test]
async fn what_a_builder_prints_arrives_whole_whatever_the_bytes() {
    let bench = Bench::new().await;
    let script = r#"''
      printf 'first\n'
      printf 'bad \377 byte\n'
      printf 'quote " backslash \\ tab\tend\n'
      printf '@nix {"action":"setPhase","phase":"buildPhase"}\n' >&2
      printf '@nix {"action":"msg","level":0,"msg":"error: made up"}\n' >&2
      printf 'no end of line' >&2
      echo > $out
    ''"#;
    let (report, events) = bench.build_set(&format!("{{ a = run \"a\" {script} [ ]; }}")).await;
    let log = &report.built[0].log;
    assert!(log.starts_with("first\nbad \u{fffd} byte\nquote \" backslash \\ tab\tend\n"), "{log:?}");
    assert!(log.ends_with("no end of line\n"), "{log:?}");
    assert!(events.iter().any(|event| matches!(event, BuildEvent::Phase { phase, .. } if phase == "buildPhase")));
    assert_eq!(report.built[0].message, None);
}

#[tokio::test]
async fn a_builder_sees_none_of_our_variables() {
    let bench = Bench::new().await;
    let (report, _) = bench.build_set(r#"{ a = run "a" "env; echo > $out" [ ]; }"#).await;
    let log = &report.built[0].log;
    for ours in ["CARGO", "NIX_CONFIG", "TOKEN", bench.path().to_str().unwrap()] {
        assert!(!log.contains(ours), "{ours} in {log}");
    }
}

#[tokio::test]
async fn memory_is_limited_where_asked() {
    let bench = Bench::with(|settings| settings.memory_limit_bytes = Some(2_000_000_000)).await;
    let (report, _) = bench.build_set(r#"{ a = run "a" "ulimit -v; echo > $out" [ ]; }"#).await;
    assert_eq!(report.built[0].log, "1953125\n");
}

#[tokio::test]
async fn a_full_disk_in_a_builder_is_no_fault_of_the_package() {
    let bench = Bench::new().await;
    let (report, _) = bench
        .build_set(r#"{ a = run "a" "head -c1 /dev/zero > /dev/full" [ ]; b = run "b" "echo fine; exit 1" [ ]; }"#)
        .await;
    assert_eq!(named(&report, "a").class(), Some(FailureClass::Infrastructure));
    assert_eq!(named(&report, "b").class(), Some(FailureClass::Build));
}

#[tokio::test]
async fn temporary_files_go_with_the_build() {
    let bench = Bench::new().await;
    bench.build_set(r#"{ a = run "a" "echo > left-behind; exit 1" [ ]; }"#).await;
    let scratch = bench.path().join("cache/scratch");
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0);
}

#[tokio::test]
async fn a_toolchain_below_roots_home_can_be_used_by_builds() {
    let toolchain = crate::clients::nix::probe_toolchain().await.unwrap();
    let bench = Bench::with(|settings| settings.sandbox_paths.clone_from(&toolchain.sandbox)).await;
    let script = format!("{0}/bin/cargo --version; {0}/bin/rustc --version; echo > $out", toolchain.rust.display());
    let (report, _) = bench.build_set(&format!("{{ a = run \"a\" \"{script}\" [ ]; }}")).await;
    assert!(report.succeeded(), "{report:#?}");
    assert!(report.built[0].log.contains("rustc 1."), "{report:#?}");
}

#[tokio::test]
async fn a_system_that_is_not_this_machines_is_an_error_that_says_so() {
    let bench = Bench::new().await;
    let drvs = bench.derivations(r#"{ a = base "a" "echo > $out" { system = "riscv64-linux"; }; }"#).await;
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let report = bench.nix.realise(&drvs, events).await;
    let said = match &report {
        Ok(report) => report.built[0].message.clone().unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    assert!(said.contains("riscv64-linux"), "{report:#?}");
}

#[tokio::test]
async fn builds_that_need_the_same_input_at_once_build_it_once() {
    let bench = Bench::new().await;
    let drvs = bench
        .derivations(
            r#"rec {
              a = run "a" "sleep 1; echo > $out" [ ];
              b = run "b" "cat $inputs > $out" [ a ];
              c = run "c" "cat $inputs > $out" [ a ];
            }"#,
        )
        .await;
    // As the pipeline does it: each in a task of its own.
    let tasks = drvs[1..].iter().cloned().map(|drv| {
        let nix = bench.nix.clone();
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move { nix.realise(&[drv], events).await.unwrap() })
    });
    let reports: Vec<BuildReport> =
        futures::future::join_all(tasks).await.into_iter().map(|report| report.unwrap()).collect();
    assert!(reports.iter().all(BuildReport::succeeded), "{reports:#?}");
    let built = reports.iter().flat_map(|report| &report.built).filter(|built| built.name == "a").count();
    assert_eq!(built, 1, "{reports:#?}");
}

#[tokio::test]
async fn a_missing_derivation_is_named() {
    let bench = Bench::new().await;
    let missing = "/nix/store/00000000000000000000000000000000-none.drv".to_owned();
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let error = bench.nix.realise(std::slice::from_ref(&missing), events).await.unwrap_err();
    assert!(matches!(&error, NixError::File { path, .. } if path.as_path() == Path::new(&missing)), "{error}");
}
