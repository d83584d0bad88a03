//! `make corpus-cargo`: units and edges of real programs against cargo's own unit graph, as a Markdown table.
//!
//! Every program of `corpus/cargo.txt`, four targets, with default, no default and all features; then each is built, and says its
//! version; or only the parts that the arguments name (`programs`, `built`). A difference or a program that cannot be resolved or
//! built ends it with exit code 1, after everything was tried. What was downloaded and what cargo said is kept in the person's cache, the
//! latter for each version of cargo: only the first run takes long.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

#[path = "corpus_cargo/built.rs"]
mod built;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nixwright::overlay::cargo::graph_json::render;
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::cargo::Judge;
use nixwright_tests::bot::nixwright;
use nixwright_tests::corpus::Program;
use nixwright_tests::process::{Finished, cargo, files_below, read_text, run, stdout_of, write_file};
use nixwright_tests::unit_graph::{SYSTEMS, UnitGraph, download};
use serde_json::Value;

const SELECTIONS: [(&str, &[&str]); 3] =
    [("default", &[]), ("none", &["--no-default-features"]), ("all", &["--all-features"])];

/// How often what is timed is run; the median counts.
const REPEATS: usize = 5;

struct Row {
    equal: usize,
    differences: Vec<String>,
    units: usize,
    judge: &'static str,
    bytes_a_unit: usize,
    time: Duration,
}

