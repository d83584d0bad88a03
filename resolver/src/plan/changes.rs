//! What a release changes beyond versions: licences, and code that runs while building.

use std::collections::{BTreeMap, BTreeSet};

use super::components::{CodeKind, Component, Components};

/// How licences changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LicenseChanges {
    /// The package's own, before and after, if they differ.
    pub root: Option<(Option<String>, Option<String>)>,
    /// Dependencies that were there before, whose licences differ; sorted by name.
    pub dependencies: Vec<LicenseChange>,
    /// Licences that nothing in the graph had before, each with a package that brings it; sorted.
    pub new: Vec<(String, String)>,
}

/// The licences of all versions of one dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseChange {
    /// The dependency.
    pub name: String,
    /// Before, sorted.
    pub from: Vec<String>,
    /// After, sorted.
    pub to: Vec<String>,
}

impl LicenseChanges {
    /// Compares two releases.
    pub fn between(old: &Components, new: &Components) -> Self {
        let license = |components: &Components| components.by_purl.get(&components.root)?.license.clone();
        let (from, to) = (license(old), license(new));
        let (before, after) = (by_name(old), by_name(new));
        let dependencies = after.iter().filter_map(|(name, to)| {
            let from = before.get(name).filter(|from| *from != to)?;
            let texts = |set: &BTreeSet<&str>| set.iter().map(|text| (*text).to_owned()).collect();
            Some(LicenseChange { name: (*name).to_owned(), from: texts(from), to: texts(to) })
        });
        let known: BTreeSet<&str> = before.values().flatten().copied().collect();
        let brought = after
            .iter()
            .flat_map(|(name, texts)| texts.iter().map(move |text| (*text, *name)))
            .filter(|(text, _)| !known.contains(text) && *text != NONE)
            .rev()
            .collect::<BTreeMap<_, _>>();
        Self {
            root: (from != to).then_some((from, to)),
            dependencies: dependencies.collect(),
            new: brought.into_iter().map(|(text, name)| (text.to_owned(), name.to_owned())).collect(),
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.root.is_none() && self.dependencies.is_empty() && self.new.is_empty()
    }
}

/// Stands for a manifest that names no licence.
const NONE: &str = "none named";

/// Licences of all but the root.
fn by_name(components: &Components) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut map: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for component in components.by_purl.values().filter(|component| component.purl != components.root) {
        map.entry(&component.name).or_default().insert(component.license.as_deref().unwrap_or(NONE));
    }
    map
}

/// Whether code that runs while building was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Novelty {
    /// The package, or this kind of code in it, is new.
    New,
    /// Another version of the package had it too.
    Changed,
    /// The same version had it.
    Same,
}

/// Code of a package that runs while building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsCode {
    /// `name-version`.
    pub package: String,
    /// What kind of code.
    pub kind: CodeKind,
    /// Compared with the release before.
    pub novelty: Novelty,
}

/// What runs code while building, compared with the release before; without one, nothing counts as new.
pub fn runs_code(old: Option<&Components>, new: &Components) -> Vec<RunsCode> {
    let known = |component: &Component, kind: CodeKind| {
        let Some(old) = old else { return Novelty::Same };
        let had_it = |other: &&Component| other.name == component.name && other.runs.contains(&kind);
        let before: Vec<&Component> = old.by_purl.values().filter(had_it).collect();
        match before.iter().any(|other| other.version == component.version) {
            true => Novelty::Same,
            false if before.is_empty() => Novelty::New,
            false => Novelty::Changed,
        }
    };
    new.by_purl
        .values()
        .flat_map(|component| component.runs.iter().map(move |kind| (component, *kind)))
        .map(|(component, kind)| RunsCode {
            package: format!("{}-{}", component.name, component.version),
            kind,
            novelty: known(component, kind),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{CodeKind, Component, Components, LicenseChanges, Novelty, runs_code};

    fn components(rows: &[(&str, &str, Option<&str>, Option<CodeKind>)]) -> Components {
        let mut components = Components { root: format!("{}@{}", rows[0].0, rows[0].1), ..Components::default() };
        for (name, version, license, runs) in rows {
            let purl = format!("{name}@{version}");
            let component = Component {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                purl: purl.clone(),
                license: license.map(str::to_owned),
                hash: None,
                builds_only: false,
                runs: runs.iter().copied().collect(),
            };
            components.by_purl.insert(purl, component);
        }
        components
    }

    #[test]
    fn licences_are_compared_by_name_and_new_ones_are_named() {
        let old = components(&[
            ("root", "1", Some("MIT"), None),
            ("same", "1", Some("MIT"), None),
            ("moved", "1", Some("MIT"), None),
            ("silent", "1", Some("ISC"), None),
        ]);
        let new = components(&[
            ("root", "2", Some("GPL-3.0-only"), None),
            ("same", "2", Some("MIT"), None),
            ("moved", "1", Some("MIT"), None),
            ("moved", "2", Some("BUSL-1.1"), None),
            ("silent", "2", None, None),
            ("fresh", "1", Some("Zlib"), None),
        ]);
        let changes = LicenseChanges::between(&old, &new);
        assert_eq!(changes.root, Some((Some("MIT".to_owned()), Some("GPL-3.0-only".to_owned()))));
        let said: Vec<String> =
            changes.dependencies.iter().map(|c| format!("{} {:?} {:?}", c.name, c.from, c.to)).collect();
        assert_eq!(said, [r#"moved ["MIT"] ["BUSL-1.1", "MIT"]"#, r#"silent ["ISC"] ["none named"]"#]);
        let new: Vec<(&str, &str)> = changes.new.iter().map(|(text, name)| (text.as_str(), name.as_str())).collect();
        assert_eq!(new, [("BUSL-1.1", "moved"), ("Zlib", "fresh")]);
        assert!(LicenseChanges::between(&old, &old).is_empty());
    }

    #[test]
    fn code_is_new_changed_or_as_it_was() {
        let script = Some(CodeKind::BuildScript);
        let old = components(&[
            ("root", "1", None, None),
            ("a", "1", None, script),
            ("b", "1", None, script),
            ("c", "1", None, None),
        ]);
        let new = components(&[
            ("root", "2", None, script),
            ("a", "1", None, script),
            ("b", "2", None, script),
            ("c", "1", None, script),
        ]);
        let said: Vec<(String, Novelty)> =
            runs_code(Some(&old), &new).into_iter().map(|code| (code.package, code.novelty)).collect();
        let expected =
            [("a-1", Novelty::Same), ("b-2", Novelty::Changed), ("c-1", Novelty::New), ("root-2", Novelty::New)];
        assert_eq!(said, expected.map(|(package, novelty)| (package.to_owned(), novelty)));
        assert!(runs_code(None, &new).iter().all(|code| code.novelty == Novelty::Same));
    }
}
