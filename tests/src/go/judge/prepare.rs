//! What is done with a project before it is judged: `go mod tidy`, and what is then changed by hand.

use std::path::Path;

use super::Place;
use crate::go::proxy::all_sums;
use crate::go::universe::{Directive, Universe};
use crate::process::{files_below, run};

/// The universe as both sides get it.
pub(super) fn prepared(place: &Place, universe: &Universe) -> Universe {
    let mut prepared = universe.clone();
    for directive in prepared.directives.split_off(0) {
        match &directive {
            Directive::Tidy => tidy(place, &mut prepared),
            Directive::Sums => {
                for folder in main_folders(&prepared) {
                    add_sums(&mut prepared, &format!("{folder}go.sum"));
                }
            }
            Directive::Drop(what) => in_sums(&mut prepared, |line| (!line.contains(what)).then(|| line.to_owned())),
            Directive::Damage(what) => in_sums(&mut prepared, |line| Some(damaged(line, what))),
            Directive::Refused(_) | Directive::Named(_) => {}
        }
    }
    prepared
}

/// Folders of the main modules, each with a slash at its end or empty.
fn main_folders(universe: &Universe) -> Vec<String> {
    let Some(work) = universe.files.get("go.work") else { return vec![String::new()] };
    let used = work.lines().filter_map(|line| line.trim().trim_start_matches("use ").strip_prefix("./"));
    let folders = used.map(|folder| if folder.is_empty() { String::new() } else { format!("{folder}/") });
    folders.filter(|folder| universe.files.contains_key(&format!("{folder}go.mod"))).collect()
}

fn tidy(place: &Place, universe: &mut Universe) {
    let project = place.project(universe, "tidy");
    for folder in main_folders(universe) {
        let mut tidy = place.go.command(&project.join(&folder));
        // Not all can be made tidy; what then stays is judged as it is.
        let _ = run(tidy.args(["mod", "tidy", "-e"]).env("GOWORK", "off").env("GOFLAGS", "-mod=mod -modcacherw"));
    }
    universe.files.retain(|path, _| path.starts_with("proxy/"));
    for file in files_below(&project) {
        let path = file.to_str().expect("plain names").to_owned();
        universe.files.insert(path, read(&project.join(&file)));
    }
    if universe.files.contains_key("go.work") {
        add_sums(universe, "go.work.sum");
    }
    let _ = std::fs::remove_dir_all(project);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn add_sums(universe: &mut Universe, file: &str) {
    let sums = all_sums(universe);
    universe.files.insert(file.to_owned(), sums);
}

fn in_sums(universe: &mut Universe, change: impl Fn(&str) -> Option<String>) {
    for (path, text) in &mut universe.files {
        let own = !path.starts_with("proxy/");
        if own && (path.ends_with("go.sum") || path.ends_with("go.work.sum")) {
            *text = text.lines().filter_map(&change).fold(String::new(), |text, line| text + line.as_str() + "\n");
        }
    }
}

/// A line of go.sum whose sum is another.
fn damaged(line: &str, what: &str) -> String {
    match line.split_once("h1:") {
        Some((before, sum)) if line.contains(what) => {
            let first = if sum.starts_with('A') { 'B' } else { 'A' };
            format!("{before}h1:{first}{}", sum.get(1..).unwrap_or_default())
        }
        _ => line.to_owned(),
    }
}
