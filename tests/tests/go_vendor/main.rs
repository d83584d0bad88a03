//! What we would vendor against what `go mod vendor` and `go work vendor` write, in universes of modules.

mod ours;

use std::collections::BTreeSet;
use std::path::Path;

use nixwright_tests::go::generator::universe;
use nixwright_tests::go::judge::{Judge, Place};
use nixwright_tests::go::universe::Universe;
use nixwright_tests::process::{files_below, run};

use self::ours::{Ours, vendored};

/// Universes that are looked at: what they are drawn from, and how many of them Go vendors.
const SEEDS: std::ops::Range<u64> = 4_000..4_060;

#[test]
fn modules_txt_and_the_files_are_those_of_go() {
    let mut judge = Judge::new();
    let mut different = Vec::new();
    let mut written = 0;
    for seed in SEEDS {
        let drawn = universe(seed);
        judge.with(&drawn, |place, prepared| {
            // Where there is no build list, `go mod vendor` may still write something: it does not look at the whole graph, and
            // `go work vendor` overlooks that go.work is too old.
            let (list, _) = place.go.modules(&place.project(prepared, "list"));
            if list.is_err() {
                return;
            }
            match (go(place, prepared), vendored(prepared)) {
                (Ok(go), Ok(ours)) if go == ours => written += 1,
                (Err(_), Err(_)) => {}
                (go, ours) => different.push(format!("{}\n{}", drawn.name, difference(&go, &ours))),
            }
        });
    }
    assert!(different.is_empty(), "{} differ\n{}", different.len(), different.join("\n\n"));
    assert!(written * 2 > SEEDS.count(), "only {written} could be vendored");
}

/// What Go writes.
fn go(place: &Place, universe: &Universe) -> Result<Ours, String> {
    let project = place.project(universe, "vendor");
    let _ = std::fs::remove_dir_all(project.join("vendor"));
    let command = if universe.files.contains_key("go.work") { "work" } else { "mod" };
    let finished = run(place.go.command(&project).args([command, "vendor"]));
    if finished.code != Some(0) {
        return Err(finished.stderr);
    }
    let vendor = project.join("vendor");
    let modules_txt = std::fs::read_to_string(vendor.join("modules.txt")).unwrap_or_default();
    Ok(Ours { modules_txt, files: if vendor.exists() { files(&vendor) } else { BTreeSet::new() } })
}

fn files(vendor: &Path) -> BTreeSet<String> {
    let names = files_below(vendor).into_iter().map(|path| path.to_str().expect("plain names").to_owned());
    names.filter(|name| name != "modules.txt").collect()
}

fn difference(go: &Result<Ours, String>, ours: &Result<Ours, String>) -> String {
    let (Ok(theirs), Ok(own)) = (go, ours) else { return format!("Go: {go:?}\nours: {ours:?}") };
    if theirs.modules_txt != own.modules_txt {
        return format!("Go:\n{}\nours:\n{}", theirs.modules_txt, own.modules_txt);
    }
    let only = |one: &Ours, other: &Ours| one.files.difference(&other.files).cloned().collect::<Vec<_>>();
    format!("only Go's: {:?}, only ours: {:?}", only(theirs, own), only(own, theirs))
}
