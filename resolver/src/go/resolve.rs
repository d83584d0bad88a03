//! Modules and packages put together.

use std::collections::{BTreeMap, BTreeSet};

use super::GoError;
use super::catalog::{Known, LocalModule, Lookup, Need, Project, Step, Target};
use super::facts::ModuleFacts;
use super::graph::{self, BuildList, GraphStep, Place, RootsStep, Selected};
use super::packages::{self, PackageGraph, PackageStep};
use crate::error::ResolveError;
use crate::plan::go::{GoGraph, Module, Package, Source};

/// Resolves a module or workspace as far as `known` allows, by the rules of the toolchain of `target.standard`, as Go does it with
/// `-mod=readonly`.
///
/// # Errors
/// When it cannot be resolved, however much is known: Go would refuse it too.
pub fn step(project: &Project, target: &Target, known: &Known) -> Result<Step, ResolveError> {
    let list = match graph::step(project, known, target.rules()) {
        Ok(GraphStep::Need(needs)) => return Ok(Step::Need(needs)),
        Ok(GraphStep::Done(list)) => list,
        Err(error) => return by_roots(project, target, known, error),
    };
    match packages::step(project, &list, target, known)? {
        PackageStep::Need(needs) => Ok(Step::Need(needs)),
        PackageStep::Done(packages) => Ok(finish(project, target, known, &list, *packages)),
    }
}

/// The whole graph has an error. Go does not notice it on systems where all packages are in modules that go.mod itself names.
fn by_roots(project: &Project, target: &Target, known: &Known, error: GoError) -> Result<Step, ResolveError> {
    let roots = |used: &BTreeSet<&str>| graph::roots(project, known, target.rules(), used);
    let Ok(RootsStep::Done(list)) = roots(&BTreeSet::new()) else { return Err(error.into()) };
    let packages = match packages::step(project, &list, target, known) {
        Ok(PackageStep::Need(needs)) => return Ok(Step::Need(needs)),
        Ok(PackageStep::Done(packages)) => packages,
        Err(_) => return Err(error.into()),
    };
    let (mut good, mut needs) = (target.clone(), BTreeSet::new());
    good.systems.retain(|system| match roots(&used_on(&packages, Some(&system.system))) {
        Ok(RootsStep::Need(more)) => {
            needs.extend(more);
            true
        }
        Ok(RootsStep::Done(_)) => !packages.refused.contains_key(&system.system),
        Ok(RootsStep::Whole) | Err(_) => false,
    });
    if !needs.is_empty() {
        return Ok(Step::Need(needs.into_iter().collect()));
    }
    let packages = match packages::step(project, &list, &good, known) {
        Ok(PackageStep::Done(packages)) if !good.systems.is_empty() => packages,
        _ => return Err(error.into()),
    };
    let Ok(RootsStep::Done(list)) = roots(&used(&packages)) else { return Err(error.into()) };
    let step = finish(project, &good, known, &list, *packages);
    Ok(match step {
        Step::Done(mut graph) => {
            let others = target.systems.iter().filter(|system| !graph.systems.contains(&system.system));
            let refused: Vec<_> = others.map(|system| (system.system.clone(), error.to_string())).collect();
            graph.refused.extend(refused);
            Step::Done(graph)
        }
        needs @ Step::Need(_) => needs,
    })
}

fn finish(project: &Project, target: &Target, known: &Known, list: &BuildList, packages: PackageGraph) -> Step {
    let parts = Parts { project, target, known, list };
    match parts.mod_files(&packages) {
        Ok(mod_files) => Step::Done(Box::new(parts.graph(packages, mod_files))),
        Err(needs) => Step::Need(needs),
    }
}

struct Parts<'a> {
    project: &'a Project,
    target: &'a Target,
    known: &'a Known,
    list: &'a BuildList,
}

