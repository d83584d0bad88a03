use super::render;
use crate::store::Figures;

#[test]
fn figures_are_written_as_openmetrics_asks() {
    let figures = Figures {
        packages: vec![
            ("failed".to_owned(), "car\"go\n\\".to_owned(), 3),
            ("up_to_date".to_owned(), "npm".to_owned(), 40),
        ],
        runs: vec![("failed".to_owned(), 12), ("succeeded".to_owned(), 200)],
        running: 1,
        jobs: vec![("check".to_owned(), "queued".to_owned(), 4)],
        oldest_due_seconds: Some(1.5),
        pull_requests: vec![("merged".to_owned(), 188)],
        last_cycle: Some("2026-03-01T09:00:00.5Z".parse().unwrap()),
        last_good_cycle: None,
        bytes: 4096,
    };
    insta::assert_snapshot!(render(figures, true), @r#"
    # HELP nixwright_build The program, by its version
    # TYPE nixwright_build gauge
    nixwright_build{version="0.1.0"} 1.0
    # HELP nixwright_well Whether a look at the upstreams got through lately
    # TYPE nixwright_well gauge
    nixwright_well 1.0
    # HELP nixwright_packages Configured packages
    # TYPE nixwright_packages gauge
    nixwright_packages{state="failed",ecosystem="car\"go\n\\"} 3.0
    nixwright_packages{state="up_to_date",ecosystem="npm"} 40.0
    # HELP nixwright_runs Attempts at releases that have ended
    # TYPE nixwright_runs counter
    nixwright_runs_total{outcome="failed"} 12
    nixwright_runs_total{outcome="succeeded"} 200
    # HELP nixwright_runs_under_way Attempts under way
    # TYPE nixwright_runs_under_way gauge
    nixwright_runs_under_way 1.0
    # HELP nixwright_jobs Jobs in the queue
    # TYPE nixwright_jobs gauge
    nixwright_jobs{kind="check",state="queued"} 4.0
    # HELP nixwright_queue_oldest_due_seconds How long the oldest job that is due waits
    # TYPE nixwright_queue_oldest_due_seconds gauge
    # UNIT nixwright_queue_oldest_due_seconds seconds
    nixwright_queue_oldest_due_seconds 1.5
    # HELP nixwright_pull_requests Pull requests
    # TYPE nixwright_pull_requests gauge
    nixwright_pull_requests{state="merged"} 188.0
    # HELP nixwright_last_cycle_timestamp_seconds When a look at the upstreams last ended
    # TYPE nixwright_last_cycle_timestamp_seconds gauge
    # UNIT nixwright_last_cycle_timestamp_seconds seconds
    nixwright_last_cycle_timestamp_seconds 1772355600.5
    # HELP nixwright_last_good_cycle_timestamp_seconds When one last ended in which not everything failed
    # TYPE nixwright_last_good_cycle_timestamp_seconds gauge
    # UNIT nixwright_last_good_cycle_timestamp_seconds seconds
    # HELP nixwright_database_size_bytes The store
    # TYPE nixwright_database_size_bytes gauge
    # UNIT nixwright_database_size_bytes bytes
    nixwright_database_size_bytes 4096.0
    # EOF
    "#);
}
