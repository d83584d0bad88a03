//! Go's answers and ours for seeds that are named on the command line; `tests/src/go/judge/mod.rs` says how.
#![expect(clippy::print_stdout, reason = "the verdicts are what it is for")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use nixwright_tests::go::cases::cases;
use nixwright_tests::go::generator::universe;
use nixwright_tests::go::judge::{Judge, difference};
use nixwright_tests::go::universe::Universe;

fn main() {
    let mut judge = Judge::new();
    let mut wanted = Vec::new();
    let (mut survey, mut compares) = (false, true);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => judge.keep(Path::new(&arguments.next().expect("--keep FOLDER"))),
            "--modules-only" => judge.modules_only(),
            "--survey" => survey = true,
            "--go-only" => compares = false,
            _ => wanted.extend(universes(&argument)),
        }
    }
    let started = Instant::now();
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let (mut resolved, mut different) = (0, 0);
    for universe in &wanted {
        let answers = if compares {
            let (go, ours) = judge.compare(universe);
            if let Some(difference) = difference(&go, &ours) {
                different += 1;
                println!("{}: DIFFERENT\n    {difference}", universe.name);
                continue;
            }
            go
        } else {
            judge.ask_go(universe)
        };
        if answers.resolves() {
            resolved += 1;
        }
        let refusal = answers.refusals().next().unwrap_or("resolves");
        let kind: String = refusal.lines().last().unwrap_or_default().chars().take(150).collect();
        println!("{}: {}", universe.name, if survey { &kind } else { refusal });
        *refusals.entry(kind).or_default() += 1;
    }
    println!("{resolved} of {} resolve, {different} differ, in {:?}", wanted.len(), started.elapsed());
}

/// `17`, or `0..100`, or the beginning of cases' names, or a file.
fn universes(argument: &str) -> Vec<Universe> {
    let named: Vec<Universe> = cases().into_iter().filter(|case| case.name.starts_with(argument)).collect();
    if !named.is_empty() {
        return named;
    }
    if let Ok(text) = std::fs::read_to_string(argument) {
        return vec![Universe::parse(argument, &text)];
    }
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|error| panic!("{argument}: {error}"));
    match argument.split_once("..") {
        Some((from, to)) => (number(from)..number(to)).map(universe).collect(),
        None => vec![universe(number(argument))],
    }
}
