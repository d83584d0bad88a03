use std::collections::{BTreeMap, BTreeSet};

use super::{fits, mark};
use crate::plan::npm::{Entry, Judge, NpmGraph, Source};

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

#[test]
fn lists_mean_what_they_mean_to_npm() {
    let os = |entries: &[&str], system| fits(&list(entries), &[], &[], system);
    assert!(os(&[], "x86_64-linux"));
    assert!(os(&["any"], "x86_64-linux"));
    assert!(!os(&["any", "darwin"], "x86_64-linux"));
    assert!(os(&["linux", "darwin"], "x86_64-linux"));
    assert!(!os(&["win32"], "x86_64-linux"));
    assert!(os(&["!win32"], "x86_64-linux"));
    assert!(!os(&["!linux"], "x86_64-linux"));
    assert!(!os(&["!linux", "linux"], "x86_64-linux"));
    assert!(!os(&["!win32", "darwin"], "x86_64-linux"));
    assert!(os(&["!win32", "darwin"], "aarch64-darwin"));
}

#[test]
fn machines_and_libraries_are_compared_by_nodes_names() {
    let cpu = |cpu: &str, system| fits(&[], &list(&[cpu]), &[], system);
    assert!(cpu("x64", "x86_64-linux") && cpu("arm64", "aarch64-darwin"));
    assert!(!cpu("x64", "aarch64-linux") && !cpu("ia32", "x86_64-linux"));
    let libc = |libc: &str, system| fits(&[], &[], &list(&[libc]), system);
    assert!(libc("glibc", "aarch64-linux") && !libc("musl", "aarch64-linux"));
    // Where there is only one, whoever names a family is for another system.
    assert!(!libc("glibc", "x86_64-darwin") && !libc("!musl", "x86_64-darwin"));
}

/// A graph of lines `path: dependency dependency? …`; a path with `~` is optional, and `@os` is what it is for.
fn graph(lines: &[&str]) -> NpmGraph {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for line in lines {
        let (head, dependencies) = line.split_once(':').unwrap();
        let (path, os) = head.split_once('@').unwrap_or((head, ""));
        let mut entry = Entry { optional: path.ends_with('~'), ..Entry::default() };
        entry.os = os.split('@').filter(|os| !os.is_empty()).map(str::to_owned).collect();
        entry.source = Source::Registry { integrity: "sha512-".to_owned() };
        for dependency in dependencies.split_whitespace() {
            let name = dependency.trim_end_matches('?').to_owned();
            if dependency.ends_with('?') {
                entry.optional_dependencies.insert(name.clone());
            }
            entry.dependencies.insert(name.clone(), name);
        }
        entries.insert(path.trim_end_matches('~').to_owned(), entry);
    }
    let judge = Judge::Shipped { file: String::new() };
    NpmGraph { root: String::new(), entries, systems: BTreeSet::new(), judge, build: None, lock: String::new() }
}

/// Where what stands, on Linux and on darwin: `path:ld`.
fn standing(lines: &[&str]) -> Vec<String> {
    let mut graph = graph(lines);
    mark(&mut graph, &BTreeSet::from(["x86_64-linux".to_owned(), "x86_64-darwin".to_owned()]));
    let letter = |system: &String| if system.ends_with("linux") { 'l' } else { 'd' };
    let entries = graph.entries.iter();
    entries.map(|(path, entry)| format!("{path}:{}", entry.on.iter().map(letter).collect::<String>())).collect()
}

#[test]
fn what_does_not_fit_takes_along_what_only_it_needs() {
    assert_eq!(
        standing(&[":a", "a:b?", "b~@darwin:c d", "c~:", "d:", "e:d"]),
        [":dl", "a:dl", "b:d", "c:d", "d:dl", "e:dl"]
    );
}

#[test]
fn what_cannot_do_without_it_goes_too_as_far_as_it_is_optional() {
    assert_eq!(standing(&[":a?", "a~:b", "b~@darwin:", "c~:b"]), [":dl", "a:d", "b:d", "c:d"]);
    assert_eq!(standing(&[":a", "a:b", "b~@darwin:"]), [":dl", "a:dl", "b:d"]);
}

#[test]
fn what_is_required_stays_for_the_builder_to_refuse() {
    assert_eq!(standing(&[":a", "a@darwin:"]), [":dl", "a:dl"]);
}

#[test]
fn rings_end() {
    assert_eq!(standing(&[":a?", "a~@darwin:b", "b~:a?"]), [":dl", "a:d", "b:d"]);
}

#[test]
fn what_nothing_asks_for_stands_where_its_folder_stands() {
    let lines = [":node_modules/a?", "node_modules/a~@darwin:", "node_modules/a/node_modules/b~:", "c~:"];
    assert_eq!(standing(&lines), [":dl", "c:dl", "node_modules/a:d", "node_modules/a/node_modules/b:d"]);
}
