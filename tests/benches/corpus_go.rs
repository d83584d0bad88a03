//! `make corpus-go`: build lists and packages of real programs and of universes made at random, ours against Go's, as Markdown.
//!
//! Every program of `corpus/go.txt` (left out with `NIXWRIGHT_OFFLINE=1`) on four systems, with and without C, then what the bot
//! builds of them, then two thousand universes, or as many as the argument says; or only the parts that the arguments name
//! (`programs`, `binaries`, `universes`). Anything that is not the same ends it with exit code 1 after everything was
//! tried. Real modules come from the machine's own proxies and stay in its module cache: only the first run takes minutes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the tables are what it is for")]

#[path = "corpus_go/binaries.rs"]
mod binaries;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nixwright::model::Strategy;
use nixwright::overlay::go::files;
use nixwright_resolver::plan::go::GoGraph;
use nixwright_resolver::plan::{Graph, Plan};
use nixwright_tests::go::generator::universe;
use nixwright_tests::go::judge::{Answers, Go, Judge, Variant, difference, package_set, variants};
use nixwright_tests::go::program::Program;
use nixwright_tests::npm::judge::our_program;
use nixwright_tests::process::{Finished, run};

/// How often a warm run is repeated; the median counts.
const REPEATS: usize = 5;

fn main() -> ExitCode {
    // `cargo test --all-targets` starts benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let seeds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2000);
    println!("# Modules and packages of Go, ours against Go's own\n\nMade by `make corpus-go`.");
    let offline = std::env::var_os("NIXWRIGHT_OFFLINE").is_some_and(|value| value == "1");
    let named = |part: &str| std::env::args().any(|argument| argument == part);
    let all = !["programs", "binaries", "universes"].into_iter().any(named);
    let programs = offline || !(all || named("programs")) || programs();
    let binaries = offline || !(all || named("binaries")) || binaries();
    let universes = !(all || named("universes")) || universes(seeds);
    if programs && binaries && universes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Row {
    /// Nothing where the proxies do not give Go what it needs for a build list, but what it needs to build.
    modules: Option<usize>,
    packages: usize,
    difference: Option<String>,
    /// Of how many variants the packages and their files are equal.
    equal: usize,
    ours: Duration,
    go: Option<Duration>,
    bytes_a_package: Option<usize>,
}

impl fmt::Display for Row {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differs = self.difference.as_ref().is_some_and(|what| what.starts_with("go list"));
        match self.modules {
            Some(modules) => write!(to, "{modules} | {}", if differs { "**differs**" } else { "equal" })?,
            None => write!(to, "- | not served to Go")?,
        }
        let ours = self.ours.as_millis();
        write!(to, " | {} | {} of 8 | {ours}", self.packages, self.equal)?;
        match self.go.map(|time| time.as_millis()) {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
            Some(go) => write!(to, " | {go} | {:.1}", go as f64 / ours.max(1) as f64)?,
            None => write!(to, " | - | -")?,
        }
        match self.bytes_a_package {
            Some(bytes) => write!(to, " | {bytes}"),
            None => write!(to, " | -"),
        }
    }
}

