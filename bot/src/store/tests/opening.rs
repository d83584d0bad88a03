use super::{NOON, at, attr, open_at, store};
use crate::model::{Clock, FailureClass};
use crate::store::open::MIGRATIONS;
use crate::store::{NewRun, PackageState, RunOutcome, State, Store, StoreError};

fn clock() -> Clock {
    Clock::fixed(at(NOON))
}

fn new_run() -> NewRun {
    NewRun { attr: attr("alpha"), version: "1.0.0".to_owned(), from_version: None }
}

fn updating() -> PackageState {
    PackageState {
        state: State::Updating,
        version: Some("1.0.0".to_owned()),
        published: None,
        reason: "building".to_owned(),
        code: None,
        next_attempt: None,
    }
}

#[tokio::test]
async fn the_folder_is_made_and_what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("deep/var");
    let store = open_at(&inner, NOON).await;
    store.sync_packages(&[super::configured("alpha")]).await.unwrap();
    store.close().await;
    let names: Vec<_> = open_at(&inner, NOON).await.status().await.unwrap();
    assert_eq!(names[0].attr, attr("alpha"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "These are my notes, longer than the header of a database would be, and dear to me.\n".repeat(20);
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(&path, &text).unwrap();
    let error = Store::open(&path, clock()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("notes.txt is not a Nixwright database; move it away"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_by_name_of_its_step() {
    let (folder, store) = store().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9001, 'from the future', 1, x'00', 0)",
    )
    .execute(&store.pool)
    .await
    .unwrap();
    store.close().await;
    let error = Store::open(&folder.path().join("nixwright.db"), clock()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { step: 9001, .. }), "{error:?}");
}

#[tokio::test]
async fn a_path_that_cannot_hold_a_database_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path(), clock()).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");

    let file = folder.path().join("file");
    std::fs::File::create(&file).unwrap();
    let error = Store::open(&file.join("nixwright.db"), clock()).await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("set `state_dir`"), "{error}");
}

#[tokio::test]
async fn the_settings_that_keep_the_data_whole_are_in_force() {
    let (_folder, store) = store().await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.pool).await.unwrap();
    let keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&store.pool).await.unwrap();
    let wait: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&store.pool).await.unwrap();
    assert_eq!((journal.as_str(), keys, wait), ("wal", 1, 30_000));
}

#[tokio::test]
async fn every_step_of_the_schema_is_compiled_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(MIGRATIONS.iter().count(), files, "touch bot/src/store/open.rs after adding a migration");
}

#[tokio::test]
async fn the_run_of_a_process_that_died_is_failed_and_its_package_due_at_once() {
    let (folder, store) = store().await;
    let run = store.begin_run(&new_run()).await.unwrap();
    store.set_state(&attr("alpha"), &updating()).await.unwrap();
    store.close().await;

    let store = open_at(folder.path(), super::ONE).await;
    let run = store.run(run).await.unwrap().unwrap();
    assert_eq!(run.outcome, Some(RunOutcome::Failed));
    assert_eq!(run.finished, Some(at(super::ONE)));
    let failure = run.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Infrastructure);
    assert!(failure.message.starts_with("interrupted"), "{}", failure.message);
    let state = store.state(&attr("alpha")).await.unwrap().unwrap();
    assert_eq!((state.state, state.next_attempt), (State::Failed, Some(at(super::ONE))));
    assert_eq!(store.failed_attempts(&attr("alpha"), "1.0.0").await.unwrap(), 0);
    assert_eq!(store.events(&attr("alpha")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn looking_at_the_store_does_not_end_a_run_that_is_under_way() {
    let (folder, worker) = store().await;
    let run = worker.begin_run(&new_run()).await.unwrap();
    let reader = open_at(folder.path(), NOON).await;
    assert_eq!(reader.run(run).await.unwrap().unwrap().finished, None);

    // A reader that came first does not stand in the worker's way, and one after the worker's end clears up.
    drop(reader);
    worker.close().await;
    let later = open_at(folder.path(), NOON).await;
    assert!(later.run(run).await.unwrap().unwrap().finished.is_some());
}
