//! Our resolver's answers about a universe. It is asked in process, with a catalog that is filled from the universe itself: a
//! program started eight times for each would take longer than Go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use nixwright_resolver::go::catalog::{
    GoSystem, Known, LocalModule, Lookup, ModFile, ModuleVersion, Need, Project, Step, Target,
};
use nixwright_resolver::go::facts::{Builder, Content, ModuleFacts, StandardBuilder, StandardLibrary};
use nixwright_resolver::go::graph::{self, BuildList, GraphStep};
use nixwright_resolver::go::modfile::{GoMod, Reading};
use nixwright_resolver::go::step;
use nixwright_resolver::go::sums::hash_of_go_mod;
use nixwright_resolver::go::workfile::GoWork;
use nixwright_resolver::go::zip::{LIMITS, read_zip};
use nixwright_resolver::plan::go::GoGraph;

use super::answer::{Answer, Answers, PackageSet, SYSTEMS};
use super::go::Go;
use super::plan::package_set;
use crate::go::proxy::{go_mod, zip};
use crate::go::universe::{Release, Universe};
use crate::process::{command, files_below, stdout_of};

/// What Go's own sources teach: read once.
static STANDARD: LazyLock<Arc<StandardLibrary>> = LazyLock::new(|| {
    let root = stdout_of(command(Go::program()).args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local"));
    let sources = Path::new(root.trim()).join("src");
    let read = |path: &Path| std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut library = StandardLibrary::builder();
    for file in files_below(&sources) {
        let path = file.to_str().expect("names of Go's own files");
        let bytes = StandardBuilder::wants(path).then(|| read(&sources.join(&file)));
        library.add(path, bytes.as_deref().map_or(Content::Unread, Content::Bytes));
    }
    Arc::new(library.finish().expect("the standard library of a Go that works"))
});

/// A universe as our resolver sees it.
pub struct Ours<'a> {
    releases: BTreeMap<&'a str, Release<'a>>,
    project: Answer<Project>,
    known: Known,
}

impl<'a> Ours<'a> {
    /// For a prepared universe.
    pub fn new(universe: &'a Universe) -> Self {
        Self { releases: universe.releases(), project: project(universe), known: Known::default() }
    }

    /// What ours says to all that Go was asked.
    pub fn answers(&mut self, go: &Answers) -> Answers {
        let list = self.build_list().map(|list| list.lines());
        let graph = self.graph();
        let mut packages = BTreeMap::new();
        for cgo in [true, false] {
            let variants: Vec<_> = go.packages.keys().filter(|variant| variant.cgo == cgo).collect();
            if variants.is_empty() {
                continue;
            }
            let found = self.packages(cgo);
            for variant in variants {
                let answer = found.clone().and_then(|graph| on(&graph, variant.system));
                packages.insert(variant.clone(), answer);
            }
        }
        Answers { list, graph, packages }
    }

    fn packages(&mut self, cgo: bool) -> Answer<Box<GoGraph>> {
        let project = self.project.clone()?;
        let system = |(system, os, arch): (&str, &str, &str)| GoSystem {
            system: system.to_owned(),
            os: os.to_owned(),
            arch: arch.to_owned(),
        };
        let systems = SYSTEMS.into_iter().map(system).collect();
        let target = Target { systems, cgo, tags: Vec::new(), standard: STANDARD.clone(), go: None };
        loop {
            match step(&project, &target, &self.known).map_err(|error| error.to_string())? {
                Step::Done(graph) => return Ok(graph),
                Step::Need(needs) => self.fetch(needs),
            }
        }
    }

    fn build_list(&mut self) -> Answer<Box<BuildList>> {
        let project = self.project.clone()?;
        loop {
            match graph::step(&project, &self.known, STANDARD.version()).map_err(|error| error.to_string())? {
                GraphStep::Done(list) => return Ok(list),
                GraphStep::Need(needs) => self.fetch(needs),
            }
        }
    }

