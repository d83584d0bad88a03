//! npm's lock and ours for cases and seeds that are named on the command line; `tests/src/npm/judge/mod.rs` says how.
#![expect(clippy::print_stdout, reason = "the verdicts are what it is for")]

use std::path::Path;
use std::process::ExitCode;

use nixwright_tests::npm::cases::cases;
use nixwright_tests::npm::generator::universe;
use nixwright_tests::npm::judge::{Judge, Outcome, Verdict, shrink};
use nixwright_tests::npm::universe::Universe;

fn main() -> ExitCode {
    let mut judge = Judge::new();
    let mut wanted = Vec::new();
    let (mut npm_only, mut survey, mut shrinking) = (false, false, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => judge.keep(Path::new(&arguments.next().expect("--keep FOLDER"))),
            "--npm-only" => npm_only = true,
            "--survey" => survey = true,
            "--shrink" => shrinking = true,
            _ => wanted.extend(universes(&argument)),
        }
    }
    let mut different = 0;
    if shrinking {
        wanted = wanted.iter().map(|universe| smallest(&mut judge, universe)).collect();
    }
    for universe in &wanted {
        if survey {
            println!("{}: {}", universe.name, in_short(&judge.ask_npm(universe)));
            continue;
        }
        let verdict = if npm_only { judge.compare_npm_with_itself(universe) } else { judge.compare(universe) };
        if let Some(difference) = verdict.difference() {
            different += 1;
            println!("{}\n    {difference}", verdict.name);
        } else if wanted.len() < 400 {
            println!("{}: equal ({})", verdict.name, in_short(&verdict.npm));
        }
    }
    println!("{} of {} equal", wanted.len() - different, wanted.len());
    if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is left of a universe when it still differs in the same way.
fn smallest(judge: &mut Judge, universe: &Universe) -> Universe {
    let way = |outcome: &Outcome| match outcome {
        Outcome::Lock(_) => "a lock".to_owned(),
        Outcome::Failed { code, .. } => code.clone(),
    };
    let ways = |verdict: &Verdict| [way(&verdict.npm), way(&verdict.ours)];
    let first = ways(&judge.compare(universe));
    shrink(judge, universe, |judge, smaller| {
        let verdict = judge.compare(smaller);
        verdict.difference().is_some() && ways(&verdict) == first
    })
}

fn in_short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Lock(lock) => format!("{} rows", lock.matches("\n    \"").count()),
        Outcome::Failed { code, message } => format!("{code} {message}"),
    }
}

/// `cases`, the name of a case or its beginning, a seed, or seeds from one to another.
fn universes(argument: &str) -> Vec<Universe> {
    let (first, last) = argument.split_once('-').unwrap_or((argument, argument));
    if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
        return (first..=last).map(universe).collect();
    }
    let all = cases().into_iter();
    let found: Vec<Universe> = all.filter(|case| argument == "cases" || case.name.starts_with(argument)).collect();
    assert!(!found.is_empty(), "no case is called {argument:?}");
    found
}
