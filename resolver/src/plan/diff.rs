//! What changed between the graphs of two releases, by name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The difference of two sets of `(name, version)`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GraphDiff {
    /// Names that are new, with their versions.
    pub added: Vec<NamedVersions>,
    /// Names that are gone, with the versions they had.
    pub removed: Vec<NamedVersions>,
    /// Names whose set of versions differs.
    pub changed: Vec<ChangedVersions>,
}

/// A crate's name and the versions of it in one graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NamedVersions {
    /// The crate's name.
    pub name: String,
    /// Sorted as text.
    pub versions: Vec<String>,
}

/// A crate's versions before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChangedVersions {
    /// The crate's name.
    pub name: String,
    /// Versions in the old graph that the new one lacks.
    pub from: Vec<String>,
    /// Versions in the new graph that the old one lacks.
    pub to: Vec<String>,
}

impl GraphDiff {
    /// Compares two collections of `(name, version)`; order and repetition do not matter.
    pub fn between<'a>(
        old: impl IntoIterator<Item = (&'a str, &'a str)>,
        new: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let (old, new) = (by_name(old), by_name(new));
        let mut diff = Self::default();
        for (name, versions) in &new {
            match old.get(name) {
                None => diff.added.push(named(name, versions)),
                Some(before) if before != versions => diff.changed.push(ChangedVersions {
                    name: (*name).to_owned(),
                    from: owned(before.difference(versions)),
                    to: owned(versions.difference(before)),
                }),
                Some(_) => {}
            }
        }
        diff.removed = old
            .iter()
            .filter(|(name, _)| !new.contains_key(*name))
            .map(|(name, versions)| named(name, versions))
            .collect();
        diff
    }

    /// Whether the two graphs hold the same packages.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn by_name<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut map: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in pairs {
        map.entry(name).or_default().insert(version);
    }
    map
}

fn named(name: &str, versions: &BTreeSet<&str>) -> NamedVersions {
    NamedVersions { name: name.to_owned(), versions: owned(versions.iter()) }
}

fn owned<'a, 'b: 'a>(versions: impl Iterator<Item = &'a &'b str>) -> Vec<String> {
    versions.map(|version| (*version).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::GraphDiff;

    #[test]
    fn a_second_version_beside_the_first_is_a_change_that_names_only_what_moved() {
        let diff = GraphDiff::between(
            [("syn", "1.0.0"), ("gone", "0.1.0"), ("same", "1.0.0")],
            [("syn", "1.0.0"), ("syn", "2.0.0"), ("same", "1.0.0"), ("new", "3.0.0")],
        );
        assert_eq!(diff.added[0].name, "new");
        assert_eq!(diff.removed[0].name, "gone");
        assert_eq!(diff.changed.len(), 1);
        assert!(diff.changed[0].from.is_empty());
        assert_eq!(diff.changed[0].to, ["2.0.0"]);
    }

    #[test]
    fn equal_graphs_differ_in_nothing_whatever_their_order() {
        let diff = GraphDiff::between([("a", "1"), ("b", "1")], [("b", "1"), ("a", "1"), ("a", "1")]);
        assert!(diff.is_empty());
    }
}
