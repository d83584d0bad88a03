//! The text of `vendor/modules.txt`.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;

use crate::go::GoError;
use crate::go::catalog::{Known, Lookup, ModuleVersion, Need, Project};
use crate::go::graph::inputs::Inputs;
use crate::go::graph::replacements::Instead;
use crate::go::graph::{BuildList, Place};
use crate::go::paths;
use crate::go::version::{self, gover};

/// From here on `require` and `replace` lines are marked.
const EXPLICIT: &str = "1.14";
/// From here on go lines are written.
const GO_LINES: &str = "1.17";

/// The text; or what must be known first.
///
/// As cmd/go's `modcmd.RunVendor`.
pub(super) fn text(
    project: &Project,
    list: &BuildList,
    packages: &BTreeMap<String, String>,
    known: &Known,
    rules: &str,
) -> Result<Result<String, Vec<Need>>, GoError> {
    let inputs = Inputs::read(project, rules)?;
    let marked = gover::compare(&list.go, EXPLICIT).is_ge()
        && (list.workspace || inputs.mains.iter().all(|main| main.file.go.is_some()));
    let go_lines = gover::compare(&list.go, GO_LINES).is_ge();
    let explicit: HashSet<&ModuleVersion> = if marked {
        inputs.mains.iter().flat_map(|main| &main.file.require).map(|line| &line.module).collect()
    } else {
        HashSet::new()
    };
    let mut by_module: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (package, module) in packages {
        by_module.entry(module).or_default().insert(package);
    }
    let modules = sorted(&explicit, by_module.keys().copied(), list);
    let mut needs = Vec::new();
    let mut text = if list.workspace { "## workspace\n".to_owned() } else { String::new() };
    for module in &modules {
        let instead = inputs.replacements.of(&module.path, &module.version)?;
        text.push_str(&line(&module.path, &module.version, instead.as_ref())?);
        let go = match go_lines.then(|| go_line(&module.path, list, known)) {
            Some(Ok(go)) => go,
            Some(Err(need)) => {
                needs.push(need);
                continue;
            }
            None => None,
        };
        let _ = match (explicit.contains(module), go) {
            (true, Some(go)) => writeln!(text, "## explicit; go {go}"),
            (true, None) => writeln!(text, "## explicit"),
            (false, Some(go)) => writeln!(text, "## go {go}"),
            (false, None) => Ok(()),
        };
        let selected = list.modules.get(&module.path).is_some_and(|selected| selected.version == module.version);
        for package in by_module.get(module.path.as_str()).filter(|_| selected).into_iter().flatten() {
            let _ = writeln!(text, "{package}");
        }
    }
    if marked {
        text.push_str(&unused_replacements(&inputs, &modules)?);
    }
    Ok(if needs.is_empty() { Ok(text) } else { Err(needs) })
}

/// The modules that have lines, as `gover.ModSort` orders them.
fn sorted<'a>(
    explicit: &HashSet<&ModuleVersion>,
    with_packages: impl Iterator<Item = &'a str>,
    list: &BuildList,
) -> Vec<ModuleVersion> {
    let selected = with_packages.filter_map(|path| {
        let version = list.modules.get(path)?.version.clone();
        Some(ModuleVersion { path: path.to_owned(), version })
    });
    let all: HashSet<ModuleVersion> = selected.chain(explicit.iter().map(|module| (*module).clone())).collect();
    let mut all: Vec<ModuleVersion> = all.into_iter().collect();
    all.sort_by(|left, right| {
        let versions = || version::compare(&left.path, &left.version, &right.version);
        left.path.cmp(&right.path).then_with(versions).then_with(|| left.version.cmp(&right.version))
    });
    all
}

/// The go line of the selected version of a path.
fn go_line(path: &str, list: &BuildList, known: &Known) -> Result<Option<String>, Need> {
    let Some(selected) = list.modules.get(path) else { return Ok(None) };
    let Place::Proxy(module) = &selected.source else { return Ok(selected.go.clone()) };
    if selected.read {
        return Ok(selected.go.clone());
    }
    match known.mods.get(module) {
        Some(Lookup::Found(file)) => Ok(file.content.go.clone()),
        Some(Lookup::Absent { .. }) => Ok(None),
        None => Err(Need::Mod(module.clone())),
    }
}

/// Replacements of versions that are not in the text above: without the graph nobody could tell otherwise that they had no effect.
fn unused_replacements(inputs: &Inputs<'_>, modules: &[ModuleVersion]) -> Result<String, GoError> {
    let mut written: HashSet<(&str, &str)> =
        modules.iter().map(|module| (module.path.as_str(), module.version.as_str())).collect();
    let mut text = String::new();
    let of_work = inputs.work.iter().flat_map(|work| &work.replace);
    for replace in of_work {
        let version = replace.version.as_deref().unwrap_or_default();
        if written.insert((&replace.path, version)) {
            let by = match replace.by.version.as_str() {
                "" => Instead::Folder { shown: replace.by.path.clone(), dir: String::new() },
                _ => Instead::Module(replace.by.clone()),
            };
            text.push_str(&line(&replace.path, version, Some(&by))?);
        }
    }
    for replace in inputs.mains.iter().flat_map(|main| &main.file.replace) {
        let version = replace.version.as_deref().unwrap_or_default();
        if !written.insert((&replace.path, version)) {
            continue;
        }
        let itself = version.is_empty() && inputs.mains.iter().any(|main| main.file.module == replace.path);
        let instead = if itself { None } else { inputs.replacements.of(&replace.path, version)? };
        if instead.is_some() {
            text.push_str(&line(&replace.path, version, instead.as_ref())?);
        }
    }
    Ok(text)
}

/// `# PATH VERSION => PATH VERSION`.
fn line(path: &str, version: &str, instead: Option<&Instead>) -> Result<String, GoError> {
    let mut line = format!("# {path}");
    if !version.is_empty() {
        let _ = write!(line, " {version}");
    }
    match instead {
        Some(Instead::Folder { shown, .. }) => {
            if paths::is_within(&paths::clean(shown), "vendor") {
                let reason = format!("replacement path {shown} inside vendor directory");
                return Err(GoError::Invalid { file: "go.mod".to_owned(), reason });
            }
            let _ = write!(line, " => {shown}");
        }
        Some(Instead::Module(by)) => {
            let _ = write!(line, " => {} {}", by.path, by.version);
        }
        None => {}
    }
    line.push('\n');
    Ok(line)
}