/// The table of the programs; whether all is well.
fn programs() -> bool {
    println!("\n## Programs\n");
    println!(
        "The build list against `go list -m all`; packages, their files, imports, embedded files and flags of C against"
    );
    println!(
        "`go list -deps -json` on four systems, with and without C. Both times are warm, whole processes, median of {REPEATS}:"
    );
    println!(
        "`nixwright resolve` for all four systems, and `go list -m all` with `go list -deps` for one. Bytes are those of"
    );
    println!("graph.json for four systems, modules included.\n");
    println!("| program | modules | list | packages | equal | ours, ms | Go, ms | ratio | bytes a package |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let home = tempfile::tempdir().expect("a temporary folder");
    let go = Go::of_the_machine(home.path());
    let mut well = true;
    for purl in include_str!("../corpus/go.txt").lines() {
        eprintln!("{purl}");
        match program(home.path(), &go, &Program::parse(purl)) {
            Ok(row) => {
                println!("| {purl} | {row} |");
                well &= row.difference.is_none();
                row.difference.iter().for_each(|what| eprintln!("  {what}"));
            }
            Err(reason) => {
                let absent = not_served(&reason);
                match &absent {
                    Some(module) => println!(
                        "| {purl} | not compared: Go finds no {module} on this machine's proxy | | | | | | | |"
                    ),
                    None => println!("| {purl} | not resolved | | | | | | | |"),
                }
                well &= absent.is_some();
                eprintln!("  {reason}");
            }
        }
    }
    well
}

/// The module that the proxies refuse to Go, where its words say so.
fn not_served(said: &str) -> Option<&str> {
    let refused =
        said.lines().find(|line| [": 403 Forbidden", ": 404 Not Found"].iter().any(|end| line.ends_with(end)))?;
    let words = refused.split_whitespace().map(|word| word.trim_end_matches(':'));
    words.rev().find(|word| word.contains('@') && !word.contains("://"))
}

/// The table of what the bot builds; `NIXWRIGHT_CORPUS`, a word, keeps it to programs whose purl has that.
fn binaries() -> bool {
    let home = tempfile::tempdir().expect("a temporary folder");
    let go = Go::of_the_machine(home.path());
    let wanted = std::env::var("NIXWRIGHT_CORPUS").unwrap_or_default();
    let purls: Vec<&str> = include_str!("../corpus/go.txt").lines().filter(|purl| purl.contains(&wanted)).collect();
    binaries::table(home.path(), &go, &purls)
}

fn program(home: &Path, go: &Go, program: &Program) -> Result<Row, String> {
    let folder = home.join("program");
    program.unpack(go, &folder)?;
    let (list, go_time) = match gos(go, &folder, program)? {
        Some((list, time)) => (Ok(list), Some(time)),
        None => (Err("not served".to_owned()), None),
    };
    let packages = variants().into_iter().map(|variant| {
        let answer = go.packages_of(&folder, &variant, &[&program.pattern]);
        (variant, answer)
    });
    let theirs = Answers { list, graph: Err(String::new()), packages: packages.collect() };
    let _ = std::fs::remove_dir_all(&folder);
    let (mut own, plan, time) = ours(&home.join("cache"), program)?;
    if theirs.list.is_err() {
        own.list.clone_from(&theirs.list);
    }
    let variant_differs = |variant: &Variant| {
        let one = |answers: &Answers| Answers {
            list: Err(String::new()),
            graph: Err(String::new()),
            packages: answers
                .packages
                .iter()
                .filter(|(other, _)| *other == variant)
                .map(|(a, b)| (a.clone(), b.clone()))
                .collect(),
        };
        difference(&one(&theirs), &one(&own)).is_some()
    };
    let packages: BTreeSet<&String> = graph_of(&plan)?.packages.keys().collect();
    Ok(Row {
        modules: theirs.list.as_ref().ok().map(Vec::len),
        packages: packages.len(),
        difference: difference(&theirs, &own),
        equal: variants().iter().filter(|variant| !variant_differs(variant)).count(),
        ours: time,
        go: go_time,
        bytes_a_package: bytes(&plan)?.map(|bytes| bytes / packages.len().max(1)),
    })
}

/// `go list -m all`, and how long that and `go list -deps` take when Go has everything in its caches; nothing where the proxies
/// lack a go.mod file that only the former needs.
fn gos(go: &Go, folder: &Path, program: &Program) -> Result<Option<(Vec<String>, Duration)>, String> {
    let list = || timed(go.command(folder).env("GOWORK", "off").args(["list", "-m", "all"]));
    let packages = || timed(go.command(folder).env("GOWORK", "off").args(["list", "-deps", &program.pattern]));
    packages()?;
    let lines = match list() {
        Ok((lines, _)) => lines,
        Err(said) if said.contains("unrecognized import path") || not_served(&said).is_some() => return Ok(None),
        Err(said) => return Err(said),
    };
    let times = (0..REPEATS).map(|_| Ok(list()?.1 + packages()?.1)).collect::<Result<_, String>>()?;
    Ok(Some((lines.stdout.lines().map(str::to_owned).collect(), median(times))))
}

/// Our answers, the plan without C, and how long a plan takes when everything is in the cache.
fn ours(cache: &Path, program: &Program) -> Result<(Answers, Plan, Duration), String> {
    std::fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    let resolve = |format: &str, cgo: &str| {
        // A plan that is kept would be no resolution.
        let _ = std::fs::remove_dir_all(cache.join("nixwright/plans"));
        let mut ours = our_program();
        ours.args(["resolve", &program.purl, "--format", format, "--cgo", cgo]).current_dir(cache);
        timed(ours.env("XDG_CACHE_HOME", cache))
    };
    let plan = |cgo: &str| -> Result<Plan, String> {
        serde_json::from_str(&resolve("plan", cgo)?.0.stdout).map_err(|error| error.to_string())
    };
    let plans = [(true, plan("on")?), (false, plan("off")?)];
    let mut packages = BTreeMap::new();
    for variant in variants() {
        for (_, plan) in plans.iter().filter(|(cgo, _)| *cgo == variant.cgo) {
            let graph = graph_of(plan)?;
            packages.insert(variant.clone(), Ok(package_set(&graph.packages, &graph.standard, variant.system)));
        }
    }
    let list = resolve("go-build-list", "off")?.0.stdout.lines().map(str::to_owned).collect();
    let times = (0..REPEATS).map(|_| Ok(resolve("plan", "off")?.1)).collect::<Result<_, String>>()?;
    let [_, (_, plan)] = plans;
    Ok((Answers { list: Ok(list), graph: Err(String::new()), packages }, plan, median(times)))
}

fn graph_of(plan: &Plan) -> Result<&GoGraph, String> {
    match &plan.graph {
        Graph::Go(graph) => Ok(graph),
        _ => Err("the plan is not one of Go".to_owned()),
    }
}

/// The size of graph.json.
fn bytes(plan: &Plan) -> Result<Option<usize>, String> {
    let files = files(plan, graph_of(plan)?, Strategy::Shared, &[]).map_err(|error| error.to_string())?;
    Ok(files.get("graph.json").map(String::len))
}

fn timed(command: &mut Command) -> Result<(Finished, Duration), String> {
    let started = Instant::now();
    let finished = run(command);
    let took = started.elapsed();
    if finished.code == Some(0) { Ok((finished, took)) } else { Err(finished.stderr) }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[derive(Default)]
struct Count {
    resolved: u64,
    lists: u64,
    refused: u64,
    /// Universe and first difference.
    different: Vec<(String, String)>,
}

/// The table of the universes, judged by two judges; whether all is well.
fn universes(seeds: u64) -> bool {
    let halves: Vec<_> = (0..2).map(|half| std::thread::spawn(move || judged((half..seeds).step_by(2)))).collect();
    let counts = halves.into_iter().map(|half| half.join().expect("a judge"));
    let all = counts.reduce(|mut all, other| {
        all.resolved += other.resolved;
        all.lists += other.lists;
        all.refused += other.refused;
        all.different.extend(other.different);
        all
    });
    let Count { resolved, lists, refused, mut different } = all.unwrap_or_default();
    println!(
        "\n## Universes made at random\n\n{seeds} of them, `tests/src/go/generator`. A refusal has to be one on both sides.\n"
    );
    println!("| | |\n|---|---|");
    println!("| Go lists modules and packages | {resolved} |");
    println!("| Go lists modules, and refuses packages on some system | {lists} |");
    println!("| Go refuses | {refused} |");
    // In hundredths of a percent, rounded down: what differs is not made to vanish.
    let same = (seeds - different.len() as u64) * 10_000 / seeds.max(1);
    println!(
        "| build list, graph, packages and files equal, or refused on both sides | {}.{:02} % |",
        same / 100,
        same % 100
    );
    different.sort();
    if !different.is_empty() {
        println!("\n| universe | first difference |\n|---|---|");
    }
    for (name, difference) in &different {
        println!("| {name} | {} |", difference.replace('|', "\\|").replace('\n', " "));
    }
    different.is_empty()
}

fn judged(seeds: impl Iterator<Item = u64>) -> Count {
    let mut judge = Judge::new();
    let mut count = Count::default();
    for seed in seeds {
        let universe = universe(seed);
        let (go, ours) = judge.compare(&universe);
        match &go.list {
            _ if go.resolves() => count.resolved += 1,
            Ok(_) => count.lists += 1,
            Err(_) => count.refused += 1,
        }
        if let Some(difference) = difference(&go, &ours) {
            eprintln!("{}: {difference}", universe.name);
            count.different.push((universe.name, difference));
        }
    }
    count
}
