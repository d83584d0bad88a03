//! Universes made at random, the same for the same seed: modules with and without go.mod, of all go lines, nested in one
//! another, of several major versions, that retract, replace and exclude; packages for some systems only, with C, with tests,
//! gone or moved to another module; and a project or a workspace that uses them.
//!
//! Most of them resolve, some do not: what is drawn is near to what authors write, with a little of what they should not.

mod files;
mod manifest;
mod modules;
mod packages;
mod project;

use std::collections::BTreeMap;

use self::modules::Module;
use self::packages::Package;
use super::universe::Universe;
use crate::chance::Chance;

/// What kind of universe it is: how often which thing is met, in percent.
struct Style {
    /// Packages that have files for some systems only.
    systems: u32,
    /// Packages with C.
    c: u32,
    /// Imports that may go to any package, so that modules need one another in circles.
    cycles: u32,
    /// Imports, versions and lines that are wrong, in a thousand.
    wrong: u32,
    /// Modules with go ≥ 1.17 that leave out what they need indirectly.
    short: u32,
    /// Lines of main modules that replace or exclude.
    replaces: u32,
}

impl Style {
    fn draw(chance: &mut Chance) -> Self {
        let mut one_of = |choices: [u32; 4]| *chance.pick(&choices);
        Self {
            systems: one_of([0, 15, 30, 50]),
            c: one_of([0, 0, 5, 20]),
            cycles: one_of([0, 30, 60, 100]),
            wrong: one_of([0, 0, 3, 12]),
            short: one_of([0, 10, 30, 80]),
            replaces: one_of([0, 10, 25, 60]),
        }
    }
}

/// Everything that is drawn before texts are written: indices of packages are ranks, and a package imports those after it.
struct World {
    style: Style,
    modules: Vec<Module>,
    packages: Vec<Package>,
}

/// A module version by indices.
type At = (usize, usize);

/// The universe of a seed.
pub fn universe(seed: u64) -> Universe {
    let mut chance = Chance(fastrand::Rng::with_seed(seed));
    let chance = &mut chance;
    let style = Style::draw(chance);
    let modules = modules::draw(chance);
    let packages = packages::draw(chance, &style, &modules);
    let world = World { style, modules, packages };
    let mut files = BTreeMap::new();
    let mut needs: BTreeMap<At, manifest::Requires> = BTreeMap::new();
    for (module, content) in world.modules.iter().enumerate() {
        for (version, release) in content.versions.iter().enumerate() {
            let place = format!("proxy/{}@{}", content.path, release.text);
            let imported = packages::write(chance, &world, (module, version), &place, &mut files);
            needs.insert((module, version), manifest::requires(chance, &world, &imported, Some((module, version))));
        }
    }
    for (module, version) in needs.keys() {
        let release = &world.modules[*module].versions[*version];
        if !release.bare {
            let place = format!("proxy/{}@{}/go.mod", world.modules[*module].path, release.text);
            files.insert(place, manifest::of_release(chance, &world, &needs, (*module, *version)));
        }
    }
    let directives = project::write(chance, &world, &needs, &mut files);
    Universe { name: format!("seed {seed}"), directives, files }
}

#[cfg(test)]
mod tests {
    use super::universe;

    #[test]
    fn a_seed_always_gives_the_same_universe() {
        assert_eq!(universe(7), universe(7));
        assert_ne!(universe(7).text(), universe(8).text());
    }

    #[test]
    fn every_kind_of_thing_is_met() {
        let all: String = (0..300).map(|seed| universe(seed).text()).collect();
        for word in [
            "\ngo 1.14\n",
            "\ngo 1.27.0\n",
            "toolchain go",
            "retract ",
            "exclude ",
            "=> ./local",
            "=> registry.example/",
            "+incompatible",
            "/v2@v2.",
            "gopkg.in/",
            "-0.2020",
            "-rc.1",
            "// indirect",
            "tool registry.example/",
            "godebug ",
            "ignore ./",
            "-- go.work --",
            "//go:build",
            "// +build",
            "import \"C\"",
            "_test.go --",
            "//go:embed",
            "/nowhere\"",
            "/internal/",
            "prepare: tidy",
            "prepare: sums",
            "drop: ",
        ] {
            assert!(all.contains(word), "{word} in none of the universes");
        }
    }
}
