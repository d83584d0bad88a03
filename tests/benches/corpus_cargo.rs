//! `make corpus-cargo`: units and edges of real programs against cargo's own unit graph, as a Markdown table.
//!
//! Every program of `corpus/cargo.txt`, four targets, with default, no default and all features. A difference or a
//! program that cannot be resolved ends it with exit code 1, after everything was tried.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nixwright_tests::bot::nixwright;
use nixwright_tests::process::{cargo, files_below, run};
use nixwright_tests::unit_graph::{SYSTEMS, UnitGraph, download};

const SELECTIONS: [&[&str]; 3] = [&[], &["--no-default-features"], &["--all-features"]];

struct Row {
    equal: usize,
    differences: Vec<String>,
    units: usize,
    judge: &'static str,
    time: Duration,
}

fn main() -> ExitCode {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut failed = false;
    println!("# Programs of the corpus against cargo's unit graph\n");
    println!("Made by `make corpus-cargo`: units and edges, 4 targets x 3 selections of features. The time is that of");
    println!("resolving four systems in one process with facts cached and no plan cached.\n");
    println!("| program | equal | units, x86_64-linux | judge | ms |\n|---|---|---|---|---|");
    for purl in include_str!("../corpus/cargo.txt").lines() {
        match program(home.path(), purl) {
            Ok(row) => {
                let Row { equal, differences, units, judge, time } = row;
                println!(
                    "| {purl} | {equal} of {} | {units} | {judge} | {} |",
                    equal + differences.len(),
                    time.as_millis()
                );
                failed |= !differences.is_empty();
                for difference in differences {
                    eprintln!("{purl}: {difference}");
                }
            }
            Err(reason) => {
                failed = true;
                println!("| {purl} | not resolved: {reason} | | | |");
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn program(home: &Path, purl: &str) -> Result<Row, String> {
    let cache = home.join("cache");
    let resolve = |arguments: &[&str]| {
        run(nixwright().args(["resolve", purl]).args(arguments).current_dir(home).env("XDG_CACHE_HOME", &cache))
    };
    let plan = resolve(&[]);
    if plan.code != Some(0) {
        return Err(plan
            .stderr
            .lines()
            .next()
            .unwrap_or_default()
            .split(" for http")
            .next()
            .unwrap_or_default()
            .to_owned());
    }
    let judge = if plan.stdout.contains("\"judge\": \"facts\"") { "facts" } else { "cargo" };
    std::fs::remove_dir_all(cache.join("nixwright/plans")).map_err(|error| error.to_string())?;
    let started = Instant::now();
    resolve(&[]);
    let time = started.elapsed();
    let (name, version) = purl.trim_start_matches("pkg:cargo/").split_once('@').ok_or("no version")?;
    let package = download(home, name, version);
    if !files_below(&package).iter().any(|file| file.file_name() == Some("Cargo.lock".as_ref())) {
        // As design.md says: without a lock of upstream's, cargo makes it.
        run(cargo(home).args(["generate-lockfile", "--quiet"]).current_dir(&package));
    }
    let mut row = Row { equal: 0, differences: Vec::new(), units: 0, judge, time };
    for (system, triple) in SYSTEMS {
        for selection in SELECTIONS {
            let expected = UnitGraph::from_cargo(&package, home, triple, selection);
            for (format, expected) in [("cargo-units", &expected.units), ("cargo-edges", &expected.edges)] {
                let ours = resolve(&[&["--system", system, "--format", format], selection].concat()).stdout;
                if ours.lines().eq(expected.iter().map(String::as_str)) {
                    row.equal += 1;
                } else {
                    row.differences.push(format!("{system} {selection:?} {format}"));
                }
                if format == "cargo-units" && system == "x86_64-linux" && selection.is_empty() {
                    row.units = expected.len();
                }
            }
        }
    }
    Ok(row)
}
