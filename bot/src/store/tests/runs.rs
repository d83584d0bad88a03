use std::time::Duration;

use nixwright_resolver::plan::diff::GraphDiff;

use super::{NOON, at, attr, store};
use crate::model::{FailureClass, Strategy};
use crate::store::{
    DerivationRecord, DerivationState, Failure, NewRun, PackageState, RunId, RunOutcome, RunResult, StageRecord, State,
    Store, StoreError, SystemResult,
};

async fn begin(store: &Store, version: &str) -> RunId {
    let from_version = Some("1.0.0".to_owned());
    let run = NewRun { attr: attr("alpha"), version: version.to_owned(), from_version };
    store.begin_run(&run).await.unwrap()
}

fn good() -> RunResult {
    RunResult {
        outcome: RunOutcome::Succeeded,
        failure: None,
        strategy: Some(Strategy::Shared),
        commit: Some("c".repeat(40).parse().unwrap()),
        reused: 40,
        built: 2,
        fallback_reason: None,
        diff: GraphDiff::between([("libc", "0.2.1")], [("libc", "0.2.2"), ("memchr", "2.7.4")]),
        build_scripts: vec!["libc-0.2.2".to_owned()],
        systems: vec![SystemResult {
            system: "x86_64-linux".parse().unwrap(),
            succeeded: true,
            elapsed: Duration::from_millis(61_234),
            programs: vec!["alpha".to_owned()],
        }],
    }
}

fn bad(class: FailureClass) -> RunResult {
    RunResult {
        outcome: RunOutcome::Failed,
        failure: Some(Failure { class, message: "no".to_owned() }),
        strategy: None,
        ..good()
    }
}

