//! Which packages stand on which system.
//!
//! The rules are those of npm-install-checks 8 (`checkPlatform`) and of arborist's `optional-set.js`, as npm 11 has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::npm::{Entry, NpmGraph, Source};

/// What node calls a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform<'a> {
    /// `process.platform`: `linux`, `darwin`, …
    pub os: &'a str,
    /// `process.arch`: `x64`, `arm64`, …
    pub cpu: &'a str,
    /// The family of the C library, where there are several: `glibc` or `musl`.
    pub libc: Option<&'a str>,
}

impl<'a> Platform<'a> {
    /// The platform of a Nix system (`aarch64-darwin`); what node has no other name for keeps its own.
    pub fn of_system(system: &'a str) -> Self {
        let (cpu, os) = system.rsplit_once('-').unwrap_or((system, ""));
        let cpu = match cpu {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            "i686" => "ia32",
            "armv6l" | "armv7l" => "arm",
            "powerpc64le" => "ppc64",
            other => other,
        };
        // nixpkgs' Linux is glibc's; a musl system is called differently there (`pkgsMusl`), and not resolved for.
        Self { os, cpu, libc: (os == "linux").then_some("glibc") }
    }
}

/// Whether a package with these fields of its manifest may be installed on a Nix system.
pub fn fits(os: &[String], cpu: &[String], libc: &[String], system: &str) -> bool {
    let platform = Platform::of_system(system);
    listed(os, platform.os)
        && listed(cpu, platform.cpu)
        && (libc.is_empty() || platform.libc.is_some_and(|family| listed(libc, family)))
}

/// None of the excluded (`!win32`), and one of the others if there are any. An empty list, or `any` alone, is all.
fn listed(list: &[String], value: &str) -> bool {
    if list.is_empty() || matches!(list, [only] if only == "any") {
        return true;
    }
    let excluded = list.iter().filter_map(|entry| entry.strip_prefix('!'));
    let mut included = list.iter().filter(|entry| !entry.starts_with('!'));
    if excluded.clone().any(|entry| entry == value) {
        return false;
    }
    excluded.count() == list.len() || included.any(|entry| entry == value)
}

/// Says of every entry on which of the systems it stands, and of the graph which systems it is for.
///
/// An optional entry that does not fit a system is not there, nor is what cannot do without it as far as that is optional
/// itself, nor what only they need. A required one that does not fit stays: the builder refuses that system by name.
pub fn mark(graph: &mut NpmGraph, systems: &BTreeSet<String>) {
    for entry in graph.entries.values_mut() {
        entry.on.clear();
    }
    let tree = Tree::of(graph);
    // What nothing asks for (an optional peer that somebody's lock keeps) stands where its folder stands.
    let all = tree.reached(&BTreeSet::new(), [graph.root.as_str()]);
    let extraneous: Vec<&str> = tree.paths().filter(|path| !all.contains(path)).collect();
    let standing: Vec<(&String, BTreeSet<String>)> = systems
        .iter()
        .map(|system| {
            let dropped = tree.dropped(system);
            let seeds = extraneous.iter().copied().chain([graph.root.as_str()]);
            let reached = tree.reached(&dropped, seeds);
            let standing = reached.iter().filter(|path| tree.has_ground(path, &reached));
            (system, standing.map(|path| (*path).to_owned()).collect())
        })
        .collect();
    for (system, paths) in standing {
        for path in paths {
            if let Some(entry) = graph.entries.get_mut(&path) {
                entry.on.insert(system.clone());
            }
        }
    }
    graph.systems.clone_from(systems);
}

/// The entries with their edges in both directions.
struct Tree<'a> {
    entries: &'a BTreeMap<String, Entry>,
    /// Who cannot do without an entry.
    needed_by: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Tree<'a> {
    fn of(graph: &'a NpmGraph) -> Self {
        let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, entry) in &graph.entries {
            for (name, target) in &entry.dependencies {
                if !entry.optional_dependencies.contains(name) {
                    needed_by.entry(target).or_default().push(path);
                }
            }
            if let Source::Link { target } = &entry.source {
                needed_by.entry(target).or_default().push(path);
            }
        }
        Self { entries: &graph.entries, needed_by }
    }

    fn paths(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(String::as_str)
    }

    /// The optional entries that do not fit, and the optional ones that cannot do without one of them.
    fn dropped(&self, system: &str) -> BTreeSet<&'a str> {
        let unfit = |entry: &Entry| entry.optional && !fits(&entry.os, &entry.cpu, &entry.libc, system);
        let mut queue: Vec<&str> =
            self.entries.iter().filter(|(_, entry)| unfit(entry)).map(|(path, _)| path.as_str()).collect();
        let mut dropped: BTreeSet<&str> = queue.iter().copied().collect();
        while let Some(path) = queue.pop() {
            for needing in self.needed_by.get(path).into_iter().flatten().copied() {
                let optional = self.entries.get(needing).is_some_and(|entry| entry.optional);
                if optional && dropped.insert(needing) {
                    queue.push(needing);
                }
            }
        }
        dropped
    }

    /// What the seeds lead to, without what was dropped.
    fn reached<'s>(&self, dropped: &BTreeSet<&str>, seeds: impl IntoIterator<Item = &'s str>) -> BTreeSet<&'a str> {
        let mut queue: Vec<&str> = seeds.into_iter().collect();
        let mut reached = BTreeSet::new();
        while let Some(path) = queue.pop() {
            let Some((path, entry)) = self.entries.get_key_value(path) else { continue };
            if dropped.contains(path.as_str()) || !reached.insert(path.as_str()) {
                continue;
            }
            queue.extend(entry.dependencies.values().map(String::as_str));
            if let Source::Link { target } = &entry.source {
                queue.push(target);
            }
        }
        reached
    }

    /// Whether the folders around an entry are there too.
    fn has_ground(&self, path: &str, reached: &BTreeSet<&str>) -> bool {
        let mut inner = path;
        while let Some((outer, _)) = inner.rsplit_once("/node_modules/") {
            if self.entries.contains_key(outer) && !reached.contains(outer) {
                return false;
            }
            inner = outer;
        }
        true
    }
}

#[cfg(test)]
mod tests;
