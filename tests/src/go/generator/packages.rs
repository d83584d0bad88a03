//! The packages of a universe: where they are found, what they import.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::Module;
use super::{At, Style, World, files};
use crate::chance::Chance;

/// A package, wherever it is.
pub(super) struct Package {
    pub(super) import: String,
    /// The name in its package clause.
    pub(super) name: String,
    /// The modules that have it, in some of their versions.
    pub(super) homes: Vec<Home>,
    /// Indices of the packages that it imports, more or less.
    pub(super) imports: Vec<usize>,
    /// Indices of those that its tests import.
    pub(super) tests: Vec<usize>,
    /// What its files are like, in all versions: a seed.
    pub(super) shape: u64,
}

/// A module that has a package.
pub(super) struct Home {
    pub(super) module: usize,
    /// By version.
    pub(super) has: Vec<bool>,
}

/// What the packages of a module version import from elsewhere: indices of packages.
#[derive(Default)]
pub(super) struct Imported {
    pub(super) packages: BTreeSet<usize>,
}

impl Package {
    /// Whether code at an import path may import it: rules of `internal`, and programs are not imported.
    pub(super) fn is_open_to(&self, importer: &str) -> bool {
        let hidden = self.import.find("/internal/").map(|at| &self.import[..at]);
        self.name != "main"
            && hidden.is_none_or(|above| importer == above || importer.starts_with(&format!("{above}/")))
    }
}

pub(super) fn draw(chance: &mut Chance, style: &Style, modules: &[Module]) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for (index, module) in modules.iter().enumerate() {
        let program = format!("cmd/{}", module.word);
        let dirs =
            [("", 85), ("twig", 40), ("twig/bud", 20), ("internal/seed", 25), (program.as_str(), 15), ("leaf", 15)];
        for (dir, percent) in dirs {
            if !chance.percent(percent) {
                continue;
            }
            let import = if dir.is_empty() { module.path.clone() } else { format!("{}/{dir}", module.path) };
            let last = dir.rsplit('/').next().unwrap_or_default();
            let name = match dir {
                "" => module.word.as_str(),
                _ if dir == program => "main",
                _ => last,
            };
            let has = presence(chance, module.versions.len());
            let mut homes = vec![Home { module: index, has }];
            if let Some(outer) = module.inside {
                homes.push(moved(chance, outer, modules[outer].versions.len()));
            }
            if let Some(known) = packages.iter_mut().find(|package| package.import == import) {
                known.homes.extend(homes.drain(..1));
                continue;
            }
            packages.push(Package {
                import,
                name: name.to_owned(),
                homes,
                imports: Vec::new(),
                tests: Vec::new(),
                shape: chance.0.u64(..),
            });
        }
    }
    chance.0.shuffle(&mut packages);
    if !chance.percent(style.cycles) {
        // In the order of modules, so that these need one another in no circle.
        packages.sort_by_key(|package| package.homes[0].module);
    }
    for index in 0..packages.len() {
        let count = *chance.pick(&[0, 1, 1, 2, 3]);
        let imports = (0..count).filter_map(|_| target(chance, style, &packages, index)).collect();
        let count = *chance.pick(&[0, 0, 1, 2]);
        let tests = (0..count).filter_map(|_| target(chance, style, &packages, index)).collect();
        packages[index].imports = imports;
        packages[index].tests = tests;
    }
    packages
}

/// Versions of a package's own module that have it: all, but for one that came later or went.
fn presence(chance: &mut Chance, versions: usize) -> Vec<bool> {
    let from = if chance.percent(12) { 1.min(versions - 1) } else { 0 };
    let to = if chance.percent(8) { (versions - 1).max(from + 1) } else { versions };
    (0..versions).map(|version| (from..to).contains(&version)).collect()
}

/// Versions of the outer module that have a package of the inner one: the first, none, or all.
fn moved(chance: &mut Chance, module: usize, versions: usize) -> Home {
    let until = match chance.0.u32(0..10) {
        0..4 => 0,
        4..9 => chance.between(0, versions - 1),
        _ => versions,
    };
    Home { module, has: (0..versions).map(|version| version < until).collect() }
}

fn target(chance: &mut Chance, style: &Style, packages: &[Package], importer: usize) -> Option<usize> {
    let wrong = chance.0.u32(0..1000) < style.wrong;
    let from = if wrong { 0 } else { importer + 1 };
    if from >= packages.len() {
        return None;
    }
    let target = chance.between(from, packages.len() - 1);
    (wrong || packages[target].is_open_to(&packages[importer].import)).then_some(target)
}

/// Writes the packages of a module version below a place, and says what they import.
pub(super) fn write(
    chance: &mut Chance,
    world: &World,
    at: At,
    place: &str,
    files: &mut BTreeMap<String, String>,
) -> Imported {
    let path = &world.modules[at.0].path;
    let mut imported = Imported::default();
    for package in &world.packages {
        if !package.homes.iter().any(|home| home.module == at.0 && home.has[at.1]) {
            continue;
        }
        let dir = package.import[path.len()..].trim_start_matches('/');
        let folder = if dir.is_empty() { place.to_owned() } else { format!("{place}/{dir}") };
        let keeps = |chance: &mut Chance, all: &[usize]| -> Vec<usize> {
            all.iter().copied().filter(|_| chance.percent(85)).collect()
        };
        let imports = keeps(chance, &package.imports);
        let tests = keeps(chance, &package.tests);
        imported.packages.extend(imports.iter().chain(&tests));
        let paths = |all: &[usize]| all.iter().map(|index| world.packages[*index].import.clone()).collect();
        let content = files::Content { name: &package.name, imports: paths(&imports), tests: paths(&tests) };
        files::write(chance, &world.style, package.shape, content, &folder, files);
    }
    if files.keys().all(|file| !file.starts_with(&format!("{place}/"))) {
        files.insert(format!("{place}/LICENSE"), "free\n".to_owned());
    }
    imported
}