fn derivation(name: &str, outcome: DerivationState, seconds: Option<u64>) -> DerivationRecord {
    DerivationRecord {
        drv: format!("/nix/store/{}-{name}.drv", "0".repeat(32)),
        name: name.to_owned(),
        outcome,
        elapsed: seconds.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn a_run_comes_back_as_it_was_written_down() {
    let (_folder, store) = store().await;
    let id = begin(&store, "1.1.0").await;
    let under_way = store.run(id).await.unwrap().unwrap();
    assert_eq!((under_way.outcome, under_way.finished, under_way.started), (None, None, at(NOON)));
    let stage = StageRecord {
        stage: "build",
        started: at(NOON),
        elapsed: Duration::from_millis(1500),
        detail: "2 units".to_owned(),
    };
    store.record_stage(id, &stage).await.unwrap();
    store.finish_run(id, &good()).await.unwrap();

    let run = store.last_run(&attr("alpha"), "1.1.0").await.unwrap().unwrap();
    let RunResult { outcome, failure, strategy, commit, reused, built, fallback_reason, diff, build_scripts, systems } =
        good();
    assert_eq!((run.id, run.outcome, run.failure, run.strategy), (id, Some(outcome), failure, strategy));
    assert_eq!((run.commit, run.reused, run.built, run.fallback_reason), (commit, reused, built, fallback_reason));
    assert_eq!((run.diff, run.build_scripts, run.systems), (diff, build_scripts, systems));
    assert_eq!(run.from_version.as_deref(), Some("1.0.0"));
    let stages = store.stages(id).await.unwrap();
    assert_eq!((stages[0].stage.as_str(), stages[0].elapsed), ("build", Duration::from_millis(1500)));
}

#[tokio::test]
async fn a_run_ends_once() {
    let (_folder, store) = store().await;
    let id = begin(&store, "1.1.0").await;
    store.finish_run(id, &good()).await.unwrap();
    let again = store.finish_run(id, &bad(FailureClass::Build)).await;
    assert!(matches!(again, Err(StoreError::NotRunning(run)) if run == id), "{again:?}");
    assert_eq!(store.run(id).await.unwrap().unwrap().outcome, Some(RunOutcome::Succeeded));
    let nowhere = store.append_log(RunId(99), "x", "text").await;
    assert!(matches!(nowhere, Err(StoreError::NotRunning(RunId(99)))), "{nowhere:?}");
}

#[tokio::test]
async fn derivations_come_longest_first_and_a_second_attempt_replaces_the_first() {
    let (_folder, store) = store().await;
    let id = begin(&store, "1.1.0").await;
    let first = [
        derivation("small", DerivationState::Built, Some(1)),
        derivation("old", DerivationState::Reused, None),
        derivation("big", DerivationState::Failed, Some(9)),
        derivation("also-small", DerivationState::Built, Some(1)),
    ];
    store.record_derivations(id, &first).await.unwrap();
    store.record_derivations(id, &[derivation("big", DerivationState::Built, Some(10))]).await.unwrap();
    let all = store.derivations(id).await.unwrap();
    let names: Vec<_> = all.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["big", "also-small", "small", "old"]);
    assert_eq!((all[0].outcome, all[0].elapsed), (DerivationState::Built, Some(Duration::from_secs(10))));
}

#[tokio::test]
async fn a_log_grows_by_what_is_appended_whatever_bytes_it_holds() {
    let (_folder, store) = store().await;
    let id = begin(&store, "1.1.0").await;
    store.append_log(id, "second", "compiling\n").await.unwrap();
    store.append_log(id, "first", "\u{1b}[31mred\u{1b}[0m\n").await.unwrap();
    store.append_log(id, "second", "nul: \0 and after\n").await.unwrap();
    let logs = store.logs(id).await.unwrap();
    assert_eq!(logs[0].name, "second");
    assert_eq!(logs[0].text, "compiling\nnul: \u{fffd} and after\n");
    assert_eq!(logs[1].text, "\u{1b}[31mred\u{1b}[0m\n");
}

#[tokio::test]
async fn failures_of_the_release_are_counted_and_those_of_the_machine_are_not() {
    let (_folder, store) = store().await;
    for class in [FailureClass::Build, FailureClass::Infrastructure, FailureClass::Timeout] {
        let id = begin(&store, "1.1.0").await;
        store.finish_run(id, &bad(class)).await.unwrap();
    }
    let other = begin(&store, "1.2.0").await;
    store.finish_run(other, &bad(FailureClass::Build)).await.unwrap();
    assert_eq!(store.failed_attempts(&attr("alpha"), "1.1.0").await.unwrap(), 2);
    let ids: Vec<i64> = store.runs(&attr("alpha")).await.unwrap().iter().map(|run| run.id.0).collect();
    assert_eq!(ids, [4, 3, 2, 1]);
}

#[tokio::test]
async fn status_has_the_agreed_keys_and_the_numbers_of_the_versions_last_run() {
    let (_folder, store) = store().await;
    let first = begin(&store, "1.1.0").await;
    store.finish_run(first, &good()).await.unwrap();
    let second = begin(&store, "1.1.0").await;
    store.finish_run(second, &RunResult { reused: 42, built: 0, ..good() }).await.unwrap();
    let other = begin(&store, "1.2.0").await;
    store.finish_run(other, &bad(FailureClass::Build)).await.unwrap();
    let state = PackageState {
        state: State::UpToDate,
        version: Some("1.1.0".to_owned()),
        published: None,
        reason: "newest release".to_owned(),
        code: None,
        next_attempt: Some(at("2026-03-02T00:00:00Z")),
    };
    store.set_state(&attr("alpha"), &state).await.unwrap();
    store.set_current(&attr("alpha"), "1.1.0", Strategy::Shared).await.unwrap();
    insta::assert_json_snapshot!(store.status().await.unwrap(), @r#"
    [
      {
        "attr": "alpha",
        "purl": "pkg:cargo/alpha",
        "version": "1.1.0",
        "state": "up_to_date",
        "reason": "newest release",
        "strategy": "shared",
        "reused": 42,
        "built": 0,
        "next_attempt": "2026-03-02T00:00:00Z",
        "pull_request": null
      },
      {
        "attr": "beta",
        "purl": "pkg:cargo/beta",
        "version": null,
        "state": "new",
        "reason": "not looked at yet",
        "strategy": null,
        "reused": null,
        "built": null,
        "next_attempt": null,
        "pull_request": null
      }
    ]
    "#);
}