fn main() -> ExitCode {
    // `cargo test --all-targets` starts benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let corpus = Corpus::new();
    let purls: Vec<&str> = include_str!("../corpus/cargo.txt").lines().collect();
    let named = |part: &str| std::env::args().any(|argument| argument == part);
    let all = !(named("programs") || named("built"));
    println!("# Programs of the corpus against cargo's unit graph\n");
    let programs = !(all || named("programs")) || programs(&corpus, &purls);
    let source = |program: &Program| corpus.source((&program.attr, &program.version));
    let built = !(all || named("built")) || built::table(&corpus.home, &purls, source);
    if programs && built { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The table of the graphs; whether all are equal.
fn programs(corpus: &Corpus, purls: &[&str]) -> bool {
    let mut refused = Vec::new();
    let mut resolved = Vec::new();
    let mut failed = false;
    println!("Made by `make corpus-cargo`: units and edges, 4 targets x 3 selections of features. Bytes are those of");
    println!(
        "`graph.json` for four systems, divided by its rows. The time is that of the whole process resolving four"
    );
    println!("systems with facts cached (median of {REPEATS}).\n");
    println!("| program | equal | units, x86_64-linux | judge | bytes a unit | ms |\n|---|---|---|---|---|---|");
    for purl in purls.iter().copied() {
        eprintln!("{purl}");
        match corpus.program(purl) {
            Ok(Row { equal, differences, units, judge, bytes_a_unit, time }) => {
                let all = equal + differences.len();
                println!("| {purl} | {equal} of {all} | {units} | {judge} | {bytes_a_unit} | {} |", time.as_millis());
                failed |= !differences.is_empty();
                for difference in differences {
                    eprintln!("  {difference}");
                }
                resolved.push(purl);
            }
            Err(reason) => refused.push((purl, reason)),
        }
    }
    let together = median(|| corpus.resolve(&resolved).expect_code(0));
    println!("\nAll {} together, one process: {} ms.", resolved.len(), together.as_millis());
    for (purl, reason) in &refused {
        println!("\nNot compared: {purl}: {reason}");
    }
    !failed
}

fn median<T>(mut action: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let started = Instant::now();
            action();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[REPEATS / 2]
}

struct Corpus {
    /// Cargo's home, upstream's sources, our cache.
    home: PathBuf,
    /// What cargo said before, for this version of it.
    said: PathBuf,
}

impl Corpus {
    /// Not below this workspace, which cargo would take the programs for members of.
    fn new() -> Self {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
        let home = cache.expect("HOME").join("nixwright-corpus");
        std::fs::create_dir_all(&home).expect("the folder for what is kept");
        let version = stdout_of(cargo(&home).arg("--version"));
        let said = home.join("said").join(version.trim().replace([' ', '(', ')'], "-"));
        Self { home, said }
    }

    fn resolve(&self, arguments: &[&str]) -> Finished {
        run(nixwright()
            .arg("resolve")
            .args(arguments)
            .current_dir(&self.home)
            .env("XDG_CACHE_HOME", self.home.join("cache")))
    }

    fn program(&self, purl: &str) -> Result<Row, String> {
        let plan = self.resolve(&[purl]);
        if plan.code != Some(0) {
            let reason = plan.stderr.lines().next().unwrap_or_default();
            // Which host said so is nobody's business but this machine's.
            let is_absent = reason.contains(" answered 403") || reason.contains(" answered 404");
            let absent = "a crate of its lock is not on this machine's registry";
            return Err(if is_absent { absent } else { reason }.to_owned());
        }
        let time = median(|| self.resolve(&[purl]));
        let plan: Plan = serde_json::from_str(&plan.stdout).map_err(|error| error.to_string())?;
        let graph = plan.cargo().ok_or("no Rust program")?;
        let written = render(&plan, graph, None);
        let document: Value = serde_json::from_str(&written).map_err(|error| error.to_string())?;
        let rows = count_units(&document);
        let (name, version) = purl.trim_start_matches("pkg:cargo/").split_once('@').ok_or("no version")?;
        let judge = match graph.judge {
            Judge::Facts => "facts",
            Judge::Cargo => "cargo",
        };
        let bytes_a_unit = written.len() / rows.max(1);
        let mut row = Row { equal: 0, differences: Vec::new(), units: 0, judge, bytes_a_unit, time };
        for (system, triple) in SYSTEMS {
            for (word, selection) in SELECTIONS {
                let kept = self.said.join(format!("{name}-{version}/{triple}-{word}"));
                let expected = self.said_by_cargo(&kept, (name, version), triple, selection);
                for (format, expected) in [("cargo-units", &expected.units), ("cargo-edges", &expected.edges)] {
                    let arguments = [&[purl, "--system", system, "--format", format], selection].concat();
                    let ours = self.resolve(&arguments).stdout;
                    if ours.lines().eq(expected.iter().map(String::as_str)) {
                        row.equal += 1;
                    } else {
                        row.differences.push(format!("{system} {word} {format}{}", first_difference(&ours, expected)));
                    }
                    if format == "cargo-units" && system == "x86_64-linux" && word == "default" {
                        row.units = expected.len();
                    }
                }
            }
        }
        Ok(row)
    }

    fn said_by_cargo(&self, kept: &Path, program: (&str, &str), triple: &str, selection: &[&str]) -> UnitGraph {
        let (units, edges) = (kept.with_extension("units"), kept.with_extension("edges"));
        if edges.is_file() {
            let lines = |path: &Path| read_text(path).lines().map(str::to_owned).collect();
            return UnitGraph { units: lines(&units), edges: lines(&edges) };
        }
        let package = self.source(program);
        let graph = UnitGraph::from_cargo(&package, &self.home, triple, selection);
        write_file(&units, graph.units.join("\n"));
        write_file(&edges, graph.edges.join("\n"));
        graph
    }

    /// The program's own folder, with a lock: upstream's, else one that cargo makes.
    fn source(&self, (name, version): (&str, &str)) -> PathBuf {
        let package = self.home.join(format!("{name}-{version}"));
        if !package.is_dir() {
            download(&self.home, name, version);
        }
        if !files_below(&package).iter().any(|file| file.as_os_str() == "Cargo.lock") {
            stdout_of(cargo(&self.home).args(["generate-lockfile", "--quiet"]).current_dir(&package));
        }
        package
    }
}

/// Rows of units, those of single systems included.
fn count_units(graph: &Value) -> usize {
    let rows = |table: &Value| table["units"].as_object().map_or(0, serde_json::Map::len);
    rows(graph) + graph["only"].as_array().into_iter().flatten().map(rows).sum::<usize>()
}

/// The first line that only one side has.
fn first_difference(ours: &str, expected: &[String]) -> String {
    let only_ours = ours.lines().find(|line| !expected.iter().any(|other| other == line));
    let only_cargos = expected.iter().find(|line| !ours.lines().any(|other| other == line.as_str()));
    format!("\n    ours:  {}\n    cargo: {}", only_ours.unwrap_or("-"), only_cargos.map_or("-", String::as_str))
}