    fn graph(&mut self) -> Answer<BTreeSet<String>> {
        self.build_list()?;
        let project = self.project.clone()?;
        let lines = graph::lines(&project, &self.known, STANDARD.version()).map_err(|error| error.to_string())?;
        Ok(lines.into_iter().collect())
    }

    fn fetch(&mut self, needs: Vec<Need>) {
        for need in needs {
            match need {
                Need::Mod(module) => {
                    let found = self.mod_file(&module);
                    assert!(self.known.mods.insert(module, found).is_none(), "asked for twice");
                }
                Need::Zip(module) => {
                    let found = self.zip(&module);
                    assert!(self.known.zips.insert(module, found).is_none(), "asked for twice");
                }
            }
        }
    }

    fn mod_file(&self, module: &ModuleVersion) -> Lookup<ModFile> {
        let Some(release) = self.releases.get(module.to_string().as_str()) else { return absent() };
        let text = go_mod(&module.path, release);
        match GoMod::parse(&text, Reading::Dependency) {
            Ok(content) => Lookup::Found(ModFile {
                content: Arc::new(content),
                sum: hash_of_go_mod(text.as_bytes()),
                hash: String::new(),
            }),
            Err(error) => Lookup::Absent { why: error.to_string() },
        }
    }

    fn zip(&self, module: &ModuleVersion) -> Lookup<Arc<ModuleFacts>> {
        let id = module.to_string();
        let Some(release) = self.releases.get(id.as_str()) else { return absent() };
        match read_zip(&zip(&id, release), &module.path, &module.version, LIMITS) {
            Ok(facts) => Lookup::Found(Arc::new(facts)),
            Err(error) => Lookup::Absent { why: error.to_string() },
        }
    }
}

fn on(graph: &GoGraph, system: &str) -> Answer<PackageSet> {
    match graph.refused.get(system) {
        Some(error) => Err(error.clone()),
        None => Ok(package_set(&graph.packages, &graph.standard, system)),
    }
}

fn absent<T>() -> Lookup<T> {
    Lookup::Absent { why: "404".to_owned() }
}

/// The project's folders, read as a caller of the resolver reads them.
fn project(universe: &Universe) -> Answer<Project> {
    let mut project = Project::default();
    let mains = match universe.files.get("go.work") {
        None => vec![".".to_owned()],
        Some(text) => {
            project.work = Some((text.clone(), universe.files.get("go.work.sum").cloned()));
            let work = GoWork::parse(text).map_err(|error| error.to_string())?;
            work.uses.iter().map(|used| plain(&used.path)).collect()
        }
    };
    for dir in mains {
        project.mains.push(local(universe, &dir).ok_or_else(|| format!("{dir} has no go.mod"))?);
    }
    for dir in graph::folders(&project).map_err(|error| error.to_string())? {
        if let Some(module) = local(universe, &dir) {
            project.folders.insert(dir, module);
        }
    }
    Ok(project)
}

fn plain(dir: &str) -> String {
    match dir.trim_start_matches("./").trim_end_matches('/') {
        "" => ".".to_owned(),
        dir => dir.to_owned(),
    }
}

fn local(universe: &Universe, dir: &str) -> Option<LocalModule> {
    let below = if dir == "." { String::new() } else { format!("{dir}/") };
    let file = |name: &str| universe.files.get(&format!("{below}{name}")).cloned();
    let go_mod = file("go.mod")?;
    let mut facts = Builder::local();
    for (path, text) in universe.project() {
        if let Some(path) = path.strip_prefix(&below) {
            facts.add(path, Content::Bytes(text.as_bytes()));
        }
    }
    let facts = facts.finish(String::new(), String::new()).expect("facts of a few files");
    Some(LocalModule { dir: dir.to_owned(), go_mod, go_sum: file("go.sum"), facts: Arc::new(facts), version: None })
}