impl Parts<'_> {
    fn graph(&self, packages: PackageGraph, mod_files: BTreeMap<String, String>) -> GoGraph {
        let Self { target, list, .. } = *self;
        let used = used(&packages);
        let is_used = |path: &String| used.contains(path.as_str()) || list.mains.contains(path);
        let modules = list.modules.iter().map(|(path, selected)| {
            let source = is_used(path).then(|| self.source(selected)).flatten();
            (path.clone(), self.module(selected, source))
        });
        let systems = target.systems.iter().map(|system| system.system.clone());
        GoGraph {
            roots: list.mains.clone(),
            rules: target.standard.version().to_owned(),
            go: list.go.clone(),
            toolchain: list.toolchain.as_deref().and_then(|line| line.strip_prefix("go")).map(str::to_owned),
            cgo: target.cgo,
            tags: target.tags.iter().cloned().collect(),
            godebug: list.godebug.iter().cloned().collect(),
            systems: systems.filter(|system| !packages.refused.contains_key(system)).collect(),
            refused: packages.refused.iter().map(|(system, why)| (system.clone(), why.to_string())).collect(),
            modules: modules.collect(),
            mod_files,
            searched: self.searched(&packages),
            programs: packages.programs,
            packages: packages.packages,
            standard: packages.standard,
        }
    }

    fn module(&self, selected: &Selected, source: Option<Source>) -> Module {
        let released = match &selected.source {
            Place::Main(dir) => self.local(dir).and_then(|main| main.version.clone()),
            Place::Folder(_) | Place::Proxy(_) => None,
        };
        Module {
            version: released.unwrap_or_else(|| selected.version.clone()),
            replace: selected.replace.clone(),
            go: selected.go.clone(),
            license: source.as_ref().and_then(|_| self.facts(selected)?.licence()).map(str::to_owned),
            source,
            ..Module::default()
        }
    }

    /// The files of a module from a proxy, where they were asked for.
    fn facts(&self, selected: &Selected) -> Option<&ModuleFacts> {
        match &selected.source {
            Place::Proxy(module) => match self.known.zips.get(module)? {
                Lookup::Found(facts) => Some(facts),
                Lookup::Absent { .. } => None,
            },
            Place::Main(dir) => self.local(dir).map(|main| &*main.facts),
            Place::Folder(_) => None,
        }
    }

    /// Where a module's files are; nothing for one whose files nobody asked for.
    fn source(&self, selected: &Selected) -> Option<Source> {
        match &selected.source {
            Place::Proxy(_) => self
                .facts(selected)
                .map(|facts| Source::Proxy { hash: facts.hash().to_owned(), sum: facts.sum().to_owned() }),
            Place::Folder(dir) => Some(Source::Directory { path: dir.clone() }),
            Place::Main(dir) => match self.local(dir).filter(|main| main.version.is_some()) {
                Some(main) => {
                    Some(Source::Proxy { hash: main.facts.hash().to_owned(), sum: main.facts.sum().to_owned() })
                }
                None => Some(Source::Directory { path: dir.clone() }),
            },
        }
    }

    /// Modules from the proxy that were looked into and give nothing.
    fn searched(&self, packages: &PackageGraph) -> BTreeMap<String, String> {
        let used = used(packages);
        let others = packages.searched.iter().filter(|path| !used.contains(path.as_str()));
        let sums = others.filter_map(|path| match &self.list.modules.get(path)?.source {
            Place::Proxy(module) => match self.known.zips.get(module)? {
                Lookup::Found(facts) => Some((module.to_string(), facts.sum().to_owned())),
                Lookup::Absent { .. } => None,
            },
            Place::Main(_) | Place::Folder(_) => None,
        });
        sums.collect()
    }

    fn local(&self, dir: &str) -> Option<&LocalModule> {
        self.project.mains.iter().find(|main| main.dir == dir)
    }

    /// The go.mod files that stock Go reads, but for those that stand in a folder which is needed anyway; or those of them that
    /// are not known yet.
    fn mod_files(&self, packages: &PackageGraph) -> Result<BTreeMap<String, String>, Vec<Need>> {
        let used = used(packages);
        let inside: BTreeSet<_> = used
            .iter()
            .filter_map(|path| match &self.list.modules.get(*path)?.source {
                Place::Proxy(module) => Some(module),
                Place::Main(_) | Place::Folder(_) => None,
            })
            .collect();
        let (mut files, mut needs) = (BTreeMap::new(), Vec::new());
        for module in self.list.mod_files(used.iter().copied()) {
            if inside.contains(&module) {
                continue;
            }
            match self.known.mods.get(&module) {
                Some(Lookup::Found(file)) => {
                    files.insert(module.to_string(), file.hash.clone());
                }
                Some(Lookup::Absent { .. }) => {}
                None => needs.push(Need::Mod(module)),
            }
        }
        if needs.is_empty() { Ok(files) } else { Err(needs) }
    }
}

/// The paths of the modules that give packages.
fn used(packages: &PackageGraph) -> BTreeSet<&str> {
    used_on(packages, None)
}

/// Those that give some on a system.
fn used_on<'a>(packages: &'a PackageGraph, system: Option<&str>) -> BTreeSet<&'a str> {
    let on = |package: &&Package| system.is_none_or(|system| package.on.contains(system));
    packages.packages.values().flatten().filter(on).map(|package| package.module.as_str()).collect()
}
