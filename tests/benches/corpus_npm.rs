//! `make corpus-npm`: package-lock.json of real programs and of universes made at random, ours against npm's, as Markdown.
//!
//! Every program of `corpus/npm.txt` against the public registry as it was on one day (left out with
//! `NIXWRIGHT_OFFLINE=1`), then each is built and started, then two thousand universes, or as many as the argument says; or only the
//! parts that the arguments name (`programs`, `built`, `universes`). Anything that is not the same, that npm does not take, or that does
//! not start, ends it with exit code 1 after everything was tried.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the tables are what it is for")]

#[path = "corpus_npm/built.rs"]
mod built;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nixwright_tests::npm::generator::universe;
use nixwright_tests::npm::judge::{ENDLESS, FLAGS, Judge, Outcome, acceptance, first_difference, npm, our_program};
use nixwright_tests::process::{run, write_file};
use serde_json::json;

/// Both sides see the registry as it was at this moment, so that the answer stays.
const BEFORE: &str = "2026-11-24T00:00:00.000Z";

/// The program with the largest tree.
const LARGE: &str = "pkg:npm/%40angular/cli@22.2.7";

/// How often a warm run is repeated; the median counts.
const REPEATS: usize = 5;

fn main() -> ExitCode {
    // `cargo test --all-targets` starts benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let seeds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2000);
    println!("# Locks of npm, ours against npm's own\n\nMade by `make corpus-npm`.");
    let offline = std::env::var_os("NIXWRIGHT_OFFLINE").is_some_and(|value| value == "1");
    let named = |part: &str| std::env::args().any(|argument| argument == part);
    let all = !["programs", "built", "universes"].into_iter().any(named);
    let purls: Vec<&str> = include_str!("../corpus/npm.txt").lines().collect();
    let programs = offline || !(all || named("programs")) || programs(&purls);
    let built = offline || !(all || named("built")) || built::table(&purls);
    let universes = !(all || named("universes")) || universes(seeds);
    if programs && built && universes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Row {
    entries: usize,
    difference: Option<String>,
    ls: Result<(), String>,
    /// npm's own lock, then ours.
    ci: [Result<(), String>; 2],
    ours: Duration,
    npm: Duration,
}

/// The table of the programs; whether all is well.
fn programs(purls: &[&str]) -> bool {
    let home = tempfile::tempdir().expect("a temporary folder");
    println!("\n## Programs\n");
    println!(
        "The public registry as it was at {BEFORE}. Both times are warm, whole processes, median of {REPEATS}; both with"
    );
    println!("`--prefer-offline`. Where `npm ci` refuses npm's own lock too, it has nothing to say about ours.\n");
    println!(
        "| program | entries | bytes | npm ls | npm ci | ours, ms | npm, ms | ratio |\n|---|---|---|---|---|---|---|---|"
    );
    let mut well = true;
    for purl in purls.iter().copied() {
        match program(home.path(), purl) {
            Ok(row) => {
                let bytes = if row.difference.is_none() { "equal" } else { "**differ**" };
                let ls = if row.ls.is_ok() { "ok" } else { "**no**" };
                let ci = match &row.ci {
                    [_, Ok(())] => "ok",
                    [Err(_), Err(_)] => "refuses npm's own",
                    [Ok(()), Err(_)] => "**no**",
                };
                let [ours, theirs] = [row.ours, row.npm].map(|time| time.as_millis());
                let ratio = theirs / ours.max(1);
                println!("| {purl} | {} | {bytes} | {ls} | {ci} | {ours} | {theirs} | {ratio} |", row.entries);
                well &= row.difference.is_none() && row.ls.is_ok() && (row.ci[1].is_ok() || row.ci[0].is_err());
                let said = [row.difference, row.ls.err(), row.ci[1].clone().err()];
                said.into_iter().flatten().for_each(|what| eprintln!("{purl}: {what}"));
            }
            Err(reason) => {
                well = false;
                println!("| {purl} | not resolved | | | | | | |");
                eprintln!("{purl}: {reason}");
            }
        }
    }
    println!("\nMetadata read for {LARGE}, cold, decoded: {} kB.", metadata_read(&home.path().join("cold")) / 1000);
    well
}

/// How many bytes of metadata a resolution reads that has nothing in its cache and sees the registry as it is.
fn metadata_read(cache: &Path) -> usize {
    let mut ours = our_program();
    ours.args(["resolve", LARGE, "--format", "package-lock"]).env("XDG_CACHE_HOME", cache);
    let finished = run(ours.env("NIXWRIGHT_LOG", "nixwright=debug").env("NO_COLOR", "1"));
    let counts = finished.stderr.split("http.bytes=").skip(1);
    counts.filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()).sum()
}

