//! Universes made at random, the same for the same seed: packages with plugins and hosts, ranges of all kinds, optional
//! and platform packages, aliases, bundles, cycles, tags, deprecations; and a project with overrides or a workspace.
//!
//! Most of them resolve, some do not: what is drawn is near to what authors write, with a little of what they should not.

mod packages;
mod project;
mod versions;

use serde_json::{Map, Value, json};

use super::universe::Universe;
use crate::chance::Chance;
use versions::Releases;

/// What kind of universe it is: how often which thing is met.
struct Style {
    /// Percent of packages that are plugins of a host.
    plugins: u32,
    /// Percent of dependencies that are optional ones.
    optional: u32,
    /// Percent of dependencies that may go to any package, so that there are cycles.
    cycles: u32,
    /// Percent of peers that do not fit their host's versions well.
    clumsy: u32,
    /// Percent of packages that bundle something.
    bundles: u32,
    /// Percent of dependencies that go by an alias.
    aliases: u32,
}

impl Style {
    fn draw(chance: &mut Chance) -> Self {
        let mut one_of = |choices: [u32; 4]| *chance.pick(&choices);
        Self {
            plugins: one_of([0, 15, 30, 60]),
            optional: one_of([0, 5, 10, 25]),
            cycles: one_of([0, 0, 10, 40]),
            clumsy: one_of([0, 0, 5, 25]),
            bundles: one_of([0, 0, 0, 15]),
            aliases: one_of([0, 0, 3, 8]),
        }
    }
}

/// A package that is to be, before its manifests are written.
struct Package {
    name: String,
    releases: Releases,
    kind: Kind,
}

enum Kind {
    Plain,
    /// A plugin of the packages with these indices.
    Plugin(Vec<usize>),
    /// For some platforms only.
    Platform(Value),
}

/// The universe of a seed.
pub fn universe(seed: u64) -> Universe {
    let mut chance = Chance(fastrand::Rng::with_seed(seed));
    let style = Style::draw(&mut chance);
    let packages = packages::draw(&mut chance, &style);
    let mut registry = Map::new();
    for index in 0..packages.len() {
        packages::write(&mut chance, &style, &packages, index, &mut registry);
    }
    let mut content = json!({});
    project::write(&mut chance, &packages, &mut content);
    content["registry"] = Value::Object(registry);
    let mut tags = Map::new();
    for package in &packages {
        let drawn = package.releases.tags(&mut chance);
        if !drawn.is_empty() {
            tags.insert(package.name.clone(), Value::Object(drawn));
        }
    }
    content["tags"] = Value::Object(tags);
    Universe::new(&format!("seed {seed}"), content)
}

#[cfg(test)]
mod tests {
    use super::universe;

    #[test]
    fn a_seed_always_gives_the_same_universe() {
        assert_eq!(universe(7).content(), universe(7).content());
        assert_ne!(universe(7).content(), universe(8).content());
    }

    #[test]
    fn every_kind_of_thing_is_met() {
        let all: String = (0..300).map(|seed| universe(seed).content().to_string()).collect();
        for word in [
            "peerDependenciesMeta",
            "optionalDependencies",
            "bundleDependencies",
            "acceptDependencies",
            "deprecated",
            "\"os\"",
            "\"engines\"",
            "npm:",
            "overrides",
            "workspaces",
            "npm-shrinkwrap.json",
            "file:",
            "before",
            "nowhere",
            "\"latest\"",
        ] {
            assert!(all.contains(word), "{word} in none of the universes");
        }
    }
}
