//! Where two sides differ.

use std::collections::BTreeSet;

use super::answer::{Answer, Answers, PackageSet};

/// The first difference in words; `None` where both say the same, or both refuse.
pub fn difference(go: &Answers, ours: &Answers) -> Option<String> {
    let lines = |lines: &Vec<String>| lines.clone();
    let unordered = |lines: &BTreeSet<String>| lines.iter().cloned().collect();
    let list = one("go list -m all", &go.list, &ours.list, lines);
    // Go draws the graph of a go.mod that it would not build with, too.
    let graph = || go.list.as_ref().ok().and_then(|_| one("go mod graph", &go.graph, &ours.graph, unordered));
    let packages = || {
        let pairs = go.packages.iter().map(|(variant, go)| (variant, go, ours.packages.get(variant)));
        let mut found = pairs.map(|(variant, go, ours)| {
            let what = format!("{}, cgo {}", variant.system, if variant.cgo { "on" } else { "off" });
            match ours {
                Some(ours) => one(&what, go, ours, packages_in_lines),
                None => Some(format!("{what}: ours has no answer")),
            }
        });
        found.find_map(|difference| difference)
    };
    list.or_else(graph).or_else(packages)
}

fn packages_in_lines(set: &PackageSet) -> Vec<String> {
    let others = set.others.iter().map(|(path, line)| format!("{path} {line}"));
    others.chain(set.standard.iter().map(|path| format!("std {path}"))).collect()
}

fn one<T>(what: &str, go: &Answer<T>, ours: &Answer<T>, lines: impl Fn(&T) -> Vec<String>) -> Option<String> {
    match (go, ours) {
        (Err(_), Err(_)) => None,
        (Err(words), Ok(_)) => Some(format!("{what}: Go refuses ({words}), ours does not")),
        (Ok(_), Err(words)) => Some(format!("{what}: ours refuses: {words}")),
        (Ok(go), Ok(ours)) => first_of(what, &lines(go), &lines(ours)),
    }
}

fn first_of(what: &str, go: &[String], ours: &[String]) -> Option<String> {
    if go == ours {
        return None;
    }
    let only = |from: &[String], other: &[String]| {
        let only = from.iter().filter(|line| !other.contains(line));
        only.take(3).fold(String::new(), |text, line| text + "\n      " + line.as_str())
    };
    let (theirs, own) = (only(go, ours), only(ours, go));
    let order = if theirs.is_empty() && own.is_empty() { "another order" } else { "" };
    Some(format!("{what}: {order}only Go:{theirs}\n    only ours:{own}"))
}