fn program(home: &Path, purl: &str) -> Result<Row, String> {
    let (name, version) = purl.trim_start_matches("pkg:npm/").rsplit_once('@').ok_or("no version")?;
    let name = name.replace("%40", "@");
    let project = |who: &str| {
        let folder = home.join(who).join(name.replace('/', "+"));
        let manifest = json!({"name": "x", "version": "1.0.0", "dependencies": {&name: version}});
        write_file(&folder.join("package.json"), manifest.to_string());
        folder
    };
    let folder = project("npm");
    let (theirs, npm_time) = npms(home, &folder)?;
    let (ours, our_time) = ours(&home.join("cache"), purl)?;
    let own = acceptance(&project("npm-takes"), &theirs, None, home);
    let taken = acceptance(&project("ours-taken"), &ours, None, home);
    for used in ["npm", "npm-takes", "ours-taken"] {
        let _ = std::fs::remove_dir_all(home.join(used));
    }
    Ok(Row {
        entries: theirs.matches("\n    \"").count() - 1,
        difference: first_difference(&theirs, &ours),
        ls: taken.ls,
        ci: [own.ci, taken.ci],
        ours: our_time,
        npm: npm_time,
    })
}

/// npm's lock, and how long it takes when it has everything in its cache.
fn npms(home: &Path, folder: &PathBuf) -> Result<(String, Duration), String> {
    let lock = folder.join("package-lock.json");
    let install = || {
        let _ = std::fs::remove_file(&lock);
        let mut install = npm(home);
        install.arg("install").args(FLAGS).args(["--prefer-offline", "--before", BEFORE]).current_dir(folder);
        let started = Instant::now();
        let finished = run(&mut install);
        let took = started.elapsed();
        if finished.code == Some(0) { Ok(took) } else { Err(format!("npm: {}", finished.stderr)) }
    };
    install()?;
    let time = median((0..REPEATS).map(|_| install()).collect::<Result<_, _>>()?);
    Ok((std::fs::read_to_string(&lock).map_err(|error| error.to_string())?, time))
}

/// Our lock, and how long it takes when everything is in the cache.
fn ours(cache: &Path, purl: &str) -> Result<(String, Duration), String> {
    std::fs::create_dir_all(cache).map_err(|error| error.to_string())?;
    let resolve = || {
        // A plan that is kept would be no resolution.
        let _ = std::fs::remove_dir_all(cache.join("nixwright/plans"));
        let mut ours = our_program();
        ours.args(["resolve", purl, "--format", "package-lock", "--before", BEFORE]).current_dir(cache);
        ours.arg("--prefer-offline");
        let started = Instant::now();
        let finished = run(ours.env("XDG_CACHE_HOME", cache));
        let took = started.elapsed();
        if finished.code == Some(0) { Ok((finished.stdout, took)) } else { Err(finished.stderr) }
    };
    let (lock, _) = resolve()?;
    let times: Vec<Duration> = (0..REPEATS).map(|_| Ok(resolve()?.1)).collect::<Result<_, String>>()?;
    Ok((lock, median(times)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[derive(Default)]
struct Count {
    resolved: usize,
    refused: usize,
    endless: usize,
    /// Universe and first difference.
    different: Vec<(String, String)>,
    invalid: Vec<String>,
}

/// The table of the universes, judged in two processes; whether all is well.
fn universes(seeds: u64) -> bool {
    let halves: Vec<_> = (0..2).map(|half| std::thread::spawn(move || judged((half..seeds).step_by(2)))).collect();
    let counts = halves.into_iter().map(|half| half.join().expect("a judge"));
    let all = counts.reduce(|mut all, other| {
        all.resolved += other.resolved;
        all.refused += other.refused;
        all.endless += other.endless;
        all.different.extend(other.different);
        all.invalid.extend(other.invalid);
        all
    });
    let Count { resolved, refused, endless, mut different, invalid } = all.unwrap_or_default();
    println!("\n## Universes made at random\n\n{seeds} of them, `tests/src/npm/generator`.\n");
    println!("| | |\n|---|---|");
    println!("| npm resolves | {resolved} |\n| npm refuses | {refused} |\n| npm does not come to an end | {endless} |");
    // In hundredths of a percent, rounded down: what differs is not made to vanish.
    let same = (seeds - different.len() as u64) * 10_000 / seeds.max(1);
    println!(
        "| the same bytes, or refused on both sides | {}.{:02} % |\n| locks that npm does not take | {} |",
        same / 100,
        same % 100,
        invalid.len()
    );
    different.sort();
    if !different.is_empty() {
        println!("\n| universe | first difference |\n|---|---|");
    }
    for (name, difference) in &different {
        println!("| {name} | {} |", difference.replace('|', "\\|").replace('\n', " "));
    }
    different.is_empty() && invalid.is_empty()
}

fn judged(seeds: impl Iterator<Item = u64>) -> Count {
    let mut judge = Judge::new();
    judge.ask_about_locks();
    let mut count = Count::default();
    for seed in seeds {
        let verdict = judge.compare(&universe(seed));
        match &verdict.npm {
            Outcome::Lock(_) => count.resolved += 1,
            Outcome::Failed { code, .. } if code == ENDLESS => count.endless += 1,
            Outcome::Failed { .. } => count.refused += 1,
        }
        if !verdict.is_valid() {
            count.invalid.push(verdict.name.clone());
        }
        if let Some(difference) = verdict.difference() {
            eprintln!("{}: {difference}", verdict.name);
            count.different.push((verdict.name, difference));
        }
    }
    count
}
