//! go.mod files of what the proxy has, and the requirements that go into all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::packages::Imported;
use super::{At, World};
use crate::chance::Chance;

/// The version that is asked for of each module, by indices.
pub(super) type Requires = BTreeMap<usize, usize>;

/// What has to be required for imports: a module version that has the package, most of the time.
pub(super) fn requires(chance: &mut Chance, world: &World, imported: &Imported, own: Option<At>) -> Requires {
    let mut requires = Requires::new();
    for package in &imported.packages {
        let homes = &world.packages[*package].homes;
        let home = chance.pick(homes);
        let with: Vec<usize> = (0..home.has.len()).filter(|version| home.has[*version]).collect();
        let wrong = chance.0.u32(0..1000) < world.style.wrong;
        if own.is_some_and(|(module, _)| module == home.module) || wrong {
            continue;
        }
        let version = match with.as_slice() {
            [] => chance.between(0, home.has.len() - 1),
            _ if chance.percent(4) => chance.between(0, home.has.len() - 1),
            with => *chance.pick(with),
        };
        let wanted = requires.entry(home.module).or_insert(version);
        *wanted = (*wanted).max(version);
    }
    if chance.percent(12) {
        let module = chance.between(0, world.modules.len() - 1);
        if own.is_none_or(|(own, _)| own != module) {
            requires.entry(module).or_insert(chance.between(0, world.modules[module].versions.len() - 1));
        }
    }
    requires
}

/// The highest version of everything that is reached from requirements.
pub(super) fn closure(needs: &BTreeMap<At, Requires>, from: &Requires) -> Requires {
    let mut highest = from.clone();
    let mut open: Vec<At> = from.iter().map(|(module, version)| (*module, *version)).collect();
    let mut seen: BTreeSet<At> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        for (module, version) in needs.get(&at).into_iter().flatten() {
            let known = highest.entry(*module).or_insert(*version);
            *known = (*known).max(*version);
            if seen.insert((*module, *version)) {
                open.push((*module, *version));
            }
        }
    }
    highest
}

/// The go.mod of a version that the proxy has.
pub(super) fn of_release(chance: &mut Chance, world: &World, needs: &BTreeMap<At, Requires>, at: At) -> String {
    let module = &world.modules[at.0];
    let direct = &needs[&at];
    let mut all = direct.clone();
    if module.prunes(at.1) && !chance.percent(world.style.short) {
        all = closure(needs, direct);
        all.remove(&at.0);
    }
    let mut text = format!("module {}\n", module.path);
    if let Some(go) = module.versions[at.1].go {
        let _ = write!(text, "\ngo {go}\n");
        if chance.percent(6) {
            text.push_str("\ntoolchain go1.27.1\n");
        }
    }
    text.push_str(&require_lines(chance, world, direct, &all));
    if chance.percent(5) {
        // Words for the module when it is the main one.
        let other = chance.pick(&world.modules);
        let _ = write!(text, "\nexclude {} {}\n", other.path, other.versions[0].text);
        let _ = write!(text, "\nreplace {} => ../{}\n", other.path, other.word);
    }
    if chance.percent(8) {
        let worse = &module.versions[chance.between(0, at.1)].text;
        let _ = write!(text, "\nretract {worse} // broken\n");
    }
    if chance.percent(2) {
        text.push_str("\nunheard of\n");
    }
    text
}

/// `require` lines, as blocks, single, in one or two.
pub(super) fn require_lines(chance: &mut Chance, world: &World, direct: &Requires, all: &Requires) -> String {
    let line = |module: &usize, version: &usize| {
        let end = if direct.contains_key(module) { "" } else { " // indirect" };
        let module = &world.modules[*module];
        format!("{} {}{end}\n", module.path, module.versions[*version].text)
    };
    let lines: Vec<String> = all.iter().map(|(module, version)| line(module, version)).collect();
    if lines.is_empty() {
        return String::new();
    }
    if chance.percent(30) {
        return lines.iter().fold(String::from("\n"), |text, line| text + "require " + line.as_str());
    }
    let inside = lines.iter().fold(String::new(), |text, line| text + "\t" + line.as_str());
    format!("\nrequire (\n{inside})\n")
}
